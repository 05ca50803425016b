"""Noise like that of some FIDs: its power spectrum, its size, and how real and imaginary part go together."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid
from fsl_mrs_dl.scores import noise_region, noise_sd

_SHAPE_ORDER = 2
_TAIL_ORDER = 3


@dataclass(frozen=True, eq=False)
class MeasuredNoise:
    """What the noise of a set of FIDs is like.

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
            Best with their signal taken away, such as measured ones less their reconstruction.
        ppm : ndarray, float, shape (time,)
            Chemical shifts of the bins, ascending.
        nucleus : str
        """
        spectra = fid_to_spectrum(fids.astype(np.complex128))
        place, bins = [], []
        for run in noise_region(fids, ppm, nucleus):
            inside = spectra[:, run]
            smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, inside.shape[1]), _TAIL_ORDER + 1))
            freedom = inside.shape[1] / (inside.shape[1] - _TAIL_ORDER - 1)
            bins.append((inside - (inside @ smooth) @ smooth.T) * np.sqrt(freedom))
            place.append(np.linspace(-1, 1, fids.shape[1])[run])
        noise, where = np.concatenate(bins, axis=1), np.concatenate(place)
        power = np.mean(np.abs(noise) ** 2, axis=0)
        curve = _curve(where, np.log(power + 1e-300))
        shape = np.exp(0.5 * curve(np.linspace(-1, 1, fids.shape[1])))
        shape = np.clip(shape / np.sqrt(np.mean(np.exp(curve(where)))), 0.2, 5.0)
        # The median, by which noise_sd goes, knows of no correlation between real and imaginary part.
        told = float(np.mean(noise_sd(fids, ppm, nucleus)))
        shape = shape * np.clip(np.sqrt(power.mean() / 2) / told, 0.8, 1.5) if told else shape
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
    """Return a polynomial through log powers, of the order that the Bayesian information criterion prefers.

    Between the two ends of the band lies the signal, where a curve of higher order than the noise has only goes
    astray. Of exponentially distributed powers the mean of the logarithm is low by a constant, which cancels.
    """
    curves = [
        np.polynomial.Polynomial.fit(where, log_power, order, domain=[-1, 1])
        for order in range(_SHAPE_ORDER + 1)
    ]
    n = len(where)
    costs = [
        n * np.log(np.mean((log_power - curve(where)) ** 2) + 1e-30) + order * np.log(n)
        for order, curve in enumerate(curves)
    ]
    return curves[int(np.argmin(costs))]
