"""Many spectra at once: truncated moments against draws, estimates against the fit and its bound."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from fsl_mrs_dl.fit.amortised import BatchModel, estimate, summaries
from fsl_mrs_dl.fit.amortised.positive import (
    matched,
    non_negative,
    one_sided,
    shortest,
    truncated_moments,
)
from fsl_mrs_dl.fit.amortised.small import cholesky
from fsl_mrs_dl.fit.lcm.linear import solve_amplitudes


def _gaussians(rng, n=6, members=5):
    """Return precisions and pulls of least squares with alike members, some absent."""
    vectors = rng.normal(size=(n, 20, members))
    vectors[..., 1] = vectors[..., 0] + 0.3 * vectors[..., 1]
    precision = np.swapaxes(vectors, 1, 2) @ vectors
    truth = np.array([1.0, 0.3, 0.0, 0.1, 2.0])[:members]
    noisy = vectors @ truth + rng.normal(size=(n, 20))
    return precision, (np.swapaxes(vectors, 1, 2) @ noisy[..., None])[..., 0]


def _moment(middle, sd, power):
    """Return the integral of a power times a normal density from zero on."""
    normal = stats.norm(middle, sd).pdf
    return integrate.quad(lambda x: x**power * normal(x), 0, 40, points=[0.1, 1.0, 5.0])[0]


def test_a_normal_cut_at_zero_has_the_moments_of_its_integral():
    middle, sd = np.array([-4.0, -1.0, 0.0, 0.5, 3.0]), np.array([1.0, 2.0, 0.5, 1.0, 0.7])
    mean, variance = one_sided(middle, sd)
    for m, s, found, spread in zip(middle, sd, mean, variance, strict=True):
        whole, first, second = (_moment(m, s, power) for power in range(3))
        assert found == pytest.approx(first / whole, rel=1e-6)
        assert spread == pytest.approx(second / whole - (first / whole) ** 2, rel=1e-5)


def test_far_below_zero_a_cut_normal_is_an_exponential():
    mean, variance = one_sided(np.array([-500.0]), np.array([2.0]))
    assert mean == pytest.approx(4.0 / 500.0, rel=1e-3)
    assert np.sqrt(variance) == pytest.approx(mean, rel=1e-3)


def test_two_amplitudes_have_the_moments_of_their_integral(rng):
    precision, pull = _gaussians(rng, n=3, members=2)
    mean, covariance = truncated_moments(precision, pull)
    grid = np.linspace(0, 6, 1201)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    for matrix, h, m, c in zip(precision, pull, mean, covariance, strict=True):
        points = np.stack([a.ravel(), b.ravel()])
        log_density = -(points * (matrix @ points)).sum(axis=0) / 2 + h @ points
        weight = np.exp(log_density - log_density.max())
        weight /= weight.sum()
        truth = points @ weight
        sd = np.sqrt((points - truth[:, None]) ** 2 @ weight)
        # Expectation propagation is not exact for members that are alike: a twentieth of an SD.
        np.testing.assert_array_less(np.abs(m - truth), 0.05 * sd)
        np.testing.assert_allclose(np.sqrt(np.diag(c)), sd, rtol=0.15)


def test_an_interval_holds_its_share_and_is_the_shortest():
    for middle, sd in ((-1.0, 1.0), (0.3, 1.0), (2.5, 1.0), (9.0, 0.5)):
        normal = stats.truncnorm(-middle / sd, np.inf, middle, sd)
        low, high = (float(end) for end in shortest(np.array(middle), np.array(sd), 0.95))
        assert normal.cdf(high) - normal.cdf(low) == pytest.approx(0.95, abs=1e-6)
        tails = np.linspace(0, 0.05, 501)
        assert high - low <= (normal.ppf(0.95 + tails[:-1]) - normal.ppf(tails[:-1])).min() + 1e-4


def test_a_matched_normal_has_the_moments_it_was_matched_to():
    mean, sd = np.array([0.3, 1.0, 2.0, 20.0]), np.array([0.25, 0.6, 1.0, 1.0])
    got, variance = one_sided(*matched(mean, sd))
    np.testing.assert_allclose(got, mean, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(variance), sd, rtol=1e-3)


def test_amplitudes_at_or_above_zero_are_those_of_the_fit(rng):
    precision, pull = _gaussians(rng, n=40)
    np.testing.assert_allclose(
        non_negative(precision, pull), solve_amplitudes(precision, pull, non_negative=True)[0], atol=1e-7
    )


def test_a_matrix_without_a_factor_leaves_its_neighbours_alone(rng):
    precision, _ = _gaussians(rng)
    broken = precision.copy()
    broken[2] = -broken[2]
    broken[4, 0, 0] = np.nan
    factor, sound = cholesky(broken)
    assert sound.tolist() == [True, True, False, True, False, True]
    np.testing.assert_allclose(factor[sound], np.linalg.cholesky(precision)[sound])


@pytest.fixture(scope="module")
def voxels():
    """Fit and tables, and simulated MRSI voxels with their amplitudes and start."""
    from fsl_mrs_dl.io.basis import read_basis
    from fsl_mrs_dl.physics import on_points
    from fsl_mrs_dl.simulate.shipped import shipped_basis
    from tests.benchmarks.mrsi import DWELLTIME_S, POINTS, simulate_grid
    from tests.benchmarks.speed_batch import default_fitter

    basis = read_basis(shipped_basis("press_3t_te30"))
    fitter = default_fitter(basis, POINTS, DWELLTIME_S)
    sampled = on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz)
    # Without macromolecules: those of the simulation are larger than the brain's, which moves the fit too.
    own = [m for m, name in enumerate(sampled.names) if not name.startswith("MM")]
    sampled = replace(sampled, fids=sampled.fids[own], names=tuple(sampled.names[m] for m in own))
    amplitudes, fids = simulate_grid(sampled, 64, np.random.default_rng(3), noise_sd=4.0)
    fitted = fitter(fids.astype(complex))
    rng = np.random.default_rng(4)
    shared = np.stack(
        [
            fitted.shift_hz[:, 0],
            fitted.gamma[:, 0],
            fitted.sigma[:, 0] ** 2,
            fitted.phase_rad,
            fitted.delay_s,
        ],
        axis=1,
    )
    start = shared + rng.normal(size=shared.shape) * [0.5, 5.0, 50.0, 0.15, 1e-4]
    names = [name for name in fitter.basis.names if name in sampled.names]
    truth = amplitudes[:, [sampled.names.index(name) for name in names]]
    return fitter, BatchModel.of(fitter.problem, fitter.basis), fids, start, fitted, truth


def test_estimates_are_those_of_the_fit_within_its_errors(voxels):
    fitter, model, fids, start, fitted, _ = voxels
    known = estimate(model, fids, start)
    assert known.doubtful.mean() < 0.05
    strong = [fitter.basis.names.index(name) for name in ("Cr", "GPC", "Ins", "Glu")]
    away = (known.amplitudes - fitted.amplitudes) / np.sqrt(np.einsum("smm->sm", fitted.covariance))
    # The same data and the same model, fewer backgrounds: apart by less than the error of either.
    assert np.sqrt((away[:, strong] ** 2).mean(axis=0)).max() < 1.0
    sd = np.sqrt(np.einsum("smm->sm", known.average.covariance)) * known.scale[:, None]
    ratio = sd / np.sqrt(np.einsum("smm->sm", fitted.covariance))
    assert 0.7 < np.median(ratio[:, strong]) < 1.4


def test_intervals_hold_the_truth(voxels):
    fitter, model, fids, start, _, truth = voxels
    known = estimate(model, fids, start)
    columns, sure = summaries(known.mean, known.covariance, np.eye(len(fitter.basis.names)))
    assert sure.all()
    inside = (columns["ci95_low"][:, : truth.shape[1]] <= truth) & (
        truth <= columns["ci95_high"][:, : truth.shape[1]]
    )
    # 64 voxels x 20 metabolites that depend on each other; amounts of the simulation are within the prior's.
    assert 0.90 < inside.mean() <= 1.0


def test_a_voxel_does_not_depend_on_its_neighbours(voxels):
    _, model, fids, start, _, _ = voxels
    every = estimate(model, fids, start)
    for row in (0, 17):
        alone = estimate(model, fids[row : row + 1], start[row : row + 1])
        sd = np.sqrt(np.diagonal(every.covariance[row]))
        # Single precision, through a system whose members are alike.
        np.testing.assert_array_less(np.abs(alone.mean[0] - every.mean[row]), 0.02 * sd)


def test_amounts_have_the_unit_of_the_data(voxels):
    _, model, fids, start, _, _ = voxels
    once, larger = estimate(model, fids[:4], start[:4]), estimate(model, 1000 * fids[:4], start[:4])
    np.testing.assert_allclose(larger.mean, 1000 * once.mean, rtol=1e-2, atol=1e-2 * once.mean.max())


def test_a_start_that_is_far_off_is_doubtful(voxels):
    _, model, fids, start, _, _ = voxels
    far = start[:16].copy()
    far[:, 0] += 60.0  # Hz: between the lines of other metabolites
    assert estimate(model, fids[:16], far).doubtful.mean() > 0.9


def test_pytorch_gives_the_numbers_of_numpy(voxels):
    torch = pytest.importorskip("torch")
    _, model, fids, start, _, _ = voxels
    here = estimate(model, fids, start)
    there = estimate(model.changed(torch.as_tensor), torch.as_tensor(fids), torch.as_tensor(start))
    sd = np.sqrt(np.einsum("smm->sm", here.covariance))
    np.testing.assert_array_less(np.abs(here.mean - there.mean.numpy()), 0.02 * sd)
