"""Credible intervals of draws of something that is never negative."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from fsl_mrs_dl.data import Real

_NEAR, _FAR = 0.16, 0.84
"""Shares whose quantiles tell how close to zero the draws lie. Quantiles, for a ratio may have no mean."""
_CUT_MEANS = np.linspace(0, 8, 400)
"""Means of normals of SD 1, before they are cut at zero. Below 0 the interval begins at zero at every level;
above 8 the cut takes less than 1e-15 away."""


def credible_intervals(values: Real, levels: Sequence[float]) -> tuple[Real, Real]:
    """Return intervals that hold shares of the draws: from zero, with equal tails, or in between.

    An interval with equal tails never holds zero, so it would deny that a metabolite can be absent. The shortest
    interval of a normal that is cut at zero does not: far from zero it has equal tails, and as the normal comes
    closer the lower tail shrinks steadily, until the interval begins at zero. Here the lower tail is that of the
    cut normal which lies as close to zero as the draws do, and both ends are quantiles of the draws. So an
    interval holds its share of the draws exactly, and its ends never jump.

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
    """Return what the shortest interval of a cut normal leaves below it, as a share.

    Parameters
    ----------
    closeness : ndarray, float
        Ratio of the cut normal's quantiles :data:`_NEAR` and :data:`_FAR`, which does not depend on its SD.
    level : float
    """
    whole = ndtr(_CUT_MEANS)
    near, far = (_CUT_MEANS - ndtri((1 - share) * whole) for share in (_NEAR, _FAR))
    # Symmetric about the mean, for there the density is equal at both ends, unless zero comes first.
    half_width = ndtri((1 + level * whole) / 2)
    tail = np.maximum(ndtr(-half_width) - ndtr(-_CUT_MEANS), 0) / whole
    found: Real = np.interp(closeness, near / far, tail)
    return found


def _quantile(ordered: Real, shares: Real) -> Real:
    """Return a quantile of each row, (...): by Weibull's definition, which covers its level on average.

    Below the smallest value lies zero, the quantile of the share 0.

    Parameters
    ----------
    ordered : ndarray, float, shape (..., draw)
    shares : ndarray, float, shape (...)
    """
    n = ordered.shape[-1]
    place = np.clip(shares * (n + 1), 0, n)  # 0 is zero, k the k-th value
    above = np.minimum(place.astype(int) + 1, n)
    upper, lower = (
        np.take_along_axis(ordered, np.maximum(at - 1, 0)[..., None], axis=-1)[..., 0]
        for at in (above, above - 1)
    )
    lower = np.where(above == 1, 0 * lower, lower)  # not a number stays so
    found: Real = lower + (place - (above - 1)) * (upper - lower)
    return found
