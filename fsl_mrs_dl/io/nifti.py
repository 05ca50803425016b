"""NIfTI-MRS files and ``NIFTI_MRS`` objects to and from :class:`~fsl_mrs_dl.data.MRSData`.

The only module that knows that a file holds the complex conjugate of memory, and the only one that knows
the NIfTI header. Both are left to the packages of the standard, nifti-mrs and nibabel.
"""

import contextlib
import io
import json
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError
from nifti_mrs import validator
from nifti_mrs.create_nmrs import _default_affine as default_affine
from nifti_mrs.definitions import dimension_tags, nifti_mrs_version
from nifti_mrs.nifti_mrs import NIFTI_MRS, NotNIFTI_MRS

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError

logger = logging.getLogger(__name__)

MRS_EXTENSION = 44
_FROM_FIELDS = ("SpectrometerFrequency", "ResonantNucleus", "ProcessingApplied")
_DIMENSIONS = (5, 6, 7)
# Deflate cannot shrink by more than this, so a header that promises more bytes than file x ratio is a lie.
_MAX_DEFLATE_RATIO = 1032
_MAX_SPECTROMETER_MHZ = 5000.0

# What nibabel, nifti-mrs, zlib and JSON raise on damaged files; each is told to the user with its reason.
_DAMAGE = (
    ImageFileError,
    HeaderDataError,
    HeaderTypeError,
    NotNIFTI_MRS,
    validator.Error,
    OSError,
    EOFError,
    zlib.error,
    struct.error,
    UnicodeError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def read(path: Path | str) -> MRSData:
    """Read a NIfTI-MRS file.

    Parameters
    ----------
    path : Path or str
        A ``.nii`` or ``.nii.gz`` file.

    Returns
    -------
    MRSData

    Raises
    ------
    DataError
        If the file is missing, damaged, or not NIfTI-MRS.
    """
    path = Path(path)
    nmrs = opened(path)
    try:
        with _aside():
            return from_nifti_mrs(nmrs, name=path.name)
    except DataError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def opened(path: Path) -> NIFTI_MRS:
    """Open a NIfTI-MRS file without reading its FIDs: ``opened(path)[x, y, z]`` reads those of one voxel.

    Parameters
    ----------
    path : Path

    Returns
    -------
    NIFTI_MRS

    Raises
    ------
    DataError
        If the file is missing, damaged, or not NIfTI-MRS.
    """
    if not path.exists():
        raise DataError(f"There is no file {path}; check the name.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; a NIfTI-MRS file (.nii or .nii.gz) is needed.")
    try:
        with _aside():
            image = nib.load(path)
    except _DAMAGE as error:
        raise DataError(
            f"{path} is not a readable NIfTI file ({_reason(error)}); convert vendor data with spec2nii first."
        ) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise DataError(f"{path} is a {type(image).__name__}, not NIfTI-MRS; convert it with spec2nii first.")
    _check_header(image, path)
    try:
        with _aside():
            return NIFTI_MRS(image)
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path} is damaged or not valid NIfTI-MRS ({_reason(error)}); convert it again.")


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"missing key {text}" if isinstance(error, KeyError) else text[:200]


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """Send what nifti-mrs prints and nibabel warns of to the log; standard output is for results.

    Both mend small faults of a header aloud; what matters of them is checked here.
    """
    aloud = logging.getLogger("nibabel.global")
    before, aloud.disabled = aloud.disabled, True
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            warnings.catch_warnings(record=True) as warned,
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("always")
            yield
    finally:
        aloud.disabled = before
    for text in [printed.getvalue().strip(), *(str(warning.message) for warning in warned)]:
        if text:
            logger.info(text)


def _check_header(image: Any, path: Path) -> None:
    """Say in plain words what keeps a NIfTI file from being NIfTI-MRS."""
    intent = image.header.get_intent()[2]
    if not str(intent).startswith("mrs_v"):
        raise DataError(
            f"{path} is a NIfTI image but not NIfTI-MRS (intent name {str(intent)!r}, needed 'mrs_v...'); "
            "convert the vendor's data with spec2nii."
        )
    if not np.issubdtype(image.get_data_dtype(), np.complexfloating):
        raise DataError(f"{path} holds {image.get_data_dtype()} numbers; MRS data must be complex.")
    shape = tuple(int(n) for n in image.shape)
    if not 4 <= len(shape) <= 7 or min(shape) < 1:
        raise DataError(f"{path} has shape {shape}; needed are 4 to 7 dimensions without empty ones.")
    promised = int(np.prod([float(n) for n in shape])) * image.get_data_dtype().itemsize
    held = path.stat().st_size * (_MAX_DEFLATE_RATIO if path.suffix == ".gz" else 1)
    if promised > held:
        raise DataError(
            f"{path} is truncated: its header promises {promised} bytes of data, it cannot hold them."
        )
    if not np.isfinite(image.affine).all() or not np.isfinite(image.header["pixdim"]).all():
        raise DataError(f"{path} has a position or voxel size that is not finite; convert it again.")
    extension = _extension(image.header, path)
    for key, kind in (("SpectrometerFrequency", (int, float)), ("ResonantNucleus", str)):
        value = extension.get(key)
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, bool) or not isinstance(first, kind):
            raise DataError(f"{path} has no usable {key} in its header (found {value!r}); convert it again.")
    for n in _DIMENSIONS:
        tag = extension.get(f"dim_{n}")
        if tag is not None and not (isinstance(tag, str) and tag in dimension_tags):
            raise DataError(
                f"{path} names dimension {n} {tag!r}; needed is one of {', '.join(dimension_tags)}."
            )
    frequency = np.ravel(extension["SpectrometerFrequency"])[0]
    if not 0 < frequency <= _MAX_SPECTROMETER_MHZ:
        raise DataError(
            f"{path} says its spectrometer frequency is {frequency:g} MHz; a value in MHz is needed."
        )


def _extension(header: Any, path: Path) -> dict[str, Any]:
    texts = [e for e in header.extensions if e.get_code() == MRS_EXTENSION]
    if not texts:
        raise DataError(f"{path} has no NIfTI-MRS header extension; convert the vendor's data with spec2nii.")
    try:
        extension = json.loads(
            texts[0].get_content() if isinstance(texts[0].get_content(), (str, bytes)) else ""
        )
    except (ValueError, RecursionError, *_DAMAGE):
        try:
            extension = texts[0].json()
        except (RecursionError, *_DAMAGE) as error:
            raise DataError(f"{path} has a damaged NIfTI-MRS header extension ({_reason(error)}).") from error
    if not isinstance(extension, dict):
        raise DataError(f"{path} has a NIfTI-MRS header extension that is not a JSON object.")
    return extension


def from_nifti_mrs(nmrs: NIFTI_MRS, name: str = "", *, voxel: tuple[int, int, int] | None = None) -> MRSData:
    """Return the data of a ``NIFTI_MRS`` object (nifti_mrs's or FSL-MRS's); the object is not changed.

    Parameters
    ----------
    nmrs : NIFTI_MRS
    name : str, optional
        File name to remember; the object's own if not given.
    voxel : tuple of int, optional
        Read the first FID of this one only; the grid and all higher dimensions then have the length one, header
        and position are those of all.

    Returns
    -------
    MRSData

    Raises
    ------
    DataError
        If what it holds is not valid.
    """
    extension = _without_loss(nmrs)
    tags = tuple(tag for tag in nmrs.dim_tags if tag is not None)
    if voxel is None:
        fid = np.asarray(nmrs[:]).reshape(nmrs.shape)
    else:
        higher = len(nmrs.shape) - 4
        fid = np.asarray(nmrs[(*voxel, slice(None), *[0] * higher)]).reshape(1, 1, 1, -1, *[1] * higher)
    dim_headers: dict[str, dict[str, Any]] = {}
    for n, tag in zip(_DIMENSIONS, tags, strict=False):
        said = {"info": extension.get(f"dim_{n}_info"), "header": extension.get(f"dim_{n}_header")}
        dim_headers[tag] = {key: value for key, value in said.items() if value is not None}
    said_by_fields = {f"dim_{n}{part}" for n in _DIMENSIONS for part in ("", "_info", "_header")}
    header = {k: v for k, v in extension.items() if k not in said_by_fields and k != "ProcessingApplied"}
    nifti_header = nmrs.header.copy()
    placed = int(nifti_header["qform_code"]) > 0 or int(nifti_header["sform_code"]) > 0
    return MRSData(
        fid=fid,
        dwelltime_s=float(nmrs.dwelltime),
        spectrometer_frequency_mhz=float(nmrs.spectrometer_frequency[0]),
        nucleus=nmrs.nucleus[0],
        dim_tags=tags,
        affine=np.asarray(nmrs.voxToWorldMat) if placed else None,
        header=header,
        dim_headers=dim_headers,
        processing=tuple(_records(extension.get("ProcessingApplied", []))),
        name=name or str(nmrs.filename),
        nifti_header=nifti_header,
    )


def _records(applied: Any) -> list[Mapping[str, Any]]:
    if not isinstance(applied, list) or not all(isinstance(record, dict) for record in applied):
        raise DataError(
            f"ProcessingApplied in the header is {type(applied).__name__}, not a list of records."
        )
    return applied


def _without_loss(nmrs: NIFTI_MRS) -> dict[str, Any]:
    """Return the header extension; nifti-mrs drops extra keys of user keys that have a Value, we keep them."""
    extension: dict[str, Any] = deepcopy(nmrs.hdr_ext.to_dict())
    stored = [e for e in nmrs.header.extensions if e.get_code() == MRS_EXTENSION]
    raw = stored[0].json() if stored else {}
    for key, value in extension.items():
        full = raw.get(key)
        if isinstance(full, dict) and isinstance(value, dict) and value.items() <= full.items():
            extension[key] = full
    return extension


def to_nifti_mrs(data: MRSData) -> NIFTI_MRS:
    """Return a ``NIFTI_MRS`` object of the data, with everything the header held.

    Parameters
    ----------
    data : MRSData

    Returns
    -------
    NIFTI_MRS

    Raises
    ------
    DataError
        If the standard does not allow what the data hold.
    """
    if data.nifti_header is None:
        header = nib.Nifti2Header()
        header.set_xyzt_units(xyz="mm", t="sec")
        header["intent_name"] = "mrs_v{}_{}".format(*nifti_mrs_version).encode()
        affine = data.affine if data.affine is not None else default_affine()
        header.set_qform(affine, code=1 if data.affine is not None else 0)
        header.set_sform(affine, code=1 if data.affine is not None else 0)
    else:
        header = data.nifti_header.copy()  # type: ignore[attr-defined]
    # On disk the standard's sign, see the module; this line and NIFTI_MRS.__getitem__ are the only two places.
    stored = np.conj(data.fid)
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(stored.shape)
    header["pixdim"][4] = data.dwelltime_s * {"msec": 1e3, "usec": 1e6}.get(header.get_xyzt_units()[1], 1.0)
    others = [e for e in header.extensions if e.get_code() != MRS_EXTENSION]
    header.extensions.clear()
    text = json.dumps(_to_extension(data)).encode("utf-8")
    header.extensions.append(nib.nifti1.Nifti1Extension(MRS_EXTENSION, text))
    header.extensions.extend(others)
    kind = nib.Nifti2Image if header["sizeof_hdr"] == nib.Nifti2Header.sizeof_hdr else nib.Nifti1Image
    try:
        with _aside():
            nmrs = NIFTI_MRS(kind(stored, None, header))
        validator.validate_nifti_mrs(nmrs.image)
    except (validator.Error, NotNIFTI_MRS) as error:
        raise DataError(f"{data.name or 'The data'} cannot be NIfTI-MRS: {_reason(error)}") from error
    return nmrs


def _to_extension(data: MRSData) -> dict[str, Any]:
    frequencies = list(np.ravel(data.header.get("SpectrometerFrequency", [0.0])))[1:]
    nuclei = list(np.ravel(data.header.get("ResonantNucleus", [""])))[1:]
    extension: dict[str, Any] = {
        "SpectrometerFrequency": [data.spectrometer_frequency_mhz, *(float(f) for f in frequencies)],
        "ResonantNucleus": [data.nucleus, *(str(n) for n in nuclei)],
    }
    for n, tag in zip(_DIMENSIONS, data.dim_tags, strict=False):
        extension[f"dim_{n}"] = tag
        for part, value in data.dim_headers.get(tag, {}).items():
            extension[f"dim_{n}_{part}"] = value
    extension.update({key: value for key, value in data.header.items() if key not in _FROM_FIELDS})
    if data.processing:
        extension["ProcessingApplied"] = [dict(record) for record in data.processing]
    return extension


def write(data: MRSData, path: Path) -> None:
    """Write a NIfTI-MRS file, with the permissions of an ordinary file.

    Parameters
    ----------
    data : MRSData
    path : Path
        Ends in ``.nii.gz`` or ``.nii``; replaced if it exists (see :class:`~fsl_mrs_dl.io.staging.Staging`).

    Raises
    ------
    DataError
        If the standard does not allow what the data hold.
    """
    # Not NIFTI_MRS.save: it drops other header extensions and leaves the file readable by its owner alone.
    nib.save(to_nifti_mrs(data).image.nibImage, path)


def record(method: str, details: str, **more: str) -> dict[str, str]:
    """Return one entry for ``ProcessingApplied``, in the form FSL-MRS writes it.

    Parameters
    ----------
    method : str
        Keyword of the NIfTI-MRS standard, for example ``"Frequency and phase correction"``.
    details : str
        Function and resolved settings.
    **more : str
        Extra keys, for example the model and the checksum of its weights.

    Returns
    -------
    dict
        Time (local, ISO, ms), Program, Version, Method, Details, and the extra keys.
    """
    return {
        "Time": datetime.now().isoformat(timespec="milliseconds"),
        "Program": "fsl_mrs_dl",
        "Version": __version__,
        "Method": method,
        "Details": details,
        **more,
    }
