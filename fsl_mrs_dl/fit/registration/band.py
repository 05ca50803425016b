"""What every registration method takes and gives: transients in a band, shifts and phases out.

A method is a function ``(fids, reference, band) -> Registration``; :data:`METHODS` in
:mod:`fsl_mrs_dl.fit.registration.methods` names them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window, spectrum_to_fid

_PPM_PER_ORDER = 0.45
_MAX_ORDER = 5


@dataclass(frozen=True, eq=False)
class Band:
    """Where in the spectrum to look, and how far to search.

    Attributes
    ----------
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    ppm : ndarray, float, shape (frequency,)
        Chemical shifts of the DFT bins, ascending.
    inside : ndarray, bool, shape (frequency,)
        The bins of the alignment window; all of them for a method that has no window.
    max_shift_hz : float
        Half the width of the search for a shift, in Hz.
    share : ndarray, shape (order + 1,) or (order + 1, order + 1), or None
        How much of each polynomial of the smooth baseline is taken out, 0 to 1, or of each combination of
        them (Hermitian); None = all of it.
    delay_s : float
        Time between the first point of an FID and time zero, where baselines are smooth, in s.
    """

    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: Real
    inside: NDArray[np.bool_]
    max_shift_hz: float
    share: Real | Complex | None = None
    delay_s: float = 0.0

    @classmethod
    def of(cls, data: MRSData, limits_ppm: tuple[float, float] | None, max_shift_hz: float) -> "Band":
        """Return the band of some data.

        Raises
        ------
        DataError
            If the limits hold fewer than four points of the spectrum.
        """
        inside = ppm_window(data.ppm_axis, limits_ppm)
        return cls(data.dwelltime_s, data.spectrometer_frequency_mhz, data.ppm_axis, inside, max_shift_hz)

    @cached_property
    def baseline(self) -> Complex:
        """Orthonormal polynomials over the window, shape (inside, order + 1).

        The tail of residual water crosses the window as a smooth curve, taller than the metabolites. Of
        1 / (4.65 - ppm) over 1.8 to 4.2 ppm a polynomial of order 5 leaves less than 1 %. Narrower windows
        carry fewer, so that a line is never fitted away; the whole band carries none.
        """
        n_inside = int(self.inside.sum())
        if n_inside == len(self.inside):
            return np.zeros((n_inside, 0), dtype=np.complex128)
        width_hz = n_inside / (len(self.inside) * self.dwelltime_s)
        order = int(np.clip(width_hz / self.spectrometer_frequency_mhz / _PPM_PER_ORDER, 1, _MAX_ORDER))
        polynomials = np.polynomial.legendre.legvander(np.linspace(-1, 1, n_inside), order)
        smooth = np.linalg.qr(polynomials)[0]
        offset_hz = np.arange(n_inside) / (len(self.inside) * self.dwelltime_s)
        delayed: Complex = smooth * np.exp(-2j * np.pi * offset_hz * self.delay_s)[:, None]
        return delayed

    def inside_bins(self, fid: Complex) -> Complex:
        """Return the bins of the window without their smooth baseline: shape (..., inside)."""
        bins: Complex = fid_to_spectrum(fid)[..., self.inside]
        return bins - (bins @ self.baseline.conj()) @ self.baseline.T

    def weighed(self, fid: Complex) -> Complex:
        """Return the window of an FID with its smooth baseline counted by what is known of it.

        The inverse covariance of white noise plus a baseline of random polynomials, whose covariance is D
        times the noise's variance, takes the share D (1 + D)^-1 of the polynomials out of the window
        (generalised least squares; Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 4.5).

        Parameters
        ----------
        fid : ndarray, complex, shape (..., time)

        Returns
        -------
        ndarray, complex, shape (..., time)
        """
        share = np.ones(self.baseline.shape[1]) if self.share is None else self.share
        taken = np.diag(share) if share.ndim == 1 else share
        spectrum = np.zeros(fid.shape, dtype=np.complex128)
        bins = fid_to_spectrum(fid)[..., self.inside]
        spectrum[..., self.inside] = bins - (bins @ self.baseline.conj()) @ taken.T @ self.baseline.T
        window: Complex = spectrum_to_fid(spectrum)
        return window


@dataclass(frozen=True, eq=False)
class Registration:
    """Shift and phase of each transient against the reference; all arrays have shape (transient,).

    Attributes
    ----------
    shift_hz, phase_rad : ndarray, float
        In Hz and rad; a transient equals the reference moved by them.
    shift_hz_sd, phase_rad_sd : ndarray, float
        Standard deviations from the Fisher matrix; NaN where the method gives none.
    converged : ndarray, bool
        Whether the estimate settled inside the searched range.
    """

    shift_hz: Real
    phase_rad: Real
    shift_hz_sd: Real
    phase_rad_sd: Real
    converged: NDArray[np.bool_]


def weigh_coils(fids: Complex, noise_sd: Real) -> Complex:
    """Divide each coil by its noise, so that all coils count by what they know.

    Parameters
    ----------
    fids : ndarray, complex, shape (..., coil, time)
    noise_sd : ndarray, float, shape (coil,)

    Returns
    -------
    ndarray, complex, shape (..., coil, time)
    """
    return fids / noise_sd[:, None]
