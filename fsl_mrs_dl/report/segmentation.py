"""Draw the voxels of a scan and their tissue on an anatomical image (matplotlib)."""

from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import TISSUES, MRSData, Real
from fsl_mrs_dl.io.position import box_section
from fsl_mrs_dl.io.tissue_images import TissueImages
from fsl_mrs_dl.io.volumes import read_image
from fsl_mrs_dl.report.anatomy import PLANES, grid_corners
from fsl_mrs_dl.report.drawing import new_figure, png
from fsl_mrs_dl.report.page import FLAGGED

_COLOURS = ("#e69f00", "#56b4e9", "#009e73")
"""Colours of WM, GM and CSF, of Okabe and Ito (jfly.uni-koeln.de/color)."""
_OPACITY = 0.45  # of the colours of tissue on the anatomy: both can be seen


def segmentation_png(scan: MRSData, t1: Path, images: TissueImages, fractions: Real) -> bytes:
    """Return a picture: three slices with the outline of the voxels and the tissue inside, and the fractions.

    Parameters
    ----------
    scan : MRSData
        With a position.
    t1 : Path
        The anatomical image.
    images : TissueImages
    fractions : ndarray, float, shape (3, x, y, z)
        Of the voxels; drawn as maps if there are many.
    """
    anatomy, affine = read_image(t1, "t1")
    is_single = fractions[0].size == 1
    figure = new_figure((9.6, 3.9 if is_single else 7.2))
    axes = figure.subplots(1 if is_single else 2, 3, squeeze=False)
    corners = grid_corners(scan, affine)
    middle = np.clip(np.round(corners.mean(axis=0)), 0, np.array(anatomy.shape) - 1).astype(int)
    top = float(np.percentile(anatomy[anatomy > 0], 99.5)) if (anatomy > 0).any() else 1.0
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    for panel, (name, axis, shown) in zip(axes[0], PLANES, strict=True):
        grey = np.clip(np.take(anatomy, middle[axis], axis=axis) / top, 0, 1)
        colours, inside = _tissue_colours(scan, images, affine, grey.shape, axis, middle[axis])
        mixed = np.where(inside, _OPACITY, 0.0)[..., None]
        picture = (1 - mixed) * np.repeat(grey[..., None], 3, axis=-1) + mixed * colours
        width, height = np.array(grey.shape) * sides[list(shown)]
        panel.imshow(
            picture.swapaxes(0, 1), origin="lower", extent=(0, width, 0, height), interpolation="nearest"
        )
        outline = (box_section(corners, axis, middle[axis])[:, shown] + 0.5) * sides[list(shown)]
        if len(outline):
            closed = np.concatenate([outline, outline[:1]])
            panel.plot(closed[:, 0], closed[:, 1], color=FLAGGED, linewidth=1.2)
        if shown[0] == 0:
            panel.set_xlim(width, 0)  # the right of the head on the left
        panel.set_title(name, fontsize="medium")
        panel.set_axis_off()
    if not is_single:
        _draw_maps(figure, axes[1], fractions)
    _draw_legend(figure, fractions)
    return png(figure)


def _tissue_colours(
    scan: MRSData, images: TissueImages, affine: Real, size: tuple[int, ...], axis: int, level: int
) -> tuple[Real, Any]:
    """Return the colour of the tissue at each pixel of a slice, shape (*size, 3), and where a voxel has tissue."""
    place = np.insert(np.indices(size).reshape(2, -1).astype(float), axis, level, axis=0)
    world = affine[:3, :3] @ place + affine[:3, 3:]
    in_grid = _indices(np.asarray(scan.affine), world)
    grid = np.array(scan.fid.shape[:3])[:, None]
    index = np.round(_indices(images.affine, world)).astype(int)
    bounds = np.array(images.shares.shape[1:])[:, None]
    inside = ((in_grid >= -0.5) & (in_grid <= grid - 0.5) & (index >= 0) & (index < bounds)).all(axis=0)
    shares = np.zeros((len(TISSUES), place.shape[1]))
    shares[:, inside] = images.shares[(slice(None), *index[:, inside])]
    colours = shares.T @ np.array([_rgb(colour) for colour in _COLOURS])
    total = shares.sum(axis=0)
    colours /= np.maximum(total, 1e-6)[:, None]  # no division by zero where there is no tissue
    return np.clip(colours, 0, 1).reshape(*size, 3), (inside & (total > 0)).reshape(size)


def _indices(affine: Real, world: Real) -> Real:
    inverse = np.linalg.inv(affine)
    places: Real = inverse[:3, :3] @ world + inverse[:3, 3:]
    return places


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))


def _draw_maps(figure: Any, panels: Any, fractions: Real) -> None:
    """Draw the fractions of the middle slice of a grid."""
    for panel, tissue, values in zip(panels, TISSUES, fractions, strict=True):
        shown = values[:, :, values.shape[2] // 2]
        drawn = panel.imshow(shown.T, origin="lower", vmin=0, vmax=1, cmap="gray", interpolation="nearest")
        panel.set_title(f"{tissue}, slice {values.shape[2] // 2} of the grid", fontsize="medium")
        panel.set_axis_off()
    figure.colorbar(drawn, ax=list(panels), shrink=0.8, label="Fraction")


def _draw_legend(figure: Any, fractions: Real) -> None:
    from matplotlib.patches import Patch

    usable = fractions.sum(axis=0) > 0
    middle = np.median(fractions[:, usable], axis=1)
    labels = [f"{tissue} {value:.2f}" for tissue, value in zip(TISSUES, middle, strict=True)]
    title = None if usable.size == 1 else "median"
    handles = [Patch(color=colour, label=label) for colour, label in zip(_COLOURS, labels, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, title=title)
