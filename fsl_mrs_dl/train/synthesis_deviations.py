"""Training data of the network of deviations: transients without average and water, in units of the noise."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eigh

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.models.synthesis_deviations import N_PHYSICS, DeviationNetwork, directions, split_parts
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.scores.spectra import SIGNAL_1H_PPM
from fsl_mrs_dl.simulate.measured_nuisance import SplitSet
from fsl_mrs_dl.train.synthesis_transients import TransientCollection

_MOST_COMPONENTS = 24
"""Largest number of components, whatever their eigenvalues."""
_DURATION_S = 0.15
"""Time in which there is signal, in s: lines of 10 Hz have decayed to a hundredth."""


def signal_subspace(data: MRSData) -> Complex:
    """Return orthonormal signals of the band and the time in which there is signal, shape (dimension, time).

    Waves 1 / T apart over the band (1H: all but the signal-free parts), which end softly at T = 0.15 s, where
    lines of 10 Hz have decayed to a hundredth. White noise has the same share in each: few hold little of it.
    """
    duration_s = min(_DURATION_S, data.n_points * data.dwelltime_s)
    step_hz = 1 / duration_s
    low, high = -0.5 / data.dwelltime_s, 0.5 / data.dwelltime_s
    if data.nucleus == "1H":
        places = (np.array(SIGNAL_1H_PPM) - data.reference_ppm) * data.spectrometer_frequency_mhz
        low, high = max(low, float(places[0])), min(high, float(places[1]))
    time_s = np.arange(data.n_points) * data.dwelltime_s
    window = np.where(time_s < duration_s, np.cos(0.5 * np.pi * np.minimum(time_s / duration_s, 1)), 0.0)
    waves = window * np.exp(2j * np.pi * np.arange(low, high, step_hz)[:, None] * time_s)
    subspace: Complex = np.linalg.qr(waves.T)[0].T
    return subspace


def deviation_components(deviations: Complex, subspace: Complex, most: int = _MOST_COMPONENTS) -> Complex:
    r"""Return the principal components of deviations that stand out of white noise, shape (component, time).

    Parameters
    ----------
    deviations : ndarray, complex, shape (transient, time)
        In units of the noise's SD a channel.
    subspace : ndarray, complex, shape (dimension, time)
        Where to look, orthonormal; see :func:`signal_subspace`.
    most : int

    Notes
    -----
    Of m transients in N dimensions, white noise of variance 2 (real and imaginary part) has eigenvalues up to
    :math:`2 (1 + \sqrt{N/m})^2` (Marchenko and Pastur 1967); larger ones are signal.
    """
    n = len(deviations)
    inside = deviations @ subspace.conj().T
    values, vectors = eigh(inside.T @ inside.conj() / n)
    edge = 2 * (1 + np.sqrt(len(subspace) / n)) ** 2
    standing_out = np.flatnonzero(values > edge)[::-1][:most]
    components: Complex = vectors[:, standing_out].T @ subspace
    return components


def deviation_network(
    transients: TransientCollection, seed: int, *, latent: int, hidden: Sequence[int]
) -> tuple[DeviationNetwork, dict[str, object], Real]:
    """Return a network of deviations with random layers, its config, and the coefficients to learn.

    Parameters
    ----------
    transients : TransientCollection
    seed : int
    latent : int
    hidden : sequence of int

    Returns
    -------
    tuple
        The coefficients have the shape (transient, 2 direction).
    """
    data = transients.data
    sets = [transients.fids[transients.sets == index] for index in np.unique(transients.sets)]
    sizes = [float(np.median(noise_sd(fids, data.ppm_axis, data.nucleus))) for fids in sets]
    nothing = np.zeros((0, data.n_points), dtype=np.complex128)
    splits = [SplitSet.of(fids, data, size) for fids, size in zip(sets, sizes, strict=True)]
    averages = [split.carrier for split in splits]
    units = [split.deviations / (size or 1.0) for split, size in zip(splits, sizes, strict=True)]
    rest = [
        unit - (unit @ physics.conj().T) @ physics
        for unit, physics in zip(units, (directions(one, nothing) for one in averages), strict=True)
    ]
    components = deviation_components(np.concatenate(rest), signal_subspace(data))
    coefficients = np.concatenate(
        [
            split_parts(unit @ directions(one, components).conj().T)
            for unit, one in zip(units, averages, strict=True)
        ]
    )
    config: dict[str, object] = {
        "decoder": "physics",
        "n_points": data.n_points,
        "dwelltime_s": data.dwelltime_s,
        "spectrometer_frequency_mhz": data.spectrometer_frequency_mhz,
        "n_components": len(components),
        "latent": min(latent, 2 * (len(components) + N_PHYSICS)),
        "hidden": list(hidden),
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = DeviationNetwork(**{k: v for k, v in config.items() if k != "decoder"})  # type: ignore[arg-type]
    network.set_components(components, np.maximum(coefficients.std(axis=0), 1.0))
    return network, config, coefficients
