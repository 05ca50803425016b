"""The posterior: exact draws, a likelihood that is that of the data, intervals that hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, truncnorm

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter
from fsl_mrs_dl.fit.posterior import (
    WEAK,
    Resolved,
    Sampling,
    draw,
    sample_box,
    summarise,
    summarise_ratios,
    weak_prior,
)
from fsl_mrs_dl.fit.posterior.truncated import truncated_normal
from fsl_mrs_dl.steps.quantify import quantify

N, DT, F0, REF = 512, 8e-4, 127.7, 4.65
NAMES = ("NAA", "Cr", "PCr", "PCh", "Lac")
LINES = {
    "NAA": [(2.008, 3), (2.67, 1), (2.49, 1)],
    "Cr": [(3.027, 3), (3.913, 2)],
    "PCr": [(3.029, 3), (3.930, 2)],
    "PCh": [(3.208, 9), (4.28, 1), (3.64, 1)],
    "Lac": [(1.32, 3), (4.10, 1)],
}
LOW, HIGH = np.array([6.0, 3.0, 3.0, 0.5, 0.0]), np.array([12.0, 7.0, 6.0, 2.0, 2.0])
FULL = FitSettings(ppmlim=None, lorentzian=True, first_order_phase=False, non_negative=False)
QUANTIFY = FitSettings(baseline=Baseline.parse("poly, 2"))


def basis() -> Basis:
    like = np.zeros(1, dtype=complex)
    fids = [
        sum(h * physics.singlet(N, DT, (ppm - REF) * F0, 2 * np.pi, 0.0, like) for ppm, h in LINES[name])
        for name in NAMES
    ]
    return Basis(np.stack(fids), NAMES, DT, F0)


def spectra(n: int, sigma: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(LOW, HIGH, (n, len(NAMES)))
    shift_hz, phase_rad, gamma = rng.uniform(-3, 3, n), rng.uniform(-0.2, 0.2, n), rng.uniform(5, 20, n)
    fids = physics.basis_sum(
        np.asarray(basis().fids), truth, shift_hz[:, None], gamma[:, None], np.zeros((n, 1)), DT
    )
    return physics.add_noise(physics.phase(fids, phase_rad), sigma, rng), truth


def generating(fitted) -> Resolved:
    """The prior that the spectra were drawn from."""
    n, q = fitted.parameters.shape
    low, high = np.full((n, q), -np.inf), np.full((n, q), np.inf)
    low[:, :5], high[:, :5] = LOW, HIGH
    for at, (least, most) in {5: (-3, 3), 6: (5, 20), 8: (-0.2, 0.2)}.items():
        low[:, at], high[:, at] = least, most
    return Resolved(low, high, np.zeros((n, q)))


@pytest.mark.parametrize(
    ("low", "high"), [(-1.0, 2.0), (0.5, np.inf), (6.0, 8.0), (20.0, np.inf), (-np.inf, -5.0), (38.0, 39.0)]
)
def test_truncated_normal_is_scipys(low, high):
    u = np.linspace(0.01, 0.99, 25)
    found = truncated_normal(np.float64(0.0), np.float64(1.0), np.float64(low), np.float64(high), u)
    assert found == pytest.approx(truncnorm.ppf(u, low, high), rel=2e-3)


def test_draws_are_of_the_cut_gaussian():
    """Two strongly correlated variables in a box, against the sums over a fine grid."""
    covariance = np.array([[1.0, -0.95], [-0.95, 1.0]])
    precision, middle = np.linalg.inv(covariance), np.array([0.3, 0.8])
    axis = np.linspace(0, 2.5, 501)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    density = np.exp(-np.einsum("...i,ij,...j->...", x - middle, precision, x - middle) / 2)
    density /= density.sum()
    mean = np.einsum("ab,abi->i", density, x)
    spread = np.sqrt(np.einsum("ab,abi->i", density, (x - mean) ** 2))
    sampling = Sampling(chains=64, burn_in=10, recorded=60)
    box = np.zeros((1, 2)), np.full((1, 2), 2.5)
    drawn = sample_box(
        precision[None], (precision @ middle)[None], *box, np.full((1, 2), 9.0), sampling, np.zeros(1, int)
    )[0]
    assert (drawn >= 0).all()
    assert (drawn <= 2.5).all()
    error = spread / np.sqrt(len(drawn) / 10)  # ten sweeps for one independent draw
    assert np.abs(drawn.mean(axis=0) - mean).max() < 4 * error.max()
    assert drawn.std(axis=0) == pytest.approx(spread, rel=4 / np.sqrt(len(drawn) / 10))


@pytest.mark.parametrize("settings", [FULL, QUANTIFY, replace(QUANTIFY, member_shift_hz=0.5)])
def test_expansion_is_the_gradient_of_the_likelihood(settings):
    """Information and score, anywhere, against differences of the residual's energy."""
    fids, _ = spectra(2, 0.05)
    fitter = Fitter(basis(), settings, reference_ppm=REF)
    found = fitter(fids)
    rng = np.random.default_rng(1)
    spread = 1 / np.sqrt(np.maximum(np.einsum("snn->sn", found.information), 1e-30))
    known = np.einsum("snn->sn", found.information) > 0
    at = found.parameters + np.where(known, 0.5 * spread * rng.standard_normal(spread.shape), 0.0)
    bounded = [0, 1, 2, 3, 4, 6, 7]
    at[:, bounded] = np.abs(at[:, bounded])
    info, score = fitter.expand(fids, at, found.noise_sd)
    direction = np.where(known, spread * rng.standard_normal(spread.shape), 0.0) * 1e-3
    direction[:, bounded] = np.abs(direction[:, bounded])
    ahead, back = (fitter.expand(fids, at + s * direction, found.noise_sd)[1] for s in (1, -1))
    along = np.einsum("si,si->s", score, direction)
    mean_slope = np.einsum("si,si->s", ahead + back, direction) / 2
    assert mean_slope == pytest.approx(along, rel=0.02)
    curvature = np.einsum("si,sij,sj->s", direction, info, direction)
    # Gauss-Newton leaves out what the residual does: little at this noise.
    assert np.einsum("si,si->s", back - ahead, direction) / 2 == pytest.approx(curvature, rel=0.02)


def test_intervals_hold_what_they_promise():
    """Coverage under the prior that generated the spectra, all members together and each."""
    n = 400
    fids, truth = spectra(n, 4.0)
    fitter = Fitter(basis(), FULL, reference_ppm=REF)
    found = fitter(fids)
    draws = draw(fitter, fids, found, generating(found)).amplitudes
    for level in (0.5, 0.9):
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=1)
        inside = ((low <= truth) & (truth <= high)).sum(axis=0)
        least, most = binom.ppf([1e-4, 1 - 1e-4], n, level)
        assert (inside >= least).all()
        assert (inside <= most).all()
    error = np.sqrt(((draws.mean(axis=1) - truth) ** 2).mean(axis=0))
    assert (error < 1.1 * (HIGH - LOW) / np.sqrt(12)).all()


def test_one_spectrum_does_not_depend_on_the_others_nor_on_its_scale():
    fids, _ = spectra(5, 2.0)
    fitter = Fitter(basis(), QUANTIFY, reference_ppm=REF)

    def posterior(some: np.ndarray, key: int) -> np.ndarray:
        found = fitter(some)
        return draw(fitter, some, found, weak_prior(NAMES, found), keys=np.arange(len(some)) + key).amplitudes

    together = posterior(fids, 0)
    alone = posterior(1e3 * fids[3:4], 3)
    spread = together[3].std(axis=0)
    assert np.abs(alone[0] / 1e3 - together[3]).max() < 0.05 * spread.max()


def test_what_is_absent_stays_near_zero_and_what_is_known_is_not_shrunk():
    fids, truth = spectra(200, 2.0)
    without = np.array([1.0, 1, 1, 1, 0])
    rng = np.random.default_rng(3)
    ones = np.ones((1, 1))
    clean = physics.basis_sum(np.asarray(basis().fids), truth * without, 0 * ones, 8 * ones, 12 * ones, DT)
    fids = physics.add_noise(clean, 2.0, rng)
    fitter = Fitter(basis(), QUANTIFY, reference_ppm=REF)
    found = fitter(fids)
    prior = weak_prior(NAMES, found)
    matrix = np.vstack([np.eye(5), [0, 1, 1, 0, 0]])
    values, below = draw(fitter, fids, found, prior).along(matrix, matrix[5])
    told = summarise(values, prior.variance(5) @ (matrix**2).T)
    assert (told.mean[:, 4] < 2 * found.crlb[:, 4]).mean() > 0.95
    assert (told.intervals["ci95_low"] >= 0).all()
    assert (told.shrinkage[:, 0] < 0.05).all()
    total = truth[:, 1] + truth[:, 2]
    inside = (told.intervals["ci95_low"][:, 5] <= total) & (total <= told.intervals["ci95_high"][:, 5])
    assert binom.cdf(inside.sum(), 200, 0.95) > 1e-4
    ratios = summarise_ratios(values, below, told.shrinkage)
    assert ratios.mean[:, 0] == pytest.approx(told.mean[:, 0] / told.mean[:, 5], rel=0.02)


def test_a_reference_that_may_be_zero_gives_no_mean():
    draws = np.abs(np.random.default_rng(0).standard_normal((1, 4000, 2)))
    told = summarise_ratios(draws, draws[..., 1:], np.ones((1, 2)))
    assert np.isnan(told.mean).all()
    assert np.isfinite(told.intervals["ci95_high"]).all()


def test_a_spectrum_that_is_not_finite_has_no_posterior():
    fids, _ = spectra(3, 2.0)
    fids[1, 5] = np.nan
    fitter = Fitter(basis(), QUANTIFY, reference_ppm=REF)
    found = fitter(fids)
    draws = draw(fitter, fids, found, weak_prior(NAMES, found))
    for values in (draws.amplitudes, draws.along(np.eye(5))[0]):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()


def test_quantify_tells_the_posterior_beside_the_estimate_or_leaves_it_out():
    fids, _ = spectra(1, 2.0)
    data = MRSData(fids.reshape(1, 1, 1, N), DT, F0)
    told = quantify(data, basis=basis()).outcome
    for scaled in told.scaled.values():
        said = ("ci95_low", "ci68_low", "posterior_mean", "ci68_high", "ci95_high")
        ends = np.stack([scaled.extra[name][0] for name in said])
        assert (np.diff(ends, axis=0) >= 0).all()
        assert (scaled.extra["shrinkage"] > 0).all()
    assert told.posterior["prior"] == WEAK
    plain = quantify(data, basis=basis(), no_posterior=True).outcome
    assert plain.posterior is None
    assert not any(scaled.extra for scaled in plain.scaled.values())
    assert plain.scaled["raw"].value == pytest.approx(told.scaled["raw"].value)


def test_groups_of_what_is_absent_leave_the_others_alone():
    """The lines of a group without signal are free, and nothing of it is NaN or endless."""
    fids, truth = spectra(20, 2.0)
    some = basis()
    fids = fids - truth[:, 4:] * np.asarray(some.fids)[4]  # leaves less lactate than none
    settings = replace(QUANTIFY, groups=(0, 1, 1, 2, 3))
    fitter = Fitter(some, settings, reference_ppm=REF)
    found = fitter(fids)
    assert (found.amplitudes[:, 4] == 0).any()
    draws = draw(fitter, fids, found, weak_prior(NAMES, found)).amplitudes
    assert np.isfinite(draws).all()
    assert (np.abs(draws[..., 0].mean(axis=1) / found.amplitudes[:, 0] - 1) < 0.2).all()


def test_as_few_draws_as_these_know_the_mean_to_a_twentieth_of_its_sd():
    """Of means of 40 spectra by two seeds; independent draws would need 400 for that."""
    fids, _ = spectra(40, 1.5, seed=3)
    fitter = Fitter(basis(), QUANTIFY, reference_ppm=REF)
    fitted = fitter(fids)
    prior = weak_prior(NAMES, fitted)
    first, second = (
        draw(fitter, fids, fitted, prior, sampling=Sampling(seed=seed)).amplitudes for seed in (0, 1)
    )
    off = (first.mean(axis=1) - second.mean(axis=1)) / first.std(axis=1)
    assert np.sqrt((off**2).mean() / 2) < 0.05


def test_noise_that_is_twice_that_of_the_residual_doubles_the_spread():
    """Far from bounds and with a flat prior, the posterior has the SD of the likelihood, and widens with it."""
    data, _ = spectra(1, 0.05)
    fitter = Fitter(basis(), QUANTIFY, reference_ppm=REF)
    fitted = fitter(data)
    q = fitted.parameters.shape[1]
    flat = Resolved(np.full((1, q), -np.inf), np.full((1, q), np.inf), np.zeros((1, q)))
    one, two = (
        draw(fitter, data, fitted, flat, widening=np.array([factor])).along(np.eye(5))[0].std(axis=1)
        for factor in (1.0, 2.0)
    )
    strong = [NAMES.index("NAA"), NAMES.index("PCh")]  # the others are near zero or each other
    np.testing.assert_allclose((two / one)[0, strong], 2.0, rtol=0.1)
