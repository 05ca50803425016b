"""Standard deviations of the parameters besides amplitudes, from the Fisher matrix of all parameters."""

import math

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm.result import FitResult


def nuisance_sd(result: FitResult) -> dict[str, Real]:
    r"""Return the Cramer-Rao bounds of shifts, widths and phases, with all other parameters unknown.

    The bound of sigma, whose square is fitted, is :math:`s_{\sigma^2} / 2 \sigma`. That of the zero-order phase at
    the carrier, :math:`\phi - 2 \pi \tau f`, follows from the covariance of all three.

    Parameters
    ----------
    result : FitResult
        Of S spectra.

    Returns
    -------
    dict of str to ndarray, float
        ``shift_hz``, ``gamma``, ``sigma`` of shape (S, G); ``carrier_phase_rad``, ``delay_s`` of shape (S,);
        ``member_hz`` as in the result, if it was fitted. NaN for parameters that were not fitted, and for a sigma
        of zero.
    """
    members, groups = result.amplitudes.shape[1], result.shift_hz.shape[1]
    covariance = _inverse(result.information)
    variance = np.einsum("sqq->sq", covariance)
    shift, phase, delay = members, members + 3 * groups, members + 3 * groups + 1
    slope = np.zeros(variance.shape)
    slope[:, phase] = 1.0
    slope[:, shift] = -2 * math.pi * result.delay_s
    # A delay that is not fitted has no error.
    known = np.isnan(variance[:, delay])
    slope[:, delay] = np.where(known, 0.0, -2 * math.pi * result.shift_hz[:, 0])
    carrier = np.einsum("sq,sqr,sr->s", slope, np.nan_to_num(covariance), slope)
    sd = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(result.sigma > 0, sd[:, shift + 2 * groups : phase] / (2 * result.sigma), np.nan)
    bounds = {
        "shift_hz": sd[:, shift : shift + groups],
        "gamma": sd[:, shift + groups : shift + 2 * groups],
        "sigma": sigma,
        "carrier_phase_rad": np.where(np.isnan(variance[:, phase]), np.nan, np.sqrt(carrier)),
        "delay_s": sd[:, delay],
    }
    single = sd[:, delay + 1 :]
    return bounds | {"member_hz": single} if single.shape[1] else bounds


def _inverse(information: Real) -> Real:
    """Return inverses, (S, Q, Q), with NaN in rows and columns of parameters that were not fitted."""
    inverses = np.full(information.shape, np.nan)
    for row, matrix in enumerate(information):
        fitted = np.flatnonzero(np.diagonal(matrix) > 0)
        inner = matrix[np.ix_(fitted, fitted)]
        size = np.sqrt(np.diagonal(inner))
        inverse = np.linalg.pinv(inner / np.outer(size, size), rcond=1e-13, hermitian=True)
        inverses[row][np.ix_(fitted, fitted)] = inverse / np.outer(size, size)
    return inverses
