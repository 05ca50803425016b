"""Draw noise like that of measured FIDs: with their power spectrum, size, and covariance of the channels."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid
from fsl_mrs_dl.scores import noise_region, noise_sd

_SHAPE_DEGREE = 2
"""Largest degree of the polynomial through log power, which must hold between the ends of the band, too."""
_TAIL_DEGREE = 3
"""Degree of the polynomial that is subtracted from bins: tails of far lines are smooth, as in ``noise_sd``."""


@dataclass(frozen=True, eq=False)
class MeasuredNoise:
    """Properties of the noise of a set of FIDs.

    Attributes
    ----------
    shape : ndarray, float, shape (time,)
        Standard deviation of each bin of the spectrum over :func:`~fsl_mrs_dl.scores.noise_sd`: a smooth curve.
    factor : ndarray, float, shape (2, 2)
        Cholesky factor of the covariance of real and imaginary part, of unit mean variance.
    """

    shape: Real
    factor: Real

    @classmethod
    def of(cls, fids: Complex, ppm: Real, nucleus: str = "1H") -> Self:
        """Measure the noise of FIDs in their signal-free bands.

        Parameters
        ----------
        fids : ndarray, complex, shape (fid, time)
            Best without signal, for example measured FIDs minus their reconstruction.
        ppm : ndarray, float, shape (time,)
            Chemical shifts of the bins, ascending.
        nucleus : str
        """
        spectra = fid_to_spectrum(fids.astype(np.complex128))
        place, bins = [], []
        for run in noise_region(fids, ppm, nucleus):
            inside = spectra[:, run]
            smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, inside.shape[1]), _TAIL_DEGREE + 1))
            freedom = inside.shape[1] / (inside.shape[1] - _TAIL_DEGREE - 1)
            bins.append((inside - (inside @ smooth) @ smooth.T) * np.sqrt(freedom))
            place.append(np.linspace(-1, 1, fids.shape[1])[run])
        noise, where = np.concatenate(bins, axis=1), np.concatenate(place)
        power = np.mean(np.abs(noise) ** 2, axis=0)
        curve = _curve(where, np.log(power + 1e-300))
        shape = np.exp(0.5 * curve(np.linspace(-1, 1, fids.shape[1])))
        shape = np.clip(shape / np.sqrt(np.mean(np.exp(curve(where)))), 0.2, 5.0)
        # noise_sd uses the median, which is wrong if real and imaginary part are correlated.
        robust_sd = float(np.mean(noise_sd(fids, ppm, nucleus)))
        shape = shape * np.clip(np.sqrt(power.mean() / 2) / robust_sd, 0.8, 1.5) if robust_sd else shape
        parts = np.stack([noise.real.ravel(), noise.imag.ravel()])
        covariance = np.cov(parts)
        return cls(shape, np.linalg.cholesky(2 * covariance / np.trace(covariance)))

    def draw(self, sigma: Real, rng: np.random.Generator) -> Complex:
        """Return noise, shape (fid, time), of a standard deviation a channel for each FID, shape (fid,)."""
        white = rng.standard_normal((2, len(sigma), len(self.shape)))
        parts = np.einsum("ij,jfn->ifn", self.factor, white)
        noise: Complex = spectrum_to_fid(np.asarray(sigma)[:, None] * self.shape * (parts[0] + 1j * parts[1]))
        return noise


def _curve(where: Real, log_power: Real) -> np.polynomial.Polynomial:
    """Fit a polynomial to log powers, with the degree of the best Bayesian information criterion.

    The signal lies between the two ends of the band; there, a polynomial of too high degree is wrong. The mean
    logarithm of exponentially distributed powers is low by a constant, which cancels.
    """
    curves = [
        np.polynomial.Polynomial.fit(where, log_power, order, domain=[-1, 1])
        for order in range(_SHAPE_DEGREE + 1)
    ]
    n = len(where)
    costs = [
        n * np.log(np.mean((log_power - curve(where)) ** 2) + 1e-30) + order * np.log(n)
        for order, curve in enumerate(curves)
    ]
    return curves[int(np.argmin(costs))]
