"""NIfTI-MRS in and out: the sign, and nothing lost."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_mrs.create_nmrs import gen_nifti_mrs
from nifti_mrs.nifti_mrs import NIFTI_MRS

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti


def data(**more: object) -> MRSData:
    n = np.arange(64)
    fid = np.exp(2j * np.pi * 0.1 * n - n / 20).reshape(1, 1, 1, -1)
    return MRSData(fid, 5e-4, 127.7, **more)  # type: ignore[arg-type]


def test_memory_has_the_sign_of_nifti_mrs_and_the_file_its_conjugate(tmp_path: Path) -> None:
    nifti.write(data(), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(NIFTI_MRS(tmp_path / "a.nii.gz")[:], data().fid)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "a.nii.gz").dataobj), data().fid.conj())
    np.testing.assert_array_equal(nifti.read(tmp_path / "a.nii.gz").fid, data().fid)


def test_objects_of_nifti_mrs_come_and_go_unharmed() -> None:
    made = gen_nifti_mrs(
        np.repeat(data().fid[..., None], 3, axis=-1), 5e-4, 127.7, dim_tags=["DIM_DYN", None, None]
    )
    before = made.hdr_ext.to_dict()
    inside = nifti.from_nifti_mrs(made)
    assert inside.dim_tags == ("DIM_DYN",)
    back = nifti.to_nifti_mrs(replace(inside, processing=({"Program": "x"},)))
    assert made.hdr_ext.to_dict() == before
    assert back.hdr_ext["ProcessingApplied"] == [{"Program": "x"}]
    np.testing.assert_array_equal(back[:], made[:])


def test_user_private_and_dimension_keys_survive(tmp_path: Path) -> None:
    header = {
        "EchoTime": 0.03,
        "Mine": {"Value": [1, 2], "Description": "d", "Unit": "ms"},
        "private_x": {"a": 1, "Description": "d"},
    }
    dim_headers = {"DIM_DYN": {"info": "why", "header": {"EchoTime": {"start": 0.03, "increment": 0.01}}}}
    one = data(header=header)
    stack = np.repeat(one.fid[..., None], 4, axis=-1)
    full = replace(one, fid=stack, dim_tags=("DIM_DYN",), dim_headers=dim_headers)
    nifti.write(full, tmp_path / "a.nii.gz")
    back = nifti.read(tmp_path / "a.nii.gz")
    for key, value in header.items():
        assert back.header[key] == value
    assert dict(back.dim_headers["DIM_DYN"]) == dim_headers["DIM_DYN"]


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_nifti_header_and_other_extensions_survive(kind: type, tmp_path: Path) -> None:
    affine = np.array([[2.0, 0, 0, 5], [0, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
    nifti.write(data(affine=affine), tmp_path / "a.nii.gz")
    first = nib.load(tmp_path / "a.nii.gz")
    header = kind.header_class.from_header(first.header)
    header["intent_name"], header["descrip"] = first.header["intent_name"], b"from the scanner"
    header["pixdim"][4] = 5e-4
    header.set_xyzt_units("mm", "sec")
    header.extensions = first.header.extensions
    header.extensions.append(nib.nifti1.Nifti1Extension(6, b"a comment"))
    nib.save(kind(np.asarray(first.dataobj), affine, header), tmp_path / "b.nii.gz")
    nifti.write(nifti.read(tmp_path / "b.nii.gz"), tmp_path / "c.nii.gz")
    before, after = (nib.load(tmp_path / f"{n}.nii.gz") for n in "bc")
    assert type(after) is kind
    same = [k for k in before.header if k not in ("scl_slope", "scl_inter", "vox_offset")]
    for key in same:
        np.testing.assert_array_equal(after.header[key], before.header[key], err_msg=key)
    assert [e.get_code() for e in after.header.extensions] == [44, 6]
    np.testing.assert_array_equal(after.affine, affine)


def test_milliseconds_on_disk_stay_milliseconds(tmp_path: Path) -> None:
    nifti.write(data(), tmp_path / "a.nii.gz")
    image = nib.load(tmp_path / "a.nii.gz")
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 0.5
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), tmp_path / "b.nii.gz")
    read = nifti.read(tmp_path / "b.nii.gz")
    assert read.dwelltime_s == pytest.approx(5e-4)
    nifti.write(read, tmp_path / "c.nii.gz")
    assert nib.load(tmp_path / "c.nii.gz").header["pixdim"][4] == pytest.approx(0.5)


def test_a_hertz_value_for_megahertz_is_refused(tmp_path: Path) -> None:
    nifti.write(replace(data(), spectrometer_frequency_mhz=127.7e6), tmp_path / "a.nii.gz")
    with pytest.raises(DataError, match="in MHz is needed"):
        nifti.read(tmp_path / "a.nii.gz")


def test_the_array_of_data_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        data().fid[...] = 0
