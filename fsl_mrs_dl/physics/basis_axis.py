"""Sign and centre of a basis set: from its landmarks (Cr, PCr, NAA), from the user, or from the file format.

A set is refused where the strongest line of a landmark lies at a wrong chemical shift.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM, Landmark, landmarks
from fsl_mrs_dl.physics.signal import shift

logger = logging.getLogger(__name__)

_OFF_CENTRE_PPM = 0.015
"""Offset of the centre, in ppm, that is not corrected: published shifts differ by 0.01."""
_SPREAD_PPM = 0.01
"""Difference, in ppm, between the offsets of two landmarks that agree: as much as published shifts differ."""
_SAME_CENTRE_PPM = 0.05
"""Difference, in ppm, between two landmarks' centres that count as one: their highest points are read off bins."""


@dataclass(frozen=True)
class Orientation:
    """Decision about the sign of a basis set.

    Attributes
    ----------
    conjugated : bool
        Whether the set was conjugated.
    by : tuple of str
        Metabolites that decided it; empty if none did and the sign is that of the file format.
    share : float
        Smallest share of their energy at their methyl lines.
    """

    conjugated: bool
    by: tuple[str, ...]
    share: float = 0.0

    @property
    def statement(self) -> str:
        """One line for the record."""
        if not self.by:
            return "sign of the file format: the basis set has no methyl line of Cr, PCr or NAA to confirm it"
        verb = f"{'conjugated' if self.conjugated else 'sign confirmed'} by {', '.join(self.by)}"
        return f"{verb}, whose methyl lines hold {100 * self.share:.0f} % of their energy or more"


def oriented(
    basis: Basis, *, conjugate: bool | None = None, witnesses: Basis | None = None
) -> tuple[Basis, Orientation]:
    """Return a basis set in the package's sign, decided from the methyl lines of Cr, PCr and NAA.

    Parameters
    ----------
    basis : Basis
    conjugate : bool, optional
        Whether to conjugate it. Default: decided from its metabolites.
    witnesses : Basis, optional
        The same set with unused members; they decide where the members of ``basis`` do not.

    Returns
    -------
    basis : Basis
        With a note on the sign.
    orientation : Orientation

    Raises
    ------
    DataError
        If the metabolites contradict each other.
    """
    votes = _votes(landmarks(basis))
    if witnesses is not None and not votes:
        votes = _votes(landmarks(witnesses))
        votes = votes if len({turned for turned, _ in votes.values()}) == 1 else {}
    reversed_ = [name for name, (turned, _) in votes.items() if turned]
    upright = [name for name in votes if name not in reversed_]
    if conjugate is not None:
        note = f"{'' if conjugate else 'not '}conjugated, as asked for"
        against = upright if conjugate else reversed_
        if against:
            note += f", against {', '.join(against)}, whose methyl lines lie the other way round"
            logger.warning("%s: the basis set is %s.", basis.name or "basis set", note)
        fids = basis.fids.conj() if conjugate else basis.fids
        return replace(basis, fids=fids, notes=(*basis.notes, note)), Orientation(conjugate, ())
    if reversed_ and upright:
        raise DataError(
            f"{basis.name or 'The basis set'} has {', '.join(upright)} the right way round and "
            f"{', '.join(reversed_)} reversed; simulate it again, leave wrong members out (--ignore), or choose "
            "the sign (--conj_basis, --no_conj_basis)."
        )
    share = min((share for _, share in votes.values()), default=0.0)
    orientation = Orientation(bool(reversed_), tuple(votes), share)
    fids = basis.fids.conj() if orientation.conjugated else basis.fids
    return replace(basis, fids=fids, notes=(*basis.notes, orientation.statement)), orientation


def _votes(marks: Mapping[str, Landmark]) -> dict[str, tuple[bool, float]]:
    """Return, by name, the landmarks with a clear sign: whether it is reversed, and the share of energy."""
    return {
        name: (mark.reversed, max(mark.upright, mark.turned))
        for name, mark in marks.items()
        if mark.reversed is not None
    }


def centred(
    basis: Basis, *, user_centre: bool = False, refuse: bool = True, witnesses: Basis | None = None
) -> Basis:
    """Shift a basis set so that the methyl lines of Cr or PCr and of NAA lie at their chemical shifts.

    Some programs simulate with another centre than 4.65 ppm (Osprey: 4.68) and do not write it to the file; all
    metabolites are then off by the same amount. An offset of 0.015 to 0.09 ppm is corrected where both landmarks
    agree within 0.01 ppm. A larger offset is refused: the axis would be a guess.

    Parameters
    ----------
    basis : Basis
        In the package's sign.
    user_centre : bool
        Whether the centre comes from the user; nothing is shifted then.
    refuse : bool
        Whether to refuse a set whose landmarks lie elsewhere; if not, a note and a warning say so.
    witnesses : Basis, optional
        The same set in the same sign with unused members; they decide where the members of ``basis`` do not.

    Returns
    -------
    Basis
        With a note on the centre.

    Raises
    ------
    DataError
        If the strongest line of a landmark lies where that metabolite has none.
    """
    marks = landmarks(basis)
    if witnesses is not None and not _show_centre(marks):
        marks = landmarks(witnesses)
        # A single unused landmark may be wrong; several that agree are right.
        refuse = refuse and _agreed_centre(marks) is not None
    lost = [mark for mark in marks.values() if mark.is_elsewhere]
    if lost and refuse:
        raise DataError(_refusal(basis, marks, lost))
    off = {name: mark.off_ppm for name, mark in marks.items() if mark.off_ppm is not None}
    if user_centre:
        note = f"centre {basis.reference_ppm:g} ppm, as asked for"
        note += f", with {_places(off)}" if off else ""
        if lost:
            note += f"; {', '.join(mark.name for mark in lost)} lie elsewhere"
        if lost or max(map(abs, off.values()), default=0.0) > 2 * _OFF_CENTRE_PPM:
            logger.warning("%s: %s.", basis.name or "basis set", note)
        return replace(basis, notes=(*basis.notes, note))
    offset_ppm = float(np.mean(list(off.values()))) if off else 0.0
    agree = len(off) > 1 and "NAA" in off and np.ptp(list(off.values())) <= _SPREAD_PPM
    if lost:
        note = f"centre of the file format, against {', '.join(mark.place for mark in lost)}, not used"
        logger.warning("%s: %s.", basis.name or "basis set", note)
        return replace(basis, notes=(*basis.notes, note))
    if not agree or abs(offset_ppm) <= _OFF_CENTRE_PPM:
        return replace(basis, notes=(*basis.notes, _unmoved_note(marks, off)))
    moved_hz = -offset_ppm * basis.spectrometer_frequency_mhz
    fids = shift(np.asarray(basis.fids), moved_hz, basis.dwelltime_s)
    note = (
        f"moved by {-offset_ppm:+.4f} ppm, from the lines of {', '.join(off)}: simulated with another centre"
    )
    logger.info("%s: %s", basis.name or "basis set", note)
    return replace(basis, fids=fids, notes=(*basis.notes, note))


def _show_centre(marks: Mapping[str, Landmark]) -> bool:
    """Return whether any landmark shows where the centre is."""
    return any(mark.off_ppm is not None or mark.is_elsewhere for mark in marks.values())


def _places(off: Mapping[str, float]) -> str:
    largest = max(abs(ppm) for ppm in off.values())
    return f"{', '.join(off)}, whose methyl lines lie within {largest:.3f} ppm of their places"


def _unmoved_note(marks: Mapping[str, Landmark], off: Mapping[str, float]) -> str:
    """Return the note on a centre that was not moved: what confirms it."""
    if not off and any(mark.reversed for mark in marks.values()):
        return "centre of the file format: the methyl lines lie the other way round"
    if not off:
        return "centre of the file format: the basis set has no methyl line of Cr, PCr or NAA to confirm it"
    if max(abs(ppm) for ppm in off.values()) <= 2 * _OFF_CENTRE_PPM:
        return f"centre confirmed by {_places(off)}"
    return (
        f"centre of the file format, with {_places(off)}: it is moved only where Cr or PCr and NAA are off by the "
        "same"
    )


def _agreed_centre(marks: Mapping[str, Landmark]) -> float | None:
    """Return the centre in ppm at which the strongest lines of NAA and another are methyl lines, in one sign."""
    strong = [mark for mark in marks.values() if mark.is_strong]
    if not any(mark.name == "NAA" for mark in strong):
        return None
    agreed = []  # of one landmark alone, both signs
    for sign in (1, -1):
        centres = [METHYLS_PPM[mark.name] - sign * mark.strongest_ppm for mark in strong]
        if np.ptp(centres) <= _SAME_CENTRE_PPM:
            agreed.append(round(float(np.mean(centres)), 2) + 0.0)  # no -0
    return agreed[0] if len(agreed) == 1 else None


def _refusal(basis: Basis, marks: Mapping[str, Landmark], lost: list[Landmark]) -> str:
    """Return the error message for landmarks that lie elsewhere: where they lie, and what to do."""
    centre = _agreed_centre(marks)
    ways = (
        "give quantify --basis_centre_ppm and --conj_basis or --no_conj_basis if you know both, or leave wrong "
        "members out with --ignore"
        if centre is None
        else f"they agree on a set with the centre {centre:g} ppm: give quantify --basis_centre_ppm {centre:g}"
    )
    nucleus = "" if basis.has_nucleus else " (the file does not name its nucleus; it was read as 1H)"
    return (
        f"The strongest lines of {basis.name or 'the basis set'}{nucleus} do not lie where they should with a "
        f"centre of {basis.reference_ppm:g} ppm: {', '.join(mark.place for mark in lost)}; {ways}."
    )
