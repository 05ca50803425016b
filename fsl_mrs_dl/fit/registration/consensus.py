"""Where a set's own average comes from: transients that agree, found from a few of them as first references."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.averages import Moved
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.decimation import moved_back
from fsl_mrs_dl.fit.registration.gauss_newton import at, iterate
from fsl_mrs_dl.fit.registration.lobes import better_lobe
from fsl_mrs_dl.fit.registration.matched_filter import MatchedFilter
from fsl_mrs_dl.fit.registration.template import Template

_FIRST_REFERENCES = 4
_SEARCHES = 4
_DOUBT = 0.02  # of a set's transients stand elsewhere: then another first reference is tried
_NEAR_SD, _NEAR_BINS = 4.0, 1.5  # what a shift's SD covers, by and large
_UNSURE = 0.05
_LOST = 0.5


def most_alike(fids: Complex, band: Band) -> NDArray[np.integer]:
    """Return transients in the order of how much they are like the others, whatever their shift and phase.

    The magnitude of the windowed FID does not depend on phase and hardly on shift; the transient nearest to
    the point-wise median is first, so that one with motion, lipid or a spurious echo is not.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band

    Returns
    -------
    ndarray, int, shape (transient,)
    """
    magnitude = np.abs(band.weighed(fids))[..., : fids.shape[-1] // 2]  # the rest is mostly noise
    distance = ((magnitude - np.median(magnitude, axis=0)) ** 2).sum(axis=(1, 2))
    order: NDArray[np.integer] = np.argsort(distance, kind="stable")
    return order


def started(finder: MatchedFilter, band: Band, start_hz: Real) -> Registration:
    """Register all to the transient that is most like the others, from given shifts.

    Parameters
    ----------
    finder : MatchedFilter
    band : Band
        Of the finder, with the range of the search.
    start_hz : ndarray, float, shape (transient,)

    Returns
    -------
    Registration
    """
    chosen = most_alike(finder.fids, band)[0]
    template = Template.of(finder.fids[chosen][None], band, np.ones(1))
    which = np.zeros(len(start_hz), dtype=int)
    steps = iterate(finder.fids, template, which, finder.band, start_hz - start_hz[chosen], finder.step_hz)
    return at(finder.fids, template, which, finder.band, *steps)


def together(finder: MatchedFilter, band: Band) -> Registration:
    """Find the shifts at which the transients of a set are most alike, to a fraction of a bin.

    All are searched for one of them, then each fold for the average of the others, over and over. A transient
    counts in an average by how sure its place is, so that those that agree draw the rest: of two groups that
    stand apart, the larger one makes the higher peak, to which the other moves. A first reference of an unlucky
    transient leaves doubt; then others are tried, and that set of shifts is taken whose averages explain most.

    Parameters
    ----------
    finder : MatchedFilter
        Searches twice as far as ``band``: the first may lie at one end of the set and another at the other end.
    band : Band

    Returns
    -------
    Registration
        Against the average of the others.
    """
    best: tuple[float, Registration] | None = None
    for chosen in most_alike(finder.fids, band)[:_FIRST_REFERENCES]:
        explained, doubt, found = _agreed(finder, band, int(chosen))
        if best is None or explained > best[0]:
            best = explained, found
        if doubt < _DOUBT:
            break
    assert best is not None
    return best[1]


def _agreed(finder: MatchedFilter, band: Band, chosen: int) -> tuple[float, float, Registration]:
    """Return how much is explained, the share of transients in doubt, and what was found, from one of them."""
    fids = finder.fids
    template = Template.of(fids[chosen][None], band, np.ones(1))
    which = np.zeros(len(fids), dtype=int)
    likeness = finder.likeness(template, which, finder.band.max_shift_hz)
    before = np.full(len(fids), np.inf)
    for _ in range(_SEARCHES):
        shift_hz = finder.highest(likeness)
        if (np.abs(shift_hz - before) < finder.step_hz).all():
            break
        before = shift_hz
        near = moved_back(fids, shift_hz, band.dwelltime_s)
        phase_rad = template.step(template.products(near, which), which).phase_rad
        unknown = np.full(len(fids), np.nan)
        found = Registration(shift_hz, phase_rad, unknown, unknown, np.ones(len(fids), dtype=bool))
        weight = _certainty(finder, likeness, template, which)
        moved = Moved(near, found, weight / weight.sum())
        template, which = moved.template(band), moved.folds
        likeness = finder.likeness(template, which, finder.band.max_shift_hz)
    explained = -np.log1p(-likeness.max(axis=1)).sum()
    doubt = 1 - _certainty(finder, likeness, template, which).mean()
    steady = np.ones(len(fids), dtype=bool)
    return float(explained), float(doubt), at(fids, template, which, finder.band, shift_hz, steady)


def _certainty(finder: MatchedFilter, likeness: Real, template: Template, which: NDArray[np.integer]) -> Real:
    """Return the odds of all around the highest peak against other places, shape (transient,)."""
    # Noise has unit SD, and transients have the scale of their average.
    sd_hz = template.unit_sd[which, 1]
    return _within(finder, finder.odds(likeness), finder.highest(likeness), sd_hz)


def _within(finder: MatchedFilter, odds: Real, shift_hz: Real, sd_hz: Real) -> Real:
    """Return the odds of the places near a shift."""
    most = odds.shape[1] // 2
    away = np.abs(np.arange(-most, most + 1) * finder.step_hz - shift_hz[:, None])
    near = away <= (_NEAR_SD * sd_hz + _NEAR_BINS * finder.step_hz)[:, None]
    within: Real = np.where(near, odds, 0.0).sum(axis=1)
    return within


def checked(
    fids: Complex, found: Registration, band: Band, trust: Real, *, moves: bool = True
) -> tuple[Registration, NDArray[np.bool_]]:
    """Search once more, the whole range, for the average that was found; tell which places are sure.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    found : Registration
    band : Band
        With the smooth baseline that was learnt.
    trust : ndarray, float, shape (time,)
        How much of the average is signal.
    moves : bool
        Whether a transient is to be moved to a better place, or only told of.

    Returns
    -------
    found : Registration
        Where another place is more likely than all around the old one, the best.
    sure : ndarray, bool, shape (transient,)
        Whether other places together are unlikely, 1 in 20.
    """
    moved = Moved.of(fids, found, band)
    found = moved.found
    template = moved.template(band, trust)
    finder = MatchedFilter.of(fids, band)
    likeness = finder.likeness(template, moved.folds, band.max_shift_hz)
    odds = finder.odds(likeness)
    within = _within(finder, odds, found.shift_hz, found.shift_hz_sd)
    lost = within < _LOST
    start_hz = found.shift_hz + better_lobe(moved.near, template, moved.folds, band)
    start_hz[lost] = finder.highest(likeness[lost])
    better = np.flatnonzero(start_hz != found.shift_hz)
    if not (moves and len(better)):
        return found, within > 1 - _UNSURE
    mine, some = moved.folds[better], fids[better]
    again = at(some, template, mine, band, *iterate(some, template, mine, band, start_hz[better]))
    new = {name: getattr(found, name).copy() for name in found.__dataclass_fields__}
    for name, values in new.items():
        values[better] = getattr(again, name)
    found = replace(found, **new)
    return found, _within(finder, odds, found.shift_hz, found.shift_hz_sd) > 1 - _UNSURE
