"""Describe an FID as a sum of damped sinusoids by the state-space method (HSVD). NumPy and SciPy only.

Barkhuijsen et al. 1987, doi:10.1016/0022-2364(87)90023-0: the first left singular vectors of the FID's
Hankel matrix span the signal; their shift invariance gives the poles. As in HLSVD (Pijnappel et al. 1992,
doi:10.1016/0022-2364(92)90241-X) only those vectors are computed, by Lanczos; the product with the Hankel
matrix is a convolution, so that 4096 points take a tenth of a second.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, svds

from fsl_mrs_dl.data import Complex

COMPONENTS = 20
"""Number of sinusoids of an FID; FSL-MRS's value."""
_AMPLITUDE_CUT = 1e-6
"""Relative cut of singular values in the least-squares solution. Without it two poles that nearly coincide share
one line as huge amplitudes of opposite sign, and only one of them may lie in the band that is removed."""


def damped_sinusoids(fid: Complex, components: int = COMPONENTS) -> tuple[Complex, Complex]:
    r"""Describe an FID as :math:`s_n = \sum_k c_k z_k^n`.

    Parameters
    ----------
    fid : ndarray, complex, shape (time,)
        Finite, not zero everywhere.
    components : int
        How many; fewer if the FID is too short.

    Returns
    -------
    poles : ndarray, complex128, shape (component,)
        :math:`z_k = e^{(2 \pi i f_k - \gamma_k) \Delta t}`; growing ones are set to no damping.
    amplitudes : ndarray, complex128, shape (component,)
    """
    fid = np.asarray(fid, dtype=np.complex128)
    scale = np.abs(fid).max()
    vectors = _signal_space(fid / scale, components)
    turn = np.linalg.lstsq(vectors[:-1], vectors[1:], rcond=None)[0]
    poles = np.linalg.eigvals(turn)
    poles = poles / np.maximum(np.abs(poles), 1)
    amplitudes = np.linalg.lstsq(_powers(poles, fid.size), fid / scale, rcond=_AMPLITUDE_CUT)[0] * scale
    return poles, amplitudes


def band_signal(fid: Complex, dwelltime_s: float, band_hz: tuple[float, float]) -> Complex:
    """Return the part of an FID whose sinusoids have their frequency within a band.

    Parameters
    ----------
    fid : ndarray, complex, shape (time,)
    dwelltime_s : float
        In s.
    band_hz : tuple of float
        Low and high end, in Hz.

    Returns
    -------
    ndarray, complex128, shape (time,)
    """
    poles, amplitudes = damped_sinusoids(fid)
    frequency = np.angle(poles) / (2 * np.pi * dwelltime_s)
    inside = (frequency > band_hz[0]) & (frequency < band_hz[1])
    signal: Complex = _powers(poles[inside], fid.size) @ amplitudes[inside]
    return signal


def _powers(poles: Complex, n_points: int) -> Complex:
    powers: Complex = poles[None, :] ** np.arange(n_points)[:, None]
    return powers


def _signal_space(fid: Complex, components: int) -> NDArray[np.complex128]:
    """Return the first left singular vectors of the Hankel matrix ``H_ij = fid[i + j]``."""
    rows = fid.size // 2
    columns = fid.size - rows + 1
    forward, adjoint = np.fft.fft(fid), np.fft.fft(fid.conj())

    def product(spectrum: Complex, vector: Complex, length: int) -> Complex:
        # sum_j fid[i + j] v_j is a correlation; i + j never passes the end, so the circular one is exact.
        turned = np.fft.fft(np.ravel(vector).conj(), fid.size).conj()
        out: Complex = np.fft.ifft(spectrum * turned)[:length]
        return out

    hankel = LinearOperator(
        (rows, columns),
        matvec=lambda vector: product(forward, vector, rows),
        rmatvec=lambda vector: product(adjoint, vector, columns),
        dtype=np.complex128,
    )
    # A fixed start vector: the same FID gives the same result on every run.
    start = fid[:rows] + np.random.default_rng(0).standard_normal(rows) * np.abs(fid).mean()
    left: NDArray[np.complex128] = svds(hankel, k=min(components, rows - 2), v0=start)[0]
    return left
