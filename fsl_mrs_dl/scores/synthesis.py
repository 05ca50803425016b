"""Compare synthetic spectra with real ones: two-sample tests, coverage, memorisation, agreement."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real

_NEIGHBOURS = 5
"""Neighbour whose distance is the radius of a sample in precision and recall; the default of the call."""
_PERMUTATIONS = 200
"""Permutations of the labels: five of them lie beyond each 2.5 % limit."""
_FOLDS = 5
"""Folds of cross-validation."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def distances(a: Real, b: Real) -> Real:
    """Return Euclidean distances, shape (len(a), len(b)), of features of shape (sample, feature)."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    distance: Real = np.sqrt(np.maximum(squares, 0.0))
    return distance


def classifier_two_sample(real: Real, synthetic: Real, rng: np.random.Generator) -> Interval:
    """Return the accuracy of a classifier of real and synthetic samples; 0.5 = it cannot separate them.

    Logistic regression on features and their squares, cross-validated on equal numbers of both; the interval is
    binomial. Lopez-Paz and Oquab 2017, arXiv:1610.06545.

    Parameters
    ----------
    real, synthetic : ndarray, float, shape (sample, feature)
    rng : numpy.random.Generator
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n = min(len(real), len(synthetic))
    x = np.concatenate([real[rng.permutation(len(real))[:n]], synthetic[rng.permutation(len(synthetic))[:n]]])
    x = np.concatenate([x, (x - x.mean(axis=0)) ** 2], axis=1)
    y = np.repeat([0, 1], n)
    folds = StratifiedKFold(min(_FOLDS, n), shuffle=True, random_state=int(rng.integers(2**31)))
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    accuracy = float(cross_val_score(judge, x, y, cv=folds).mean())
    half = 1.96 * float(np.sqrt(accuracy * (1 - accuracy) / (2 * n)))
    return Interval(accuracy, accuracy - half, accuracy + half)


def mmd(real: Real, synthetic: Real, rng: np.random.Generator) -> Interval:
    """Return the squared maximum mean discrepancy of a Gaussian kernel of median width, and its 95 % null range.

    The unbiased estimate of Gretton et al 2012, JMLR 13:723; ``low`` and ``high`` are its range for shuffled
    labels: above ``high`` the two sets differ.
    """
    x = np.concatenate([real, synthetic])
    between = distances(x, x)
    width = float(np.median(between[between > 0])) if (between > 0).any() else 1.0
    kernel = np.exp(-((between / width) ** 2) / 2)
    n = len(real)

    def value(order: NDArray[np.integer]) -> float:
        a, b = order[:n], order[n:]
        kaa, kbb, kab = kernel[np.ix_(a, a)], kernel[np.ix_(b, b)], kernel[np.ix_(a, b)]
        within = (kaa.sum() - len(a)) / (len(a) * (len(a) - 1)) + (kbb.sum() - len(b)) / (
            len(b) * (len(b) - 1)
        )
        return float(within - 2 * kab.mean())

    null = [value(rng.permutation(len(x))) for _ in range(_PERMUTATIONS)]
    return Interval(value(np.arange(len(x))), *(float(v) for v in np.quantile(null, [0.025, 0.975])))


def precision_recall(real: Real, synthetic: Real, k: int = _NEIGHBOURS) -> tuple[float, float]:
    """Return the share of synthetic samples among the real ones, and of real samples among the synthetic ones.

    A sample is among the others if its distance to one of them is at most the distance of that one to its k-th
    neighbour of the same set (Kynkaanniemi et al 2019, arXiv:1904.06991).
    """

    def radii(samples: Real) -> Real:
        reach: Real = np.sort(distances(samples, samples), axis=1)[:, min(k, len(samples) - 1)]
        return reach

    between = distances(real, synthetic)
    precision = (between <= radii(real)[:, None]).any(axis=0).mean()
    recall = (between <= radii(synthetic)[None, :]).any(axis=1).mean()
    return float(precision), float(recall)


def memorisation(real: Real, synthetic: Real) -> float:
    """Return the median distance of synthetic samples to the nearest real one over that between real samples.

    Near 1: synthetic samples are as far from real ones as these from each other; near 0: they are copies.
    """
    own = distances(real, real)
    np.fill_diagonal(own, np.inf)
    nearest = float(np.median(own.min(axis=1)))
    return float(np.median(distances(synthetic, real).min(axis=1))) / nearest if nearest else float("nan")


def concordance(a: Real, b: Real) -> float:
    r"""Return Lin's concordance correlation, :math:`2 s_{ab} / (s_a^2 + s_b^2 + (\bar a - \bar b)^2)`."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * ((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else 1.0


def limits_of_agreement(a: Real, b: Real) -> Interval:
    """Return the mean difference ``b - a`` and its 95 % limits of agreement (Bland and Altman 1986)."""
    difference = np.asarray(b, dtype=float) - np.asarray(a, dtype=float)
    half = 1.96 * float(difference.std(ddof=1)) if len(difference) > 1 else float("nan")
    return Interval(
        float(difference.mean()), float(difference.mean()) - half, float(difference.mean()) + half
    )


def excess_kurtosis(noise: Real) -> float:
    """Return the excess kurtosis of real numbers; 0 for normal ones."""
    centred = np.asarray(noise, dtype=float).ravel()
    centred = centred - centred.mean()
    variance = float((centred**2).mean())
    return float((centred**4).mean()) / variance**2 - 3 if variance else float("nan")
