"""Arrange FIDs along a dimension as sets of transients, (set, transient, coil, time), and back."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData, fid_flags
from fsl_mrs_dl.errors import DataError


@dataclass(frozen=True, eq=False)
class TransientSets:
    """FIDs of data: one set for each voxel and each index of the further dimensions.

    Attributes
    ----------
    data : MRSData
        With the dimension ``dim``; its size is 1 if the data had no such dimension.
    dim : str
    fids : ndarray, complex, shape (set, transient, coil, time)
    usable : ndarray, bool, shape (set, transient)
        Finite and not zero in all coils.
    """

    data: MRSData
    dim: str
    fids: Complex
    usable: NDArray[np.bool_]

    @classmethod
    def of(cls, data: MRSData, dim: str) -> Self:
        """Return the sets of data along a dimension, which is added if it is missing.

        Raises
        ------
        DataError
            If the data have three other dimensions already, or the tag is none of NIfTI-MRS.
        """
        if dim not in data.dim_tags:
            from nifti_mrs.definitions import dimension_tags  # only here: the help must not wait for it

            if dim not in dimension_tags:
                raise DataError(f"--dim is {dim}; one of {', '.join(dimension_tags)} is needed.")
            if len(data.dim_tags) == 3:
                raise DataError(
                    f"{data.name or 'The data'} has {', '.join(data.dim_tags)} and no room for {dim}; name one of "
                    "them with --dim."
                )
            data = replace(data, fid=data.fid[..., None], dim_tags=(*data.dim_tags, dim))
        moved = np.moveaxis(data.fid, *_axes(data, dim))
        if "DIM_COIL" not in data.dim_tags or dim == "DIM_COIL":
            moved = moved[..., None, :]
        fids = moved.reshape(-1, *moved.shape[-3:])
        return cls(data, dim, fids, (fid_flags(fids) == "").all(axis=-1))

    def with_fids(self, fids: Complex) -> MRSData:
        """Return the data with other FIDs, shape (set, any number, coil, time).

        If their number changes, the header of the dimension is dropped: it has one entry for each FID.
        """
        coil = "DIM_COIL" in self.data.dim_tags and self.dim != "DIM_COIL"
        source, target = _axes(self.data, self.dim)
        moved = np.moveaxis(self.data.fid, source, target)
        outer = moved.shape[: -len(source)]
        inner = fids.shape[1:] if coil else (fids.shape[1], fids.shape[3])
        back = np.moveaxis(fids.reshape(*outer, *inner), target, source)
        headers = {tag: dict(parts) for tag, parts in self.data.dim_headers.items()}
        if self.dim in headers and fids.shape[1] != self.fids.shape[1]:
            headers[self.dim].pop("header", None)
            headers = {tag: parts for tag, parts in headers.items() if parts}
        return replace(self.data.with_fid(back), dim_headers=headers)


def _axes(data: MRSData, dim: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes of transient, coil (if there) and time, and their target: the last axes."""
    coil = (data.axis("DIM_COIL"),) if "DIM_COIL" in data.dim_tags and dim != "DIM_COIL" else ()
    source = (data.axis(dim), *coil, TIME_AXIS)
    return source, tuple(range(-len(source), 0))


def set_scale(fids: Complex) -> float:
    """Return the norm of the average of a set of transients, by which the input of a network is divided."""
    return float(np.linalg.norm(fids.mean(axis=0))) or 1.0


def deviations_of(fids: Complex) -> tuple[Complex, Complex]:
    """Return the average of a set of transients, and the deviation of each from it, in double precision.

    Deviations are scaled by sqrt(n / (n - 1)), because the average contains each transient: their mean square is
    then that about the average of infinitely many.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, time)

    Returns
    -------
    tuple of ndarray, complex
        Shape (time,) and (transient, time).
    """
    average = fids.mean(axis=0, dtype=np.complex128)
    n = len(fids)
    return average, (fids - average) * np.sqrt(n / max(n - 1, 1))


def check_combined(data: MRSData) -> None:
    """Refuse data with coils.

    Raises
    ------
    DataError
        If there is DIM_COIL.
    """
    if "DIM_COIL" in data.dim_tags:
        raise DataError(f"{data.name} has DIM_COIL; combine its coils first (fsl_mrs_dl coilcombine).")


def check_alike(data: MRSData, first: MRSData) -> None:
    """Refuse transients with coils, or with other acquisition parameters than those of the first file.

    Raises
    ------
    DataError
        If nucleus, number of points, dwell time or field differ, or there is DIM_COIL.
    """
    check_combined(data)
    has, needs = (
        (d.nucleus, d.n_points, round(d.dwelltime_s, 9), round(d.spectrometer_frequency_mhz, 1))
        for d in (data, first)
    )
    if has != needs:
        raise DataError(
            f"{data.name} has {has[0]}, {has[1]} points of {has[2]:g} s at {has[3]} MHz, {first.name} has "
            f"{needs[0]}, {needs[1]} of {needs[2]:g} s at {needs[3]} MHz; train on data of one kind."
        )
