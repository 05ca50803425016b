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
    # Of the definitions of a sample quantile the one whose interval covers its level on average.
    ends = np.quantile(values, [*tails, *(1 - tails), *share], axis=1, method="weibull")
    low, high, from_zero = ends.reshape(3, len(share), *ends.shape[1:])
    shorter = from_zero < high - low
    return np.where(shorter, 0.0, low), np.where(shorter, from_zero, high)
