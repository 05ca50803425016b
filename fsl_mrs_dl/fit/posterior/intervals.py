"""Credible intervals from draws of quantities that are not negative."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from fsl_mrs_dl.data import Real

_NEAR, _FAR = 0.16, 0.84
"""Probabilities of the quantiles that measure how close to zero the draws lie (a ratio may have no mean)."""
_CUT_MEANS = np.linspace(0, 8, 400)
"""Means of normals with SD 1, before they are truncated at zero. Below 0 the interval begins at zero at every
level; above 8 the truncation removes less than 1e-15."""


def credible_intervals(values: Real, levels: Sequence[float]) -> tuple[Real, Real]:
    """Compute intervals that hold shares of the draws: from zero, with equal tails, or in between.

    An interval with equal tails never contains zero, although a metabolite may be absent. The shortest interval of
    a normal that is truncated at zero can contain it: far from zero it has equal tails; closer to zero its lower
    tail becomes smaller, until the interval begins at zero. Here the lower tail is that of the truncated normal
    which lies as close to zero as the draws, and both ends are quantiles of the draws. So an interval contains
    exactly its share of the draws, and its ends change without jumps.

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
    ordered = np.sort(np.moveaxis(values, 1, -1), axis=-1)
    near, far = (_quantile(ordered, np.full(ordered.shape[:-1], share)) for share in (_NEAR, _FAR))
    with np.errstate(divide="ignore", invalid="ignore"):
        closeness = np.nan_to_num(near / far)  # draws that are all zero lie as close as can be
    tails = [_lower_tail(closeness, level) for level in levels]
    low = np.stack([_quantile(ordered, tail) for tail in tails])
    high = np.stack([_quantile(ordered, tail + level) for tail, level in zip(tails, levels, strict=True)])
    return low, high


def _lower_tail(closeness: Real, level: float) -> Real:
    """Return the probability below the shortest interval of a truncated normal.

    Parameters
    ----------
    closeness : ndarray, float
        Ratio of the truncated normal's quantiles :data:`_NEAR` and :data:`_FAR`, which does not depend on its SD.
    level : float
    """
    whole = ndtr(_CUT_MEANS)
    near, far = (_CUT_MEANS - ndtri((1 - share) * whole) for share in (_NEAR, _FAR))
    # It is symmetric about the mean, where the density is equal at both ends, unless it reaches zero.
    half_width = ndtri((1 + level * whole) / 2)
    tail = np.maximum(ndtr(-half_width) - ndtr(-_CUT_MEANS), 0) / whole
    share: Real = np.interp(closeness, near / far, tail)
    return share


def _quantile(ordered: Real, shares: Real) -> Real:
    """Return a quantile of each row, (...), by Weibull's definition, which covers its level on average.

    The quantile of the share 0 is zero, below the smallest value.

    Parameters
    ----------
    ordered : ndarray, float, shape (..., draw)
    shares : ndarray, float, shape (...)
    """
    n = ordered.shape[-1]
    place = np.clip(shares * (n + 1), 0, n)  # 0 is zero, k the k-th value
    above = np.minimum(place.astype(int) + 1, n)
    upper, lower = (
        np.take_along_axis(ordered, np.maximum(number - 1, 0)[..., None], axis=-1)[..., 0]
        for number in (above, above - 1)
    )
    lower = np.where(above == 1, 0 * lower, lower)  # not a number stays so
    quantile: Real = lower + (place - (above - 1)) * (upper - lower)
    return quantile
