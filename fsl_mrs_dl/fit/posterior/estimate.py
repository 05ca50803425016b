"""The posterior of amplitudes, sums and ratios: the fit's likelihood under a prior, by exact draws."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm import FitResult, Fitter
from fsl_mrs_dl.fit.lcm.local import bounds
from fsl_mrs_dl.fit.posterior.draws import Draws
from fsl_mrs_dl.fit.posterior.intervals import credible_intervals
from fsl_mrs_dl.fit.posterior.mixture import draw_average
from fsl_mrs_dl.fit.posterior.prior import AVERAGED_WORDS, PRIOR_WORDS, UNIFORM_WORDS, WEAK, Resolved
from fsl_mrs_dl.fit.posterior.truncated import Sampling, sample_box

USUAL = Sampling(chains=96, recorded=6)
_SINGLE = Sampling(chains=256, recorded=32)
_SHORT = Sampling(chains=8, burn_in=1, recorded=2)
_CHUNK = 32  # spectra at once: their matrices fit the cache
_EXPANSIONS = 2  # at SNR_f 10 the second brings SDs of strong lines from 5 % too small to 1 %
_SURE = 3.0  # distance of a reference from zero, in its SDs, from which its ratio has a mean
_ONE_MODEL = "that of the fit, quadratic about the posterior mean; noise as lines see it in the residual"
_AVERAGED = (
    "that of each hypothesis, quadratic about its estimate, by its weight; noise of the residual, of which as "
    "many samples count as are independent"
)
LEVELS = {"ci68": 0.68, "ci95": 0.95}
"""Beginning of the names of two columns, ``_low`` and ``_high`` -> share of the posterior between them."""


def sampling_for(*, single: bool) -> Sampling:
    """Return the number of draws: more for a single spectrum, whose time does not matter."""
    return _SINGLE if single else USUAL


def record(*, averaged: bool, sampling: Sampling = USUAL) -> dict[str, Any]:
    """Return the assumptions of a posterior under the weak prior, for ``run.json``.

    Parameters
    ----------
    averaged : bool
        Whether the fit averages over hypotheses.
    sampling : Sampling
    """
    meaning = f"{PRIOR_WORDS}; {AVERAGED_WORDS if averaged else UNIFORM_WORDS}"
    return {
        "prior": WEAK,
        "meaning": meaning,
        "likelihood": _AVERAGED if averaged else _ONE_MODEL,
        "draws": sampling.chains * sampling.recorded,
        "seed": sampling.seed,
        "scaling": "raw",
    }


def draw(
    fitter: Fitter,
    fids: Complex,
    result: FitResult,
    prior: Resolved,
    *,
    widening: Real | None = None,
    keys: NDArray[np.integer] | None = None,
    sampling: Sampling = USUAL,
) -> Draws:
    r"""Draw all amplitudes of each spectrum from their posterior.

    The likelihood is that of the fit with the noise of its residual, as a quadratic in amplitudes and non-linear
    parameters together. It is expanded first about the estimate and then, twice, about the mean of a short run,
    because at low SNR most of the probability is away from the estimate. Parameters without bounds are integrated
    out; those with bounds (widths) are drawn with the amplitudes.

    Parameters
    ----------
    fitter : Fitter
        The fit of the result.
    fids : ndarray, complex, shape (S, time)
    result : FitResult
    prior : Resolved
    widening : ndarray, float, shape (S,), optional
        Factor of the noise over the residual's SD, see
        :attr:`~fsl_mrs_dl.fit.lcm.leftover.Leftover.widening`; by default 1.
    keys : ndarray, int, shape (S,), optional
        Keys of the random numbers, see :func:`sample_box`; by default 0, 1, ...
    sampling : Sampling

    Returns
    -------
    Draws
    """
    keys = np.arange(len(fids)) if keys is None else keys
    wider = np.ones(len(fids)) if widening is None else widening
    if result.average is not None:
        return draw_average(result, prior, widening=wider, keys=keys, sampling=sampling)
    low, high, fitted = bounds(fitter.problem)
    low, high = np.maximum(prior.low, low), np.minimum(prior.high, high)
    cut = fitted & (np.isfinite(low) | np.isfinite(high)).any(axis=0)
    members = result.amplitudes.shape[1]
    cut[:members] = True
    known = np.flatnonzero(np.isfinite(result.information).all(axis=(1, 2)))
    if not len(known):
        return Draws.unfitted(len(fids), members)
    parts = []
    for first in range(0, len(known), _CHUNK):
        rows = known[first : first + _CHUNK]
        box = (low[rows], high[rows], prior.rate[rows])
        at, rest = result.parameters[rows], fitted & ~cut
        less = wider[rows, None] ** -2
        about: tuple[Real, Real] = (result.information[rows] * less[..., None], result.score[rows] * less)
        for _ in range(_EXPANSIONS):
            short, others = _draw_about(about, at, box, cut, rest, _SHORT, keys[rows])
            at = at.copy()
            at[:, cut], at[:, rest] = short[-1].mean(axis=1), others
            at = np.clip(at, low[rows], high[rows])
            about = fitter.expand(fids[rows], at, result.noise_sd[rows] * wider[rows])
        parts.append(_draw_about(about, at, box, cut, rest, sampling, keys[rows])[0])
    precision, pull, least, most, points = (np.concatenate(values) for values in zip(*parts, strict=True))
    own = keys[known]
    return Draws(known, len(fids), members, precision, pull, least, most, points, own, sampling.seed)


def _draw_about(
    about: tuple[Real, Real],
    at: Real,
    box: tuple[Real, Real, Real],
    cut: NDArray[np.bool_],
    rest: NDArray[np.bool_],
    sampling: Sampling,
    keys: NDArray[np.integer],
) -> tuple[tuple[Real, ...], Real]:
    """Return Gaussian (precision, pull, low, high) and draws of the bounded parameters, and the others' mean."""
    low, high, rate = box
    matrix, slope = about[0], about[1] - rate
    held = matrix[:, rest][:, :, rest]
    size = np.sqrt(np.einsum("snn->sn", held))
    size = np.where(size > 0, size, 1.0)
    index = np.arange(held.shape[-1])
    held = held / (size[:, :, None] * size[:, None])
    # Parameters without information have no effect.
    held[:, index, index] = np.maximum(held[:, index, index], 1.0) + 1e-12
    across = matrix[:, cut][:, :, rest] / size[:, None]
    towards = slope[:, rest] / size
    solved = np.linalg.solve(held, np.concatenate([np.swapaxes(across, 1, 2), towards[..., None]], axis=2))
    precision = matrix[:, cut][:, :, cut] - across @ solved[..., :-1]
    pull = slope[:, cut] - (across @ solved[..., -1:])[..., 0]
    here = at[:, cut]
    start = np.zeros_like(here)
    moved = sample_box(precision, pull, low[:, cut] - here, high[:, cut] - here, start, sampling, keys)
    followed = (solved[..., -1] - (solved[..., :-1] @ moved.mean(axis=1)[..., None])[..., 0]) / size
    here_pull = pull + np.einsum("snk,sk->sn", precision, here)
    return (precision, here_pull, low[:, cut], high[:, cut], moved + here[:, None]), at[:, rest] + followed


@dataclass(frozen=True, eq=False)
class Posterior:
    """Summary of the posterior of N amplitudes and sums.

    Attributes
    ----------
    mean, sd : ndarray, float, shape (S, N)
        Mean and standard deviation of the draws.
    intervals : mapping of str to ndarray, float, shape (S, N)
        Columns of :data:`LEVELS`.
    shrinkage : ndarray, float, shape (S, N)
        Posterior variance over prior variance: 0 = the data decide, 1 = the prior decides.
    """

    mean: Real
    sd: Real
    intervals: dict[str, Real]
    shrinkage: Real

    def columns(self, factor: Real | float = 1.0) -> dict[str, Real]:
        """Return the columns of a result, multiplied by the factor of a scaling, (S, 1)."""
        scaled = {"posterior_mean": self.mean * factor, "posterior_sd": self.sd * factor}
        scaled |= {name: values * factor for name, values in self.intervals.items()}
        return scaled | {"shrinkage": self.shrinkage}


def summarise(values: Real, variance: Real) -> Posterior:
    """Compute mean, SD, intervals and shrinkage of linear combinations.

    Parameters
    ----------
    values : ndarray, float, shape (S, draw, N)
        From :meth:`Draws.along`.
    variance : ndarray, float, shape (S, N)
        Of the prior.

    Returns
    -------
    Posterior
    """
    mean, sd = values.mean(axis=1), values.std(axis=1)
    return Posterior(mean, sd, _intervals(values), sd**2 / variance)


def summarise_ratios(values: Real, below: Real, shrinkage: Real) -> Posterior:
    """Compute mean, SD and intervals of ratios of linear combinations to a sum.

    Parameters
    ----------
    values, below : ndarray, float, shape (S, draw, N)
        Combinations and sum at the same points, from :meth:`Draws.along`.
    shrinkage : ndarray, float, shape (S, N)
        Of the combinations: the prior of a ratio has no variance.

    Returns
    -------
    Posterior
        Without mean and SD where the reference may be zero: they do not exist there.
    """
    sure = below.mean(axis=1) > _SURE * below.std(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / below
        mean, sd = (
            np.where(sure, statistic, np.nan) for statistic in (ratios.mean(axis=1), ratios.std(axis=1))
        )
    return Posterior(mean, sd, _intervals(ratios), shrinkage)


def _intervals(values: Real) -> dict[str, Real]:
    low, high = credible_intervals(values, list(LEVELS.values()))
    ends = {name: {"low": low[row], "high": high[row]} for row, name in enumerate(LEVELS)}
    return {
        f"{name}_{end}": values_of_end for name, both in ends.items() for end, values_of_end in both.items()
    }
