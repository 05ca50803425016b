"""The sampled posterior of amplitudes against integrals over a grid."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.simulate.components import ComponentPrior, simulate_components
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.priors import Noise

pytest.importorskip("torch")
from tests.benchmarks.supervised.posterior import Sampling, posterior_draws

N, DWELLTIME_S, MHZ = 512, 5e-4, 123.2
RANGES = ((40, 0.0, 1.0), (80, -10.0, 10.0), (40, -10.0, 10.0))
"""Cells and ends of amplitude, shift in Hz and damping in 1/s, for integrals."""


def two_lines(apart_hz: float) -> Basis:
    t = np.arange(N) * DWELLTIME_S
    hz = np.array([-300.0, -300.0 + apart_hz])
    return Basis(np.exp((2j * np.pi * hz[:, None] - 15) * t), ("NAA", "NAAG"), DWELLTIME_S, MHZ)


def test_two_overlapping_lines_have_the_means_of_their_truncated_gaussian(rng):
    """Shift and damping next to known: what is left is a Gaussian in two amplitudes, cut off at 0 and 1."""
    known = Uniform(-1e-6, 1e-6)
    prior = ComponentPrior(Uniform(0.0, 1.0), known, known, noise=Noise(Fixed(4.0), "snr_t0"))
    signals = simulate_components(prior, two_lines(2.0), 3, rng, like=np.empty(0, complex))
    draws = posterior_draws(signals, Sampling(chains=8, warm=20, sweeps=300), 1)
    grid = np.linspace(0, 1, 201)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    for s in range(3):
        rest = signals.fids[s] - a[..., None] * signals.basis.fids[0] - b[..., None] * signals.basis.fids[1]
        cost = (np.abs(rest) ** 2).sum(axis=-1) / (2 * signals.noise_sigma[s] ** 2)
        weight = np.exp(cost.min() - cost)
        truth = np.array([(weight * one).sum() / weight.sum() for one in (a, b)])
        # 2400 draws, of which one in ten or so is independent: 0.2 / sqrt(240) = 0.013.
        assert draws[:, :, s].mean(axis=(0, 1)) == pytest.approx(truth, abs=0.04)


def test_one_line_of_unknown_shift_and_damping_has_the_mean_of_its_posterior(rng):
    prior = ComponentPrior(
        Uniform(0.0, 1.0), Uniform(-10.0, 10.0), Uniform(-10.0, 10.0), noise=Noise(Fixed(1.0), "snr_t0")
    )
    basis = two_lines(0.0)
    basis = replace(basis, fids=basis.fids[:1], names=basis.names[:1])
    signals = simulate_components(prior, basis, 2, rng, like=np.empty(0, complex))
    draws = posterior_draws(signals, Sampling(chains=8, warm=20, sweeps=200), 1)
    t = np.arange(N) * DWELLTIME_S
    axes = [(np.arange(n) + 0.5) / n * (high - low) + low for n, low, high in RANGES]
    a = axes[0][:, None, None]
    for s in range(2):
        f, g = np.meshgrid(*axes[1:], indexing="ij")
        lines = basis.fids[0] * np.exp((2j * np.pi * f - g)[..., None] * t)
        product, power = (lines.conj() @ signals.fids[s]).real, (np.abs(lines) ** 2).sum(axis=-1)
        gain = (a * product - a**2 * power / 2) / signals.noise_sigma[s] ** 2
        weight = np.exp(gain - gain.max())
        truth = float((weight * a).sum() / weight.sum())
        # 1600 independent draws of an SD of 0.1, and what the far feet of the line would say: 0.005.
        assert draws[:, :, s].mean() == pytest.approx(truth, abs=0.015)
