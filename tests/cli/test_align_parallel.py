"""``align --parallel``: the numbers do not know how many processes made them."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti

N, DT, F0, VOXELS, TRANSIENTS = 512, 5e-4, 123.25, 3, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three voxels, six transients, two conditions, two coils; one set is zero, one transient is not finite."""
    rng = np.random.default_rng(12)
    like = np.zeros(1, dtype=complex)
    lines = physics.singlet(N, DT, (np.array([2.01, 3.03, 3.2]) - 4.65) * F0, 20.0, 5.0, like)
    fid = (np.array([3, 2, 1])[:, None] * lines).sum(axis=0)
    shift_hz = rng.uniform(-6, 6, (VOXELS, TRANSIENTS, 2))
    turned = np.exp(
        2j * np.pi * shift_hz[:, None] * (np.arange(N) * DT)[:, None, None] + 1j * shift_hz[:, None] / 9
    )
    fids = fid[:, None, None] * turned  # (voxel, time, transient, condition)
    fids = fids[:, None, None, :, None] * np.array([1.0, 0.6j])[:, None, None]
    fids = physics.add_noise(fids, 0.1, rng)
    fids[1, ..., 1] = 0
    fids[2, 0, 0, :, 0, 3, 0] = np.nan
    there = tmp_path_factory.mktemp("grid")
    tags = ("DIM_COIL", "DIM_DYN", "DIM_EDIT")
    nifti.write(MRSData(fids, DT, F0, dim_tags=tags), there / "grid.nii.gz")
    return there


def align(folder: Path, out: str, *more: str) -> int:
    return main(["align", "--file", str(folder / "grid.nii.gz"), "--output", str(folder / out), *more])


@pytest.mark.parametrize("method", ["gn", "crr"])
def test_processes_give_the_numbers_of_none(folder: Path, method: str) -> None:
    assert align(folder, f"{method}_off", "--method", method) == 0
    tables = [(folder / f"{method}_off" / "grid_align.csv").read_bytes()]
    fids = [nifti.read(folder / f"{method}_off" / "grid.nii.gz").fid]
    for workers in ("1", "2"):
        out = f"{method}_{workers}"
        more = ("--parallel", "local", "--parallel-workers", workers)
        assert align(folder, out, "--method", method, *more) == 0
        tables.append((folder / out / "grid_align.csv").read_bytes())
        fids.append(nifti.read(folder / out / "grid.nii.gz").fid)
    assert tables[0] == tables[1] == tables[2]
    np.testing.assert_array_equal(fids[0], fids[1])
    np.testing.assert_array_equal(fids[0], fids[2])
    assert b"zero" in tables[0]
    assert b"nonfinite" in tables[0]


@pytest.mark.parametrize(
    ("more", "needed"),
    [
        (("--parallel", "cluster"), "DASK_SCHEDULER_ADDRESS"),
        (("--parallel", "local", "--parallel_workers", "0"), "1 or more"),
        (("--parallel", "local", "--model", "align-dsr-1h-3t"), "without a network"),
    ],
)
def test_what_cannot_be_is_refused(
    folder: Path, more: tuple[str, ...], needed: str, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    assert align(folder, "none", *more) == 2
    assert needed in capsys.readouterr().err
    assert not (folder / "none").exists()
