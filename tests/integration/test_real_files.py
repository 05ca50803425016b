"""Real files of several vendors and of the standard go through unchanged; their signs are right."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum

pytestmark = pytest.mark.realdata

FILES = [
    "nifti_mrs_examples/example_1.nii.gz",
    "nifti_mrs_examples/example_2.nii.gz",
    "nifti_mrs_examples/example_3.nii.gz",
    "invivo/steam_7t/metab_raw.nii.gz",
    "invivo/mega_press_drift_3t/metab.nii.gz",
    "invivo/press_3t/sub-01_press.nii.gz",
    "invivo/mrsi_3t/data.nii.gz",
]


@pytest.mark.parametrize("name", FILES)
def test_round_trip_loses_nothing(name: str, shared_data: Path, tmp_path: Path) -> None:
    nifti.write(nifti.read(shared_data / name), tmp_path / "x.nii.gz")
    before, after = nib.load(shared_data / name), nib.load(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(np.asarray(after.dataobj), np.asarray(before.dataobj))
    np.testing.assert_array_equal(after.affine, before.affine)
    assert after.header.extensions[0].json() == before.header.extensions[0].json()
    for key in before.header:
        if key not in ("scl_slope", "scl_inter", "vox_offset"):
            np.testing.assert_array_equal(after.header[key], before.header[key], err_msg=key)


def test_creatine_and_naa_lie_where_they_should(shared_data: Path) -> None:
    data = nifti.read(shared_data / "invivo/steam_7t/metab.nii.gz")
    spectrum = np.abs(fid_to_spectrum(data.fid[0, 0, 0]))
    for expected, window in ((3.02, (2.9, 3.12)), (2.01, (1.9, 2.1))):
        inside = (data.ppm_axis > window[0]) & (data.ppm_axis < window[1])
        assert data.ppm_axis[inside][np.argmax(spectrum[inside])] == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("field", [123, 297])
def test_files_as_spant_writes_them_are_read(field: int, shared_data: Path) -> None:
    """Every value of their header is a list; FSL-MRS's tools refuse them."""
    data = nifti.read(shared_data / f"slaser_basis/basis_sets/slaser_{field}_mhz/Cr.nii.gz")
    assert data.spectrometer_frequency_mhz == pytest.approx(field, abs=1)
    assert data.dim_tags == ("DIM_COIL", "DIM_DYN")
    spectrum = np.abs(fid_to_spectrum(data.fid[0, 0, 0, :, 0, 0]))
    assert data.ppm_axis[spectrum.argmax()] == pytest.approx(3.03, abs=0.02)
