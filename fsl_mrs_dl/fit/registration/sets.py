"""The sets of transients that MRSData holds: their layout, bad FIDs, noise, and a given reference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.scores import noise_sd

_COIL = "DIM_COIL"
_ENOUGH_FOR_NOISE = 16
"""Transients of a set from which the noise of a coil is estimated: the median of 16 is good to some per cent."""
_SAME_DWELLTIME = 1e-4
"""Relative difference up to which two dwell times are the same; headers round them."""


@dataclass(frozen=True, eq=False)
class Layout:
    """FIDs as sets of transients, and the way back to NIfTI-MRS order.

    Attributes
    ----------
    fids : ndarray, complex, shape (set, transient, coil, time)
    others : tuple of str
        The dimensions that make the sets: voxels and everything but transient and coil.
    others_shape : tuple of int
        Their sizes.
    order : tuple of int
        Place in the data of these dimensions, then of transient and coil.
    n_coils : int
    """

    fids: Complex
    others: tuple[str, ...]
    others_shape: tuple[int, ...]
    order: tuple[int, ...]
    n_coils: int

    @classmethod
    def of(cls, data: MRSData, dim: str) -> "Layout":
        """Return the sets of data whose transients lie along a dimension.

        Raises
        ------
        DataError
            If there is no such dimension.
        """
        data.axis(dim)
        names = ("x", "y", "z", *data.dim_tags)
        last = [dim] + ([_COIL] if _COIL in names else [])
        others = tuple(name for name in names if name not in last)
        order = tuple(names.index(name) for name in (*others, *last))
        fids = np.moveaxis(data.fid, TIME_AXIS, -1).transpose(*order, len(names))
        others_shape = fids.shape[: len(others)]
        n_coils = fids.shape[-2] if _COIL in names else 1
        shaped = fids.reshape(int(np.prod(others_shape)), -1, n_coils, data.n_points)
        return cls(shaped, others, others_shape, order, n_coils)

    def restored(self, per_transient: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return values of shape (set, transient) for every FID, in NIfTI-MRS order without time."""
        repeated = np.repeat(per_transient[:, :, None], self.n_coils, axis=2)
        ordered = repeated.reshape([shape[axis] for axis in self.order])
        return np.ascontiguousarray(ordered.transpose(np.argsort(self.order)))


def bad_fids(fids: Complex) -> NDArray[np.str_]:
    """Return flags of shape (transient,): a coil that is not finite, or all coils zero.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    """
    of_coils = fid_flags(fids)
    zero = np.where((of_coils == "zero").all(axis=1), "zero", "")
    return np.where((of_coils == "nonfinite").any(axis=1), "nonfinite", zero).astype("<U16")


def coil_noise(fids: Complex, data: MRSData) -> Real:
    """Return the noise SD of each coil, shape (coil,); infinite for a dead coil, so that it counts nothing.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    data : MRSData
        Gives axis and nucleus.
    """
    some = fids[:: -(-len(fids) // _ENOUGH_FOR_NOISE)]
    sd = np.median(noise_sd(some, data.ppm_axis, data.nucleus), axis=0)
    return np.where(sd > 0, sd, np.inf if (sd > 0).any() else 1.0)


def reference_fids(reference: MRSData, data: MRSData, n_coils: int) -> Complex:
    """Return a given reference as an array of shape (coil, time).

    Raises
    ------
    DataError
        If it is not one FID, or one for each coil, of the data's points, dwell time and nucleus.
    """
    name = reference.name or "The reference"
    same = np.isclose(reference.dwelltime_s, data.dwelltime_s, rtol=_SAME_DWELLTIME)
    if reference.n_points != data.n_points or not same or reference.nucleus != data.nucleus:
        has, needs = (f"{d.n_points} points of {d.dwelltime_s:g} s ({d.nucleus})" for d in (reference, data))
        raise DataError(f"{name} has {has}, the data {needs}; give a reference of the same acquisition.")
    fids = np.moveaxis(reference.fid, TIME_AXIS, -1).reshape(-1, data.n_points)
    if len(fids) not in (1, n_coils) or (len(fids) > 1 and reference.dim_tags != (_COIL,)):
        needs = f"one, or one for each of the {n_coils} coils" if n_coils > 1 else "one"
        raise DataError(f"{name} holds {len(fids)} FIDs; needed is {needs}. Average it first.")
    if (fid_flags(fids) == "nonfinite").any() or (fid_flags(fids) == "zero").all():
        raise DataError(f"{name} is not finite or zero everywhere; give another reference.")
    return np.broadcast_to(fids, (n_coils, data.n_points)).astype(np.complex128)
