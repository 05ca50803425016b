"""Credible intervals of draws of something that is never negative."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Real


def credible_intervals(values: Real, levels: Sequence[float]) -> tuple[Real, Real]:
    """Return intervals that hold shares of the draws: with equal tails, or from zero where that is shorter.

    An interval with equal tails never holds zero, so it would deny that a metabolite can be absent. Where the
    draws pile up at zero the shorter interval of the same probability begins there.

    Parameters
    ----------
    values : ndarray, float, shape (S, draw, ...)
        Not negative.
    levels : sequence of float
        Between 0 and 1.

    Returns
    -------
    low, high : ndarray, float, shape (level, S, ...)
    """
    share = np.asarray(levels)
    tails = (1 - share) / 2
    ends = _quantiles(values, np.array([*tails, *(1 - tails), *share]))
    low, high, from_zero = ends.reshape(3, len(share), *ends.shape[1:])
    shorter = from_zero < high - low
    return np.where(shorter, 0.0, low), np.where(shorter, from_zero, high)


def _quantiles(values: Real, shares: Real) -> Real:
    """Return quantiles along axis 1, (share, S, ...): by Weibull's definition, which covers its level on average.

    One sort: six quantiles of a thousand values take NumPy's own function three times as long.
    """
    ordered = np.sort(np.moveaxis(values, 1, -1), axis=-1)
    n = ordered.shape[-1]
    place = np.clip(shares * (n + 1) - 1, 0, n - 1)
    before = place.astype(int)
    after = np.minimum(before + 1, n - 1)
    found: Real = ordered[..., before] + (place - before) * (ordered[..., after] - ordered[..., before])
    return np.moveaxis(found, -1, 0)
