"""The Fisher matrix and the Cramer-Rao bound, for every fit and every benchmark."""

import math

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration import Band
from fsl_mrs_dl.physics import time_axis


def fisher_matrix(derivatives: Complex, noise_sd: float = 1.0) -> Real:
    r"""Return the Fisher matrix of real parameters under white complex Gaussian noise.

    .. math:: F_{ij} = \frac{1}{\sigma^2} \mathrm{Re} \sum_n
        \overline{\frac{\partial s_n}{\partial \theta_i}} \frac{\partial s_n}{\partial \theta_j}

    (Cavassila et al. 2001, doi:10.1002/nbm.701, eq. 5.)

    Parameters
    ----------
    derivatives : ndarray, complex, shape (..., parameter, sample)
        Of the model in the samples that are fitted, the fit's projector applied.
    noise_sd : float
        Standard deviation of the noise, a channel.

    Returns
    -------
    ndarray, float, shape (..., parameter, parameter)
    """
    product = derivatives.conj() @ np.swapaxes(derivatives, -1, -2)
    matrix: Real = product.real / noise_sd**2
    return matrix


def crlb(fisher: Real) -> Real:
    """Return the smallest SD an unbiased estimator can reach, shape (..., parameter)."""
    bound: Real = np.sqrt(np.diagonal(np.linalg.inv(fisher), axis1=-2, axis2=-1))
    return bound


def registration_derivatives(fid: Complex, band: Band) -> Complex:
    """Return the derivatives of a exp(i phi + 2 pi i f t) r(t) at a = 1, phi = f = 0.

    The band's projector is applied: its window without the smooth baseline.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        r(t).
    band : Band

    Returns
    -------
    ndarray, complex, shape (3, coil, time)
        For scale, phase (rad) and shift (Hz).
    """
    t = time_axis(fid.shape[-1], band.dwelltime_s, fid)
    scale, moved = band.project(np.stack([fid, 2j * math.pi * t * fid]))
    return np.stack([scale, 1j * scale, moved])


def registration_crlb(fid: Complex, band: Band, noise_sd: float) -> tuple[float, float]:
    """Return the bounds of shift (Hz) and phase (rad) of one transient whose reference is known.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        The transient without noise.
    band : Band
        Its projector (window without smooth baseline) is the estimator's.
    noise_sd : float
        A channel.

    Returns
    -------
    shift_hz, phase_rad : float
    """
    columns = registration_derivatives(fid, band).reshape(3, -1)
    _, phase_rad, shift_hz = crlb(fisher_matrix(columns, noise_sd))
    return float(shift_hz), float(phase_rad)
