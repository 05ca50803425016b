"""How much commands print: errors alone, results, or decisions too."""

import logging
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import run

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Four transients, the last of them zero: align warns of it."""
    fids = np.exp((2j * np.pi * 80 - 20) * np.arange(256) * 5e-4)[:, None] * np.ones(4)
    nifti.write(MRSData(fids[None, None, None], 5e-4, 123.2, dim_tags=("DIM_DYN",)), tmp_path / "scan.nii.gz")
    return tmp_path


def average(folder: Path, *more: str) -> int:
    return main(["average", "--file", str(folder / "scan.nii.gz"), "--output", str(folder / "out"), *more])


def test_quiet_prints_nothing_but_errors(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert average(scan, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert (scan / "out" / "scan.nii.gz").exists()
    assert average(scan, "--quiet") == 2  # the result exists
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "add --overwrite" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("line", [["models", "list"], ["basis", "--list_shipped"]])
def test_tools_are_quiet_too_and_speak_again(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*line, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(line) == 0
    assert capsys.readouterr().out


def test_quiet_silences_warnings_and_only_for_its_command(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run(folder, "svs", "--quiet", out="quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    assert not logging.getLogger("fsl_mrs_dl").manager.disable


def test_verbose_tells_the_options_as_they_were_resolved(
    scan: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert average(scan, "--verbose") == 0
    told = [record.getMessage() for record in caplog.records]
    assert [text for text in told if text.startswith("Signal averaging: ") and "dim=DIM_DYN" in text]


def test_verbose_tells_the_decisions_of_quantify(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert run(folder, "svs", "--verbose", "--h2o", str(folder / "svs_water.nii.gz")) == 0
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "Quantification: " in told
    assert "no --tissue_frac: the voxel counted as pure water" in told


def test_a_step_says_what_it_did_and_where_its_result_is(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert average(scan) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Averaged 4 of DIM_DYN.",
        f"Result: {scan / 'out' / 'scan.nii.gz'}",
    ]
