"""Scores of the paper: slope a, intercept q and R2 of the line of estimate on truth, RMSE sigma; and intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr, t

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.scores import rmse, slope
from tests.benchmarks.rizzo.spectra import GROUPS, MAXIMA, NAMES

RANGES = np.array(list(MAXIMA.values()))
_LEVEL = 0.95  # of all intervals
_SDS = 1.96
"""SDs of a Gaussian on each side of 95 %."""
_RESAMPLED = 400
"""Draws of the bootstrap over test spectra."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Of each metabolite, shape (16,).

    Attributes
    ----------
    a, q, r2, sigma : ndarray
        Slope; intercept in mM; squared correlation; RMSE in mM.
    """

    a: Real
    q: Real
    r2: Real
    sigma: Real

    @property
    def concise(self) -> Real:
        """The paper's score of linearity, a R2; a slope above 1 counts as one as far below it."""
        linear: Real = (1 - np.abs(1 - self.a)) * self.r2
        return linear

    @property
    def percent(self) -> Real:
        """The RMSE in per cent of the middle of the range, which is half of its end."""
        return 100 * self.sigma / (RANGES / 2)


def scores(estimate: Real, truth: Real) -> Scores:
    """Return the scores of concentrations in mM, shape (S, 16)."""
    a = slope(estimate, truth)
    x, y = truth - truth.mean(axis=0), estimate - estimate.mean(axis=0)
    powers = np.maximum((x**2).sum(axis=0) * (y**2).sum(axis=0), np.finfo(float).tiny)
    r2 = (x * y).sum(axis=0) ** 2 / powers
    return Scores(a, estimate.mean(axis=0) - a * truth.mean(axis=0), r2, rmse(estimate, truth))


def group(values: Real, name: str) -> float:
    """Return the mean over the metabolites of a group; ``all``: over all of them."""
    members = NAMES if name == "all" else GROUPS[name]
    return float(np.mean([values[NAMES.index(one)] for one in members]))


def total(estimate: Real, truth: Real) -> float:
    """Return the mean a R2 of all metabolites."""
    return group(scores(estimate, truth).concise, "all")


def interval(values: Sequence[float] | Real, digits: int = 3) -> str:
    """Return the mean of several trainings and the half width of its 95 % interval (Student's t)."""
    several = np.asarray(values, dtype=float)
    if len(several) < 2:
        return f"{several.mean():.{digits}f}"
    return f"{several.mean():.{digits}f} +- {half_width(several):.{digits}f}"


def half_width(values: Real) -> float:
    """Return the half width of the 95 % interval of a mean."""
    return float(t.ppf((1 + _LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def bootstrap(statistic: Callable[[Real, Real], float], estimate: Real, truth: Real) -> tuple[float, float]:
    """Return the 95 % interval of a statistic over test spectra."""
    return resampled(lambda rows: statistic(estimate[rows], truth[rows]), len(truth))


def resampled(statistic: Callable[[NDArray[np.intp]], float], n: int) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of n test spectra, which it is given by their indices."""
    rng = np.random.default_rng(3)
    draws = [statistic(rows) for rows in rng.integers(0, n, (_RESAMPLED, n))]
    low, high = np.quantile(draws, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def difference(values: Real) -> str:
    """Say whether paired differences of trainings are above zero, below it, or not told apart from it."""
    if len(values) < 3:
        return "too few seeds to say"
    half = half_width(np.asarray(values))
    if abs(np.mean(values)) <= half:
        return "no difference seen"
    return "yes" if np.mean(values) > 0 else "no, the other way"


def below_bound(sigma: Real, bounds: Real) -> NDArray[np.bool_]:
    """Return which RMSEs lie below the bound by more than the scatter of an efficient estimate's.

    Parameters
    ----------
    sigma : ndarray, float, shape (M,)
    bounds : ndarray, float, shape (S, M)
        Of each spectrum: those of little signal make most of the RMSE and of its scatter.
    """
    square = (bounds**2).sum(axis=0)
    scatter = np.sqrt(2 * (bounds**4).sum(axis=0)) / square
    return np.asarray(sigma**2 < square / len(bounds) * (1 - _SDS * scatter))


def monotone(slopes: Real, bounds: Real) -> float:
    """Return Spearman's correlation of slope with relative bound: near -1 where slopes fall with the bound."""
    return float(spearmanr(slopes, bounds / RANGES).statistic)
