"""The network of ``reconstruct``: inputs in units of the penalty, calibration to the least error."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.reconstruction import GRID_POINTS, SparsityVAE, grid_axis_hz, grid_spectra
from fsl_mrs_dl.physics import add_noise
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.train import reconstruction_calibration as calibrating
from fsl_mrs_dl.train.reconstruction_data import any_acquisition, as_examples, scans

pytestmark = pytest.mark.usefixtures("one_thread")
F0 = 123.25
DOCS = Path(__file__).parents[2] / "docs"


def test_grid_is_the_spectrum_in_the_phase_of_its_highest_point(rng: np.random.Generator) -> None:
    n, dt = 1024, 5e-4
    t = np.arange(n) * dt
    axis = grid_axis_hz(F0)
    place = 300
    fid = 3 * np.exp(2j * np.pi * axis[place] * t + 1.1j)
    channels, _ = grid_spectra(np.stack([fid, 2 * fid]), axis, dt, np.array([2.0, 4.0]))
    # A line of no width has height amplitude sqrt(n) in the orthonormal spectrum.
    assert channels.shape == (2, 2, GRID_POINTS)
    assert channels[0, 0].argmax() == place
    np.testing.assert_allclose(channels[:, 0, place], 3 * np.sqrt(n) / 2, rtol=1e-6)
    assert abs(channels[0, 1, place]) < 1e-4
    noise = add_noise(np.zeros((300, n), complex), np.full(300, 0.5), rng)
    noisy, _ = grid_spectra(noise, axis, dt, np.ones(300))
    # Noise keeps its SD; its phase is turned, so that both channels together tell it.
    assert np.sqrt((noisy**2).sum(axis=1).mean() / 2) == pytest.approx(0.5, rel=0.02)


def test_noise_in_the_units_of_the_network_is_the_noise_of_the_penalty(rng: np.random.Generator) -> None:
    basis = any_acquisition(read_basis(shipped_basis("press_3t_te30")), rng)
    made = scans(basis, 40, rng, (10.0, 10.0))
    examples = as_examples(made)
    ratio = sparse.universal_penalty(made.operator, np.ones(40)) / sparse.largest_line(
        made.operator, made.fids[:, None]
    )
    np.testing.assert_allclose(
        examples.noise_sd * np.sqrt(2 * np.log(made.operator.n_atoms)), ratio, rtol=1e-5
    )
    left = examples.inputs - examples.clean
    # Some 250 independent bins and 40 spectra: 1 / sqrt(2 * 2 * 250 * 40) = 0.5 %
    assert np.sqrt((left**2).mean(axis=(1, 2))).mean() == pytest.approx(examples.noise_sd.mean(), rel=0.03)


def test_posterior_of_a_linear_model_has_the_variance_of_bayes() -> None:
    """With a linear decoder the best posterior is known: variance 1 / (1 + J^T J / v)."""
    network = SparsityVAE(latent=1, hidden=4)
    direction = torch.randn(2 * GRID_POINTS, generator=torch.Generator().manual_seed(1))
    direction = (direction / direction.norm()).reshape(2, GRID_POINTS)

    class Line(torch.nn.Module):
        def forward(self, latent: torch.Tensor) -> torch.Tensor:
            return 20 * latent[:, :, None] * direction

    network.decoder = Line()
    network.eval()  # in training each pass draws another level of noise
    network.log_misfit.data.fill_(-20.0)
    n, noise = 2000, torch.tensor(0.05)
    # Of 512 points as many are independent: J^T J over the points, times them.
    expected = 1 / (1 + 1 / (noise.item() ** 2))
    inputs = torch.zeros(n, 2, GRID_POINTS)
    best = []
    for log_variance in np.log(expected) + np.linspace(-0.6, 0.6, 13):
        network.beliefs = lambda x, v=log_variance: (torch.zeros(n, 1), torch.full((n, 1), float(v)))
        # The same draws for every variance: their mean square is 1 within sqrt(2 / 2000) = 3 %, a third of a step.
        with torch.no_grad():
            best.append(float(network.loss(inputs, inputs, noise.expand(n), torch.full((n,), 512.0))))
    assert abs(int(np.argmin(best)) - 6) <= 1


def test_calibration_finds_the_factor() -> None:
    rng = np.random.default_rng(3)
    wanted = np.exp(rng.uniform(np.log(0.03), np.log(0.3), 300))
    curves = 0.1 + np.log(sparse.RATIOS[:, None] / wanted) ** 2
    alpha = calibrating.best_alpha(wanted / 0.5, curves)
    # Curves are known at steps of a factor of 1.36 and straight between: the error of a rule is flat within them.
    assert alpha == pytest.approx(0.5, rel=0.1)
    # Noisy spectra, whose errors are ten times as large, count no more than others.
    noisy = curves * np.where(np.arange(300) < 30, 10.0, 1.0)
    off = np.where(np.arange(300) < 30, 2.0, 1.0)
    assert calibrating.best_alpha(wanted / 0.5 * off, noisy) == pytest.approx(0.5, rel=0.1)


def test_golden_search() -> None:
    place, value = calibrating.golden_search(lambda x: (x - 0.3) ** 2 + 1, -2, 2)
    assert place == pytest.approx(0.3, abs=5e-3)
    assert value == pytest.approx(1, abs=1e-4)
