"""Basis sets put right and brought to the data: conjugated, first points mended, resampled; or refused.

Whatever is done is said in :attr:`fsl_mrs_dl.data.Basis.notes`.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics.resample import PASSBAND, energy_beyond, points_before, resample
from fsl_mrs_dl.physics.signal import shift

logger = logging.getLogger(__name__)

FIELD_TOLERANCE = 5e-3
"""Largest relative difference of field: at 0.5 % a coupling of 15 Hz, which does not scale, errs by 0.08 Hz."""
_SAME = 1e-6
_DECAYED = 1e-3
_OUTSIDE = 1e-3

# Methyl groups: Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1.
_LANDMARKS_PPM = {"Cr": 3.027, "PCr": 3.029, "NAA": 2.008}
_HALF_WINDOW_PPM = 0.1
_OFF_CENTRE_PPM = 0.015
_SPREAD_PPM = 0.01
_CLEAR = 4.0
_ABSENT = 1e-3

_PREDICTABLE = 0.02
_WRONG = 0.3
_HALVED = 0.15
_CHECKED_POINTS = 3


@dataclass(frozen=True)
class Orientation:
    """Which way round a basis set was.

    Attributes
    ----------
    conjugated : bool
        Whether it was turned.
    by : tuple of str
        The metabolites that say where downfield is; empty if none does, and the format was believed.
    """

    conjugated: bool
    by: tuple[str, ...]

    @property
    def statement(self) -> str:
        """One line for the record."""
        if not self.by:
            return "sign as the format says: the basis set has no Cr, PCr or NAA to tell it"
        return f"{'conjugated' if self.conjugated else 'sign confirmed'} by {', '.join(self.by)}"


def oriented(basis: Basis) -> tuple[Basis, Orientation]:
    """Return a basis set in the sign of memory, told by where the methyl groups of Cr, PCr and NAA lie.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    basis : Basis
        With the statement among its notes.
    orientation : Orientation

    Raises
    ------
    DataError
        If the metabolites contradict each other.
    """
    votes = _votes(basis)
    reversed_ = [name for name, turned in votes.items() if turned]
    if reversed_ and len(reversed_) < len(votes):
        upright = [name for name in votes if name not in reversed_]
        raise DataError(
            f"{basis.name or 'The basis set'} has {', '.join(upright)} the right way round and "
            f"{', '.join(reversed_)} reversed; simulate it again, or conjugate single metabolites."
        )
    found = Orientation(bool(reversed_), tuple(votes))
    fids = basis.fids.conj() if found.conjugated else basis.fids
    return replace(basis, fids=fids, notes=(*basis.notes, found.statement)), found


def _votes(basis: Basis) -> dict[str, bool]:
    """Return which landmarks are there, and whether each lies on the wrong side of the centre."""
    if basis.nucleus != "1H":
        return {}
    fids = np.asarray(basis.fids)
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    frequency_ppm = np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    largest = np.abs(fids).max()
    votes = {}
    for name, fid in zip(basis.names, fids, strict=True):
        if name not in _LANDMARKS_PPM or np.abs(fid).max() < _ABSENT * largest:
            continue
        energy = np.abs(np.fft.fft(fid * rising)) ** 2
        offset = _LANDMARKS_PPM[name] - basis.reference_ppm
        upright, turned = (
            float(energy[np.abs(frequency_ppm - place) <= _HALF_WINDOW_PPM].sum())
            for place in (offset, -offset)
        )
        if max(upright, turned) > _CLEAR * min(upright, turned):
            votes[name] = turned > upright
    return votes


def centred(basis: Basis) -> Basis:
    """Return a basis set whose methyl groups of Cr or PCr and of NAA lie where they belong.

    Some programs simulate about another centre than 4.65 ppm (Osprey: 4.68) and their files do not say so;
    then all metabolites are off by the same. Nothing is moved unless both landmarks agree within 0.01 ppm on
    more than 0.015 ppm.

    Parameters
    ----------
    basis : Basis
        In the sign of memory.

    Returns
    -------
    Basis
        The same object if nothing is to be moved.
    """
    n_points = 8 * basis.fids.shape[1]
    ppm = basis.reference_ppm + np.fft.fftfreq(n_points, basis.dwelltime_s) / basis.spectrometer_frequency_mhz
    off = {}
    for name in _votes(basis):
        spectrum = np.abs(np.fft.fft(basis.fids[basis.names.index(name)], n_points))
        place = ppm[np.where(np.abs(ppm - _LANDMARKS_PPM[name]) <= _HALF_WINDOW_PPM, spectrum, 0).argmax()]
        off[name] = float(place - _LANDMARKS_PPM[name])
    if len(off) < 2 or "NAA" not in off:
        return basis
    offset_ppm = float(np.mean(list(off.values())))
    if np.ptp(list(off.values())) > _SPREAD_PPM or abs(offset_ppm) <= _OFF_CENTRE_PPM:
        return basis
    fids = shift(np.asarray(basis.fids), -offset_ppm * basis.spectrometer_frequency_mhz, basis.dwelltime_s)
    note = f"moved by {-offset_ppm:+.4f} ppm, told by {', '.join(off)}: simulated about another centre"
    logger.info("%s: %s", basis.name or "basis set", note)
    return replace(basis, fids=fids, notes=(*basis.notes, note))


def mended(basis: Basis) -> Basis:
    """Return a basis set whose first points belong to the rest.

    Two faults are common and clear. Some programs halve the first point of every FID, for a spectrum
    without an offset: it is doubled, or predicted if an offset of the spectrum changed it too. And a single
    first point may be wrong, as that of the measured macromolecules of the ISMRM 2016 challenge: where linear
    prediction from the points after it misses it by more than 30 %, though it meets the next three within 2 %,
    the prediction takes its place.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    Basis
        The same object if nothing is wrong.
    """
    fids = np.array(basis.fids, dtype=np.complex128)
    predicted = points_before(fids[:, 1:], 1)[:, 0]
    if (np.abs(fids[:, 0] - predicted) <= _WRONG * np.abs(predicted)).all():
        return basis
    predictable = _predictable(fids)
    if not predictable.any():
        return basis
    size = np.maximum(np.abs(predicted), np.finfo(np.float64).tiny)
    missed = np.abs(2 * fids[:, 0] - predicted) / size
    if (missed[predictable] <= _HALVED).all():
        clean = ~predictable | (missed <= 2 * _PREDICTABLE)
        fids[:, 0] = np.where(clean, 2 * fids[:, 0], predicted)
        note = f"first points were halved: {clean.sum()} doubled, {(~clean).sum()} predicted"
        logger.info("%s: %s", basis.name or "basis set", note)
        return replace(basis, fids=fids, notes=(*basis.notes, note))
    wrong = predictable & (np.abs(fids[:, 0] - predicted) > _WRONG * np.maximum(size, np.abs(fids[:, 0])))
    if not wrong.any():
        return basis
    notes = tuple(
        f"first point of {basis.names[m]} was wrong ({abs(fids[m, 0]):.4g}) and is predicted "
        f"({abs(predicted[m]):.4g})"
        for m in np.flatnonzero(wrong)
    )
    for note in notes:
        logger.warning("%s: %s", basis.name or "basis set", note)
    fids[wrong, 0] = predicted[wrong]
    return replace(basis, fids=fids, notes=(*basis.notes, *notes))


def _predictable(fids: Complex) -> NDArray[np.bool_]:
    """Return which FIDs' points after the first are met by linear prediction, so that it can be trusted."""
    predictable = np.ones(len(fids), dtype=bool)
    for n in range(1, 1 + _CHECKED_POINTS):
        missed = np.abs(points_before(fids[:, n + 1 :], 1)[:, 0] - fids[:, n])
        predictable &= missed <= _PREDICTABLE * np.abs(fids[:, n])
    return predictable


def sound_basis(basis: Basis) -> Basis:
    """Return a basis set with its first points mended, in the sign of memory, and centred.

    See :func:`mended`, :func:`oriented` and :func:`centred`.
    """
    return centred(oriented(mended(basis))[0])


def covered_points(basis: Basis, dwelltime_s: float, spectrometer_frequency_mhz: float) -> int:
    """Return how many points of data a basis set covers.

    Parameters
    ----------
    basis : Basis
    dwelltime_s : float
        Of the data, in s.
    spectrometer_frequency_mhz : float
        Of the data, in MHz.

    Returns
    -------
    int
    """
    step = dwelltime_s * spectrometer_frequency_mhz / basis.spectrometer_frequency_mhz / basis.dwelltime_s
    return int((basis.fids.shape[1] - 1) / step * (1 + _SAME)) + 1


def on_points(
    basis: Basis,
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    *,
    reference_ppm: float | None = None,
    field_tolerance: float = FIELD_TOLERANCE,
) -> Basis:
    r"""Return a basis set at other points, at the field of the data; the first point stays.

    A small difference of field is taken out by :math:`x(t) \to x(t \, f_{data} / f_{basis})`: every line keeps
    its chemical shift. Couplings and linewidths scale with it, by as much as the tolerance allows.

    Parameters
    ----------
    basis : Basis
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    reference_ppm : float, optional
        Chemical shift of the centre of the data, in ppm; the basis set's if not given.
    field_tolerance : float
        Largest relative difference of field. A greater one than the default is a choice to record: couplings
        err by as much.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If the field differs, the basis set ends before the points and before it has decayed to 1e-3, or
        signal lies where it would fold or be lost.
    """
    own_mhz = basis.spectrometer_frequency_mhz
    ratio = spectrometer_frequency_mhz / own_mhz
    if abs(ratio - 1) > field_tolerance:
        raise DataError(
            f"The basis set is of {own_mhz:g} MHz, the data are of {spectrometer_frequency_mhz:g} MHz "
            f"({100 * (ratio - 1):+.2g} %, allowed {100 * field_tolerance:g} %); a basis set of the same field "
            "is needed."
        )
    notes = list(basis.notes)
    points = covered_points(basis, dwelltime_s, spectrometer_frequency_mhz)
    if n_points > points:
        _refuse_undecayed(basis, n_points, dwelltime_s, points)
        notes.append(f"zeros after point {points} of {n_points}: it has decayed there")
    step_s = dwelltime_s * ratio
    if np.isclose(step_s, basis.dwelltime_s, rtol=_SAME, atol=0):
        kept = np.asarray(basis.fids[:, : min(n_points, points)])
        fids = np.pad(kept, ((0, 0), (0, n_points - kept.shape[1])))
    else:
        _refuse_lost_signal(basis, step_s)
        fids = resample(basis.fids, basis.dwelltime_s, n_points, step_s)
        fids[:, points:] = 0
        notes.append(
            f"resampled from {basis.dwelltime_s * 1e3:.6g} ms at {own_mhz:.6g} MHz to {dwelltime_s * 1e3:.6g} ms "
            f"at {spectrometer_frequency_mhz:.6g} MHz"
        )
    moved_ppm = 0.0 if reference_ppm is None else basis.reference_ppm - reference_ppm
    if moved_ppm:
        fids = shift(fids, moved_ppm * spectrometer_frequency_mhz, dwelltime_s)
        notes.append(f"centre moved to {reference_ppm:g} ppm")
    return replace(
        basis,
        fids=fids,
        dwelltime_s=dwelltime_s,
        spectrometer_frequency_mhz=spectrometer_frequency_mhz,
        notes=tuple(notes),
    )


def _refuse_undecayed(basis: Basis, n_points: int, dwelltime_s: float, points: int) -> None:
    """Refuse to lengthen what has not decayed: nobody knows how it goes on."""
    end = max(basis.fids.shape[1] // 50, 1)
    left = np.abs(basis.fids[:, -end:]).max(axis=1) / np.abs(basis.fids).max(axis=1)
    if (left > _DECAYED).any():
        worst = int(left.argmax())
        lasts_s = (basis.fids.shape[1] - 1) * basis.dwelltime_s
        raise DataError(
            f"The basis set lasts {lasts_s:.4g} s, the data are to last {(n_points - 1) * dwelltime_s:.4g} s, "
            f"and {basis.names[worst]} has decayed to {left[worst]:.2g} only; use the first {points} points of "
            "the data, or a longer basis set."
        )


def _refuse_lost_signal(basis: Basis, step_s: float) -> None:
    """Refuse signal at the edge of the basis set's band, and signal that the data's band does not hold."""
    shares: list[tuple[Real, str]] = [
        (energy_beyond(basis.fids, PASSBAND), f"at the edge of its own band, {1 / basis.dwelltime_s:g} Hz")
    ]
    if step_s > basis.dwelltime_s:
        shares.append(
            (
                energy_beyond(basis.fids, basis.dwelltime_s / step_s),
                f"outside the data's band, {1 / step_s:.5g} Hz",
            )
        )
    for share, where in shares:
        if (share > _OUTSIDE).any():
            worst = int(share.argmax())
            raise DataError(
                f"The basis set has {100 * share[worst]:.2g} % of {basis.names[worst]} {where}, so that it cannot "
                "be resampled; use a basis set of the data's dwell time, or leave that metabolite out."
            )
