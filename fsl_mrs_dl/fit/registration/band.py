"""Where registration looks in the spectrum, and what it estimates of each transient."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window, spectrum_to_fid

_PPM_PER_ORDER = 0.45
"""Width of the window for one order of the smooth baseline, in ppm: a polynomial of order N over N times this
width bends over about 0.45 ppm, 20 times the width of a line of the brain at 3 T."""
_MAX_ORDER = 5
"""Highest order of the smooth baseline. Of the tail of water, 1 / (4.65 - ppm) over 1.8 to 4.2 ppm, it leaves less
than 1 %."""


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
        Share of each polynomial of the smooth baseline to remove, 0 to 1, or of each combination of them
        (Hermitian); None = remove all.
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

        The tail of residual water crosses the window as a smooth curve, taller than the metabolites. Narrow
        windows carry fewer polynomials, so that no line is fitted away; the whole band carries none.
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
        """Return the bins of the window without any smooth baseline, shape (..., inside)."""
        bins: Complex = fid_to_spectrum(fid)[..., self.inside]
        return bins - (bins @ self.baseline.conj()) @ self.baseline.T

    def weighted(self, fid: Complex) -> Complex:
        """Return FIDs cut to the window, with :attr:`share` of the smooth baseline removed.

        The inverse covariance of white noise plus a baseline of random polynomials, whose covariance is D
        times the noise's variance, removes the share D (1 + D)^-1 of the polynomials from the window
        (generalised least squares; Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 4.5).

        Parameters
        ----------
        fid : ndarray, complex, shape (..., time)

        Returns
        -------
        ndarray, complex, shape (..., time)
        """
        share = np.ones(self.baseline.shape[1]) if self.share is None else self.share
        removed = np.diag(share) if share.ndim == 1 else share
        spectrum = np.zeros(fid.shape, dtype=np.complex128)
        bins = fid_to_spectrum(fid)[..., self.inside]
        spectrum[..., self.inside] = bins - (bins @ self.baseline.conj()) @ removed.T @ self.baseline.T
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
        Whether the estimate converged inside the searched range.
    replaced : ndarray, bool, or None
        Whether it stands in place of a network's, see :mod:`~.support`; None: none does.
    """

    shift_hz: Real
    phase_rad: Real
    shift_hz_sd: Real
    phase_rad_sd: Real
    converged: NDArray[np.bool_]
    replaced: NDArray[np.bool_] | None = None

    @classmethod
    def without_sd(
        cls, shift_hz: Real, phase_rad: Real, converged: NDArray[np.bool_] | None = None
    ) -> "Registration":
        """Return estimates whose standard deviations are unknown (NaN); all converged by default."""
        known = np.ones(len(shift_hz), dtype=bool) if converged is None else converged
        unknown: Real = np.full(len(shift_hz), np.nan)
        return cls(shift_hz, phase_rad, unknown, unknown.copy(), known)

    def rows(self, rows: NDArray[np.integer]) -> "Registration":
        """Return the estimates of some transients."""
        return Registration(
            self.shift_hz[rows],
            self.phase_rad[rows],
            self.shift_hz_sd[rows],
            self.phase_rad_sd[rows],
            self.converged[rows],
        )

    def with_rows(self, rows: NDArray[np.integer], part: "Registration") -> "Registration":
        """Return these estimates with those of some transients replaced.

        Parameters
        ----------
        rows : ndarray, int, shape (n,)
        part : Registration
            Of these n transients.
        """
        merged = Registration(
            shift_hz=self.shift_hz.copy(),
            phase_rad=self.phase_rad.copy(),
            shift_hz_sd=self.shift_hz_sd.copy(),
            phase_rad_sd=self.phase_rad_sd.copy(),
            converged=self.converged.copy(),
        )
        merged.shift_hz[rows] = part.shift_hz
        merged.phase_rad[rows] = part.phase_rad
        merged.shift_hz_sd[rows] = part.shift_hz_sd
        merged.phase_rad_sd[rows] = part.phase_rad_sd
        merged.converged[rows] = part.converged
        return merged
