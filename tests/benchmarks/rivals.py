"""The same steps by this package and by FSL-MRS, so that a table can run both down one column."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.fit.registration import METHODS
from fsl_mrs_dl.io.nifti import from_nifti_mrs, to_nifti_mrs
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.ecc import ecc
from fsl_mrs_dl.steps.remove import remove

Window = tuple[float, float]
WATER_PPM: Window = (4.5, 4.8)
"""Where FSL-MRS removes water, and so both do for the comparison."""
Aligned = tuple[MRSData, int | None]
"""A corrected file, and how many FIDs were flagged; None = the method has no flags."""


def aligners(ppm: Window) -> Iterator[tuple[str, Callable[[MRSData], Aligned] | None]]:
    """Yield the methods of alignment by name; None for one that cannot be run.

    Parameters
    ----------
    ppm : tuple of float
        Alignment window.
    """
    for method in METHODS:
        yield method, partial(_ours, method=method, ppm=ppm)
    there = fslmrs.available()
    yield "FSL-MRS align", partial(_theirs, ppm=ppm, join=False) if there else None
    yield "FSL-MRS align, align-diff", partial(_theirs, ppm=ppm, join=True) if there else None


def _ours(data: MRSData, *, method: str, ppm: Window) -> Aligned:
    result = align(data, method=method, ppm=ppm)
    return result.data, int((result.estimates.flag != "").sum()) if result.estimates else None


def _theirs(data: MRSData, *, ppm: Window, join: bool) -> Aligned:
    aligned = fslmrs.process("align", to_nifti_mrs(data), dim="DIM_DYN", ppmlim=ppm)
    if join:
        # The conditions of the file are half a turn apart, so that their sum is the difference.
        options = {"dim_align": "DIM_DYN", "dim_diff": "DIM_EDIT", "diff_type": "add", "ppmlim": ppm}
        aligned = fslmrs.process("aligndiff", aligned, **options)
    return from_nifti_mrs(aligned), None


def fsl_mrs_estimates(data: MRSData, ppm: Window) -> tuple[Real, Real]:
    """Return what FSL-MRS's align took away, read off its output point by point.

    Parameters
    ----------
    data : MRSData
        One voxel whose only dimension is DIM_DYN.
    ppm : tuple of float
        Alignment window.

    Returns
    -------
    shift_hz, phase_rad : ndarray, float, shape (transient,)
    """
    aligned = from_nifti_mrs(fslmrs.process("align", to_nifti_mrs(data), dim="DIM_DYN", ppmlim=ppm))
    before, after = (np.moveaxis(one.fid[0, 0, 0], 0, -1) for one in (data, aligned))
    taken = before * after.conj()
    turn = np.angle((taken[:, 1:] * taken[:, :-1].conj()).sum(axis=1))
    points = np.arange(taken.shape[1])
    phase_rad = np.angle((taken * np.exp(-1j * turn[:, None] * points)).sum(axis=1))
    return turn / (2 * np.pi * data.dwelltime_s), phase_rad


@dataclass(frozen=True)
class Chain:
    """The steps from coils to an average, of this package or of FSL-MRS."""

    fsl_mrs: bool

    def coilcombine(self, data: MRSData, reference: MRSData, covariance: Any = None) -> MRSData:
        """Combine coils with the weights of a reference; a covariance can be given to FSL-MRS alone."""
        if not self.fsl_mrs:
            return coilcombine(data, reference=reference).data
        return _process("coilcombine", data, reference=reference, covariance=covariance)

    def ecc(self, data: MRSData, reference: MRSData) -> MRSData:
        """Take the phase of a reference off."""
        return (
            _process("ecc", data, reference=reference)
            if self.fsl_mrs
            else ecc(data, reference=reference).data
        )

    def align(self, data: MRSData, ppm: Window) -> MRSData:
        """Align within a window."""
        if self.fsl_mrs:
            return _process("align", data, dim="DIM_DYN", ppmlim=ppm)
        return align(data, ppm=ppm).data

    def average(self, data: MRSData) -> MRSData:
        """Average the transients."""
        return _process("average", data, dim="DIM_DYN") if self.fsl_mrs else average(data).data

    def remove(self, data: MRSData) -> MRSData:
        """Remove residual water."""
        if self.fsl_mrs:
            return _process("remove_peaks", data, limits=WATER_PPM)
        return remove(data, ppm=WATER_PPM).data


def _process(function: str, data: MRSData, **options: Any) -> MRSData:
    passed = {key: to_nifti_mrs(v) if isinstance(v, MRSData) else v for key, v in options.items()}
    return from_nifti_mrs(fslmrs.process(function, to_nifti_mrs(data), **passed))


def difference(one: MRSData, other: MRSData) -> float:
    """Return how far two results differ, relative, after one complex constant."""
    x, y = (data.fid.astype(np.complex128).ravel() for data in (one, other))
    return float(np.linalg.norm(np.vdot(x, y) / np.vdot(x, x) * x - y) / np.linalg.norm(y))
