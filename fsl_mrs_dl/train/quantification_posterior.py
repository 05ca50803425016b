"""Trains a learned posterior: parameters are drawn once, their FIDs and noise are made anew in every batch."""

import dataclasses

import numpy as np
import torch

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.models.quantification import Expected
from fsl_mrs_dl.models.quantification_posterior import PosteriorNetwork
from fsl_mrs_dl.train.loop import LossCurve, Report, Settings, fit, set_sizes


def train_posterior(
    basis: Basis,
    expected: Expected,
    noise_sd: tuple[float, float],
    samples: int,
    settings: Settings,
    report: Report | None = None,
) -> tuple[PosteriorNetwork, LossCurve]:
    """Train a network on spectra whose parameters are uniform in their expected ranges.

    Parameters
    ----------
    basis : Basis
        On the points of the FIDs.
    expected : Expected
        Without Gaussian width.
    noise_sd : tuple of float
        Least and most of a channel.
    samples : int
        Sets of parameters, training and validation together.
    settings : Settings
    report : callable, optional

    Returns
    -------
    network : PosteriorNetwork
        In evaluation mode.
    outcome : LossCurve
        Losses are negative log densities of phase, shift and damping in half ranges.
    """
    rng = np.random.default_rng(settings.seed)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        network = PosteriorNetwork(
            list(basis.names),
            basis.fids.shape[1],
            basis.dwelltime_s,
            basis.spectrometer_frequency_mhz,
            dataclasses.asdict(expected),
            noise_sd,
        )
    network.set_basis(basis)
    n_training, n_validation, _ = set_sizes(samples, 0)
    training, validation = (_drawn(expected, n, rng) for n in (n_training, n_validation))
    return network, fit(network, training, validation, settings, report)


def _drawn(expected: Expected, n: int, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    low, high = np.array(expected.amplitudes).T
    amplitudes = rng.uniform(low, high, (n, len(low)))
    ends = np.array([expected.shift_hz, expected.gamma, expected.phase_rad]).T
    shared = rng.uniform(ends[0], ends[1], (n, 3))
    values = (amplitudes, shared, rng.random(n))
    return tuple(torch.from_numpy(value.astype(np.float32)) for value in values)
