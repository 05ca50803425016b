"""One training of the study: its settings, and the folder of the network."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.train.loop import INNER_STEPS, VALIDATION
from tests.benchmarks.rizzo.spectra import World


@dataclass(frozen=True)
class Image:
    """Sizes of the inputs: bins of the 1D spectrum; of the spectrogram bins before under-sampling, hop, frames."""

    spectrum: int = 1024
    bins: int = 1024
    hop: int = 24
    frames: int = 32


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes
    ----------
    architecture : str
        A regressor of the catalogue.
    samples, epochs, batch, seed : int
        ``samples`` with the tenth that is for validation.
    lr : float
        Falls to nothing along half a cosine.
    widths, kernels : tuple of int
        Instead of the published ones; empty: those.
    image : Image
    kind : str
        Of the training set, see :func:`~.spectra.training_set`; ``query``: a fifth of the spectra is asked for by
        a network that was trained on the others.
    world : World
    fold : tuple of int or None
        (k, K): leave out the k-th of K parts of the training spectra.
    """

    architecture: str
    samples: int
    epochs: int
    seed: int = 1
    batch: int = 50
    lr: float = 2e-3
    widths: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    image: Image = field(default_factory=Image)
    kind: str = "uniform"
    world: World = field(default_factory=World)
    fold: tuple[int, int] | None = None

    @property
    def folder(self) -> str:
        """Name of the folder that keeps the network."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:10]
        return f"{self.architecture}-{digest}"

    @property
    def learned(self) -> int:
        """Spectra to learn from."""
        n = self.samples - n_validation(self.samples)
        return n if self.fold is None else n - len(fold_rows(n, self.fold))

    @property
    def steps(self) -> int:
        """Training steps."""
        if CATALOGUE[self.architecture].training == "full-batch regression":
            return self.epochs * INNER_STEPS
        return self.epochs * -(-self.learned // self.batch)


def n_validation(samples: int) -> int:
    """Return how many of the spectra, the first ones, are for validation."""
    return max(1, round(VALIDATION * samples))


def fold_rows(n: int, fold: tuple[int, int]) -> Any:
    """Return the rows of n that a fold leaves out."""
    return np.array_split(np.arange(n), fold[1])[fold[0]]
