"""FIDs at the rate of a window: the same transients with a few hundred points instead of thousands.

Registration looks at a window of the spectrum and searches a little to both sides. An FID that is cut to that part
of the spectrum, with smooth edges outside of it, holds all of the window at a fraction of the points. The flat
part is unchanged, so that shifts, averages and projections are exact there, except for what the edges smear over
the two ends of the FID.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import next_fast_len

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.physics import shift

_EDGE_HZ = 40.0
"""Width of a smooth edge, in Hz: it smears the sudden start of an FID over 1 / 40 Hz = 25 ms."""
_BEFORE_S = 25e-3
"""Time before the start of an FID that holds this smear, in s."""
_LEAST_LENGTH = 10
"""Least length of an FID, in units of the time before it: below 0.25 s the smear is no small part of it."""
_WORTH = 0.6
"""Largest share of the points at which decimation saves enough."""
_POINTS_AT_ONCE = 32768
"""Complex points of a part: 512 kB, which the second cache of a processor holds."""


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
        n_bins = next_fast_len(int(high - low + 1 + 2 * (most + edge)))
        if length_s < _LEAST_LENGTH * _BEFORE_S or n_bins > _WORTH * n_points:
            return None
        first = (low + high + 1) // 2 - n_bins // 2
        bins = np.arange(first, first + n_bins)
        rising = np.sin(np.pi / 2 * (np.arange(edge) + 0.5) / edge) ** 2
        taper = np.concatenate([rising, np.ones(n_bins - 2 * edge), rising[::-1]])
        delay = np.exp(-2j * np.pi * np.arange(n_bins) / length_s * _BEFORE_S)
        inside = np.zeros(n_bins, dtype=bool)
        inside[np.flatnonzero(band.inside) - first] = True
        decimated = replace(
            band,
            dwelltime_s=length_s / n_bins,
            ppm=_extended(band.ppm, bins),
            inside=inside,
            delay_s=_BEFORE_S,
        )
        # The middle of the bins becomes zero frequency, and comes first as the transform has it.
        order = np.fft.ifftshift(np.arange(n_bins))
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
        slow = np.empty((*fids.shape[:-1], len(self.bins)), dtype=np.complex128)
        for part in _parts(fids):
            bins = np.fft.fft(fids[part], norm="ortho")[..., self.bins]
            slow[part] = np.fft.ifft(bins * self.weight, norm="ortho")
        return slow

    def at_zero(self, estimates: Registration) -> Registration:
        """Return estimates of decimated FIDs with the phase at time zero, not at their first point."""
        phase_rad = estimates.phase_rad + 2 * np.pi * estimates.shift_hz * self.band.delay_s
        return replace(estimates, phase_rad=phase_rad)

    def at_whole_times(self, course: Real, n_points: int) -> Real:
        """Return values at the times of decimated FIDs at those of whole ones instead, shape (n_points,)."""
        dwelltime_s = len(course) * self.band.dwelltime_s / n_points
        slow_s = np.arange(len(course)) * self.band.dwelltime_s - self.band.delay_s
        whole: Real = np.interp(np.arange(n_points) * dwelltime_s, slow_s, course)
        return whole


def _parts(fids: Complex) -> Iterator[slice]:
    """Yield slices of transients, shape (transient, coil, time), that fit into a processor's cache."""
    step = max(1, _POINTS_AT_ONCE // (fids[0].size or 1))
    return (slice(i, i + step) for i in range(0, len(fids), step))


def shifted_back(fids: Complex, shift_hz: Real, dwelltime_s: float) -> Complex:
    """Return transients, shape (transient, coil, time), with a shift each, shape (transient,), in Hz, undone."""
    moved = np.empty_like(fids)
    for part in _parts(fids):
        moved[part] = shift(fids[part], -shift_hz[part, None], dwelltime_s)
    return moved


def _extended(ppm: Real, bins: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Real:
    """Return the chemical shifts of bins, some of which may lie outside of the axis."""
    step = (ppm[-1] - ppm[0]) / (len(ppm) - 1)
    extended: Real = ppm[0] + bins * step
    return extended
