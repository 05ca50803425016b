"""Augmented transients for training loops of PyTorch: a ``Dataset`` that never gives the same transient twice."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.transient_sets import TransientSets
from fsl_mrs_dl.models.inputs import to_channels
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.augment import apply_augmentation, draw_augmentation
from fsl_mrs_dl.simulate.recipe import Recipe


class AugmentedTransients(Dataset[tuple[Tensor, dict[str, float]]]):
    """Transients of data, changed by physics each time they are asked for.

    Parameters
    ----------
    data : MRSData
        Coils combined; every usable FID of every dimension is an example.
    recipe : Recipe, optional
        What is drawn; see :func:`~fsl_mrs_dl.simulate.recipe.read_recipe`.
    seed : int
        Example ``i`` of pass ``k`` (see :meth:`next_pass`) is the same for the same seed.
    dim : str
        Dimension of the transients.
    """

    def __init__(
        self, data: MRSData, recipe: Recipe | None = None, seed: int = 0, dim: str = "DIM_DYN"
    ) -> None:
        sets = TransientSets.of(data, dim)
        if sets.fids.shape[2] > 1:
            raise OptionError(
                f"{data.name or 'The data'} has {sets.fids.shape[2]} coils; combine them first."
            )
        self.data, self.recipe = data, recipe or Recipe()
        self._fids: Complex = sets.fids[sets.usable][:, 0].astype(np.complex64)
        self._noise = noise_sd(self._fids, data.ppm_axis, data.nucleus)
        self._seed, self._pass = seed, 0

    def __len__(self) -> int:
        return len(self._fids)

    def next_pass(self) -> None:
        """Have every example drawn anew."""
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
        made = apply_augmentation(self._fids[row], drawn, self._noise[row], self.data.dwelltime_s, rng)
        channels = torch.from_numpy(to_channels(made)[0].astype(np.float32))
        return channels, {name: float(values[0]) for name, values in drawn.items()}


def synthetic_share(
    fids: Complex, network: SynthesisNetwork, dwelltime_s: float, share: float, rng: np.random.Generator
) -> tuple[Complex, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return clean FIDs, some of them replaced by a cVAE's; for ``--augment_with``.

    Parameters
    ----------
    fids : ndarray, complex, shape (example, time)
    network : SynthesisNetwork
        With concentrations.
    dwelltime_s : float
        Of ``fids``, in s.
    share : float
        Of the examples to replace.
    rng : numpy.random.Generator

    Returns
    -------
    tuple
        The FIDs, and which were replaced. Each is as large at its start as the one whose place it takes.
    """
    chosen = np.flatnonzero(rng.random(len(fids)) < share)
    low, high = network.lowest.numpy(), network.highest.numpy()
    amounts = torch.from_numpy(rng.uniform(low, high, (len(chosen), len(low))).astype(np.float32))
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    moved = network.on_points(fids.shape[1], dwelltime_s)
    made = moved.synthesise(network.sample(len(chosen), generator), amounts)
    size = np.abs(fids[chosen, 0]) / np.maximum(np.abs(made[:, 0]), 1e-30)
    mixed = fids.copy()
    mixed[chosen] = size[:, None] * made
    return mixed, chosen
