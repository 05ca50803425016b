"""Quality of each fitted line, by FSL-MRS's definitions: width of the highest peak, and matched SNR."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, time_axis
from fsl_mrs_dl.scores import noise_sd

_PROMINENCE = 0.4
_WIDEST = 2.0


def peak_widths_hz(heights: Real, bin_hz: float, expected_hz: Real) -> Real:
    """Return the width of the most prominent peak at half its prominence.

    A peak counts if it stands out by 40 per cent of the highest point and is not wider than twice the
    expected width, as in FSL-MRS's ``idPeaksCalcFWHM``.

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
    counts = (prominence >= _PROMINENCE) & (width * bin_hz <= limit)
    found = np.where(counts, width, 0.0)
    for row in np.flatnonzero(~counts & (top[:, 0] > 0)):
        # The highest peak is too broad (overlapping lines): look for a narrower one beside it.
        _, said = find_peaks(scaled[row], prominence=_PROMINENCE, width=(None, limit[row] / bin_hz))
        if said["prominences"].size:
            found[row] = said["widths"][said["prominences"].argmax()]
    return found * bin_hz


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
    """Return how far from a point below a level to its neighbour above it the level lies."""
    rise = high - low
    return np.where(rise > 0, (level - low) / np.where(rise > 0, rise, 1), 0.0)


def line_quality(
    fids: Complex,
    members: Complex,
    expected_hz: Real,
    ppm: Real,
    dwelltime_s: float,
    inside: NDArray[np.bool_],
    nucleus: str,
) -> tuple[Real, Real]:
    r"""Return the SNR and the width of each member's fitted signal.

    SNR is the height of the member over :math:`\sqrt 2` times the noise of the real spectrum outside of the
    signal, after data and member are damped by exp(-w t) with the smallest width w found, in Hz taken as 1/s.
    FSL-MRS's definition, but for two details: a member without a peak does not set w to zero for all others,
    and the noise is that of :func:`fsl_mrs_dl.scores.noise_sd`, which bears a stray line.

    Parameters
    ----------
    fids : ndarray, complex, shape (S, time)
        The data.
    members : ndarray, complex, shape (S, M, time)
        The fitted signal of each member, without its phases.
    expected_hz : ndarray, float, shape (S,)
        Largest fitted broadening.
    ppm : ndarray, float, shape (time,)
        Ascending.
    dwelltime_s : float
    inside : ndarray, bool, shape (time,)
        The fit window.
    nucleus : str

    Returns
    -------
    snr, fwhm_hz : ndarray, float, shape (S, M)
    """
    n_spectra, n_members, n_points = members.shape
    heights = np.abs(fid_to_spectrum(members)[..., inside].real).reshape(n_spectra * n_members, -1)
    width = peak_widths_hz(heights, 1 / (n_points * dwelltime_s), np.repeat(expected_hz, n_members))
    width = width.reshape(n_spectra, n_members)
    damping = np.where(width > 0, width, np.inf).min(axis=1)
    damping = np.where(np.isfinite(damping), damping, 0.0)
    window = np.exp(-damping[:, None] * time_axis(n_points, dwelltime_s, fids))
    top = np.abs(fid_to_spectrum(members * window[:, None])[..., inside].real).max(axis=-1)
    # One spectrum at a time, so that the noise region does not depend on what else is in the batch.
    noise = np.array([noise_sd(fid, ppm, nucleus) for fid in fids * window])
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = top / (np.sqrt(2) * noise)[:, None]
    return np.where(np.isfinite(snr), snr, 0.0), width
