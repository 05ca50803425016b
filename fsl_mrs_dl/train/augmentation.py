"""Augmented transients for training loops of PyTorch: a ``Dataset`` that draws each anew in every pass."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.io.transient_sets import TransientSets
from fsl_mrs_dl.models.inputs import to_channels
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.physics import add_noise, phase, ppm_axis, shift
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.augment import apply_augmentation, draw_augmentation
from fsl_mrs_dl.simulate.recipe import AugmentationRecipe
from fsl_mrs_dl.train.own_spectra import SHIFTED_HZ, TURNED_RAD
from fsl_mrs_dl.train.quantification_data import Spectra
from fsl_mrs_dl.train.registration_data import Spread, Transients

_SYNTHETIC_SHARE = 0.5
"""Probability that an example is replaced by a synthetic one."""


class AugmentedTransients(Dataset[tuple[Tensor, dict[str, float]]]):
    """Transients of data, each changed by random physics whenever it is read.

    Parameters
    ----------
    data : MRSData
        Coils combined; every usable FID of every dimension is an example.
    recipe : AugmentationRecipe, optional
        Distributions to draw from; see :func:`~fsl_mrs_dl.simulate.recipe.read_recipe`.
    seed : int
        Example ``i`` of pass ``k`` (see :meth:`next_pass`) is the same for the same seed.
    dim : str
        Dimension of the transients.
    """

    def __init__(
        self, data: MRSData, recipe: AugmentationRecipe | None = None, seed: int = 0, dim: str = "DIM_DYN"
    ) -> None:
        sets = TransientSets.of(data, dim)
        if sets.fids.shape[2] > 1:
            raise OptionError(
                f"{data.name or 'The data'} has {sets.fids.shape[2]} coils; combine them first."
            )
        self.data, self.recipe = data, recipe or AugmentationRecipe()
        self._fids: Complex = sets.fids[sets.usable][:, 0].astype(np.complex64)
        self._noise = noise_sd(self._fids, data.ppm_axis, data.nucleus)
        self._seed, self._pass = seed, 0

    def __len__(self) -> int:
        return len(self._fids)

    def next_pass(self) -> None:
        """Draw every example anew from now on."""
        self._pass += 1

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, float]]:
        """Return real and imaginary part over the largest magnitude, shape (2, time), and what was drawn."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = np.random.default_rng([self._seed, self._pass, index])
        drawn = draw_augmentation(
            self.recipe, 1, self.data.reference_ppm, self.data.spectrometer_frequency_mhz, rng
        )
        row = slice(index, index + 1)
        fids = apply_augmentation(self._fids[row], drawn, self._noise[row], self.data.dwelltime_s, rng)
        channels = torch.from_numpy(to_channels(fids)[0].astype(np.float32))
        return channels, {name: float(values[0]) for name, values in drawn.items()}


def labelled_share(
    fids: Complex, model: str, dwelltime_s: float, spread: Spread, noise: Real, rng: np.random.Generator
) -> tuple[Complex, NDArray[np.intp], Real]:
    """Replace half of some FIDs by those of a cVAE, for ``train --augment_with``.

    Parameters
    ----------
    fids : ndarray, complex, shape (example, time)
    model : str
        Package with the decoder ``physics``, which knows the shift and phase of each FID that it makes.
    dwelltime_s : float
        Of ``fids``, in s.
    spread : Spread
        Ranges of the shifts (Hz) and phases (rad) of the synthetic ones.
    noise : ndarray, float, shape (example,)
        Of one channel, for those that are replaced.
    rng : numpy.random.Generator

    Returns
    -------
    tuple
        The FIDs; the indices of those replaced; their shift (Hz) and phase (rad), shape (replaced, 2). Each has
        the magnitude of the first point of the FID that it replaces.

    Raises
    ------
    ModelError
        If the package is not a cVAE with the decoder ``physics``.
    """
    network: Any = load(model).network
    if not isinstance(network, SynthesisNetwork) or network.kind != "physics":
        raise ModelError(
            f"--augment_with {model} is no cvae with the decoder physics; take one (train synthesise)."
        )
    chosen = np.flatnonzero(rng.random(len(fids)) < _SYNTHETIC_SHARE)
    low, high = network.lowest.numpy(), network.highest.numpy()
    amounts = torch.from_numpy(rng.uniform(low, high, (len(chosen), len(low))).astype(np.float32))
    latent = network.sample(len(chosen), torch.Generator().manual_seed(int(rng.integers(2**31))))
    synthetic = network.on_points(fids.shape[1], dwelltime_s).synthesise(latent, amounts)
    own = network.shift_and_phase(latent)
    size = np.abs(fids[chosen, 0]) / np.maximum(np.abs(synthetic[:, 0]), 1e-30)
    truth = rng.uniform(-1, 1, (len(chosen), 2)) * [spread.shift_hz, spread.phase_rad]
    moved = phase(
        shift(size[:, None] * synthetic, truth[:, 0] - own[:, 0], dwelltime_s), truth[:, 1] - own[:, 1]
    )
    mixed = fids.copy()
    mixed[chosen] = add_noise(moved, noise[chosen], rng)
    return mixed, chosen, truth


def transients_with(data: Transients, model: str, spread: Spread, seed: int) -> Transients:
    """Replace half of the transients for ``train align`` by those of a cVAE, with their true shift and phase."""
    rng = np.random.default_rng([seed, 7])
    sigma = data.noise_sigma if data.noise_sigma is not None else noise_sd(data.fids, data.ppm, data.nucleus)
    mixed, chosen, truth = labelled_share(data.fids, model, data.dwelltime_s, spread, sigma, rng)
    labels = data.truth.copy()
    labels[chosen] = truth
    description = f"{data.description}; {len(chosen)} of them synthetic"
    return replace(data, fids=mixed, truth=labels, description=description, clean=None)


def spectra_with(data: Spectra, model: str, seed: int) -> Spectra:
    """Replace half of the spectra for ``train quantify`` by those of a cVAE; training needs no labels.

    Shift and phase of measured spectra are unknown: the synthetic ones then have the ranges of the augmented ones
    and their noise.
    """
    rng = np.random.default_rng([seed, 7])
    basis = data.basis
    if data.known:
        spread = Spread(float(np.abs(data.shift_hz).max()), float(np.abs(data.phase_rad).max()), 0.0)
        noise = data.noise_sd
    else:
        spread = Spread(SHIFTED_HZ, TURNED_RAD, 0.0)
        ppm = ppm_axis(
            data.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm
        )
        noise = noise_sd(data.fids, ppm, basis.nucleus)
    mixed, chosen, _ = labelled_share(data.fids, model, basis.dwelltime_s, spread, noise, rng)
    return replace(data, fids=mixed, description=f"{data.description}; {len(chosen)} of them synthetic")
