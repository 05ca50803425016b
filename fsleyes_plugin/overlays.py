"""Show results as overlays of FSLeyes: maps, or the box of a single voxel; open fits added as overlays."""

from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
from fsl.data.image import Image
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.nifti_header import is_nifti_mrs
from fsleyes_plugin.model.folder import result_root
from fsleyes_plugin.model.maps import MapChoice, display_range
from fsleyes_plugin.model.quantities import colour_map
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.session import SESSION, Fit

MAP_ALPHA_PERCENT = 70.0  # the anatomy stays visible below
BOX_ALPHA_PERCENT, BOX_COLOUR = 55.0, (1.0, 0.85, 0.1)  # yellow, which no anatomy has
_BOX_CELLS = 4  # cells along each side of the box, so that its rim of zeros is thin
_KEY, _MAP, _DIFFERENCE = "mrsdl", "mrsdl map", "mrsdl difference"


def box(fit: Fit | Scan) -> Image:
    """Return the voxel of a single spectrum as an image of ones in a rim of zeros.

    FSLeyes does not draw an image with a single value.
    """
    cells = np.diag([1 / _BOX_CELLS, 1 / _BOX_CELLS, 1 / _BOX_CELLS, 1.0])
    cells[:3, 3] = (1 / _BOX_CELLS - 1) / 2 - 1 / _BOX_CELLS
    ones = np.pad(np.ones((_BOX_CELLS,) * 3, dtype=np.float32), 1)
    image = Image(ones, name=f"{fit.place} voxel", xform=fit.affine @ cells)
    image.setMeta(_KEY, fit.key)
    return image


def map_image(fit: Fit, choice: MapChoice) -> Image:
    """Return a map as an image, with NaN in masked voxels.

    Raises
    ------
    DataError
        If the folder has no such map.
    """
    values = fit.maps.values(choice)
    if values is None:
        raise DataError(f"{fit.folder.path} has no map of {choice.label}; choose another.")
    image = image_of(fit, np.where(_counted(fit), values, np.nan), f"{choice.label}, {fit.name}")
    image.setMeta(_MAP, choice)
    return image


def remove_of(shown: Fit | Scan, overlayList: Any) -> None:
    """Remove the overlays that were made of a fit or a file, and the overlay of the file itself."""
    path = shown.path if isinstance(shown, Scan) else shown.curves.fit_path
    for image in list(overlayList):
        if belongs(image, shown) or getattr(image, "dataSource", None) == str(path):
            overlayList.remove(image)


def image_of(fit: Fit | Scan, values: NDArray[Any], name: str) -> Image:
    """Return values on the grid of a fit as an image that belongs to it."""
    image = Image(np.asarray(values, dtype=np.float32), name=name, xform=fit.affine)
    image.setMeta(_KEY, fit.key)
    return image


def belongs(image: Any, fit: Fit | Scan) -> bool:
    """Return whether an overlay was made from a fit or a scan."""
    has = getattr(image, "getMeta", None)
    return has is not None and has(_KEY, None) == fit.key


def is_map(image: Any, fit: Fit) -> bool:
    """Return whether an overlay is a map of a fit from the map chooser."""
    return belongs(image, fit) and image.getMeta(_MAP, None) is not None


def anatomy_of(overlayList: Any) -> Image | None:
    """Return the first shown image of one volume that is neither a result nor NIfTI-MRS; None without one."""
    for image in overlayList:
        if not isinstance(image, Image) or image.getMeta(_KEY, None) is not None:
            continue
        if len(image.shape) == 3 and min(image.shape) > 1 and image.dtype.kind in "biuf":
            return image
    return None


def map_of(fit: Fit | None, overlayList: Any, displayCtx: Any) -> tuple[Any, MapChoice] | None:
    """Return the map of a fit over the anatomy, and what it shows; None if there is none or it is hidden.

    If there are several: the selected one, or else the uppermost.
    """
    if fit is None:
        return None
    maps = [
        overlay
        for overlay in displayCtx.getOrderedOverlays()
        if is_map(overlay, fit) and displayCtx.getDisplay(overlay).enabled
    ]
    selected = displayCtx.getSelectedOverlay() if len(overlayList) else None
    image = selected if selected in maps else (maps or [None])[-1]
    return None if image is None else (image, image.getMeta(_MAP))


def owner(overlay: Any) -> Fit | Scan | None:
    """Return the open fit or file that an overlay was made of, or that it is a file of."""
    open_: list[Fit | Scan] = [*SESSION.fits, *SESSION.scans]
    source = getattr(overlay, "dataSource", None)
    for one in open_:
        file = one.curves.fit_path if isinstance(one, Fit) else one.path
        if belongs(overlay, one) or (source is not None and Path(source) == file):
            return one
    return None


def bring_up(overlayList: Any, displayCtx: Any) -> None:
    """Show and select the map of the drawn fit, hide the maps of others, and name all overlays anew.

    Without a map the box of a single voxel stays as it is, so that the anatomy stays selected.
    """
    for overlay in overlayList:
        one = owner(overlay)
        if one is None:
            continue
        display = displayCtx.getDisplay(overlay)
        if not belongs(overlay, one):
            display.name = one.name
        elif isinstance(one, Fit) and not one.single:
            display.enabled = one is SESSION.fit and not is_difference(overlay)
        if isinstance(one, Fit) and is_map(overlay, one):
            display.name = f"{overlay.getMeta(_MAP).label}, {one.name}"
        elif belongs(overlay, one) and one.single:
            display.name = f"{one.place} voxel"
    shown = map_of(SESSION.fit, overlayList, displayCtx)
    if shown is not None:
        displayCtx.selectOverlay(shown[0])


def apply_mask(fit: Fit, overlayList: Any, displayCtx: Any) -> None:
    """Hide masked voxels in all maps of a fit; their colours and ranges stay."""
    for image in [overlay for overlay in overlayList if is_map(overlay, fit)]:
        values = fit.maps.values(image.getMeta(_MAP))
        if values is None:
            continue
        opts = displayCtx.getOpts(image)
        ranges = {name: tuple(getattr(opts, name)) for name in ("displayRange", "clippingRange")}
        image[:] = np.where(_counted(fit), values, np.nan).astype(np.float32)
        for name, (low, high) in ranges.items():
            limits = getattr(opts, name)
            if tuple(limits) != (low, high):
                limits.xmin, limits.xmax = min(limits.xmin, low), max(limits.xmax, high)
                limits.x = low, high


def is_difference(image: Any) -> bool:
    """Return whether an overlay is the difference of two fits."""
    return bool(image.getMeta(_DIFFERENCE, False))


def show_difference(fit: Fit, values: Real, name: str, overlayList: Any, displayCtx: Any) -> Image:
    """Show a difference, blue where it is negative and red where it is positive, in place of all maps.

    Parameters
    ----------
    fit : Fit
        To which it belongs.
    values : ndarray, float, shape (x, y, z)
        NaN where it is not known.
    name : str
    overlayList, displayCtx : OverlayList, DisplayContext
    """
    for overlay in list(overlayList):
        one = owner(overlay)
        if not isinstance(one, Fit) or not belongs(overlay, one):
            continue
        if is_difference(overlay):
            overlayList.remove(overlay)
        elif is_map(overlay, one):
            displayCtx.getDisplay(overlay).enabled = False
    image = image_of(fit, values, name)
    image.setMeta(_DIFFERENCE, True)
    overlayList.append(image)
    colour_difference(image, values[np.isfinite(values)], displayCtx)
    displayCtx.selectOverlay(image)
    return image


def _counted(fit: Fit) -> Any:
    fitted = fit.maps.fitted()
    return fitted if fit.mask is None else fitted & fit.mask


def colour(fit: Fit, choice: MapChoice, image: Image, displayCtx: Any) -> None:
    """Set the colours and the range of a map, from the voxels that are not masked."""
    display, opts = displayCtx.getDisplay(image), displayCtx.getOpts(image)
    values = np.asarray(image[:])
    values = values if np.isfinite(values).any() else np.zeros_like(values)
    low, high = display_range(values, np.isfinite(values), choice.kind)
    display.alpha = MAP_ALPHA_PERCENT
    opts.cmap = colour_map(choice.kind)
    opts.linkLowRanges = opts.linkHighRanges = False
    opts.displayRange = low, high
    least, most = (float(end(values, initial=start)) for end, start in ((np.nanmin, low), (np.nanmax, high)))
    opts.clippingRange = least - abs(high - low), most + abs(high - low)


def colour_difference(image: Image, differences: Real, displayCtx: Any) -> None:
    """Colour a difference blue where it is negative and red where it is positive."""
    display, opts = displayCtx.getDisplay(image), displayCtx.getOpts(image)
    top = float(np.percentile(np.abs(differences), 98)) or 1.0
    display.alpha = MAP_ALPHA_PERCENT
    opts.linkLowRanges = opts.linkHighRanges = False
    opts.useNegativeCmap = True
    opts.cmap, opts.negativeCmap = "red-yellow", "blue-lightblue"
    opts.displayRange = 0.0, top
    opts.clippingRange = 0.0, max(top, float(np.abs(differences).max())) * 1.01


def show_first(fit: Fit, overlayList: Any, displayCtx: Any) -> Image | None:
    """Add the first map of a fit, or its box, and colour it, unless the fit has an overlay already."""
    for image in overlayList:
        if belongs(image, fit):
            return image
    choice = fit.maps.default()
    if fit.single:
        return _show_box(fit, overlayList, displayCtx)
    if choice is None:
        return None
    image = map_image(fit, choice)
    overlayList.append(image)
    upright(displayCtx)
    colour(fit, choice, image, displayCtx)
    _go_there(fit, image, displayCtx)
    return image


def upright(displayCtx: Any) -> None:
    """Show the anatomy upright, in the axes of the scanner, once; then the user's choice stays.

    FSLeyes shows the axes of the first image as they are stored, which may lie on their side.
    """
    if not SESSION.upright:
        SESSION.upright = True
        displayCtx.displaySpace = "world"


def _show_box(fit: Fit | Scan, overlayList: Any, displayCtx: Any) -> Image | None:
    if not fit.located:
        return None
    image = box(fit)
    overlayList.append(image, overlayType="mask")
    upright(displayCtx)
    displayCtx.getDisplay(image).alpha = BOX_ALPHA_PERCENT
    displayCtx.getOpts(image).colour = BOX_COLOUR
    anatomy = anatomy_of(overlayList)  # a mask has no colour bar
    displayCtx.selectOverlay(image if anatomy is None else anatomy)
    displayCtx.worldLocation.xyz = [float(c) for c in fit.centre((0, 0, 0))]
    return image


def _go_there(fit: Fit, image: Image, displayCtx: Any) -> None:
    """Select a map, and move the cursor to the fitted voxel nearest to the centre."""
    displayCtx.selectOverlay(image)
    fitted = np.argwhere(fit.maps.fitted())
    if not len(fitted):
        return
    x, y, z = (int(i) for i in fitted[np.square(fitted - fitted.mean(axis=0)).sum(axis=1).argmin()])
    displayCtx.worldLocation.xyz = [float(c) for c in fit.centre((x, y, z))]


def open_dropped(overlayList: Any, displayCtx: Any, known: WeakSet[Any]) -> None:
    """Open files that were added as overlays, from the command line, the File menu, or by dragging.

    A fit opens its folder; other NIfTI-MRS is shown without a fit. The overlay of a fit, or of one voxel, stays
    but is hidden: its voxels are FIDs, not a picture. (FSLeyes has entry points for loaders; version 1.20.2
    reports an error after each use of one.)

    Parameters
    ----------
    overlayList, displayCtx : OverlayList, DisplayContext
    known : WeakSet
        Overlays that were already inspected; new ones are added.

    Raises
    ------
    DataError
        If a folder holds only half a result.
    """
    for overlay in [image for image in overlayList if image not in known]:
        known.add(overlay)
        source = getattr(overlay, "dataSource", None)
        path = Path(source) if source else None
        if path is None or not is_nifti_mrs(getattr(overlay, "header", None), path):
            continue
        if path.name.split(".")[0] == "fit" and result_root(path) is not None:
            fit = SESSION.open(path)
            displayCtx.getDisplay(overlay).enabled = False
            show_first(fit, overlayList, displayCtx)
            continue
        scan = SESSION.open_scan(path)
        if scan.single:
            displayCtx.getDisplay(overlay).enabled = False
            _show_box(scan, overlayList, displayCtx)
        upright(displayCtx)
