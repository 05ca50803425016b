"""Trains networks that quantify with a physics decoder, without labels: spectra of one basis set."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.catalogue import CatalogueEntry
from fsl_mrs_dl.models.package import Model, package_name
from fsl_mrs_dl.models.quantification import Expected, QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.train.augmentation import spectra_with
from fsl_mrs_dl.train.loop import VALIDATION, set_sizes
from fsl_mrs_dl.train.own_spectra import augmented, read_spectra
from fsl_mrs_dl.train.quantification_data import NoiseKind, Spectra, basis_of, simulated
from fsl_mrs_dl.train.quantification_evaluation import scores
from fsl_mrs_dl.train.training import DataSplit, Scope, Training

_TESTED = 1000
"""Spectra of the test set at most; each is fitted too, for the baseline of the card."""
_FIELD_SHARE = 0.04  # scanners of one nominal field; they are read in ppm


def make_sets(
    files: tuple[Path, ...] | None, basis: Basis, prior: str, noise: NoiseKind, samples: int, seed: int
) -> DataSplit[Spectra]:
    """Simulate, or read and augment; the sets share no noise and no measured spectrum.

    Parameters
    ----------
    files : tuple of Path or None
        The user's own; None = simulate.
    basis : Basis
        From :func:`~fsl_mrs_dl.train.quantification_data.basis_of`.
    prior, noise
        See :func:`~fsl_mrs_dl.train.quantification_data.simulated`.
    samples : int
        Training and validation together, 9 to 1.
    seed : int

    Returns
    -------
    DataSplit
        The test set is always simulated, because the truth of measured spectra is unknown.
    """
    rng = np.random.default_rng(seed)
    n_training, n_validation, n_test = set_sizes(samples, _TESTED)
    if files is None:
        counts = (n_training, n_validation, n_test)
        return DataSplit(*(simulated(basis, prior, noise, n, rng) for n in counts))
    learned, stopped = read_spectra(files, basis).split(VALIDATION, rng)
    return DataSplit(
        augmented(learned, basis, prior, n_training, rng),
        augmented(stopped, basis, prior, n_validation, rng),
        simulated(basis, prior, noise, n_test, rng),
    )


def new_network(
    entry: CatalogueEntry, data: Spectra, seed: int, **layers: Any
) -> tuple[QuantificationNetwork, dict[str, Any]]:
    """Return a network with random weights and the basis set of some data, and its config.

    Parameters
    ----------
    entry : CatalogueEntry
        One with lines of its own for macromolecules gets the basis set without them.
    data : Spectra
    seed : int
    **layers
        Of :class:`~fsl_mrs_dl.models.quantification.QuantificationNetwork`.
    """
    basis, expected = data.basis, dataclasses.asdict(data.expected)
    if entry.fixed.get("lines"):
        rows = [i for i, name in enumerate(basis.names) if name != "Mac" and not name.startswith("MM")]
        fids, names = basis.fids[rows], tuple(basis.names[i] for i in rows)
        basis = dataclasses.replace(basis, fids=fids, names=names)
        expected["amplitudes"] = [data.expected.amplitudes[i] for i in rows]
    config: dict[str, Any] = {
        "names": list(basis.names),
        "n_points": data.fids.shape[1],
        "dwelltime_s": basis.dwelltime_s,
        "spectrometer_frequency_mhz": basis.spectrometer_frequency_mhz,
        "expected": expected,
        **layers,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: Any = entry.build(**config)
    network.set_basis(basis)
    return network, config


class AmplitudesTraining(Training[DataSplit[Spectra], QuantificationNetwork]):
    """Trains a network that gives amplitudes, shift, lineshape and phase with one basis set."""

    intended_use = (
        "Quantifying averaged, water-suppressed spectra of the valid range with the basis set it was trained "
        "on, and as the start of the fit."
    )
    refused_use = (
        "Diagnosis; other sequences or echo times; spectra with residual water or lipid; a fit's uncertainty."
    )

    def make_sets(self) -> DataSplit[Spectra]:
        """Simulate spectra, or read and augment the user's own, with half of a cVAE's if asked for."""
        chosen = self.options
        basis = basis_of(chosen["basis"], chosen["prior"])
        sets = make_sets(
            chosen["data"], basis, chosen["prior"], chosen["noise"], chosen["samples"], chosen["seed"]
        )
        if chosen["augment_with"] is None:
            return sets
        mixed = spectra_with(sets.training, chosen["augment_with"], chosen["seed"])
        return dataclasses.replace(sets, training=mixed)

    @property
    def layers(self) -> dict[str, Any]:
        """The options that shape the network, and whether spectra are scaled on the way in.

        Simulated as published, they have the unit of the basis set; measured ones have any.
        """
        scaled = self.options["prior"] != "dq" or self.options["data"] is not None
        return {**super().layers, "scaled": scaled}

    def new_network(self, sets: DataSplit[Spectra]) -> tuple[QuantificationNetwork, dict[str, Any]]:
        """Return a network with random weights and the basis set of the training data, and its config."""
        return new_network(self.entry, sets.training, self.options["seed"], **self.layers)

    def check_start(self, model: Model, sets: DataSplit[Spectra]) -> None:
        """Refuse a package of metabolites that the basis set does not have."""
        network: Any = model.network
        names = sets.training.basis.names
        if not set(network.names) <= set(names):
            raise ModelError(
                f"--init {self.options['init']} is for {', '.join(network.names)}, the basis set has "
                f"{', '.join(names)}; take the basis set of that package."
            )

    def tensors(
        self, network: QuantificationNetwork, sets: DataSplit[Spectra]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return the channels of the training and the validation spectra."""
        return (channels(sets.training.fids),), (channels(sets.validation.fids),)

    def name(self, network: QuantificationNetwork, sets: DataSplit[Spectra]) -> str:
        """Return the name of the package: architecture, sequence of a shipped basis set, nucleus, field."""
        return basis_package_name(self.entry.name, sets.training.basis)

    def scores(self, network: QuantificationNetwork, sets: DataSplit[Spectra]) -> tuple[Score, ...]:
        """Return R2 of each metabolite on the test spectra."""
        return scores(network, sets.test)

    def scope(self, network: QuantificationNetwork, sets: DataSplit[Spectra]) -> Scope:
        """Return the channels, and the valid range: the field, and the parameters of the training data."""
        axes = (network.n_points, network.dwelltime_s, network.spectrometer_frequency_mhz)
        fid = Channel(
            "fid",
            "time",
            ("batch", "2", str(network.n_points)),
            f"points of {network.dwelltime_s:g} s",
            "over the largest magnitude" if network.scaled else "units of the basis set",
        )
        outputs = (
            Channel("amplitudes", "parameter", ("batch", str(len(network.members))), "data over basis"),
            Channel("shift", "parameter", ("batch",), "Hz"),
            Channel("gamma", "parameter", ("batch",), "rad/s"),
            Channel("sigma", "parameter", ("batch",), "rad/s"),
            Channel("phase", "parameter", ("batch",), "rad"),
        )
        valid = spectra_range(sets.training.basis.nucleus, network.expected, *axes)
        return Scope((fid,), outputs, valid)


def basis_package_name(architecture: str, basis: Basis) -> str:
    """Return the name of a package: architecture, sequence of a shipped basis set, nucleus, field."""
    which = architecture if not basis.name else f"{architecture}-{basis.name.split('_')[0]}"
    return package_name("quantify", which, basis.nucleus, basis.spectrometer_frequency_mhz)


def spectra_range(
    nucleus: str, expected: Expected, n_points: int, dwelltime_s: float, mhz: float
) -> ValidRange:
    """Return the valid range of a network that was trained on spectra of one basis set.

    Parameters
    ----------
    nucleus : str
    expected : Expected
        Where the parameters of the training data lie.
    n_points : int
        Of the network.
    dwelltime_s, mhz : float
        Of the network, in s and MHz.
    """
    degrees = float(np.degrees(expected.phase_rad[1]))
    return ValidRange(
        nucleus=nucleus,
        spectrometer_frequency_mhz=(mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
        dwelltime_s=(dwelltime_s / 10, dwelltime_s * 2),
        duration_s=(n_points * dwelltime_s, 1e3),
        shift_hz=expected.shift_hz,
        phase_deg=(-degrees, degrees),
        linewidth_hz=(0.0, float(expected.gamma[1] / np.pi)),
    )
