"""The network of ``reconstruct``: inputs in units of the penalty, calibration to the least error."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.reconstruction import (
    GRID_POINTS,
    SparsityVAE,
    grid_axis_hz,
    grid_spectra,
    independent_bins,
    with_other_noise,
)
from fsl_mrs_dl.physics import add_noise
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.reconstruct_penalty import _network_penalty
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


def test_other_noise_has_the_level_that_is_told(rng: np.random.Generator) -> None:
    """Up to three times more or less; the spectra beneath stay."""
    sd = torch.linspace(0.01, 0.2, 64)
    clean = torch.zeros(64, 2, GRID_POINTS)
    noise = torch.from_numpy(rng.standard_normal((64, 2, GRID_POINTS))).float() * sd[:, None, None]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inputs, level = with_other_noise(clean + noise, clean, sd)
    # 1024 numbers tell an SD to 1 / sqrt(2 * 1024) = 2.2 %; of 64 the worst is within 4 of these.
    np.testing.assert_allclose(inputs.std(dim=(1, 2)), level, rtol=0.09)
    assert (level / sd).min() > 1 / 3.001
    assert 2 < (level / sd).max() < 3.001


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


def test_calibration_finds_the_power_of_the_bins() -> None:
    """Errors lowest at 0.3 times the variance times the square root of the bins."""
    rng = np.random.default_rng(4)
    variance, bins = np.exp(rng.uniform(np.log(0.1), np.log(0.9), 400)), rng.uniform(0.25, 1.0, 400)
    wanted = 0.3 * variance * np.sqrt(bins)
    curves = 0.1 + np.log(sparse.RATIOS[:, None] / wanted) ** 2
    alpha, beta = calibrating.best_factors(variance, bins, curves)
    # Curves are straight between steps of a factor of 1.36; bins differ by a factor of 4.
    assert beta == pytest.approx(0.5, abs=0.1)
    assert alpha == pytest.approx(0.3, rel=0.1)


def test_penalty_is_the_variance_times_factor_and_power() -> None:
    network = SparsityVAE(hidden=4)
    network.posterior_variance = lambda inputs: np.array([0.1, 0.2, 0.4])
    network.calibrate(0.6, 0.5)
    # Of 128 of 512 bins the root is a half.
    ratio = network.penalty_ratio(np.zeros((3, 2, GRID_POINTS)), np.array([512.0, 128.0, 128.0]))
    np.testing.assert_allclose(ratio, [0.06, 0.06, 0.12])


def test_grid_lies_upfield_of_the_carrier() -> None:
    # From 0.2 to 4.2 ppm, 4.45 to 0.45 ppm below 4.65 ppm, of 123.25 Hz each.
    np.testing.assert_allclose(grid_axis_hz(F0)[[0, -1]], [-548.4625, -55.4625])


def test_penalty_of_fids_that_share_lines(rng: np.random.Generator) -> None:
    """A network that says 1.1 times the noise of each FID gives 1.1 times the noise of all four together."""
    t = np.arange(1024) * 5e-4
    hz = (2.01 - 4.65) * F0  # NAA, which lies where the network looks
    fids = add_noise(np.tile(20 * np.exp((2j * np.pi * hz - 6 * np.pi) * t), (4, 1)), 1.0, rng)
    data = MRSData(fids.T[None, None, None], 5e-4, F0, dim_tags=("DIM_DYN",))
    sets = sparse.Sets.of(data, "DIM_DYN")
    operator = sparse.grid_of_lines(data, sparse.of_lines(data, fids, np.ones(4)), None, 1024).operator
    alone, together = (sparse.noise_penalty(operator, np.ones(1), n)[0] for n in (1, 4))
    highest = np.abs(operator.lines(sets.fids)).max(axis=-1)[0]

    class Stub:
        def penalty_ratio(self, inputs: np.ndarray, bins: float) -> np.ndarray:
            assert bins == pytest.approx(4 * F0 * 1024 * 5e-4)  # 4 ppm in bins of the FID
            return 1.1 * alone / highest

    penalty = _network_penalty(Stub(), data, operator, sets)
    assert penalty[0] == pytest.approx(1.1 * together, rel=1e-6)
    assert together > 1.3 * alone  # so that the one is not the other


def test_bins_are_those_of_four_ppm() -> None:
    # 4 ppm are 493 Hz at 123.25 MHz; a bin of an FID of 0.5 s has 2 Hz.
    assert independent_bins(1000, 5e-4, F0) == pytest.approx(246.5)
    assert independent_bins(4000, 5e-4, F0) == GRID_POINTS


def test_golden_search() -> None:
    place, value = calibrating.golden_search(lambda x: (x - 0.3) ** 2 + 1, -2, 2)
    assert place == pytest.approx(0.3, abs=5e-3)
    assert value == pytest.approx(1, abs=1e-4)
