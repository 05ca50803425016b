"""What all formats share: one metabolite as it was read, and a basis set put together and checked."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.names import canonical_name

logger = logging.getLogger(__name__)

_LARGEST = 1e300
_LEAST_POINTS = 16
_ROUNDING = 1e-5  # LCModel's files have five digits


@dataclass(frozen=True, eq=False)
class Entry:
    """One metabolite of a file.

    Attributes
    ----------
    where : str
        What to call it in a message: a file, or a file and a name.
    name : str
        As in the file.
    fid : ndarray, complex128, shape (time,)
        In the sign of memory, as far as the format says.
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    nucleus : str
    echo_time_s : float or None
        In s; None where it is not said.
    sequence : str
        In the words of the file; empty where it is not said.
    nucleus_said : bool
        Whether the file says the nucleus, or it is assumed.
    centre_ppm : float or None
        Chemical shift at frequency zero, in ppm, where the file says another than the usual one.
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
    """Return True whatever the name: where nobody chooses, all members are wanted."""
    return True


def put_together(
    entries: Sequence[Entry],
    name: str,
    file_format: str,
    notes: tuple[str, ...] = (),
    wanted: Callable[[str], bool] = every_member,
) -> Basis:
    """Return the basis set of what was read.

    Parameters
    ----------
    entries : sequence of Entry
        At least one.
    name : str
        Of the file or folder.
    file_format : str
    notes : tuple of str
        What the reader changed.
    wanted : callable
        Whether a member is going to be used, by its name in FSL-MRS's spelling. A damaged member that is not is
        left out instead of refused.

    Returns
    -------
    Basis
        Names in FSL-MRS's spelling; one that occurs again is numbered, ``Cr_1``, as FSL-MRS does it. Members of
        zeros are left out, and copies of another member under one name, between which no fit can tell.

    Raises
    ------
    DataError
        If a metabolite is damaged, the metabolites are not of one simulation, or all are zero.
    """
    names, renamed = _names(entries)
    notes = (*notes, *renamed)
    first = next((entry for entry, own in zip(entries, names, strict=True) if wanted(own)), entries[0])
    used: list[tuple[Entry, str]] = []
    left_out: dict[str, str] = {}
    for entry, own in zip(entries, names, strict=True):
        if fault := _fault(entry) or _difference(entry, first):
            if wanted(own):
                raise DataError(fault)
            left_out[own] = f"it is damaged: {fault}"
        elif fid_flags(entry.fid) == "zero":
            left_out[own] = "it is zero everywhere"
            renamed = (*renamed, f"{own} is zero everywhere and is left out")
            notes = (*notes, renamed[-1])
        elif copied := next((name for other, name in used if wanted(name) and _same(entry, other)), ""):
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
    """Return the names of members, each once whatever the capitals, and what was renamed in words."""
    names: list[str] = []
    taken: set[str] = set()
    said = []
    for entry in entries:
        plain = own = canonical_name(entry.name)
        again = 0
        while own.casefold() in taken:  # two files of one name on some systems
            again += 1
            own = f"{plain}_{again}"
        taken.add(own.casefold())
        names.append(own)
        if again:
            said.append(f"{entry.name} occurs again and is called {own}")
    return names, tuple(said)


def _acquisition(entries: Sequence[Entry]) -> tuple[float | None, str, tuple[str, ...]]:
    """Return echo time and sequence that all metabolites have which say any, and what is said of others.

    A measured macromolecule may be of another one than the rest, so that nothing is refused.
    """
    times = sorted({entry.echo_time_s for entry in entries if entry.echo_time_s is not None})
    names = sorted({entry.sequence for entry in entries if entry.sequence})
    notes = []
    if len(times) > 1:
        said = ", ".join(f"{1e3 * time_s:g}" for time_s in times)
        notes.append(f"its metabolites say different echo times ({said} ms): none is believed")
    if len(names) > 1:
        notes.append(f"its metabolites say different sequences ({', '.join(names)}): none is believed")
    return times[0] if len(times) == 1 else None, names[0] if len(names) == 1 else "", tuple(notes)


def _same(entry: Entry, other: Entry) -> bool:
    """Return whether two metabolites of one name have one signal, but for rounding."""
    if canonical_name(entry.name).casefold() != canonical_name(other.name).casefold():
        return False
    return bool(np.abs(entry.fid - other.fid).max() <= _ROUNDING * np.abs(other.fid).max())


def _difference(entry: Entry, first: Entry) -> str:
    """Return in words how a metabolite differs from another one in its simulation; empty if it does not."""
    for found, needed, unit in (
        (entry.fid.size, first.fid.size, "points"),
        (entry.dwelltime_s, first.dwelltime_s, "s dwell time"),
        (entry.spectrometer_frequency_mhz, first.spectrometer_frequency_mhz, "MHz"),
        (entry.nucleus, first.nucleus, ""),
        (entry.centre_ppm, first.centre_ppm, "ppm at its centre"),
    ):
        if found != needed:
            return (
                f"{entry.where} has {found} {unit}".rstrip() + f", {first.where} has {needed}; "
                "all metabolites of a basis set must be of one simulation."
            )
    return ""


def _fault(entry: Entry) -> str:
    """Return in words why a metabolite cannot be a signal; empty if it can."""
    if not entry.name.strip():
        return f"{entry.where} has no name; the name of a metabolite is needed."
    for value, unit in ((entry.dwelltime_s, "s"), (entry.spectrometer_frequency_mhz, "MHz")):
        if not 0 < value < _LARGEST:  # by comparison: a number of hundreds of digits is no float
            return f"{entry.where} has {repr(value)[:60]} {unit}; a positive number is needed."
    if entry.fid.size < _LEAST_POINTS:
        return (
            f"{entry.where} has {entry.fid.size} points; at least {_LEAST_POINTS} are needed. "
            "The file is damaged or truncated."
        )
    if fid_flags(entry.fid) == "nonfinite":
        return f"{entry.where} has a FID with NaN, Inf or numbers beyond any sense; simulate the basis set again."
    return ""
