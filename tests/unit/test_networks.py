"""The contract of every network of the catalogue: it builds, learns a step, is saved, loaded, and agrees.

A new row is a new case by itself. A row that is ``large`` is among the slow ones.
"""

import atexit
import copy
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.package import load, save_package
from fsl_mrs_dl.train.command import options_of, resolved
from fsl_mrs_dl.train.training import run
from fsl_mrs_dl.train.trainings import TRAININGS, training_of
from fsl_mrs_dl.train.writing import recipe

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORKS = [
    pytest.param(name, marks=[pytest.mark.slow] if entry.large else [])
    for name, entry in architectures().items()
]
ROWS = 8


@cache
def small_members():
    """Return the packages of two small regressors, for an ensemble of them."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    for seed in (0, 1):
        options = resolved("deepnet-1d", samples=24, epochs=1, widths=(2, 2, 2, 2, 2, 2), seed=seed)
        run(training_of({**options, "version": f"{seed}.0"}), folder, 0.0, overwrite=False)
    return tuple(str(path) for path in sorted((folder / "quantify-deepnet-1d-press-1h-3t").iterdir()))


@cache
def begun(name):
    """Return a training, its examples, and the network before its first step; made once."""
    more = {"members": small_members()} if name == "stacked" else {}
    training = training_of(resolved(name, samples=24, **more))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fsl_mrs_dl.train.transients._SUBJECTS", 2)
        patch.setattr("fsl_mrs_dl.train.transients._EACH", 12)
        sets = training.make_sets()
    network, config = training.begin(sets)
    return training, sets, network, config


def some_rows(name):
    training, sets, network, _ = begun(name)
    return tuple(tensor[:ROWS] for tensor in training.tensors(network, sets)[0])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_along_the_gradient_lowers_the_loss(name):
    """Of the same batch, without dropout: with a step small enough, for any loss that has a slope."""
    batch = some_rows(name)
    network = copy.deepcopy(begun(name)[2]).eval()
    before = network.loss(*batch)
    before.backward()
    learned = [p for p in network.parameters() if p.grad is not None]
    slope = sum(float((p.grad.double() ** 2).sum()) for p in learned)
    assert np.isfinite(slope)
    assert slope > 0
    # The first-order change of the loss is a thousandth of it, far above rounding in single precision.
    step = 1e-3 * abs(before.item()) / slope
    with torch.no_grad():
        for parameter in learned:
            parameter -= step * parameter.grad
        after = network.loss(*batch)
    assert after.item() < before.item()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_package_comes_back_and_agrees(name, tmp_path):
    training, sets, network, config = begun(name)
    origin = recipe(training.options, training.data_words(sets), sets.training.sha256, 0.0)
    package = training.name(network, sets)
    card = training.card(network, config, sets, origin, name=package, version="1.0.0", evaluation=())
    assert package.startswith(f"{training.entry.task}-{name}-")
    loaded = load(save_package(network, card, tmp_path))
    assert loaded.card.config == card_config(config)
    weights = network.state_dict()
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, weights.pop(key))
    assert weights == {}
    batch, here = some_rows(name), copy.deepcopy(network).eval()
    with torch.no_grad():
        assert float(here.loss(*batch)) == float(loaded.network.loss(*batch))


def card_config(value):
    """Return a config as it is read from a card, where tuples became lists."""
    if isinstance(value, dict):
        return {key: card_config(item) for key, item in value.items()}
    return [card_config(item) for item in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", NETWORKS)
def test_the_command_on_a_card_says_every_option(name):
    training, sets, _, _ = begun(name)
    command = recipe(training.options, "", sets.training.sha256, 0.0).command
    assert options_of(command) == training.options


def test_every_training_makes_a_network_and_every_network_has_one():
    assert {entry.training for entry in architectures().values()} == set(TRAININGS)
