"""Sums and ratios of amplitudes, each with its Cramer-Rao bound from the covariance."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Real


def combination(names: Sequence[str], sums: Sequence[Sequence[str]]) -> Real:
    """Return the matrix that turns amplitudes of members into those of members and sums; shape (N, M)."""
    rows = [[float(name in parts) for name in names] for parts in sums]
    return np.concatenate([np.eye(len(names)), np.reshape(rows, (len(sums), len(names)))])


def combined(amplitudes: Real, covariance: Real, matrix: Real) -> tuple[Real, Real]:
    r"""Return linear combinations and their standard deviations, :math:`\sqrt{\mathrm{diag}(A C A^T)}`.

    Parameters
    ----------
    amplitudes : ndarray, float, shape (V, M)
    covariance : ndarray, float, shape (V, M, M)
    matrix : ndarray, float, shape (N, M)

    Returns
    -------
    value, sd : ndarray, float, shape (V, N)
    """
    variance = np.einsum("nm,vmk,nk->vn", matrix, covariance, matrix, optimize=True)
    return amplitudes @ matrix.T, np.sqrt(np.maximum(variance, 0))


def ratios(amplitudes: Real, covariance: Real, matrix: Real, reference: Real) -> tuple[Real, Real]:
    r"""Return ratios of combinations to a reference, and their standard deviations by the delta method.

    .. math:: \mathrm{var}(a/r) = \frac{\mathrm{var}(a) - 2 (a/r) \mathrm{cov}(a, r)
                                        + (a/r)^2 \mathrm{var}(r)}{r^2}

    Parameters
    ----------
    amplitudes, covariance, matrix
        As in :func:`combined`.
    reference : ndarray, float, shape (M,)
        Weights of the reference.

    Returns
    -------
    value, sd : ndarray, float, shape (V, N)
        NaN where the reference was fitted as zero.
    """
    value, sd = combined(amplitudes, covariance, matrix)
    below = amplitudes @ reference
    below = np.where(below > 0, below, np.nan)[:, None]
    towards = np.einsum("vmk,k->vm", covariance, reference)
    both = towards @ matrix.T
    variance = towards @ reference
    ratio = value / below
    # A reference near zero makes ratios of any size.
    with np.errstate(over="ignore", invalid="ignore"):
        spread = sd**2 - 2 * ratio * both + ratio**2 * variance[:, None]
        return ratio, np.sqrt(np.maximum(spread, 0)) / below


def percent(value: Real, sd: Real) -> Real:
    """Return the bound over the amplitude, in per cent, at most 999; NaN for spectra that were not fitted."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        relative = np.abs(100 * sd / value)
    relative = np.where(np.isfinite(relative), np.minimum(relative, 999.0), 999.0)
    return np.where(np.isnan(value), np.nan, relative)
