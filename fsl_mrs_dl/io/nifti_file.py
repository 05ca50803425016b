"""Open NIfTI-MRS files, and explain why another file is refused."""

import contextlib
import io
import json
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHError
from nibabel.minc1 import MincError
from nibabel.parrec import PARRECError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError, ImageDataError
from nibabel.wrapstruct import WrapStructError
from nifti_mrs import validator
from nifti_mrs.definitions import nifti_mrs_version
from nifti_mrs.nifti_mrs import NIFTI_MRS, NotNIFTI_MRS

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.names import is_packed
from fsl_mrs_dl.io.nifti_header import DIMENSIONS, MRS_EXTENSION, MRSHeader, read_header, with_spectral_width
from fsl_mrs_dl.io.sizes import check_fids
from fsl_mrs_dl.sampling import check_sampling

logger = logging.getLogger(__name__)

# Deflate cannot compress by more than this: a header that promises more bytes than file size x ratio is wrong.
_LARGEST_DEFLATE_RATIO = 1032
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}
"""Units of time of NIfTI in s; some converters leave the unit out and write s."""

DAMAGE = (
    ImageFileError,
    HeaderDataError,
    HeaderTypeError,
    ImageDataError,
    WrapStructError,
    MGHError,
    MincError,
    PARRECError,
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
"""Exceptions of nibabel, nifti-mrs, zlib and JSON for damaged files; each becomes a DataError with its reason."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A NIfTI-MRS file whose FIDs are not yet read: ``nmrs[x, y, z]`` reads those of one voxel.

    Attributes
    ----------
    nmrs : NIFTI_MRS
    notes : tuple of str
        Decisions made while opening, each a sentence without full stop.
    sidecar : bool
        Whether the file has a BIDS-MRS sidecar.
    """

    nmrs: NIFTI_MRS
    notes: tuple[str, ...]
    sidecar: bool


def opened(path: Path, *, beside: Path | None = None) -> Opened:
    """Open a NIfTI-MRS file without reading its FIDs.

    Parameters
    ----------
    path : Path
    beside : Path, optional
        Original file, if ``path`` is a copy without its sidecar.

    Raises
    ------
    DataError
        If the file is missing, damaged, not NIfTI-MRS, or has impossible values in its header.
    """
    image = loaded(path)
    if not isinstance(image, nib.Nifti1Pair):
        raise DataError(
            f"{path} is a {type(image).__name__}, not NIfTI-MRS; convert it first (fsl_mrs_dl convert)."
        )
    named = beside or path
    try:
        _check_size(image, path)
        mrs_header = read_header(image.header, named)
        image, notes = _with_header(image, mrs_header, named)
        with output_to_log():
            return Opened(NIFTI_MRS(image), (*mrs_header.notes, *notes), mrs_header.sidecar)
    except DataError:
        raise
    except DAMAGE as error:
        raise damaged(path, error) from error


def loaded(path: Path, flag: str = "") -> Any:
    """Open an image of any kind that nibabel knows, without reading its values.

    Parameters
    ----------
    path : Path
    flag : str
        Option that names it, for the message.

    Raises
    ------
    DataError
        If the file is missing, or is not an image.
    """
    before = f"--{flag}: " if flag else ""
    if not path.exists():
        raise DataError(f"{before}there is no file {path}; check the name.")
    if path.is_dir():
        raise DataError(f"{before}{path} is a folder; a NIfTI file (.nii or .nii.gz) is needed.")
    try:
        with output_to_log():
            return nib.load(path)
    except DAMAGE as error:
        raise DataError(
            f"{before}{path} is not a readable NIfTI file ({reason_of(error)}); convert a vendor's "
            "file first (fsl_mrs_dl convert)."
        ) from error


def damaged(path: Path, error: BaseException) -> DataError:
    """Return the error for a file that is damaged or not NIfTI-MRS, with the reason."""
    return DataError(f"{path} is damaged or not valid NIfTI-MRS ({reason_of(error)}); convert it again.")


def reason_of(error: BaseException) -> str:
    """Return the text of another package's error in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return f"missing key {text}" if isinstance(error, KeyError) else text[:200]


@contextlib.contextmanager
def output_to_log() -> Iterator[None]:
    """Send output of nifti-mrs and warnings of nibabel to the log; standard output is for results.

    They report small errors of a header that they correct; this module checks the errors that matter.
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


def _check_size(image: Any, path: Path) -> None:
    """Refuse an image that is not complex, or whose header promises more data than the file can have."""
    if not np.issubdtype(image.get_data_dtype(), np.complexfloating):
        raise DataError(
            f"{path} holds {image.get_data_dtype()} numbers and is not NIfTI-MRS, whose FIDs are complex; "
            "convert the vendor's data (fsl_mrs_dl convert)."
        )
    shape = tuple(int(n) for n in image.shape)
    if not 4 <= len(shape) <= 7 or min(shape) < 1:
        raise DataError(f"{path} has shape {shape}; needed are 4 to 7 dimensions without empty ones.")
    promised = int(np.prod([float(n) for n in shape])) * image.get_data_dtype().itemsize
    held = path.stat().st_size * (_LARGEST_DEFLATE_RATIO if is_packed(path) else 1)
    if promised > held:
        raise DataError(
            f"{path} is truncated: its header promises {promised} bytes of data, it cannot hold them."
        )
    check_fids(path, promised)
    if not np.isfinite(image.affine).all() or not np.isfinite(image.header["pixdim"]).all():
        raise DataError(f"{path} has a position or voxel size that is not finite; convert it again.")


def _with_header(image: Any, mrs_header: MRSHeader, path: Path) -> tuple[Any, tuple[str, ...]]:
    """Return the image with a valid NIfTI-MRS header from extension and sidecar, and notes on decisions."""
    header = image.header.copy()
    extension, notes = dict(mrs_header.extension), []
    intent = str(header.get_intent()[2])
    if not intent.startswith("mrs_v"):
        if mrs_header.own:
            raise DataError(
                f"{path} is a NIfTI image but not NIfTI-MRS (intent name {intent!r}, needed 'mrs_v...'); "
                "convert the vendor's data (fsl_mrs_dl convert)."
            )
        header["intent_name"] = "mrs_v{}_{}".format(*nifti_mrs_version).encode()
    unit = header.get_xyzt_units()[1]
    if unit not in _SECONDS:
        raise DataError(
            f"{path} counts its fourth dimension in {unit}; FIDs in time are needed, in s, ms or us. "
            "Convert the data again, or mend xyzt_units."
        )
    dwelltime_s = float(header["pixdim"][4]) * _SECONDS[unit]
    if unit == "unknown":
        notes.append(f"the header does not say the unit of the dwell time: {dwelltime_s:g} counts as s")
    if not mrs_header.own and dwelltime_s in (0.0, 1.0) and (theirs := _dwelltime_of(extension)):
        notes.append(f"the dwell time, {theirs:g} s, is that of the sidecar: the header has none")
        dwelltime_s = theirs
        header["pixdim"][4] = theirs / _SECONDS[unit]
    nucleus, frequency = extension["ResonantNucleus"][0], extension["SpectrometerFrequency"][0]
    check_sampling(str(path), dwelltime_s, frequency, nucleus)
    extension = with_spectral_width(extension, dwelltime_s, path)
    shape = list(image.shape)
    while len(shape) > 4 and shape[-1] == 1 and f"dim_{len(shape)}" not in extension:
        shape.pop()
    unnamed = [n for n in DIMENSIONS if len(shape) >= n and f"dim_{n}" not in extension]
    if unnamed:
        raise DataError(
            f"{path} has a dimension {unnamed[0]} of {shape[unnamed[0] - 1]} that its header does not name; dim_"
            f"{unnamed[0]} must be a tag such as DIM_DYN or DIM_COIL (spec2nii insert)."
        )
    others = [e for e in header.extensions if e.get_code() != MRS_EXTENSION]
    text = json.dumps(extension).encode()
    header.extensions.clear()
    header.extensions.append(nib.nifti1.Nifti1Extension(MRS_EXTENSION, text))
    header.extensions.extend(others)
    values = image.dataobj if tuple(shape) == tuple(image.shape) else image.dataobj.reshape(tuple(shape))
    header.set_data_shape(shape)
    return type(image)(values, None, header), tuple(notes)


def _dwelltime_of(extension: dict[str, Any]) -> float | None:
    """Return the dwell time from the keys of a sidecar, in s; None if there is none."""
    for key, invert in (("DwellTime", False), ("SpectralWidth", True)):
        value = extension.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            return 1 / float(value) if invert else float(value)
    return None
