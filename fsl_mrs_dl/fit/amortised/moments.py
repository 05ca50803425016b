"""Posteriors by moments in the place of draws, in the results of a fit."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.amortised.estimate import summaries
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.fit.posterior.estimate import LEVELS, Posterior


def without_draws(result: FitResult, reference: Real) -> FitResult:
    """Return a result in which only the spectra are known whose posterior must be drawn.

    Parameters
    ----------
    result : FitResult
    reference : ndarray, float, shape (M,)
        Divisor of ratios; where it may be zero, ratios have no moments, and are drawn.
    """
    if result.moments is None or result.average is None:
        return result
    known = _by_moments(result, reference)
    weight = np.where(known[:, None], np.nan, result.average.weight)
    return replace(result, average=replace(result.average, weight=weight))


def with_moments(
    drawn: Posterior, result: FitResult, matrix: Real, variance: Real, reference: Real | None = None
) -> Posterior:
    """Put the posterior by moments in the place of draws, where there are none.

    Parameters
    ----------
    drawn : Posterior
        NaN where nothing was drawn.
    result : FitResult
    matrix : ndarray, float, shape (N, M)
        Combinations as rows.
    variance : ndarray, float, shape (S, N)
        Of the prior.
    reference : ndarray, float, shape (M,), optional
        The divisor of ratios, if ``drawn`` are ratios.
    """
    if result.moments is None:
        return drawn
    moments = result.moments
    columns, sure = summaries(moments.mean, moments.covariance, matrix, reference)
    here = np.isnan(drawn.intervals["ci95_high"]) & (moments.known & sure)[:, None]

    def chosen(name: str, other: Real) -> Real:
        return np.where(here, columns[name], other)

    shrinkage = drawn.shrinkage
    if reference is None:
        shrinkage = np.where(here, columns["posterior_sd"] ** 2 / variance, shrinkage)
    ends = [f"{name}_{end}" for name in LEVELS for end in ("low", "high")]
    return Posterior(
        chosen("posterior_mean", drawn.mean),
        chosen("posterior_sd", drawn.sd),
        {name: chosen(name, drawn.intervals[name]) for name in ends},
        shrinkage,
    )


def _by_moments(result: FitResult, reference: Real) -> NDArray[np.bool_]:
    """Return which spectra need no draws, (S,)."""
    assert result.moments is not None
    known: NDArray[np.bool_] = result.moments.known
    if reference.any():
        moments = result.moments.mean, result.moments.covariance
        known = known & summaries(*moments, np.eye(len(reference))[:1], reference)[1]
    return known
