"""The search that a registration starts from: a matched filter over whole bins of the spectrum."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration import Band
from fsl_mrs_dl.fit.template import Template
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid


@dataclass(frozen=True, eq=False)
class MatchedFilter:
    """Transients, and the energy that the moved window holds of each, without smooth baseline.

    Strong water entering the window would otherwise win by its size.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band
        How far is searched at most.
    energy : ndarray, float, shape (transient, move)
        For moves of whole bins, from the lowest to the highest.
    """

    fids: Complex
    band: Band
    energy: Real

    @classmethod
    def of(cls, fids: Complex, band: Band) -> Self:
        """Return the filter for transients, of shape (transient, coil, time), and a band."""
        n_points = fids.shape[-1]
        most = _bins(band.max_shift_hz, band)
        low, high = np.flatnonzero(band.inside)[[0, -1]]
        around = np.take(fid_to_spectrum(fids), np.arange(low - most, high + most + 1) % n_points, axis=-1)
        power = np.cumsum((around.real**2 + around.imag**2).sum(axis=1), axis=-1)
        energy = power[:, high - low :].copy()
        energy[:, 1:] -= power[:, : 2 * most]
        polynomials = np.zeros((band.baseline.shape[1], n_points), dtype=np.complex128)
        polynomials[:, band.inside] = band.baseline.T
        moves = np.arange(-most, most + 1) % n_points
        single = fids.astype(np.complex64)  # a whole bin is sought
        for smooth in spectrum_to_fid(polynomials).astype(np.complex64):
            # A correlation over the spectrum is the transform of a product over time.
            taken = fft(single * smooth.conj())[..., moves]
            energy -= (taken.real**2 + taken.imag**2).sum(axis=1)
        return cls(fids, band, np.maximum(energy, np.finfo(float).tiny))

    def search(self, template: Template, which: NDArray[np.integer], max_shift_hz: float) -> Real:
        """Return the shift at which the window correlates best with the reference.

        The best whole bin, refined by a parabola through it and its neighbours.

        Parameters
        ----------
        template : Template
        which : ndarray, int, shape (transient,)
            The reference of each transient.
        max_shift_hz : float
            In Hz; not more than that of the band.

        Returns
        -------
        ndarray, float, shape (transient,)
            In Hz.
        """
        n_coils, n_points = self.fids.shape[1:]
        most, all_moves = _bins(max_shift_hz, self.band), self.energy.shape[1] // 2
        moves = np.arange(-most, most + 1)
        columns = template.columns[:, 0].reshape(-1, n_coils, n_points)
        sharp = replace(self.band, share=None).weighed(columns).conj()[which]
        correlation = np.fft.fft((self.fids * sharp).sum(axis=1))[:, moves % n_points]
        power = correlation.real**2 + correlation.imag**2
        score = power / self.energy[:, all_moves - most : all_moves + most + 1]
        best = np.argmax(score, axis=-1)
        rows = np.arange(len(score))
        left, top, right = (score[rows, np.clip(best + k, 0, 2 * most)] for k in (-1, 0, 1))
        bend = np.maximum(2 * top - left - right, np.finfo(float).tiny)
        between = np.clip(0.5 * (right - left) / bend, -0.5, 0.5)
        found: Real = (moves[best] + between) / (n_points * self.band.dwelltime_s)
        return found


def _bins(hz: float, band: Band) -> int:
    return max(1, round(hz * band.dwelltime_s * len(band.inside)))
