"""NIfTI-MRS files opened; what keeps a file from being one is said in plain words."""

import contextlib
import io
import json
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, HeaderTypeError
from nifti_mrs import validator
from nifti_mrs.definitions import dimension_tags
from nifti_mrs.nifti_mrs import NIFTI_MRS, NotNIFTI_MRS

from fsl_mrs_dl.errors import DataError

logger = logging.getLogger(__name__)

MRS_EXTENSION = 44
"""The code of the header extension that makes a NIfTI file NIfTI-MRS."""
DIMENSIONS = (5, 6, 7)
"""The numbers of the dimensions after time, as the header counts."""
# Deflate cannot shrink by more than this, so a header that promises more bytes than file x ratio is a lie.
_MAX_DEFLATE_RATIO = 1032
_MAX_SPECTROMETER_MHZ = 5000.0

DAMAGE = (
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
"""What nibabel, nifti-mrs, zlib and JSON raise on damaged files; each is told to the user with its reason."""


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
        with aside():
            image = nib.load(path)
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a readable NIfTI file ({reason_of(error)}); convert vendor data with spec2nii first."
        ) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise DataError(f"{path} is a {type(image).__name__}, not NIfTI-MRS; convert it with spec2nii first.")
    _check_header(image, path)
    try:
        with aside():
            return NIFTI_MRS(image)
    except DAMAGE as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: BaseException) -> DataError:
    """Return what is said of a file that is no NIfTI-MRS, with the reason."""
    return DataError(f"{path} is damaged or not valid NIfTI-MRS ({reason_of(error)}); convert it again.")


def reason_of(error: BaseException) -> str:
    """Return the text of another package's error in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return f"missing key {text}" if isinstance(error, KeyError) else text[:200]


@contextlib.contextmanager
def aside() -> Iterator[None]:
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
    for n in DIMENSIONS:
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
    except (ValueError, RecursionError, *DAMAGE):
        try:
            extension = texts[0].json()
        except (RecursionError, *DAMAGE) as error:
            raise DataError(
                f"{path} has a damaged NIfTI-MRS header extension ({reason_of(error)})."
            ) from error
    if not isinstance(extension, dict):
        raise DataError(f"{path} has a NIfTI-MRS header extension that is not a JSON object.")
    return extension
