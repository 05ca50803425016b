"""The FID itself, and the spectrum, as inputs of a network."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.models.transforms.channels import stacked
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, ppm_window

Array = Any


@dataclass(frozen=True)
class FirstPoints:
    """The first points of the FID, real and imaginary part.

    Attributes
    ----------
    n_points : int
    """

    n_points: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Two channels of time."""
        return 2, self.n_points

    def __call__(self, fids: Array) -> Array:
        """Return the channels, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        return stacked(fids[..., : self.n_points], axis=-2)


@dataclass(frozen=True)
class SpectrumBand:
    """A band of the orthonormal spectrum, real and imaginary part, frequencies ascending.

    The first point of the FID is not halved: a network learns the constant that this adds.

    Attributes
    ----------
    n_points : int
        Of the FID.
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    ppm : tuple of float, or None
        Ends of the band in ppm; None = the whole spectrum.
    """

    n_points: int
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: tuple[float, float] | None = None

    @cached_property
    def _rows(self) -> slice:
        axis = ppm_axis(
            self.n_points, self.dwelltime_s, self.spectrometer_frequency_mhz, NUCLEI["1H"].reference_ppm
        )
        inside = np.flatnonzero(ppm_window(axis, None if self.ppm is None else (self.ppm[0], self.ppm[1])))
        return slice(int(inside[0]), int(inside[-1]) + 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Two channels of frequency."""
        return 2, self._rows.stop - self._rows.start

    def __call__(self, fids: Array) -> Array:
        """Return the channels, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        return stacked(fid_to_spectrum(fids[..., : self.n_points])[..., self._rows], axis=-2)
