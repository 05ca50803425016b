"""What a NIfTI-MRS file says beside its FIDs: the JSON of its header extension, or of a BIDS-MRS sidecar.

Other programs write both a little otherwise than the standard has it. What is certain is put right here, and told;
what is not is refused with its place.
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
"""The code of the header extension that makes a NIfTI file NIfTI-MRS."""
DIMENSIONS = (5, 6, 7)
"""The numbers of the dimensions after time, as the header counts."""
REQUIRED = ("SpectrometerFrequency", "ResonantNucleus")
"""What the standard, and BIDS-MRS, have in every file."""
_SCALARS = frozenset(
    {
        *(key for key, field in standard_defined.items() if field.type[0] not in (list, dict)),
        *(f"dim_{n}" for n in DIMENSIONS),
    }
)
_NUMBERS = frozenset(key for key, field in standard_defined.items() if field.type[0] == (float, int))
_TEXTS = frozenset(key for key, field in standard_defined.items() if field.type[0] is str)
_NOTHING = (None, "NA", "n/a")  # null, a missing number of R, a missing value of BIDS
_BEYOND_PPM = 500.0  # chemical shifts of all nuclei lie within
_SAME_WIDTH = 1e-3  # relative: SpectralWidth and dwell time are rounded
_SAME_FIELD = 0.1  # relative: scanners of 3 T have 2.89 to 3.0 T
_HIGHEST_T = 50.0
_COMPARED = (*REQUIRED, "EchoTime", "RepetitionTime", "SpectralWidth")
"""Keys whose values results depend on: told where header and sidecar contradict each other."""


_FILLED = tuple(key for key in standard_defined if key not in ("ProcessingApplied", "SpectralWidth"))
"""Keys that a sidecar may add to a header extension; what was done, and the bandwidth, the file itself says."""


@dataclass(frozen=True)
class Said:
    """What a file says of itself, as the standard has it.

    Attributes
    ----------
    extension : dict
        The header extension.
    notes : tuple of str
        What had to be decided, a sentence without full stop each.
    sidecar : bool
        Whether a BIDS-MRS sidecar stands beside the file.
    own : bool
        Whether the file has a header extension of its own.
    """

    extension: dict[str, Any]
    notes: tuple[str, ...]
    sidecar: bool
    own: bool


def sidecar_of(path: Path) -> Path:
    """Return where the JSON sidecar of a NIfTI file would stand."""
    return path.with_name(f"{without_ending(path.name)}.json")


def says_mrs(header: Any, path: Path) -> bool:
    """Return whether a NIfTI file says that it is NIfTI-MRS, by its header extension or its sidecar.

    Parameters
    ----------
    header : nibabel.Nifti1Header or None
    path : Path
        Of the file.
    """
    own = any(e.get_code() == MRS_EXTENSION for e in getattr(header, "extensions", ()))
    return own or _sidecar(sidecar_of(path)) is not None


def said_by(header: Any, path: Path) -> Said:
    """Return what a file says of itself: its header extension, and what only its sidecar says.

    Parameters
    ----------
    header : nibabel.Nifti1Header
    path : Path
        Of the file.

    Raises
    ------
    DataError
        If there is neither, or what there is cannot be read or lacks what every file must say.
    """
    beside = sidecar_of(path)
    texts = [e for e in header.extensions if e.get_code() == MRS_EXTENSION]
    if not texts and not beside.is_file():
        raise DataError(
            f"{path} has no NIfTI-MRS header extension and no sidecar {beside.name} beside it; convert the "
            "vendor's data (fsl_mrs_dl convert)."
        )
    if not texts:
        found = read_json(beside, f"{beside}, the sidecar,")
        lacking = [key for key in REQUIRED if key not in found]
        if lacking:
            raise DataError(
                f"{path} has no NIfTI-MRS header extension, and its sidecar {beside.name} has no {lacking[0]}; "
                "convert the vendor's data with spec2nii or dcm2niix."
            )
        mended, notes = _as_standard(found, f"{beside}, the sidecar,")
        return Said(
            mended,
            (f"{beside.name} says what the header does not, which has no extension", *notes),
            True,
            False,
        )
    mended, notes = _as_standard(_json(texts[0].content, f"{path} has a header extension that"), str(path))
    theirs = _sidecar(beside)
    if theirs is None:
        return Said(mended, notes, False, True)
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
    return Said({**mended, **more}, notes, True, True)


def _sidecar(path: Path) -> dict[str, Any] | None:
    """Return a sidecar of BIDS-MRS beside a file that does not need it; None if it is none."""
    if not path.is_file():
        return None
    try:
        found = read_json(path)
        return _as_standard(found, str(path))[0] if all(key in found for key in REQUIRED) else None
    except DataError:
        return None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return bool(np.isclose(one, other, rtol=_SAME_WIDTH, atol=0))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def read_json(path: Path, what: str = "") -> dict[str, Any]:
    """Return the JSON object in a file.

    Parameters
    ----------
    path : Path
    what : str, optional
        How messages call it, if not by its path.

    Raises
    ------
    DataError
        If it cannot be read, or says where its text is damaged.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    return _json(text, what or str(path))


def _json(text: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object, or say where its text is damaged."""
    try:
        said = json.loads(text.rstrip(b"\0").decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{what} is not UTF-8: byte 0x{text[error.start]:02x} at place {error.start}"
            f"{_after_key(text[: error.start])}; save the text as UTF-8, or convert the data again."
        ) from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{what} is damaged: no JSON ({reason}); convert the data again.") from error
    if not isinstance(said, dict):
        raise DataError(f"{what} is not a JSON object; convert the data again.")
    for key, value in said.items():
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
    return said


def _after_key(text: bytes) -> str:
    """Return which key of a JSON text ends before a place, without its value, which may be personal."""
    parts = text.split(b'":')
    key = parts[-2].rsplit(b'"', 1)[-1].decode("ascii", "replace") if len(parts) > 1 else ""
    return f", in {key}" if key else ""


def _as_standard(said: Mapping[str, Any], what: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the keys as the standard has them, and what was put right.

    A list of one value stands for the value (programs in R write every value so), no value for no key, a number
    for a list of one frequency, and BIDS's ``ChemicalShiftOffset`` for the standard's ``SpecFreqChemShift``.
    """
    made: dict[str, Any] = {}
    unpacked = []
    for key, value in said.items():
        if key in _SCALARS and isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
            unpacked.append(key)
            value = value[0]
        if key in _TEXTS and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if key not in _SCALARS or value not in _NOTHING:
            made[key] = value
    notes = [f"{', '.join(unpacked)}: a list of one value counts as the value"] if unpacked else []
    offset = _value(made.get("ChemicalShiftOffset"))
    if "SpecFreqChemShift" not in made and isinstance(offset, (int, float)) and not isinstance(offset, bool):
        made["SpecFreqChemShift"] = offset - float(_number(made, "RxOffset", what) or 0.0)
        notes.append(f"ChemicalShiftOffset says the centre of the spectrum, {offset:g} ppm")
    made["SpectrometerFrequency"] = _frequencies(made.get("SpectrometerFrequency"), what)
    made["ResonantNucleus"] = _nuclei(made.get("ResonantNucleus"), what)
    for key in sorted(_NUMBERS & set(made)):
        _number(made, key, what)
    _check_field(made, what)
    for key in ("SpecFreqChemShift", "RxOffset"):
        if key in made and not abs(made[key]) < _BEYOND_PPM:
            raise DataError(
                f"{what} has {key} {made[key]!r}; a chemical shift in ppm is needed. Mend that key."
            )
    for n in DIMENSIONS:
        tag = made.get(f"dim_{n}")
        if tag is not None and not (isinstance(tag, str) and tag in dimension_tags):
            raise DataError(
                f"{what} names dimension {n} {tag!r}; needed is one of {', '.join(dimension_tags)}."
            )
    return {key: _described(key, value) for key, value in made.items()}, tuple(notes)


def _described(key: str, value: Any) -> Any:
    """Return the value of a key of a user's as the standard has it, with a description, if only an empty one."""
    if key in standard_defined or key in REQUIRED or key.startswith("dim_"):
        return value
    if isinstance(value, Mapping) and ("Value" in value or "Description" in value):
        return {"Description": "", **value}
    return {"Value": value, "Description": ""}


def _check_field(said: Mapping[str, Any], what: str) -> None:
    """Refuse a frequency that is not the nucleus's at the field that the header says too."""
    field_t, nucleus = _value(said.get("MagneticFieldStrength")), said["ResonantNucleus"][0]
    if isinstance(field_t, bool) or not isinstance(field_t, (int, float)) or not 0 < field_t < _HIGHEST_T:
        return  # not said, or in gauss
    if nucleus in NUCLEI:
        found_t = said["SpectrometerFrequency"][0] / NUCLEI[nucleus].gyromagnetic_mhz_per_t
        if abs(found_t / field_t - 1) > _SAME_FIELD:
            raise DataError(
                f"{what} has {said['SpectrometerFrequency'][0]:g} MHz for {nucleus}, a field of "
                f"{found_t:.3g} T, but "
                f"MagneticFieldStrength {field_t:g} T; they must agree. Mend SpectrometerFrequency, "
                "ResonantNucleus or MagneticFieldStrength."
            )


def _value(said: Any) -> Any:
    """Return the value of a key that is not the standard's: alone, wrapped, or in a list of one."""
    if isinstance(said, Mapping):
        said = said.get("Value")
    return said[0] if isinstance(said, list) and len(said) == 1 else said


def _number(said: Mapping[str, Any], key: str, what: str) -> float | None:
    """Return a number of the standard, or refuse what is none; None where it is not said."""
    value = said.get(key)
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


def _frequencies(said: Any, what: str) -> list[float]:
    values = said if isinstance(said, list) else [said]
    if not values or not all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and np.isfinite(v) and v > 0 for v in values
    ):
        raise DataError(
            f"{what} has no usable SpectrometerFrequency (found {said!r}); numbers in MHz are needed, one a "
            "spectral dimension. Convert the data again."
        )
    return [float(value) for value in values]


def _nuclei(said: Any, what: str) -> list[str]:
    values = said if isinstance(said, list) else [said]
    if not values or not all(isinstance(value, str) for value in values):
        raise DataError(
            f"{what} has no usable ResonantNucleus (found {said!r}); a text such as 1H is needed, one a spectral "
            "dimension. Convert the data again."
        )
    return [value.strip().upper() for value in values]


def with_spectral_width(extension: dict[str, Any], dwelltime_s: float, path: Path) -> dict[str, Any]:
    """Return an extension whose SpectralWidth is that of the dwell time, or refuse one that contradicts it.

    Parameters
    ----------
    extension : dict
    dwelltime_s : float
        Of the NIfTI header, in s.
    path : Path
        Of the file.

    Raises
    ------
    DataError
        If they differ by more than rounding.
    """
    width = extension.get("SpectralWidth")
    if width is None:
        return extension
    if not np.isclose(width, 1 / dwelltime_s, rtol=_SAME_WIDTH, atol=0):
        raise DataError(
            f"{path} has a dwell time of {dwelltime_s:g} s, a bandwidth of {1 / dwelltime_s:g} Hz, but "
            "SpectralWidth "
            f"{width:g} Hz, a dwell time of {1 / width if width else np.inf:g} s; they must agree. Convert "
            "the data again, or mend the one that is wrong (pixdim[4] with xyzt_units, or SpectralWidth)."
        )
    return {**extension, "SpectralWidth": 1 / dwelltime_s}
