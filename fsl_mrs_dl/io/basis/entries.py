"""What all formats share: one metabolite as it was read, and a basis set put together and checked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Basis, Complex
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.names import canonical_name

logger = logging.getLogger(__name__)

_LEAST_POINTS = 16


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
    """

    where: str
    name: str
    fid: Complex
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    nucleus: str = "1H"
    echo_time_s: float | None = None
    sequence: str = ""


def put_together(entries: Sequence[Entry], name: str, file_format: str, notes: tuple[str, ...] = ()) -> Basis:
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

    Returns
    -------
    Basis
        Names in FSL-MRS's spelling; one that occurs again is numbered, ``Cr_1``, as FSL-MRS does it.

    Raises
    ------
    DataError
        If a metabolite is damaged, or the metabolites are not of one simulation.
    """
    first = entries[0]
    for entry in entries:
        _check(entry)
        for found, needed, unit in (
            (entry.fid.size, first.fid.size, "points"),
            (entry.dwelltime_s, first.dwelltime_s, "s dwell time"),
            (entry.spectrometer_frequency_mhz, first.spectrometer_frequency_mhz, "MHz"),
            (entry.nucleus, first.nucleus, ""),
        ):
            if found != needed:
                raise DataError(
                    f"{entry.where} has {found} {unit}".rstrip() + f", {first.where} has {needed}; "
                    "all metabolites of a basis set must be of one simulation."
                )
    names: list[str] = []
    said: list[str] = []
    for entry in entries:
        plain = canonical_name(entry.name)
        again = said.count(plain)
        said.append(plain)
        names.append(f"{plain}_{again}" if again else plain)
        if again:
            notes = (*notes, f"{entry.name} occurs again and is called {names[-1]}")
            logger.warning("%s: %s", name, notes[-1])
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
    )


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


def _check(entry: Entry) -> None:
    """Refuse a metabolite that cannot be a signal."""
    if not entry.name.strip():
        raise DataError(f"{entry.where} has no name; the name of a metabolite is needed.")
    for value, unit in ((entry.dwelltime_s, "s"), (entry.spectrometer_frequency_mhz, "MHz")):
        if not (np.isfinite(value) and value > 0):
            raise DataError(f"{entry.where} has {value!r} {unit}; a positive number is needed.")
    if entry.fid.size < _LEAST_POINTS:
        raise DataError(
            f"{entry.where} has {entry.fid.size} points; at least {_LEAST_POINTS} are needed. "
            "The file is damaged or truncated."
        )
    if not np.isfinite(entry.fid).all():
        raise DataError(f"{entry.where} has a FID with NaN or Inf; simulate the basis set again.")
    if not np.abs(entry.fid).max() > 0:
        raise DataError(f"{entry.where} is zero everywhere; take {entry.name} out of the basis set.")
