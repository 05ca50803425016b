"""Simulated files say how they were acquired, and their water gives back the concentrations of the truth."""

import json
from pathlib import Path

import pytest
from quantify_scans import table

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.fit.acquisition import of_data
from fsl_mrs_dl.io import nifti


def simulated(folder: Path, *more: str) -> Path:
    line = ["simulate", "--output", str(folder), "--filename", "scan", "--seed", "3", *more]
    assert main(line) == 0
    return folder / "scan.nii.gz"


@pytest.mark.parametrize(("basis", "within"), [("slaser_7t_te26", 0.03), ("press_3t_te30", 0.05)])
def test_concentrations_are_those_of_the_truth_by_its_own_water_and_times(
    basis: str, within: float, tmp_path: Path
) -> None:
    # The stated SD of NAA is 1 % at 7 T and 2 % at 3 T, most of it for not knowing the background.
    more = ("--kind", "svs", "--basis", basis, "--snr", "500", "--water_reference")
    scan = simulated(tmp_path, *more)
    line = ["quantify", "--data", str(scan), "--basis", basis, "--output", str(tmp_path / "fit")]
    assert main([*line, "--h2o", str(tmp_path / "scan_wref.nii.gz"), "--no_posterior"]) == 0
    truth = json.loads((tmp_path / "scan_truth.json").read_text())["amplitudes"]
    found = table(tmp_path / "fit" / "summary.csv")
    for name in ("Cr+PCr", "NAA"):
        expected = sum(truth[part] for part in name.split("+"))
        assert found[name]["mMol/kg"] == pytest.approx(expected, rel=within)
    record = json.loads((tmp_path / "fit" / "run.json").read_text())
    assert record["doubts"] == []
    assert not any("not compared" in note for note in record["notes"])


def test_a_scan_says_times_and_sequence_of_its_basis_set(tmp_path: Path) -> None:
    data = nifti.read(simulated(tmp_path, "--basis", "steam_7t_te11", "--coils", "2", "--transients", "2"))
    assert data.header["EchoTime"] == pytest.approx(0.011)
    assert data.header["RepetitionTime"] == 2.0
    assert of_data(data).sequence.family == "STEAM"


def test_singlets_have_times_and_no_sequence(tmp_path: Path) -> None:
    data = nifti.read(simulated(tmp_path, "--kind", "svs"))
    assert (data.header["EchoTime"], data.header["RepetitionTime"]) == (0.03, 2.0)
    assert "SequenceName" not in data.header


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (("--kind", "edited", "--transients", "2", "--basis", "mega-press_3t_te68"), ""),
        (("--kind", "svs", "--basis", "mega-press_3t_te68_off"), "off"),
    ],
)
def test_edited_scans_say_that_they_are(more: tuple[str, ...], part: str, tmp_path: Path) -> None:
    found = of_data(nifti.read(simulated(tmp_path, *more)))
    assert found.echo_time_s == pytest.approx(0.068)
    assert found.sequence.edited
    assert found.sequence.part == part


def test_a_phantom_says_it_too(tmp_path: Path) -> None:
    data = nifti.read(simulated(tmp_path, "--kind", "mrsi", "--basis", "press_3t_te35", "--points", "256"))
    assert data.header["EchoTime"] == pytest.approx(0.035)
    assert of_data(data).sequence.family == "PRESS"
