"""The learned posterior: its cut Gaussians, its training, and amplitudes that follow exactly."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.models.quantification_posterior import log_density
from fsl_mrs_dl.physics import on_points
from fsl_mrs_dl.scores import coverage
from fsl_mrs_dl.simulate.papers import DQ_RANGES
from fsl_mrs_dl.train.quantification_data import basis_of, simulated
from tests.benchmarks.trust.learned import LearnedBeliever, learn
from tests.benchmarks.trust.sets import GAMMA, PHASE_RAD, SHIFT_HZ, Believer, noise_sd, ranges, simulate

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def basis():
    made = basis_of("press_3t_te30", "dq")
    kept = [i for i, name in enumerate(made.names) if name in DQ_RANGES]
    some = replace(made, fids=made.fids[kept], names=tuple(made.names[i] for i in kept))
    return on_points(some, 512, 5e-4, made.spectrometer_frequency_mhz)


@pytest.mark.parametrize("mean", [[0.2, -0.4, 0.9], [7.0, -9.0, 0.0]])
def test_the_density_is_that_of_gaussians_cut_to_the_range(mean):
    sd, x = [0.3, 0.5, 0.05], [0.1, -0.9, 0.93]
    slopes = torch.zeros(1, 3, 3, dtype=torch.float64)
    values = (torch.tensor([v], dtype=torch.float64) for v in (x, mean, sd))
    found = float(log_density(*values, slopes))
    wanted = [
        truncnorm.logpdf(v, (-1 - m) / s, (1 - m) / s, m, s) for v, m, s in zip(x, mean, sd, strict=True)
    ]
    assert found == pytest.approx(sum(wanted), rel=1e-9)


def test_the_density_integrates_to_one_with_slopes_too():
    slopes = torch.zeros(1, 3, 3, dtype=torch.float64)
    slopes[0, 1, 0], slopes[0, 2, 0], slopes[0, 2, 1] = 0.8, -0.5, 0.3
    mean, sd = (torch.tensor([v], dtype=torch.float64) for v in ([0.5, -0.2, 0.9], [0.4, 0.6, 0.5]))
    nodes, weights = np.polynomial.legendre.leggauss(30)
    points = torch.from_numpy(
        np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    )
    density = torch.exp(log_density(points, mean, sd, slopes)).numpy().reshape(30, 30, 30)
    assert np.einsum("ijk,i,j,k", density, weights, weights, weights) == pytest.approx(1, abs=1e-6)


def test_training_learns_more_than_the_ranges(basis):
    """Knowing the ranges alone, the loss is that of three uniform numbers within -1 and 1."""
    network = learn(basis, 3000, 6, 0)
    low, high = (torch.from_numpy(end).float() for end in ranges(basis))
    generator = torch.Generator().manual_seed(1)
    amplitudes = low + (high - low) * torch.rand(256, len(low), generator=generator)
    reach = torch.tensor([2 * SHIFT_HZ, GAMMA, 2 * PHASE_RAD])
    shared = reach * (torch.rand(256, 3, generator=generator) - torch.tensor([0.5, 0.0, 0.5]))
    with torch.no_grad():
        assert (
            float(network.loss(amplitudes, shared, torch.rand(256, generator=generator))) < 3 * np.log(2) - 1
        )


def test_draws_follow_the_belief_and_stay_in_range(basis):
    network = learn(basis, 40, 1, 0)
    spectra = simulate(basis, 2, 40.0, 3)
    inputs, noise = channels(spectra.fids), torch.full((2,), noise_sd(40.0))
    grid = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    uniforms = torch.stack([grid, torch.full_like(grid, 0.5), torch.full_like(grid, 0.5)], dim=1)
    drawn = network.draw(inputs, noise, uniforms.expand(2, -1, -1))
    phase = drawn[..., 2].numpy() / PHASE_RAD
    mean, sd, _ = (value.detach().numpy() for value in network.beliefs(inputs, noise))
    for row in range(2):
        m, s = float(mean[row, 0]), float(sd[row, 0])
        wanted = truncnorm.ppf(grid.numpy(), (-1 - m) / s, (1 - m) / s, m, s)
        assert np.allclose(phase[row], wanted, atol=1e-5)
    assert (drawn.abs() <= torch.tensor([SHIFT_HZ, GAMMA, PHASE_RAD]) * (1 + 1e-6)).all()


def test_amplitudes_cover_where_the_rest_is_known(basis):
    """With the truth in place of the network's draws the intervals are exact: 300 spectra."""
    spectra = simulated(basis, "dq", "white", 300, np.random.default_rng(4))
    believer = Believer.of(basis, generating=True)
    network = learn(basis, 40, 1, 0)
    known = iter(np.stack([spectra.shift_hz, spectra.gamma, spectra.phase_rad], axis=1))

    def draw(inputs, noise, uniforms):
        some = np.stack([next(known) for _ in inputs])
        return torch.from_numpy(np.repeat(some[:, None], uniforms.shape[1], axis=1))

    network.draw = draw
    found = believer.fitter(spectra.fids)
    draws, _ = LearnedBeliever(believer.fitter, True, network)(spectra.fids, found)
    low, high = np.quantile(draws, [0.25, 0.75], axis=1, method="weibull")
    inside = coverage(low, high, spectra.amplitudes)
    # The members of one spectrum stand and fall together: at worst as 300 independent cases, SD 2.9 points.
    assert abs(inside.mean() - 0.5) < 3 * 0.029
