"""Sign and centre of a basis set: as its landmarks tell, as the user says, or as the format says.

Where a landmark's strongest line lies elsewhere, the set is refused with what was seen.
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

_OFF_CENTRE_PPM = 0.015  # what a set may be off; published shifts differ by 0.01
_SPREAD_PPM = 0.01
_SAME_CENTRE_PPM = 0.05


@dataclass(frozen=True)
class Orientation:
    """Which way round a basis set was.

    Attributes
    ----------
    conjugated : bool
        Whether it was turned.
    by : tuple of str
        The metabolites that say where downfield is; empty if none does, and the format was believed.
    share : float
        Least share of their energy at their methyl lines.
    """

    conjugated: bool
    by: tuple[str, ...]
    share: float = 0.0

    @property
    def statement(self) -> str:
        """One line for the record."""
        if not self.by:
            return "sign as the format says: the basis set has no methyl line of Cr, PCr or NAA to tell it"
        told = f"{'conjugated' if self.conjugated else 'sign confirmed'} by {', '.join(self.by)}"
        return f"{told}, whose methyl lines hold {100 * self.share:.0f} % of their energy or more"


def oriented(
    basis: Basis, *, conjugate: bool | None = None, witnesses: Basis | None = None
) -> tuple[Basis, Orientation]:
    """Return a basis set in the sign of memory, told by where the methyl groups of Cr, PCr and NAA lie.

    Parameters
    ----------
    basis : Basis
    conjugate : bool, optional
        Whether to turn it, whatever its metabolites tell.
    witnesses : Basis, optional
        The same set with members that are not used, which may tell where those of ``basis`` do not.

    Returns
    -------
    basis : Basis
        With a statement of the sign among its notes.
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
            f"{', '.join(reversed_)} reversed; simulate it again, leave out what is wrong (--ignore), or say "
            "which way round it is (--conj_basis, --no_conj_basis)."
        )
    share = min((share for _, share in votes.values()), default=0.0)
    found = Orientation(bool(reversed_), tuple(votes), share)
    fids = basis.fids.conj() if found.conjugated else basis.fids
    return replace(basis, fids=fids, notes=(*basis.notes, found.statement)), found


def _votes(seen: Mapping[str, Landmark]) -> dict[str, tuple[bool, float]]:
    """Return the landmarks that are where they may be, whether each is reversed, and the share that says so."""
    return {
        name: (one.reversed, max(one.upright, one.turned))
        for name, one in seen.items()
        if one.reversed is not None
    }


def centred(
    basis: Basis, *, given: bool = False, refuse: bool = True, witnesses: Basis | None = None
) -> Basis:
    """Return a basis set whose methyl groups of Cr or PCr and of NAA lie where they belong.

    Some programs simulate about another centre than 4.65 ppm (Osprey: 4.68) and their files do not say so; then
    all metabolites are off by the same. Up to 0.09 ppm are taken out where both landmarks agree within 0.01 ppm on
    more than 0.015 ppm. A set whose landmarks lie farther away is refused: too much of its axis would be a guess.

    Parameters
    ----------
    basis : Basis
        In the sign of memory.
    given : bool
        Whether the user says the centre, so that nothing is moved.
    refuse : bool
        Whether a set whose landmarks lie elsewhere is refused; else that is told.
    witnesses : Basis, optional
        The same set in the same sign with members that are not used, which tell where those of ``basis`` do not.

    Returns
    -------
    Basis
        With a statement of the centre among its notes.

    Raises
    ------
    DataError
        If the strongest line of a landmark lies where that metabolite has none.
    """
    seen = landmarks(basis)
    if witnesses is not None and not _tells(seen):
        seen = landmarks(witnesses)
        # A single one that is not used may be wrong; those that agree are not.
        refuse = refuse and _agreed_centre(seen) is not None
    lost = [one for one in seen.values() if one.is_elsewhere]
    if lost and refuse:
        raise DataError(_refusal(basis, seen, lost))
    off = {name: one.off_ppm for name, one in seen.items() if one.off_ppm is not None}
    if given:
        note = f"centre {basis.reference_ppm:g} ppm, as asked for"
        note += f", beside {_places(off)}" if off else ""
        if lost:
            note += f"; {', '.join(one.name for one in lost)} lie elsewhere"
        if lost or max(map(abs, off.values()), default=0.0) > 2 * _OFF_CENTRE_PPM:
            logger.warning("%s: %s.", basis.name or "basis set", note)
        return replace(basis, notes=(*basis.notes, note))
    offset_ppm = float(np.mean(list(off.values()))) if off else 0.0
    agree = len(off) > 1 and "NAA" in off and np.ptp(list(off.values())) <= _SPREAD_PPM
    if lost:
        note = f"centre as the format says, against {', '.join(one.place for one in lost)}, not used"
        logger.warning("%s: %s.", basis.name or "basis set", note)
        return replace(basis, notes=(*basis.notes, note))
    if not agree or abs(offset_ppm) <= _OFF_CENTRE_PPM:
        return replace(basis, notes=(*basis.notes, _as_it_is(seen, off)))
    moved_hz = -offset_ppm * basis.spectrometer_frequency_mhz
    fids = shift(np.asarray(basis.fids), moved_hz, basis.dwelltime_s)
    note = f"moved by {-offset_ppm:+.4f} ppm, told by {', '.join(off)}: simulated about another centre"
    logger.info("%s: %s", basis.name or "basis set", note)
    return replace(basis, fids=fids, notes=(*basis.notes, note))


def _tells(seen: Mapping[str, Landmark]) -> bool:
    """Return whether one of the landmarks says anything of the centre."""
    return any(one.off_ppm is not None or one.is_elsewhere for one in seen.values())


def _places(off: Mapping[str, float]) -> str:
    largest = max(abs(ppm) for ppm in off.values())
    return f"{', '.join(off)}, whose methyl lines lie within {largest:.3f} ppm of their places"


def _as_it_is(seen: Mapping[str, Landmark], off: Mapping[str, float]) -> str:
    """Return on what a centre stands that nothing moved."""
    if not off and any(one.reversed for one in seen.values()):
        return "centre as the format says: its methyl lines lie the other way round"
    if not off:
        return "centre as the format says: the basis set has no methyl line of Cr, PCr or NAA to tell it"
    if max(abs(ppm) for ppm in off.values()) <= 2 * _OFF_CENTRE_PPM:
        return f"centre confirmed by {_places(off)}"
    return (
        f"centre as the format says, beside {_places(off)}: only Cr or PCr together with NAA, off by the same, "
        "would move it"
    )


def _agreed_centre(seen: Mapping[str, Landmark]) -> float | None:
    """Return the centre that makes methyl lines of the strongest ones of NAA and another, in one sign only."""
    strong = [one for one in seen.values() if one.is_strong]
    if not any(one.name == "NAA" for one in strong):
        return None
    agreed = []  # of one landmark alone, both signs
    for sign in (1, -1):
        centres = [METHYLS_PPM[one.name] - sign * one.strongest_ppm for one in strong]
        if np.ptp(centres) <= _SAME_CENTRE_PPM:
            agreed.append(round(float(np.mean(centres)), 2) + 0.0)  # no -0
    return agreed[0] if len(agreed) == 1 else None


def _refusal(basis: Basis, seen: Mapping[str, Landmark], lost: list[Landmark]) -> str:
    """Return what was seen of landmarks that lie elsewhere, and what to do about it, in one sentence."""
    centre = _agreed_centre(seen)
    ways = (
        "if you know both, give quantify --basis_centre_ppm and --conj_basis or --no_conj_basis, or leave wrong "
        "members out with --ignore"
        if centre is None
        else f"they agree on a set made about {centre:g} ppm: give quantify --basis_centre_ppm {centre:g}"
    )
    nucleus = "" if basis.nucleus_said else " (the file does not say its nucleus; it was read as 1H)"
    return (
        f"The strongest lines of {basis.name or 'the basis set'}{nucleus} do not lie where they should about a "
        f"centre of {basis.reference_ppm:g} ppm: {', '.join(one.place for one in lost)}; {ways}."
    )
