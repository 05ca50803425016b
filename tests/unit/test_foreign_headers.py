"""Files as other programs write them: BIDS-MRS sidecars, lists of one, names and texts of any bytes."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.names import plain_name, shown
from fsl_mrs_dl.io.nifti_header import is_nifti_mrs
from fsl_mrs_dl.io.sidecar import sidecar_of_result
from fsl_mrs_dl.io.voxels import VoxelFile

N, DT, F0 = 64, 5e-4, 297.15
LINE = np.exp(2j * np.pi * 0.1 * np.arange(N) - np.arange(N) / 20)
SIDECAR = {
    "Modality": "MR",
    "MagneticFieldStrength": 7,
    "ImagingFrequency": F0,
    "Manufacturer": "Siemens",
    "SequenceName": "*svs_se",
    "ImageType": ["ORIGINAL", "PRIMARY", "SPECTROSCOPY", "NONE"],
    "EchoTime": 0.03,
    "RepetitionTime": 4,
    "DeviceSerialNumber": 237021,
    "SpectralWidth": 1 / DT,
    "DwellTime": DT,
    "SpectrometerFrequency": [F0],
    "ResonantNucleus": ["1H"],
    "NumberOfSpectralPoints": N,
    "dim_5": "DIM_DYN",
    "InversionTime": 0,
    "WaterSuppressed": True,
    "PatientName": "Nobody",
    "ConversionSoftware": "dcm2niix",
}
"""The keys that dcm2niix writes beside a spectrum."""


def image(shape: tuple[int, ...], intent: str = "", unit: str | None = "sec") -> nib.Nifti1Image:
    """Return an image as a file holds it: conjugated."""
    fids = np.broadcast_to(LINE.conj().reshape(1, 1, 1, N, *[1] * (len(shape) - 4)), shape).astype(
        np.complex64
    )
    made = nib.Nifti1Image(fids, np.diag([20.0, 20.0, 20.0, 1.0]))
    made.header["pixdim"][4] = DT
    if unit is not None:
        made.header.set_xyzt_units("mm", unit)
    made.header["intent_name"] = intent.encode()
    return made


def with_sidecar(folder: Path, said: dict[str, object] | bytes, name: str = "scan", **more: object) -> Path:
    """Write a file as dcm2niix does: no header extension, and a sidecar; more keys of the image."""
    made = image((1, 1, 1, N, 3))
    for key, value in more.items():
        made.header["pixdim"][4] = value if key == "dwell" else DT
    nib.save(made, folder / f"{name}.nii.gz")
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    (folder / f"{name}.json").write_bytes(text)
    return folder / f"{name}.nii.gz"


class TestSidecar:
    def test_a_file_without_extension_is_what_its_sidecar_says(self, tmp_path):
        data = nifti.read(with_sidecar(tmp_path, SIDECAR))
        np.testing.assert_allclose(data.fid[0, 0, 0, :, 1], LINE, rtol=1e-6)
        assert (data.dwelltime_s, data.spectrometer_frequency_mhz) == (pytest.approx(DT), F0)
        assert (data.nucleus, data.dim_tags, data.sidecar) == ("1H", ("DIM_DYN",), True)
        assert (data.header["EchoTime"], data.header["RepetitionTime"]) == (0.03, 4)
        assert data.header["DeviceSerialNumber"] == "237021"  # a text, as the standard has it
        assert any("scan.json says what the header does not" in note for note in data.notes)
        assert VoxelFile(tmp_path / "scan.nii.gz").one().spectrometer_frequency_mhz == F0

    def test_the_viewer_knows_it(self, tmp_path):
        path = with_sidecar(tmp_path, SIDECAR)
        assert is_nifti_mrs(nib.load(path).header, path)
        (tmp_path / "scan.json").write_text('{"EchoTime": 0.004}')  # of a structural image
        assert not is_nifti_mrs(nib.load(path).header, path)
        nifti.write(MRSData(LINE.reshape(1, 1, 1, -1), DT, F0), tmp_path / "own.nii.gz")
        assert is_nifti_mrs(nib.load(tmp_path / "own.nii.gz").header, tmp_path / "own.nii.gz")

    def test_what_is_written_of_it_is_nifti_mrs_and_its_sidecar_says_the_same(self, tmp_path):
        data = nifti.read(with_sidecar(tmp_path, SIDECAR))
        nifti.write(data, tmp_path / "out.nii.gz")
        again = nifti.read(tmp_path / "out.nii.gz")  # with no sidecar beside it
        np.testing.assert_array_equal(again.fid, data.fid)
        said = sidecar_of_result(tmp_path / "out.nii.gz")
        assert "PatientName" not in said
        rounded = ("DwellTime", "SpectralWidth")
        assert [said.pop(key) for key in rounded] == pytest.approx([DT, 1 / DT])
        expected = {**SIDECAR, "DeviceSerialNumber": "237021"}
        assert said == {key: expected[key] for key in expected if key not in ("PatientName", *rounded)}

    def test_scalars_and_the_centre_of_bids_are_read(self, tmp_path):
        said = {**SIDECAR, "SpectrometerFrequency": F0, "ResonantNucleus": "1H", "ChemicalShiftOffset": 4.7}
        data = nifti.read(with_sidecar(tmp_path, said))
        assert data.spectrometer_frequency_mhz == F0
        assert data.reference_ppm == pytest.approx(4.7)
        data = nifti.read(with_sidecar(tmp_path, {**said, "RxOffset": -0.2}))
        assert data.reference_ppm == pytest.approx(4.7)  # it is said of the centre, whatever the offset
        data = nifti.read(with_sidecar(tmp_path, {**said, "SpecFreqChemShift": 4.65, "RxOffset": -2.0}))
        assert data.reference_ppm == pytest.approx(2.65)  # the standard's own keys count first

    @pytest.mark.parametrize("dwell", [0.0, 1.0])
    def test_a_dwell_time_that_only_the_sidecar_says(self, dwell, tmp_path):
        assert nifti.read(with_sidecar(tmp_path, SIDECAR, dwell=dwell)).dwelltime_s == pytest.approx(DT)

    @pytest.mark.parametrize(
        ("said", "found"),
        [
            (b"{", "scan.json, the sidecar, is damaged: no JSON"),
            (b"[1, 2]", "the sidecar, is not a JSON object"),
            (json.dumps({"EchoTime": 0.03}).encode(), "its sidecar scan.json has no SpectrometerFrequency"),
            ({**SIDECAR, "SpectralWidth": 4000.0}, "but SpectralWidth 4000 Hz"),
            ({**SIDECAR, "dim_5": None}, "has a dimension 5 of 3 that its header does not name"),
            ({**SIDECAR, "SpectrometerFrequency": "x"}, "no usable SpectrometerFrequency"),
            ({**SIDECAR, "MagneticFieldStrength": 3}, "a field of 6.98 T, but MagneticFieldStrength 3 T"),
            ({**SIDECAR, "ResonantNucleus": ["31P"]}, "a field of 17.2 T, but MagneticFieldStrength 7 T"),
        ],
    )
    def test_a_sidecar_that_does_not_say_what_is_needed_is_refused(self, said, found, tmp_path):
        with pytest.raises(DataError, match=re.escape(found)):
            nifti.read(with_sidecar(tmp_path, said))

    def test_without_sidecar_and_extension_a_file_is_refused_with_the_way_out(self, tmp_path):
        path = with_sidecar(tmp_path, SIDECAR)
        (tmp_path / "scan.json").unlink()
        with pytest.raises(
            DataError, match=r"no NIfTI-MRS header extension and no sidecar scan\.json.*fsl_mrs_dl convert"
        ):
            nifti.read(path)

    def test_the_header_counts_before_a_sidecar_that_fills_its_gaps(self, tmp_path):
        nifti.write(
            MRSData(LINE.reshape(1, 1, 1, -1), DT, F0, header={"EchoTime": 0.035}), tmp_path / "a.nii.gz"
        )
        (tmp_path / "a.json").write_text(json.dumps({**SIDECAR, "dim_5": None}))
        data = nifti.read(tmp_path / "a.nii.gz")
        assert (data.header["EchoTime"], data.header["RepetitionTime"]) == (0.035, 4)
        assert any("contradict each other in EchoTime (0.035 and 0.03)" in note for note in data.notes)
        stale = {**SIDECAR, "dim_5": None, "SpectralWidth": 1.0, "ProcessingApplied": [{"Program": "other"}]}
        (tmp_path / "a.json").write_text(json.dumps(stale))
        assert nifti.read(tmp_path / "a.nii.gz").processing == ()
        (tmp_path / "a.json").write_text('{"made_by": "another program"}')
        assert not nifti.read(tmp_path / "a.nii.gz").sidecar


class TestSpant:
    """An R program that writes every value as a list, seven dimensions, an sform alone and no unit of time."""

    def written(self, folder: Path, shape: tuple[int, ...], **more: object) -> Path:
        made = image(shape, intent="mrs_v0_2", unit=None)
        made.header.set_qform(None, code=0)
        made.header.set_sform(np.diag([20.0, 20.0, 20.0, 1.0]), code=2)
        said = {
            "SpectrometerFrequency": [F0],
            "ResonantNucleus": ["1H"],
            "SpectralWidth": [1 / DT],
            "NumberOfSpectralPoints": [N],
            "AcquisitionVoxelSize": [20, 20, 20],
            "ChemicalShiftOffset": [4.65],
            "RepetitionTime": [2],
            "EchoTime": [0.03],
            "dim_5": ["DIM_COIL"],
            "dim_6": ["DIM_DYN"],
            **more,
        }
        made.header.extensions.append(nib.nifti1.Nifti1Extension(44, json.dumps(said).encode()))
        nib.save(made, folder / "spant.nii.gz")
        return folder / "spant.nii.gz"

    @pytest.mark.parametrize("shape", [(1, 1, 1, N), (1, 1, 1, N, 1, 4), (1, 1, 1, N, 2, 4, 1)])
    def test_it_is_read(self, shape, tmp_path):
        data = nifti.read(self.written(tmp_path, shape))
        assert data.fid.shape == (*shape, 1, 1)[:6]
        np.testing.assert_allclose(data.fid[0, 0, 0, :, 0, -1], LINE, rtol=1e-6)
        assert data.dim_tags == ("DIM_COIL", "DIM_DYN")
        assert (data.header["EchoTime"], data.header["RepetitionTime"]) == (0.03, 2)
        assert data.reference_ppm == 4.65
        np.testing.assert_array_equal(data.affine, np.diag([20.0, 20.0, 20.0, 1.0]))
        nifti.write(data, tmp_path / "out.nii.gz")
        np.testing.assert_array_equal(nifti.read(tmp_path / "out.nii.gz").fid, data.fid)

    def test_a_missing_number_of_r_is_no_number(self, tmp_path):
        data = nifti.read(self.written(tmp_path, (1, 1, 1, N), EchoTime=["NA"], RepetitionTime=[None]))
        assert not {"EchoTime", "RepetitionTime"} & set(data.header)


def damaged(folder: Path, **more: object) -> Path:
    """Write a valid file with other keys."""
    nifti.write(MRSData(LINE.reshape(1, 1, 1, -1), DT, F0), folder / "whole.nii.gz")
    made = nib.load(folder / "whole.nii.gz")
    text = more.get("text")
    if text is None:
        text = json.dumps({**json.loads(made.header.extensions[0].content), **more}).encode()
    made.header.extensions.clear()
    made.header.extensions.append(nib.nifti1.Nifti1Extension(44, text))
    nib.save(nib.Nifti2Image(np.asarray(made.dataobj), None, made.header), folder / "bad.nii.gz")
    return folder / "bad.nii.gz"


LATIN = '{"SpectrometerFrequency": [127.7], "ResonantNucleus": ["1H"], "PatientName": "M\xfcller"}'.encode(
    "latin-1"
)


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"SpectrometerFrequency": [[127.7]]}, "no usable SpectrometerFrequency (found [[127.7]])"),
        ({"SpectrometerFrequency": [127.7, "x"]}, "no usable SpectrometerFrequency"),
        ({"SpectrometerFrequency": []}, "no usable SpectrometerFrequency"),
        ({"SpectrometerFrequency": [True]}, "no usable SpectrometerFrequency"),
        ({"ResonantNucleus": [["1H"]]}, "no usable ResonantNucleus"),
        ({"ResonantNucleus": [1]}, "no usable ResonantNucleus"),
        ({"EchoTime": "0.03"}, "has EchoTime '0.03'; one number in s is needed"),
        ({"EchoTime": [0.03, 0.04]}, "has EchoTime [0.03, 0.04]; one number in s is needed"),
        ({"RepetitionTime": [[2.0]]}, "has RepetitionTime [[2.0]]; one number in s is needed"),
        ({"RepetitionTime": float("inf")}, "has RepetitionTime inf; one number in s is needed"),
        ({"SpecFreqChemShift": 1e9}, "a chemical shift in ppm is needed"),
        ({"dim_5": "DIM_NONSENSE"}, "names dimension 5 'DIM_NONSENSE'"),
        ({"ProtocolName": "\ud800"}, "holds half a character (a lone surrogate) in ProtocolName"),
        ({"text": LATIN}, f"is not UTF-8: byte 0xfc at place {LATIN.index(0xFC)}, in PatientName"),
        ({"text": b"[" * 100_000}, "is damaged: no JSON"),
        ({"text": b'{"a": ' * 100_000}, "is damaged: no JSON"),
        ({"text": b'{"a": 1' + b"0" * 5000 + b"}"}, "is damaged: no JSON"),
        ({"text": b"null"}, "is not a JSON object"),
    ],
)
def test_headers_that_cannot_be_read_are_refused_with_their_place(more, found, tmp_path):
    with pytest.raises(DataError) as refused:
        nifti.read(damaged(tmp_path, **more))
    said = str(refused.value)
    assert found in said
    assert "\n" not in said
    assert "ller" not in said  # no part of a name


def test_latin_1_in_utf_8_is_kept(tmp_path):
    data = MRSData(LINE.reshape(1, 1, 1, -1), DT, F0, header={"ProtocolName": "Schläfe"})
    nifti.write(data, tmp_path / "a.nii.gz")
    assert nifti.read(tmp_path / "a.nii.gz").header["ProtocolName"] == "Schläfe"


@pytest.mark.parametrize("name", [b"m\xfc.nii.gz", b"scan.NII.GZ", b"scan.NII", b"scan.nii"])
def test_files_of_any_name_are_read(name, tmp_path):
    data = MRSData(LINE.reshape(1, 1, 1, -1), DT, F0)
    plain = tmp_path / ("a.nii.gz" if name.lower().endswith(b".gz") else "a.nii")
    nifti.write(data, plain)
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    plain.rename(path)
    read = nifti.read(path)
    np.testing.assert_array_equal(read.fid, data.fid)
    np.testing.assert_array_equal(VoxelFile(path).fid((0, 0, 0)), LINE)
    read.name.encode("utf-8")
    nifti.write(replace(read, processing=(nifti.record("x", read.name),)), tmp_path / "out.nii.gz")
    assert nifti.read(tmp_path / "out.nii.gz").processing[0]["Details"] == shown(path.name)


def test_a_name_of_any_bytes_is_told_with_them():
    assert shown(os.fsdecode(b"m\xfc.nii")) == r"m\xfc.nii"
    assert shown("mü.nii") == "mü.nii"


@pytest.mark.parametrize("name", ["a/b", "/a", "..", ".", "", "a\0b", "x" * 300, ".nii.gz"])
def test_a_name_with_a_path_in_it_or_too_long_is_refused(name):
    with pytest.raises(ValueError, match="--filename is"):
        plain_name(name, "filename")


@pytest.mark.parametrize(
    ("name", "stem"), [("a.nii.gz", "a"), ("a.NII.GZ", "a"), ("a.b.nii", "a.b"), ("a", "a")]
)
def test_the_ending_of_nifti_is_no_part_of_a_name(name, stem):
    assert plain_name(name, "filename") == stem
