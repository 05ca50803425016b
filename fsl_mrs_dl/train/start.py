"""Trains the network that starts a fit with any basis set: spectra of every shipped set, with labels."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.quantification_start import GRID_POINTS, GRID_PPM, SCALES, StartNetwork
from fsl_mrs_dl.train.loop import set_sizes
from fsl_mrs_dl.train.start_data import GAMMA_HZ_PER_T, SHIFT_PPM, StartExamples, examples
from fsl_mrs_dl.train.training import DataSplit, Scope, Training

NAME = "quantify-start-1h"
_TESTED = 2000
"""Spectra of the test set at most."""
_UNITS = ("ppm", "rad", "cycles/ppm", "rad/s/T", "rad/s/T", "rad/s/T", "1")


class StartTraining(Training[DataSplit[StartExamples], StartNetwork]):
    """Trains the network that gives shift, phase and lineshape, with their uncertainty."""

    intended_use = "Starting the linear-combination fit of 1H spectra of the brain with any basis set."
    refused_use = (
        "Quantification by itself; nuclei other than 1H; spectra with residual water above the metabolites."
    )

    def make_sets(self) -> DataSplit[StartExamples]:
        """Simulate spectra of all shipped basis sets.

        Raises
        ------
        OptionError
            If the user gives data, whose truth is unknown, or a cVAE, which has one basis set.
        """
        if self.options["data"] is not None:
            raise OptionError(
                "--architecture start learns from simulated spectra with labels; leave --data out."
            )
        if self.options["augment_with"] is not None:
            raise OptionError("--architecture start learns from all basis sets; leave --augment_with out.")
        rng = np.random.default_rng(self.options["seed"])
        return DataSplit(*(examples(n, rng) for n in set_sizes(self.options["samples"], _TESTED)))

    def new_network(self, sets: DataSplit[StartExamples]) -> tuple[StartNetwork, dict[str, Any]]:
        """Return a network with random weights; it has one size."""
        with torch.random.fork_rng():
            torch.manual_seed(self.options["seed"])
            network: Any = self.entry.build()
        return network, {}

    def tensors(
        self, network: StartNetwork, sets: DataSplit[StartExamples]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return spectra, acquisition and truth of the training and the validation examples."""
        return _tensors(sets.training), _tensors(sets.validation)

    def name(self, network: StartNetwork, sets: DataSplit[StartExamples]) -> str:
        """Return the name of the one package, for every field."""
        return NAME

    def scores(self, network: StartNetwork, sets: DataSplit[StartExamples]) -> tuple[Score, ...]:
        """Return errors, and how they compare with the network's own SDs."""
        return start_scores(network, sets.test)

    def scope(self, network: StartNetwork, sets: DataSplit[StartExamples]) -> Scope:
        """Return the channels, and the valid range: 1H, from 3 T to 9.4 T."""
        spectrum = Channel(
            "spectrum",
            "frequency",
            ("batch", "2", str(GRID_POINTS)),
            f"{GRID_PPM[0]:g} to {GRID_PPM[1]:g} ppm",
            "over the largest magnitude, apodised by 0.5 Hz/T",
        )
        acquisition = Channel(
            "acquisition", "parameter", ("batch", "3"), "logarithms", "of field, dwell time, duration"
        )
        outputs = tuple(
            Channel(f"{name}, mean and SD", "parameter", ("batch", "2"), unit)
            for name, unit in zip(SCALES, _UNITS, strict=True)
        )
        valid = ValidRange(
            nucleus="1H",
            spectrometer_frequency_mhz=(115.0, 410.0),
            dwelltime_s=(5e-5, 7e-4),
            duration_s=(0.25, 1e3),
            shift_hz=(-SHIFT_PPM * 123, SHIFT_PPM * 123),
            phase_deg=(-180.0, 180.0),
            linewidth_hz=(0.0, 3 * GAMMA_HZ_PER_T[1]),
        )
        return Scope((spectrum, acquisition), outputs, valid)


def _tensors(part: StartExamples) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(values) for values in (part.inputs, part.acquisition, part.truth))


@torch.no_grad()
def start_scores(network: StartNetwork, test: StartExamples) -> tuple[Score, ...]:
    """Return the RMSE of each parameter, and its errors over the SDs that the network gives.

    Parameters
    ----------
    network : StartNetwork
        In evaluation mode.
    test : StartExamples

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
