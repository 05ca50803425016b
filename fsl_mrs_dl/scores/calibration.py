"""Whether beliefs are right: coverage, simulation-based ranks, conformal corrections, detection."""

import math
from typing import Any

import numpy as np
from scipy.stats import chi2, rankdata


def coverage(low: Any, high: Any, truth: Any) -> Any:
    """Return the share of truths within their intervals, ends included, along the first axis."""
    low, high, truth = np.asarray(low), np.asarray(high), np.asarray(truth)
    return np.mean((low <= truth) & (truth <= high), axis=0)


def sbc_ranks(draws: Any, truth: Any) -> Any:
    """Return how many draws lie below each truth, uniform in 0 .. draws where the posterior is right.

    Talts et al 2018, arXiv:1804.06788, algorithm 1. The draws should be independent.

    Parameters
    ----------
    draws : array, shape (case, draw, component)
    truth : array, shape (case, component)
    """
    return np.sum(np.asarray(draws) < np.asarray(truth)[:, None], axis=1)


def rank_histogram(ranks: Any, n_draws: int, n_bins: int) -> Any:
    """Return how many ranks of 0 .. n_draws lie in each of equal bins; shape (bin, component).

    Each rank's share is spread evenly, so that bins that do not divide n_draws + 1 are no defect.
    """
    ranks = np.asarray(ranks)
    edges = np.linspace(0, n_draws + 1, n_bins + 1)
    reach = np.minimum(ranks[None] + 1, edges[1:, None, None]) - np.maximum(
        ranks[None], edges[:-1, None, None]
    )
    return np.clip(reach, 0, 1).sum(axis=1)


def uniform_p(counts: Any) -> Any:
    """Return the chance of a histogram at least as uneven as this from uniform ranks (chi squared)."""
    counts = np.asarray(counts)
    expected = counts.mean(axis=0)
    return chi2.sf(np.sum((counts - expected) ** 2, axis=0) / expected, len(counts) - 1)


def conformal_margin(low: Any, high: Any, truth: Any, level: float) -> Any:
    """Return by what share of its width to widen each end of intervals so that they cover.

    Split-conformal quantile regression (Romano, Patterson and Candes 2019, arXiv:1905.03222) with scores in
    units of the interval's width. Holds for new cases of the same distribution, on average over them.

    Parameters
    ----------
    low, high, truth : array, shape (case, ...)
        Of cases kept for this.
    level : float
        Wanted coverage.

    Returns
    -------
    array, shape (...)
        Negative where the intervals are too wide; infinite where there are too few cases.
    """
    low, high, truth = np.asarray(low), np.asarray(high), np.asarray(truth)
    width = np.maximum(high - low, np.finfo(float).tiny)
    scores = np.sort(np.maximum(low - truth, truth - high) / width, axis=0)
    at = math.ceil((len(scores) + 1) * level) - 1
    return scores[at] if at < len(scores) else np.full(scores.shape[1:], np.inf)


def auroc(usual: Any, unusual: Any) -> float:
    """Return the chance that an unusual case scores higher than a usual one, ties half (area under the ROC)."""
    usual, unusual = np.asarray(usual), np.asarray(unusual)
    ranks = rankdata(np.concatenate([usual, unusual]))
    n = len(unusual)
    return float((ranks[len(usual) :].sum() - n * (n + 1) / 2) / (n * len(usual)))
