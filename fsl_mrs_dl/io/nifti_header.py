"""Read the JSON of a NIfTI-MRS header extension, or of a BIDS-MRS sidecar.

Some programs deviate from the standard in both. Clear deviations are corrected, with a note; others are refused
with the name of the key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nifti_mrs.definitions import dimension_tags, standard_defined

from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.names import without_ending
from fsl_mrs_dl.sampling import NUCLEI

MRS_EXTENSION = 44
"""Code of the NIfTI-MRS header extension."""
DIMENSIONS = (5, 6, 7)
"""Numbers of the dimensions after time, as the header counts."""
REQUIRED = ("SpectrometerFrequency", "ResonantNucleus")
"""Keys that the standard, and BIDS-MRS, require in every file."""
_SCALARS = frozenset(
    {
        *(key for key, field in standard_defined.items() if field.type[0] not in (list, dict)),
        *(f"dim_{n}" for n in DIMENSIONS),
    }
)
_NUMBERS = frozenset(key for key, field in standard_defined.items() if field.type[0] == (float, int))
_TEXTS = frozenset(key for key, field in standard_defined.items() if field.type[0] is str)
_NOTHING = (None, "NA", "n/a")  # null, a missing number of R, a missing value of BIDS
_LARGEST_SHIFT_PPM = 500.0  # the chemical shifts of the nuclei of MRS lie within
_WIDTH_TOLERANCE = 1e-3  # relative: SpectralWidth and dwell time are rounded
_FIELD_TOLERANCE = 0.1  # relative: scanners of 3 T have 2.89 to 3.0 T
_HIGHEST_FIELD_T = 50.0  # above the strongest magnets; a larger number is in gauss
_COMPARED = (*REQUIRED, "EchoTime", "RepetitionTime", "SpectralWidth")
"""Keys on which results depend: a note says where header and sidecar contradict each other."""


_FILLED = tuple(key for key in standard_defined if key not in ("ProcessingApplied", "SpectralWidth"))
"""Keys that a sidecar may add to a header extension. Processing and bandwidth are those of the file itself."""


@dataclass(frozen=True)
class MRSHeader:
    """Header of a file, as the standard requires it.

    Attributes
    ----------
    extension : dict
        The header extension.
    notes : tuple of str
        Decisions made while reading, each a sentence without full stop.
    sidecar : bool
        Whether the file has a BIDS-MRS sidecar.
    own : bool
        Whether the file has a header extension of its own.
    """

    extension: dict[str, Any]
    notes: tuple[str, ...]
    sidecar: bool
    own: bool


def sidecar_of(path: Path) -> Path:
    """Return the path that the JSON sidecar of a NIfTI file has, whether it exists or not."""
    return path.with_name(f"{without_ending(path.name)}.json")


def is_nifti_mrs(header: Any, path: Path) -> bool:
    """Return whether a NIfTI file is NIfTI-MRS according to its header extension or its sidecar.

    Parameters
    ----------
    header : nibabel.Nifti1Header or None
    path : Path
        The NIfTI file.
    """
    own = any(e.get_code() == MRS_EXTENSION for e in getattr(header, "extensions", ()))
    return own or _sidecar(sidecar_of(path)) is not None


def read_header(header: Any, path: Path) -> MRSHeader:
    """Read the header extension of a file, and the keys that only its sidecar has.

    Parameters
    ----------
    header : nibabel.Nifti1Header
    path : Path
        The NIfTI file.

    Raises
    ------
    DataError
        If there is neither, or one is damaged or lacks a required key.
    """
    beside = sidecar_of(path)
    texts = [e for e in header.extensions if e.get_code() == MRS_EXTENSION]
    if not texts and not beside.is_file():
        raise DataError(
            f"{path} has no NIfTI-MRS header extension and no sidecar {beside.name} beside it; convert the "
            "vendor's data (fsl_mrs_dl convert)."
        )
    if not texts:
        content = read_json(beside, f"{beside}, the sidecar,")
        lacking = [key for key in REQUIRED if key not in content]
        if lacking:
            raise DataError(
                f"{path} has no NIfTI-MRS header extension, and its sidecar {beside.name} has no {lacking[0]}; "
                "convert the vendor's data with spec2nii or dcm2niix."
            )
        mended, notes = _as_standard(content, f"{beside}, the sidecar,")
        return MRSHeader(
            mended,
            (f"{beside.name} says what the header does not, which has no extension", *notes),
            True,
            False,
        )
    mended, notes = _as_standard(_json(texts[0].content, f"{path} has a header extension that"), str(path))
    theirs = _sidecar(beside)
    if theirs is None:
        return MRSHeader(mended, notes, False, True)
    more = {key: theirs[key] for key in _FILLED if key in theirs and key not in mended}
    if more:
        notes = (*notes, f"{beside.name} says {', '.join(more)}, which the header does not")
    apart = [
        key for key in _COMPARED if key in theirs and key in mended and not _alike(mended[key], theirs[key])
    ]
    if apart:
        both = ", ".join(f"{key} ({mended[key]!r} and {theirs[key]!r})" for key in apart)
        notes = (
            *notes,
            f"header and sidecar {beside.name} contradict each other in {both}: the header counts",
        )
    return MRSHeader({**mended, **more}, notes, True, True)


def _sidecar(path: Path) -> dict[str, Any] | None:
    """Return the content of an optional BIDS-MRS sidecar; None if it is missing, damaged or another file."""
    if not path.is_file():
        return None
    try:
        content = read_json(path)
        return _as_standard(content, str(path))[0] if all(key in content for key in REQUIRED) else None
    except DataError:
        return None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return bool(np.isclose(one, other, rtol=_WIDTH_TOLERANCE, atol=0))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def read_json(path: Path, what: str = "") -> dict[str, Any]:
    """Return the JSON object in a file.

    Parameters
    ----------
    path : Path
    what : str, optional
        Name of the file in messages, if not its path.

    Raises
    ------
    DataError
        If the file cannot be read, or its text is damaged; the message says where.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    return _json(text, what or str(path))


def _json(text: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object, or refuse it with the place where its text is damaged."""
    try:
        content = json.loads(text.rstrip(b"\0").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{what} is not UTF-8: byte 0x{text[error.start]:02x} at place {error.start}"
            f"{_after_key(text[: error.start])}; save the text as UTF-8, or convert the data again."
        ) from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{what} is damaged: no JSON ({reason}); convert the data again.") from error
    if not isinstance(content, dict):
        raise DataError(f"{what} is not a JSON object; convert the data again.")
    for key, value in content.items():
        try:
            json.dumps([key, value], ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            name = key.encode("ascii", "backslashreplace").decode()
            raise DataError(
                f"{what} holds half a character (a lone surrogate) in {name}, which no text can; mend that "
                "key, or convert the data again."
            ) from error
        except (RecursionError, ValueError) as error:
            raise DataError(f"{what} is nested too deeply in {key}; convert the data again.") from error
    return content


def _after_key(text: bytes) -> str:
    """Return the last key of a JSON text, for a message; values may be personal and are left out."""
    parts = text.split(b'":')
    key = parts[-2].rsplit(b'"', 1)[-1].decode("ascii", "replace") if len(parts) > 1 else ""
    return f", in {key}" if key else ""


def _as_standard(content: Mapping[str, Any], what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Convert keys and values to those of the standard; return them with notes on the changes.

    A list of one value becomes the value (programs in R write all values so), a key without value is dropped, a
    single frequency becomes a list, and BIDS's ``ChemicalShiftOffset`` becomes ``SpecFreqChemShift``.
    """
    standard: dict[str, Any] = {}
    unpacked = []
    for key, value in content.items():
        if key in _SCALARS and isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
            unpacked.append(key)
            value = value[0]
        if key in _TEXTS and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if key not in _SCALARS or value not in _NOTHING:
            standard[key] = value
    notes = [f"{', '.join(unpacked)}: a list of one value counts as the value"] if unpacked else []
    offset = _value(standard.get("ChemicalShiftOffset"))
    if (
        "SpecFreqChemShift" not in standard
        and isinstance(offset, (int, float))
        and not isinstance(offset, bool)
    ):
        standard["SpecFreqChemShift"] = offset - float(_number(standard, "RxOffset", what) or 0.0)
        notes.append(f"ChemicalShiftOffset says the centre of the spectrum, {offset:g} ppm")
    standard["SpectrometerFrequency"] = _frequencies(standard.get("SpectrometerFrequency"), what)
    standard["ResonantNucleus"] = _nuclei(standard.get("ResonantNucleus"), what)
    for key in sorted(_NUMBERS & set(standard)):
        _number(standard, key, what)
    _check_field(standard, what)
    for key in ("SpecFreqChemShift", "RxOffset"):
        if key in standard and not abs(standard[key]) < _LARGEST_SHIFT_PPM:
            raise DataError(
                f"{what} has {key} {standard[key]!r}; a chemical shift in ppm is needed. Mend that key."
            )
    for n in DIMENSIONS:
        tag = standard.get(f"dim_{n}")
        if tag is not None and not (isinstance(tag, str) and tag in dimension_tags):
            raise DataError(
                f"{what} names dimension {n} {tag!r}; needed is one of {', '.join(dimension_tags)}."
            )
    return {key: _described(key, value) for key, value in standard.items()}, tuple(notes)


def _described(key: str, value: Any) -> Any:
    """Return the value of a user-defined key with a description, as the standard requires; it may be empty."""
    if key in standard_defined or key in REQUIRED or key.startswith("dim_"):
        return value
    if isinstance(value, Mapping) and ("Value" in value or "Description" in value):
        return {"Description": "", **value}
    return {"Value": value, "Description": ""}


def _check_field(content: Mapping[str, Any], what: str) -> None:
    """Refuse a frequency that does not fit the nucleus at the field strength of the header."""
    field_t, nucleus = _value(content.get("MagneticFieldStrength")), content["ResonantNucleus"][0]
    if (
        isinstance(field_t, bool)
        or not isinstance(field_t, (int, float))
        or not 0 < field_t < _HIGHEST_FIELD_T
    ):
        return  # missing, or in gauss
    if nucleus in NUCLEI:
        resonance_t = content["SpectrometerFrequency"][0] / NUCLEI[nucleus].gyromagnetic_mhz_per_t
        if abs(resonance_t / field_t - 1) > _FIELD_TOLERANCE:
            raise DataError(
                f"{what} has {content['SpectrometerFrequency'][0]:g} MHz for {nucleus}, a field of "
                f"{resonance_t:.3g} T, but "
                f"MagneticFieldStrength {field_t:g} T; they must agree. Mend SpectrometerFrequency, "
                "ResonantNucleus or MagneticFieldStrength."
            )


def _value(value: Any) -> Any:
    """Return the value of a user-defined key: plain, in an object with ``Value``, or in a list of one."""
    if isinstance(value, Mapping):
        value = value.get("Value")
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(content: Mapping[str, Any], key: str, what: str) -> float | None:
    """Return the number of a standard key, or refuse another value; None if the key is missing."""
    value = content.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        shown = repr(value) if len(repr(value)) < 60 else f"{repr(value)[:57]}..."
        unit = standard_defined[key].units
        raise DataError(
            f"{what} has {key} {shown}; one number{f' in {unit}' if unit else ''} is needed. Mend that key "
            "in the header (spec2nii insert), or convert the data again."
        )
    return float(value)


def _frequencies(content: Any, what: str) -> list[float]:
    values = content if isinstance(content, list) else [content]
    if not values or not all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and np.isfinite(v) and v > 0 for v in values
    ):
        raise DataError(
            f"{what} has no usable SpectrometerFrequency (found {content!r}); numbers in MHz are needed, one a "
            "spectral dimension. Convert the data again."
        )
    return [float(content) for content in values]


def _nuclei(content: Any, what: str) -> list[str]:
    values = content if isinstance(content, list) else [content]
    if not values or not all(isinstance(content, str) for content in values):
        raise DataError(
            f"{what} has no usable ResonantNucleus (found {content!r}); a text such as 1H is needed, one a "
            "spectral dimension. Convert the data again."
        )
    return [content.strip().upper() for content in values]


def with_spectral_width(extension: dict[str, Any], dwelltime_s: float, path: Path) -> dict[str, Any]:
    """Set SpectralWidth to 1 / dwell time, or refuse a value that contradicts it.

    Parameters
    ----------
    extension : dict
    dwelltime_s : float
        Dwell time of the NIfTI header, in s.
    path : Path
        The file, for the message.

    Raises
    ------
    DataError
        If they differ by more than rounding.
    """
    width = extension.get("SpectralWidth")
    if width is None:
        return extension
    if not np.isclose(width, 1 / dwelltime_s, rtol=_WIDTH_TOLERANCE, atol=0):
        raise DataError(
            f"{path} has a dwell time of {dwelltime_s:g} s, a bandwidth of {1 / dwelltime_s:g} Hz, but "
            "SpectralWidth "
            f"{width:g} Hz, a dwell time of {1 / width if width else np.inf:g} s; they must agree. Convert "
            "the data again, or mend the one that is wrong (pixdim[4] with xyzt_units, or SpectralWidth)."
        )
    return {**extension, "SpectralWidth": 1 / dwelltime_s}
