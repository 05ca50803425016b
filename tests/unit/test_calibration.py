"""Scores of beliefs, on beliefs that are known to be right or wrong."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from fsl_mrs_dl.scores import (
    auroc,
    conformal_margin,
    coverage,
    rank_histogram,
    sbc_ranks,
    uniform_p,
)

CASES, DRAWS = 2000, 99


def beliefs(width: float) -> tuple[np.ndarray, np.ndarray]:
    """Truths from N(0, 1) and data about them; draws whose SD is ``width`` times the right one."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((CASES, 2))
    data = truth + rng.standard_normal((CASES, 2))
    middle, sd = data / 2, np.sqrt(0.5)
    draws = middle[:, None] + width * sd * rng.standard_normal((CASES, DRAWS, 2))
    return draws, truth


def test_right_beliefs_have_flat_ranks_and_narrow_ones_do_not():
    for width, right in ((1.0, True), (0.7, False)):
        draws, truth = beliefs(width)
        counts = rank_histogram(sbc_ranks(draws, truth), DRAWS, 20)
        assert counts.sum(axis=0) == pytest.approx([CASES, CASES])
        assert ((uniform_p(counts) > 1e-4) == right).all()


def test_bins_that_do_not_divide_the_ranks_are_fair():
    every = np.arange(DRAWS + 1)[:, None]
    assert rank_histogram(every, DRAWS, 7) == pytest.approx(np.full((7, 1), (DRAWS + 1) / 7))


def test_coverage_counts():
    draws, truth = beliefs(1.0)
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    inside = coverage(low, high, truth) * CASES
    # Quantiles of 99 draws, (n - 1) q + 1 from the lowest, leave 5.9 of 100 outside at each end.
    assert (inside >= binom.ppf(1e-4, CASES, 0.88)).all()
    assert (inside <= binom.ppf(1 - 1e-4, CASES, 0.89)).all()
    assert coverage([0.0], [1.0], [1.0]) == 1


@pytest.mark.parametrize("width", [0.5, 2.0])
def test_a_conformal_margin_repairs_coverage(width):
    draws, truth = beliefs(width)
    low, high = np.quantile(draws, [0.05, 0.95], axis=1)
    half = CASES // 2
    margin = conformal_margin(low[:half], high[:half], truth[:half], 0.9)
    assert ((margin < 0) == (width > 1)).all()
    grown = margin * (high[half:] - low[half:])
    inside = coverage(low[half:] - grown, high[half:] + grown, truth[half:])
    # Both halves scatter: binomial twice.
    assert inside == pytest.approx([0.9, 0.9], abs=4 * np.sqrt(2 * 0.9 * 0.1 / half))
    assert np.isinf(conformal_margin(low[:5], high[:5], truth[:5], 0.9)).all()


def test_auroc_of_two_gaussians():
    rng = np.random.default_rng(1)
    usual, unusual = rng.standard_normal(4000), 1 + rng.standard_normal(4000)
    assert auroc(usual, unusual) == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.02)
    assert auroc([1.0, 1.0], [1.0]) == 0.5
