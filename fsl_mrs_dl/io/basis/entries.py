"""One metabolite as read from a file of any format, and the basis set of all of them, checked."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.names import canonical_name

logger = logging.getLogger(__name__)

_LARGEST_NUMBER = (
    1e300  # largest dwell time or frequency that is accepted; the comparison refuses NaN and Inf
)
_LEAST_POINTS = 16  # fewer points are a damaged or truncated file
_ROUNDING = 1e-5  # relative: LCModel's files have five digits


@dataclass(frozen=True, eq=False)
class Entry:
    """One metabolite of a file.

    Attributes
    ----------
    where : str
        File, or file and name, for messages.
    name : str
        As in the file.
    fid : ndarray, complex128, shape (time,)
        In the package's sign, if the file follows its format.
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    nucleus : str
    echo_time_s : float or None
        In s; None if the file has none.
    sequence : str
        As in the file; empty if it has none.
    has_nucleus : bool
        Whether the file names the nucleus; if not, it is assumed.
    centre_ppm : float or None
        Chemical shift at frequency zero, in ppm, if the file has another than the usual one.
    """

    where: str
    name: str
    fid: Complex
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    nucleus: str = "1H"
    echo_time_s: float | None = None
    sequence: str = ""
    has_nucleus: bool = True
    centre_ppm: float | None = None


def every_member(name: str) -> bool:
    """Return True for every name: by default all members are used."""
    return True


def assemble_basis(
    entries: Sequence[Entry],
    name: str,
    file_format: str,
    notes: tuple[str, ...] = (),
    is_used: Callable[[str], bool] = every_member,
) -> Basis:
    """Make a basis set of the metabolites of a file or folder.

    Parameters
    ----------
    entries : sequence of Entry
        At least one.
    name : str
        Name of the file or folder.
    file_format : str
    notes : tuple of str
        Changes made by the reader.
    is_used : callable
        Name of a member in FSL-MRS's spelling -> whether it will be used. An unused damaged member is left out,
        not refused.

    Returns
    -------
    Basis
        Names in FSL-MRS's spelling; a repeated name is numbered, ``Cr_1``, as in FSL-MRS. Members of zeros are
        left out, and copies of another member of the same name, which no fit can distinguish.

    Raises
    ------
    DataError
        If a metabolite is damaged, the metabolites are not of one simulation, or all are zero.
    """
    names, renamed = _names(entries)
    notes = (*notes, *renamed)
    first = next((entry for entry, own in zip(entries, names, strict=True) if is_used(own)), entries[0])
    used: list[tuple[Entry, str]] = []
    left_out: dict[str, str] = {}
    for entry, own in zip(entries, names, strict=True):
        if fault := _fault(entry) or _difference(entry, first):
            if is_used(own):
                raise DataError(fault)
            left_out[own] = f"it is damaged: {fault}"
        elif fid_flags(entry.fid) == "zero":
            left_out[own] = "it is zero everywhere"
            renamed = (*renamed, f"{own} is zero everywhere and is left out")
            notes = (*notes, renamed[-1])
        elif copied := next((name for other, name in used if is_used(name) and _same(entry, other)), ""):
            left_out[own] = f"it has the same signal as {copied}"
            renamed = (*renamed, f"{own} has the same signal as {copied} and is left out")
            notes = (*notes, renamed[-1])
        else:
            used.append((entry, own))
    if not used:
        raise DataError(f"{name} has no member that is not zero everywhere; simulate the basis set again.")
    for note in renamed:
        logger.warning("%s: %s.", name, note)
    entries, names = [entry for entry, _ in used], [own for _, own in used]
    echo_time_s, sequence, unlike = _acquisition(entries)
    return Basis(
        np.array([entry.fid for entry in entries]),
        tuple(names),
        first.dwelltime_s,
        first.spectrometer_frequency_mhz,
        first.nucleus,
        name=name,
        file_format=file_format,
        notes=(*notes, *unlike),
        echo_time_s=echo_time_s,
        sequence=sequence,
        has_nucleus=first.has_nucleus,
        centre_ppm=first.centre_ppm,
        left_out=left_out,
    )


def _names(entries: Sequence[Entry]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of members, unique in any case of letters, and notes on renamed ones."""
    names: list[str] = []
    taken: set[str] = set()
    notes = []
    for entry in entries:
        plain = own = canonical_name(entry.name)
        again = 0
        while own.casefold() in taken:  # some file systems ignore the case of letters
            again += 1
            own = f"{plain}_{again}"
        taken.add(own.casefold())
        names.append(own)
        if again:
            notes.append(f"{entry.name} occurs again and is called {own}")
    return names, tuple(notes)


def _acquisition(entries: Sequence[Entry]) -> tuple[float | None, str, tuple[str, ...]]:
    """Return the echo time and sequence that all metabolites with such a value share, and notes on differences.

    Measured macromolecules may have another echo time than the rest, so that nothing is refused.
    """
    times = sorted({entry.echo_time_s for entry in entries if entry.echo_time_s is not None})
    names = sorted({entry.sequence for entry in entries if entry.sequence})
    notes = []
    if len(times) > 1:
        times_ms = ", ".join(f"{1e3 * time_s:g}" for time_s in times)
        notes.append(f"its metabolites have different echo times ({times_ms} ms): none is used")
    if len(names) > 1:
        notes.append(f"its metabolites have different sequences ({', '.join(names)}): none is used")
    return times[0] if len(times) == 1 else None, names[0] if len(names) == 1 else "", tuple(notes)


def _same(entry: Entry, other: Entry) -> bool:
    """Return whether two metabolites have the same name and, within rounding, the same signal."""
    if canonical_name(entry.name).casefold() != canonical_name(other.name).casefold():
        return False
    return bool(np.abs(entry.fid - other.fid).max() <= _ROUNDING * np.abs(other.fid).max())


def _difference(entry: Entry, first: Entry) -> str:
    """Return the message for two metabolites with different axes; empty if their axes agree."""
    for value, needed, unit in (
        (entry.fid.size, first.fid.size, "points"),
        (entry.dwelltime_s, first.dwelltime_s, "s dwell time"),
        (entry.spectrometer_frequency_mhz, first.spectrometer_frequency_mhz, "MHz"),
        (entry.nucleus, first.nucleus, ""),
        (entry.centre_ppm, first.centre_ppm, "ppm at its centre"),
    ):
        if value != needed:
            return (
                f"{entry.where} has {value} {unit}".rstrip() + f", {first.where} has {needed}; "
                "all metabolites of a basis set must be of one simulation."
            )
    return ""


def _fault(entry: Entry) -> str:
    """Return the message for a metabolite that cannot be a signal; empty if it is sound."""
    if not entry.name.strip():
        return f"{entry.where} has no name; the name of a metabolite is needed."
    for value, unit in ((entry.dwelltime_s, "s"), (entry.spectrometer_frequency_mhz, "MHz")):
        if not 0 < value < _LARGEST_NUMBER:  # by comparison: an integer of hundreds of digits is no float
            return f"{entry.where} has {repr(value)[:60]} {unit}; a positive number is needed."
    if entry.fid.size < _LEAST_POINTS:
        return (
            f"{entry.where} has {entry.fid.size} points; at least {_LEAST_POINTS} are needed. "
            "The file is damaged or truncated."
        )
    if fid_flags(entry.fid) == "nonfinite":
        return f"{entry.where} has a FID with NaN, Inf or numbers beyond any sense; simulate the basis set again."
    return ""
