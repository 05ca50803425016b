"""Credible intervals of what is never negative, against distributions whose quantiles are known."""

import numpy as np
import pytest
from scipy.stats import expon, halfnorm, norm, truncnorm

from fsl_mrs_dl.fit.posterior.intervals import credible_intervals

LEVELS = (0.68, 0.95)


def drawn(distribution, n: int = 40_001) -> np.ndarray:
    """Return one spectrum's draws at evenly spaced probabilities, shape (1, n, 1)."""
    return distribution.ppf((np.arange(n) + 0.5) / n)[None, :, None]


@pytest.mark.parametrize("absent", [halfnorm(), expon()])
def test_what_may_be_absent_has_an_interval_from_zero(absent):
    low, high = credible_intervals(drawn(absent), LEVELS)
    assert (low == 0).all()
    assert high[:, 0, 0] == pytest.approx(absent.ppf(LEVELS), rel=1e-3)


def test_what_is_surely_there_has_equal_tails():
    low, high = credible_intervals(drawn(norm(10, 1)), LEVELS)
    for at, level in enumerate(LEVELS):
        ends = norm(10, 1).interval(level)
        assert (low[at, 0, 0], high[at, 0, 0]) == pytest.approx(ends, rel=1e-3)


def cut_normal(mean: float) -> truncnorm:
    """Return the normal of SD 1 that is cut at zero."""
    return truncnorm(-mean, np.inf, loc=mean)


@pytest.mark.parametrize("mean", [-2.0, 0.5, 1.0, 1.8, 2.5, 5.0])
def test_of_a_cut_normal_they_are_the_shortest(mean):
    ends = np.array(credible_intervals(drawn(cut_normal(mean)), LEVELS))[..., 0, 0]
    for level, (low, high) in zip(LEVELS, ends.T, strict=True):
        tails = np.linspace(0, 1 - level, 4001)
        shortest = np.diff(cut_normal(mean).ppf([tails, tails + level]), axis=0).min()
        assert high - low == pytest.approx(shortest, rel=1e-3)
        assert np.diff(cut_normal(mean).cdf([low, high])) == pytest.approx(level, abs=1e-3)


def test_what_comes_closer_to_zero_moves_the_ends_without_a_jump():
    """A step of the mean by a hundredth of the SD moves no end by more than two hundredths."""
    means = np.arange(-1.0, 4.0, 0.01)
    draws = np.concatenate([drawn(cut_normal(mean), 2001) for mean in means])
    ends = np.array(credible_intervals(draws, LEVELS))[..., 0]
    assert np.abs(np.diff(ends, axis=2)).max() < 0.02
    assert (np.diff(ends, axis=2) >= 0).all()


def test_draws_that_are_all_zero_or_no_numbers_pass_through():
    for value in (0.0, np.nan):
        ends = np.array(credible_intervals(np.full((1, 8, 1), value), LEVELS))
        assert ends == pytest.approx(np.full(ends.shape, value), nan_ok=True)


def test_intervals_hold_the_truth_as_often_as_they_say_on_both_sides_of_the_change():
    """Amounts from an exponential prior, seen with Gaussian noise: the posterior is a normal cut at zero."""
    rng = np.random.default_rng(5)
    truth = expon.rvs(scale=2.0, size=4000, random_state=rng)
    seen = truth + rng.standard_normal(4000)
    mean = seen - 1 / 2.0  # the exponential of mean 2 moves a normal of variance 1 by 1/2
    below = norm.cdf(-mean)
    quantiles = (np.arange(400) + 0.5) / 400
    draws = mean[:, None] + norm.ppf(below[:, None] + quantiles * (1 - below[:, None]))
    low, high = credible_intervals(draws, LEVELS)
    from_zero = low[1] == 0
    assert 0.2 < from_zero.mean() < 0.8
    for at, level in enumerate(LEVELS):
        inside = (low[at] <= truth) & (truth <= high[at])
        sd = np.sqrt(level * (1 - level) / 4000)
        assert inside.mean() == pytest.approx(level, abs=4 * sd)
