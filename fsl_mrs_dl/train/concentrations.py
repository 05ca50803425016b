"""Trains the cVAE: spectra of drawn concentrations."""

from typing import Any

import numpy as np
from torch import Tensor

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.package import package_name
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.train.loop import set_sizes
from fsl_mrs_dl.train.synthesis import new_network, tensors
from fsl_mrs_dl.train.synthesis_data import (
    PHASE_RAD,
    RATE,
    SHIFT_HZ,
    LabelledSpectra,
    simulated_spectra,
    training_basis,
)
from fsl_mrs_dl.train.synthesis_evaluation import scores
from fsl_mrs_dl.train.training import DataSplit, Scope, Training
from fsl_mrs_dl.train.transients import INTENDED_USE, REFUSED_USE, sampling_range

N_TEST = 500
"""Spectra of the test set at most."""
_HIDDEN, _LATENT = (512, 256, 128), 16
"""Units of the layers, and latent numbers; the published ones are not known."""
_WARM_UP = 5
"""The divergence has its full weight after this part of all steps, 1 in 5."""


def make_sets(
    basis: str, metabolites: tuple[str, ...] | None, samples: int, seed: int
) -> DataSplit[LabelledSpectra]:
    """Simulate spectra to train on, to stop by and to judge by."""
    rng = np.random.default_rng(seed)
    chosen = training_basis(basis, metabolites)
    return DataSplit(*(simulated_spectra(chosen, n, rng) for n in set_sizes(samples, N_TEST)))


class ConcentrationsTraining(Training[DataSplit[LabelledSpectra], SynthesisNetwork]):
    """Trains a network that makes spectra of given concentrations."""

    intended_use, refused_use = INTENDED_USE, REFUSED_USE

    def make_sets(self) -> DataSplit[LabelledSpectra]:
        """Simulate spectra of one shipped basis set.

        Raises
        ------
        OptionError
            If the user gives data: their concentrations are unknown.
        """
        chosen = self.options
        if chosen["data"]:
            raise OptionError(
                "--data is for --architecture vae; a cvae needs concentrations, and those of data are unknown."
            )
        return make_sets(chosen["basis"], chosen["metabolites"], chosen["samples"], chosen["seed"])

    def new_network(self, sets: DataSplit[LabelledSpectra]) -> tuple[SynthesisNetwork, dict[str, Any]]:
        """Return a network with random layers and the signals of the training data, and its config."""
        settings = self.settings
        steps = settings.epochs * len(sets.training.fids) // settings.batch
        return new_network(
            sets.training,
            self.options["decoder"],
            settings.seed,
            latent=_LATENT,
            hidden=_HIDDEN,
            beta=1.0,
            warm_up=max(1, steps // _WARM_UP),
        )

    def tensors(
        self, network: SynthesisNetwork, sets: DataSplit[LabelledSpectra]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return coefficients and concentrations of the training and the validation spectra."""
        training, validation = (
            network.examples(*tensors(part.fids, part.amounts)) for part in (sets.training, sets.validation)
        )
        return training, validation

    def finish(self, network: SynthesisNetwork, training: tuple[Tensor, ...]) -> None:
        """Store mean and covariance of the latent numbers of the training data."""
        network.store_latent_moments(*training[:2])

    def name(self, network: SynthesisNetwork, sets: DataSplit[LabelledSpectra]) -> str:
        """Return the name of the package: the sequence, and the metabolites where they were chosen."""
        basis = sets.training.basis
        which = basis.name.split("_")[0]
        if self.options["metabolites"]:
            which += "-" + "-".join(name.lower() for name in basis.names)
        return package_name(
            "synthesise", f"{self.entry.name}-{which}", basis.nucleus, basis.spectrometer_frequency_mhz
        )

    def scores(self, network: SynthesisNetwork, sets: DataSplit[LabelledSpectra]) -> tuple[Score, ...]:
        """Return errors of test spectra and of requested concentrations."""
        return scores(network, sets.test, self.options["seed"])

    def scope(self, network: SynthesisNetwork, sets: DataSplit[LabelledSpectra]) -> Scope:
        """Return the channels, and the valid range: the sampling, and the parameters of the training data."""
        low, high = network.lowest.numpy(), network.highest.numpy()
        spans = ", ".join(f"{m} {a:.3g}-{b:.3g}" for m, a, b in zip(network.names, low, high, strict=True))
        degrees = float(np.degrees(PHASE_RAD))
        latent = Channel("latent", "parameter", ("batch", str(network.latent)), "1", "standard normal")
        amounts = Channel(
            "concentrations", "parameter", ("batch", str(len(network.names))), f"basis set; {spans}"
        )
        fid = Channel("fid", "time", ("batch", str(network.n_points)), "basis set")
        valid = ValidRange(
            **sampling_range(network, sets.training.basis.nucleus),
            shift_hz=(-SHIFT_HZ, SHIFT_HZ),
            phase_deg=(-degrees, degrees),
            linewidth_hz=(0.0, RATE / np.pi),
        )
        return Scope((latent, amounts), (fid,), valid)
