"""Calibration of intervals and posteriors: coverage, simulation-based ranks, conformal corrections, detection."""

import math
from typing import Any

import numpy as np
from scipy.special import chdtrc


def coverage(low: Any, high: Any, truth: Any) -> Any:
    """Return the share of truths within their intervals, ends included, along the first axis."""
    low, high, truth = np.asarray(low), np.asarray(high), np.asarray(truth)
    return np.mean((low <= truth) & (truth <= high), axis=0)


def sbc_ranks(draws: Any, truth: Any) -> Any:
    """Count the draws below each truth: uniform from 0 to the number of draws if the posterior is right.

    Talts et al 2018, arXiv:1804.06788, algorithm 1. The draws should be independent.

    Parameters
    ----------
    draws : array, shape (case, draw, component)
    truth : array, shape (case, component)
    """
    return np.sum(np.asarray(draws) < np.asarray(truth)[:, None], axis=1)


def rank_histogram(ranks: Any, n_draws: int, n_bins: int) -> Any:
    """Count the ranks, from 0 to n_draws, in bins of equal width; shape (bin, component).

    A rank at the edge of a bin counts for both by its share, so that n_bins need not divide n_draws + 1.
    """
    ranks = np.asarray(ranks)
    edges = np.linspace(0, n_draws + 1, n_bins + 1)
    reach = np.minimum(ranks[None] + 1, edges[1:, None, None]) - np.maximum(
        ranks[None], edges[:-1, None, None]
    )
    return np.clip(reach, 0, 1).sum(axis=1)


def uniform_p(counts: Any) -> Any:
    """Return the probability that uniform ranks give a histogram at least as uneven (chi-squared test)."""
    counts = np.asarray(counts)
    expected = counts.mean(axis=0)
    return chdtrc(len(counts) - 1, np.sum((counts - expected) ** 2, axis=0) / expected)


def conformal_margin(low: Any, high: Any, truth: Any, level: float) -> Any:
    """Return the margin that gives intervals the coverage ``level``, as a share of their width, at each end.

    Split-conformal quantile regression (Romano, Patterson and Candes 2019, arXiv:1905.03222) with scores in
    units of the interval's width. Valid on average for new cases of the same distribution.

    Parameters
    ----------
    low, high, truth : array, shape (case, ...)
        Of cases that are used for nothing else.
    level : float
        Coverage.

    Returns
    -------
    array, shape (...)
        Negative if the intervals are too wide; infinite if there are too few cases.
    """
    low, high, truth = np.asarray(low), np.asarray(high), np.asarray(truth)
    width = np.maximum(high - low, np.finfo(float).tiny)
    scores = np.sort(np.maximum(low - truth, truth - high) / width, axis=0)
    rank = math.ceil((len(scores) + 1) * level) - 1
    return scores[rank] if rank < len(scores) else np.full(scores.shape[1:], np.inf)


def auroc(usual: Any, unusual: Any) -> float:
    """Return the area under the ROC: the probability that an unusual case scores above a usual one, ties half."""
    from scipy.stats import rankdata  # here, because it would slow down the start of every command

    usual, unusual = np.asarray(usual), np.asarray(unusual)
    ranks = rankdata(np.concatenate([usual, unusual]))
    n = len(unusual)
    return float((ranks[len(usual) :].sum() - n * (n + 1) / 2) / (n * len(usual)))
