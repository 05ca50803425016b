"""Small spectra of the voxels of one slice, for a picture over the anatomy."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import map_coordinates

from fsl_mrs_dl.data import VERDICTS, Real
from fsleyes_plugin.model.curves import Curves, Display, turned
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.frames import Frame, Voxel
from fsleyes_plugin.model.maps import Maps

_POINTS = 120
"""Points of a small spectrum: a cell has about as many pixels."""
_PIXELS = 24
"""Pixels of the anatomy along each side of a cell."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One voxel of the picture.

    Attributes
    ----------
    voxel : tuple of int
    data, fit : ndarray, float, shape (points,)
        Real parts, from high to low chemical shift, in units of the highest spectrum of the picture.
    verdict : str
        ``good``, ``usable``, ``unusable``, or empty where it is not known.
    """

    voxel: Voxel
    data: Real
    fit: Real
    verdict: str = ""


def window_around(voxel: Voxel, grid: tuple[int, int, int], across: int) -> tuple[slice, slice]:
    """Return the voxels around one in its slice, at most ``across`` along x and y, inside of the grid."""
    parts = []
    for place, n in zip(voxel[:2], grid[:2], strict=True):
        first = int(np.clip(place - across // 2, 0, max(n - across, 0)))
        parts.append(slice(first, min(first + across, n)))
    return parts[0], parts[1]


@refusing_damage
def cells(curves: Curves, maps: Maps, z: int, window: tuple[slice, slice], display: Display) -> list[Cell]:
    """Return the small spectra of the fitted voxels of a window.

    Parameters
    ----------
    curves : Curves
    maps : Maps
    z : int
        Slice.
    window : tuple of slice
        Along x and y, see :func:`window_around`.
    display : Display

    Returns
    -------
    list of Cell
    """
    ppm = curves.one.ppm_axis
    low, high = curves.shown_ppm
    inside = np.flatnonzero((ppm >= low) & (ppm <= high))
    verdicts = maps.file("verdict")
    words = {level.code: word for word, level in VERDICTS.items()}
    read: list[Cell] = []
    for x in range(window[0].start, window[0].stop):
        for y in range(window[1].start, window[1].stop):
            voxel = (x, y, z)
            data = curves.measured(voxel)
            if data is None:
                continue
            frame = curves.known_frame(voxel) or Frame()
            spectra, ground = turned(
                np.stack([data, curves.fitted(voxel)]), curves.one.dwelltime_s, display, frame
            )
            lines = [_thinned(line[inside] - below) for line, below in zip(spectra, ground, strict=True)]
            code = 0 if verdicts is None else int(verdicts.at(voxel).reshape(-1)[0])
            read.append(Cell(voxel, lines[0], lines[1], words.get(code, "")))
    top = max((float(np.abs(cell.data).max()) for cell in read), default=1.0) or 1.0
    return [replace(cell, data=cell.data / top, fit=cell.fit / top) for cell in read]


def _thinned(line: Real) -> Real:
    """Return a spectrum from high to low chemical shift with fewer points: of each run the farthest from zero."""
    runs = np.array_split(line[::-1], min(_POINTS, len(line)))
    thin: Real = np.array([run[np.abs(run).argmax()] for run in runs])
    return thin


def anatomy_below(image: Real, affine: Real, grid_affine: Real, z: int, window: tuple[slice, slice]) -> Real:
    """Return the anatomy in the plane of a slice of the grid.

    Parameters
    ----------
    image : ndarray, float, shape (x, y, z)
    affine, grid_affine : ndarray, float, shape (4, 4)
        Of the image and of the grid.
    z : int
    window : tuple of slice

    Returns
    -------
    ndarray, float, shape (x pixels, y pixels)
    """
    places = [
        np.arange((part.stop - part.start) * _PIXELS) / _PIXELS + part.start - 0.5 + 0.5 / _PIXELS
        for part in window
    ]
    x, y = np.meshgrid(*places, indexing="ij")
    points = np.stack([x, y, np.full(x.shape, z), np.ones(x.shape)], axis=-1)
    to_image = np.linalg.inv(affine) @ grid_affine
    below: Real = map_coordinates(
        image, np.moveaxis(points @ to_image[:3].T, -1, 0), order=1, mode="constant"
    )
    return below
