"""Quality of each fitted line, by FSL-MRS's definitions: width of the highest peak, and matched SNR."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window, time_axis
from fsl_mrs_dl.scores import noise_region, noise_sd

_PROMINENCE = 0.4
"""Prominence of a peak over the highest point, from which it counts: FSL-MRS's value."""
_WIDEST = 2.0
"""Largest width of a peak over the expected width: FSL-MRS's value."""
_MOST_SPECTRA = 64
"""Number of spectra from which the noise region is chosen, evenly spread over the voxels."""


def peak_widths_hz(heights: Real, bin_hz: float, expected_hz: Real) -> Real:
    """Return the width of the most prominent peak at half its prominence.

    A peak counts if it stands out by 40 per cent of the highest point and is not wider, in bins, than twice
    the expected width in Hz: FSL-MRS's ``idPeaksCalcFWHM``, whose units are kept so that the same peaks count.

    Parameters
    ----------
    heights : ndarray, float, shape (R, bins)
        Magnitude of the real spectrum in the window.
    bin_hz : float
    expected_hz : ndarray, float, shape (R,)

    Returns
    -------
    ndarray, float, shape (R,)
        In Hz; 0 where no peak counts.
    """
    top = heights.max(axis=1, keepdims=True)
    scaled = heights / np.where(top > 0, top, 1)
    width, prominence = _highest(scaled)
    limit = _WIDEST * expected_hz
    counts = (prominence >= _PROMINENCE) & (width <= limit)
    widths = np.where(counts, width, 0.0)
    for row in np.flatnonzero(~counts & (top[:, 0] > 0)):
        # The highest peak is too broad (overlapping lines): look for a narrower one beside it.
        narrow = [peak for peak in _peaks(scaled[row], _PROMINENCE) if peak[1] <= limit[row]]
        if narrow:
            widths[row] = max(narrow)[1]
    return widths * bin_hz


def _peaks(heights: Real, least: float) -> list[tuple[float, float]]:
    """Return prominence, and width in bins at half of it, of each peak of at least this prominence.

    Those of ``scipy.signal.find_peaks``, whose import takes longer than many a fit. Heights are not negative, so
    that no peak stands out by more than its height.

    Parameters
    ----------
    heights : ndarray, float, shape (bins,)
    least : float
    """
    heights = heights.astype(np.float64)
    inner = heights[1:-1]
    rises = 1 + np.flatnonzero((inner > heights[:-2]) & (inner >= heights[2:]) & (inner >= least))
    peaks = []
    for rise in rises.tolist():
        flat = _first(heights[rise:] != heights[rise], len(heights) - rise)
        if rise + flat == len(heights) or heights[rise + flat] > heights[rise]:
            continue  # no peak but a step, or at the end
        top = rise + (flat - 1) // 2
        # From the peak outwards, to where the spectrum is higher.
        sides = [side[: _first(side > side[0], len(side))] for side in (heights[top::-1], heights[top:])]
        prominence = float(heights[top] - max(side.min() for side in sides))
        if prominence < least:
            continue
        level = heights[top] - prominence / 2
        width = 0.0
        for side in sides:
            below = _first(side < level, len(side) - 1)
            beyond = _share(side[below], side[below - 1], level) if side[below] < level else 0.0
            width += below - float(beyond)
        peaks.append((prominence, width))
    return peaks


def _first(condition: NDArray[np.bool_], otherwise: int) -> int:
    """Return the index of the first element that is true."""
    return int(condition.argmax()) if condition.any() else otherwise


def _highest(scaled: Real) -> tuple[Real, Real]:
    """Return width in bins and prominence of the highest point of each row, all rows at once."""
    rows = np.arange(len(scaled))
    index = np.arange(scaled.shape[1])
    peak = scaled.argmax(axis=1)
    left, right = index <= peak[:, None], index >= peak[:, None]
    base = np.maximum(np.where(left, scaled, np.inf).min(axis=1), np.where(right, scaled, np.inf).min(axis=1))
    prominence = scaled[rows, peak] - base
    level = scaled[rows, peak] - prominence / 2
    below = scaled <= level[:, None]
    before = np.where(below & left, index, -1).max(axis=1)
    after = np.where(below & right, index, len(index)).min(axis=1)
    inside = (before >= 0) & (after < len(index)) & (prominence > 0)
    before, after = np.where(inside, before, 0), np.where(inside, after, len(index) - 1)
    start = before + _share(scaled[rows, before], scaled[rows, before + 1], level)
    end = after - _share(scaled[rows, after], scaled[rows, after - 1], level)
    return np.where(inside, end - start, np.inf), np.where(inside, prominence, 0.0)


def _share(low: Real, high: Real, level: Real) -> Real:
    """Return the place of a level between a point below it and its neighbour above it, as a share of the step."""
    rise = high - low
    return np.where(rise > 0, (level - low) / np.where(rise > 0, rise, 1), 0.0)


@dataclass(frozen=True, eq=False)
class QualityBand:
    """The axes and regions of quality measures; the same for every voxel of a run.

    Attributes
    ----------
    dwelltime_s : float
    frequency_hz : ndarray, float, shape (time,)
        Of the DFT bins, ascending.
    ppm : ndarray, float, shape (time,)
    inside : ndarray, bool, shape (time,)
        The fit window.
    noise : tuple of slice
        From :func:`fsl_mrs_dl.scores.noise_region`.
    """

    dwelltime_s: float
    frequency_hz: Real
    ppm: Real
    inside: NDArray[np.bool_]
    noise: tuple[slice, ...]

    @classmethod
    def of(cls, data: MRSData, voxels: NDArray[np.intp], window: tuple[float, float] | None) -> Self:
        """Return the band of a run; the noise region is chosen from some voxels spread over all of them."""
        some = data.fid[tuple(voxels[:: max(1, len(voxels) // _MOST_SPECTRA)].T)]
        noise = noise_region(some, data.ppm_axis, data.nucleus)
        inside = ppm_window(data.ppm_axis, window)
        return cls(data.dwelltime_s, data.frequency_axis_hz, data.ppm_axis, inside, noise)


def line_quality(
    band: QualityBand,
    fids: Complex,
    members: Complex,
    phase_rad: Real,
    delay_s: Real,
    expected_hz: Real,
    removed_noise_sd: float = 0.0,
) -> tuple[Real, Real]:
    r"""Return the SNR and the width of each member's fitted signal.

    SNR is the height of the member over :math:`\sqrt 2` times the noise of the real spectrum outside of the
    signal, after data and member are damped by exp(-w t) with the smallest width w found, in Hz taken as 1/s.
    This is FSL-MRS's definition with two changes: a member without a peak does not set w to zero for all others,
    and the noise is that of :func:`fsl_mrs_dl.scores.noise_sd`, which the tails of strong lines do not change.
    Above an SNR of about 50 FSL-MRS counts these tails as noise and prints a smaller value.

    Parameters
    ----------
    band : QualityBand
    fids : ndarray, complex, shape (S, time)
        The data.
    members : ndarray, complex, shape (S, M, time)
        The fitted signal of each member.
    phase_rad, delay_s : ndarray, float, shape (S,)
        The phases of the fit, which are corrected.
    expected_hz : ndarray, float, shape (S,)
        Largest fitted broadening.
    removed_noise_sd : float
        Of a channel; counted as if it were still in the data.

    Returns
    -------
    snr, fwhm_hz : ndarray, float, shape (S, M)
    """
    n_spectra, n_members, n_points = members.shape
    members = members.astype(np.complex64)  # a measure of quality needs no more, and this is twice as fast
    angle = phase_rad[:, None] + 2 * np.pi * delay_s[:, None] * band.frequency_hz[band.inside]
    straight = np.exp(-1j * angle).astype(np.complex64)[:, None]

    def heights(signals: Complex) -> Real:
        """Return the magnitude of the real spectrum in the window."""
        height: Real = np.abs((fid_to_spectrum(signals)[..., band.inside] * straight).real)
        return height

    tall = heights(members).reshape(n_spectra * n_members, -1)
    width = peak_widths_hz(tall, 1 / (n_points * band.dwelltime_s), np.repeat(expected_hz, n_members))
    width = width.reshape(n_spectra, n_members)
    damping = np.where(width > 0, width, np.inf).min(axis=1)
    damping = np.where(np.isfinite(damping), damping, 0.0)
    window = np.exp(-damping[:, None] * time_axis(n_points, band.dwelltime_s, fids))
    top = heights(members * window[:, None].astype(np.float32)).max(axis=-1)
    removed = removed_noise_sd * np.sqrt((window**2).mean(axis=1))
    noise = np.hypot(noise_sd(fids * window, band.ppm, region=band.noise), removed)
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = top / (np.sqrt(2) * noise)[:, None]
    return np.where(np.isfinite(snr), snr, 0.0), width
