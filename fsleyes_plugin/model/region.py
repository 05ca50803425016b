"""The mean spectrum of a region: its voxels, aligned and weighted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, Complex, MRSData, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration import estimate_alignment
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import correct, first_order_phase
from fsl_mrs_dl.physics.partial_volume import mean_in_voxels
from fsl_mrs_dl.scores.spectra import noise_sd
from fsleyes_plugin.model.frames import Frame, Voxel

Mask = NDArray[np.bool_]
LEAST_SHARE = 0.5
"""Least share of a voxel inside of a region of another image: then most of its signal is of the region."""


class MeasuredGrid(Protocol):
    """A fit or a file whose FIDs are read voxel by voxel."""

    grid: tuple[int, int, int]
    affine: Real
    name: str

    @property
    def one(self) -> MRSData:
        """Header and axes."""

    def measured(self, voxel: Voxel) -> Complex | None:
        """Return the measured FID of a voxel, shape (time,); None if there is none."""

    def known_frame(self, voxel: Voxel) -> Frame | None:
        """Return phase, delay and shift of the fit of a voxel; None if they are not known."""


@dataclass(frozen=True)
class Averaging:
    """How the voxels of a region are averaged.

    Attributes
    ----------
    aligned : bool
        Whether shift and phase of each voxel are removed: those of its fit, or without a fit those that
        ``align`` finds.
    weighted : bool
        Whether voxels count by the inverse variance of their noise.
    """

    aligned: bool = True
    weighted: bool = True


def shares_of(image: Real, affine: Real, spectra: MeasuredGrid) -> Real:
    """Return the share of each spectroscopic voxel that lies in a region drawn on another image.

    Parameters
    ----------
    image : ndarray, shape (x, y, z)
        Not zero inside of the region.
    affine : ndarray, float, shape (4, 4)
        Of the image: voxel to scanner, in mm.
    spectra : MeasuredGrid

    Returns
    -------
    ndarray, float, shape (x, y, z)
    """
    inside = (np.nan_to_num(np.asarray(image, dtype=np.float64)) != 0).astype(np.float32)
    to_image = np.linalg.inv(affine) @ spectra.affine
    shares: Real = mean_in_voxels(inside[None], to_image, spectra.grid)[0][0]
    return shares


def mean_spectrum(spectra: MeasuredGrid, mask: Mask, averaging: Averaging) -> MRSData:
    """Return the mean FID of a region as data of one voxel, with a record of what was averaged.

    Parameters
    ----------
    spectra : MeasuredGrid
    mask : ndarray, bool, shape (x, y, z)
    averaging : Averaging

    Returns
    -------
    MRSData
        Shape (1, 1, 1, time); its voxel is the smallest box of the grid around the region.

    Raises
    ------
    DataError
        If no voxel of the region has a signal.
    """
    read = [(voxel, spectra.measured(voxel)) for voxel in _voxels(mask)]
    known = [(voxel, fid) for voxel, fid in read if fid is not None]
    if not known:
        raise DataError(
            f"The region has {len(read)} voxels of {spectra.name}, and none with a signal; draw one over voxels "
            "that have one."
        )
    voxels = [voxel for voxel, _ in known]
    fids: Complex = np.stack([fid for _, fid in known]).astype(np.complex128)
    one = spectra.one
    noise = np.atleast_1d(noise_sd(fids, one.ppm_axis, one.nucleus))
    by = "as they are"
    if averaging.aligned:
        fids, by = _aligned(spectra, voxels, fids)
    weighted = averaging.weighted and bool((noise > 0).all())
    weights = noise**-2.0 if weighted else np.ones(len(fids))
    mean = (weights[:, None] * fids).sum(axis=0) / weights.sum()
    details = (
        f"fsleyes_plugin region, voxels={[list(voxel) for voxel in voxels]}, aligned={by}, "
        f"weighted={'by inverse noise variance' if weighted else 'no'}."
    )
    return replace(
        one,
        fid=mean[None, None, None],
        dim_tags=(),
        dim_headers={},
        affine=_box(spectra.affine, np.array(voxels)),
        processing=(*one.processing, nifti.record("Signal averaging", details)),
        nifti_header=None,
        name="region",
    )


def _voxels(mask: Mask) -> list[Voxel]:
    return [(int(x), int(y), int(z)) for x, y, z in np.argwhere(mask)]


def _aligned(spectra: MeasuredGrid, voxels: Sequence[Voxel], fids: Complex) -> tuple[Complex, str]:
    """Return the FIDs without shift and phase, and in words how they were found."""
    step_s = spectra.one.dwelltime_s
    frames = [spectra.known_frame(voxel) for voxel in voxels]
    fitted = [frame for frame in frames if frame is not None]
    if len(fitted) == len(frames):
        turned = [
            correct(
                first_order_phase(fid, -frame.delay_s, step_s, frame.first_hz),
                frame.first_hz,
                frame.phase_rad,
                step_s,
            )
            for fid, frame in zip(fids, fitted, strict=True)
        ]
        return np.stack(turned), "by their fits"
    if len(fids) == 1:
        return fids, "one voxel"
    stacked = replace(
        spectra.one, fid=fids.T[None, None, None], dim_tags=("DIM_DYN",), dim_headers={}, nifti_header=None
    )
    window = NUCLEI[stacked.nucleus].ppm_window if stacked.nucleus in NUCLEI else None
    estimates = estimate_alignment(stacked, dim="DIM_DYN", limits_ppm=window, method="gn", progress=_silent)
    shifts, phases = (np.ravel(values) for values in (estimates.shift_hz, estimates.phase_rad))
    return correct(fids, shifts, phases, step_s), "by registration"


def _silent(sets: Iterable[Any], **_words: Any) -> Iterable[Any]:
    """Show no progress: a window stands before the terminal."""
    return sets


def _box(affine: Real, voxels: NDArray[np.integer]) -> Real:
    """Return the affine of one voxel that is the box around others."""
    low, high = voxels.min(axis=0), voxels.max(axis=0)
    within = np.diag([*(high - low + 1.0), 1.0])
    within[:3, 3] = (low + high) / 2
    box: Real = affine @ within
    return box
