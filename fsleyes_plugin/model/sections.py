"""Sections of an anatomical image through a voxel, with the outline of the voxel."""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.io.position import box_section

PLANES = (("sagittal", 0, (1, 2)), ("coronal", 1, (0, 2)), ("axial", 2, (0, 1)))
"""Name of a plane, axis of the scanner across it, and axes along it."""
_PIXELS = 200
"""Pixels along each side of a section: 1.3 mm for a head of 256 mm, as fine as anatomical images are."""


@dataclass(frozen=True, eq=False)
class AnatomySection:
    """One section in the axes of the scanner.

    Attributes
    ----------
    plane : str
    pixels : ndarray, float, shape (up, across)
    extent_mm : tuple of float
        Left, right, bottom and top end; the horizontal axis of a coronal or axial section points to the right of
        the patient.
    outline_mm : ndarray, float, shape (corner, 2)
        Empty where the plane misses the voxel.
    """

    plane: str
    pixels: Real
    extent_mm: tuple[float, float, float, float]
    outline_mm: Real


def voxel_corners(affine: Real, voxel: tuple[int, int, int]) -> Real:
    """Return the corners of a voxel in the scanner, in mm; shape (8, 3)."""
    corners = np.array([[*corner, 1.0] for corner in itertools.product(*((i - 0.5, i + 0.5) for i in voxel))])
    moved: Real = (corners @ np.asarray(affine).T)[:, :3]
    return moved


def sections(image: Real, affine: Real, corners_mm: Real) -> tuple[AnatomySection, ...]:
    """Cut an image through the centre of a voxel, sagittal, coronal and axial.

    Parameters
    ----------
    image : ndarray, float, shape (x, y, z)
    affine : ndarray, float, shape (4, 4)
        Of the image: voxel to scanner, in mm.
    corners_mm : ndarray, float, shape (8, 3)
        See :func:`voxel_corners`.

    Returns
    -------
    tuple of AnatomySection
    """
    ends = [(-0.5, n - 0.5) for n in image.shape]
    box = np.array([[*corner, 1.0] for corner in itertools.product(*ends)]) @ affine.T
    low, high = box[:, :3].min(axis=0), box[:, :3].max(axis=0)
    centre = corners_mm.mean(axis=0)
    to_image = np.linalg.inv(affine)
    cut = []
    for name, across, (first, second) in PLANES:
        step = (high - low) / _PIXELS
        along = [low[k] + step[k] * (np.arange(_PIXELS) + 0.5) for k in (first, second)]
        points = np.empty((_PIXELS, _PIXELS, 3))
        points[..., across] = centre[across]
        points[..., first], points[..., second] = np.meshgrid(*along)
        places = points @ to_image[:3, :3].T + to_image[:3, 3]
        pixels = map_coordinates(image, np.moveaxis(places, -1, 0), order=1, mode="constant")
        outline = box_section(corners_mm, across, centre[across])[:, [first, second]]
        extent = (float(low[first]), float(high[first]), float(low[second]), float(high[second]))
        cut.append(AnatomySection(name, pixels, extent, outline))
    return tuple(cut)
