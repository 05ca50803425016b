"""``process``: a raw scan of known amounts to concentrations in one command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti


def simulate(folder: Path, *more: str) -> None:
    assert main(["simulate", "--output", str(folder), "--filename", "metab", "--seed", "5", *more]) == 0


def process(folder: Path, *more: str, out: str = "fit", basis: str = "press_3t_te30") -> int:
    arguments = ["--data", str(folder / "metab.nii.gz"), "--basis", basis, "--output", str(folder / out)]
    return main(["process", *arguments, *more])


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """Write a scan of 4 coils and 12 drifting transients with eddy currents and residual water, and its water."""
    folder = tmp_path_factory.mktemp("scan")
    simulate(
        folder,
        *("--basis", "press_3t_te30", "--coils", "4", "--transients", "12", "--drift_hz", "6"),
        *("--eddy_hz", "3", "--water", "1", "--water_reference", "--points", "1024", "--dwelltime", "0.0005"),
        *("--snr", "40"),
    )
    return folder


@pytest.fixture(scope="module")
def fitted(scan: Path) -> Path:
    """Process the scan with its water, with a report and the data after each step, and once more without."""
    reference = ("--reference", str(scan / "metab_wref.nii.gz"))
    assert process(scan, *reference, "--report", "--keep_steps", out="kept") == 0
    assert process(scan, *reference, "--no_posterior", out="all_coils") == 0
    return scan


def amounts(folder: Path) -> dict[str, list[str]]:
    rows = [line.split(",") for line in (folder / "concentrations.csv").read_text().splitlines()]
    return {row[0]: row for row in rows}


def methods(path: Path) -> list[str]:
    return [entry["Method"] for entry in nifti.read(path).processing]


class TestRawScan:
    def test_amounts_are_those_that_were_simulated(self, scan: Path, capsys) -> None:
        reference = str(scan / "metab_wref.nii.gz")
        assert process(scan, "--reference", reference, "--report", "--keep_steps") == 0
        told = capsys.readouterr().out
        truth = json.loads((scan / "metab_truth.json").read_text())
        known = truth["amplitudes"]
        rows = [line.split(",") for line in (scan / "fit" / "summary.csv").read_text().splitlines()]
        columns, *rows = rows
        mean, sd = columns.index("mMol/kg"), columns.index("mMol/kg CRLB")
        found = {row[0]: (float(row[mean]), float(row[sd])) for row in rows}
        total = sum(known[name] for name in ("Cr", "PCr"))
        value, spread = found["Cr+PCr"]
        # 3 %: tails of creatine and of the water beyond the limits of integration.
        assert abs(value - total) < 4 * spread + 0.03 * total
        value, spread = found["NAA+NAAG"]
        total = known["NAA"] + known["NAAG"]
        assert abs(value - total) < 4 * spread + 0.03 * total
        for words in ("coilcombine: Combined 4 of DIM_COIL.", "average: Averaged 12 of DIM_DYN."):
            assert words in told

    def test_every_step_leaves_its_record_and_the_chain_none(self, fitted: Path) -> None:
        found = methods(fitted / "kept" / "fit.nii.gz")
        assert found == [
            "RF coil combination",
            "Eddy current correction",
            "Frequency and phase correction",
            "Signal averaging",
            "Nuisance peak removal",
            "Quantification",
        ]
        steps = sorted(path.name for path in (fitted / "kept" / "steps").iterdir())
        assert steps == [
            "1_coilcombine.nii.gz",
            "2_ecc.nii.gz",
            "3_align.nii.gz",
            "4_average.nii.gz",
            "5_remove.nii.gz",
        ]
        assert json.loads((fitted / "kept" / "run.json").read_text())["settings"]["steps"] == [
            "coilcombine",
            "ecc",
            "align",
            "average",
            "remove",
        ]

    def test_it_gives_what_the_single_commands_give(self, scan: Path, fitted: Path) -> None:
        at, water = scan / "metab.nii.gz", scan / "metab_wref.nii.gz"

        def step(name: str, *more: str) -> None:
            nonlocal at
            assert main([name, "--file", str(at), "--output", str(scan / name), "--overwrite", *more]) == 0
            at = scan / name / "metab.nii.gz"

        step("coilcombine", "--reference", str(water))
        arguments = ["--file", str(water), "--reference", str(water), "--output", str(scan / "w")]
        assert main(["coilcombine", *arguments]) == 0
        water = scan / "w" / water.name
        step("ecc", "--reference", str(water))
        step("align")
        step("average")
        step("remove")
        more = ["--h2o", str(water), "--basis", "press_3t_te30", "--output", str(scan / "single")]
        assert main(["quantify", "--data", str(at), *more]) == 0
        one, other = (
            np.genfromtxt(fitted / place / "summary.csv", delimiter=",", skip_header=1)[:, 1:]
            for place in ("kept", "single")
        )
        # The single commands write complex64 between the steps.
        assert np.allclose(one, other, rtol=2e-3, atol=1e-3, equal_nan=True)

    def test_the_report_shows_the_steps_under_the_verdict(self, fitted: Path) -> None:
        page = (fitted / "kept" / "report.html").read_text()
        assert page.index("Processing</h2>") > page.index("Concentrations")
        for words in ("Combined 4 of DIM_COIL.", "Took away shifts of", "water"):
            assert words in page

    def test_a_reference_of_other_coils_scales_nothing(self, scan: Path, tmp_path: Path, capsys) -> None:
        water = nifti.read(scan / "metab_wref.nii.gz")
        coil = water.axis("DIM_COIL")
        nifti.write(replace(water, fid=np.take(water.fid, [0, 1, 2], axis=coil)), tmp_path / "three.nii.gz")
        more = ("--reference", str(tmp_path / "three.nii.gz"), "--no_posterior")
        assert process(scan, *more, out="three") == 0
        told = capsys.readouterr().out
        assert "the reference was left out, as it does not have the coils of the data" in told
        assert "Molality" not in told

    def test_without_a_reference_eddy_currents_stay_and_it_is_said(self, scan: Path, capsys) -> None:
        assert process(scan, "--noalign", "--noremove", "--no_posterior", out="plain") == 0
        told = capsys.readouterr().out
        assert "not run: ecc was left out, as there is no water reference." in told
        assert "not run: align was left out, as --noalign asks." in told
        assert "not run: remove was left out, as --noremove asks." in told
        assert "Molality" not in told


def test_conditions_of_opposite_sign_are_added_to_their_difference(tmp_path: Path, capsys) -> None:
    simulate(
        tmp_path, "--kind", "edited", "--basis", "mega-press_3t_te68", "--transients", "4", "--snr", "60"
    )
    data = nifti.read(tmp_path / "metab.nii.gz")
    axis = data.axis("DIM_EDIT")
    signs = np.ones(data.fid.ndim, dtype=int)
    signs[axis] = 2
    turned = data.fid * np.array([1, -1]).reshape(signs)
    assert process(tmp_path, "--no_posterior", out="same", basis="mega-press_3t_te68_diff") == 0
    (tmp_path / "opposed").mkdir()
    nifti.write(replace(data, fid=turned), tmp_path / "opposed" / "metab.nii.gz")
    capsys.readouterr()
    assert process(tmp_path / "opposed", "--no_posterior", basis="mega-press_3t_te68_diff") == 0
    said = capsys.readouterr()
    assert "opposite signs, so that this is their difference" in said.out
    assert "opposite signs" not in said.err
    one, other = (amounts(tmp_path / place) for place in ("same", "opposed/fit"))
    assert float(one["GABA"][1]) == pytest.approx(float(other["GABA"][1]), rel=1e-3)


def test_a_dimension_that_no_step_reduces_is_refused_with_the_way_out(tmp_path: Path, capsys) -> None:
    simulate(tmp_path, "--transients", "4", "--points", "512")
    data = nifti.read(tmp_path / "metab.nii.gz")
    nifti.write(replace(data, dim_tags=("DIM_USER_0",)), tmp_path / "user.nii.gz")
    (tmp_path / "user.nii.gz").replace(tmp_path / "metab.nii.gz")
    assert process(tmp_path) == 2
    said = capsys.readouterr().err
    assert "4 of DIM_USER_0" in said
    assert "mrs_tools split" in said
    assert not (tmp_path / "fit").exists()


class TestReferencesThatDoNotFit:
    """Raw data of four coils, 16 transients and known water, with one thing wrong."""

    @staticmethod
    def total(folder: Path) -> float:
        columns, *rows = [line.split(",") for line in (folder / "summary.csv").read_text().splitlines()]
        return {row[0]: float(row[columns.index("mMol/kg")]) for row in rows}["NAA+NAAG"]

    def test_water_that_was_combined_elsewhere_scales_nothing(
        self, scan: Path, tmp_path: Path, capsys
    ) -> None:
        water = nifti.read(scan / "metab_wref.nii.gz")
        one = water.with_fid(water.fid.mean(axis=water.axis("DIM_COIL")), without="DIM_COIL")
        nifti.write(one, tmp_path / "one.nii.gz")
        assert process(scan, "--reference", str(tmp_path / "one.nii.gz"), "--no_posterior", out="one") == 0
        told = capsys.readouterr().out
        assert "water scaling was left out, as the water was combined elsewhere" in told
        assert "Molality" not in told

    def test_an_empty_coil_is_left_out_of_data_and_water(
        self, scan: Path, fitted: Path, tmp_path: Path, capsys
    ) -> None:
        data = nifti.read(scan / "metab.nii.gz")
        fid = np.moveaxis(data.fid.copy(), data.axis("DIM_COIL"), 0)
        fid[2] = 0
        empty = data.with_fid(np.moveaxis(fid, 0, data.axis("DIM_COIL")))
        nifti.write(empty, tmp_path / "metab.nii.gz")
        more = ("--reference", str(scan / "metab_wref.nii.gz"), "--no_posterior")
        assert process(tmp_path, *more) == 0
        assert "1 of 4 coils was left out, as they hold no signal" in capsys.readouterr().out
        assert self.total(tmp_path / "fit") == pytest.approx(self.total(fitted / "all_coils"), rel=0.05)

    def test_fids_that_end_in_zeros_are_combined_without_whitening(
        self, scan: Path, fitted: Path, tmp_path: Path
    ) -> None:
        for name in ("metab", "metab_wref"):
            data = nifti.read(scan / f"{name}.nii.gz")
            fid = data.fid.copy()
            fid[:, :, :, -300:] = 0
            nifti.write(data.with_fid(fid), tmp_path / f"{name}.nii.gz")
        more = ("--reference", str(tmp_path / "metab_wref.nii.gz"), "--no_posterior")
        assert process(tmp_path, *more) == 0
        assert self.total(tmp_path / "fit") == pytest.approx(self.total(fitted / "all_coils"), rel=0.05)

    def test_conjugated_data_are_turned_before_they_are_aligned(
        self, scan: Path, fitted: Path, tmp_path: Path
    ) -> None:
        for name in ("metab", "metab_wref"):
            data = nifti.read(scan / f"{name}.nii.gz")
            nifti.write(data.with_fid(data.fid.conj()), tmp_path / f"{name}.nii.gz")
        more = ("--reference", str(tmp_path / "metab_wref.nii.gz"), "--no_posterior", "--conj_fid")
        assert process(tmp_path, *more) == 0
        assert self.total(tmp_path / "fit") == pytest.approx(self.total(fitted / "all_coils"), rel=1e-3)

    def test_measurements_are_aligned_as_transients_are(
        self, scan: Path, fitted: Path, tmp_path: Path
    ) -> None:
        data = nifti.read(scan / "metab.nii.gz")
        tags = tuple("DIM_MEAS" if tag == "DIM_DYN" else tag for tag in data.dim_tags)
        nifti.write(replace(data, dim_tags=tags, dim_headers={}), tmp_path / "metab.nii.gz")
        more = ("--reference", str(scan / "metab_wref.nii.gz"), "--no_posterior")
        assert process(tmp_path, *more) == 0
        assert self.total(tmp_path / "fit") == pytest.approx(self.total(fitted / "all_coils"), rel=1e-3)
