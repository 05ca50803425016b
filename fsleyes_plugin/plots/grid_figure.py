"""Draw small spectra over the anatomy, each voxel framed in the colour of its verdict."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from fsl_mrs_dl.data import Real
from fsleyes_plugin.model.spectra_grid import Cell

Colour = tuple[float, float, float]
_HEIGHT, _ZERO = 0.8, -0.36  # height of the highest spectrum and place of zero, in cells from the middle
_DATA, _FIT = "#ffffff", "#ff5a4d"
_FRAME = 0.46  # half the side of a frame, in cells: two frames do not touch
_NONE = (0.5, 0.5, 0.5)  # grey, for results without verdicts


def draw_grid(
    figure: Figure,
    cells: Sequence[Cell],
    window: tuple[slice, slice],
    below: Real | None,
    colours: Mapping[str, Colour],
    directions: tuple[int, int] = (1, 1),
) -> Axes:
    """Draw the voxels of one slice; the axes are voxels of the grid.

    Parameters
    ----------
    figure : Figure
        Cleared first.
    cells : sequence of Cell
    window : tuple of slice
        Voxels along x and y.
    below : ndarray, float, shape (x pixels, y pixels), or None
        The anatomy.
    colours : mapping of str to tuple of float
        Verdict to red, green and blue.
    directions : tuple of int
        1, or -1 where the axis of the figure runs down or to the left.

    Returns
    -------
    Axes
    """
    figure.clear()
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.94))
    axes.set_facecolor("black")
    left, right = window[0].start - 0.5, window[0].stop - 0.5
    bottom, top = window[1].start - 0.5, window[1].stop - 0.5
    if below is not None and below.max() > 0:
        shown = float(np.percentile(below[below > 0], 99.5))
        axes.imshow(
            below.T, cmap="gray", vmin=0, vmax=1.6 * shown, origin="lower", extent=(left, right, bottom, top)
        )
    for lines, colour, width in (([c.data for c in cells], _DATA, 0.5), ([c.fit for c in cells], _FIT, 0.7)):
        placed = [_placed(line, cell.voxel, directions) for line, cell in zip(lines, cells, strict=True)]
        axes.add_collection(LineCollection(placed, colors=colour, linewidths=width))
    frames = [_frame(cell.voxel) for cell in cells]
    axes.add_collection(
        LineCollection(frames, colors=[colours.get(cell.verdict, _NONE) for cell in cells], linewidths=1.1)
    )
    axes.set_aspect("equal")
    axes.set_xlim(*((left, right) if directions[0] > 0 else (right, left)))
    axes.set_ylim(*((bottom, top) if directions[1] > 0 else (top, bottom)))
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def _placed(line: Real, voxel: tuple[int, int, int], directions: tuple[int, int]) -> Real:
    """Return the points of a small spectrum in its cell, always from left to right and upwards on the screen."""
    across = np.linspace(-0.44, 0.44, len(line))  # inside of the frame
    up = np.clip(_ZERO + _HEIGHT * line, -_FRAME, _FRAME)
    return np.stack([voxel[0] + directions[0] * across, voxel[1] + directions[1] * up], axis=1)


def _frame(voxel: tuple[int, int, int]) -> Real:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) * _FRAME
    frame: Real = corners + voxel[:2]
    return frame
