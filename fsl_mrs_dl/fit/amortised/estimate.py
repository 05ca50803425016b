"""Amounts with their posterior, from FIDs and a start, for a batch of spectra on any array library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from math import log, pi, sqrt
from typing import Any

from array_api_compat import array_namespace

from fsl_mrs_dl.fit.amortised.model import BatchModel
from fsl_mrs_dl.fit.amortised.place import (
    GAMMA,
    PHASE,
    RIDGE,
    SPREAD,
    first_step,
    limits,
    step,
)
from fsl_mrs_dl.fit.amortised.positive import matched, non_negative, shortest, truncated_moments
from fsl_mrs_dl.fit.amortised.small import TINY, dot, inverse_size, of_unit_diagonal
from fsl_mrs_dl.fit.amortised.weigh import BatchAverage, average, moved
from fsl_mrs_dl.fit.lcm.problem import OWN_WIDTH_HZ
from fsl_mrs_dl.fit.lcm.tabulated import LARGEST_GAMMA, LARGEST_SPREAD
from fsl_mrs_dl.fit.posterior.estimate import LEVELS

Array = Any

STEPS = 2
"""Gauss-Newton steps from the network's start; the linear model takes the last step."""
SURE = 3.0
"""Distance of a reference from zero, in its SDs, from which its ratios have a mean."""
_REACH = 0.3
"""Largest step for which the linear model holds: of shift or width as a share of the linewidth, of phase in rad.
A larger step makes an error of more than a tenth of the line's height."""
_LEAST_INDEPENDENT = 0.5
"""Share of independent samples of the residual, below which a spectrum is not described."""


@dataclass(frozen=True, eq=False)
class BatchEstimate:
    """Estimates of S spectra with M members, in units of data over basis.

    Attributes
    ----------
    average : BatchAverage
    shared : Array, float, shape (S, 5)
        Shift in Hz, gamma in rad/s, sigma squared, phase in rad, delay in s.
    scale : Array, float, shape (S,)
        Amplitude in these units over that of the average.
    amplitudes : Array, float, shape (S, M)
        Of highest likelihood at or above zero.
    mean, covariance : Array, float, shape (S, M) and (S, M, M)
        Of the posterior.
    rate : Array, float, shape (S, M)
        Of the prior.
    doubtful : Array, bool, shape (S,)
        What the linear model does not describe: to be fitted.
    """

    average: BatchAverage
    shared: Array
    scale: Array
    amplitudes: Array
    mean: Array
    covariance: Array
    rate: Array
    doubtful: Array

    def changed(self, change: Callable[[Array], Array]) -> "BatchEstimate":
        """Return the estimates with each array changed alike, for example moved to another library."""
        moved: BatchEstimate = changed_arrays(self, change)
        return moved


def changed_arrays(values: Any, change: Callable[[Array], Array]) -> Any:
    """Change each array in nested dataclasses alike."""
    if not hasattr(values, "__dataclass_fields__"):
        return change(values)
    return replace(
        values, **{one.name: changed_arrays(getattr(values, one.name), change) for one in fields(values)}
    )


def estimate(model: BatchModel, fids: Array, start: Array, steps: int = STEPS) -> BatchEstimate:
    """Estimate amplitudes and their posterior.

    Parameters
    ----------
    model : BatchModel
    fids : Array, complex64, shape (S, time)
        Finite and not zero.
    start : Array, float64, shape (S, 5)
        Shift in Hz, gamma in rad/s, sigma squared, phase in rad, delay in s.
    steps : int

    Returns
    -------
    BatchEstimate
    """
    place, _ = first_step(model, fids, within(model, start))
    for _ in range(steps - 1):
        place, _ = step(model, fids, place)
    known = average(model, fids, place)
    xp = array_namespace(start)
    size = inverse_size(xp.linalg.diagonal(known.covariance))
    precision = (
        xp.linalg.inv(of_unit_diagonal(known.covariance, size, RIDGE)) * size[:, :, None] * size[:, None]
    )
    pull = dot(precision, known.mean)
    amplitudes = non_negative(precision, pull)
    rate = prior_rate(model, known.gram, amplitudes)
    trust = known.independent
    mean, covariance = truncated_moments(precision * trust[:, None, None], pull * trust[:, None] - rate)
    scale = place.unit / model.scale
    shared = moved(model, place, known.steps)
    return BatchEstimate(
        average=known,
        shared=shared,
        scale=scale,
        amplitudes=amplitudes * scale[:, None],
        mean=mean * scale[:, None],
        covariance=covariance * scale[:, None, None] ** 2,
        rate=rate / scale[:, None],
        doubtful=_doubtful(model, known, shared) | ~xp.all(xp.isfinite(mean), axis=1),
    )


def within(model: BatchModel, start: Array) -> Array:
    """Return a start whose widths are within the tables."""
    xp = array_namespace(start)
    low, high = limits(model, start)
    inside = xp.clip(start, low, high)
    return xp.concat([start[:, :GAMMA], inside[:, GAMMA : SPREAD + 1], start[:, SPREAD + 1 :]], axis=1)


def prior_rate(model: BatchModel, gram: Array, amplitudes: Array) -> Array:
    """Return the rates of the exponential prior, see :func:`~fsl_mrs_dl.fit.posterior.prior.weak_prior`."""
    xp = array_namespace(gram)
    own = amplitudes * model.known
    none = TINY + 0 * amplitudes[:, 0]
    energy = xp.sum(own * dot(gram, own), axis=1)
    usual = xp.maximum(xp.sum(model.middle * (gram @ model.middle), axis=1), none)
    unit = xp.sqrt(xp.maximum(energy, 0 * none) / usual)
    whole = xp.maximum(xp.sum(amplitudes * dot(gram, amplitudes), axis=1), 0 * none)
    alone = xp.sqrt(whole[:, None] / xp.maximum(xp.linalg.diagonal(gram), none[:, None]))
    mean = xp.where(model.known > 0, unit[:, None] * model.upper, alone)
    return 1 / xp.maximum(mean, none[:, None])


def _doubtful(model: BatchModel, known: BatchAverage, shared: Array) -> Array:
    """Return which spectra the linear model does not describe, shape (S,)."""
    xp = array_namespace(shared)
    before = known.place.shared
    width, other = (_width_hz(values) for values in (shared, before))
    reach = _REACH * (OWN_WIDTH_HZ + xp.minimum(width, other))
    far = xp.abs(shared[:, 0] - before[:, 0]) > reach
    far = far | (xp.abs(width - other) > reach) | (xp.abs(shared[:, PHASE] - before[:, PHASE]) > _REACH)
    far = far | (shared[:, GAMMA] >= LARGEST_GAMMA) | (shared[:, SPREAD] >= LARGEST_SPREAD)
    return far | ~known.sound | (known.independent < _LEAST_INDEPENDENT)


def _width_hz(shared: Array) -> Array:
    """Return the width (FWHM) of a Voigt line to 1 %, after Olivero and Longbothum (1977)."""
    xp = array_namespace(shared)
    lorentzian = shared[:, GAMMA] / pi
    gaussian = 2 * sqrt(log(2)) * xp.sqrt(shared[:, SPREAD]) / pi
    return 0.5346 * lorentzian + xp.sqrt(0.2166 * lorentzian**2 + gaussian**2)


def summaries(
    mean: Array, covariance: Array, matrix: Array, reference: Array | None = None
) -> tuple[Mapping[str, Array], Array]:
    """Return mean, SD and intervals of combinations of amplitudes, or of their ratios to a sum.

    Parameters
    ----------
    mean, covariance : Array, float, shape (S, M) and (S, M, M)
        Of amplitudes at or above zero.
    matrix : Array, float, shape (N, M)
        Combinations as rows.
    reference : Array, float, shape (M,), optional
        The divisor of ratios, which have mean and SD to second order.

    Returns
    -------
    columns : mapping of str to Array, float, shape (S, N)
        ``posterior_mean``, ``posterior_sd``, and the ends of :data:`~fsl_mrs_dl.fit.posterior.estimate.LEVELS`.
    sure : Array, bool, shape (S,)
        Whether the reference is far enough from zero.
    """
    xp = array_namespace(mean)
    along = covariance @ matrix.T
    variance = xp.sum(matrix.T * along, axis=1)
    value, sure = mean @ matrix.T, xp.all(xp.isfinite(mean), axis=1)
    if reference is not None:
        whole = xp.broadcast_to(reference, mean.shape)
        below, both = mean @ reference, dot(along.mT, whole)
        spread = xp.maximum(xp.sum(reference * dot(covariance, whole), axis=1), 0 * below)
        sure = sure & (below > SURE * xp.sqrt(spread))
        below = xp.where(sure, below, xp.ones_like(below))[:, None]
        ratio, share = value / below, spread[:, None] / below**2
        variance = (variance - 2 * ratio * both + ratio**2 * spread[:, None]) / below**2
        value = ratio * (1 + share) - both / below**2
    sd = xp.sqrt(xp.maximum(variance, TINY + 0 * variance))
    value = xp.maximum(value, 0 * value)
    columns = {"posterior_mean": value, "posterior_sd": sd}
    normal = matched(value, sd)
    for name, level in LEVELS.items():
        columns[f"{name}_low"], columns[f"{name}_high"] = shortest(*normal, level)
    return columns, sure
