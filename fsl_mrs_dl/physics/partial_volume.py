"""Partial volumes of a rotated voxel in the grid of an anatomical image.

A grid of spectroscopic voxels is a box in each of its voxels; an image has one value in each of its own. Both are
placed by an affine, and may be turned against each other in any way.
"""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real

_POINTS_A_VOXEL = 32
"""Points of a spectroscopic voxel for each voxel of the image: they place a plane boundary to 0.001 of the volume
of a voxel of 20 mm in an image of 1 mm."""
_POINTS_LOG2 = (12, 18)
"""Smallest and largest number of points of a spectroscopic voxel, as powers of 2: they place a plane boundary to
0.005 and to 0.001 of the volume."""
_ROOT = 1.2207440846057596
"""Real root above 1 of x^4 = x + 1."""
_EDGE_LOG2 = 8
"""Points of an image voxel at the edge of the box, as a power of 2: its share is right to about 0.01."""
_AT_A_TIME = 2**22
"""Points that are looked up at a time: about 200 MB of memory."""


def spread_points(log2: int) -> Real:
    """Return points that fill the unit cube about the origin evenly, shape (2**log2, 3).

    Coordinates are multiples of three irrational numbers, without their whole part (Niederreiter 1992,
    doi:10.1137/1.9781611970081, chapter 3), here powers of the root of x^4 = x + 1. A plane in any direction
    divides them by volume better than random points; a regular grid has planes that it may be parallel to.
    """
    steps = _ROOT ** -np.arange(1.0, 4.0)
    points: Real = (0.5 + np.outer(np.arange(2**log2), steps)) % 1 - 0.5
    return points


def mean_in_voxels(images: Real, to_image: Real, grid: tuple[int, ...]) -> tuple[Real, Real]:
    """Return the mean of images over the volume of each spectroscopic voxel.

    Parameters
    ----------
    images : ndarray, float, shape (image, x, y, z)
        Values of each image voxel; 0 is what lies outside.
    to_image : ndarray, float, shape (4, 4)
        Indices of the spectroscopic grid to indices of the images.
    grid : tuple of int
        (x, y, z) of the spectroscopic voxels.

    Returns
    -------
    means : ndarray, float, shape (image, x, y, z)
    inside : ndarray, float, shape (x, y, z)
        Share of each voxel that lies inside the images.
    """
    matrix, shift = to_image[:3, :3], to_image[:3, 3]
    count = _POINTS_A_VOXEL * max(abs(np.linalg.det(matrix)), 1.0)
    offsets = spread_points(int(np.clip(np.ceil(np.log2(count)), *_POINTS_LOG2))) @ matrix.T
    centres = np.array(list(np.ndindex(*grid))) @ matrix.T + shift
    shape = images.shape[1:]
    # One row a voxel, to be looked up once; the last row, of index -1, is what lies outside.
    rows = np.concatenate([images.reshape(len(images), -1).T, np.zeros((1, len(images)), images.dtype)])
    means, inside = np.zeros((len(centres), len(images))), np.zeros(len(centres))
    step = max(1, _AT_A_TIME // len(offsets))
    for first in range(0, len(centres), step):
        part = slice(first, first + step)
        index = _nearest(centres[part, None] + offsets, shape)
        inside[part] = (index >= 0).mean(axis=1)
        means[part] = rows[index].mean(axis=1, dtype=np.float64)
    return means.T.reshape(len(images), *grid), inside.reshape(grid)


def _nearest(places: Real, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the flat index of the image voxel at each place (.., 3) in indices; -1 outside of the image."""
    index = np.floor(places + 0.5).astype(np.intp)
    is_inside = ((index >= 0) & (index < shape)).all(axis=-1)
    flat = (index[..., 0] * shape[1] + index[..., 1]) * shape[2] + index[..., 2]
    return np.where(is_inside, flat, -1)


def coverage(shape: tuple[int, ...], to_grid: Real, grid: tuple[int, ...]) -> Real:
    """Return the share of each image voxel that lies inside the box of the spectroscopic grid.

    Parameters
    ----------
    shape : tuple of int
        (x, y, z) of the image.
    to_grid : ndarray, float, shape (4, 4)
        Indices of the image to indices of the spectroscopic grid.
    grid : tuple of int
        (x, y, z) of the spectroscopic voxels.

    Returns
    -------
    ndarray, float32, shape (x, y, z)
        Of the image: 1 inside, 0 outside, in between at the edge.
    """
    matrix, shift = to_grid[:3, :3], to_grid[:3, 3]
    low, high = np.full(3, -0.5), np.array(grid) - 0.5
    shares = np.zeros(shape, dtype=np.float32)
    around = _bounds(np.linalg.inv(to_grid), low, high, shape)
    if around is None:
        return shares
    reach = np.abs(matrix).sum(axis=1) / 2  # from the centre of an image voxel to its farthest corner
    points = spread_points(_EDGE_LOG2) @ matrix.T
    for x in range(around[0].start, around[0].stop):  # slab by slab, to bound the memory
        y, z = np.meshgrid(np.r_[around[1]], np.r_[around[2]], indexing="ij")
        centres = np.stack([np.full(y.shape, x), y, z], axis=-1) @ matrix.T + shift
        whole = ((centres >= low + reach) & (centres <= high - reach)).all(axis=-1)
        edge = ((centres > low - reach) & (centres < high + reach)).all(axis=-1) & ~whole
        slab = whole.astype(np.float32)
        places = centres[edge][:, None] + points
        slab[edge] = ((places >= low) & (places <= high)).all(axis=-1).mean(axis=-1)
        shares[x, around[1], around[2]] = slab
    return shares


def _bounds(
    to_image: Real, low: Real, high: Real, shape: tuple[int, ...]
) -> tuple[slice, slice, slice] | None:
    """Return the image voxels around a box of the spectroscopic grid, or None if it lies outside of the image."""
    corners = np.array([np.where(upper, high, low) for upper in np.ndindex(2, 2, 2)])
    corners = corners @ to_image[:3, :3].T + to_image[:3, 3]
    first = np.clip(np.floor(corners.min(axis=0)), 0, np.array(shape)).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, np.array(shape)).astype(int)
    if (first >= last).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return x, y, z
