"""The Fisher matrix and the Cramer-Rao bound, for every fit and every benchmark."""

import math

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration import Band
from fsl_mrs_dl.physics import time_axis


def fisher_matrix(derivatives: Complex, noise_sd: float = 1.0, weighed: Complex | None = None) -> Real:
    r"""Return the Fisher matrix of real parameters under complex Gaussian noise.

    .. math:: F_{ij} = \frac{1}{\sigma^2} \mathrm{Re} \left(
        \frac{\partial s}{\partial \theta_i}^H W \frac{\partial s}{\partial \theta_j} \right)

    (Cavassila et al. 2001, doi:10.1002/nbm.701, eq. 5, where W = 1.)

    Parameters
    ----------
    derivatives : ndarray, complex, shape (..., parameter, sample)
        Of the model in the samples that are fitted.
    noise_sd : float
        Standard deviation of the noise, a channel.
    weighed : ndarray, complex, shape of ``derivatives``, optional
        The derivatives under W, the inverse of the noise's covariance in units of its variance (a projector
        for a window); not given = white noise in all samples.

    Returns
    -------
    ndarray, float, shape (..., parameter, parameter)
    """
    product = derivatives.conj() @ np.swapaxes(derivatives if weighed is None else weighed, -1, -2)
    matrix: Real = product.real / noise_sd**2
    return matrix


def crlb(fisher: Real) -> Real:
    """Return the smallest SD an unbiased estimator can reach, shape (..., parameter)."""
    bound: Real = np.sqrt(np.diagonal(np.linalg.inv(fisher), axis1=-2, axis2=-1))
    return bound


def registration_derivatives(fid: Complex, dwelltime_s: float) -> Complex:
    """Return the derivatives of a exp(i phi + 2 pi i f t) r(t) at a = 1, phi = f = 0.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        r(t).
    dwelltime_s : float
        In s.

    Returns
    -------
    ndarray, complex, shape (3, coil, time)
        For scale, phase (rad) and shift (Hz).
    """
    t = time_axis(fid.shape[-1], dwelltime_s, fid)
    return np.stack([fid, 1j * fid, 2j * math.pi * t * fid])


def registration_crlb(fid: Complex, band: Band, noise_sd: float) -> tuple[float, float]:
    """Return the bounds of shift (Hz) and phase (rad) of one transient whose reference is known.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        The transient without noise.
    band : Band
        Its window, and the weight of its smooth baseline.
    noise_sd : float
        A channel.

    Returns
    -------
    shift_hz, phase_rad : float
    """
    columns = registration_derivatives(fid, band.dwelltime_s)
    fisher = fisher_matrix(columns.reshape(3, -1), noise_sd, band.weighed(columns).reshape(3, -1))
    _, phase_rad, shift_hz = crlb(fisher)
    return float(shift_hz), float(phase_rad)
