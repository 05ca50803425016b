"""Where a set's own average comes from: transients that agree, found from a few of them as first references."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.averages import FoldAverages
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.decimation import shifted_back
from fsl_mrs_dl.fit.registration.search import MatchedFilter, side_lobe_hz
from fsl_mrs_dl.fit.registration.set_registration import SetRegistration

_FIRST_REFERENCES = 4
"""Most transients that are tried as first reference."""
_SEARCHES = 4
"""Most searches from one first reference; whole bins settle after two or three."""
_MAX_DOUBT = 0.02
"""Share of the transients that may lie elsewhere; with more, another first reference is tried."""
_NEAR_SD, _NEAR_BINS = 4.0, 1.5
"""Half-width of one place: so many SDs of the shift (all but 1 in 10 000) and bins (the filter's own
resolution)."""
_UNSURE = 0.05
"""Largest probability of all other places at which a place is certain."""
_LOST = 0.5
"""Probability of its place below which a transient moves to the most likely one."""


def most_alike(fids: Complex, band: Band) -> NDArray[np.integer]:
    """Return the transients in the order of how much they are like the others, whatever their shift and phase.

    The magnitude of the windowed FID does not depend on phase and hardly on shift. The transient nearest to
    the point-wise median is first, so that one with motion, lipid or a spurious echo is not.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band

    Returns
    -------
    ndarray, int, shape (transient,)
    """
    magnitude = np.abs(band.weighted(fids))[..., : fids.shape[-1] // 2]  # the rest is mostly noise
    distance = ((magnitude - np.median(magnitude, axis=0)) ** 2).sum(axis=(1, 2))
    order: NDArray[np.integer] = np.argsort(distance, kind="stable")
    return order


def start_at(work: SetRegistration, start_hz: Real) -> None:
    """Register all to the transient that is most like the others, from given shifts, to a fraction of a bin.

    Parameters
    ----------
    work : SetRegistration
    start_hz : ndarray, float, shape (transient,)
        In Hz.
    """
    first = most_alike(work.fids, work.band)[0]
    work.compare_with(work.fids[first], noise_sd=1.0)
    bin_hz = 1 / (work.fids.shape[-1] * work.band.dwelltime_s)
    work.estimates = work.evaluate(*work.iterate(start_hz - start_hz[first], tolerance_hz=bin_hz))


def search_consensus(work: SetRegistration, wide_hz: float) -> None:
    """Find the shifts at which the transients of a set are most alike, to a fraction of a bin.

    All are searched for one of them, then each fold for the average of the others, over and over. A transient
    counts in an average by the probability of its place, so that those that agree draw the rest: of two groups
    that stand apart, the larger one makes the higher peak, to which the other moves. A first reference of an
    unlucky transient leaves doubt; then others are tried, and that set of shifts is taken whose averages explain
    most.

    Parameters
    ----------
    work : SetRegistration
    wide_hz : float
        How far to search, in Hz: twice as far as the set is wide, for the first reference may lie at one end.
    """
    finder = MatchedFilter.of(work.fids, replace(work.band, max_shift_hz=wide_hz))
    best: _Agreement | None = None
    for first in most_alike(work.fids, work.band)[:_FIRST_REFERENCES]:
        agreement = _agree(work, finder, int(first))
        if best is None or agreement.explained > best.explained:
            best = agreement
        if agreement.doubt < _MAX_DOUBT:
            break
    assert best is not None
    work.estimates = best.estimates


@dataclass(frozen=True, eq=False)
class _Agreement:
    """Shifts found from one first reference.

    Attributes
    ----------
    explained : float
        Log likelihood of the shifts, up to a factor and a constant; more is better.
    doubt : float
        Share of the transients that lie elsewhere, 0 to 1.
    estimates : Registration
    """

    explained: float
    doubt: float
    estimates: Registration


def _agree(work: SetRegistration, finder: MatchedFilter, first: int) -> _Agreement:
    """Search all for one of them, then each fold for the average of the others, until no shift moves by a bin."""
    fids, wide_hz = work.fids, finder.band.max_shift_hz
    work.compare_with(fids[first], noise_sd=1.0)
    likeness = finder.likeness(work.template, work.folds, wide_hz)
    before = np.full(len(fids), np.inf)
    for _ in range(_SEARCHES):
        shift_hz = finder.highest(likeness)
        if (np.abs(shift_hz - before) < finder.step_hz).all():
            break
        before = shift_hz
        corrected = shifted_back(fids, shift_hz, work.band.dwelltime_s)
        best = work.template.step(work.template.products(corrected, work.folds), work.folds)
        weight = _certainty(work, finder, likeness)
        averages = FoldAverages(
            corrected, Registration.without_sd(shift_hz, best.phase_rad), weight / weight.sum()
        )
        work.template, work.folds = averages.template(work.band), averages.folds
        likeness = finder.likeness(work.template, work.folds, wide_hz)
    explained = -np.log1p(-likeness.max(axis=1)).sum()
    doubt = 1 - _certainty(work, finder, likeness).mean()
    estimates = work.evaluate(shift_hz, np.ones(len(fids), dtype=bool))
    return _Agreement(float(explained), float(doubt), estimates)


def _certainty(work: SetRegistration, finder: MatchedFilter, likeness: Real) -> Real:
    """Return the probability of the place around the highest peak, shape (transient,)."""
    # Noise has unit SD, and transients have the scale of their average.
    sd_hz = work.template.unit_sd[work.folds, 1]
    return _probability_near(finder, finder.odds(likeness), finder.highest(likeness), sd_hz)


def _probability_near(finder: MatchedFilter, odds: Real, shift_hz: Real, sd_hz: Real) -> Real:
    """Return the probability of the moves near a shift, shape (transient,)."""
    most = odds.shape[1] // 2
    away = np.abs(np.arange(-most, most + 1) * finder.step_hz - shift_hz[:, None])
    near = away <= (_NEAR_SD * sd_hz + _NEAR_BINS * finder.step_hz)[:, None]
    probability: Real = np.where(near, odds, 0.0).sum(axis=1)
    return probability


def check_places(work: SetRegistration, *, move: bool = True) -> tuple[bool, NDArray[np.bool_]]:
    """Search the whole range once more for the averages; move transients to a better place, if allowed.

    Parameters
    ----------
    work : SetRegistration
    move : bool
        Whether transients move to a better place or lobe; otherwise the places are only judged.

    Returns
    -------
    moved : bool
        Whether any transient was moved.
    certain : ndarray, bool, shape (transient,)
        Whether all other places together have a probability below 1 in 20.
    """
    averages = work.compare_with_averages()
    before = work.estimates
    finder = MatchedFilter.of(work.fids, work.band)
    likeness = finder.likeness(work.template, work.folds, work.band.max_shift_hz)
    odds = finder.odds(likeness)
    probability = _probability_near(finder, odds, before.shift_hz, before.shift_hz_sd)
    lost = probability < _LOST
    start_hz = before.shift_hz + side_lobe_hz(averages.corrected, work.template, work.folds, work.band)
    start_hz[lost] = finder.highest(likeness[lost])
    rows = np.flatnonzero(start_hz != before.shift_hz)
    if not (move and len(rows)):
        return False, probability > 1 - _UNSURE
    shift_hz, converged = work.iterate(start_hz[rows], rows)
    work.estimates = before.with_rows(rows, work.evaluate(shift_hz, converged, rows))
    probability = _probability_near(finder, odds, work.estimates.shift_hz, work.estimates.shift_hz_sd)
    return bool((work.estimates.shift_hz != before.shift_hz).any()), probability > 1 - _UNSURE
