"""``quantify --parallel``: the numbers do not know how many processes made them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
from quantify_scans import N, basis, scans

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis

VOXELS = 150  # three chunks


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write MRSI of three chunks of voxels, with its water."""
    there = tmp_path_factory.mktemp("grid")
    data, water = scans(np.random.default_rng(3), n_voxels=VOXELS)
    assert data.n_points == N
    nifti.write(data, there / "grid.nii.gz")
    nifti.write(water, there / "water.nii.gz")
    write_json_basis(basis(), there / "basis", overwrite=False)
    return there


def run(folder: Path, out: str, *more: str) -> int:
    files = ["--data", "grid.nii.gz", "--h2o", "water.nii.gz", "--basis", "basis"]
    named = [word if word.startswith("--") else str(folder / word) for word in files]
    return main(["quantify", *named, "--output", str(folder / out), *more])


def maps(folder: Path) -> dict[str, np.ndarray]:
    return {
        str(path.relative_to(folder)): np.asarray(nibabel.load(path).dataobj)
        for path in sorted(folder.rglob("*.nii.gz"))
    }


def test_two_processes_give_the_numbers_of_one(folder: Path) -> None:
    assert run(folder, "one") == 0
    assert run(folder, "two", "--parallel", "local", "--parallel-workers", "2") == 0
    one, two = maps(folder / "one"), maps(folder / "two")
    assert len(one) > 20
    assert one.keys() == two.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)
    assert json.loads((folder / "two" / "run.json").read_text())["settings"]["parallel"] == "local"


def test_a_scheduler_that_the_environment_names_is_used(folder: Path, monkeypatch) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        assert run(folder, "cluster", "--parallel", "cluster", "--no_posterior") == 0
    assert run(folder, "plain", "--no_posterior") == 0
    one, other = maps(folder / "plain"), maps(folder / "cluster")
    np.testing.assert_array_equal(one["concs/raw/NAA.nii.gz"], other["concs/raw/NAA.nii.gz"])


def test_processes_end_with_the_command_that_started_them(folder: Path) -> None:
    psutil = pytest.importorskip("psutil")
    files = ["--data", folder / "grid.nii.gz", "--basis", folder / "basis", "--output", folder / "killed"]
    command = [sys.executable, "-m", "fsl_mrs_dl", "quantify", *map(str, files), "--parallel", "local"]
    process = psutil.Popen([*command, "--parallel-workers", "2"], stderr=subprocess.DEVNULL)
    started: list = []
    while process.poll() is None and len(started) < 4:  # those of Python's own, and two that fit
        started = process.children(recursive=True)
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert len(started) == 4
    assert psutil.wait_procs(started, timeout=20)[1] == []


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        (("--parallel", "cluster"), "DASK_SCHEDULER_ADDRESS"),
        (("--parallel", "local", "--parallel_workers", "0"), "1 or more"),
        (("--parallel", "everywhere"), "off"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, more, needed, capsys, monkeypatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    try:
        status = run(folder, "none", *more)
    except SystemExit as left:
        status = left.code
    assert status == 2
    assert needed in capsys.readouterr().err
    assert not (folder / "none").exists()
