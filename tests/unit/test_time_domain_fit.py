"""The time-domain fit of components that benchmarks compare with: its derivatives, its exactness, its bounds."""

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.simulate.components import simulate_components
from fsl_mrs_dl.simulate.papers import hatami_prior
from tests.benchmarks.supervised.time_domain import (
    Components,
    _members,
    _normal,
    amplitude_bounds,
    as_smape,
    fit_components,
    ranges,
)

DWELLTIME_S = 2.5e-4


@pytest.fixture
def signals(rng):
    """Return four noise-free signals of five lines that are 30 Hz apart."""
    t = np.arange(512) * DWELLTIME_S
    fids = np.exp((2j * np.pi * np.arange(-75, 76, 30)[:5, None] - 8) * t)
    basis = Basis(fids, ("a", "b", "c", "d", "e"), DWELLTIME_S, 123.2)
    return simulate_components(hatami_prior(), basis, 4, rng, like=np.empty(0, complex))


def truth(signals):
    return Components(signals.amplitudes, signals.shift_hz, signals.gamma)


def test_products_of_derivatives_are_those_of_difference_quotients(signals):
    theta = truth(signals).stacked

    def model(place):
        return np.einsum("sm,smt->st", np.split(place, 3, axis=1)[0], _members(signals, place))

    size = theta.shape[1]
    columns = []
    for k in range(size):
        step = np.zeros(size)
        step[k] = 1e-4
        columns.append((model(theta + step) - model(theta - step)) / 2e-4)
    slopes = np.stack(columns, axis=1)
    expected = (slopes.conj() @ slopes.swapaxes(1, 2)).real
    residual = signals.fids * 0.1j
    right = (slopes.conj() @ residual[..., None])[..., 0].real
    products = _normal(signals, theta, _members(signals, theta), residual)
    assert np.abs(products[..., :-1] - expected).max() < 1e-6 * np.abs(expected).max()
    assert np.abs(products[..., -1] - right).max() < 1e-6 * np.abs(right).max()


def test_without_noise_the_truth_is_found_from_no_shift_by_few_points_first(signals):
    fitted = fit_components(signals, points=(64, 128, 256))
    assert np.abs(fitted.stacked - truth(signals).stacked).max() < 1e-6


def test_estimates_stay_within_their_ranges(signals):
    low, high = ranges(signals)
    stacked = fit_components(signals).stacked
    assert (stacked >= low).all()
    assert (stacked <= high).all()


def test_with_noise_the_error_is_that_of_the_bound(signals, rng):
    """Of 150 signals of five amplitudes the RMS error is the Bayesian bound within 10 %: three SDs of it."""
    noisy = simulate_components(hatami_prior(snr_t0=10.0), signals.basis, 150, rng, like=np.empty(0, complex))
    fitted = fit_components(noisy, with_prior=True, points=(64, 128, 256))
    _, bayes = amplitude_bounds(noisy, 150)
    rms = np.sqrt(np.mean((fitted.amplitudes - noisy.amplitudes) ** 2))
    assert rms == pytest.approx(np.sqrt(bayes.mean()), rel=0.1)
    assert as_smape(bayes, noisy).mean() < 15
