"""A NIfTI-MRS file without a fit: the spectrum of one voxel, at one index of each higher dimension."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.voxels import VoxelFile
from fsleyes_plugin.model.curves import AS_FITTED, Display, Lines, shown_ppm, turned
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.place import Placed

MEAN, DIFFERENCE = -1, -2
"""Instead of an index of a dimension: the mean over it, and its first entry less its second."""


@dataclass(frozen=True)
class Dimension:
    """A dimension after time.

    Attributes
    ----------
    tag : str
        Of NIfTI-MRS, for example ``"DIM_DYN"``.
    size : int
    names : tuple of str
        Names of its entries in the header, such as edit conditions or metabolites; empty if there are none.
    """

    tag: str
    size: int
    names: tuple[str, ...] = ()

    def label(self, place: int) -> str:
        """Return the name of an entry: ``DIM_DYN 3``, ``DIM_EDIT 0: ON``, ``DIM_DYN mean``."""
        if place == MEAN:
            return f"{self.tag} mean"
        if place == DIFFERENCE:
            first, second = self.names[:2] if self.names else ("0", "1")
            return f"{self.tag} {first} \N{MINUS SIGN} {second}"
        name = f": {self.names[place]}" if self.names else ""
        return f"{self.tag} {place}{name}"


class Scan(Placed):
    """A file that is read one FID at a time.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        If it is no NIfTI-MRS.
    """

    @refusing_damage
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = self.place = path.name
        self._file = VoxelFile(path)
        self.one: MRSData = self._file.one()
        Placed.__init__(self, self.one, self._file.grid)
        headers = self.one.dim_headers
        self.dimensions = tuple(
            Dimension(tag, size, _names(headers.get(tag, {}), size))
            for tag, size in zip(self.one.dim_tags, self._file.higher, strict=True)
        )

    @property
    def files(self) -> tuple[VoxelFile, ...]:
        """The file itself."""
        return (self._file,)

    @property
    def here(self) -> bool:
        """Whether the file is still where it was."""
        return self.path.exists()

    @property
    def key(self) -> str:
        """Key of the overlays of this file."""
        return str(self.path)

    @refusing_damage
    def lines(self, voxel: Voxel, places: Sequence[int], display: Display = AS_FITTED) -> Lines | None:
        """Return the line of the data; None if the FID is zero or the voxel is outside.

        Parameters
        ----------
        voxel : tuple of int
        places : sequence of int
            One index for each higher dimension, 0-based; or :data:`MEAN` or :data:`DIFFERENCE`.
        display : Display
            There are no phases of a fit to undo; the other settings are applied.

        Raises
        ------
        DataError
            If the places are not those of the file.
        """
        if not all(0 <= i < n for i, n in zip(voxel, self.grid, strict=True)):
            return None
        sizes = [dimension.size for dimension in self.dimensions]
        if len(places) != len(sizes) or not all(_allowed(i, n) for i, n in zip(places, sizes, strict=True)):
            raise DataError(
                f"{self.name} has higher dimensions of {sizes}; there is no {list(places)} in it."
            )
        fid = self._reduced(voxel, tuple(places))
        if not np.abs(fid).max() > 0:
            return None
        spectra, ground = turned(fid[None], self.one.dwelltime_s, display)
        return Lines(
            voxel=voxel,
            ppm=self.one.ppm_axis,
            data=spectra[0] - ground[0],
            fit=None,
            baseline=None,
            residual=None,
            limits_ppm=shown_ppm(self.one),
            ground=float(ground[0]),
        )

    def _reduced(self, voxel: Voxel, places: tuple[int, ...]) -> Complex:
        """Return one FID: that of the places, or a mean or difference over dimensions."""
        if all(place >= 0 for place in places):
            return self._file.fid(voxel, places)
        fids = self._file.fid(voxel)
        for place in reversed(places):  # the last axis first, so that the others stay where they are
            if place == MEAN:
                fids = fids.mean(axis=-1)
            else:
                fids = fids[..., 0] - fids[..., 1] if place == DIFFERENCE else fids[..., place]
        return fids

    def known_frame(self, voxel: Voxel) -> None:
        """Return None: without a fit no phases are known."""

    @refusing_damage
    def measured(self, voxel: Voxel) -> Complex | None:
        """Return the FID of a voxel, the mean over the higher dimensions, shape (time,); None without a signal."""
        fids = self._file.fid(voxel)
        fid = fids.reshape(len(fids), -1).mean(axis=1)
        return fid if np.abs(fid).max() > 0 else None

    def where(self, places: Sequence[int]) -> str:
        """Name the entries of the higher dimensions; empty if there are none."""
        return ", ".join(d.label(n) for d, n in zip(self.dimensions, places, strict=True) if d.size > 1)

    def close(self) -> None:
        """Remove temporary files."""
        self._file.close()


def _allowed(place: int, size: int) -> bool:
    """Return whether an entry, the mean, or the difference of two exists in a dimension."""
    return 0 <= place < size or place == MEAN or (place == DIFFERENCE and size > 1)


def _names(parts: Mapping[str, Any], size: int) -> tuple[str, ...]:
    """Return the first list of texts in the header of a dimension with one text for each entry."""
    for values in dict(parts.get("header") or {}).values():
        listed = values.get("Value") if isinstance(values, dict) else values
        if isinstance(listed, list) and len(listed) == size and all(isinstance(v, str) for v in listed):
            return tuple(listed)
    return ()
