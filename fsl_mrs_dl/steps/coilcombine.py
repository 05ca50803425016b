"""The step ``coilcombine``."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.physics import coils
from fsl_mrs_dl.steps.ecc import check_belongs
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids
from fsl_mrs_dl.steps.water_references import COIL

logger = logging.getLogger(__name__)


@step(method="RF coil combination")
def coilcombine(
    data: MRSData,
    *,
    reference: MRSData | None = None,
    no_prewhiten: bool = False,
    covariance: Path | None = None,
) -> StepResult:
    """Combine receive coils by whitened singular value decomposition (WSVD).

    All transients and edit conditions of a voxel share one set of weights, so that differences between them are
    kept (Rodgers & Robson 2010, doi:10.1002/mrm.22230). A coil whose FID is zero or holds NaN is left out of that
    FID only. Phase and scale of the result are as in FSL-MRS: the phase of the first coil, and squared
    sensitivities that add up to 1.

    FSL-MRS 2.4 differs in two ways. It uses the complex conjugate of the noise covariance, which costs SNR where
    the noise of coils is correlated with a phase. Without a reference, it weights each FID separately.

    Parameters
    ----------
    data : MRSData
    reference : MRSData, optional
        NIfTI-MRS file without water suppression, of the same coils and voxels. The weights come from all its
        transients. Default: from the data themselves.
    no_prewhiten : bool
        Assume that the noise of all coils is equal and not correlated.
    covariance : Path, optional
        Text file with the noise covariance of the coils, E[n_i n_j*]: one row per line, real or complex (1+2j).
        Default: estimated from the last tenth of each FID.

    Returns
    -------
    StepResult
        The data without DIM_COIL.

    Raises
    ------
    DataError
        If there are no coils, the reference does not fit, or the noise cannot be estimated.
    OptionError
        If a covariance is given that may not be used.

    Examples
    --------
    fsl_mrs_dl coilcombine --file metab.nii.gz --reference wref.nii.gz --output combined
    """
    fids, usable = _by_voxel(data)
    noise = _noise(fids, usable, no_prewhiten, covariance)
    source, source_usable = (fids, usable) if reference is None else _reference(reference, data)
    combined = np.empty((*fids.shape[:2], fids.shape[-1]), dtype=np.complex128)
    lost = 0
    for voxel in range(len(fids)):
        products = coils.coil_products(source[voxel], source_usable[voxel])
        if reference is not None and not products.any() and usable[voxel].any():
            products = coils.coil_products(fids[voxel], usable[voxel])
            lost += 1
        sensitivity = coils.sensitivities(products, noise)
        combined[voxel] = coils.combine(fids[voxel], usable[voxel], sensitivity, noise)
    # Without a usable coil, an FID that is not finite stays so, and an empty FID stays empty.
    broken = ~usable.any(axis=-1) & ~np.isfinite(fids).all(axis=(-1, -2))
    combined[broken] = np.nan
    partly = usable.any(axis=-1, keepdims=True) & ~usable
    settled = {"left_out": int(partly.sum())} if partly.any() else {}
    if lost:
        logger.warning("The reference is empty in %d voxels; their weights come from the data.", lost)
        settled["without_reference"] = lost
    return StepResult(data.with_fid(_from_voxels(combined, data), without=COIL), settled=settled)


def _by_voxel(data: MRSData) -> tuple[Complex, coils.Mask]:
    """Return FIDs of shape (voxel, fid, coil, time), and which of them are usable."""
    n_voxels = int(np.prod(data.fid.shape[:TIME_AXIS]))
    axis = data.axis(COIL)
    fids = np.moveaxis(data.fid, (axis, TIME_AXIS), (-2, -1))
    usable = np.moveaxis(usable_fids(data), axis - 1, -1)
    n_coils = data.fid.shape[axis]
    return fids.reshape(n_voxels, -1, n_coils, data.n_points), usable.reshape(n_voxels, -1, n_coils)


def _from_voxels(combined: Complex, data: MRSData) -> Complex:
    higher = [n for tag, n in zip(data.dim_tags, data.fid.shape[4:], strict=True) if tag != COIL]
    shaped = combined.reshape(*data.fid.shape[:TIME_AXIS], *higher, data.n_points)
    return np.moveaxis(shaped, -1, TIME_AXIS)


def _reference(reference: MRSData, data: MRSData) -> tuple[Complex, coils.Mask]:
    check_belongs(reference, data)
    source, usable = _by_voxel(reference)
    n_coils = data.fid.shape[data.axis(COIL)]
    if source.shape[-2] != n_coils:
        raise DataError(
            f"{reference.name or 'The reference'} has {source.shape[-2]} coils; the {n_coils} of "
            f"{data.name or 'the data'} are needed, in the same order."
        )
    return source, usable


def _noise(fids: Complex, usable: coils.Mask, no_prewhiten: bool, path: Path | None) -> coils.Covariance:
    if no_prewhiten and path is not None:
        raise OptionError("--covariance asks for whitening, --no_prewhiten for none; leave one of them out.")
    n_coils = fids.shape[-2]
    if no_prewhiten or (n_coils == 1 and path is None):
        return np.eye(n_coils, dtype=np.complex128)
    if path is None:
        every = (-1, n_coils)
        return coils.noise_covariance(fids.reshape(*every, fids.shape[-1]), usable.reshape(every))
    matrix = _read_matrix(path)
    coils.check_covariance(matrix, np.ones(n_coils, dtype=bool), path.name)
    return matrix


def _read_matrix(path: Path) -> NDArray[np.complex128]:
    try:
        return np.atleast_2d(np.loadtxt(path, dtype=np.complex128))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"--covariance {path} is no readable matrix ({error}); a text file with one row for each coil is "
            "needed."
        ) from error
