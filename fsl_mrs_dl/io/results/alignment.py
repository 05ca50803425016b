"""Write and read the table of an alignment, ``N_align.csv``: one row for each FID."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import FLAGS, Estimates, Real
from fsl_mrs_dl.errors import DataError

_LARGEST_VALUE = 1e6
"""Largest magnitude of a shift in Hz (the widest bandwidth) or phase in degrees that is accepted."""
_COLUMNS = ("shift_hz", "phase_deg", "shift_hz_sd", "phase_deg_sd", "reference_shift_hz", "flag")


def write_estimates(estimates: Estimates, dim_tags: Sequence[str], path: Path) -> None:
    """Write ``N_align.csv``: one row an FID.

    Parameters
    ----------
    estimates : Estimates
        Arrays of shape (x, y, z, *higher dimensions).
    dim_tags : sequence of str
        One tag a higher dimension; they name the columns after x, y, z (all 0-based).
    path : Path
    """
    phase_deg = np.degrees(wrap(estimates.phase_rad))
    phase_deg_sd = np.degrees(estimates.phase_rad_sd)
    with path.open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle, lineterminator="\n")
        rows.writerow(["x", "y", "z", *dim_tags, *_COLUMNS])
        for index in np.ndindex(estimates.shift_hz.shape):
            numbers = (
                estimates.shift_hz[index],
                phase_deg[index],
                estimates.shift_hz_sd[index],
                phase_deg_sd[index],
                estimates.reference_shift_hz[index],
            )
            rows.writerow([*index, *(_number(float(value)) for value in numbers), estimates.flag[index]])


def _number(value: float) -> str:
    """Return a number with 9 digits: replayed, its rounding is far below the noise; empty for NaN."""
    return "" if np.isnan(value) else f"{value:.9g}"


def wrap(phase_rad: Real) -> Real:
    """Return phases in (-pi, pi], in rad."""
    wrapped: Real = -np.angle(np.exp(-1j * phase_rad))
    return wrapped


def read_estimates(path: Path, dim_tags: Sequence[str], shape: Sequence[int]) -> Estimates:
    """Read ``N_align.csv`` for FIDs of a given shape.

    Parameters
    ----------
    path : Path
    dim_tags : sequence of str
        Of the data to correct.
    shape : sequence of int
        (x, y, z, *higher dimensions) of those data.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        If the file is missing or damaged, or does not have exactly one row for each FID.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise DataError(
            f"{path} is not a readable table of estimates ({error}); name an N_align.csv."
        ) from error
    try:
        rows = list(csv.DictReader(text.splitlines()))
    except csv.Error as error:  # a field longer than any number, a NUL
        raise DataError(
            f"{path} is not a readable table of estimates ({error}); name an N_align.csv."
        ) from error
    index_columns = ["x", "y", "z", *dim_tags]
    needed = {*index_columns, *_COLUMNS}
    columns = set(rows[0]) if rows else set()
    if not rows or columns != needed:
        raise DataError(
            f"{path} has the columns {', '.join(map(str, sorted(map(str, columns)))) or 'none'}; "
            f"needed for this file are {', '.join([*index_columns, *_COLUMNS])}."
        )
    estimates = Estimates.empty(shape)
    filled = np.zeros(tuple(shape), dtype=bool)
    for line, row in enumerate(rows, start=2):
        try:
            index = tuple(int(row[column]) for column in index_columns)
            if min(index) < 0 or filled[index]:
                raise IndexError(f"FID {index} is there twice or negative")
            _fill(estimates, index, row)
            filled[index] = True
        except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
            raise DataError(
                f"{path}, line {line}, cannot be used ({str(error)[:200]}); one row for each FID is needed."
            ) from error
    if not filled.all():
        raise DataError(
            f"{path} has {int(filled.sum())} rows for {filled.size} FIDs; one row an FID is needed."
        )
    return estimates


def _fill(estimates: Estimates, index: tuple[int, ...], row: dict[str, str]) -> None:
    estimates.shift_hz[index] = _sensible(row["shift_hz"], "shift_hz")
    estimates.phase_rad[index] = np.radians(_sensible(row["phase_deg"], "phase_deg"))
    estimates.shift_hz_sd[index] = _spread(row["shift_hz_sd"], "shift_hz_sd")
    estimates.phase_rad_sd[index] = np.radians(_spread(row["phase_deg_sd"], "phase_deg_sd"))
    estimates.reference_shift_hz[index] = _sensible(row["reference_shift_hz"] or "0", "reference_shift_hz")
    if row["flag"] and row["flag"] not in FLAGS:
        raise ValueError(f"unknown flag {row['flag'][:40]!r}")
    estimates.flag[index] = row["flag"]


def _sensible(text: str, column: str) -> float:
    """Return a shift in Hz or a phase in degrees, or refuse what cannot be one."""
    value = float(text)
    if not abs(value) <= _LARGEST_VALUE:
        raise ValueError(f"{column} is {text[:40]!r}; a number up to {_LARGEST_VALUE:g} is needed")
    return value


def _spread(text: str, column: str) -> float:
    """Return a standard deviation, NaN where there is none, or refuse what cannot be one."""
    value = float(text or "nan")
    if value < 0:
        raise ValueError(f"{column} is {text[:40]!r}; a number that is not negative is needed")
    return value
