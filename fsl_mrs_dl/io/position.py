"""Position of a grid of voxels: read qform and sform, compare positions, reorder axes, cut a box by a plane."""

import itertools
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from fsl_mrs_dl.data import MRSData, Real

_VISIBLE_SHARE = 0.1
"""Difference of qform and sform that needs no warning, as a share of the smallest side of a voxel: the quaternions
of a qform are rounded, and a tenth of a voxel is not visible."""


@dataclass(frozen=True, eq=False)
class Position:
    """Voxel to world coordinates of a header.

    Attributes
    ----------
    affine : ndarray, float, shape (4, 4), or None
        The qform, which NIfTI-MRS uses, or else the sform, in mm; None if neither is set.
    other : ndarray, float, shape (4, 4), or None
        The sform, if it differs.
    notes : tuple of str
    """

    affine: Real | None
    other: Real | None = None
    notes: tuple[str, ...] = ()


def position(header: Any, grid: tuple[int, ...]) -> Position:
    """Return the position of a grid according to a NIfTI header.

    Parameters
    ----------
    header : nibabel.Nifti1Header
    grid : tuple of int
        (x, y, z).
    """
    qform = _form(header, "qform")
    sform = _form(header, "sform")
    if qform is None or sform is None:
        return Position(sform if qform is None else qform)
    apart = apart_mm(qform, sform, grid)
    if apart <= _VISIBLE_SHARE * smallest_side(qform):
        return Position(qform)
    note = (
        f"WARNING: its sform puts it up to {apart:.1f} mm from its qform: the qform is used, as in the NIfTI-MRS "
        "standard; viewers that prefer the sform show it elsewhere"
    )
    return Position(qform, sform, (note,))


def _form(header: Any, which: str) -> Real | None:
    if int(header[f"{which}_code"]) <= 0:
        return None
    try:
        affine = np.asarray(getattr(header, f"get_{which}")(), dtype=np.float64)
    except (HeaderDataError, ValueError):  # quaternions that are no rotation
        return None
    usable = np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 0
    return affine if usable else None


def places(data: MRSData) -> tuple[Real, ...]:
    """Return the affines of data: the one that is used, and the sform if it differs; none if not known."""
    if data.affine is None:
        return ()
    if data.nifti_header is None:
        return (data.affine,)
    other = position(data.nifti_header, data.fid.shape[:3]).other
    return (data.affine,) if other is None else (data.affine, other)


def apart_mm(one: Real, other: Real, grid: tuple[int, ...]) -> float:
    """Return the largest distance between the corners of a grid with two affines, in mm."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*(np.array(grid) - 1), 1]
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def smallest_side(affine: Real) -> float:
    """Return the shortest side of a voxel, in mm."""
    return float(np.linalg.norm(affine[:3, :3], axis=0).min())


def turned_to(values: Real, affine: Real, needed: Real) -> tuple[Real, Real]:
    """Reorder the axes of an image to the order and direction of another grid; return values and new affine.

    Parameters
    ----------
    values : ndarray, shape (x, y, z)
    affine : ndarray, float, shape (4, 4)
        Of the image.
    needed : ndarray, float, shape (4, 4)
        Of the other grid.

    Returns
    -------
    values : ndarray, shape (x, y, z)
        Not interpolated: axes are only swapped and flipped.
    affine : ndarray, float, shape (4, 4)
    """
    along = io_orientation(np.linalg.inv(needed) @ affine)
    if np.isnan(along).any():
        return values, affine
    return apply_orientation(values, along), affine @ inv_ornt_aff(along, values.shape)


def image_places(image: Any) -> tuple[Real, ...]:
    """Return the affines of an image: qform and sform (NIfTI; none if neither is set), or its affine."""
    if not isinstance(image, nib.Nifti1Pair):
        return (np.asarray(image.affine, dtype=np.float64),)
    return tuple(form for which in ("qform", "sform") if (form := _form(image.header, which)) is not None)


def box_section(corners: Real, axis: int, level: float) -> NDArray[np.float64]:
    """Return the corners of the section of a box by a plane, in order around it; shape (corner, 3)."""
    edges = [(a, b) for a, b in itertools.combinations(range(8), 2) if bin(a ^ b).count("1") == 1]
    points = []
    for a, b in edges:
        low, high = corners[a, axis] - level, corners[b, axis] - level
        if low * high < 0:
            points.append(corners[a] + (corners[b] - corners[a]) * low / (low - high))
    if len(points) < 3:
        return np.zeros((0, 3))
    polygon = np.array(points)
    others = [k for k in range(3) if k != axis]
    around = polygon[:, others] - polygon[:, others].mean(axis=0)
    return polygon[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
