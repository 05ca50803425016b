"""Lay out maps: select slices, orientation and colour range."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.quantify_figures import most_slices


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of the grid, side by side.

    Attributes
    ----------
    outcome : Outcome
    z : tuple of int
        Indices of the slices, in the order of x of the picture.
    """

    outcome: Outcome
    z: tuple[int, ...]

    def of(self, values: Real) -> Real:
        """Return values of the fitted voxels as a picture, shape (x, y), with slices along x, cropped to them."""
        grid = np.full(self.outcome.grid, np.nan)
        grid[tuple(self.outcome.voxels.T)] = values
        xs, ys = box(self.outcome)
        picture: Real = np.concatenate([grid[xs, ys, z] for z in self.z], axis=0)
        return picture

    @property
    def text(self) -> str:
        """Sentence that names the slices."""
        if self.outcome.grid[2] == 1:
            return ""
        return f"Shown are slices {', '.join(str(z) for z in sorted(self.z))} of {self.outcome.grid[2]} (0-based)."


def box(outcome: Outcome) -> tuple[slice, slice]:
    """Return the range of the fitted voxels in x and y, with a margin of one voxel."""
    low, high = outcome.voxels.min(axis=0), outcome.voxels.max(axis=0)
    xs, ys = (slice(max(int(low[n]) - 1, 0), int(high[n]) + 2) for n in (0, 1))
    return xs, ys


def slices_side_by_side(outcome: Outcome, n_maps: int, *, backwards: bool) -> Slices:
    """Return the slices to draw: all with a fitted voxel, thinned evenly if they are many.

    ``backwards``: x is from right to left on the page, so that the last slice must be first.
    """
    used = np.unique(outcome.voxels[:, 2])
    xs, ys = (range(n)[part] for n, part in zip(outcome.grid, box(outcome), strict=False))
    most = most_slices(len(xs) * len(ys), n_maps)
    chosen = used[np.unique(np.linspace(0, len(used) - 1, min(most, len(used))).round().astype(int))]
    return Slices(outcome, tuple(int(z) for z in (chosen[::-1] if backwards else chosen)))


def reversed_axes(data: MRSData) -> tuple[tuple[bool, bool], str]:
    """Return whether x and y are reversed on the page, and a sentence on the orientation."""
    if data.affine is None or np.prod(data.fid.shape[:3]) == 1:
        return (False, False), "The file has no position; x is to the right, y upwards."
    along = data.affine[:3, :3]
    main = [int(np.argmax(np.abs(along[:, axis]))) for axis in (0, 1)]
    signs = [bool(along[main[axis], axis] > 0) for axis in (0, 1)]
    if main[0] != 0:
        return (False, not signs[1]), "x is to the right, in the order of the voxels."
    return (signs[0], not signs[1]), "The right side of the head is on the left, as in FSLeyes."


def display(values: Real) -> tuple[float, float]:
    """Return the range of colours: the 2nd to the 98th percentile of the finite values."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, [2, 98])
    return float(low), float(high)
