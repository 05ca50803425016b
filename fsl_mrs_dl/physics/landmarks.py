"""Which way round a basis set is, and about which centre: told by creatine, phosphocreatine and NAA.

Each of them is judged alone, by the shares of its own energy, so that no other member's size matters. A methyl
line counts as seen where it holds half of that energy. Where a landmark's strongest line lies elsewhere, the set
is refused with what was seen: the tails of lines that happen to reach where a methyl line should be tell nothing.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.member_sizes import usual_height
from fsl_mrs_dl.physics.signal import shift

logger = logging.getLogger(__name__)

# Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1.
METHYLS_PPM = {"Cr": 3.027, "PCr": 3.029, "NAA": 2.008}
"""Chemical shifts of methyl groups, by which an axis is told."""
_OTHERS_PPM = {"Cr": (3.913,), "PCr": (3.930,), "NAA": (2.486, 2.673, 4.382)}
"""Where else these metabolites have lines: the strongest ones where editing takes the methyl line away."""
_FOREIGN_PPM = (0.0, 8.44)
"""TSP or DSS, and formate, which some simulations add to each metabolite as a reference."""
_HALF_WINDOW_PPM = 0.1
_EDGE_PPM = 0.09  # a line beyond it may belong outside of the window
_NEAR_PPM = 0.12  # of a multiplet's lines around its shift
_FOREIGN_HALF_PPM = 0.15
_OFF_CENTRE_PPM = 0.015
_SPREAD_PPM = 0.01
_SAME_CENTRE_PPM = 0.05
# How much of a metabolite's energy a line must hold: CH3 of creatine 9/13, CH2 4/13, CH3 of NAA above 0.9.
_SHARE = 0.5
# How much more energy one side must hold, and how small a metabolite counts as absent (edited spectra).
_CLEAR = 4.0
_ABSENT = 1e-3


@dataclass(frozen=True)
class Seen:
    """What one landmark shows, if frequency zero is the reference of its basis set.

    Attributes
    ----------
    upright, turned : float
        Share of its energy at its methyl line, as it is and conjugated.
    strongest_ppm : float
        Distance of its strongest line from frequency zero, in ppm.
    strongest : float
        Share of its energy there.
    """

    upright: float
    turned: float
    strongest_ppm: float
    strongest: float

    @property
    def turned_round(self) -> bool | None:
        """Whether the methyl line lies on the wrong side of the centre; None where it is not seen."""
        if max(self.upright, self.turned) < _SHARE:
            return None
        if max(self.upright, self.turned) <= _CLEAR * min(self.upright, self.turned):
            return None  # the centre of the band lies in the methyl line itself
        return self.turned > self.upright


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


def landmarks(basis: Basis) -> Mapping[str, Seen]:
    """Return what Cr, PCr and NAA of a basis set show, each judged alone.

    Parameters
    ----------
    basis : Basis
        Of any sign; its centre is :attr:`~fsl_mrs_dl.data.Basis.reference_ppm`.

    Returns
    -------
    mapping of str to Seen
        Without metabolites that editing took away. Empty for another nucleus than 1H.
    """
    if basis.nucleus != "1H":
        return {}
    fids = np.asarray(basis.fids)
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    offset_ppm = np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    heights = np.abs(fids).max(axis=1)
    usual = usual_height(fids)
    return {
        name: _seen(name, np.abs(np.fft.fft(fid * rising)) ** 2, offset_ppm, basis.reference_ppm)
        for name, fid, height in zip(basis.names, fids, heights, strict=True)
        if name in METHYLS_PPM and height >= _ABSENT * usual
    }


def _seen(name: str, energy: Real, offset_ppm: Real, centre_ppm: float) -> Seen:
    def share(place_ppm: float, foreign: NDArray[np.bool_]) -> float:
        own = np.where(foreign, 0.0, energy)
        near = np.abs(offset_ppm - place_ppm) <= _HALF_WINDOW_PPM
        return float(own[near].sum() / max(own.sum(), np.finfo(float).tiny))

    away = [
        np.any(
            [np.abs(sign * offset_ppm - (place - centre_ppm)) <= _FOREIGN_HALF_PPM for place in _FOREIGN_PPM],
            axis=0,
        )
        for sign in (1, -1)
    ]
    methyl = METHYLS_PPM[name] - centre_ppm
    strongest_ppm = float(offset_ppm[energy.argmax()])
    return Seen(
        share(methyl, away[0]),
        share(-methyl, away[1]),
        strongest_ppm,
        share(strongest_ppm, np.zeros(len(energy), dtype=bool)),
    )


def _votes(seen: Mapping[str, Seen]) -> dict[str, tuple[bool, float]]:
    """Return the landmarks that are where they may be, whether each is reversed, and the share that says so."""
    return {
        name: (one.turned_round, max(one.upright, one.turned))
        for name, one in seen.items()
        if one.turned_round is not None
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
    used, seen = basis, landmarks(basis)
    off = _offsets(used, seen)
    lost = _displaced(seen, basis.reference_ppm)
    if witnesses is not None and not off and not lost:
        used, seen = witnesses, landmarks(witnesses)
        off, lost = _offsets(used, seen), _displaced(seen, basis.reference_ppm)
    if lost and refuse:
        raise DataError(_displacement(basis, seen, lost))
    names, largest = ", ".join(off), max((abs(ppm) for ppm in off.values()), default=0.0)
    offset_ppm = float(np.mean(list(off.values()))) if off else 0.0
    told = len(off) > 1 and "NAA" in off and np.ptp(list(off.values())) <= _SPREAD_PPM
    if given:
        note = f"centre {basis.reference_ppm:g} ppm, as asked for"
        note += f"; {names} lie within {largest:.3f} ppm of their places" if off else ""
        if lost:
            note += f"; {', '.join(lost)} lie elsewhere"
            logger.warning("%s: %s.", basis.name or "basis set", note)
        return replace(basis, notes=(*basis.notes, note))
    if told and abs(offset_ppm) > _OFF_CENTRE_PPM:
        fids = shift(
            np.asarray(basis.fids), -offset_ppm * basis.spectrometer_frequency_mhz, basis.dwelltime_s
        )
        note = f"moved by {-offset_ppm:+.4f} ppm, told by {names}: simulated about another centre"
        logger.info("%s: %s", basis.name or "basis set", note)
        return replace(basis, fids=fids, notes=(*basis.notes, note))
    if not off and any(one.turned >= _SHARE for one in seen.values()):
        note = "centre as the format says: its methyl lines lie the other way round"
    elif not off:
        note = "centre as the format says: the basis set has no methyl line of Cr, PCr or NAA to tell it"
    elif largest <= 2 * _OFF_CENTRE_PPM:
        note = f"centre confirmed by {names}, whose methyl lines lie within {largest:.3f} ppm of their places"
    else:
        note = (
            f"centre as the format says, though {names} lie up to {largest:.3f} ppm off: only Cr or PCr together "
            "with NAA, off by the same, move it"
        )
    return replace(basis, notes=(*basis.notes, note))


def _offsets(basis: Basis, seen: Mapping[str, Seen]) -> dict[str, float]:
    """Return by how many ppm the methyl lines lie off that are seen the right way round."""
    n_points = 8 * basis.fids.shape[1]
    ppm = basis.reference_ppm + np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    off = {}
    for name, one in seen.items():
        if one.upright < _SHARE:
            continue
        spectrum = np.abs(np.fft.fft(_fid(basis, name), n_points))
        place = ppm[np.where(np.abs(ppm - METHYLS_PPM[name]) <= _HALF_WINDOW_PPM, spectrum, 0).argmax()]
        if abs(place - METHYLS_PPM[name]) <= _EDGE_PPM:
            off[name] = float(place - METHYLS_PPM[name])
    return off


def _fid(basis: Basis, name: str) -> Complex:
    fid: Complex = np.asarray(basis.fids)[basis.names.index(name)]
    return fid


def _displaced(seen: Mapping[str, Seen], centre_ppm: float) -> list[str]:
    """Return the landmarks whose strongest line lies where they have none, if one of them holds that much."""
    lost = []
    for name, one in seen.items():
        if one.turned >= _SHARE:  # reversed, which is a question of sign
            continue
        place = centre_ppm + one.strongest_ppm
        methyl = abs(place - METHYLS_PPM[name]) <= _EDGE_PPM and one.upright >= _SHARE
        other = any(abs(place - ppm) <= _NEAR_PPM for ppm in _OTHERS_PPM[name])
        foreign = any(abs(place - ppm) <= _FOREIGN_HALF_PPM for ppm in _FOREIGN_PPM)
        if one.strongest >= _SHARE and not (methyl or other or (foreign and one.upright >= _SHARE)):
            lost.append(name)
    return lost


def _displacement(basis: Basis, seen: Mapping[str, Seen], lost: list[str]) -> str:
    """Return what was seen of landmarks that lie elsewhere, and what to do about it, in one sentence."""
    centre = basis.reference_ppm
    places = ", ".join(
        f"{name} at {centre + seen[name].strongest_ppm:.2f} instead of {METHYLS_PPM[name]:.2f} ppm"
        for name in lost
    )
    ways = "if you know both, give quantify --basis_centre_ppm and --conj_basis or --no_conj_basis"
    strong = [name for name, one in seen.items() if one.strongest >= _SHARE]
    likely = [
        round(float(np.mean(centres)), 2) + 0.0  # no -0
        for sign in (1, -1)
        if np.ptp(centres := [METHYLS_PPM[name] - sign * seen[name].strongest_ppm for name in strong])
        <= _SAME_CENTRE_PPM
    ]
    if len(likely) == 1 and "NAA" in strong:
        ways = f"they agree on a set made about {likely[0]:g} ppm: give quantify --basis_centre_ppm {likely[0]:g}"
    nucleus = "" if basis.nucleus_said else " (the file does not say its nucleus; it was read as 1H)"
    return (
        f"The strongest lines of {basis.name or 'the basis set'}{nucleus} do not lie where they should about a "
        f"centre of {centre:g} ppm: {places}; {ways}, or leave wrong members out with --ignore."
    )
