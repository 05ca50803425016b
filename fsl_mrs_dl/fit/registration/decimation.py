"""FIDs at the rate of a window: the same transients with a few hundred points instead of thousands.

Registration looks at a window of the spectrum and searches a little to both sides. An FID that is cut to that
part of the spectrum, with smooth edges outside of it, holds all of the window at a fraction of the points. In
the flat part nothing is changed, and within it shifts, averages and projections mean what they meant before,
but for what the edges smear over the two ends of the FID.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import next_fast_len

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.physics import shift

_EDGE_HZ = 40.0
_BEFORE_S = 25e-3  # an edge of 40 Hz smears the sudden start of an FID over about this time before it
_LEAST_LENGTH = 10  # of an FID, in units of what is put before it
_WORTH = 0.6
_POINTS_AT_ONCE = 32768


@dataclass(frozen=True, eq=False)
class Decimation:
    """A part of the spectrum, and FIDs that hold that part alone.

    Attributes
    ----------
    band : Band
        Of the decimated FIDs.
    bins : ndarray, int, shape (time of the decimated FIDs,)
        Which bins of the whole transform they hold, zero frequency first in both.
    weight : ndarray, complex, shape (time of the decimated FIDs,)
        Of these bins: smooth edges, and the delay of the band.
    """

    band: Band
    bins: np.ndarray[tuple[int], np.dtype[np.intp]]
    weight: Complex

    @classmethod
    def of(cls, band: Band, search_hz: float) -> "Decimation | None":
        """Return the decimation for a band; None where it would save little, or the FIDs are too short.

        Parameters
        ----------
        band : Band
        search_hz : float
            How far from the window the search goes, in Hz.
        """
        n_points = len(band.inside)
        length_s = n_points * band.dwelltime_s
        low, high = np.flatnonzero(band.inside)[[0, -1]]
        edge, most = (int(np.ceil(hz * length_s)) for hz in (_EDGE_HZ, search_hz))
        n_kept = next_fast_len(int(high - low + 1 + 2 * (most + edge)))
        if length_s < _LEAST_LENGTH * _BEFORE_S or n_kept > _WORTH * n_points:
            return None
        first = (low + high + 1) // 2 - n_kept // 2
        bins = np.arange(first, first + n_kept)
        rising = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
        taper = np.concatenate([rising, np.ones(n_kept - 2 * edge), rising[::-1]])
        delay = np.exp(-2j * np.pi * np.arange(n_kept) / length_s * _BEFORE_S)
        inside = np.zeros(n_kept, dtype=bool)
        inside[np.flatnonzero(band.inside) - first] = True
        decimated = replace(
            band,
            dwelltime_s=length_s / n_kept,
            ppm=_extended(band.ppm, bins),
            inside=inside,
            delay_s=_BEFORE_S,
        )
        # The middle of the kept bins becomes zero frequency, and comes first as the transform has it.
        order = np.fft.ifftshift(np.arange(n_kept))
        return cls(decimated, (bins[order] - n_points // 2) % n_points, (taper * delay)[order])

    def fids(self, fids: Complex) -> Complex:
        """Return FIDs at the low rate.

        Parameters
        ----------
        fids : ndarray, complex, shape (n, coil, time)

        Returns
        -------
        ndarray, complex, shape (n, coil, time of the decimated FIDs)
        """
        low = np.empty((*fids.shape[:-1], len(self.bins)), dtype=np.complex128)
        for part in parts(fids):
            kept = np.fft.fft(fids[part], norm="ortho")[..., self.bins]
            low[part] = np.fft.ifft(kept * self.weight, norm="ortho")
        return low

    def at_zero(self, found: Registration) -> Registration:
        """Return what was found of decimated FIDs with the phase at time zero, not at their first point."""
        return replace(found, phase_rad=found.phase_rad + 2 * np.pi * found.shift_hz * self.band.delay_s)

    def undone(self, course: Real, n_points: int) -> Real:
        """Return the course of something over the time of decimated FIDs at the times of whole ones."""
        dwelltime_s = len(course) * self.band.dwelltime_s / n_points
        low_s = np.arange(len(course)) * self.band.dwelltime_s - self.band.delay_s
        whole: Real = np.interp(np.arange(n_points) * dwelltime_s, low_s, course)
        return whole


def decimated(fids: Complex, band: Band, search_hz: float) -> tuple[Decimation | None, Complex, Band]:
    """Return FIDs at the low rate with their band; None and what was given where that would save little.

    Parameters
    ----------
    fids : ndarray, complex, shape (n, coil, time)
    band : Band
    search_hz : float
        How far from the window the search goes, in Hz.
    """
    decimation = Decimation.of(band, search_hz)
    return (None, fids, band) if decimation is None else (decimation, decimation.fids(fids), decimation.band)


def parts(fids: Complex) -> Iterator[slice]:
    """Cut transients, shape (transient, coil, time), into parts that a processor's cache holds."""
    step = max(1, _POINTS_AT_ONCE // (fids[0].size or 1))
    return (slice(i, i + step) for i in range(0, len(fids), step))


def moved_back(fids: Complex, shift_hz: Real, dwelltime_s: float) -> Complex:
    """Return transients, shape (transient, coil, time), less a shift each, shape (transient,), in Hz."""
    moved = np.empty_like(fids)
    for part in parts(fids):
        moved[part] = shift(fids[part], -shift_hz[part, None], dwelltime_s)
    return moved


def _extended(ppm: Real, bins: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Real:
    step = (ppm[-1] - ppm[0]) / (len(ppm) - 1)
    extended: Real = ppm[0] + bins * step
    return extended
