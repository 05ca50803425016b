"""Receive coils: their sensitivities to the voxel, and the covariance of their noise."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.physics import add_noise


@dataclass(frozen=True, eq=False)
class Coils:
    r"""Coils of a voxel, :math:`x_i(t) = c_i s(t) + n_i(t)`.

    Attributes
    ----------
    sensitivities : ndarray, complex, shape (coil,)
        :math:`c`, of mean square magnitude 1.
    covariance : ndarray, complex, shape (coil, coil)
        :math:`E[n_i n_j^*] / (2 \sigma^2)`, Hermitian, positive definite, with mean diagonal 1: sigma is the
        standard deviation of the noise of the average coil, of the real and of the imaginary channel.
    """

    sensitivities: Complex
    covariance: Complex


def draw_coils(n_coils: int, rng: np.random.Generator, *, coupling: float = 0.3) -> Coils:
    """Draw coils with complex Gaussian sensitivities and correlated noise.

    Parameters
    ----------
    n_coils : int
    rng : numpy.random.Generator
    coupling : float
        Noise that a coil receives from all others together, over its own (standard deviations).

    Returns
    -------
    Coils
    """
    sensitivities = _white((n_coils,), rng)
    sensitivities /= np.sqrt(np.mean(np.abs(sensitivities) ** 2))
    mixing = np.eye(n_coils) + coupling / np.sqrt(2 * n_coils) * _white((n_coils, n_coils), rng)
    covariance = mixing @ mixing.conj().T
    return Coils(sensitivities, covariance / np.mean(covariance.diagonal().real))


def receive(
    fids: Complex, coils: Coils | None, sigma: float, rng: np.random.Generator
) -> tuple[Complex, Complex]:
    """Return FIDs as the coils receive them, without and with noise.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
    coils : Coils or None
        None = one channel of sensitivity 1, no coil axis.
    sigma : float
        Standard deviation of the noise, of the real and of the imaginary channel, of the average coil.
    rng : numpy.random.Generator

    Returns
    -------
    clean, noisy : ndarray, complex, shape (fid, time) or (fid, coil, time)
    """
    if coils is None:
        return fids, add_noise(fids, sigma, rng)
    clean = fids[:, None, :] * coils.sensitivities[:, None]
    white = add_noise(np.zeros_like(clean), sigma, rng)
    return clean, clean + np.linalg.cholesky(coils.covariance) @ white


def _white(shape: tuple[int, ...], rng: np.random.Generator) -> Complex:
    """Return complex numbers whose real and imaginary parts are independent standard normal."""
    real, imaginary = rng.standard_normal((2, *shape))
    white: Complex = real + 1j * imaginary
    return white
