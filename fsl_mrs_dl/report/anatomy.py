"""Draw the position of the voxels: three slices of a structural image with their outline."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.position import box_section
from fsl_mrs_dl.io.volumes import read_image
from fsl_mrs_dl.report.figures import _FONT
from fsl_mrs_dl.report.page import FLAGGED

PLANES = (("sagittal", 0, (1, 2)), ("coronal", 1, (0, 2)), ("axial", 2, (0, 1)))
"""Planes of a picture: name, axis across it, axes along it."""
_LARGEST_SIDE = 256  # pixels of a slice; a larger one is thinned, to keep the page small


def place_figure(data: MRSData, t1: Path) -> Any:
    """Draw slices of a structural image through the centre of the voxels, with the outline of the voxels.

    Parameters
    ----------
    data : MRSData
        With a position.
    t1 : Path
        NIfTI image.

    Raises
    ------
    DataError
        If the image cannot be read, or the data have no position.
    """
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    if data.affine is None:
        raise DataError(f"{data.name or 'The data'} say no position; leave --t1 out.")
    image, affine = read_image(t1, "t1")
    corners = grid_corners(data, affine)
    middle = np.clip(np.round(corners.mean(axis=0)), 0, np.array(image.shape) - 1).astype(int)
    drawing = make_subplots(1, 3, subplot_titles=[name for name, *_ in PLANES], horizontal_spacing=0.02)
    top = float(np.percentile(image[image > 0], 99.5)) if (image > 0).any() else 1.0
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    for column, (_, axis, shown) in enumerate(PLANES, start=1):
        cut = np.take(image, middle[axis], axis=axis)
        step = max(1, -(-max(cut.shape) // _LARGEST_SIDE))
        grey = np.clip(255 * cut[::step, ::step] / top, 0, 255).astype(np.uint8)
        place = [np.arange(0, n, step) * sides[k] for n, k in zip(cut.shape, shown, strict=True)]
        drawing.add_trace(
            go.Heatmap(
                z=grey.T, x=place[0], y=place[1], colorscale="Greys_r", showscale=False, hoverinfo="skip"
            ),
            row=1,
            col=column,
        )
        outline = box_section(corners, axis, middle[axis])[:, shown] * sides[list(shown)]
        if len(outline):
            closed = np.concatenate([outline, outline[:1]])
            line = go.Scatter(
                x=closed[:, 0],
                y=closed[:, 1],
                mode="lines",
                line={"color": FLAGGED, "width": 2},
                showlegend=False,
                hoverinfo="skip",
            )
            drawing.add_trace(line, row=1, col=column)
        flip = "reversed" if shown[0] == 0 else True  # the right of the head on the left
        drawing.update_xaxes(visible=False, constrain="domain", autorange=flip, row=1, col=column)
        anchor = f"x{column if column > 1 else ''}"
        drawing.update_yaxes(visible=False, constrain="domain", scaleanchor=anchor, row=1, col=column)
    margin = {"l": 8, "r": 8, "t": 60, "b": 8}
    return drawing.update_layout(template="none", font=_FONT, height=420, margin=margin)


def grid_corners(data: MRSData, affine: Real) -> Real:
    """Return the eight corners of the grid of the data in voxels of the image, shape (8, 3)."""
    ends = [(-0.5, n - 0.5) for n in data.fid.shape[:3]]
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*ends)])
    moved: Real = (np.linalg.inv(affine) @ np.asarray(data.affine) @ corners.T).T[:, :3]
    return moved
