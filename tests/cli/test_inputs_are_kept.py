"""Inputs are read, never replaced: output folders that hold an input, and results that a user edited."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quantify_scans import run

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.registry import Step


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder: Path, capsys: pytest.CaptureFixture[str], name: str, *more: str) -> str:
    """Run, check that it is refused in one line and changes nothing, and return the line."""
    before = content(folder)
    assert run(folder, name, "--overwrite", *more) == 2
    assert content(folder) == before
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_basis_set_of_an_earlier_run_in_its_own_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "mrsi") == 0
    capsys.readouterr()
    for name in ("mrsi", "svs"):
        said = refused(folder, capsys, name, "--basis", str(folder / "out" / "basis"))
        assert "is of an earlier run in this folder and an input of this one" in said
    assert run(folder, "mrsi", "--basis", str(folder / "out" / "basis"), out="beside") == 0


def test_a_basis_set_where_the_results_put_theirs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Step, "__call__", lambda *_, **__: pytest.fail("refused after the fit, not before"))
    shutil.copytree(folder / "basis", folder / "out" / "basis")
    said = refused(folder, capsys, "mrsi", "--basis", str(folder / "out" / "basis"))
    assert "is the input itself, or lies in it" in said
    # Not an input, but its members would be read with ours.
    assert "is not a file of an earlier run" in refused(folder, capsys, "mrsi")


def test_the_results_themselves_as_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "svs") == 0
    capsys.readouterr()
    (folder / "link.nii.gz").symlink_to(folder / "out" / "fit.nii.gz")
    assert "an input of this one" in refused(folder, capsys, "link")
    (folder / "link.nii.gz").unlink()
    (folder / "link.nii.gz").hardlink_to(folder / "out" / "residual.nii.gz")
    assert "an input of this one" in refused(folder, capsys, "link")


def test_a_result_that_a_user_edited(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "svs") == 0
    capsys.readouterr()
    with (folder / "out" / "summary.csv").open("a") as handle:
        handle.write("my remark\n")
    assert "summary.csv was changed since an earlier run wrote it" in refused(folder, capsys, "svs")
    (folder / "out" / "summary.csv").unlink()
    assert run(folder, "svs", "--overwrite") == 0
    assert "my remark" not in (folder / "out" / "summary.csv").read_text()


def test_a_config_file_in_the_output_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "run.json").write_text("no_posterior = true")
    assert "does not say what an earlier run wrote" in refused(
        folder, capsys, "svs", "--config", str(folder / "out" / "run.json")
    )


def test_a_file_of_estimates_that_is_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--output", str(tmp_path), "--kind", "transients", "--points", "512"]) == 0
    scan = next(tmp_path.glob("*.nii.gz"))
    align = ["align", "--file", str(scan), "--output", str(tmp_path / "out"), "--filename", "x"]
    assert main([*align, "--method", "corr"]) == 0
    before = content(tmp_path)
    capsys.readouterr()
    assert main([*align, "--apply", str(tmp_path / "out" / "x_align.csv"), "--overwrite"]) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert content(tmp_path) == before


@pytest.mark.parametrize("kind", ["scan", "of another program", "damaged"])
def test_a_file_of_a_result_s_name_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    scan = MRSData(np.ones((1, 1, 1, 64, 2), dtype=np.complex64), 5e-4, 123.2, dim_tags=("DIM_DYN",))
    nifti.write(scan, tmp_path / "scan.nii.gz")
    place = tmp_path / "out" / "x.nii.gz"
    average = ["average", "--file", str(tmp_path / "scan.nii.gz"), "--output", str(tmp_path / "out")]
    average += ["--filename", "x", "--overwrite"]
    assert main(average) == 0
    assert main(average) == 0
    if kind == "scan":
        nifti.write(scan, place)
    elif kind == "of another program":
        ours = nifti.read(place)
        nifti.write(replace(ours, processing=(*ours.processing, {"Program": "FSL-MRS"})), place)
    else:
        place.write_bytes(place.read_bytes()[:300])
    before = content(tmp_path)
    assert main(average) == 2
    assert "x.nii.gz was not written by fsl_mrs_dl and is left alone" in capsys.readouterr().err
    assert content(tmp_path) == before
