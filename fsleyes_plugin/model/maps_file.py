"""One real-valued NIfTI image that is read at its first use."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from fsleyes_plugin.model.damage import damage_refused


class MapFile:
    """A map, or an image with one volume for each parameter.

    An uncompressed file is mapped into memory; a compressed one is decompressed once, to single precision.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: NDArray[np.floating] | None = None
        with damage_refused(path):
            self._image: Any = nib.load(path)
            self.shape: tuple[int, ...] = tuple(int(n) for n in self._image.shape)
            self.affine: NDArray[np.floating] = np.asarray(self._image.affine)

    @property
    def values(self) -> NDArray[np.floating]:
        """The whole image, shape of the file with three dimensions at least."""
        if self._values is None:
            proxy = self._image.dataobj
            with damage_refused(self.path):
                mapped = self.path.suffix == ".nii" and proxy.slope == 1 and proxy.inter == 0
                array = np.asanyarray(proxy) if mapped else np.asanyarray(proxy, dtype=np.float32)
            self._values = array.reshape(*array.shape, *[1] * (3 - array.ndim))
        return self._values

    def volume(self, n: int) -> NDArray[np.floating]:
        """Return one volume, shape (x, y, z), without reading those behind it in the file."""
        with damage_refused(self.path):
            return np.asarray(self._image.dataobj[..., n])

    def at(self, voxel: tuple[int, int, int]) -> NDArray[np.floating]:
        """Return the values of one voxel, in double precision; shape of the higher dimensions."""
        with damage_refused(self.path):
            return np.asarray(self.values[voxel], dtype=np.float64)
