"""Least squares on the support: amplitudes without the shrinkage of the penalty, and their covariance."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.reconstruction.operators import Operator
from fsl_mrs_dl.fit.reconstruction.solver import magnitude

ITERATIONS = 30
"""Number of iterations of the conjugate gradients. Neighbours on the grid are nearly alike: more iterations would
amplify the noise in their differences."""
_TOLERANCE = 1e-4  # of the gradient, over that at the start
_CUT = 1e-3  # eigenvalues of the support's Gram matrix below this share of the largest are not resolved


def debias(
    operator: Operator, fids: Complex, amplitudes: Complex, *, iterations: int = ITERATIONS
) -> Complex:
    r"""Return the amplitudes that minimise :math:`\|y - A s\|^2` on their support, by conjugate gradients.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
    amplitudes : ndarray, complex, shape (set, FID, atom)
        Sparse; what is zero stays zero.
    iterations : int

    Returns
    -------
    ndarray, complex, shape of ``amplitudes``
    """
    support = magnitude(amplitudes) > 0
    here = amplitudes.copy()
    gradient = operator.adjoint(fids - operator.forward(here)) * support
    direction = gradient
    size = _energy(gradient)
    least = np.maximum(size * _TOLERANCE**2, np.finfo(np.float64).tiny)
    for _ in range(iterations):
        if (size <= least).all():
            break
        curved = operator.adjoint(operator.forward(direction)) * support
        along = np.einsum("gfa,gfa->g", direction.conj(), curved).real
        step = np.where((size > least) & (along > 0), size / np.where(along > 0, along, 1), 0)[:, None, None]
        here = here + step.astype(_precision(here)) * direction
        gradient = gradient - step.astype(_precision(here)) * curved
        left = _energy(gradient)
        share = (left / np.maximum(size, np.finfo(np.float64).tiny))[:, None, None]
        direction = gradient + share.astype(_precision(here)) * direction
        size = left
    return here


def _precision(amplitudes: Complex) -> np.dtype[np.floating]:
    """Return the real precision of complex amplitudes."""
    kind: np.dtype[np.floating] = amplitudes.real.dtype
    return kind


def _energy(amplitudes: Complex) -> Real:
    energy: Real = np.einsum("gfa,gfa->g", amplitudes.conj(), amplitudes).real.astype(np.float64)
    return energy


def spectrum_sd(operator: Operator, amplitudes: Complex, noise_sd: float) -> Real:
    r"""Return the SD of the real part of a reconstructed spectrum, given its support.

    .. math:: \mathrm{Cov}(\hat x) = \sigma^2 T_S (A_S^H A_S)^{+} T_S^H

    The choice of the support is taken as known: this is a lower limit of the error, and the bias where a line was
    missed is not in it.

    Parameters
    ----------
    operator : Operator
        Of one set.
    amplitudes : ndarray, complex, shape (1, 1, atom)
    noise_sd : float
        Of a channel.

    Returns
    -------
    ndarray, float, shape (time,)
        In the order of :func:`fsl_mrs_dl.physics.fid_to_spectrum`.
    """
    chosen = np.flatnonzero(np.abs(amplitudes[0, 0]) > 0)
    unit = np.zeros((len(chosen), 1, operator.n_atoms), dtype=np.complex128)
    unit[np.arange(len(chosen)), 0, chosen] = 1
    columns = np.concatenate(
        [operator.forward(part)[:, 0] for part in np.array_split(unit, max(len(unit) // 64, 1))]
    )
    target = np.concatenate(
        [operator.restored(part)[:, 0] for part in np.array_split(unit, max(len(unit) // 64, 1))]
    )
    if not len(chosen):
        return np.zeros(columns.shape[-1])
    value, vector = np.linalg.eigh(columns.conj() @ columns.T)
    significant = value > _CUT * value[-1]
    spectra = np.fft.fftshift(np.fft.fft(target, axis=-1, norm="ortho"), axes=-1)
    factor = (vector[:, significant] / np.sqrt(value[significant])).T @ spectra
    sd: Real = noise_sd * np.linalg.norm(factor, axis=0)
    return sd
