"""Files of FIDs that are read one voxel at a time: what is decompressed, when, and what is told of it."""

import gzip
import threading

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti, voxels
from fsl_mrs_dl.io.results.streaming import curve_ending
from fsl_mrs_dl.io.voxels import VoxelFile

SHAPE = (3, 2, 1, 64)
BYTES = 3 * 2 * 64 * 8
"""Of single-precision complex numbers."""


@pytest.fixture
def data(rng):
    fid = (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE)).astype(np.complex64)
    return MRSData(fid, dwelltime_s=5e-4, spectrometer_frequency_mhz=123.2, affine=np.diag([9.0, 9, 9, 1]))


@pytest.mark.parametrize(("name", "packed"), [("fit.nii", 0), ("fit.nii.gz", BYTES)])
def test_the_header_is_read_without_decompressing(data, tmp_path, name, packed):
    nifti.write(data, tmp_path / name)
    file = VoxelFile(tmp_path / name)
    one = file.one()
    assert (one.n_points, one.dwelltime_s, file.grid) == (64, 5e-4, (3, 2, 1))
    assert np.array_equal(one.affine, data.affine)
    assert not one.fid.any()
    assert file.packed_bytes == packed
    assert file.temporary() == ()
    assert np.allclose(file.fid((2, 1, 0)), data.fid[2, 1, 0])
    assert file.packed_bytes == 0
    assert len(file.temporary()) == bool(packed)
    gone = file.temporary()
    file.close()
    assert not any(path.exists() for path in gone)


def test_decompressing_tells_how_far_it_is_and_can_be_stopped(data, tmp_path, monkeypatch):
    monkeypatch.setattr(voxels, "_PIECE_BYTES", 1000)
    nifti.write(data, tmp_path / "fit.nii.gz")
    size = len(gzip.decompress((tmp_path / "fit.nii.gz").read_bytes()))
    file, done = VoxelFile(tmp_path / "fit.nii.gz"), []
    assert not file.unpack(lambda n: done.append(n) or len(done) < 2)
    assert done == [1000, 1000]
    done.clear()
    thread = threading.Thread(target=file.unpack, args=(lambda n: done.append(n) or True,))
    thread.start()
    thread.join()
    assert sum(done) == size
    assert np.allclose(file.fid((1, 0, 0)), data.fid[1, 0, 0])


def test_no_room_for_decompressing_is_told(data, tmp_path, monkeypatch):
    nifti.write(data, tmp_path / "fit.nii.gz")
    monkeypatch.setattr(voxels.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": BYTES - 1}))
    with pytest.raises(
        DataError, match=r"fit.nii.gz needs .* to be decompressed, .* free; free some, set TMPDIR"
    ):
        VoxelFile(tmp_path / "fit.nii.gz").unpack()


def test_large_curves_are_not_compressed():
    whole_brain = 64 * 64 * 32 * 512 * 8
    slice_of_it = 32 * 32 * 512 * 8
    assert (curve_ending(whole_brain), curve_ending(slice_of_it)) == (".nii", ".nii.gz")
