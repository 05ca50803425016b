"""``quantify`` with basis sets of any origin: other centres, scales, bands, nuclei, and names of any kind."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import DT, F0, LINES, MOLAR, SCALE, N, basis, run, table

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis

Lines = Mapping[str, Sequence[tuple[float, float]]]
QUICK = ("--no_posterior",)


def fids(
    lines: Lines, points: int, dwell_s: float, centre_ppm: float = 4.65, rate: float = 6.0
) -> np.ndarray:
    """Return sums of singlets, written out from chemical shifts and protons."""
    time_s = np.arange(points) * dwell_s
    return np.array(
        [
            sum(
                (n * np.exp((2j * np.pi * (ppm - centre_ppm) * F0 - rate) * time_s) for ppm, n in peaks),
                0 * time_s,
            )
            for peaks in lines.values()
        ]
    )


def replace_basis(folder: Path, made: Basis) -> None:
    for path in (folder / "basis").glob("*.json"):
        path.unlink()
    write_json_basis(made, folder / "basis", overwrite=True)


def add_member(folder: Path, name: str, fid: np.ndarray, file: str = "added") -> None:
    """Write one more member, under a name that no file could have."""
    said = {"basis_re": fid.real.tolist(), "basis_im": (-fid.imag).tolist(), "basis_name": name}
    axes = {"basis_dwell": DT, "basis_centre": F0, "basis_nucleus": "1H"}
    (folder / "basis" / f"{file}.json").write_text(json.dumps({"basis": said | axes}))


def record(folder: Path, out: str = "out") -> dict:
    return json.loads((folder / out / "run.json").read_text())


def broad(ppm: float) -> np.ndarray:
    return 7 * fids({"x": [(ppm, 3)]}, N, DT, rate=100.0)[0]


@pytest.mark.parametrize("conjugated", [False, True])
@pytest.mark.parametrize("centre", [2.0, 3.0, 7.0])
def test_a_set_about_another_centre_is_refused_or_right(
    folder: Path, capsys: pytest.CaptureFixture[str], centre: float, conjugated: bool
) -> None:
    made = 7 * fids(LINES, N, DT, centre)
    replace_basis(folder, replace(basis(), fids=made.conj() if conjugated else made))
    water = (*QUICK, "--h2o", str(folder / "svs_water.nii.gz"))
    assert run(folder, "svs", *water) == 2
    said = capsys.readouterr().err
    advice = re.search(r"give quantify --basis_centre_ppm (\d+(?:\.\d+)?)", said)
    assert float(advice[1]) == pytest.approx(centre, abs=0.011)  # the set has NAA at 2.01, not 2.008 ppm
    assert said.count("\n") == 1
    assert not (folder / "out").exists()
    assert run(folder, "svs", *water, "--basis_centre_ppm", str(centre)) == 0
    found = table(folder / "out" / "summary.csv")
    assert {name: found[name]["mMol/kg"] for name in MOLAR} == pytest.approx(MOLAR, rel=0.02)
    assert record(folder)["settings"]["basis_centre_ppm"] == centre


@pytest.mark.parametrize("conjugated", [False, True])
def test_a_member_of_another_unit_changes_nothing_but_its_own_amplitude(
    folder: Path, conjugated: bool
) -> None:
    data = nifti.read(folder / "svs.nii.gz")
    nifti.write(
        data.with_fid(data.fid + (SCALE * broad(0.9) * np.exp(0.3j)).astype("c8")), folder / "svs.nii.gz"
    )
    amounts = []
    for scale in (1.0, 2000.0):
        members = np.concatenate([basis().fids, scale * broad(0.9)[None]])
        members = members.conj() if conjugated else members
        replace_basis(folder, replace(basis(), fids=members, names=(*basis().names, "Mac")))
        assert run(folder, "svs", *QUICK, "--overwrite") == 0
        found = table(folder / "out" / "summary.csv")
        amounts.append({name: found[name]["/Cr+PCr"] for name in (*MOLAR, "Mac")})
    assert amounts[1].pop("Mac") == pytest.approx(amounts[0].pop("Mac") / 2000, rel=1e-4)
    assert amounts[1] == pytest.approx(amounts[0], rel=1e-4)
    creatine = MOLAR["Cr"] + MOLAR["PCr"]
    apart = ("NAA", "GPC", "Ins")
    assert {name: amounts[0][name] for name in apart} == pytest.approx(
        {name: MOLAR[name] / creatine for name in apart}, rel=0.02
    )
    said = record(folder)["basis"]["notes"]
    assert said[0].startswith(
        "conjugated by Cr, NAA, PCr" if conjugated else "sign confirmed by Cr, NAA, PCr"
    )
    assert any("Mac is" in note and "times the usual member" in note for note in said)


@pytest.mark.parametrize("baseline", ["poly, 2", "auto"])
@pytest.mark.parametrize("name", ["GPC", "NAA"])
def test_a_metabolite_of_another_unit_changes_nothing_but_its_own_amplitude(
    folder: Path, name: str, baseline: str
) -> None:
    # The second column is that of the posterior, of some hundred draws.
    for column, rel in (("/Cr+PCr", 1e-3), ("/Cr+PCr posterior_mean", 5e-3)):
        amounts = []
        for scale in (1.0, 3000.0):
            out = f"{scale:g}"
            members = np.array(basis().fids)
            members[basis().names.index(name)] *= scale
            replace_basis(folder, replace(basis(), fids=members))
            done = (folder / out).exists()
            assert done or run(folder, "svs", "--baseline", baseline, out=out) == 0
            found = table(folder / out / "summary.csv")
            amounts.append({other: found[other][column] for other in MOLAR})
        assert scale * amounts[1].pop(name) == pytest.approx(amounts[0].pop(name), rel=rel)
        assert amounts[1] == pytest.approx(amounts[0], rel=rel)


def test_members_that_are_not_kept_still_tell_the_sign(folder: Path) -> None:
    assert run(folder, "svs", *QUICK, "--keep", "GPC", "Ins", "--internal_ref", "Ins") == 0
    replace_basis(folder, replace(basis(), fids=np.conj(basis().fids)))
    assert run(folder, "svs", *QUICK, "--keep", "GPC", "Ins", "--internal_ref", "Ins", out="turned") == 0
    assert len({(folder / out / "concentrations.csv").read_text() for out in ("out", "turned")}) == 1


@pytest.mark.parametrize(
    ("band_hz", "outside"), [(1200.0, set()), (833.3, {"MM09"}), (625.0, {"MM09", "NAA"})]
)
def test_members_outside_a_narrow_band_are_left_out_and_told(
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    rng: np.random.Generator,
    band_hz: float,
    outside: set[str],
) -> None:
    # A receiver that filters holds what lies in its band, and only that.
    dwell_s = 1 / band_hz
    half_ppm = band_hz / 2 / F0
    # Of Two, nine tenths of the energy lie outside of the narrower bands, and what is left is enough.
    lines = {**LINES, "Two": [(1.0, 3), (2.75, 1)]}
    truth = {**MOLAR, "Two": 4.0}
    inside = {name: [p for p in peaks if abs(p[0] - 4.65) < half_ppm] for name, peaks in lines.items()}
    clean = sum(
        truth[name] * fid for name, fid in zip(lines, fids(inside, 512, dwell_s, rate=16.0), strict=True)
    )
    noise = 0.1 * (rng.standard_normal(512) + 1j * rng.standard_normal(512))
    narrow = (clean + noise).astype("c8").reshape(1, 1, 1, -1)
    nifti.write(MRSData(narrow, dwell_s, F0), folder / "narrow.nii.gz")
    lines["MM09"] = [(0.91, 3)]
    wide = Basis(fids(lines, 2560, 4e-4), tuple(lines), 4e-4, F0)
    replace_basis(folder, wide)
    assert run(folder, "narrow", *QUICK) == 0
    found = table(folder / "out" / "summary.csv")
    left = set(truth) - outside
    creatine = MOLAR["Cr"] + MOLAR["PCr"]
    assert {name: found[name]["/Cr+PCr"] for name in left} == pytest.approx(
        {name: truth[name] / creatine for name in left}, rel=0.03
    )
    assert not outside & set(found)
    # Its water, which leaves such a band no room without signal, scales the same amounts.
    water = 9000 * fids({"H2O": [(4.65, 2)]}, 512, dwell_s, rate=16.0).astype("c8")
    header = {"EchoTime": 0.03, "RepetitionTime": 2.0}
    nifti.write(MRSData(water.reshape(1, 1, 1, -1), dwell_s, F0, header=header), folder / "water.nii.gz")
    scaled = ("--h2o", str(folder / "water.nii.gz"), "--TE", "30", "--TR", "2")
    assert run(folder, "narrow", *QUICK, *scaled, out="scaled") == 0
    told = table(folder / "scaled" / "summary.csv")
    assert told["Ins"]["mMol/kg"] / told["Cr+PCr"]["mMol/kg"] == pytest.approx(found["Ins"]["/Cr+PCr"])
    if outside:
        assert (
            f"{', '.join(sorted(outside))} left out: outside the data's band of {band_hz:.5g} Hz"
            in caplog.text
        )
        # What is asked to be left out is not told.
        caplog.clear()
        assert run(folder, "narrow", *QUICK, "--ignore", *outside, out="ignored") == 0
        assert "left out" not in caplog.text
        assert len({(folder / out / "summary.csv").read_text() for out in ("out", "ignored")}) == 1


@pytest.mark.parametrize(
    ("naa", "said"),
    [
        (
            [(2.01, 3)],
            "--wref_metabolite names NAA, which is not fitted: it lies outside the data's band of 625 Hz",
        ),
        ([(2.01, 3), (2.6, 1)], "measures NAA at 2.01 to 2.01 ppm, and the data reach from 2.11"),
    ],
)
def test_a_reference_outside_of_the_band_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], naa: Sequence[tuple[float, float]], said: str
) -> None:
    for name in ("svs", "svs_water"):
        data = nifti.read(folder / f"{name}.nii.gz")
        narrow = replace(data, fid=data.fid[:, :, :, :512], dwelltime_s=1 / 625)
        nifti.write(narrow, folder / f"{name}_narrow.nii.gz")
    replace_basis(folder, Basis(fids({**LINES, "NAA": naa}, 2560, 4e-4), tuple(LINES), 4e-4, F0))
    water = (*QUICK, "--h2o", str(folder / "svs_water_narrow.nii.gz"))
    assert run(folder, "svs_narrow", *water, "--wref_metabolite", "NAA") == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--ignore", "--keep"])
def test_names_that_begin_with_a_dash(folder: Path, option: str) -> None:
    add_member(folder, "-CrCH2", -basis().fids[1])
    names = ("-CrCH2",) if option == "--ignore" else tuple(MOLAR)
    assert run(folder, "svs", *QUICK, option, *names) == 0
    assert record(folder)["basis"]["metabolites"] == sorted(MOLAR)
    more = ("--metab_groups", "-CrCH2", "--combine", "-CrCH2", "Cr", "--report")
    assert run(folder, "svs", *QUICK, *more, out="fitted") == 0
    said = record(folder, "fitted")["basis"]
    assert said["groups"][said["metabolites"].index("-CrCH2")] == 1
    # A table says it in a way that no spreadsheet computes.
    assert "'-CrCH2+Cr" in table(folder / "fitted" / "summary.csv")
    config = folder / "dash.toml"
    config.write_text('ignore = ["-CrCH2"]\n')
    assert run(folder, "svs", *QUICK, "--config", str(config), out="config") == 0
    assert record(folder, "config")["settings"]["ignore"] == ["-CrCH2"]


UNKNOWN = {
    "ignore": ("--ignore", "NAAA"),
    "keep": ("--keep", "NAAA", "Cr"),
    "metab_groups": ("--metab_groups", "NAAA"),
    "combine": ("--combine", "NAAA", "Cr"),
    "internal_ref": ("--internal_ref", "NAAA"),
    "wref_metabolite": ("--h2o", "{f}/svs_water.nii.gz", "--wref_metabolite", "NAAA"),
}


@pytest.mark.parametrize("option", list(UNKNOWN))
def test_unknown_names_are_refused_with_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert run(folder, "svs", *(word.format(f=folder) for word in UNKNOWN[option])) == 2
    assert f"--{option} names NAAA (did you mean NAA?); the basis has" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a/b", "../up", "nul\0", "x" * 300, "\ud800", "back\\slash", ".."])
def test_names_that_no_file_can_have_are_refused_before_the_fit(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    add_member(folder, name, basis().fids[0])
    with monkeypatch.context() as patch:
        patch.setattr("fsl_mrs_dl.fit.quantification.quantify_data", None)
        assert run(folder, "svs") == 2
    said = capsys.readouterr().err
    assert "cannot name a file of results" in said
    assert said.count("\n") == 1
    if "\0" not in name and name.isprintable():
        assert run(folder, "svs", *QUICK, "--ignore", name) == 0


def test_a_member_called_as_a_sum_is_refused_beside_its_parts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member(folder, "Cr+PCr", basis().fids[1] + basis().fids[2])
    assert run(folder, "svs") == 2
    assert "--ignore Cr+PCr" in capsys.readouterr().err
    assert (
        run(
            folder,
            "svs",
            *QUICK,
            "--ignore",
            "Cr",
            "PCr",
            "--internal_ref",
            "NAA",
            "--metab_groups",
            "Cr+PCr",
        )
        == 0
    )
    said = record(folder)["basis"]
    assert said["groups"] == [int(name == "Cr+PCr") for name in said["metabolites"]]
    assert table(folder / "out" / "summary.csv")["Cr+PCr"]["/NAA"] == pytest.approx(
        0.5 * (MOLAR["Cr"] + MOLAR["PCr"]) / MOLAR["NAA"], rel=0.05
    )


def test_spellings_of_one_metabolite_and_of_one_file_are_distinct_names(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for file, name in (("0", "Creatine"), ("1", "cr"), ("2", "Cr_1"), ("3", "Odd"), ("4", "odd")):
        add_member(
            folder, name, (2 + int(file)) * basis().fids[1] if int(file) < 3 else broad(int(file)), file
        )
    assert run(folder, "mrsi", *QUICK, "--internal_ref", "PCr") == 0
    names = record(folder)["basis"]["metabolites"]
    assert len({name.casefold() for name in names}) == len(names)
    assert len(list((folder / "out" / "concs" / "raw").iterdir())) == len(names) + 1  # and Cr+PCr
    assert "occurs again and is called" in caplog.text


def test_a_member_of_zeros_is_left_out_and_told(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member(folder, "Gly", np.zeros(N, complex))
    assert run(folder, "svs", *QUICK) == 0
    assert "Gly is zero everywhere and is left out" in caplog.text
    assert record(folder)["basis"]["metabolites"] == sorted(MOLAR)
    assert run(folder, "svs", *QUICK, "--ignore", "Gly", out="ignored") == 0
    assert run(folder, "svs", "--keep", "Gly", "Cr", out="kept") == 2
    assert "--keep names Gly, which is not fitted: it is zero everywhere" in capsys.readouterr().err


def test_a_damaged_member_may_be_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_member(folder, "Lac", np.full(N, np.nan, complex), "0")
    assert run(folder, "svs") == 2
    assert "NaN" in capsys.readouterr().err
    assert run(folder, "svs", *QUICK, "--ignore", "Lactate") == 0
    assert run(folder, "svs", *QUICK, "--keep", *MOLAR, out="kept") == 0


AUTO = ("--baseline", "auto", *QUICK)


def with_tables(folder: Path, *names: str) -> None:
    places = {"MM09": 0.91, "Lip13": 1.3, "LipX": 1.35}
    for name in names:
        add_member(folder, name, broad(places[name]), name)


@pytest.mark.parametrize("option", ["--metab_groups", "--internal_ref"])
def test_what_the_background_replaces_is_explained(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with_tables(folder, "MM09")
    assert run(folder, "svs", *AUTO, option, "MM09") == 2
    said = capsys.readouterr().err
    assert f"{option} names MM09, which is not fitted: --baseline auto fits a prior of macromolecules" in said
    assert run(folder, "svs", *QUICK, option, "MM09") == 0


def test_lipids_of_the_tables_are_replaced_and_told_and_others_stay(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_tables(folder, "Lip13")
    assert run(folder, "svs", *AUTO) == 0
    assert "Lip13 of the basis set not fitted: --baseline auto weighs lipid as a hypothesis" in caplog.text
    assert "Lip13" not in record(folder)["basis"]["metabolites"]
    caplog.clear()
    assert run(folder, "svs", *AUTO, "--add_lipids", out="added") == 0
    assert "Lip13" in record(folder, "added")["basis"]["metabolites"]
    assert "not fitted" not in caplog.text
    (folder / "basis" / "Lip13.json").unlink()
    with_tables(folder, "LipX")
    assert run(folder, "svs", *AUTO, out="own") == 0
    said = record(folder, "own")
    assert "LipX" in said["basis"]["metabolites"]
    assert said["settings"]["lipids"] is False


def test_default_macromolecules_do_nothing_beside_the_prior_and_that_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(folder, "svs", *AUTO, "--add_MM") == 0
    assert "--add_MM does nothing with --baseline auto" in caplog.text
    assert run(folder, "svs", *AUTO, out="without") == 0
    assert record(folder)["basis"]["sha256"] == record(folder, "without")["basis"]["sha256"]


def test_a_window_without_points_names_its_option(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "svs", "--ppmlim", "40", "50") == 2
    said = capsys.readouterr().err
    assert "(--ppmlim LO HI)" in said
    assert "--ppm)" not in said


def test_two_members_of_one_name_in_memory_are_refused() -> None:
    from fsl_mrs_dl.errors import DataError

    with pytest.raises(DataError, match="has Cr more than once"):
        Basis(np.ones((2, 32), complex), ("Cr", "Cr"), DT, F0)
