"""What spectra look like beside their fits, as shares of the metabolites: by which a verdict is given.

No share grows with the SNR: what noise makes is taken off, and chance is nowhere asked for. A chance of white
noise calls every measured spectrum strange whose SNR is high, as no basis set is exact.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import log, pi

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.quality import QualityBand
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid, time_axis
from fsl_mrs_dl.physics.lines import WILSON_2011, gaussian_lines

_EDGE_PPM = 0.3
"""How far inside the fit window a residual is looked at: beyond it no baseline was fitted."""
_LEAST_PPM = 1.0  # of a fit window in which there is a middle to look at
_NARROW_PPM = 0.25  # FWHM of what is smooth: broader than any metabolite, as broad as the narrowest baseline
_NARROWEST_HZ, _WIDEST_HZ = 2.0, 15.0  # of the matched filter: basis sets have 1 to 2 Hz, 15 Hz is no shim
_CHANCE_SD = 4.0  # noise makes a point of 100 independent ones this high once in 100 spectra
_ZERO_FILL = 4
_QUARTER = 0.25
_WATER_PPM, _WATER_REACH_PPM = 4.7, 0.4
_BESIDE_WATER_PPM = (1.8, 3.4)  # from NAA to choline, where neither lipid nor the tail of water is narrow
_LIPID_PPM = (0.45, 1.85)
_LIPID_ORDER = 2
_MM = ("MM09", "MM12", "MM14", "MM17")
_LIPID = ("Lip09", "Lip13")
_ECHO_EDGES_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""Between these the FID is compared; an echo is 10 to 40 ms wide (Kyathanahally 2018, doi:10.1002/mrm.27096)."""
_LEAST_EDGES = 3  # two intervals
_GROWTH = 1.4  # measured brains: at most 1.1; beats of two lines make no more than this in short intervals
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Appearance:
    """What S spectra look like; NaN where they were not fitted or where it is not known of their nucleus.

    Attributes
    ----------
    fwhm_hz, base_hz : ndarray, float, shape (S,)
        Width of the highest line of the fitted metabolites at half and at a quarter of its height, in Hz.
    line : ndarray, float, shape (S,)
        Height of the line that stands out of the residual most, above what noise makes, over that of the highest
        line of the fitted metabolites; both as wide as the fitted lines. Negative where the fit is too high.
    line_ppm : ndarray, float, shape (S,)
        Where it stands.
    undescribed : ndarray, float, shape (S,)
        RMS of narrow structure (less than 0.25 ppm) that no metabolite describes, over that of the metabolites.
        What a flexible baseline took is in it, and macromolecules are.
    echo : ndarray, float, shape (S,)
        RMS of what is beside the metabolites in the interval of the FID in which it has grown most against the one
        before, over the first point of the metabolites; 0 where nothing grows.
    echo_ppm : ndarray, float, shape (S,)
        Where its spectrum is highest.
    lipid : ndarray, float, shape (S,)
        Height of lipid at 1.3 ppm, of any phase, over that of the highest line of the metabolites.
    water : ndarray, float, shape (S,)
        Height of the water over that of the highest narrow line of the data from 1.8 to 3.4 ppm.
    mirror : ndarray, float, shape (S,)
        RMS of narrow structure in the mirror image of the fit window over that in the window.
    """

    fwhm_hz: Real
    base_hz: Real
    line: Real
    line_ppm: Real
    undescribed: Real
    echo: Real
    echo_ppm: Real
    lipid: Real
    water: Real
    mirror: Real


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fits of S spectra, as far as an appearance needs them.

    Attributes
    ----------
    fids : ndarray, complex, shape (S, time)
        The data.
    metabolites, fit : ndarray, complex, shape (S, time)
        Sum of the metabolites, without macromolecules and lipids; everything fitted.
    phase_rad, delay_s, shift_hz : ndarray, float, shape (S,)
        What is taken away to look at real parts: see :class:`~fsl_mrs_dl.io.results.Outcome`.
    noise_sd : ndarray, float, shape (S,)
        Of one channel, from outside of the signal.
    """

    fids: Complex
    metabolites: Complex
    fit: Complex
    phase_rad: Real
    delay_s: Real
    shift_hz: Real
    noise_sd: Real


def appearance(
    band: QualityBand, fitted: Fitted, spectrometer_frequency_mhz: float, nucleus: str
) -> Appearance:
    """Measure what spectra look like.

    Parameters
    ----------
    band : QualityBand
    fitted : Fitted
        Rows that are not finite give NaN.
    spectrometer_frequency_mhz : float
    nucleus : str
        Lipid, water, mirror image and echo are known of 1H only.

    Returns
    -------
    Appearance
    """
    found = {name: np.full(len(fitted.fids), np.nan) for name in Appearance.__dataclass_fields__}
    rows = np.flatnonzero(np.isfinite(fitted.fit).all(axis=1) & np.isfinite(fitted.phase_rad))
    window = band.ppm[band.inside]
    if rows.size and window.size and window[-1] - window[0] > _LEAST_PPM:
        some = Fitted(**{name: values[rows] for name, values in vars(fitted).items()})
        seen = _Seen(band, some, spectrometer_frequency_mhz)
        measures = seen.lines() | seen.structure()
        if nucleus == "1H":
            measures |= seen.echo() | seen.lipid() | seen.water()
        for name, values in measures.items():
            found[name][rows] = values
    return Appearance(**found)


class _Seen:
    """Spectra in one phase, seen through filters."""

    def __init__(self, band: QualityBand, fitted: Fitted, mhz: float) -> None:
        self.band, self.fitted, self.mhz = band, fitted, mhz
        self.time_s: Real = np.asarray(time_axis(fitted.fids.shape[1], band.dwelltime_s, fitted.fids))
        self.straight = np.exp(
            -1j * (fitted.phase_rad[:, None] + 2 * pi * fitted.delay_s[:, None] * band.frequency_hz)
        )
        self.rest = fitted.fids - fitted.metabolites
        self.fwhm_hz, self.base_hz = self._widths()
        width = np.clip(np.nan_to_num(self.fwhm_hz, nan=_NARROWEST_HZ), _NARROWEST_HZ, _WIDEST_HZ)
        self.matched = _gaussian(width[:, None], self.time_s)
        self.narrow = self.matched * (1 - _gaussian(np.array(_NARROW_PPM * mhz), self.time_s))
        ends = band.ppm[band.inside][[0, -1]] + np.array([_EDGE_PPM, -_EDGE_PPM])
        self.core = (band.ppm > ends[0]) & (band.ppm < ends[1])
        through = self._real(fitted.metabolites, self.matched)
        tall = np.abs(through[:, self.core]).max(axis=1, initial=0.0)
        self.height = np.maximum(tall, _LEAST * np.abs(fitted.fids).max(axis=1))

    def _spectra(self, fids: Complex, weight: Real) -> Complex:
        found: Complex = fid_to_spectrum(fids * weight) * self.straight
        return found

    def _real(self, fids: Complex, weight: Real) -> Real:
        return self._spectra(fids, weight).real

    def _noise(self, weight: Real) -> Real:
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

    def lines(self) -> dict[str, Real]:
        """Return widths, and the line that stands out of the residual."""
        left = self._real(self.fitted.fids - self.fitted.fit, self.matched)[:, self.core]
        at = np.abs(left).argmax(axis=1)
        highest = left[np.arange(len(left)), at]
        above = np.maximum(np.abs(highest) - _CHANCE_SD * self._noise(self.matched), 0.0)
        return {
            "fwhm_hz": self.fwhm_hz,
            "base_hz": self.base_hz,
            "line": np.sign(highest) * above / self.height,
            "line_ppm": self.band.ppm[self.core][at] - self.fitted.shift_hz / self.mhz,
        }

    def structure(self) -> dict[str, Real]:
        """Return how much narrow structure no metabolite describes."""
        rest, described = (
            (self._real(fids, self.narrow)[:, self.core] ** 2).mean(axis=1)
            for fids in (self.rest, self.fitted.metabolites)
        )
        share = np.sqrt(_ratio(self._above(rest, self.narrow), described))
        return {"undescribed": share}

    def _above(self, power: Real, weight: Real) -> Real:
        """Return power of real parts above what noise makes in all but a few of spectra."""
        variance = self._noise(weight) ** 2
        # Neighbours are alike through a filter: so many values are independent.
        independent = np.maximum(self.core.mean() * (weight**2).sum(axis=1), 2.0)
        above: Real = np.maximum(power - variance * (1 + 2 * np.sqrt(2 / independent)), 0.0)
        return above

    def echo(self) -> dict[str, Real]:
        """Return where signal grows again that should have decayed."""
        ramp = np.clip(np.minimum(self.band.ppm - 0.4, 4.2 - self.band.ppm) / 0.2, 0.0, 1.0)
        window = np.sin(pi / 2 * ramp) ** 2
        rest, own = (
            spectrum_to_fid(fid_to_spectrum(fids) * window) for fids in (self.rest, self.fitted.metabolites)
        )
        first = np.maximum(np.abs(own[:, : max(1, int(5e-3 / self.band.dwelltime_s))]).max(axis=1), _LEAST)
        noise = 2 * self.fitted.noise_sd**2 * (window**2).mean()
        edges = [edge for edge in _ECHO_EDGES_S if edge < self.time_s[-1]]
        if len(edges) < _LEAST_EDGES:
            return {}
        spans = [(self.time_s >= a) & (self.time_s < b) for a, b in pairwise(edges)]
        power = np.stack([(np.abs(rest[:, span]) ** 2).mean(axis=1) for span in spans], axis=1)
        count = np.array([max(span.sum() * (window**2).mean(), 1.0) for span in spans])
        sure = np.maximum(power - noise[:, None] * (1 + 3 / np.sqrt(count)), 0.0)
        growth = np.sqrt(_ratio(sure[:, 1:], power[:, :-1]))
        at = growth.argmax(axis=1)
        rows = np.arange(len(at))
        size = np.sqrt(sure[rows, at + 1]) / first
        place = np.empty(len(at))
        for row, span in enumerate(at + 1):
            height = np.abs(fid_to_spectrum(rest[row] * spans[span]))
            place[row] = self.band.ppm[height.argmax()] - self.fitted.shift_hz[row] / self.mhz
        return {"echo": np.where(growth[rows, at] > _GROWTH, size, 0.0), "echo_ppm": place}

    def lipid(self) -> dict[str, Real]:
        """Return the height of lipid beside macromolecules and a smooth baseline, by least squares."""
        fitted, ppm = self.fitted, self.band.ppm
        centred = self.rest * np.exp(-2j * pi * fitted.shift_hz[:, None] * self.time_s)
        inside = (ppm > _LIPID_PPM[0]) & (ppm < _LIPID_PPM[1])
        weight = _gaussian(np.array(0.05 * self.mhz), self.time_s)
        seen = (fid_to_spectrum(centred * weight) * self.straight)[:, inside]
        reference = float(ppm[0] - self.band.frequency_hz[0] / self.mhz)
        patterns = []
        for names in (_MM, _LIPID):
            lines = [line for line in WILSON_2011 if line.signal in names]
            fids = gaussian_lines(
                lines, len(self.time_s), self.band.dwelltime_s, self.mhz, self.rest, reference
            )
            patterns.append(fid_to_spectrum(np.asarray(fids).sum(axis=0) * weight)[inside])
        broad, lipid = patterns
        x = np.linspace(-1, 1, int(inside.sum()))
        curves = [x**k for k in range(_LIPID_ORDER + 1)]
        columns = [broad, lipid, 1j * lipid, *curves, *(1j * c for c in curves)]
        design = np.concatenate([np.real(columns), np.imag(columns)], axis=1).T
        values = np.linalg.lstsq(design, np.concatenate([seen.real, seen.imag], axis=1).T, rcond=None)[0]
        tall = np.hypot(values[1], values[2]) * np.abs(lipid).max()
        return {"lipid": tall / self.height}

    def water(self) -> dict[str, Real]:
        """Return the height of the water, and how much structure the mirror image holds."""
        ppm = self.band.ppm
        there = np.abs(ppm - _WATER_PPM) < _WATER_REACH_PPM
        beside = (ppm > _BESIDE_WATER_PPM[0]) & (ppm < _BESIDE_WATER_PPM[1])
        tall = np.abs(self._spectra(self.fitted.fids, self.matched)[:, there]).max(axis=1, initial=0.0)
        narrow = np.abs(self._spectra(self.fitted.fids, self.narrow))
        highest = narrow[:, beside].max(axis=1, initial=0.0)
        carrier = float(ppm[0] - self.band.frequency_hz[0] / self.mhz)
        turned = self._within(2 * carrier - ppm)
        inside, mirror = (
            self._above((narrow[:, side] ** 2).mean(axis=1) / 2, self.narrow) for side in (self.core, turned)
        )
        return {
            "water": _ratio(tall, highest),
            "mirror": np.where(inside > 0, np.sqrt(_ratio(mirror, inside)), 0.0),
        }

    def _within(self, ppm: Real) -> NDArray[np.bool_]:
        """Return which of some shifts lie in the part of the fit window that is looked at."""
        low, high = self.band.ppm[self.core][[0, -1]]
        within: NDArray[np.bool_] = (ppm >= low) & (ppm <= high)
        return within


def _gaussian(fwhm_hz: Real, time_s: Real) -> Real:
    """Return the weight in time whose spectrum is a Gaussian of a width."""
    weight: Real = np.exp(-((pi * fwhm_hz * time_s) ** 2) / (4 * log(2)))
    return weight


def _ratio(above: Real, below: Real) -> Real:
    """Return a ratio of what is not negative; a large number where there is nothing below, 0 where there is neither."""
    ratio: Real = above / np.maximum(below, np.maximum(_LEAST * above, np.finfo(float).tiny))
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
