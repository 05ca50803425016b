"""Resample FIDs to other points of time. NumPy only: a basis set is resampled once, before any gradient.

A noiseless FID is a sum of damped oscillations that starts at t = 0. Interpolation by a windowed sinc rings
there, because there are no points before. So the FID is first continued by a few points at both ends by linear
prediction, which is exact for such sums.
"""

import numpy as np

from fsl_mrs_dl.data import Complex, Real

HALF_WIDTH = 32
"""Number of old points on either side that contribute to a new point."""
PASSBAND = 0.85
"""Share of the Nyquist frequency up to which the interpolation is exact to 5e-6 of the FID's largest point."""

# Kaiser's window for 120 dB (Kaiser 1974; Oppenheim and Schafer, Discrete-Time Signal Processing, 7.5.3): with
# this half width its transition lies within 0.12 of the Nyquist frequency on either side of it.
_KAISER_BETA = 0.1102 * (120 - 8.7)
_TRAINING_POINTS = 120
"""Points that determine the coefficients of the prediction; a third of them is its order."""
# Relative. Smaller singular values are rounding (files have 5 to 7 digits) and would let the prediction explode.
_RANK_CUT = 1e-6
# Magnitude over the largest of the FID. Broad lines grow less over the half width; more cannot be predicted.
_LARGEST_GROWTH = 100.0


def points_before(fids: Complex, count: int) -> Complex:
    r"""Return the points that an FID would have had before its first.

    Linear prediction backwards, :math:`x_n = \sum_k c_k x_{n+k}`, coefficients by least squares of least
    norm (Kumaresan and Tufts 1982, doi:10.1109/TASSP.1982.1163974). An FID whose continuation explodes is
    no sum of damped oscillations; it gets zeros.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
    count : int

    Returns
    -------
    ndarray, complex128, shape (fid, count)
        In order of time: the last is the one next to the FID.
    """
    fids = np.asarray(fids, dtype=np.complex128)
    points = min(_TRAINING_POINTS, fids.shape[1])
    order = points // 3
    buffer = np.zeros((len(fids), count + order), dtype=np.complex128)
    if order < 1 or count < 1:
        return buffer[:, :count]
    largest = np.maximum(np.abs(fids).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    known = fids[:, :points] / largest
    later = np.lib.stride_tricks.sliding_window_view(known[:, 1:], order, axis=1)[:, : points - order]
    left, size, right = np.linalg.svd(later, full_matrices=False)
    inverse = np.where(size > _RANK_CUT * size[:, :1], 1 / np.maximum(size, np.finfo(np.float64).tiny), 0)
    projected = np.einsum("mnk,mn->mk", left.conj(), known[:, : points - order])
    coefficients = np.einsum("mko,mk->mo", right.conj(), inverse * projected)
    buffer[:, count:] = known[:, :order]
    with np.errstate(over="ignore", invalid="ignore"):
        for n in range(count - 1, -1, -1):
            buffer[:, n] = np.sum(buffer[:, n + 1 : n + 1 + order] * coefficients, axis=1)
        before = buffer[:, :count]
        steady = np.isfinite(before).all(axis=1) & (np.abs(before).max(axis=1) <= _LARGEST_GROWTH)
    return np.where(steady[:, None], before * largest, 0)


def _kernel(distance: Real) -> Real:
    """Return the windowed sinc at a distance in points."""
    inside = np.clip(1 - (distance / HALF_WIDTH) ** 2, 0, None)
    window: Real = np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA) * (inside > 0)
    return np.sinc(distance) * window


def resample(fids: Complex, dwelltime_s: float, n_points: int, new_dwelltime_s: float) -> Complex:
    """Resample FIDs to other points; the first point does not change.

    Points up to the half width after the end are predicted, those beyond are zero. Frequencies above the
    Nyquist frequency of the new points fold, as in a receiver without a filter.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
        With all signal within :data:`PASSBAND` of their band.
    dwelltime_s : float
        Of ``fids``, in s.
    n_points : int
    new_dwelltime_s : float
        In s.

    Returns
    -------
    ndarray, complex128, shape (fid, n_points)
    """
    fids = np.asarray(fids, dtype=np.complex128)
    after = points_before(fids[:, ::-1], HALF_WIDTH)[:, ::-1]
    longer = np.concatenate([points_before(fids, HALF_WIDTH), fids, after, np.zeros_like(after)], axis=1)
    place = np.arange(n_points) * (new_dwelltime_s / dwelltime_s)
    # A point that differs from an old one by rounding alone is set to it.
    nearest = np.round(place)
    place = np.where(np.abs(place - nearest) < 1e-9 * np.maximum(nearest, 1), nearest, place)
    reached = place < fids.shape[1] + HALF_WIDTH - 1
    whole = np.floor(place).astype(np.intp)
    resampled = np.zeros((len(fids), n_points), dtype=np.complex128)
    for tap in range(1 - HALF_WIDTH, HALF_WIDTH + 1):
        weight = _kernel(place - whole - tap) * reached
        index = np.minimum(whole + tap + HALF_WIDTH, longer.shape[1] - 1)
        resampled += weight * longer[:, index]
    return resampled


def energy_beyond(fids: Complex, frequency: float) -> Real:
    """Return the share of each FID's energy above a frequency.

    A window that is zero at the start removes the jump there, whose broad spectrum is no signal.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
    frequency : float
        As a share of the Nyquist frequency.

    Returns
    -------
    ndarray, float64, shape (fid,)
    """
    n_points = fids.shape[1]
    rising = np.sin(np.pi * np.arange(n_points) / n_points) ** 2
    energy = np.abs(np.fft.fft(np.asarray(fids) * rising, axis=-1)) ** 2
    outside = np.abs(np.fft.fftfreq(n_points)) > 0.5 * frequency
    total = np.maximum(energy.sum(axis=-1), np.finfo(np.float64).tiny)
    share: Real = energy[:, outside].sum(axis=-1) / total
    return share
