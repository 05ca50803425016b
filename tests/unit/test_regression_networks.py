"""Regressors: their layers as said, scaling, the basis set that they keep, and training over all examples."""

import copy

import numpy as np
import pytest
import torch

from fsl_mrs_dl.models.catalogue import CATALOGUE, architectures
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.regression import TARGETS
from fsl_mrs_dl.models.regression_crelu import CReLU, CReLUNetwork
from fsl_mrs_dl.models.regression_inference import regressed, regression_amplitudes
from fsl_mrs_dl.models.regression_scalogram import ScalogramNetwork
from fsl_mrs_dl.models.regression_scattering import ScatteringNetwork
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.loop import Settings, fit
from fsl_mrs_dl.train.regression import examples_of
from fsl_mrs_dl.train.trainings import training_of

pytestmark = pytest.mark.usefixtures("one_thread")

REGRESSORS = [name for name, entry in architectures("quantify").items() if "regression" in entry.training]
AXES = (("Cr", "NAA", "Glu"), 1024, 2.5e-4, 123.2)


@pytest.fixture(scope="module")
def begun():
    """Return, for every regressor, its training, its examples and the network before its first step."""
    networks = {}
    for name in REGRESSORS:
        training = training_of(resolved(name, samples=40, basis="slaser_3t_te28"))
        sets = training.make_sets()
        networks[name] = (training, sets, training.begin(sets)[0])
    return networks


def test_crelu_keeps_both_signs_and_its_printed_form_loses_one_in_a_pooling():
    values = torch.tensor([[[-3.0, -1.0, 2.0, 4.0]]])
    cited, printed = CReLU()(values), CReLU(signed=True)(values)
    assert cited.tolist() == [[[0, 0, 2, 4], [3, 1, 0, 0]]]
    assert printed.tolist() == [[[0, 0, 2, 4], [-3, -1, 0, 0]]]
    pool = torch.nn.MaxPool1d(2)
    assert pool(cited)[0, 1].tolist() == [3, 0]  # the largest of a negative part
    assert pool(printed)[0, 1].tolist() == [-1, 0]  # the smallest


def test_the_spectrum_network_has_seven_layers_of_weights():
    network = CReLUNetwork(*AXES, CReLUNetwork.inputs_for(*AXES[1:]))
    layers = [m for m in network.body if isinstance(m, (torch.nn.Conv1d, torch.nn.Linear))]
    assert len(layers) == 7
    sizes = [(m.in_channels, m.out_channels, m.kernel_size[0]) for m in layers[:-1]]
    assert sizes == [(2, 16, 9), (32, 24, 9), (48, 32, 5), (64, 48, 5), (96, 64, 3), (128, 64, 3)]
    assert layers[-1].out_features == 3


@pytest.mark.parametrize(
    ("network", "layers"),
    [
        (CReLUNetwork, ["Conv1d CReLU MaxPool1d"] * 5 + ["Conv1d CReLU", "Flatten Linear"]),
        (ScalogramNetwork, ["Conv2d ReLU MaxPool2d"] * 5 + ["Conv2d ReLU", "Flatten Linear"]),
        (ScatteringNetwork, ["Flatten Linear Tanh Linear"]),
    ],
)
def test_layers_stand_in_the_order_of_the_publications(network, layers):
    """Hatami et al. 2018, Shamaei et al. 2020 (six convolutions, five poolings), Shamaei et al. 2021 (tanh)."""
    body = network(*AXES, network.inputs_for(*AXES[1:])).body
    assert [type(layer).__name__ for layer in body] == " ".join(layers).split()


def test_the_scattering_network_learns_one_small_hidden_layer():
    """20 neurons, as published: 20 (n + 1) weights and biases and 3 (20 + 1)."""
    network = ScatteringNetwork(*AXES, ScatteringNetwork.inputs_for(*AXES[1:]))
    n = int(np.prod(network.transform.shape))
    assert sum(p.numel() for p in network.parameters()) == 20 * (n + 1) + 3 * 21


@pytest.mark.parametrize("name", REGRESSORS)
def test_outputs_of_the_mean_raw_answer_are_the_training_mean(name, begun):
    training, sets, network = begun[name]
    features, truths = training.tensors(network, sets)[0]
    assert torch.allclose(network.target_mean, truths.mean(dim=0))
    standard = (features - network.feature_mean) / network.feature_sd
    assert float(standard.mean()) == pytest.approx(0.0, abs=1e-3)
    assert float((standard**2).mean()) == pytest.approx(1.0, rel=0.05)
    silent = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in silent.body[-1].parameters():
            parameter.zero_()
        assert torch.allclose(silent(features), network.target_mean.expand(len(features), -1))
        assert float(silent.loss(features, truths)) == pytest.approx(1.0, rel=0.05)  # no skill


@pytest.mark.parametrize("name", REGRESSORS)
def test_the_loss_is_that_of_the_estimates_over_the_spread_of_the_truths(name, begun):
    training, sets, network = begun[name]
    features, truths = training.tensors(network, sets)[0]
    with torch.no_grad():
        errors = (network(features) - truths) / truths.std(dim=0)
        assert float(network.loss(features, truths)) == pytest.approx(float((errors**2).mean()), rel=1e-4)


@pytest.mark.parametrize("name", REGRESSORS)
def test_amplitudes_have_the_unit_of_the_data(name):
    """The same spectrum a thousand times as large has amplitudes a thousand times as large."""
    training = training_of(resolved(name, samples=24, basis="slaser_3t_te28"))
    sets = training.make_sets()
    network = training.begin(sets)[0].eval()
    fids, step = sets.test.fids[:3].astype(complex), sets.test.basis.dwelltime_s
    one = regression_amplitudes(network, fids, step)
    large = regression_amplitudes(network, 1e3 * fids, step)
    assert large == pytest.approx(1e3 * one, rel=1e-4)


def test_truths_have_the_size_at_which_the_network_sees_a_spectrum(begun):
    """A spectrum is divided by its highest magnitude, and so are its amplitudes."""
    _, sets, network = begun["crelu"]
    spectra = sets.training
    _, truths = examples_of(network, spectra)
    size = np.abs(spectra.fids).max(axis=1)
    assert truths.numpy() == pytest.approx(spectra.amplitudes / size[:, None], rel=1e-5)


def test_another_field_is_read_in_ppm(begun, rng):
    """Samples of 127.7 MHz are those of 123.2 MHz, of the same ppm, that are as much farther apart in time."""
    network = begun["crelu"][2]
    own, other = network.spectrometer_frequency_mhz, 1.036 * network.spectrometer_frequency_mhz
    fids = rng.standard_normal((2, 1024)) + 1j * rng.standard_normal((2, 1024))
    there = regression_amplitudes(network, fids, 2.5e-4, spectrometer_frequency_mhz=other)
    here = regression_amplitudes(network, fids, 2.5e-4 * other / own)
    assert there == pytest.approx(here, rel=1e-6)


def test_targets_are_told_apart():
    """Of two components and three targets, the columns are amplitudes, then shifts, then dampings."""
    names = ("Cr", "NAA")
    network = CReLUNetwork(names, *AXES[1:], CReLUNetwork.inputs_for(*AXES[1:]), targets=TARGETS)
    with torch.no_grad():
        network.target_mean.copy_(torch.arange(6.0))
        network.target_sd.zero_()
    values = regressed(network, torch.zeros(1, *network.transform.shape))
    assert {name: list(row[0]) for name, row in values.items()} == {
        "amplitudes": [0, 1],
        "shift_hz": [2, 3],
        "gamma": [4, 5],
    }


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_network_keeps_the_basis_set_it_was_trained_with(name, begun):
    _, sets, network = begun[name]
    members = network.members.numpy()
    basis = np.asarray(sets.training.basis.fids)
    assert np.abs(members - basis).max() < 1e-6 * np.abs(basis).max()


def test_all_examples_in_every_step_reach_the_least_squares_of_a_linear_problem(begun):
    """L-BFGS on a network whose hidden layer stands still: its loss is that of the normal equations."""
    training, sets, network = begun["scattering"]
    assert training.settings.full_batch
    network = copy.deepcopy(network)
    for parameter in network.body[1].parameters():
        parameter.requires_grad_(False)
    features, truths = training.tensors(network, sets)[0]
    curve = fit(network, (features, truths), (features, truths), Settings(15, 1, 1.0, 0, 0, full_batch=True))
    with torch.no_grad():
        standard = ((features - network.feature_mean) / network.feature_sd).flatten(1)
        hidden = torch.tanh(network.body[1](standard)).double()
        x = torch.cat([hidden, torch.ones(len(hidden), 1, dtype=torch.float64)], dim=1)
        y = ((truths - network.target_mean) / network.target_sd).double()
        least = float(((x @ torch.linalg.lstsq(x, y).solution - y) ** 2).mean())
    assert curve.best == pytest.approx(least, rel=1e-3)


class OneLine(Network):
    """A weighted sum of the features."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.weights = torch.nn.Linear(n_features, 1, bias=False)

    def loss(self, features, truths):
        return ((self.weights(features) - truths) ** 2).mean()


def test_the_penalty_of_a_full_batch_passes_the_one_that_suits_the_noise(rng):
    """As good as the best ridge regression of many, whose normal equations are solved; least squares are not."""
    n, n_features = 80, 60
    features = torch.from_numpy(rng.standard_normal((2 * n, n_features))).float()
    true = torch.from_numpy(rng.standard_normal((n_features, 1))).float() / n_features**0.5
    truths = features @ true + torch.from_numpy(rng.standard_normal((2 * n, 1))).float()
    learned, judged = (features[:n], truths[:n]), (features[n:], truths[n:])

    def ridge(weight):
        gram = learned[0].T @ learned[0] / n + weight * torch.eye(n_features)
        solved = torch.linalg.solve(gram, learned[0].T @ learned[1] / n)
        return float(((judged[0] @ solved - judged[1]) ** 2).mean())

    best = min(ridge(weight) for weight in np.geomspace(1e-6, 3e-2, 40))
    assert ridge(0.0) > 1.05 * best
    curve = fit(OneLine(n_features), learned, judged, Settings(40, 1, 1.0, 0, 0, full_batch=True))
    assert curve.best == pytest.approx(best, rel=0.01)


def test_rows_of_the_table_say_what_regressors_are():
    for name in REGRESSORS:
        entry = CATALOGUE[name]
        assert entry.labels
        assert "amplitudes alone" in entry.summary
