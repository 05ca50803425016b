"""Trains the network that starts a fit with any basis set, and makes its package."""

import math
from typing import Any

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.card import Card, Channel, Score, ValidRange
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.quantification_start import GRID_POINTS, GRID_PPM, SCALES, StartNetwork
from fsl_mrs_dl.train.loop import Outcome, fit, set_sizes
from fsl_mrs_dl.train.start_data import (
    GAMMA_HZ_PER_T,
    SHIFT_PPM,
    SNR_F,
    Examples,
    examples,
)
from fsl_mrs_dl.train.writing import Request, recipe

NAME = "quantify-start-1h"
_TESTED = 2000
_USE = "Starting the linear-combination fit of 1H spectra of the brain with any basis set."
_NOT = "Quantification by itself; nuclei other than 1H; spectra with residual water above the metabolites."
_UNITS = ("ppm", "rad", "cycles/ppm", "rad/s/T", "rad/s/T", "rad/s/T", "1")


def train_start(request: Request) -> None:
    """Train the start network and write its package.

    Raises
    ------
    OptionError
        If own data are given, whose truth nobody knows.
    """
    said, settings = request.said, request.settings
    if said["data"] is not None:
        raise OptionError("--architecture start learns from simulated spectra with labels; leave --data out.")
    training, validation, test = sets(said["samples"], settings.seed)
    if said["init"] is not None:
        network: Any = load(said["init"]).network
        if not isinstance(network, StartNetwork):
            raise ModelError(f"--init {said['init']} is no start network; give one.")
    else:
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            network = StartNetwork()

    def trained() -> tuple[Network, Card, Outcome]:
        outcome = fit(network, _tensors(training), _tensors(validation), settings)
        card = _card(network, training, test, request)
        return network, card, outcome

    request.write(trained, NAME)


def sets(samples: int, seed: int) -> tuple[Examples, Examples, Examples]:
    """Return examples to train on, to stop by, and to judge by."""
    rng = np.random.default_rng(seed)
    training, validation, test = (examples(n, rng) for n in set_sizes(samples, _TESTED))
    return training, validation, test


def _tensors(part: Examples) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(values) for values in (part.inputs, part.acquisition, part.truth))


@torch.no_grad()
def start_scores(network: StartNetwork, test: Examples) -> tuple[Score, ...]:
    """Return the RMSE of what the network gives, and whether its SDs are as large as its errors.

    Parameters
    ----------
    network : StartNetwork
        In evaluation mode.
    test : Examples

    Returns
    -------
    tuple of Score
    """
    inputs, acquisition, _ = _tensors(test)
    means, log_sd = (values.double().numpy() for values in network.beliefs(inputs, acquisition))
    error = means - test.truth
    error[:, 1] = (error[:, 1] + 1) % 2 - 1
    rows = []
    for i, (name, unit) in enumerate(zip(SCALES, _UNITS, strict=True)):
        size = SCALES[name]
        spread = float(np.std(test.truth[:, i])) * size
        value = _rms(error[:, i]) * size
        rows.append(Score(f"RMSE {name}", unit, value, spread, "training mean", None, "", len(error)))
        scaled = _rms(error[:, i] / np.exp(log_sd[:, i]))
        rows.append(Score(f"error over SD, {name}", "1", scaled, None, "", 1.0, "calibrated", len(error)))
    return tuple(rows)


def _rms(values: Real) -> float:
    return float(math.sqrt(np.mean(values**2)))


def _card(network: StartNetwork, training: Examples, test: Examples, request: Request) -> Card:
    data = f"{len(training.inputs)} spectra of all shipped basis sets, 40 acquisitions, SNR_f {SNR_F}"
    return Card(
        name=NAME,
        version=request.said["version"],
        task="quantify",
        architecture="start",
        config={},
        inputs=(
            Channel(
                "spectrum",
                "frequency",
                ("batch", "2", str(GRID_POINTS)),
                f"{GRID_PPM[0]:g} to {GRID_PPM[1]:g} ppm",
                "over the largest magnitude, apodised by 0.5 Hz/T",
            ),
            Channel(
                "acquisition", "parameter", ("batch", "3"), "logarithms", "of field, dwell time, duration"
            ),
        ),
        outputs=tuple(
            Channel(f"{name}, mean and SD", "parameter", ("batch", "2"), unit)
            for name, unit in zip(SCALES, _UNITS, strict=True)
        ),
        valid=ValidRange(
            nucleus="1H",
            spectrometer_frequency_mhz=(115.0, 410.0),
            dwelltime_s=(5e-5, 7e-4),
            duration_s=(0.25, 1e3),
            shift_hz=(-SHIFT_PPM * 123, SHIFT_PPM * 123),
            phase_deg=(-180.0, 180.0),
            linewidth_hz=(0.0, 3 * GAMMA_HZ_PER_T[1]),
        ),
        recipe=recipe(request.command, request.said["seed"], data, training.sha256, request.began),
        evaluation=start_scores(network, test),
        intended_use=_USE,
        refused_use=_NOT,
    )
