"""Trains a quantification network and makes its package: data, network, loop, evaluation, card."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.card import Card, Channel, Score, ValidRange
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.package import load, package_name
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.train.loop import VALIDATION, Outcome, Report, Settings, fit, set_sizes
from fsl_mrs_dl.train.own_spectra import augmented, read_spectra
from fsl_mrs_dl.train.quantification_data import NoiseKind, Spectra, basis_of, simulated
from fsl_mrs_dl.train.quantification_evaluation import scores
from fsl_mrs_dl.train.writing import recipe

PHYSICAL = ("dq-nmm", "dq-pmm", "dq-rpmm")
"""Architectures that this module trains."""
_TESTED = 1000
_FIELD_SHARE = 0.04  # scanners of one nominal field; they are read in ppm
_USE = (
    "Quantifying averaged, water-suppressed spectra of the valid range with the basis set it was trained on, and "
    "as the start of the fit."
)
_NOT = "Diagnosis; other sequences or echo times; spectra with residual water or lipid; a fit's uncertainty."


@dataclasses.dataclass(frozen=True, eq=False)
class Sets:
    """Spectra to train on, to stop by, and to judge by."""

    training: Spectra
    validation: Spectra
    test: Spectra


def make_sets(
    files: tuple[Path, ...] | None, basis: Basis, prior: str, noise: NoiseKind, samples: int, seed: int
) -> Sets:
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
    Sets
        The test set is simulated either way, for of measured spectra nobody knows the truth.
    """
    rng = np.random.default_rng(seed)
    n_training, n_validation, n_test = set_sizes(samples, _TESTED)
    if files is None:
        counts = (n_training, n_validation, n_test)
        return Sets(*(simulated(basis, prior, noise, n, rng) for n in counts))
    learned, stopped = read_spectra(files, basis).split(VALIDATION, rng)
    return Sets(
        augmented(learned, basis, prior, n_training, rng),
        augmented(stopped, basis, prior, n_validation, rng),
        simulated(basis, prior, noise, n_test, rng),
    )


def new_network(
    architecture: str, data: Spectra, seed: int, **more: Any
) -> tuple[QuantificationNetwork, dict[str, Any]]:
    """Return a network with random weights and the basis set of some data, and its config."""
    basis = data.basis
    config: dict[str, Any] = {
        "names": list(basis.names),
        "n_points": data.fids.shape[1],
        "dwelltime_s": basis.dwelltime_s,
        "spectrometer_frequency_mhz": basis.spectrometer_frequency_mhz,
        "expected": dataclasses.asdict(data.expected),
        **more,
    }
    used = basis
    if architecture != "dq-nmm":
        kept = [i for i, name in enumerate(basis.names) if name != "Mac" and not name.startswith("MM")]
        used = dataclasses.replace(basis, fids=basis.fids[kept], names=tuple(basis.names[i] for i in kept))
        spans = [data.expected.amplitudes[i] for i in kept]
        config |= {"names": list(used.names), "expected": dict(config["expected"], amplitudes=spans)}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network: Any = CATALOGUE[architecture].build(**config)
    network.set_basis(used)
    return network, config


def started(init: str, architecture: str, data: Spectra) -> tuple[QuantificationNetwork, dict[str, Any]]:
    """Return the network of a package to train on, and its config.

    Raises
    ------
    ModelError
        If it is of another architecture or of other metabolites.
    """
    model = load(init)
    if model.card.architecture != architecture:
        raise ModelError(
            f"--init {init} is a {model.card.architecture}, not a {architecture}; give the same."
        )
    network: Any = model.network
    if not set(network.names) <= set(data.basis.names):
        raise ModelError(
            f"--init {init} is for {', '.join(network.names)}, the basis set has {', '.join(data.basis.names)}; "
            "take the basis set of that package."
        )
    return network, dict(model.card.config)


def train_on(
    network: QuantificationNetwork, sets: Sets, settings: Settings, report: Report | None = None
) -> Outcome:
    """Train a network in place on the sets, without labels.

    Raises
    ------
    OptionError
        If the loss is not a number after the first epoch.
    """
    training, validation = (channels(part.fids) for part in (sets.training, sets.validation))
    outcome = fit(network, (training,), (validation,), settings, report)
    if not np.isfinite(outcome.best):
        raise OptionError(f"The training diverged at --lr {settings.lr:g}; take a smaller one.")
    return outcome


def name_of(architecture: str, basis: Basis) -> str:
    """Return the name of a package: task, architecture, sequence where it is a shipped set, nucleus, field."""
    which = architecture if not basis.name else f"{architecture}-{basis.name.split('_')[0]}"
    return package_name("quantify", which, basis.nucleus, basis.spectrometer_frequency_mhz)


def make_card(
    architecture: str,
    config: dict[str, Any],
    network: QuantificationNetwork,
    sets: Sets,
    *,
    name: str,
    version: str,
    command: str,
    seed: int,
    started_at: float,
    rows: tuple[Score, ...] | None = None,
) -> Card:
    """Return the card of a trained network, with its evaluation on the test set unless ``rows`` are given."""
    expected, basis = network.expected, sets.training.basis
    mhz, dwelltime_s = network.spectrometer_frequency_mhz, network.dwelltime_s
    duration_s = network.n_points * dwelltime_s
    widest = expected.gamma[1] / np.pi
    degrees = float(np.degrees(expected.phase_rad[1]))
    return Card(
        name=name,
        version=version,
        task="quantify",
        architecture=architecture,
        config=config,
        inputs=(
            Channel(
                "fid",
                "time",
                ("batch", "2", str(network.n_points)),
                f"points of {dwelltime_s:g} s",
                "over the largest magnitude" if network.scaled else "units of the basis set",
            ),
        ),
        outputs=(
            Channel("amplitudes", "parameter", ("batch", str(len(network.members))), "data over basis"),
            Channel("shift", "parameter", ("batch",), "Hz"),
            Channel("gamma", "parameter", ("batch",), "rad/s"),
            Channel("sigma", "parameter", ("batch",), "rad/s"),
            Channel("phase", "parameter", ("batch",), "rad"),
        ),
        valid=ValidRange(
            nucleus=basis.nucleus,
            spectrometer_frequency_mhz=(mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
            dwelltime_s=(dwelltime_s / 10, dwelltime_s * 2),
            duration_s=(duration_s, 1e3),
            shift_hz=expected.shift_hz,
            phase_deg=(-degrees, degrees),
            linewidth_hz=(0.0, float(widest)),
        ),
        recipe=recipe(command, seed, sets.training.said, sets.training.sha256, started_at),
        evaluation=scores(network, sets.test) if rows is None else rows,
        intended_use=_USE,
        refused_use=_NOT,
    )


__all__ = ["PHYSICAL", "Sets", "basis_of", "make_card", "make_sets", "new_network", "started", "train_on"]
