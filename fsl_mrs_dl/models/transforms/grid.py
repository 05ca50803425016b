"""A band of the zero-filled spectrum: as many points between two chemical shifts as a network wants."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.models.transforms.channels import stacked
from fsl_mrs_dl.physics import fid_to_spectrum

Array = Any


@dataclass(frozen=True)
class BandGrid:
    """A band of frequencies as a fixed number of points of the discrete Fourier transform.

    Attributes
    ----------
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    ppm : tuple of float
        Lower and upper end of the band, in ppm.
    bins : int
        Points in the band, the first one at its lower end or up to one point above.
    n_fft : int
        Points of the transform; 0: as many as make the band ``bins`` points long.
    """

    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: tuple[float, float]
    bins: int
    n_fft: int = 0

    @cached_property
    def length(self) -> int:
        """Points of the transform."""
        low, high = sorted(self.ppm)
        band_hz = (high - low) * self.spectrometer_frequency_mhz
        return self.n_fft or round(self.bins / (band_hz * self.dwelltime_s))

    @cached_property
    def first(self) -> int:
        """Index of the first point, counted from frequency zero; negative upfield of it."""
        offset_hz = (min(self.ppm) - NUCLEI["1H"].reference_ppm) * self.spectrometer_frequency_mhz
        return int(np.ceil(offset_hz * self.dwelltime_s * self.length - 1e-9))

    @property
    def cycles(self) -> Array:
        """Frequencies of the points in cycles a sample, ascending; shape (bins,)."""
        return (self.first + np.arange(self.bins)) / self.length

    @property
    def axis_ppm(self) -> Array:
        """Chemical shifts of the points, ascending, in ppm; shape (bins,)."""
        hz = self.cycles / self.dwelltime_s
        return NUCLEI["1H"].reference_ppm + hz / self.spectrometer_frequency_mhz


@dataclass(frozen=True)
class ZeroFilledSpectrum:
    """A band of the zero-filled orthonormal spectrum as one channel: real part, or real then imaginary part.

    Attributes
    ----------
    n_points : int
        Points of the FID that are used, from the first on.
    dwelltime_s, spectrometer_frequency_mhz, ppm, bins, n_fft
        See :class:`BandGrid`.
    part : {"concatenated", "real"}
    """

    n_points: int
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: tuple[float, float] = (-0.5, 6.0)
    bins: int = 1024
    n_fft: int = 0
    part: str = "concatenated"

    @cached_property
    def grid(self) -> BandGrid:
        """The points of the spectrum that are used."""
        low, high = self.ppm
        return BandGrid(self.dwelltime_s, self.spectrometer_frequency_mhz, (low, high), self.bins, self.n_fft)

    @property
    def shape(self) -> tuple[int, ...]:
        """One channel of frequency."""
        return 1, self.bins * (1 if self.part == "real" else 2)

    def __call__(self, fids: Array) -> Array:
        """Return the channel, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        xp = array_namespace(fids)
        used = fids[..., : self.n_points]
        n = max(self.grid.length, used.shape[-1])
        zeros = xp.zeros_like(used[..., :1])
        longer = xp.concat([used, xp.broadcast_to(zeros, (*used.shape[:-1], n - used.shape[-1]))], axis=-1)
        if n > self.grid.length:
            longer = _wrapped(longer, self.grid.length)
        start = self.grid.length // 2 + self.grid.first
        band = fid_to_spectrum(longer)[..., start : start + self.bins]
        if self.part == "real":
            return xp.real(band)[..., None, :]
        both = stacked(band, axis=-2)
        return xp.reshape(both, (*band.shape[:-1], 1, 2 * self.bins))


def _wrapped(fids: Array, length: int) -> Array:
    """Return FIDs that are longer than the transform, folded onto its points: the same Fourier sum."""
    xp = array_namespace(fids)
    turns = -(-fids.shape[-1] // length)
    missing = xp.broadcast_to(
        xp.zeros_like(fids[..., :1]), (*fids.shape[:-1], turns * length - fids.shape[-1])
    )
    whole = xp.concat([fids, missing], axis=-1)
    return xp.sum(xp.reshape(whole, (*fids.shape[:-1], turns, length)), axis=-2)
