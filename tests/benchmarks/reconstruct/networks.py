"""The networks of the study: as corrected and as published, trained on its own spectra and calibrated."""

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.models.package import find, load
from fsl_mrs_dl.models.reconstruction import SparsityVAE, grid_axis_hz, grid_spectra
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.train.loop import Settings, fit
from fsl_mrs_dl.train.reconstruction_calibration import best_alpha
from tests.benchmarks.reconstruct.methods import (
    Networks,
    inputs_of,
    largest,
    literal,
    single,
    study_bins,
    without_baseline,
)
from tests.benchmarks.reconstruct.sets import DWELLTIME_S, Draw, draw, study_basis

PACKAGE = "reconstruct-asds-vae-1h-3t"
SEED_SIZE = 500
"""Spectra that the source trains on."""
_BATCH = 32  # spectra, as the source has it
_ALPHAS = np.geomspace(0.003, 0.6, 10)  # of the literal recipe, times the mean variance


def error_curves(sample: Draw) -> Real:
    """Return the relative error at :data:`RATIOS` of each spectrum, lines as measured; shape (ratio, S)."""
    operator = sample.operator(None)
    size = np.linalg.norm(sample.clean, axis=1)
    curves = [
        np.linalg.norm(operator.restored(step.amplitudes)[:, 0] - sample.clean, axis=1) / size
        for step in sparse.path(operator, single(sample.fids), sparse.RATIOS[:, None] * largest(sample))
    ]
    return np.stack(curves)


def trained(
    sample: Draw, epochs: int, seed: int, *, noise_weighted: bool, lr: float, hidden: int
) -> SparsityVAE:
    """Return a network trained on spectra, not calibrated."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SparsityVAE(noise_weighted=noise_weighted, hidden=hidden)
    noisy, clean, noise = inputs_of(sample)
    independent = np.full(len(noise), study_bins(), dtype=np.float32)
    # The published loss is the mean squared error of the noisy spectrum.
    target = clean if noise_weighted else noisy
    every = tuple(torch.from_numpy(part) for part in (noisy, target, noise, independent))
    cut = max(len(noise) // 10, 1)
    settings = Settings(epochs, _BATCH, lr, 0, seed, anneal=noise_weighted)
    fit(network, tuple(part[cut:] for part in every), tuple(part[:cut] for part in every), settings)
    return network


def networks_of(n: int, epochs: int, hidden: int, validation: Draw, curves: Real, seed: int) -> Networks:
    """Train and calibrate all networks.

    Parameters
    ----------
    n : int
        Spectra to train on.
    epochs : int
    hidden : int
        Units of the networks.
    validation : Draw
        Spectra that calibrate.
    curves : ndarray, float, shape (ratio, S)
        Their errors.
    seed : int
    """
    rng = np.random.default_rng([seed, 1])
    many = draw(n, rng)
    few = many.take(slice(0, min(SEED_SIZE, n)))
    corrected = trained(many, epochs, seed, noise_weighted=True, lr=2e-3, hidden=hidden)
    small = trained(few, epochs, seed, noise_weighted=True, lr=2e-3, hidden=hidden)
    published = trained(few, max(epochs, 1), seed, noise_weighted=False, lr=1e-4, hidden=hidden)
    inputs = inputs_of(validation)[0]
    for network in (corrected, small):
        network.calibrate(best_alpha(network.posterior_variance(inputs), curves))
    published.calibrate(best_alpha(published.posterior_variance(inputs), curves))
    return Networks(_shipped(), corrected, small, published, _literal(published, validation))


def _shipped() -> SparsityVAE | None:
    """Return the network that comes with the program; None where it does not."""
    try:
        find(PACKAGE)
    except ModelError:
        return None
    network = load(PACKAGE).network
    assert isinstance(network, SparsityVAE)
    return network


def _literal(published: SparsityVAE, validation: Draw) -> SparsityVAE:
    """Return the published network with the alpha that gives the literal recipe its least error."""
    chosen = SparsityVAE(noise_weighted=False, hidden=published.hidden)
    chosen.load_state_dict(published.state_dict())
    chosen.eval()
    fids = without_baseline(validation.fids)
    unit = np.abs(fid_to_spectrum(fids)).max(axis=1)
    axis_hz = grid_axis_hz(study_basis().spectrometer_frequency_mhz)
    variance = float(published.posterior_variance(grid_spectra(fids, axis_hz, DWELLTIME_S, unit)[0]).mean())
    size = np.linalg.norm(validation.clean, axis=1)
    errors = []
    for alpha in _ALPHAS:
        chosen.calibrate(float(alpha) / variance)
        result = literal(chosen).run(validation, None)
        errors.append(
            float(np.sqrt(np.mean((np.linalg.norm(result - validation.clean, axis=1) / size) ** 2)))
        )
    chosen.calibrate(float(_ALPHAS[int(np.argmin(errors))]) / variance)
    return chosen
