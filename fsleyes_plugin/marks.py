"""Outlines of chosen voxels over the anatomy: one overlay for each kind of mark, changed in place."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.overlays import belongs, image_of
from fsleyes_plugin.session import Fit

_MARK = "mrsdl mark"
_WIDTH_PIXELS = 3  # of an outline, visible over a map
Colour = tuple[float, float, float]


def marked(fit: Fit | Scan, overlayList: Any, kind: str) -> Any:
    """Return the overlay of a kind of mark of a fit, or None."""
    for image in overlayList:
        if belongs(image, fit) and image.getMeta(_MARK, None) == kind:
            return image
    return None


def mark(
    fit: Fit | Scan,
    overlayList: Any,
    displayCtx: Any,
    kind: str,
    voxels: NDArray[np.bool_] | Iterable[Voxel],
    colour: Colour,
) -> Any:
    """Outline voxels of a fit, or remove the outline if there are none.

    Parameters
    ----------
    fit : Fit or Scan
    overlayList, displayCtx : OverlayList, DisplayContext
    kind : str
        Name of the mark; a fit has one overlay for each.
    voxels : ndarray, bool, shape (x, y, z), or iterable of tuple of int
    colour : tuple of float
        Red, green and blue, 0 to 1.

    Returns
    -------
    Image or None
    """
    mask = voxels if isinstance(voxels, np.ndarray) else _mask_of(fit, voxels)
    image = marked(fit, overlayList, kind)
    if not mask.any():
        if image is not None:
            overlayList.remove(image)
        return None
    if image is not None:
        image[:] = mask.astype(np.float32)
        return image
    image = image_of(fit, mask, f"{kind}, {fit.name}")
    image.setMeta(_MARK, kind)
    selected = displayCtx.getSelectedOverlay() if len(overlayList) else None
    overlayList.append(image, overlayType="mask")
    opts = displayCtx.getOpts(image)
    opts.outline, opts.outlineWidth, opts.colour = True, _WIDTH_PIXELS, colour
    if selected is not None:
        displayCtx.selectOverlay(selected)  # its colour bar and its panel stay
    return image


def _mask_of(fit: Fit | Scan, voxels: Iterable[Voxel]) -> NDArray[np.bool_]:
    mask = np.zeros(fit.grid, dtype=bool)
    for voxel in voxels:
        mask[voxel] = True
    return mask
