"""Positions of voxels in the scanner."""

from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsleyes_plugin.model.frames import Voxel

_IMPOSSIBLE_EDGE_MM = 1000.0
"""No voxel in a person has edges of 1 m."""


class Placed:
    """Data on a grid of voxels; ``name`` and ``place`` tell them apart from other open ones.

    Parameters
    ----------
    one : MRSData
        Any voxel; its affine is that of the grid.
    grid : tuple of int
    """

    name: str
    place: str
    loading: Any = None
    """The reading of large files in a thread, if it was started."""

    def __init__(self, one: MRSData, grid: tuple[int, int, int]) -> None:
        self.grid = grid
        self.single = grid == (1, 1, 1)
        self._known = one.affine is not None
        self.affine: Real = np.eye(4) if one.affine is None else one.affine
        """Voxel to world, in mm; shape (4, 4)."""

    @property
    def located(self) -> bool:
        """Whether the header says where the voxels are: spec2nii gives a voxel without position edges of 10 m."""
        edges_mm = np.linalg.norm(self.affine[:3, :3], axis=0)
        return bool(self._known and np.isfinite(self.affine).all() and (edges_mm < _IMPOSSIBLE_EDGE_MM).all())

    def voxel_at(self, world_mm: Real) -> Voxel | None:
        """Return the voxel at a place in the scanner, None outside; the one voxel of SVS is everywhere."""
        if self.single:
            return (0, 0, 0)
        place = np.linalg.solve(self.affine, np.append(np.asarray(world_mm, dtype=float), 1.0))[:3]
        x, y, z = (int(np.floor(p + 0.5)) for p in place)
        inside = all(0 <= i < n for i, n in zip((x, y, z), self.grid, strict=True))
        return (x, y, z) if inside else None

    def centre(self, voxel: Voxel) -> Real:
        """Return the centre of a voxel in the scanner, in mm; shape (3,)."""
        centre_mm: Real = (self.affine @ np.append(voxel, 1.0))[:3]
        return centre_mm
