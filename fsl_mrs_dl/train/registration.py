"""Trains registration networks: transients, their true shift and phase, and the reference of some."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.inputs import on_network_points, to_channels
from fsl_mrs_dl.models.package import Model, load, package_name
from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork, SpectralRegistration
from fsl_mrs_dl.models.registration_likelihood import ShiftProbabilities
from fsl_mrs_dl.train.augmentation import transients_with
from fsl_mrs_dl.train.evaluation import failures, scores
from fsl_mrs_dl.train.loop import VALIDATION, Stream, set_sizes
from fsl_mrs_dl.train.own_data import augmented, read_measured
from fsl_mrs_dl.train.references import average_reference, kmeans_reference
from fsl_mrs_dl.train.registration_data import Spread, Transients, default_spread, simulated
from fsl_mrs_dl.train.registration_world import SEQUENCES, TRANSIENTS, World
from fsl_mrs_dl.train.training import DataSplit, Scope, Training

N_POINTS = 512
"""Points of the FID that a network reads, as published (doi:10.1002/mrm.29498)."""
_TESTED = 2000
"""Transients of the test set at most."""
_FIELD_SHARE = 0.05
"""Half of the valid range of the spectrometer frequency, relative: scanners of one nominal field."""
_LEAST_DURATION = 0.5
"""Shortest valid FID, over the duration that the network reads; the rest is filled with zeros. Networks that
project water out need all of it: of a line that ends early more is left."""
_SHORTEST = 0.1
"""Shortest valid dwell time over the network's; data of a wider band are filtered first."""
_LEAST_BAND_PPM = 10.0
"""Narrowest valid receiver band, in ppm: with all metabolites inside what resampling leaves unchanged."""


def make_sets(
    files: tuple[Path, ...] | None, prior: str, signal: Path | None, spread: Spread, samples: int, seed: int
) -> DataSplit[Transients]:
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
    DataSplit
    """
    rng = np.random.default_rng(seed)
    counts = set_sizes(samples, _TESTED)
    if prior in SEQUENCES and files is None:
        world = World.of(prior, N_POINTS, spread)
        return DataSplit(*(world.transients(n, rng) for n in (_TESTED, _TESTED, _TESTED)))
    if files is None:
        return DataSplit(*(simulated(prior, signal, spread, n, rng) for n in counts))
    first, judged = read_measured(files).split(VALIDATION, rng)
    learned, stopped = first.split(VALIDATION, rng)
    parts = zip((learned, stopped, judged), counts, strict=True)
    return DataSplit(*(augmented(part, spread, n, rng) for part, n in parts))


def tensors(network: RegistrationNetwork, data: Transients) -> tuple[Tensor, Tensor]:
    """Return inputs, shape (transient, 2, time), and truth, shape (transient, 2), in single precision."""
    fids = on_network_points(data.fids, data.dwelltime_s, network.n_points, network.dwelltime_s)
    inputs = torch.from_numpy(to_channels(fids)).to(torch.float32)
    return inputs, torch.from_numpy(data.truth).to(torch.float32)


class RegistrationTraining(Training[DataSplit[Transients], RegistrationNetwork]):
    """Trains a network that estimates shift and phase of transients, with labels or without."""

    intended_use = (
        "Estimating shift and phase of single transients of the kind in the valid range, for averaging."
    )
    refused_use = (
        "Quantification, diagnosis, and spectra that were already averaged across a drift. On measured scans it "
        "can align worse than gn, the default of align, above all where residual water is taller than the "
        "metabolites."
    )

    @property
    def spread(self) -> Spread:
        """Ranges of shift and phase: of the options, else as published or the capture range of ``align``."""
        chosen = self.options
        spread = default_spread("deepfpc" if chosen["data"] else chosen["prior"], chosen["nuisance"])
        if chosen["shift_hz"] is not None:
            spread = replace(spread, shift_hz=chosen["shift_hz"])
        if chosen["phase_deg"] is not None:
            spread = replace(spread, phase_rad=math.radians(chosen["phase_deg"]))
        return spread

    def make_sets(self) -> DataSplit[Transients]:
        """Simulate transients, or read and augment the user's own, with half of a cVAE's if asked for."""
        chosen, spread = self.options, self.spread
        sets = make_sets(
            chosen["data"], chosen["prior"], chosen["signal"], spread, chosen["samples"], chosen["seed"]
        )
        if chosen["augment_with"] is None:
            return sets
        mixed = transients_with(sets.training, chosen["augment_with"], spread, chosen["seed"])
        return replace(sets, training=mixed)

    def new_network(self, sets: DataSplit[Transients]) -> tuple[RegistrationNetwork, dict[str, Any]]:
        """Return a network with random weights for the sampling of the training data, and its config."""
        data, spread = sets.training, self.spread
        config: dict[str, Any] = {
            "n_points": N_POINTS,
            "dwelltime_s": data.dwelltime_s,
            "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
        }
        if self.options["loss"] == "likelihood":
            config |= {"max_shift_hz": spread.shift_hz}
        elif self.entry.labels:
            config |= {"shift_scale_hz": spread.shift_hz, "phase_scale_rad": spread.phase_rad}
        else:
            config |= {"shift_scale_hz": spread.shift_hz / spread.phase_rad}
        config |= self.layers
        with torch.random.fork_rng():
            torch.manual_seed(self.options["seed"])
            network: Any = self.entry.build(**config)
        return network, config

    def check_start(self, model: Model, sets: DataSplit[Transients]) -> None:
        """Refuse a package of another field."""
        low, high = model.card.valid.spectrometer_frequency_mhz
        mhz = sets.training.spectrometer_frequency_mhz
        if not low <= mhz <= high:
            raise ModelError(
                f"--init {self.options['init']} is for {low:g} to {high:g} MHz, the data have {mhz:g}; take a "
                "package of the same field."
            )

    def started(self, sets: DataSplit[Transients]) -> tuple[RegistrationNetwork, dict[str, Any]]:
        """Return the network of ``--init``; with the loss of the likelihood, also of another architecture.

        All networks of that loss have one encoder, which is then taken over.
        """
        model = load(self.options["init"])
        if self.options["loss"] == "published" or model.card.config.get("loss") != "likelihood":
            return super().started(sets)
        self.check_start(model, sets)
        network, config = self.new_network(sets)
        learned, encoder = model.network, network
        assert isinstance(learned, ShiftProbabilities)
        assert isinstance(encoder, ShiftProbabilities)
        encoder.encoder.load_state_dict(learned.encoder.state_dict())
        return network, config

    def prepare(self, network: RegistrationNetwork, sets: DataSplit[Transients]) -> None:
        """Choose the reference of dSR and dSRF from the training data; other networks have none."""
        if isinstance(network, ShiftProbabilities) and network.lines:
            return
        if not isinstance(network, SpectralRegistration | ShiftProbabilities):
            return
        data = sets.training
        if data.references is not None and isinstance(network, ShiftProbabilities):
            network.set_reference(data.references.mean(axis=0))
            return
        published = self.options["reference"] == "kmeans"
        fid = (
            data.fids[kmeans_reference(data)] if published else average_reference(data, self.spread.shift_hz)
        )
        points = on_network_points(fid[None], data.dwelltime_s, network.n_points, network.dwelltime_s)
        network.set_reference(points[0].astype(np.complex64))

    def tensors(
        self, network: RegistrationNetwork, sets: DataSplit[Transients]
    ) -> tuple[tuple[Tensor, ...] | Stream, tuple[Tensor, ...]]:
        """Return channels, and truth or probabilities, of the training and the validation transients."""
        validation = self._rows(network, sets.validation)
        if self.options["prior"] not in SEQUENCES or self.options["data"] is not None:
            return self._rows(network, sets.training), validation
        world = World.of(self.options["prior"], N_POINTS, self.spread)
        n_scans = max(1, self.options["batch"] // TRANSIENTS)

        def draw(rng: np.random.Generator) -> tuple[Tensor, ...]:
            return self._rows(network, world.transients(n_scans * TRANSIENTS, rng))

        return Stream(draw, max(1, self.options["samples"] // (n_scans * TRANSIENTS))), validation

    def _rows(self, network: RegistrationNetwork, data: Transients) -> tuple[Tensor, Tensor]:
        """Return the channels of transients, and what their loss compares with."""
        inputs, truth = tensors(network, data)
        if not isinstance(network, ShiftProbabilities):
            return inputs, truth
        own = None if data.references is None else torch.from_numpy(to_channels(data.references))
        where = network.shifts_hz.device
        if own is not None:
            return inputs, network.odds(inputs.to(where), own.to(where))
        blocks = torch.split(inputs.to(where), _TESTED)
        return inputs, torch.cat([network.odds(block) for block in blocks])

    def name(self, network: RegistrationNetwork, sets: DataSplit[Transients]) -> str:
        """Return the name of the package: architecture, nucleus and field."""
        return package_name(
            "align", self.entry.name, sets.training.nucleus, network.spectrometer_frequency_mhz
        )

    def scores(self, network: RegistrationNetwork, sets: DataSplit[Transients]) -> tuple[Score, ...]:
        """Return precision, R2 and similarity index on the test transients, and failures where SDs hold them."""
        rows = scores(network, sets.test)
        if sets.test.references is not None:  # transients of many scans are not alike
            rows = rows[:-1]
        return (*rows, failures(network, sets.test)) if isinstance(network, ShiftProbabilities) else rows

    def data_words(self, sets: DataSplit[Transients]) -> str:
        """Return a description of the training data, for the card."""
        return f"{len(sets.training.fids)} transients: {sets.training.description}"

    def scope(self, network: RegistrationNetwork, sets: DataSplit[Transients]) -> Scope:
        """Return the channels, and the valid range: the field, and shifts and phases of the training data."""
        data, spread = sets.training, self.spread
        mhz, dwelltime_s = network.spectrometer_frequency_mhz, network.dwelltime_s
        duration_s, degrees = N_POINTS * dwelltime_s, float(np.degrees(spread.phase_rad))
        least = 1.0 if isinstance(network, ShiftProbabilities) else _LEAST_DURATION
        fid = Channel(
            "fid",
            "time",
            ("batch", "2", str(N_POINTS)),
            f"points of {dwelltime_s:g} s",
            "real and imaginary part over the largest magnitude; other dwell times and lengths resampled",
        )
        valid = ValidRange(
            nucleus=data.nucleus,
            spectrometer_frequency_mhz=(mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
            dwelltime_s=(dwelltime_s * _SHORTEST, max(dwelltime_s, 1 / (_LEAST_BAND_PPM * mhz))),
            duration_s=(duration_s * least, 1e3),
            snr_t0=data.snr_t0,
            shift_hz=(-spread.shift_hz, spread.shift_hz),
            phase_deg=(-degrees, degrees),
            linewidth_hz=data.linewidth_hz,
        )
        shift, phase = (
            Channel(name, "parameter", ("batch",), unit) for name, unit in (("shift", "Hz"), ("phase", "rad"))
        )
        return Scope((fid,), (shift, phase), valid)
