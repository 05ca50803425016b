"""Files as scanners and other programs write them, made of FIDs in memory sign, for spec2nii to read."""

import ctypes
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import MRSData

_RDA = """PatientName: somebody
PatientID: 1
PatientSex: O
PatientBirthDate: 19000101
PatientWeight: 60.0
PatientPosition: HFS
ProtocolName: svs_se_30
SequenceName: *svs_se
ModelName: Simulated
DeviceSerialNumber: 0
SoftwareVersion[0]: none
InstitutionName: none
TransmitCoil: Body
TR: {tr}
TE: {te}
TM: 0.0
TI: 0.0
FlipAngle: 90.0
DwellTime: {dwell}
MRFrequency: {mhz}
Nucleus: 1H
VectorSize: {points}
CSIMatrixSize[0]: 1
CSIMatrixSize[1]: 1
CSIMatrixSize[2]: 1
PositionVector[0]: 0.0
PositionVector[1]: 0.0
PositionVector[2]: 0.0
RowVector[0]: 1.0
RowVector[1]: 0.0
RowVector[2]: 0.0
ColumnVector[0]: 0.0
ColumnVector[1]: 1.0
ColumnVector[2]: 0.0
PixelSpacingRow: 20.0
PixelSpacingCol: 20.0
SliceThickness: 20.0
"""
_SPAR = """! A comment
scan_id : SV_PRESS_35
patient_name : somebody
patient_birth_date : 1900.01.01
patient_position : "head_first"
patient_orientation : "supine"
samples : {points}
rows : {rows}
synthesizer_frequency : {hz}
offset_frequency : 0
sample_frequency : {bandwidth}
spectrum_inversion_time : 0
nucleus : 1H
echo_time : {te}
repetition_time : {tr}
volume_selection_enable : "no"
"""
_JMRUI = """jMRUI Data Textfile

Filename: scan.txt

PointsInDataset: {points}
DatasetsInFile: 1
SamplingInterval: {dwell}
ZeroOrderPhase: 0E0
BeginTime: 0E0
TransmitterFrequency: {hz}
MagneticField: 2.894E0
TypeOfNucleus: 1E0
NameOfPatient: somebody

Signal and FFT
sig(real)\tsig(imag)
Signal 1 out of 1 in file
"""


def write_rda(data: MRSData, path: Path) -> None:
    """Write one FID as Siemens does."""
    said = _RDA.format(**_times(data), dwell=round(1e6 * data.dwelltime_s))
    head = f">>> Begin of header <<<\n{said}>>> End of header <<<\n".replace("\n", "\r\n")
    numbers = data.fid[0, 0, 0].conj().astype(np.complex128).view(np.float64)
    path.write_bytes(head.encode() + numbers.tobytes())


def write_sdat(data: MRSData, path: Path) -> None:
    """Write FIDs as a Philips SDAT/SPAR pair, one transient a row."""
    rows = data.fid[0, 0, 0].reshape(data.n_points, -1).T
    path.with_suffix(".SPAR").write_text(
        _SPAR.format(**_times(data), rows=len(rows), hz=1e6 * data.spectrometer_frequency_mhz)
    )
    numbers = np.ascontiguousarray(rows, dtype=np.complex64).view(np.float32).ravel()
    path.with_suffix(".SDAT").write_bytes(_vax(numbers))


def write_raw(data: MRSData, path: Path) -> None:
    """Write one FID as LCModel takes it."""
    fid = data.fid[0, 0, 0]
    head = (
        f" $SEQPAR\n echot = {_times(data)['te']}\n hzpppm = {data.spectrometer_frequency_mhz:.6e}\n $END\n"
    )
    head += f" $NMID\n id='scan', fmtdat='(2E15.6)'\n deltat = {data.dwelltime_s:.6e}\n $END\n"
    path.write_text(head + "".join(f"{z.real:15.6E}{z.imag:15.6E}\n" for z in fid))


def write_jmrui(data: MRSData, path: Path) -> None:
    """Write one FID as jMRUI's text."""
    hz, dwell = 1e6 * data.spectrometer_frequency_mhz, 1e3 * data.dwelltime_s
    head = _JMRUI.format(points=data.n_points, dwell=f"{dwell:.6E}", hz=f"{hz:.6E}")
    path.write_text(head + "".join(f"{z.real:.6E}\t{z.imag:.6E}\n" for z in data.fid[0, 0, 0]))


def write_p_file(data: MRSData, water: MRSData, path: Path) -> None:
    """Write transients of coils, and those of the water before them, as GE's PROBE does (revision 26.002).

    Where a number stands in the header is told by spec2nii itself; what the numbers are is not.

    Parameters
    ----------
    data, water : MRSData
        With DIM_COIL and DIM_DYN.
    path : Path
    """
    from spec2nii.GE.ge_hdr_fields import get_pfile_hdr_fields

    layout = type(
        "Header", (ctypes.LittleEndianStructure,), {"_pack_": 1, "_fields_": get_pfile_hdr_fields(26.002)}
    )
    header = layout()
    both = np.concatenate([water.fid, data.fid], axis=-1)[0, 0, 0].conj()  # time, coil, transient
    n_points, n_coils, n_transients = both.shape
    excitations = 16 // water.fid.shape[-1]  # a transient; the reference always has 16
    start = 213684
    said = {
        "rhr_rh_rdbm_rev": 26.002,
        "rhr_rdb_hdr_off_data": start,
        "rhr_rh_frame_size": n_points,
        "rhr_rh_point_size": 4,
        "rhr_rh_dab[0]_stop_rcv": n_coils - 1,
        "rhr_rh_raw_pass_size": n_coils * (n_transients + 1) * n_points * 8,
        "rhr_spectral_width": 1 / data.dwelltime_s,
        "rhr_rh_ps_mps_freq": round(1e7 * data.spectrometer_frequency_mhz),
        "rhe_magstrength": round(1e4 * data.spectrometer_frequency_mhz / 42.576),
        "rhe_patname": b"somebody",
        "rhi_psdname": b"PROBE-P",
        "rhi_te": round(1e6 * data.header["EchoTime"]),
        "rhi_tr": round(1e6 * data.header["RepetitionTime"]),
        "rhi_nex": excitations,
        "rhi_user4": data.fid.shape[-1] * excitations,
        "rhi_numecho": 1,
        "rhi_freq_dir": 1,
        "rhi_user8": 20.0,
        "rhi_user9": 20.0,
        "rhi_user10": 20.0,
        "rhi_trhc_R": 1.0,
        "rhi_brhc_R": 1.0,
        "rhi_brhc_A": 1.0,
    }
    for name, value in said.items():
        setattr(header, name, value)
    blank = np.zeros((n_points, n_coils, 1))
    numbers = np.concatenate([blank, both], axis=-1).transpose(1, 2, 0)
    whole = np.ascontiguousarray(numbers, dtype=np.complex128).view(np.float64)
    path.write_bytes(bytes(header).ljust(start, b"\0")[:start] + np.rint(whole).astype("<i4").tobytes())


def write_twix(data: MRSData, path: Path, *, matrix: int = 1) -> None:
    """Write transients of coils as Siemens' raw data (software VB: a header of named buffers, then the lines).

    Parameters
    ----------
    data : MRSData
        With DIM_COIL and DIM_DYN.
    path : Path
    matrix : int
        Steps of phase encoding in both directions of the slice that the header claims.
    """
    fids = data.fid[0, 0, 0].transpose(2, 1, 0).astype(np.complex64)  # transient, coil, time
    times = _times(data)
    meas = {
        "Frequency": 1e6 * data.spectrometer_frequency_mhz,
        "ResonantNucleus": "1H",
        "TR": 1e3 * float(times["tr"]),
        "FlipAngle": 90.0,
        "tSequenceString": "svs_se",
        "tSequenceFileName": "svs_se",
        "PatientPosition": "HFS",
        "PatientName": "somebody",
        "flUsedPatientWeight": 60.0,
        "PatientBirthDay": "19000101",
        "PatientSex": 3,
        "tICEProgramName": "none",
        "lFinalMatrixSizePhase": matrix,
        "lFinalMatrixSizeRead": matrix,
        "lVectorSize": data.n_points,
        "lFinalMatrixSizeSlice": 1,
    }
    words = (
        "Manufacturer",
        "ManufacturersModelName",
        "DeviceSerialNumber",
        "InstitutionName",
        "InstitutionAddress",
    )
    dicom = dict.fromkeys(words, "Siemens") | {
        "SoftwareVersions": "syngo MR B17",
        "tProtocolName": "svs_se_30",
    }
    buffers = {
        "Config": _xprotocol({"SequenceFileName": "svs_se"}),
        "Dicom": _xprotocol(dicom),
        "Meas": _xprotocol(meas),
        "MeasYaps": _ascconv({"sRXSPEC.alDwellTime[0]": round(1e9 * data.dwelltime_s)}),
        "Phoenix": _ascconv({"alTE[0]": round(1e3 * float(times["te"]))}),
    }
    body = np.uint32(len(buffers)).tobytes()
    for name, text in buffers.items():
        body += name.encode() + b"\0" + np.uint32(len(text)).tobytes() + text.encode()
    lines = [
        _line_header(n, coil, fids.shape[1], fids.shape[2]) + fids[n, coil].tobytes()
        for n in range(len(fids))
        for coil in range(fids.shape[1])
    ]
    end = bytearray(_line_header(0, 0, 1, 0))
    end[20] = 1  # the last of all
    size = 16384  # of the header; that of a real scan is longer, and a short one would say software VD
    path.write_bytes(
        (np.uint32(size).tobytes() + body).ljust(size, b"\0") + b"".join(lines) + bytes(end) + bytes(512)
    )


def _xprotocol(values: dict[str, object]) -> str:
    said = "\n".join(
        f'<ParamString."{k}"> {{ "{v}" }}'
        if isinstance(v, str)
        else f'<ParamDouble."{k}"> {{ <Precision> 6 {v} }}'
        for k, v in values.items()
    )
    return f"<XProtocol> {{\n{said}\n}}\n"


def _ascconv(values: dict[str, object]) -> str:
    said = "\n".join(f"{k} = {v}" for k, v in values.items())
    return f"<XProtocol> {{\n}}\n### ASCCONV BEGIN ###\n{said}\n### ASCCONV END ###\n"


def _line_header(transient: int, coil: int, n_coils: int, n_points: int) -> bytes:
    """Return the 128 bytes before the samples of one coil."""
    header = np.zeros(64, dtype="<u2")
    header[:2] = np.array([(8 * n_points + 128) * n_coils], dtype="<u4").view("<u2")
    header[4] = header[6] = transient + 1
    header[14:16] = n_points, n_coils
    header[23] = transient  # the counter of sets, along which VB repeats
    header[62] = coil
    return header.tobytes()


def _times(data: MRSData) -> dict[str, object]:
    return {
        "te": 1e3 * data.header["EchoTime"],
        "tr": 1e3 * data.header["RepetitionTime"],
        "points": data.n_points,
        "mhz": data.spectrometer_frequency_mhz,
        "bandwidth": 1 / data.dwelltime_s,
    }


def _vax(numbers: np.ndarray) -> bytes:
    """Return single-precision numbers as a VAX writes them: the words swapped, four times the exponent."""
    words = (4 * numbers.astype("<f4")).view("<u2").reshape(-1, 2)
    return np.ascontiguousarray(words[:, ::-1]).tobytes()
