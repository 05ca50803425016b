"""Filtered spectra, on which signals beside a fit are measured."""

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.quality import QualityBand
from fsl_mrs_dl.physics import fid_to_spectrum, time_axis

_EDGE_PPM = 0.3
"""Margin at both ends of the fit window, in ppm, without measurement: no baseline was fitted beyond the window."""
_NARROW_PPM = 0.25
"""Width (FWHM) of smooth signal, in ppm: broader than any metabolite, as broad as the narrowest baseline."""
_NARROWEST_HZ, _WIDEST_HZ = 2.0, 15.0
"""Limits of the matched filter's width (FWHM), in Hz: basis sets have 1 to 2 Hz, a shim of 15 Hz has failed."""
_ZERO_FILL = 4
"""Factor of zero filling before widths are measured."""
_QUARTER = 0.25
"""Level, over a line's height, at which the width of its foot is measured."""
LEAST = 1e-12
"""Relative size below which a signal counts as zero: rounding."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fits of S spectra: the arrays that an appearance needs.

    Attributes
    ----------
    fids : ndarray, complex, shape (S, time)
        The data.
    metabolites : ndarray, complex, shape (S, time)
        Sum of the fitted metabolites, without macromolecules and lipids.
    phase_rad, delay_s, shift_hz : ndarray, float, shape (S,)
        Corrections before real parts are taken: see :class:`~fsl_mrs_dl.io.results.Outcome`.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from outside of the signal.
    """

    fids: Complex
    metabolites: Complex
    phase_rad: Real
    delay_s: Real
    shift_hz: Real
    noise_sd: Real

    def take(self, rows: NDArray[np.integer]) -> "Fitted":
        """Return some rows."""
        return Fitted(
            fids=self.fids[rows],
            metabolites=self.metabolites[rows],
            phase_rad=self.phase_rad[rows],
            delay_s=self.delay_s[rows],
            shift_hz=self.shift_hz[rows],
            noise_sd=self.noise_sd[rows],
        )


class FilteredSpectra:
    """Spectra in the phase of their fit, through filters.

    Attributes
    ----------
    rest : ndarray, complex, shape (S, time)
        Data minus metabolites.
    fwhm_hz, base_hz : ndarray, float, shape (S,)
        Width of the highest line of the metabolites at half and at a quarter of its height.
    matched, narrow : ndarray, float, shape (S, time)
        Weights of FIDs: a Gaussian as wide as the lines, and the same without smooth signal.
    core : ndarray, bool, shape (time,)
        The part of the fit window that is measured.
    height : ndarray, float, shape (S,)
        Height of the highest line of the metabolites, through ``matched``.
    """

    def __init__(self, band: QualityBand, fitted: Fitted, mhz: float) -> None:
        self.band, self.fitted, self.mhz = band, fitted, mhz
        self.time_s: Real = np.asarray(time_axis(fitted.fids.shape[1], band.dwelltime_s, fitted.fids))
        self.straight = np.exp(
            -1j * (fitted.phase_rad[:, None] + 2 * pi * fitted.delay_s[:, None] * band.frequency_hz)
        )
        self.rest = fitted.fids - fitted.metabolites
        self.fwhm_hz, self.base_hz = self._widths()
        width = np.clip(np.nan_to_num(self.fwhm_hz, nan=_NARROWEST_HZ), _NARROWEST_HZ, _WIDEST_HZ)
        self.matched = gaussian(width[:, None], self.time_s)
        self.narrow = self.matched * (1 - gaussian(np.array(_NARROW_PPM * mhz), self.time_s))
        ends = band.ppm[band.inside][[0, -1]] + np.array([_EDGE_PPM, -_EDGE_PPM])
        self.core = (band.ppm > ends[0]) & (band.ppm < ends[1])
        through = self.real(fitted.metabolites, self.matched)
        self.height = np.abs(through[:, self.core]).max(axis=1)

    def spectra(self, fids: Complex, weight: Real) -> Complex:
        """Return the spectra of weighted FIDs, in the phase of the fit, (S, time)."""
        phased: Complex = fid_to_spectrum(fids * weight) * self.straight
        return phased

    def real(self, fids: Complex, weight: Real) -> Real:
        """Return the real parts of :meth:`spectra`."""
        return self.spectra(fids, weight).real

    def noise(self, weight: Real) -> Real:
        """Return the noise SD of one channel of weighted spectra, (S,); weight: (S, time)."""
        sd: Real = self.fitted.noise_sd * np.sqrt((weight**2).mean(axis=1))
        return sd

    def _widths(self) -> tuple[Real, Real]:
        """Return the widths of the highest line of the metabolites at half and a quarter of its height."""
        fids, n = self.fitted.metabolites, len(self.time_s)
        # Lines are a few Hz wide: the phase changes little across them.
        padded = np.pad(fids, ((0, 0), (0, (_ZERO_FILL - 1) * n)))
        spectra = fid_to_spectrum(padded)
        frequency = (np.arange(_ZERO_FILL * n) - _ZERO_FILL * n // 2) / (
            _ZERO_FILL * n * self.band.dwelltime_s
        )
        angle = self.fitted.phase_rad[:, None] + 2 * pi * self.fitted.delay_s[:, None] * frequency
        real = (spectra * np.exp(-1j * angle)).real
        low, high = self.band.frequency_hz[self.band.inside][[0, -1]]
        real[:, (frequency < low) | (frequency > high)] = 0.0
        highest = np.abs(real).argmax(axis=1)
        real *= np.sign(real[np.arange(len(real)), highest])[:, None]
        step = frequency[1] - frequency[0]
        half, quarter = (
            np.array([_width(row, top, level) for row, top in zip(real, highest, strict=True)]) * step
            for level in (0.5, _QUARTER)
        )
        return half, quarter

    def above(self, power: Real, weight: Real) -> Real:
        """Return the power of real parts above that of noise (mean plus two SDs), (S,)."""
        variance = self.noise(weight) ** 2
        # A filter correlates neighbours: this is the number of independent values.
        independent = np.maximum(self.core.mean() * (weight**2).sum(axis=1), 2.0)
        above: Real = np.maximum(power - variance * (1 + 2 * np.sqrt(2 / independent)), 0.0)
        return above

    def within(self, ppm: Real) -> NDArray[np.bool_]:
        """Return which chemical shifts lie in the measured part of the fit window."""
        low, high = self.band.ppm[self.core][[0, -1]]
        within: NDArray[np.bool_] = (ppm >= low) & (ppm <= high)
        return within


def gaussian(fwhm_hz: Real, time_s: Real) -> Real:
    """Return the weight in time whose spectrum is a Gaussian of a width (FWHM)."""
    weight: Real = np.exp(-((pi * fwhm_hz * time_s) ** 2) / (4 * log(2)))
    return weight


def ratio(above: Real, below: Real) -> Real:
    """Return the ratio of values that are not negative: large if the divisor is 0, and 0 if the dividend is 0."""
    ratio: Real = above / np.maximum(below, np.maximum(LEAST * above, np.finfo(float).tiny))
    return ratio


def _width(heights: Real, top: int, level: float) -> float:
    """Return the width of a peak at a share of its height, in bins; NaN if it does not fall below it."""
    limit = level * heights[top]
    if limit <= 0:
        return float("nan")
    right = np.flatnonzero(heights[top:] < limit)
    left = np.flatnonzero(heights[top::-1] < limit)
    if not right.size or not left.size:
        return float("nan")
    after, before = top + int(right[0]), top - int(left[0])
    end = after - (limit - heights[after]) / (heights[after - 1] - heights[after])
    start = before + (limit - heights[before]) / (heights[before + 1] - heights[before])
    return float(end - start)
