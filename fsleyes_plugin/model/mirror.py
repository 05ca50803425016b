"""The voxel on the other side of the midline of the head, and what differs there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.table import VoxelTable, cell


@dataclass(frozen=True)
class Mirror:
    """A plane across one axis of a grid.

    Attributes
    ----------
    axis : int
        Axis of the grid that is nearest to left-right.
    middle : float
        Place of the plane along the axis, in voxels; half a voxel is the finest step, so that voxels fall on
        voxels.
    """

    axis: int
    middle: float

    def voxel(self, voxel: Voxel, grid: tuple[int, int, int]) -> Voxel | None:
        """Return the mirrored voxel; None outside of the grid."""
        place = list(voxel)
        place[self.axis] = round(2 * self.middle) - place[self.axis]
        x, y, z = place
        return (x, y, z) if 0 <= place[self.axis] < grid[self.axis] else None

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the mirrored region; what falls outside of the grid is left out."""
        other = np.zeros_like(mask)
        for x, y, z in np.argwhere(mask):
            place = self.voxel((int(x), int(y), int(z)), mask.shape)
            if place is not None:
                other[place] = True
        return other


def mirror_axis(affine: Real) -> int:
    """Return the axis of a grid that is nearest to left-right of the scanner."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return int(np.abs(directions[0]).argmax())


def midline(affine: Real, inside: NDArray[np.bool_]) -> Mirror:
    """Return the plane in the middle of the voxels that have a signal, or of the grid.

    Parameters
    ----------
    affine : ndarray, float, shape (4, 4)
    inside : ndarray, bool, shape (x, y, z)
    """
    axis = mirror_axis(affine)
    places = np.argwhere(inside)[:, axis] if inside.any() else np.arange(inside.shape[axis])
    return Mirror(axis, round(float(places.min() + places.max())) / 2)


def side_by_side(here: VoxelTable, there: VoxelTable) -> Iterator[tuple[str, str, str, str]]:
    """Return metabolite, its amount here, on the other side, and the quotient of both, as texts.

    The amount is the first column of the fit: the posterior mean, or the estimate without prior.
    """
    if not here.columns or here.columns != there.columns:
        return
    other = dict(there.rows)
    for (name, values), texts in zip(here.rows, here.texts(), strict=True):
        if name not in other:
            continue
        quotient = values[0] / other[name][0] if other[name][0] > 0 else float("nan")
        shown = next(row for row in there.texts() if row[0] == name)
        yield name, texts[1], shown[1], cell("value", quotient)
