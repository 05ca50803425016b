"""Trains a registration network and makes its package: data, network, loop, evaluation, card."""

import time
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl import __version__
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.card import Card, Channel, Recipe, ValidRange
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.inputs import on_network_points, to_channels
from fsl_mrs_dl.models.package import load, package_name
from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork, SpectralRegistration
from fsl_mrs_dl.train.evaluation import scores
from fsl_mrs_dl.train.loop import Outcome, Report, Settings, fit
from fsl_mrs_dl.train.own_data import augmented, read_measured
from fsl_mrs_dl.train.references import average_reference, kmeans_reference
from fsl_mrs_dl.train.registration_data import Spread, Transients, simulated

N_POINTS = 512
_VALIDATION = 0.1
_TESTED = 2000
_FIELD_SHARE = 0.05
_LEAST_DURATION = 0.5
_SHORTEST = 0.1
_LEAST_BAND_PPM = 10.0
"""A receiver band that holds every metabolite, 0.4 to 8.9 ppm, within what resampling leaves alone."""
_USE = "Estimating shift and phase of single transients of the kind in the valid range, for averaging."
_NOT = (
    "Quantification, diagnosis, and spectra that were already averaged across a drift. On measured scans it can "
    "align worse than gn, the default of align, above all where residual water is taller than the metabolites."
)


@dataclass(frozen=True, eq=False)
class Sets:
    """Transients to train on, to stop by, and to judge by."""

    training: Transients
    validation: Transients
    test: Transients


def make_sets(
    files: tuple[Path, ...] | None, prior: str, signal: Path | None, spread: Spread, samples: int, seed: int
) -> Sets:
    """Simulate, or read and augment; the three sets share no noise, and no measured transient.

    Parameters
    ----------
    files : tuple of Path or None
        The user's own; None = simulate.
    prior, signal
        See :func:`~fsl_mrs_dl.train.registration_data.simulated`.
    spread : Spread
    samples : int
        Training and validation together, 9 to 1.
    seed : int

    Returns
    -------
    Sets
    """
    rng = np.random.default_rng(seed)
    n_validation = max(1, round(_VALIDATION * samples))
    n_test = min(_TESTED, samples)
    counts = (samples - n_validation, n_validation, n_test)
    if files is None:
        return Sets(*(simulated(prior, signal, spread, n, rng) for n in counts))
    first, judged = read_measured(files).split(_VALIDATION, rng)
    learned, stopped = first.split(_VALIDATION, rng)
    parts = zip((learned, stopped, judged), counts, strict=True)
    return Sets(*(augmented(part, spread, n, rng) for part, n in parts))


def new_network(
    architecture: str, data: Transients, spread: Spread, seed: int, **more: Any
) -> tuple[RegistrationNetwork, dict[str, Any]]:
    """Return a network with random weights for some data, and its config."""
    config: dict[str, Any] = {
        "n_points": N_POINTS,
        "dwelltime_s": data.dwelltime_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
    }
    if CATALOGUE[architecture].labels:
        config |= {"shift_scale_hz": spread.shift_hz, "phase_scale_rad": spread.phase_rad}
    else:
        config |= {"shift_scale_hz": spread.shift_hz / spread.phase_rad} | more
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CATALOGUE[architecture].build(**config), config  # type: ignore[return-value]


def started(init: str, architecture: str, data: Transients) -> tuple[RegistrationNetwork, dict[str, Any]]:
    """Return the network of a package to train on, and its config.

    Raises
    ------
    ModelError
        If it is of another architecture or field.
    """
    model = load(init)
    if model.card.architecture != architecture:
        raise ModelError(
            f"--init {init} is a {model.card.architecture}, not a {architecture}; give the same."
        )
    low, high = model.card.valid.spectrometer_frequency_mhz
    if not low <= data.spectrometer_frequency_mhz <= high:
        raise ModelError(
            f"--init {init} is for {low:g} to {high:g} MHz, the data have {data.spectrometer_frequency_mhz:g}; "
            "take a package of the same field."
        )
    return model.network, dict(model.card.config)  # type: ignore[return-value]


def tensors(network: RegistrationNetwork, data: Transients) -> tuple[Tensor, Tensor]:
    """Return inputs, shape (transient, 2, time), and truth, shape (transient, 2), in single precision."""
    fids = on_network_points(data.fids, data.dwelltime_s, network.n_points, network.dwelltime_s)
    inputs = torch.from_numpy(to_channels(fids)).to(torch.float32)
    return inputs, torch.from_numpy(data.truth).to(torch.float32)


def give_reference(network: RegistrationNetwork, data: Transients, reference: str, spread: Spread) -> None:
    """Choose the reference of dSR and dSRF from the training data; other networks have none."""
    if not isinstance(network, SpectralRegistration):
        return
    published = reference == "kmeans"
    fid = data.fids[kmeans_reference(data)] if published else average_reference(data, spread.shift_hz)
    points = on_network_points(fid[None], data.dwelltime_s, network.n_points, network.dwelltime_s)
    network.set_reference(points[0].astype(np.complex64))


def train_on(
    network: RegistrationNetwork,
    sets: Sets,
    settings: Settings,
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> Outcome:
    """Train a network in place on the sets; see :func:`fsl_mrs_dl.train.loop.fit`.

    Raises
    ------
    OptionError
        If the loss is not a number after the first epoch.
    """
    training, validation = tensors(network, sets.training), tensors(network, sets.validation)
    outcome = fit(network, training, validation, settings, report, checkpoint)
    if not np.isfinite(outcome.best):
        raise OptionError(f"The training diverged at --lr {settings.lr:g}; take a smaller one.")
    return outcome


def name_of(architecture: str, network: RegistrationNetwork, nucleus: str) -> str:
    """Return the name of a network's package."""
    return package_name("align", architecture, nucleus, network.spectrometer_frequency_mhz)


def make_card(
    architecture: str,
    config: dict[str, Any],
    network: RegistrationNetwork,
    sets: Sets,
    spread: Spread,
    *,
    version: str,
    command: str,
    seed: int,
    started_at: float,
) -> Card:
    """Return the card of a trained network, its evaluation on the test set included."""
    data = sets.training
    mhz, dwelltime_s = network.spectrometer_frequency_mhz, network.dwelltime_s
    batch = "batch"
    duration_s = N_POINTS * dwelltime_s
    return Card(
        name=name_of(architecture, network, data.nucleus),
        version=version,
        task="align",
        architecture=architecture,
        config=config,
        inputs=(
            Channel(
                "fid",
                "time",
                (batch, "2", str(N_POINTS)),
                f"points of {dwelltime_s:g} s",
                "real and imaginary part over the largest magnitude; other dwell times and lengths resampled",
            ),
        ),
        outputs=(
            Channel("shift", "parameter", (batch,), "Hz"),
            Channel("phase", "parameter", (batch,), "rad"),
        ),
        valid=ValidRange(
            nucleus=data.nucleus,
            spectrometer_frequency_mhz=(mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
            dwelltime_s=(dwelltime_s * _SHORTEST, max(dwelltime_s, 1 / (_LEAST_BAND_PPM * mhz))),
            duration_s=(duration_s * _LEAST_DURATION, 1e3),
            snr_t0=data.snr_t0,
            shift_hz=(-spread.shift_hz, spread.shift_hz),
            phase_deg=(-float(np.degrees(spread.phase_rad)), float(np.degrees(spread.phase_rad))),
            linewidth_hz=data.linewidth_hz,
        ),
        recipe=Recipe(
            command=command,
            seed=seed,
            data=f"{len(data.fids)} transients: {data.said}",
            data_sha256=data.sha256,
            hours=round((time.monotonic() - started_at) / 3600, 4),
            device="cuda" if torch.cuda.is_available() else "cpu",
            software={"fsl_mrs_dl": __version__, "torch": version_of("torch")},
        ),
        evaluation=scores(network, sets.test),
        intended_use=_USE,
        refused_use=_NOT,
    )
