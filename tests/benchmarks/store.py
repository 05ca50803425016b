"""The folder that keeps trained networks and what they and slow methods gave."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Real


class NotTrainedError(Exception):
    """A network that is to be taken from the store is not there."""


@dataclass(frozen=True)
class Store:
    """Folder that keeps networks and arrays, and whether missing networks are trained.

    The arrays of a network are enough for most of a page: a store can come without weights from where they are
    heavy.
    """

    folder: Path
    train: bool = True

    def array(self, name: str, make: Callable[[], Real]) -> Real:
        """Return an array that is kept under a name, made now if it is not there."""
        file = self.folder / f"{name}.npy"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, make())
        values: Real = np.load(file).astype(float)
        return values

    def answer(self, key: Sequence[object], make: Callable[[], Real]) -> Real:
        """Return an array that is kept under a key of many parts, made now if it is not there."""
        digest = hashlib.sha256(repr(tuple(key)).encode()).hexdigest()[:10]
        return self.array(f"answer-{digest}", make)
