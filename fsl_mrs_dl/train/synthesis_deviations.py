"""What a network of deviations learns from: transients less the average of their set, in units of the noise."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.linalg import eigh

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.io.transient_sets import deviations_of
from fsl_mrs_dl.models.synthesis_deviations import N_PHYSICS, DeviationNetwork, directions, split_parts
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.train.synthesis_transients import Transients

_MOST_COMPONENTS = 24
_FOR_COMPONENTS = 2000


def deviation_components(deviations: Complex, most: int = _MOST_COMPONENTS) -> Complex:
    r"""Return the principal components of deviations that stand out of white noise, shape (component, time).

    Parameters
    ----------
    deviations : ndarray, complex, shape (transient, time)
        In units of the noise's SD a channel.
    most : int

    Notes
    -----
    Of m transients of N points, white noise of variance 2 (real and imaginary part) has eigenvalues up to
    :math:`2 (1 + \sqrt{N/m})^2` (Marchenko and Pastur 1967); larger ones are signal.
    """
    n, n_points = deviations.shape
    values, vectors = eigh(deviations @ deviations.conj().T / n, subset_by_index=(max(n - most, 0), n - 1))
    edge = 2 * (1 + np.sqrt(n_points / n)) ** 2
    kept = np.flatnonzero(values > edge)[::-1]
    signals = vectors[:, kept].conj().T @ deviations
    made: Complex = signals / np.linalg.norm(signals, axis=1, keepdims=True)
    return made


def deviation_network(
    transients: Transients, seed: int, *, latent: int, hidden: Sequence[int]
) -> tuple[DeviationNetwork, dict[str, object], Real]:
    """Return a network of deviations with random layers, its config, and the coefficients to learn.

    Parameters
    ----------
    transients : Transients
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
    averages, units = [], []
    for fids, size in zip(sets, sizes, strict=True):
        average, deviations = deviations_of(fids)
        averages.append(average)
        units.append(deviations / (size or 1.0))
    rest = [
        unit - (unit @ physics.conj().T) @ physics
        for unit, physics in zip(units, (directions(one, nothing) for one in averages), strict=True)
    ]
    order = np.random.default_rng(seed).permutation(sum(map(len, rest)))[:_FOR_COMPONENTS]
    components = deviation_components(np.concatenate(rest)[order])
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
