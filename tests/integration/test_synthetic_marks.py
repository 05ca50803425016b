"""What FSL-MRS's tools do to the marks of synthetic FIDs: the command mrs_tools on files."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.synthetic import synthetic_along

TOOL = Path(sys.executable).parent / "mrs_tools"
pytestmark = [
    pytest.mark.fslmrs,
    pytest.mark.skipif(not (TOOL.exists() or shutil.which("mrs_tools")), reason="mrs_tools is not installed"),
]


def mrs_tools(*words: str) -> None:
    tool = str(TOOL) if TOOL.exists() else "mrs_tools"
    subprocess.run([tool, *words], check=True, capture_output=True)


def simulated(folder: Path, *more: str) -> MRSData:
    """Write the simulated file scan.nii.gz of 256 points and return what it holds."""
    words = ["simulate", "--output", str(folder), "--filename", "scan", "--points", "256", *more]
    assert main(words) == 0
    return nifti.read(folder / "scan.nii.gz")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Write six measured and four synthetic transients in one file."""
    data = simulated(tmp_path, "--transients", "6")
    measured = {key: value for key, value in data.header.items() if key != "SyntheticData"}
    nifti.write(replace(data, header=measured), tmp_path / "scan.nii.gz")
    line = ["augment", "--file", str(tmp_path / "scan.nii.gz"), "--output", str(tmp_path / "mixed")]
    assert main([*line, "--keep", "--n", "4"]) == 0
    return tmp_path / "mixed/scan.nii.gz"


def test_marks_survive_split_merge_and_reorder(mixed: Path, tmp_path: Path) -> None:
    out = ["--output", str(tmp_path), "--filename"]
    mrs_tools("split", "--file", str(mixed), "--dim", "DIM_DYN", "--index", "5", "--output", str(tmp_path))
    measured, made = (nifti.read(tmp_path / f"scan_{part}.nii.gz") for part in ("low", "high"))
    assert synthetic_along(measured, "DIM_DYN").tolist() == [False] * 6
    assert synthetic_along(made, "DIM_DYN").tolist() == [True] * 4
    parts = [str(tmp_path / f"scan_{part}.nii.gz") for part in ("high", "low")]
    mrs_tools("merge", "--files", *parts, "--dim", "DIM_DYN", *out, "merged")
    merged = nifti.read(tmp_path / "merged.nii.gz")
    assert synthetic_along(merged, "DIM_DYN").tolist() == [True] * 4 + [False] * 6
    assert merged.header["SyntheticData"]["parents"] == ["scan.nii.gz"]
    mrs_tools("reorder", "--file", str(mixed), "--dim_order", "DIM_COIL", "DIM_DYN", *out, "turned")
    turned = nifti.read(tmp_path / "turned.nii.gz")
    assert synthetic_along(turned, "DIM_DYN").tolist() == [False] * 6 + [True] * 4


def test_files_with_and_without_marks_are_not_merged(mixed: Path, tmp_path: Path) -> None:
    files = [str(tmp_path / "scan.nii.gz"), str(mixed)]
    with pytest.raises(subprocess.CalledProcessError):
        mrs_tools(
            "merge", "--files", *files, "--dim", "DIM_DYN", "--output", str(tmp_path), "--filename", "both"
        )


def test_synthetic_conditions_do_not_slip_behind_measured_ones(tmp_path: Path) -> None:
    data = simulated(tmp_path, "--kind", "edited", "--transients", "4")
    measured = {key: value for key, value in data.header.items() if key != "SyntheticData"}
    nifti.write(replace(data, header=measured, dim_headers={}), tmp_path / "scan.nii.gz")
    made = ["augment", "--file", str(tmp_path / "scan.nii.gz"), "--output", str(tmp_path / "made")]
    assert main(made) == 0
    pair = [str(tmp_path / "scan.nii.gz"), str(tmp_path / "made/scan.nii.gz")]
    out = ["--dim", "DIM_EDIT", "--output", str(tmp_path), "--filename", "both"]
    for files in (pair, pair[::-1]):
        with pytest.raises(subprocess.CalledProcessError):
            mrs_tools("merge", "--files", *files, *out)
    mrs_tools("merge", "--files", pair[1], pair[1], *out)
    assert synthetic_along(nifti.read(tmp_path / "both.nii.gz"), "DIM_EDIT").all()
