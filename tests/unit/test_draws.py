"""Draws along lines: exact where the answer is known, steady from seed to seed, and of the spectrum alone."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import expon, norm, truncnorm

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter, fitter_for
from fsl_mrs_dl.fit.posterior import (
    Draws,
    Resolved,
    Sampling,
    draw,
    keys_of,
    sample_box,
    sampling_for,
    summarise,
    summarise_ratios,
    weak_prior,
)
from fsl_mrs_dl.fit.posterior.draws import STRATA
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, on_points
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify

SHARES = np.array([0.025, 0.16, 0.5, 0.84, 0.975])
NAMES = ("NAA", "Cr", "PCr", "GPC", "Ins", "Glu", "Gln", "GABA", "Lac")
AMOUNTS = np.array([11.0, 4, 4, 1.2, 6, 9, 2.5, 0.5, 0.2])
N, DT = 512, 8e-4


def drawn(precision, mean, low, high, sampling, members=None, seed=0):
    """Draws of one cut Gaussian."""
    precision, mean, low, high = (np.asarray(v, dtype=float)[None] for v in (precision, mean, low, high))
    pull = np.einsum("snk,sk->sn", precision, mean)
    keys = np.array([seed])
    points = sample_box(precision, pull, low, high, np.clip(mean, low, high), sampling, keys)
    n = precision.shape[-1] if members is None else members
    return Draws(np.array([0]), 1, n, precision, pull, low, high, points, keys, seed)


def quantiles(values):
    return np.quantile(values[0], SHARES, axis=0)


def test_without_a_cut_a_single_draw_knows_the_gaussian():
    """The line through any draw is the whole marginal: SD and correlation do not matter."""
    covariance = np.array([[4.0, -1.8], [-1.8, 1.0]])
    box = (np.full(2, -1e9), np.full(2, 1e9))
    draws = drawn(np.linalg.inv(covariance), [3.0, 7.0], *box, Sampling(chains=1, burn_in=0, recorded=1))
    # Two amplitudes and their sum, whose variance is 4 + 1 - 2 x 1.8.
    matrix = np.array([[1.0, 0], [0, 1], [1, 1]])
    values, below = draws.along(matrix, np.array([1.0, 1.0]))
    assert values.shape == (1, STRATA, 3)
    below_them = norm.cdf(values[0], [3.0, 7.0, 10.0], np.sqrt([4.0, 1.0, 1.4]))
    assert np.ptp(below_them, axis=0) == pytest.approx((STRATA - 1) / STRATA, abs=1e-6)
    assert below[0, :, 2] == pytest.approx(values[0, :, 2])
    many = drawn(np.linalg.inv(covariance), [3.0, 7.0], *box, Sampling(chains=512, burn_in=0, recorded=1))
    found = quantiles(many.along(matrix)[0])
    for column, (middle, sd) in enumerate(((3.0, 2.0), (7.0, 1.0), (10.0, np.sqrt(1.4)))):
        assert found[:, column] == pytest.approx(norm.ppf(SHARES, middle, sd), abs=0.02 * sd)


def test_one_variable_at_its_bound_is_the_truncated_normal_exactly():
    draws = drawn([[4.0]], [-0.3], [0.0], [np.inf], Sampling(chains=96, burn_in=0, recorded=1))
    expected = truncnorm.ppf(SHARES, 0.6, np.inf, loc=-0.3, scale=0.5)
    assert quantiles(draws.along(np.ones((1, 1)))[0])[:, 0] == pytest.approx(expected, rel=0.01, abs=2e-3)


def test_what_the_data_say_nothing_of_has_the_exponential_prior():
    """No information, only a pull of -rate: an exponential; and its sum with a known one moves with it."""
    precision, pull = np.diag([0.0, 1e8])[None], np.array([[-0.5, 3e8]])
    low, high, keys = np.zeros((1, 2)), np.full((1, 2), np.inf), np.array([3])
    points = sample_box(precision, pull, low, high, np.array([[1.0, 3.0]]), Sampling(chains=192), keys)
    draws = Draws(np.array([0]), 1, 2, precision, pull, low, high, points, keys)
    found = quantiles(draws.along(np.array([[1.0, 0], [1, 1]]))[0])
    assert found[:, 0] == pytest.approx(expon.ppf(SHARES, scale=2.0), rel=0.02, abs=2e-3)
    assert found[:, 1] == pytest.approx(3 + expon.ppf(SHARES, scale=2.0), rel=0.02)


def test_a_box_of_both_bounds_is_kept_and_uniform_without_data():
    precision, pull = np.zeros((1, 1, 1)), np.zeros((1, 1))
    low, high, keys = np.full((1, 1), 2.0), np.full((1, 1), 6.0), np.array([0])
    points = sample_box(precision, pull, low, high, np.full((1, 1), 3.0), Sampling(), keys)
    draws = Draws(np.array([0]), 1, 1, precision, pull, low, high, points, keys)
    assert quantiles(draws.along(np.ones((1, 1)))[0])[:, 0] == pytest.approx(2 + 4 * SHARES, abs=0.03)


def test_two_correlated_variables_at_zero_agree_with_sums_over_a_grid():
    """Marginals, the sum and the ratio of a cut Gaussian, to a fiftieth of their SD."""
    covariance = np.array([[1.0, -0.8], [-0.8, 1.0]])
    precision, middle = np.linalg.inv(covariance), np.array([0.4, 0.9])
    axis = np.linspace(0, 6, 1201)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    apart = np.stack([x - middle[0], y - middle[1]], axis=-1)
    weight = np.exp(-np.einsum("...i,ij,...j->...", apart, precision, apart) / 2).ravel()
    grid = {"first": x, "sum": x + y, "ratio": x / np.maximum(x + y, 1e-9)}
    plan = Sampling(chains=192, burn_in=4, recorded=32)
    draws = drawn(precision, middle, np.zeros(2), np.full(2, np.inf), plan)
    values, below = draws.along(np.array([[1.0, 0], [1, 1]]), np.array([1.0, 1.0]))
    found = {"first": values[..., :1], "sum": values[..., 1:], "ratio": (values / below)[..., :1]}
    for name, numbers in grid.items():
        order = np.argsort(numbers.ravel())
        share = np.cumsum(weight[order]) / weight.sum()
        expected = np.interp(SHARES, share, numbers.ravel()[order])
        mean = (weight * numbers.ravel()).sum() / weight.sum()
        sd = np.sqrt((weight * (numbers.ravel() - mean) ** 2).sum() / weight.sum())
        assert quantiles(found[name])[:, 0] == pytest.approx(expected, abs=0.03 * sd), name


@pytest.fixture(scope="module")
def basis():
    whole = read_basis(shipped_basis("press_3t_te30"))
    whole = on_points(whole, N, DT, whole.spectrometer_frequency_mhz)
    rows = [whole.names.index(name) for name in NAMES]
    return replace(whole, fids=np.asarray(whole.fids)[rows], names=NAMES)


def spectra(basis, n, rng, noise=1.5):
    clean = damp(AMOUNTS @ np.asarray(basis.fids), 10.0, 6.0, DT)
    return add_noise(np.tile(clean, (n, 1)), noise, rng)


@pytest.mark.parametrize("baseline", ["auto", "poly, 2"])
@pytest.mark.parametrize(("single", "limit"), [(False, 0.1), (True, 0.03)])
def test_ends_of_intervals_scatter_less_than_promised(baseline, single, limit, basis, rng):
    """The same spectra with other random numbers: scatter of each of the four ends, in SDs."""
    fids = spectra(basis, 2 if single else 12, rng)
    fitter = fitter_for(basis, FitSettings(baseline=Baseline.parse(baseline)), reference_ppm=4.65)
    found = fitter(fids)
    prior, matrix = weak_prior(basis.names, found), np.eye(len(NAMES))
    ends, sds = [], []
    for seed in range(4):
        plan = replace(sampling_for(single=single), seed=seed)
        draws = draw(fitter, fids, found, prior, keys=keys_of(fids) + seed, sampling=plan)
        values = draws.along(matrix)[0]
        ends.append(list(summarise(values, np.ones((len(fids), len(NAMES)))).intervals.values()))
        sds.append(values.std(axis=1))
    scatter = np.std(ends, axis=0, ddof=1) / np.mean(sds, axis=0)
    assert (np.sqrt((scatter**2).mean(axis=(1, 2))) < limit).all()


def test_shrinkage_counts_the_variance_of_a_sum_of_priors():
    values = np.random.default_rng(0).normal(5.0, 2.0, (1, 200_000, 1))
    told = summarise(values, np.array([[16.0]]))
    assert told.shrinkage[0, 0] == pytest.approx(4 / 16, rel=0.01)


def test_keys_are_of_the_spectrum_alone(basis, rng):
    fids = spectra(basis, 5, rng)
    keys = keys_of(fids)
    assert len(set(keys)) == 5
    assert (keys_of(fids[::-1]) == keys[::-1]).all()
    assert (keys_of((1e5 * fids).astype(np.complex64)) == keys).all()
    assert (keys >= 0).all()


def test_intervals_do_not_depend_on_the_order_of_voxels(basis, rng):
    """An image and its mirror image: the same numbers at mirrored places, to rounding."""
    fids = spectra(basis, 5, rng)
    told = []
    for rows in (fids, fids[::-1]):
        data = MRSData(rows.reshape(5, 1, 1, N), DT, basis.spectrometer_frequency_mhz)
        told.append(quantify(data, basis=basis).outcome.scaled["raw"].extra)
    for name in ("posterior_mean", "posterior_sd", "ci95_low", "ci95_high", "ci68_high"):
        assert told[1][name][::-1] == pytest.approx(told[0][name], rel=1e-5, abs=1e-6), name


def test_a_fit_with_bounded_widths_draws_amplitudes_alone(basis, rng):
    """Widths are drawn too and are no amplitudes: combinations have as many columns as asked for."""
    fids = spectra(basis, 3, rng)
    fitter = Fitter(basis, FitSettings(baseline=Baseline.parse("poly, 2")), reference_ppm=4.65)
    found = fitter(fids)
    q = found.parameters.shape[1]
    flat = Resolved(np.zeros((3, q)), np.full((3, q), np.inf), np.zeros((3, q)))
    draws = draw(fitter, fids, found, weak_prior(NAMES, found))
    assert flat.low.shape[1] > len(NAMES)
    assert draws.amplitudes.shape[2] == len(NAMES)
    values, _ = draws.along(np.eye(len(NAMES)))
    assert values.mean(axis=1) == pytest.approx(draws.amplitudes.mean(axis=1), rel=0.2, abs=0.2)


@pytest.mark.parametrize("baseline", ["auto", "poly, 2"])
def test_voxels_of_which_none_was_fitted_have_no_posterior(baseline, basis, rng):
    """A whole block of an image may be outside of the head: zeros, and not a number."""
    fids = np.zeros((3, N), complex)
    fids[2, 5] = np.nan
    fitter = fitter_for(basis, FitSettings(baseline=Baseline.parse(baseline)), reference_ppm=4.65)
    found = fitter(fids)
    draws = draw(fitter, fids, found, weak_prior(basis.names, found), keys=keys_of(fids))
    values, below = draws.along(np.eye(len(NAMES)), np.ones(len(NAMES)))
    told = summarise(values, np.ones((3, len(NAMES))))
    for numbers in (draws.amplitudes, values, below, told.mean, told.intervals["ci95_low"]):
        assert np.isnan(numbers).all()
        assert len(numbers) == 3
    assert np.isnan(summarise_ratios(values, below, told.shrinkage).intervals["ci95_high"]).all()
