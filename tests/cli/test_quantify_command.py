"""``quantify`` from file to folder: known truth, water scaling, layouts, refusals."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.quantification.relaxation import T1_S, T2_S, TISSUE_WATER, WATER_MOLALITY, visible
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.steps.quantify import quantify

N, DT, F0 = 1024, 5e-4, 123.25
TE_S, TR_S = 0.03, 2.0
LINES = {
    "NAA": [(2.01, 3)],
    "Cr": [(3.03, 3), (3.91, 2)],
    "PCr": [(3.03, 3), (3.93, 2)],
    "GPC": [(3.21, 9)],
    "Ins": [(3.52, 2), (3.61, 2), (4.05, 1), (3.27, 1)],
}
NAMES = sorted(LINES)
MOLAR = {"NAA": 10.0, "Cr": 4.5, "PCr": 3.5, "GPC": 1.5, "Ins": 6.0}
SCALE = 0.003


def signal(ppm: float, protons: float, gamma: float) -> np.ndarray:
    """Return a singlet; an amplitude of one is one proton."""
    return protons * physics.singlet(N, DT, (ppm - 4.65) * F0, gamma, 0.0, np.zeros(1, dtype=complex))


def basis() -> Basis:
    fids = np.stack([sum(signal(ppm, n, 6.0) for ppm, n in lines) for lines in LINES.values()])
    return Basis(7.0 * fids, tuple(LINES), DT, F0, name="five")


def scans(rng: np.random.Generator, n_voxels: int = 1, noise: float = 0.2) -> tuple[MRSData, MRSData]:
    """Return metabolites of known concentration in pure water at 3 T, and the water."""
    t1, t2 = T1_S["3T"], T2_S["3T"]
    left = visible(t1["METAB"], t2["METAB"], TE_S, TR_S)
    mean_t1, mean_t2 = ((t["H2O_WM"] + t["H2O_GM"]) / 2 for t in (t1, t2))
    water_left = visible(mean_t1, mean_t2, TE_S, TR_S)
    clean = sum(
        MOLAR[name] * left * sum(signal(*line, 6.0) for line in lines) for name, lines in LINES.items()
    )
    place = np.arange(n_voxels)
    seen = physics.damp(np.tile(clean, (n_voxels, 1)), 8.0 + place % 3, np.full(n_voxels, 5.0), DT)
    seen = physics.phase(physics.shift(seen, 2.0 - place % 4, DT), 0.3 * (place % 5))
    seen = physics.add_noise(SCALE * seen, SCALE * noise, rng)
    water = SCALE * WATER_MOLALITY * water_left * np.tile(signal(4.65, 2, 14.0), (n_voxels, 1))
    water = physics.phase(water, np.full(n_voxels, 1.0))
    header = {"EchoTime": TE_S, "RepetitionTime": TR_S, "PatientName": "nobody"}

    def data(fids: np.ndarray, name: str) -> MRSData:
        fids = fids.astype(np.complex64).reshape(-1, 1, 1, N)
        return MRSData(fids, DT, F0, affine=np.diag([20.0, 20, 20, 1]), header=header, name=name)

    return data(seen, "scan.nii.gz"), data(water, "water.nii.gz")


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder with one voxel, eight voxels, their water, and a basis set."""
    for name, size in (("svs", 1), ("mrsi", 8)):
        metabolites, water = scans(rng, size)
        nifti.write(metabolites, tmp_path / f"{name}.nii.gz")
        nifti.write(water, tmp_path / f"{name}_water.nii.gz")
    write_json_basis(basis(), tmp_path / "basis")
    return tmp_path


def run(folder: Path, name: str, *more: str, out: str = "out") -> int:
    line = ["quantify", "--data", str(folder / f"{name}.nii.gz"), "--basis", str(folder / "basis")]
    return main([*line, "--output", str(folder / out), *more])


def table(path: Path) -> dict[str, dict[str, float]]:
    with path.open() as handle:
        rows = list(csv.DictReader(handle))
    first = next(iter(rows[0]))
    return {row[first]: {k: float(v or "nan") for k, v in row.items() if k != first} for row in rows}


class TestOneVoxel:
    def test_known_concentrations_within_their_bounds(self, folder: Path) -> None:
        assert run(folder, "svs", "--h2o", str(folder / "svs_water.nii.gz"), "--combine", "NAA", "Ins") == 0
        found = table(folder / "out" / "summary.csv")
        assert list(found) == [*NAMES, "Cr+PCr", "NAA+Ins"]
        sums = {"Cr+PCr": MOLAR["Cr"] + MOLAR["PCr"], "NAA+Ins": MOLAR["NAA"] + MOLAR["Ins"]}
        for name, truth in {**MOLAR, **sums}.items():
            row = found[name]
            # 1.5 %: tails of creatine and water beyond the limits of integration, as for FSL-MRS.
            assert abs(row["mM"] - truth) < 4 * row["mM CRLB"] + 0.015 * truth
            assert row["mMol/kg"] == row["mM"]
            assert abs(row["/Cr+PCr"] - truth / 8) < 4 * row["/Cr+PCr CRLB"] + 1e-9
            assert row["%CRLB"] == pytest.approx(100 * row["mM CRLB"] / row["mM"])
        assert found["Cr+PCr"]["mM CRLB"] < found["Cr"]["mM CRLB"]
        quality = table(folder / "out" / "qc.csv")
        assert set(quality) == set(LINES)
        width = physics_width(8.0 + 6.0, 5.0)
        assert quality["NAA"]["FWHM"] == pytest.approx(width, rel=0.1)

    def test_tissue_fractions(self, folder: Path) -> None:
        water = ("--h2o", str(folder / "svs_water.nii.gz"))
        assert run(folder, "svs", *water, out="pure") == 0
        assert run(folder, "svs", *water, "--tissue_frac", "0.5", "0.4", "0.1", out="three") == 0
        (folder / "f.json").write_text('{"WM": 0.5, "GM": 0.4, "CSF": 0.1}')
        assert run(folder, "svs", *water, "--tissue_frac", str(folder / "f.json"), out="json") == 0
        three = table(folder / "three" / "summary.csv")["NAA"]
        assert three == table(folder / "json" / "summary.csv")["NAA"]
        assert three["mM"] < table(folder / "pure" / "summary.csv")["NAA"]["mM"]
        density = 0.5 * TISSUE_WATER["WM"] + 0.4 * TISSUE_WATER["GM"]
        # Per litre of tissue against per kilogram of its water.
        assert three["mM"] / three["mMol/kg"] == pytest.approx(density / 0.9)

    def test_tables_are_those_of_fsl_mrs_and_ours_stand_behind(self, folder: Path) -> None:
        assert run(folder, "svs") == 0
        heads = {
            name: (folder / "out" / f"{name}.csv").read_text().splitlines()
            for name in ("summary", "concentrations", "qc", "all_parameters")
        }
        assert heads["summary"][0] == "Metab,/Cr+PCr,/Cr+PCr CRLB,%CRLB,SNR,FWHM"
        assert heads["concentrations"][0].startswith("Metabs,mean,mean,std,std,crlb,crlb,posterior_mean,")
        assert heads["concentrations"][1].startswith(",raw,internal,raw,internal,raw,internal,")
        assert all(float(cell) > 0 for cell in heads["concentrations"][2].split(",")[7:])
        assert heads["qc"][0] == "Metab,SNR,FWHM,ood"
        assert heads["all_parameters"][0] == "parameter,mean,std"
        assert [row.split(",")[0] for row in heads["all_parameters"][1:]] == [
            *NAMES,
            *("gamma_0", "sigma_0", "eps_0", "Phi0", "Phi1"),
            *(f"B_{part}_{i}" for i in range(3) for part in ("real", "imag")),
        ]
        assert all(float(row.split(",")[2]) > 0 for row in heads["all_parameters"][len(NAMES) + 1 :][:5])

    def test_without_creatine_there_is_no_ratio(self, folder: Path) -> None:
        assert run(folder, "svs", "--keep", "NAA", "GPC", "Ins") == 0
        assert (
            (folder / "out" / "summary.csv").read_text().startswith("Metab,Raw conc,Raw CRLB,%CRLB,SNR,FWHM")
        )

    def test_curves(self, folder: Path) -> None:
        assert run(folder, "svs") == 0
        given = nifti.read(folder / "svs.nii.gz")
        read = {
            n: nifti.read(folder / "out" / f"{n}.nii.gz")
            for n in ("fit", "baseline", "residual", "metabolites")
        }
        np.testing.assert_allclose(read["fit"].fid + read["residual"].fid, given.fid, atol=1e-6)
        members = read["metabolites"]
        assert members.dim_tags == ("DIM_USER_0",)
        assert members.dim_headers["DIM_USER_0"]["header"]["Metabolite"]["Value"] == NAMES
        np.testing.assert_allclose(
            members.fid.sum(axis=-1) + read["baseline"].fid, read["fit"].fid, atol=1e-5
        )
        for curve in read.values():
            assert dict(curve.header) == dict(given.header)
            assert curve.processing[-1]["Method"] == "Quantification"
            assert "baseline=poly, 2" in curve.processing[-1]["Details"]
            np.testing.assert_array_equal(curve.affine, given.affine)

    def test_conjugated_data_are_left_and_told_of_or_turned_when_asked(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        data = nifti.read(folder / "svs.nii.gz")
        nifti.write(data.with_fid(data.fid.conj()), folder / "wrong.nii.gz")
        assert run(folder, "svs", out="right") == 0
        assert "--conj_fid" not in caplog.text
        assert run(folder, "wrong", out="left") == 0
        assert "the data look conjugated; if they are, give --conj_fid" in caplog.text
        assert run(folder, "wrong", "--conj_fid", out="turned") == 0
        notes = {
            out: json.loads((folder / out / "run.json").read_text())["notes"]
            for out in ("right", "left", "turned")
        }
        assert [any("look conjugated" in n for n in notes[out]) for out in notes] == [False, True, False]
        assert any("as asked for (--conj_fid)" in n for n in notes["turned"])
        right, turned = (table(folder / out / "summary.csv")["NAA"] for out in ("right", "turned"))
        assert turned["/Cr+PCr"] == pytest.approx(right["/Cr+PCr"], rel=1e-6)

    def test_record_lists_exactly_what_was_written(self, folder: Path) -> None:
        assert run(folder, "svs", "--report") == 0
        said = json.loads((folder / "out" / "run.json").read_text())
        written = {str(p.relative_to(folder / "out")) for p in (folder / "out").rglob("*") if p.is_file()}
        assert set(said["files"]) == written
        assert "report.html" in written
        assert (
            "nobody"
            not in (folder / "out" / "run.json").read_text() + (folder / "out" / "report.html").read_text()
        )

    def test_options_from_a_file(self, folder: Path) -> None:
        (folder / "run.toml").write_text(
            f'basis = "{folder / "basis"}"\nbaseline = "off"\nkeep = ["NAA", "Cr"]\n'
        )
        line = ["quantify", "--data", str(folder / "svs.nii.gz"), "--output", str(folder / "out")]
        assert main([*line, "--config", str(folder / "run.toml"), "--keep", "NAA", "Cr", "GPC"]) == 0
        said = json.loads((folder / "out" / "run.json").read_text())
        assert said["settings"]["baseline"] == "off"
        assert said["basis"]["metabolites"] == ["Cr", "GPC", "NAA"]


def physics_width(gamma: float, sigma: float) -> float:
    """Return the width of a Voigt line in Hz."""
    lorentz, gauss = gamma / np.pi, 2 * sigma * np.sqrt(np.log(2)) / np.pi
    return float(0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2))


class TestManyVoxels:
    def test_shifts_of_members_are_written_where_they_are_fitted(self, folder: Path) -> None:
        assert run(folder, "mrsi", "--metab_shift_sd", "1", "--keep", "NAA", "Cr") == 0
        said = json.loads((folder / "out" / "fit" / "parameters.json").read_text())
        assert {"shift_NAA", "shift_Cr"} <= {parameter["name"] for parameter in said["parameters"]}

    def test_layout_is_that_of_fsl_mrsi(self, folder: Path) -> None:
        assert run(folder, "mrsi", "--h2o", str(folder / "mrsi_water.nii.gz"), "--metab_groups", "GPC") == 0
        out = folder / "out"
        names = [*LINES, "Cr+PCr"]
        theirs = {f"concs/{s}/{m}.nii.gz" for s in ("raw", "internal", "molality", "molarity") for m in names}
        theirs |= {f"uncertainties/{m}_sd.nii.gz" for m in names}
        theirs |= {f"qc/{m}_{q}.nii.gz" for m in LINES for q in ("snr", "fwhm")}
        kinds = ("shift", "combined_lw", "gamma", "sigma")
        theirs |= {f"nuisance/{k}_group{g}.nii.gz" for k in kinds for g in range(2)}
        theirs |= {"nuisance/p0.nii.gz", "nuisance/p1.nii.gz"}
        theirs |= {f"fit/{n}.nii.gz" for n in ("fit", "residual", "baseline")}
        theirs |= {"misc/metabolite_groups.json", "misc/mrs_fit_parameters.json"}
        ours = {
            "fit/parameters.nii.gz",
            "fit/parameters.json",
            "qc/flags.nii.gz",
            "qc/flags.json",
            "qc/ood.nii.gz",
            "run.json",
        }
        ours |= {"mrsdl.tree", "mrsdl_colourscheme.json", *(f"basis/{m}.json" for m in LINES)}
        ours |= {f"intervals/{m}_ci{end}.nii.gz" for m in names for end in ("68_low", "68_high")}
        ours |= {f"intervals/{m}_ci{end}.nii.gz" for m in names for end in ("95_low", "95_high")}
        ours |= {f"posterior/{m}_{what}.nii.gz" for m in names for what in ("mean", "shrinkage")}
        assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == theirs | ours
        image = nib.load(out / "concs" / "molarity" / "NAA.nii.gz")
        np.testing.assert_array_equal(image.affine, nib.load(folder / "mrsi.nii.gz").affine)
        np.testing.assert_allclose(image.get_fdata().ravel(), MOLAR["NAA"], rtol=0.05)
        sd = nib.load(out / "uncertainties" / "NAA_sd.nii.gz").get_fdata()
        assert np.all((sd > 0.1) & (sd < 5))
        shifts = nib.load(out / "nuisance" / "shift_group0.nii.gz").get_fdata().ravel()
        np.testing.assert_allclose(shifts, -(2.0 - np.arange(8) % 4) / F0, atol=3e-3)
        assert nib.load(out / "qc" / "flags.nii.gz").get_data_dtype() == np.int16

    def test_parameters_and_basis_draw_the_fit(self, folder: Path) -> None:
        assert run(folder, "mrsi", "--baseline", "off") == 0
        out = folder / "out"
        said = json.loads((out / "fit" / "parameters.json").read_text())
        volumes = nib.load(out / "fit" / "parameters.nii.gz").get_fdata()[5, 0, 0]
        value = dict(zip([p["name"] for p in said["parameters"]], volumes, strict=True))
        from fsl_mrs_dl.io.basis import read_basis

        members = read_basis(out / "basis")
        curve = sum(
            value[f"amplitude_{n}"] * fid for n, fid in zip(members.names, members.fids, strict=True)
        )[None]
        curve = physics.damp(curve, np.array([value["gamma_0"]]), np.array([value["sigma_0"]]), DT)
        curve = physics.shift(
            physics.phase(curve, np.array([value["phase"]])), np.array([value["shift_0"]]), DT
        )
        curve = physics.first_order_phase(curve, np.array([value["delay"]]), DT, value["shift_0"])
        drawn = nifti.read(out / "fit" / "fit.nii.gz").fid[5, 0, 0]
        assert np.abs(curve[0] - drawn).max() < 1e-3 * np.abs(drawn).max()

    def test_mask_zero_and_bad_voxels(self, folder: Path) -> None:
        data = nifti.read(folder / "mrsi.nii.gz")
        fid = data.fid.copy()
        fid[1], fid[2] = 0, np.nan
        nifti.write(replace(data, fid=fid), folder / "mrsi.nii.gz")
        mask = np.ones((8, 1, 1), dtype=np.uint8)
        mask[0] = 0
        nib.save(nib.Nifti1Image(mask, data.affine), folder / "mask.nii.gz")
        assert run(folder, "mrsi", "--mask", str(folder / "mask.nii.gz"), "--report") == 0
        raw = nib.load(folder / "out" / "concs" / "raw" / "NAA.nii.gz").get_fdata().ravel()
        assert raw[:3].tolist() == [0, 0, 0]
        assert np.all(raw[3:] > 0)
        flags = np.asarray(nib.load(folder / "out" / "qc" / "flags.nii.gz").dataobj).ravel()
        assert flags.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
        assert json.loads((folder / "out" / "run.json").read_text())["flags"] == {"nonfinite": 1}

    def test_chunks_do_not_show(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        data, water = nifti.read(folder / "mrsi.nii.gz"), nifti.read(folder / "mrsi_water.nii.gz")
        whole = quantify(data, basis=basis(), h2o=water).outcome
        monkeypatch.setattr("fsl_mrs_dl.fit.quantification.run.CHUNK", 3)
        parts = quantify(data, basis=basis(), h2o=water).outcome
        assert whole is not None
        assert parts is not None
        for scaling, scaled in whole.scaled.items():
            np.testing.assert_allclose(parts.scaled[scaling].value, scaled.value, rtol=1e-6)
            widest = scaled.extra["ci95_high"] - scaled.extra["ci95_low"]
            # Another width of a chunk rounds otherwise; a draw moves by far less than its spread.
            moved = parts.scaled[scaling].extra["posterior_mean"] - scaled.extra["posterior_mean"]
            assert (np.abs(moved) <= 0.01 * widest + 1e-12).all()
        np.testing.assert_allclose(parts.snr, whole.snr, rtol=1e-4)
        np.testing.assert_allclose(parts.fit, whole.fit, atol=1e-6)

    def test_overwrite_replaces_what_an_earlier_run_wrote_and_no_more(self, folder: Path) -> None:
        assert run(folder, "mrsi") == 0
        assert run(folder, "mrsi") == 2
        (folder / "out" / "concs" / "mine.txt").write_text("mine")
        assert run(folder, "mrsi", "--keep", "NAA", "Cr", "--overwrite") == 0
        raw = sorted(p.name for p in (folder / "out" / "concs" / "raw").iterdir())
        assert raw == ["Cr.nii.gz", "NAA.nii.gz"]
        assert (folder / "out" / "concs" / "mine.txt").read_text() == "mine"

    def test_a_foreign_result_is_left_alone(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "out" / "fit").mkdir(parents=True)
        (folder / "out" / "fit" / "fit.nii.gz").write_text("of another program")
        assert run(folder, "mrsi") == 2
        assert "--overwrite" not in capsys.readouterr().err
        assert run(folder, "mrsi", "--overwrite") == 2
        assert (folder / "out" / "fit" / "fit.nii.gz").read_text() == "of another program"


REFUSALS = {
    "mask_svs": (["--mask", "{f}/svs.nii.gz"], "--mask is for MRSI"),
    "no_basis": (["--basis", "{f}/nothing"], "shipped are press_3t_te30"),
    "empty_basis": (["--basis", ""], "--basis is empty"),
    "baseline": (["--baseline", "wavy"], "--baseline is 'wavy'"),
    "ppmlim": (["--ppmlim", "4", "1"], "low limit comes first"),
    "keep": (["--keep", "Lac"], "--keep names Lac"),
    "fractions": (["--h2o", "{f}/svs_water.nii.gz", "--tissue_frac", "0.5", "0.4", "0.4"], "add up to 1.3"),
    "grid": (["--h2o", "{f}/mrsi_water.nii.gz"], "has the grid (8, 1, 1), the data have (1, 1, 1)"),
    "wref": (["--h2o", "{f}/svs_water.nii.gz", "--wref_metabolite", "GPC"], "give --ref_protons"),
    "TE": (["--h2o", "{f}/svs_water.nii.gz", "--TE", "-3"], "give --TE in ms"),
    "t1": (["--t1", "{f}/none.nii.gz"], "--t1: there is no file"),
    "shift": (["--metab_shift_sd", "-1"], "0 or more"),
    "points": (["--points", "9999"], "--points is 9999"),
    "no_points": (["--points", "0"], "--points is 0"),
    "h2o_scale": (["--h2o", "{f}/svs_water.nii.gz", "--h2o_scale", "0"], "a factor above 0 is needed"),
    "TE_in_s": (["--h2o", "{f}/svs_water.nii.gz", "--TE", "0.03"], "for 0.03 s give --TE 30"),
    "TR_in_ms": (["--h2o", "{f}/svs_water.nii.gz", "--TR", "2000"], "for 2000 ms give --TR 2"),
    "h2o_of_metabolites": (["--h2o", "{f}/svs.nii.gz"], "without water suppression"),
    "config": (["--config", "{f}/none.toml"], "not a readable TOML file"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_what_makes_no_sense_is_refused_in_one_line(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, said = REFUSALS[case]
    assert run(folder, "svs", *(word.format(f=folder) for word in more)) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert not (folder / "out").exists()


def test_mask_in_another_place_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([20.0, 20, 20, 1])
    affine[0, 3] = 11
    nib.save(nib.Nifti1Image(np.ones((8, 1, 1), dtype=np.uint8), affine), folder / "mask.nii.gz")
    assert run(folder, "mrsi", "--mask", str(folder / "mask.nii.gz")) == 2
    assert "in another place, up to 11.0 mm off" in capsys.readouterr().err


def test_what_is_doubtful_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    water = ("--h2o", str(folder / "svs_water.nii.gz"), "--tissue_frac", "0", "0", "1")
    assert run(folder, "svs", *water) == 0
    assert "molality is empty: the voxel holds no tissue water" in caplog.text
    assert "flagged" not in caplog.text
    (folder / "again.nii.gz").write_bytes((folder / "out" / "fit.nii.gz").read_bytes())
    assert run(folder, "again", out="again") == 0
    assert "the data are the curve of a fit" in caplog.text
    caplog.clear()
    data = nifti.read(folder / "svs.nii.gz")
    water = SCALE * 4000 * signal(4.65, 1, 60.0)
    nifti.write(data.with_fid(data.fid + water), folder / "wet.nii.gz")
    assert run(folder, "wet", "--baseline", "off", out="wet") == 0
    assert "fsl_mrs_dl remove" in caplog.text
    assert "the fit is flagged: " in caplog.text
    assert "residual water" in (folder / "wet" / "run.json").read_text()


def test_missing_echo_time_is_refused_and_a_flag_beats_the_header(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = nifti.read(folder / "svs.nii.gz")
    nifti.write(replace(data, header={"RepetitionTime": 2.0}), folder / "svs.nii.gz")
    water = ("--h2o", str(folder / "svs_water.nii.gz"))
    assert run(folder, "svs", *water) == 2
    said = capsys.readouterr().err
    assert "does not say its EchoTime" in said
    assert "give --TE in ms" in said
    assert run(folder, "svs", *water, "--TE", "30", "--TR", "3", out="given") == 0
    record = json.loads((folder / "given" / "run.json").read_text())
    assert record["settings"]["TE"] == 30.0
    assert record["settings"]["TR"] == 3.0
    assert record["water"]["repetition_time_s"] == 3.0
