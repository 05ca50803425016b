"""Trains the network that sets the penalty of ``reconstruct``, and calibrates it by the error of FIDs."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.reconstruction import RATIOS, largest_line, near_noise, noise_penalty
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.reconstruction import GRID_POINTS, GRID_PPM, SparsityVAE
from fsl_mrs_dl.train.loop import LossCurve, Report, Settings, set_sizes
from fsl_mrs_dl.train.reconstruction_calibration import best_factors, curves_of, oracle_ratio, rms_error
from fsl_mrs_dl.train.reconstruction_data import DURATION_S, SNR_F, ReconstructionExamples, examples
from fsl_mrs_dl.train.training import DataSplit, Scope, Training

NAME = "reconstruct-asds-vae-1h-3t"
_TESTED = 400  # spectra that calibrate, and as many that judge: each is reconstructed at 16 penalties


class ReconstructionTraining(Training[DataSplit[ReconstructionExamples], SparsityVAE]):
    """Trains the variational autoencoder whose posterior variance sets the penalty."""

    intended_use = (
        "The weight of sparsity in reconstruct, for 1H spectra of the brain with an SNR_f of "
        f"{SNR_F[0]:g} to {SNR_F[1]:g}."
    )
    refused_use = "Quantification, or generation of spectra; nuclei other than 1H; edited spectra."

    def make_sets(self) -> DataSplit[ReconstructionExamples]:
        """Simulate spectra of several basis sets.

        Raises
        ------
        OptionError
            If the user gives data: their noise and their truth are unknown.
        """
        if self.options["data"] is not None:
            raise OptionError("--architecture asds-vae learns from simulated spectra; leave --data out.")
        rng = np.random.default_rng(self.options["seed"])
        n_training, n_validation, n_test = set_sizes(self.options["samples"], _TESTED)
        return DataSplit(
            examples(n_training, rng),
            examples(min(n_validation, _TESTED), rng, keep=True),
            examples(n_test, rng, keep=True),
        )

    def new_network(self, sets: DataSplit[ReconstructionExamples]) -> tuple[SparsityVAE, dict[str, Any]]:
        """Return a network with random weights; it has one size."""
        with torch.random.fork_rng():
            torch.manual_seed(self.options["seed"])
            network: Any = self.entry.build()
        return network, {}

    def tensors(
        self, network: SparsityVAE, sets: DataSplit[ReconstructionExamples]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return spectra, noise and independent bins of the training and the validation examples."""
        return tensors(sets.training), tensors(sets.validation)

    def fit(
        self,
        network: SparsityVAE,
        sets: DataSplit[ReconstructionExamples],
        settings: Settings,
        report: Report | None = None,
        checkpoint: Path | None = None,
    ) -> LossCurve:
        """Train a network in place, and calibrate it on the validation examples."""
        curve = super().fit(network, sets, settings, report, checkpoint)
        variance, part = network.posterior_variance(sets.validation.inputs), sets.validation
        network.calibrate(*best_factors(variance, part.independent / GRID_POINTS, curves_of(part)))
        return curve

    def name(self, network: SparsityVAE, sets: DataSplit[ReconstructionExamples]) -> str:
        """Return the name of the one package."""
        return NAME

    def scores(self, network: SparsityVAE, sets: DataSplit[ReconstructionExamples]) -> tuple[Score, ...]:
        """Return the error of reconstructed FIDs, and how the posterior variance goes with noise."""
        return reconstruction_scores(network, sets.test)

    def scope(self, network: SparsityVAE, sets: DataSplit[ReconstructionExamples]) -> Scope:
        """Return the channels, and the valid range: 1H, 3 T."""
        spectrum = Channel(
            "spectrum",
            "frequency",
            ("batch", "2", str(GRID_POINTS)),
            f"{GRID_PPM[0]:g} to {GRID_PPM[1]:g} ppm",
            "over the largest line of a unit atom; the highest point has phase zero",
        )
        variance = Channel("posterior variance", "parameter", ("batch",), "1")
        valid = ValidRange(
            nucleus="1H",
            spectrometer_frequency_mhz=(118.3, 128.2),
            dwelltime_s=(1.5e-4, 1e-3),
            duration_s=(DURATION_S[0], 1e3),
            echo_time_s=(0.028, 0.035),
            phase_deg=(-180.0, 180.0),
            shift_hz=(-2.5, 2.5),
            linewidth_hz=(1.7, 12.0),
        )
        return Scope((spectrum,), (variance,), valid)


def tensors(part: ReconstructionExamples) -> tuple[Tensor, ...]:
    """Return the arguments of the loss: spectra with and without noise, SD of the noise, independent bins."""
    return tuple(torch.from_numpy(v) for v in (part.inputs, part.clean, part.noise_sd, part.independent))


def reconstruction_scores(network: SparsityVAE, test: ReconstructionExamples) -> tuple[Score, ...]:
    """Return the rows of the card.

    Parameters
    ----------
    network : SparsityVAE
        Calibrated, in evaluation mode.
    test : ReconstructionExamples
        With their FIDs.
    """
    curves, n = curves_of(test), len(test.inputs)
    noise = np.concatenate(
        [
            noise_penalty(scan.operator, np.ones(len(scan.fids)))
            / largest_line(scan.operator, scan.fids[:, None])
            for scan in test.scans
        ]
    )
    fixed = min(rms_error(curves, np.full(n, ratio)) for ratio in RATIOS)
    variance = network.posterior_variance(test.inputs)
    chosen = rms_error(curves, near_noise(network.penalty_ratio(test.inputs, test.independent), noise))
    best = rms_error(curves, oracle_ratio(curves))
    rank = float(spearmanr(variance, 1 / test.snr_f)[0])
    metric, unit = f"error of reconstructed FIDs, SNR_f {SNR_F[0]:g} to {SNR_F[1]:g}", "relative"
    return (
        Score(metric, unit, chosen, fixed, "best fixed share", best, "oracle", n),
        Score(metric, unit, chosen, rms_error(curves, noise), "from the noise", best, "oracle", n),
        Score("rank correlation, variance and 1 / SNR_f", "1", rank, None, "", 1.0, "perfect", n),
    )
