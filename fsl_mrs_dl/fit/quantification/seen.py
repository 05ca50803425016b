"""Spectra through filters, as what stands beside a fit is measured."""

from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.quality import QualityBand
from fsl_mrs_dl.physics import fid_to_spectrum, time_axis

_EDGE_PPM = 0.3
"""How far inside the fit window a residual is looked at: beyond it no baseline was fitted."""
_NARROW_PPM = 0.25  # FWHM of what is smooth: broader than any metabolite, as broad as the narrowest baseline
_NARROWEST_HZ, _WIDEST_HZ = 2.0, 15.0  # of the matched filter: basis sets have 1 to 2 Hz, 15 Hz is no shim
_ZERO_FILL = 4
_QUARTER = 0.25
LEAST = 1e-12
"""Relative size below which nothing is left."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fits of S spectra, as far as an appearance needs them.

    Attributes
    ----------
    fids : ndarray, complex, shape (S, time)
        The data.
    metabolites : ndarray, complex, shape (S, time)
        Sum of the fitted metabolites, without macromolecules and lipids.
    phase_rad, delay_s, shift_hz : ndarray, float, shape (S,)
        What is taken away to look at real parts: see :class:`~fsl_mrs_dl.io.results.Outcome`.
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


class Seen:
    """Spectra in one phase, seen through filters.

    Attributes
    ----------
    rest : ndarray, complex, shape (S, time)
        Data less metabolites.
    fwhm_hz, base_hz : ndarray, float, shape (S,)
        Width of the highest line of the metabolites at half and at a quarter of its height.
    matched, narrow : ndarray, float, shape (S, time)
        Weights of FIDs: a Gaussian as wide as the lines, and the same less what is smooth.
    core : ndarray, bool, shape (time,)
        The part of the fit window that is looked at.
    height : ndarray, float, shape (S,)
        Of the highest line of the metabolites, through ``matched``.
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
        """Return spectra of FIDs seen through a weight, in the phase of the fit."""
        found: Complex = fid_to_spectrum(fids * weight) * self.straight
        return found

    def real(self, fids: Complex, weight: Real) -> Real:
        """Return the real parts of these."""
        return self.spectra(fids, weight).real

    def noise(self, weight: Real) -> Real:
        """Return the SD of the noise of one channel of spectra seen through a weight (S, time), (S,)."""
        seen: Real = self.fitted.noise_sd * np.sqrt((weight**2).mean(axis=1))
        return seen

    def _widths(self) -> tuple[Real, Real]:
        """Return the widths of the highest line of the metabolites at half and a quarter of its height."""
        fids, n = self.fitted.metabolites, len(self.time_s)
        # The phase of the carrier's neighbourhood will do: lines are a few Hz wide.
        padded = np.pad(fids, ((0, 0), (0, (_ZERO_FILL - 1) * n)))
        spectra = fid_to_spectrum(padded)
        frequency = (np.arange(_ZERO_FILL * n) - _ZERO_FILL * n // 2) / (
            _ZERO_FILL * n * self.band.dwelltime_s
        )
        angle = self.fitted.phase_rad[:, None] + 2 * pi * self.fitted.delay_s[:, None] * frequency
        real = (spectra * np.exp(-1j * angle)).real
        low, high = self.band.frequency_hz[self.band.inside][[0, -1]]
        real[:, (frequency < low) | (frequency > high)] = 0.0
        at = np.abs(real).argmax(axis=1)
        real *= np.sign(real[np.arange(len(real)), at])[:, None]
        step = frequency[1] - frequency[0]
        half, quarter = (
            np.array([_width(row, top, level) for row, top in zip(real, at, strict=True)]) * step
            for level in (0.5, _QUARTER)
        )
        return half, quarter

    def above(self, power: Real, weight: Real) -> Real:
        """Return power of real parts above what noise makes in all but a few of spectra."""
        variance = self.noise(weight) ** 2
        # Neighbours are alike through a filter: so many values are independent.
        independent = np.maximum(self.core.mean() * (weight**2).sum(axis=1), 2.0)
        above: Real = np.maximum(power - variance * (1 + 2 * np.sqrt(2 / independent)), 0.0)
        return above

    def within(self, ppm: Real) -> NDArray[np.bool_]:
        """Return which of some shifts lie in the part of the fit window that is looked at."""
        low, high = self.band.ppm[self.core][[0, -1]]
        within: NDArray[np.bool_] = (ppm >= low) & (ppm <= high)
        return within


def gaussian(fwhm_hz: Real, time_s: Real) -> Real:
    """Return the weight in time whose spectrum is a Gaussian of a width."""
    weight: Real = np.exp(-((pi * fwhm_hz * time_s) ** 2) / (4 * log(2)))
    return weight


def ratio(above: Real, below: Real) -> Real:
    """Return a ratio of what is not negative: large where nothing is below, 0 where nothing is above."""
    ratio: Real = above / np.maximum(below, np.maximum(LEAST * above, np.finfo(float).tiny))
    return ratio


def _width(heights: Real, top: int, level: float) -> float:
    """Return the width of a peak at a share of its height, in bins; NaN where it does not end."""
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
