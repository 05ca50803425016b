"""Images written piece by piece are the same files; arrays on disk are the same arrays."""

import gzip
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti, scratch
from fsl_mrs_dl.io.results import mrsi, streaming
from fsl_mrs_dl.io.scratch import new_array, release_memory, scratch_in


def same(one: Path, other: Path) -> bool:
    contents = [
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in (one, other)
    ]
    return contents[0] == contents[1]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", ["int16", "float32", "float64", "complex64"])
def test_an_image_in_pieces_is_the_file_that_nibabel_writes(
    tmp_path: Path, rng: np.random.Generator, kind: str, ending: str
) -> None:
    values = (100 * rng.normal(size=(3, 4, 5, 6))).astype(kind)
    image = nib.Nifti1Image(values, np.diag([2.0, 3, 4, 1]))
    nib.save(image, tmp_path / f"whole{ending}")
    header = nib.Nifti1Image(np.zeros((1, 1, 1), dtype=kind), np.diag([2.0, 3, 4, 1])).header
    pieces = (values[..., :1], values[..., 1:4], values[..., 4:])
    streaming.write_image(header, values.shape, pieces, tmp_path / f"pieces{ending}")
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / f"pieces{ending}").dataobj), values)
    assert same(tmp_path / f"whole{ending}", tmp_path / f"pieces{ending}")


@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
@pytest.mark.parametrize("read", [False, True])
def test_curves_in_pieces_are_the_file_of_the_whole(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, kind: type, read: bool
) -> None:
    fid = (rng.normal(size=(3, 4, 2, 50)) + 1j * rng.normal(size=(3, 4, 2, 50))).astype(kind)
    data = MRSData(fid, 5e-4, 123.2, affine=np.diag([2.0, 3, 4, 1]), header={"EchoTime": 0.03})
    if read:  # with a header of its own
        nifti.write(replace(data, processing=({"Program": "x"},)), tmp_path / "first.nii")
        data = nifti.read(tmp_path / "first.nii")
    monkeypatch.setattr(streaming, "_PIECE_BYTES", 3 * 4 * 2 * 7 * fid.itemsize)  # seven points at a time
    nifti.write(data, tmp_path / "whole.nii.gz")
    streaming.write_curves(data, lambda x: data.fid[x], tmp_path / "pieces.nii.gz", (data.fid,))
    np.testing.assert_array_equal(nifti.read(tmp_path / "pieces.nii.gz").fid, fid)
    assert same(tmp_path / "whole.nii.gz", tmp_path / "pieces.nii.gz")


class TestScratch:
    @pytest.fixture(autouse=True)
    def all_are_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scratch, "_LARGE_BYTES", 1)

    def test_an_array_on_disk_keeps_its_values_and_leaves_no_file(
        self, tmp_path: Path, rng: np.random.Generator
    ) -> None:
        values = rng.normal(size=(100, 7)) + 1j
        with scratch_in(tmp_path):
            array = new_array(values.shape, values.dtype)
        assert not array.any()
        array[:] = values
        view = array.reshape(10, 10, 7)[3:, 2]
        release_memory(array, view, np.ones(3), None)
        np.testing.assert_array_equal(array, values)
        np.testing.assert_array_equal(view, values.reshape(10, 10, 7)[3:, 2])
        assert not list(tmp_path.iterdir())

    def test_it_is_not_in_memory(self, tmp_path: Path) -> None:
        resident = Path("/proc/self/statm")
        if not resident.exists():
            pytest.skip("no /proc")
        n, pages = 2**21, 2**21 * 8 // 4096
        with scratch_in(tmp_path):
            array = new_array((n,), np.float64)
        before = int(resident.read_text().split()[1])
        for start in range(0, n, 2**16):
            array[start : start + 2**16] = start
            release_memory(array)
        assert int(resident.read_text().split()[1]) - before < pages / 8
        assert array.sum() > 0
        assert int(resident.read_text().split()[1]) - before > pages / 2

    def test_a_full_disk_is_noticed_at_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.posix_fallocate", full, raising=False)
        with scratch_in(tmp_path), pytest.raises(OSError, match="No space left"):
            new_array((10,), np.float64)

    def test_without_a_folder_arrays_are_in_memory(self) -> None:
        assert new_array((3, 2), np.float32).base is None


def test_curves_and_residuals_lie_where_the_voxels_do(rng: np.random.Generator) -> None:
    grid, n = (3, 4, 2), 5
    chosen = rng.random(grid) < 0.5
    voxels = np.argwhere(chosen)
    curves = (rng.normal(size=(len(voxels), n)) + 1j).astype(np.complex64)
    whole = np.zeros((*grid, n), dtype=np.complex64)
    for voxel, curve in zip(voxels, curves, strict=True):
        whole[tuple(voxel)] = curve
    fid = rng.normal(size=(*grid, n)) + 1j
    outcome = SimpleNamespace(grid=grid, voxels=voxels, fit=curves)
    slab, residual = mrsi._slabs(outcome, curves), mrsi._residual(SimpleNamespace(fid=fid), outcome)
    for x in range(grid[0]):
        np.testing.assert_array_equal(slab(x), whole[x])
        np.testing.assert_allclose(residual(x), np.where(chosen[x, ..., None], fid[x] - whole[x], 0))
