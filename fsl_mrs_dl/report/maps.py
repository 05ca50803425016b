"""How maps are laid out: which slices, which way round, in which range."""

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
        Which slices, in the order of the picture's x.
    """

    outcome: Outcome
    z: tuple[int, ...]

    def of(self, values: Real) -> Real:
        """Return values of the fitted voxels as a picture, shape (x, y) with slices along x, cut to them."""
        grid = np.full(self.outcome.grid, np.nan)
        grid[tuple(self.outcome.voxels.T)] = values
        xs, ys = box(self.outcome)
        picture: Real = np.concatenate([grid[xs, ys, z] for z in self.z], axis=0)
        return picture

    @property
    def text(self) -> str:
        """Which slices are shown."""
        if self.outcome.grid[2] == 1:
            return ""
        return f"Shown are slices {', '.join(str(z) for z in sorted(self.z))} of {self.outcome.grid[2]} (0-based)."


def box(outcome: Outcome) -> tuple[slice, slice]:
    """Return where in x and y the fitted voxels lie, with a margin of one voxel."""
    low, high = outcome.voxels.min(axis=0), outcome.voxels.max(axis=0)
    xs, ys = (slice(max(int(low[n]) - 1, 0), int(high[n]) + 2) for n in (0, 1))
    return xs, ys


def slices_side_by_side(outcome: Outcome, n_maps: int, *, backwards: bool) -> Slices:
    """Return the slices to draw: all that hold a fitted voxel, thinned out evenly where they are many.

    ``backwards`` says that x runs from right to left on the page, so that the last slice must come first.
    """
    used = np.unique(outcome.voxels[:, 2])
    xs, ys = (range(n)[part] for n, part in zip(outcome.grid, box(outcome), strict=False))
    most = most_slices(len(xs) * len(ys), n_maps)
    chosen = used[np.unique(np.linspace(0, len(used) - 1, min(most, len(used))).round().astype(int))]
    return Slices(outcome, tuple(int(z) for z in (chosen[::-1] if backwards else chosen)))


def reversed_axes(data: MRSData) -> tuple[tuple[bool, bool], str]:
    """Return whether x and y run backwards on the page, and the sentence that says what side is what."""
    if data.affine is None or np.prod(data.fid.shape[:3]) == 1:
        return (False, False), "The file says no position; x runs to the right, y upwards."
    along = data.affine[:3, :3]
    main = [int(np.argmax(np.abs(along[:, axis]))) for axis in (0, 1)]
    signs = [bool(along[main[axis], axis] > 0) for axis in (0, 1)]
    if main[0] != 0:
        return (False, not signs[1]), "x runs to the right, as the voxels are stored."
    return (signs[0], not signs[1]), "The right side of the head is on the left, as FSLeyes shows it."


def display(values: Real) -> tuple[float, float]:
    """Return the range of colours: the 2nd to the 98th percentile of what is finite."""
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    low, high = np.percentile(known, [2, 98])
    return float(low), float(high)
