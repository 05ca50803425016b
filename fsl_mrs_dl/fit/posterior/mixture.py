"""Draws from the posterior of a fit that averages over hypotheses: a mixture of cut Gaussians."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm.result import FitResult
from fsl_mrs_dl.fit.posterior.draws import Draws
from fsl_mrs_dl.fit.posterior.prior import Resolved
from fsl_mrs_dl.fit.posterior.truncated import Sampling, sample_box

SLOTS = 8
"""Shares of the draws that are handed out to hypotheses; each gets as many as its weight asks for."""
_BURN_IN = 2  # sweeps: chains start at the estimate, where a cut Gaussian has its mode
_OBLIQUE = 4  # sweeps: with none the mean is 0.026 SD off, with all 0.013 SD, in twice the time


def draw_average(
    result: FitResult,
    prior: Resolved,
    *,
    widening: Real,
    keys: NDArray[np.integer],
    sampling: Sampling,
) -> Draws:
    """Draw all amplitudes of each spectrum from the posterior of an averaged fit.

    Under each hypothesis the likelihood of the amplitudes is the Gaussian that is left when all other parameters
    and the background are integrated out.

    Parameters
    ----------
    result : FitResult
        With its average.
    prior : Resolved
    widening : ndarray, float, shape (S,)
        By how much the noise is larger than the residual's SD says.
    keys : ndarray, int, shape (S,)
        Of the random numbers, see :func:`~.truncated.sample_box`.
    sampling : Sampling
        Its chains are shared out over the slots.

    Returns
    -------
    Draws
    """
    assert result.average is not None
    members = result.amplitudes.shape[1]
    chains = max(sampling.chains // SLOTS, 1)
    few = replace(sampling, chains=chains, burn_in=_BURN_IN, oblique=_OBLIQUE)
    known = np.flatnonzero(np.isfinite(result.average.weight).all(axis=1))
    if not len(known):
        return Draws.nothing(len(keys), members)
    average = result.average
    rows = np.repeat(known, SLOTS)
    which = _slots(average.weight[known]).ravel()
    less = widening[rows, None] ** -2
    low, high, rate = (value[rows, :members] for value in (prior.low, prior.high, prior.rate))
    precision = average.precision[rows, which] * less[..., None]
    pull = average.pull[rows, which] * less - rate
    own = keys[rows] * SLOTS + np.tile(np.arange(SLOTS), len(known))
    points = sample_box(precision, pull, low, high, average.amplitudes[rows, which], few, own)
    return Draws(known, len(keys), members, precision, pull, low, high, points, own, sampling.seed)


def _slots(weight: Real) -> NDArray[np.intp]:
    """Return the hypothesis of each slot, (S, SLOTS): that at evenly spaced quantiles of the weights."""
    quantiles = (np.arange(SLOTS) + 0.5) / SLOTS
    reached = np.cumsum(weight, axis=1)
    behind = (reached[:, None] < quantiles[:, None]).sum(axis=2)
    found: NDArray[np.intp] = np.minimum(behind, weight.shape[1] - 1)
    return found
