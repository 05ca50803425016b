"""Combination of receive coils by the whitened singular value decomposition (WSVD). NumPy only.

Model of a voxel: coil ``i`` receives ``x_i(t) = a_i s(t) + n_i(t)`` with the noise covariance
``C_ij = E[n_i n_j*]``. The best linear unbiased estimate of ``s`` is
``s = a^H C^-1 x / (a^H C^-1 a)``, with the SNR ``|s| sqrt(a^H C^-1 a)`` (Roemer et al. 1990,
doi:10.1002/mrm.1910160203); WSVD takes ``a`` from the data: the first singular vector of the whitened FIDs
(Rodgers & Robson 2010, doi:10.1002/mrm.22230). ``usable`` marks the FIDs that may be used: a broken coil or
transient is left out of every mean and of its own combination, and all others are used.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.errors import DataError

Mask = NDArray[np.bool_]
Covariance = NDArray[np.complex128]

NOISE_TAIL = 0.1
"""Share of the FID, at its end, that holds noise alone; FSL-MRS's value, so that both whiten alike."""
MIN_SAMPLES_PER_COIL = 10
"""Least number of noise samples a coil: a covariance of fewer amplifies noise."""
_LEAST_EIGENVALUE = 1e-10
"""Smallest eigenvalue of a usable covariance over its largest; below it, inversion amplifies rounding errors."""


def coil_products(fids: Complex, usable: Mask) -> Covariance:
    """Return the mean of ``x_i x_j*`` over the time points of all FIDs that are usable in both coils.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, coil, time)
    usable : ndarray, bool, shape (fid, coil)

    Returns
    -------
    ndarray, complex128, shape (coil, coil)
        Zero for pairs without such an FID.
    """
    cleaned = np.where(usable[..., None], fids, 0).astype(np.complex128)
    rows = np.moveaxis(cleaned, 1, 0).reshape(cleaned.shape[1], -1)
    weights = usable.astype(np.float64)
    count = (weights.T @ weights) * fids.shape[-1]
    mean: Covariance = (rows @ rows.conj().T) / np.maximum(count, 1)
    return mean


def noise_covariance(fids: Complex, usable: Mask) -> Covariance:
    """Estimate the coils' noise covariance from the tails of the FIDs that are usable in all working coils.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, coil, time)
        FIDs of all voxels, transients and other dimensions.
    usable : ndarray, bool, shape (fid, coil)

    Returns
    -------
    ndarray, complex128, shape (coil, coil)
        Rows and columns of coils without any usable FID are zero.

    Raises
    ------
    DataError
        If the tails are too short or have no noise.
    """
    n_coils = fids.shape[1]
    working = np.asarray(usable.any(axis=0))
    # Whole FIDs only: a mean over other FIDs for each pair of coils need not be a covariance.
    whole = (usable | ~working).all(axis=1) & usable.any(axis=1)
    start = int((1 - NOISE_TAIL) * fids.shape[-1])
    tail = np.where(usable[whole, :, None], fids[whole, :, start:], 0)
    samples = int(whole.sum()) * tail.shape[-1]
    if samples < MIN_SAMPLES_PER_COIL * n_coils:
        raise DataError(
            f"The last {NOISE_TAIL:.0%} of the FIDs are {samples} noise samples for {n_coils} coils; at "
            f"least {MIN_SAMPLES_PER_COIL * n_coils} are needed. Give --covariance, or --no_prewhiten."
        )
    # Subtract the mean of each FID: a receiver offset or water at the carrier is no noise.
    tail = tail - tail.mean(axis=-1, keepdims=True)
    covariance: Covariance = coil_products(tail, usable[whole]) * (tail.shape[-1] / (tail.shape[-1] - 1))
    check_covariance(covariance, working, "The covariance of the FIDs' tails")
    return covariance


def check_covariance(covariance: NDArray[Any], working: Mask, name: str) -> None:
    """Refuse a matrix that cannot be the noise covariance of the working coils.

    Parameters
    ----------
    covariance : ndarray, complex or float, shape (coil, coil)
    working : ndarray, bool, shape (coil,)
    name : str
        First words of the error message.

    Raises
    ------
    DataError
        If it has another shape, or is not finite, Hermitian and positive definite.
    """
    n_coils = working.size
    if covariance.shape != (n_coils, n_coils):
        raise DataError(
            f"{name} has shape {covariance.shape}; {(n_coils, n_coils)} is needed, with one row for each coil."
        )
    mirrored = covariance.conj().T
    if not np.isfinite(covariance).all() or not np.allclose(covariance, mirrored, rtol=1e-4, atol=1e-12):
        raise DataError(f"{name} is not Hermitian and finite; give E[n_i n_j*] of the coils' noise.")
    values = np.linalg.eigvalsh(covariance[np.ix_(working, working)])
    if values[0] <= _LEAST_EIGENVALUE * values[-1]:
        raise DataError(
            f"{name} is singular: coils that are copies of each other, or FIDs that end in zeros. "
            "Give --covariance, or --no_prewhiten."
        )


def sensitivities(products: Covariance, covariance: Covariance) -> Complex:
    """Return the coils' complex sensitivities in a voxel: the strongest whitened component.

    Parameters
    ----------
    products : ndarray, complex, shape (coil, coil)
        From :func:`coil_products`.
    covariance : ndarray, complex, shape (coil, coil)
        Of the noise; the identity combines without whitening.

    Returns
    -------
    ndarray, complex128, shape (coil,)
        Of unit norm, real and positive in the first working coil, as in FSL-MRS; 0 for coils without signal.
    """
    result = np.zeros(len(products), dtype=np.complex128)
    working = (np.diag(products).real > 0) & (np.diag(covariance).real > 0)
    if working.any():
        block = np.ix_(working, working)
        colour = np.linalg.cholesky(covariance[block])
        whitened = np.linalg.solve(colour, np.linalg.solve(colour, products[block]).conj().T)
        strongest = colour @ np.linalg.eigh(whitened)[1][:, -1]
        result[working] = strongest * np.exp(-1j * np.angle(strongest[0])) / np.linalg.norm(strongest)
    return result


def combine(fids: Complex, usable: Mask, sensitivity: Complex, covariance: Covariance) -> Complex:
    """Return the best linear unbiased estimate of the signal behind the coils' FIDs.

    A coil that is not usable in one FID is left out there; the others take over its part, so that the
    signal keeps its size and phase.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, coil, time)
    usable : ndarray, bool, shape (fid, coil)
    sensitivity : ndarray, complex, shape (coil,)
    covariance : ndarray, complex, shape (coil, coil)

    Returns
    -------
    ndarray, complex128, shape (fid, time)
        Zero where no coil is usable.
    """
    combined = np.zeros((fids.shape[0], fids.shape[2]), dtype=np.complex128)
    weighted = usable & (sensitivity != 0)
    for coils in np.unique(weighted, axis=0):
        if coils.any():
            rows = (weighted == coils).all(axis=1)
            solved = np.linalg.solve(covariance[np.ix_(coils, coils)], sensitivity[coils])
            weights = solved.conj() / np.vdot(sensitivity[coils], solved).real
            combined[rows] = np.einsum("c,fct->ft", weights, fids[rows][:, coils])
    return combined
