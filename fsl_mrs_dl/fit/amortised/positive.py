"""Amplitudes at or above zero: moments of truncated Gaussians by expectation propagation, and their intervals.

All functions take arrays of NumPy or PyTorch, and treat every spectrum by itself.
"""

from math import pi, sqrt
from typing import Any

import scipy.special
from array_api_compat import array_namespace

from fsl_mrs_dl.fit.amortised.small import TINY, dot, eye_of, inverse_size, of_unit_diagonal, solve

Array = Any

SWEEPS = 6
"""Sweeps of expectation propagation: after them means change by less than 1 % of their SD."""
_DAMPING = 0.8  # share of the new sites in a sweep: whole steps can swing where members are alike
_RIDGE = 1e-9  # over each amplitude's own precision
_FAR = 30.0  # distance in SDs beyond which a tail is an exponential
_MOST = 8.0  # mean over SD of a normal from which truncation at zero removes less than 1e-15
_EXCHANGES = 6  # largest number of exchanges of free and held amplitudes


def _special(values: Array) -> Any:
    """Return the module of special functions of an array's library."""
    return getattr(array_namespace(values), "special", scipy.special)


def truncated_moments(precision: Array, pull: Array) -> tuple[Array, Array]:
    r"""Return mean and covariance of :math:`p(a) \propto \exp(-a^T \Lambda a / 2 + h^T a)` for a at or above zero.

    Expectation propagation (Minka 2001; for boxes Cunningham, Hennig and Lacoste-Julien 2011, arXiv:1111.6832):
    each bound is replaced by a Gaussian factor that gives its amplitude the mean and variance of the truncated
    one.

    Parameters
    ----------
    precision : Array, float, shape (S, M, M)
    pull : Array, float, shape (S, M)
        h.

    Returns
    -------
    mean : Array, float, shape (S, M)
    covariance : Array, float, shape (S, M, M)
    """
    xp = array_namespace(precision)
    size = inverse_size(xp.linalg.diagonal(precision))
    scaled, eye = of_unit_diagonal(precision, size, _RIDGE), eye_of(precision)
    towards = pull * size
    # Sites begin as those of amplitudes at zero, so that members that are alike are not far below it.
    site, site_pull = xp.full_like(pull, 0.1), xp.zeros_like(pull)
    for sweep in range(SWEEPS + 1):
        covariance = xp.linalg.inv(scaled + site[:, :, None] * eye)
        mean = dot(covariance, towards + site_pull)
        if sweep == SWEEPS:
            break
        variance = xp.linalg.diagonal(covariance)
        rest = xp.maximum(1 / variance - site, _RIDGE + 0 * site)
        middle = (mean / variance - site_pull) / rest
        cut_mean, cut_variance = one_sided(middle, 1 / xp.sqrt(rest))
        new = xp.maximum(1 / cut_variance - rest, 0 * rest)
        new_pull = cut_mean * (new + rest) - middle * rest
        site = (1 - _DAMPING) * site + _DAMPING * new
        site_pull = (1 - _DAMPING) * site_pull + _DAMPING * new_pull
    return mean * size, covariance * size[:, :, None] * size[:, None, :]


def one_sided(middle: Array, sd: Array) -> tuple[Array, Array]:
    """Return mean and variance of normals of a given middle and SD, truncated to values at or above zero."""
    xp = array_namespace(middle)
    at = middle / sd
    # The hazard phi / Phi; erfcx does not vanish in the tail.
    hazard = sqrt(2 / pi) / _special(middle).erfcx(-xp.clip(at, -_FAR, _FAR) / sqrt(2))
    near = xp.clip(at, -_FAR, _FAR)
    mean = sd * (near + hazard)
    variance = sd**2 * (1 - hazard * (near + hazard))
    # Beyond the reach of rounding: an exponential of rate -at / sd below, the normal itself above.
    steep = -sd / xp.where(at < -_FAR, at, -_FAR + 0 * at)
    mean = xp.where(at < -_FAR, steep, xp.where(at > _FAR, middle, mean))
    variance = xp.where(at < -_FAR, steep**2, xp.where(at > _FAR, sd**2, variance))
    return mean, xp.maximum(variance, 1e-12 * sd**2)


def matched(mean: Array, sd: Array) -> tuple[Array, Array]:
    """Return middle and SD of the normals that have, truncated at zero, a given mean and SD.

    Where the SD is as large as the mean, or larger, no such normal exists: the nearest is almost an exponential.
    """
    xp = array_namespace(mean)
    grid = xp.linspace(-_MOST, _MOST, 801, dtype=mean.dtype, device=mean.device)
    of_mean, of_variance = one_sided(grid, xp.ones_like(grid))
    known = of_mean / xp.sqrt(of_variance)
    share = mean / xp.maximum(sd, TINY + 0 * sd)
    place = xp.clip(xp.searchsorted(known, xp.reshape(share, (-1,))), 1, 800)
    low, high = known[place - 1], known[place]
    flat = xp.reshape(share, (-1,))
    part = xp.clip((flat - low) / (high - low), 0.0, 1.0)
    at = xp.reshape(grid[place - 1] + part * (grid[place] - grid[place - 1]), share.shape)
    spread = xp.reshape(
        xp.sqrt(of_variance[place - 1] + part * (of_variance[place] - of_variance[place - 1])), share.shape
    )
    scale = sd / spread
    above = share > known[-1]
    return xp.where(above, mean, at * scale), xp.where(above, sd, scale)


def shortest(middle: Array, sd: Array, level: float) -> tuple[Array, Array]:
    """Return the shortest intervals that hold a share of normals truncated at zero; they may begin at zero.

    As :func:`~fsl_mrs_dl.fit.posterior.intervals.credible_intervals` takes them from draws.
    """
    xp, special = array_namespace(middle), _special(middle)
    at = xp.clip(middle / sd, -_MOST, 1e6)
    whole = special.ndtr(at)
    half = special.ndtri((1 + level * whole) / 2)
    low = xp.maximum(at - half, 0 * at)
    # From zero on, where the interval reaches it: then its upper end has all of the level below it.
    high = xp.where(at - half > 0, at + half, at - special.ndtri((1 - level) * whole))
    return low * sd, high * sd


def non_negative(precision: Array, pull: Array) -> Array:
    """Return the amplitudes at or above zero of highest likelihood, shape (S, M).

    By exchanges, as :func:`~fsl_mrs_dl.fit.lcm.linear.solve_amplitudes`; what cycles keeps its last values.
    """
    xp = array_namespace(precision)
    size = inverse_size(xp.linalg.diagonal(precision))
    scaled, eye = of_unit_diagonal(precision, size, _RIDGE), eye_of(precision)
    towards = pull * size
    least = 1e-10 * xp.max(xp.abs(towards), axis=1, keepdims=True)
    free = xp.ones_like(pull)
    solution = towards
    for _ in range(_EXCHANGES):
        matrix = scaled * free[:, :, None] * free[:, None, :] + (1 - free)[:, :, None] * eye
        solution = solve(matrix, towards * free)
        gain = towards - dot(scaled, solution)
        wrong = xp.where(free > 0, solution <= 0, gain > least)
        free = xp.where(wrong, 1 - free, free)
    return xp.maximum(solution, 0 * solution) * size
