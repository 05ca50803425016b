"""The Fisher matrix and the Cramer-Rao bound, for every fit and every benchmark."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real


def fisher_matrix(derivatives: Complex, noise_sd: float = 1.0, weighted: Complex | None = None) -> Real:
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
    weighted : ndarray, complex, shape of ``derivatives``, optional
        The derivatives under W, the inverse of the noise's covariance in units of its variance (a projector
        for a window); by default white noise in all samples.

    Returns
    -------
    ndarray, float, shape (..., parameter, parameter)
    """
    product = derivatives.conj() @ np.swapaxes(derivatives if weighted is None else weighted, -1, -2)
    matrix: Real = product.real / noise_sd**2
    return matrix


def crlb(fisher: Real) -> Real:
    """Return the smallest SD an unbiased estimator can reach, shape (..., parameter)."""
    bound: Real = np.sqrt(np.diagonal(np.linalg.inv(fisher), axis1=-2, axis2=-1))
    return bound
