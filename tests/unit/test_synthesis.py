"""Generative networks: what holds by construction, what is measured, and what is given back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.evaluation.tables import agreement_rows
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.models.synthesis_modes import new_latent
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.scores.synthesis import (
    classifier_two_sample,
    concordance,
    limits_of_agreement,
    memorisation,
    mmd,
    precision_recall,
)
from fsl_mrs_dl.simulate.measured_noise import MeasuredNoise
from fsl_mrs_dl.steps.synthesis_models import amount_gain, lost_noise
from fsl_mrs_dl.train.synthesis import new_network, principal_components, tensors
from fsl_mrs_dl.train.synthesis_data import LabelledSpectra, simulated_spectra, training_basis
from fsl_mrs_dl.train.synthesis_evaluation import fitter_of

N, DT, F0 = 1024, 5e-4, 123.2
SIZES = {"latent": 16, "hidden": (16, 8), "beta": 1.0, "warm_up": 5}


@pytest.fixture(scope="module")
def examples() -> LabelledSpectra:
    return simulated_spectra(training_basis("press_3t_te30", ("PCr", "NAA")), 60, np.random.default_rng(3))


@pytest.fixture(scope="module")
def network(examples: LabelledSpectra) -> SynthesisNetwork:
    made, _ = new_network(examples, "physics", 0, **SIZES)
    return made.eval()


def decoded(network: SynthesisNetwork, amounts: np.ndarray) -> np.ndarray:
    latent = torch.randn((len(amounts), network.latent), generator=torch.Generator().manual_seed(1))
    return network.synthesise(latent, torch.from_numpy(amounts.astype(np.float32)))


def test_amplitudes_are_the_concentrations_even_untrained(network: SynthesisNetwork) -> None:
    said = {"shape_spread": np.concatenate([network.shape_spread[:4].numpy(), np.zeros(10)])}
    network.set_statistics(**said)  # no baseline, which the fit would have to guess
    amounts = np.array([[3.0, 9.0], [7.0, 6.0]])
    basis = training_basis("press_3t_te30", ("PCr", "NAA"))
    # Half precision keeps the basis set of the network to 5e-4 of each point.
    np.testing.assert_allclose(fitter_of(basis)(decoded(network, amounts)).amplitudes, amounts, rtol=2e-3)
    network.set_statistics(shape_spread=np.concatenate([said["shape_spread"][:4], np.ones(10)]))


def test_other_points_are_the_same_signals(network: SynthesisNetwork) -> None:
    amounts = np.array([[3.0, 9.0]])
    here = decoded(network, amounts)
    there = decoded(network.on_points(2 * network.n_points, network.dwelltime_s / 2), amounts)
    inner = slice(8, network.n_points - 8)  # before time zero nothing is known
    error = np.linalg.norm(there[0, ::2][inner] - here[0][inner]) / np.linalg.norm(here[0])
    assert error < 0.01
    shorter = decoded(network.on_points(500, network.dwelltime_s), amounts)
    np.testing.assert_allclose(shorter, here[:, :500], rtol=1e-4, atol=1e-3)


def test_results_do_not_depend_on_blocks(network: SynthesisNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    amounts = np.tile([[3.0, 9.0]], (7, 1))
    at_once = decoded(network, amounts)
    monkeypatch.setattr("fsl_mrs_dl.models.synthesis._BLOCK", 2)
    np.testing.assert_allclose(decoded(network, amounts), at_once, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("decoder", ["physics", "spectrum"])
def test_learning_lowers_the_error(examples: LabelledSpectra, decoder: str) -> None:
    made, _ = new_network(examples, decoder, 0, **SIZES)
    batch = made.examples(*tensors(examples.fids, examples.amounts))
    made.train()
    optimiser = torch.optim.Adam(made.parameters(), 3e-3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        losses = []
        for _ in range(30):
            loss = made.loss(*batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_components_are_orthonormal_and_hold_the_energy(examples: LabelledSpectra) -> None:
    components = principal_components(examples.fids, 1e-4)
    np.testing.assert_allclose(components @ components.conj().T, np.eye(len(components)), atol=1e-9)
    kept = np.linalg.norm(examples.fids @ components.conj().T) ** 2 / np.linalg.norm(examples.fids) ** 2
    assert kept >= 1 - 1.01e-4 or len(components) == 128


def test_names_that_a_basis_lacks_are_refused() -> None:
    with pytest.raises(OptionError, match="has no Xyz; it has Ala"):
        training_basis("press_3t_te30", ("Xyz",))
    with pytest.raises(OptionError, match="needed is a shipped basis set: press_3t_te30"):
        training_basis("elsewhere", None)


def test_latent_numbers_of_a_set_stay_in_it() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.tensor([[0.0, 5.0], [2.0, 5.0], [1.0, 5.0]])
    between, nearest = new_latent(mean, torch.full((3, 2), -20.0), 500, "interpolate", generator)
    assert between[:, 0].min() >= 0
    assert between[:, 0].max() <= 2
    assert torch.allclose(between[:, 1], torch.tensor(5.0))
    assert set(nearest.tolist()) == {0, 1, 2}
    random, _ = new_latent(mean, torch.zeros((3, 2)), 4000, "random", generator)
    # Mean 1 and variance 1 of three points, and 1 of each, to five standard errors of 4000 draws.
    assert abs(float(random[:, 0].mean()) - 1) < 5 * np.sqrt(2 / 4000)
    assert abs(float(random[:, 0].var()) - 2) < 5 * 2 * np.sqrt(2 / 4000)


def test_noise_is_measured_and_drawn_again(rng: np.random.Generator) -> None:
    ppm = 4.65 + np.fft.fftshift(np.fft.fftfreq(N, DT)) / F0
    tilt = np.exp(np.linspace(-0.5, 0.5, N))  # a receiver that is louder at one end
    white = rng.standard_normal((2, 200, N))
    spectra = 0.3 * tilt * (white[0] + 1j * (0.6 * white[0] + 0.8 * white[1]))
    from fsl_mrs_dl.physics import spectrum_to_fid

    fids = spectrum_to_fid(spectra)
    made = MeasuredNoise.of(fids, ppm).draw(noise_sd(fids, ppm), rng)
    power = [
        np.mean(np.abs(fid_to_spectrum(f)) ** 2, axis=0).reshape(8, -1).mean(axis=1) for f in (fids, made)
    ]
    np.testing.assert_allclose(power[1], power[0], rtol=0.06)
    correlation = np.corrcoef(fid_to_spectrum(made).real.ravel(), fid_to_spectrum(made).imag.ravel())[0, 1]
    assert abs(correlation - 0.6) < 0.02


def test_what_decoding_loses_is_given_back(rng: np.random.Generator) -> None:
    noise = rng.standard_normal((2, 60, N))
    decay = np.exp(-15 * np.arange(N) * DT - 2j * np.pi * 200 * np.arange(N) * DT)
    fids = 5 * decay + 0.2 * (noise[0] + 1j * noise[1])
    decoded_fids = np.tile(0.9 * 5 * decay, (60, 1))
    data = MRSData(fids.T[None, None, None], DT, F0, dim_tags=("DIM_DYN",))
    gain = amount_gain(fids, decoded_fids)
    # The average's noise: 0.2 / sqrt(60) a point against 5 at the start, summed over about 67 points.
    assert abs(0.9 * gain - 1) < 0.01
    made = gain * decoded_fids
    made = made + lost_noise(fids, decoded_fids, made, np.arange(60), data, rng)
    ratio = np.median(noise_sd(made, data.ppm_axis)) / np.median(noise_sd(fids, data.ppm_axis))
    assert abs(ratio - 1) < 0.05


class TestTwoSamples:
    def test_the_same_cannot_be_told(self, rng: np.random.Generator) -> None:
        real, made = rng.standard_normal((2, 200, 4))
        found = classifier_two_sample(real, made, rng)
        assert found.low < 0.5 + 0.05
        value = mmd(real, made, rng)
        assert value.value < 2 * value.high
        precision, recall = precision_recall(real, made)
        assert min(precision, recall) > 0.7
        assert 0.7 < memorisation(real, made) < 1.5

    def test_others_are_told(self, rng: np.random.Generator) -> None:
        real, made = rng.standard_normal((2, 200, 4))
        made = 3 * made + 2
        assert classifier_two_sample(real, made, rng).low > 0.7
        value = mmd(real, made, rng)
        assert value.value > value.high
        assert precision_recall(real, made)[0] < 0.6

    def test_copies_are_found(self, rng: np.random.Generator) -> None:
        real = rng.standard_normal((200, 4))
        assert memorisation(real, real[:50] + 1e-6) < 0.01

    def test_collapse_is_found(self, rng: np.random.Generator) -> None:
        real = rng.standard_normal((200, 4))
        assert precision_recall(real, 0.05 * rng.standard_normal((200, 4)))[1] < 0.1


def test_agreement_of_two_measurements() -> None:
    a = np.array([1.0, 2.0, 3.0, 4.0])
    assert concordance(a, a) == 1.0
    assert concordance(a, -a) < 0
    found = limits_of_agreement(a, a + 0.5)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert replace(found, value=1.0).value == 1.0
    rows = agreement_rows("1", np.array([[2.0, 10.0], [2.2, 11.0]]))
    # Both 10 % too much: a bias, and no scatter about it.
    assert rows[0][1:4] == ["2", "+10.0", "+10.0 to +10.0"]
    assert agreement_rows("1", np.ones((2, 1))) == []
