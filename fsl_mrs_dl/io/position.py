"""Where a grid of voxels lies in the world: qform and sform, and images of the same grid turned otherwise."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.spatialimages import HeaderDataError

from fsl_mrs_dl.data import MRSData, Real

_SEEN = 0.1
"""Share of the smallest side of a voxel by which qform and sform may differ untold: the quaternions of a qform are
rounded, and by eye less is not seen."""


@dataclass(frozen=True, eq=False)
class Position:
    """Voxel to world, as a header says it.

    Attributes
    ----------
    affine : ndarray, float, shape (4, 4), or None
        The qform where there is one, as NIfTI-MRS has it, else the sform, in mm; None where neither is set.
    other : ndarray, float, shape (4, 4), or None
        The sform, where it puts the grid elsewhere.
    notes : tuple of str
    """

    affine: Real | None
    other: Real | None = None
    notes: tuple[str, ...] = ()


def position(header: Any, grid: tuple[int, ...]) -> Position:
    """Return where a NIfTI header puts a grid.

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
    if apart <= _SEEN * smallest_side(qform):
        return Position(qform)
    note = (
        f"WARNING: its sform puts it up to {apart:.1f} mm from its qform: the qform is taken, where "
        "NIfTI-MRS has the position; viewers that prefer the sform show it elsewhere"
    )
    return Position(qform, sform, (note,))


def _form(header: Any, which: str) -> Real | None:
    if int(header[f"{which}_code"]) <= 0:
        return None
    try:
        found = np.asarray(getattr(header, f"get_{which}")(), dtype=np.float64)
    except (HeaderDataError, ValueError):  # quaternions that are no rotation
        return None
    usable = np.isfinite(found).all() and abs(np.linalg.det(found[:3, :3])) > 0
    return found if usable else None


def places(data: MRSData) -> tuple[Real, ...]:
    """Return where data lie: the place that counts, and that of their sform where it differs; none if unknown."""
    if data.affine is None:
        return ()
    if data.nifti_header is None:
        return (data.affine,)
    other = position(data.nifti_header, data.fid.shape[:3]).other
    return (data.affine,) if other is None else (data.affine, other)


def apart_mm(one: Real, other: Real, grid: tuple[int, ...]) -> float:
    """Return how far apart two affines put the corners of a grid, in mm."""
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*(np.array(grid) - 1), 1]
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def smallest_side(affine: Real) -> float:
    """Return the shortest side of a voxel, in mm."""
    return float(np.linalg.norm(affine[:3, :3], axis=0).min())


def turned_to(values: Real, affine: Real, needed: Real) -> tuple[Real, Real]:
    """Return an image with its axes in the order and direction of another grid, and its affine then.

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
        Not interpolated: axes are swapped and flipped only.
    affine : ndarray, float, shape (4, 4)
    """
    along = io_orientation(np.linalg.inv(needed) @ affine)
    if np.isnan(along).any():
        return values, affine
    return apply_orientation(values, along), affine @ inv_ornt_aff(along, values.shape)


def image_places(image: Any) -> tuple[Real, ...]:
    """Return where an image lies: by qform and sform (NIfTI; none if neither is set), or by its affine."""
    if not isinstance(image, nib.Nifti1Pair):
        return (np.asarray(image.affine, dtype=np.float64),)
    return tuple(form for which in ("qform", "sform") if (form := _form(image.header, which)) is not None)
