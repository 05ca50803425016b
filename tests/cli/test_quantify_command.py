"""``quantify`` of one voxel from file to folder: known truth, water scaling, layout."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import LINES, MOLAR, NAMES, run, table

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics.relaxation import TISSUE_WATER


class TestOneVoxel:
    def test_known_concentrations_within_their_bounds(self, folder: Path) -> None:
        assert (
            run(
                folder,
                "svs",
                "--h2o",
                str(folder / "svs_water.nii.gz"),
                "--combine",
                "NAA",
                "Ins",
            )
            == 0
        )
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

    def test_transients_of_the_water_are_averaged_in_phase(self, folder: Path) -> None:
        water = nifti.read(folder / "svs_water.nii.gz")
        cycled = np.stack([water.fid, -water.fid, 1j * water.fid], axis=-1)
        nifti.write(replace(water, fid=cycled, dim_tags=("DIM_DYN",)), folder / "cycled.nii.gz")
        assert run(folder, "svs", "--h2o", str(folder / "svs_water.nii.gz"), out="one") == 0
        assert run(folder, "svs", "--h2o", str(folder / "cycled.nii.gz"), out="three") == 0
        one, three = (table(folder / out / "summary.csv")["NAA"]["mM"] for out in ("one", "three"))
        assert three == pytest.approx(one, rel=1e-5)
        said = json.loads((folder / "three" / "run.json").read_text())
        assert "the water reference was averaged over 3 of DIM_DYN" in said["notes"]

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

    @pytest.mark.parametrize("fractions", [(), ("--tissue_frac", "0.5", "0.4", "0.1")])
    def test_pure_water_is_told_where_the_voxel_counts_as_such(
        self, folder: Path, capsys: pytest.CaptureFixture[str], fractions: tuple[str, ...]
    ) -> None:
        assert run(folder, "svs", "--h2o", str(folder / "svs_water.nii.gz"), *fractions, "--report") == 0
        sentence = "mmol/l equals mmol/kg"
        rows = table(folder / "out" / "summary.csv").values()
        is_equal = all(row["mM"] == row["mMol/kg"] for row in rows)
        assert is_equal is not bool(fractions)
        for text in (capsys.readouterr().out, (folder / "out" / "report.html").read_text()):
            assert (sentence in text) is is_equal
        assert (sentence in (folder / "out" / "run.json").read_text()) is is_equal

    def test_no_water_needs_no_word_of_it(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(folder, "svs") == 0
        assert "pure water" not in capsys.readouterr().out

    def test_tables_are_those_of_fsl_mrs_and_ours_stand_behind(self, folder: Path) -> None:
        assert run(folder, "svs") == 0
        heads = {
            name: (folder / "out" / f"{name}.csv").read_text().splitlines()
            for name in ("summary", "concentrations", "qc", "all_parameters")
        }
        assert heads["summary"][0] == (
            "Metab,/Cr+PCr,/Cr+PCr CRLB,%CRLB,SNR,FWHM,/Cr+PCr posterior_mean,/Cr+PCr posterior_sd,"
            "/Cr+PCr ci95_low,/Cr+PCr ci95_high,shrinkage"
        )
        assert heads["concentrations"][0].startswith(
            "Metabs,mean,mean,std,std,crlb,crlb,posterior_mean,posterior_mean,posterior_sd,posterior_sd,ci68_low,"
        )
        assert heads["concentrations"][1].startswith(",raw,internal,raw,internal,raw,internal,")
        assert all(float(cell) > 0 for cell in heads["concentrations"][2].split(",")[7:])
        assert heads["qc"][0] == "Metab,SNR,FWHM,ood,verdict,reason"
        assert heads["all_parameters"][0] == "parameter,mean,std"
        assert [row.split(",")[0] for row in heads["all_parameters"][1:]] == [
            *NAMES,
            *("gamma_0", "sigma_0", "eps_0", "Phi0", "Phi1"),
            *(f"B_{part}_{i}" for i in range(3) for part in ("real", "imag")),
        ]
        assert all(float(row.split(",")[2]) > 0 for row in heads["all_parameters"][len(NAMES) + 1 :][:5])

    def test_the_terminal_leads_with_the_posterior_and_names_what_has_no_prior(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(folder, "svs", "--report") == 0
        verdict, *printed = capsys.readouterr().out.splitlines()
        assert verdict.startswith("good: SNR ")
        assert printed[0] == "Ratio to Cr+PCr, posterior mean [95 % interval]:"
        summary = table(folder / "out" / "summary.csv")
        for line in printed[1:4]:
            name, mean, low, high = line.replace("[", " ").replace("]", " ").replace(",", " ").split()
            row = summary[name]
            # Printed to two digits of the SD.
            for text, column in ((mean, "posterior_mean"), (low, "ci95_low"), (high, "ci95_high")):
                assert abs(float(text) - row[f"/Cr+PCr {column}"]) < 0.1 * row["/Cr+PCr posterior_sd"]
        assert [line.split()[0] for line in printed[1:4]] == ["NAA", "GPC", "Ins"]
        assert printed[4:] == [
            f"All metabolites, also the estimates without prior: {folder / 'out' / 'concentrations.csv'}",
            f"Report: {folder / 'out' / 'report.html'}",
        ]

    def test_no_posterior_gives_the_first_number_alone(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(folder, "svs", "--no_posterior", "--report") == 0
        verdict, *printed = capsys.readouterr().out.splitlines()
        assert verdict.startswith("good: SNR ")
        assert printed[0] == "Ratio to Cr+PCr, without prior: maximum-likelihood estimate ± SD:"
        assert "[" not in "".join(printed[1:4])
        head, *rows = (folder / "out" / "summary.csv").read_text().splitlines()
        assert head == "Metab,/Cr+PCr,/Cr+PCr CRLB,%CRLB,SNR,FWHM"
        assert {row.split(",")[0] for row in rows} >= {*NAMES, "Cr+PCr"}
        page = (folder / "out" / "report.html").read_text()
        assert "Without prior" in page
        assert "95 % interval" not in page

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
        line = [
            "quantify",
            "--data",
            str(folder / "svs.nii.gz"),
            "--output",
            str(folder / "out"),
        ]
        assert main([*line, "--config", str(folder / "run.toml"), "--keep", "NAA", "Cr", "GPC"]) == 0
        said = json.loads((folder / "out" / "run.json").read_text())
        assert said["settings"]["baseline"] == "off"
        assert said["basis"]["metabolites"] == ["Cr", "GPC", "NAA"]


def physics_width(gamma: float, sigma: float) -> float:
    """Return the width of a Voigt line in Hz."""
    lorentz, gauss = gamma / np.pi, 2 * sigma * np.sqrt(np.log(2)) / np.pi
    return float(0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2))
