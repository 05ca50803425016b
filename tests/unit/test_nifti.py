"""NIfTI-MRS in and out: the sign, and nothing lost."""

import json
import re
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


def with_time_in(unit: str, number: float, source: Path, target: Path) -> Path:
    """Copy a file with another unit and number of its dwell time."""
    image = nib.load(source)
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = number
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), target)
    return target


@pytest.mark.parametrize(
    ("unit", "number"), [("sec", 5e-4), ("msec", 0.5), ("usec", 500.0), ("unknown", 5e-4)]
)
@pytest.mark.parametrize("width", [None, 2000.0, 2000.4])
def test_every_unit_of_time_is_read_and_seconds_are_written(
    unit: str, number: float, width: float | None, tmp_path: Path
) -> None:
    nifti.write(data(header={} if width is None else {"SpectralWidth": 2000.0}), tmp_path / "a.nii.gz")
    if width is not None:
        with_header(tmp_path / "a.nii.gz", {"SpectralWidth": width}, tmp_path / "a.nii.gz")
    read = nifti.read(with_time_in(unit, number, tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"))
    assert read.dwelltime_s == pytest.approx(5e-4)
    assert any("unit of the dwell time" in note for note in read.notes) == (unit == "unknown")
    nifti.write(read, tmp_path / "c.nii.gz")
    after = nib.load(tmp_path / "c.nii.gz").header
    assert after.get_xyzt_units()[1] == ("unknown" if unit == "unknown" else "sec")
    assert after["pixdim"][4] == pytest.approx(5e-4)
    assert NIFTI_MRS(tmp_path / "c.nii.gz").dwelltime == pytest.approx(5e-4)


@pytest.mark.parametrize(
    ("unit", "number", "said"),
    [
        ("sec", 0.5, "has a dwell time of 0.5 s; needed are 1e-06 to 0.01 s"),
        ("sec", 0.5, "0.5 ms would be one"),
        ("sec", 500.0, "500 us would be one"),
        ("msec", 500.0, "has a dwell time of 0.5 s"),
        ("sec", 0.0, "has a dwell time of 0 s"),
        ("sec", 1.0, "has a dwell time of 1 s"),
        ("sec", -5e-4, "has a dwell time of -0.0005 s"),
        ("hz", 2000.0, "counts its fourth dimension in hz"),
    ],
)
def test_a_dwell_time_that_cannot_be_is_refused(unit: str, number: float, said: str, tmp_path: Path) -> None:
    nifti.write(data(), tmp_path / "a.nii.gz")
    bad = with_time_in(unit, number, tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    with pytest.raises(DataError, match=re.escape(said)):
        nifti.read(bad)


@pytest.mark.parametrize("width", [1000.0, 2.0, 1990.0, 0.0])
def test_a_spectral_width_that_contradicts_the_dwell_time_is_refused(width: float, tmp_path: Path) -> None:
    nifti.write(data(), tmp_path / "a.nii.gz")
    with_header(tmp_path / "a.nii.gz", {"SpectralWidth": width}, tmp_path / "b.nii.gz")
    with pytest.raises(DataError, match=f"a bandwidth of 2000 Hz, but SpectralWidth {width:g} Hz"):
        nifti.read(tmp_path / "b.nii.gz")


@pytest.mark.parametrize(
    ("mhz", "nucleus", "said"),
    [
        (127.7e6, "1H", "1.277e+08 Hz would be one"),
        (3.0, "1H", "A field of 3 T would be 127.7 MHz"),
        (49.9, "H1", "names its nucleus 'H1'"),
        (0.0, "1H", "numbers in MHz are needed"),
        (2000.0, "129XE", "a value in MHz is needed"),
    ],
)
def test_a_frequency_or_a_nucleus_that_cannot_be_is_refused(
    mhz: float, nucleus: str, said: str, tmp_path: Path
) -> None:
    nifti.write(data(), tmp_path / "a.nii.gz")
    more = {"SpectrometerFrequency": [mhz], "ResonantNucleus": [nucleus]}
    with_header(tmp_path / "a.nii.gz", more, tmp_path / "b.nii.gz")
    with pytest.raises(DataError, match=re.escape(said)):
        nifti.read(tmp_path / "b.nii.gz")


def with_header(source: Path, more: dict[str, object] | bytes, target: Path) -> Path:
    """Copy a file with more keys in its header extension, or with other bytes there; None takes a key away."""
    image = nib.load(source)
    said = json.loads(image.header.extensions[0].content)
    if not isinstance(more, bytes):
        said.update(more)
        more = json.dumps({key: value for key, value in said.items() if value is not None}).encode()
    image.header.extensions.clear()
    image.header.extensions.append(nib.nifti1.Nifti1Extension(44, more))
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), target)
    return target


def test_the_array_of_data_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        data().fid[...] = 0


def test_qform_and_sform_are_the_position_of_the_data_or_not_set(tmp_path: Path) -> None:
    affine = np.array([[0.0, -11, 0, 4], [9, 0, 0, -5], [0, 0, 15, 6], [0, 0, 0, 1]])
    nifti.write(data(affine=affine), tmp_path / "a.nii.gz")
    header = nib.load(tmp_path / "a.nii.gz").header
    for form in ("qform", "sform"):
        np.testing.assert_allclose(getattr(header, f"get_{form}")(), affine, atol=1e-5)
        assert header[f"{form}_code"] == 1
    np.testing.assert_allclose(nifti.read(tmp_path / "a.nii.gz").affine, affine, atol=1e-5)
    nifti.write(data(), tmp_path / "b.nii.gz")
    header = nib.load(tmp_path / "b.nii.gz").header
    assert (header["qform_code"], header["sform_code"]) == (0, 0)
    assert nifti.read(tmp_path / "b.nii.gz").affine is None


@pytest.mark.parametrize(("field_t", "agrees"), [(3.0, True), (0.3, False), (2.6, False), (30000.0, True)])
def test_a_field_in_t_must_agree_with_the_frequency_and_one_in_gauss_is_not_read(
    field_t: float, agrees: bool, tmp_path: Path
) -> None:
    """127.7 MHz over 42.577 MHz/T are 2.999 T."""
    header = {"MagneticFieldStrength": {"Value": field_t, "Description": "field"}}
    nifti.write(data(header=header), tmp_path / "a.nii.gz")
    if agrees:
        nifti.read(tmp_path / "a.nii.gz")
    else:
        with pytest.raises(DataError, match=r"a field of 3 T, but MagneticFieldStrength"):
            nifti.read(tmp_path / "a.nii.gz")
