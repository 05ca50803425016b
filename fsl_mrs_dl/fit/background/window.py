"""A fit window as real vectors: its lines, its smooth curves, and the unit of its baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background.density import FWHM_PPM, GRID_PPM
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines

NAA_HEIGHT = (10.0, 3.0, 4.0)
"""The unit of baselines: a line of 10 mmol/kg, 3 protons, 4 Hz (FWHM): NAA of a healthy brain in a good shim."""
_CONSTANT = 1.0  # SD of a complex offset, in heights of NAA: a wrong first point of the FID
_LEAST_VARIANCE = 1e-10  # of a direction of smooth curves, over the largest: smaller ones are rounding


def split(bins: Complex) -> Real:
    """Return real and imaginary parts one after the other on the last axis, twice as long."""
    return np.concatenate([bins.real, bins.imag], axis=-1)


def joined(values: Real) -> Complex:
    """Undo :func:`split`."""
    half = values.shape[-1] // 2
    whole: Complex = values[..., :half] + 1j * values[..., half:]
    return whole


def quarter_turn(values: Real) -> Real:
    """Multiply by i a vector that :func:`split` has split."""
    half = values.shape[-1] // 2
    return np.concatenate([-values[..., half:], values[..., :half]], axis=-1)


@dataclass(frozen=True, eq=False)
class Window:
    """The fit window of a background: its bins, axis and unit.

    Attributes
    ----------
    inside : ndarray, intp, shape (inside,)
        Bins of the window in an FFT whose zero frequency comes first.
    ppm : ndarray, float, shape (inside,)
    n_points : int
    dwelltime_s : float
    spectrometer_frequency_mhz, reference_ppm : float
    proton : float
        First point of the FID of one mmol/kg of protons in the units of the basis set.
    """

    inside: np.ndarray
    ppm: Real
    n_points: int
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    reference_ppm: float
    proton: float

    def vectors(self, fids: Complex) -> Real:
        """Return FIDs (..., time) as real vectors of the window, shape (..., 2 inside)."""
        return split(np.fft.fft(fids, axis=-1, norm="ortho")[..., self.inside])

    def lines(self, lines: Sequence[GaussianLine]) -> Real:
        """Return one vector for each line, its amplitude in mmol/kg of protons, shape (line, 2 inside)."""
        return self.vectors(self.fids(lines))

    def fids(self, lines: Sequence[GaussianLine]) -> Complex:
        """Return one FID for each line, its amplitude in mmol/kg of protons, shape (line, time)."""
        axes = (self.n_points, self.dwelltime_s, self.spectrometer_frequency_mhz)
        like = np.empty(1, np.complex128)
        signals: Complex = self.proton * gaussian_lines(lines, *axes, like, self.reference_ppm)
        return signals

    @cached_property
    def components(self) -> Real:
        """The components of the density as vectors, shape (G, 2 inside)."""
        return self.lines([GaussianLine("MM", float(ppm), 1.0, FWHM_PPM) for ppm in GRID_PPM])

    @cached_property
    def height(self) -> float:
        """Height of the line of NAA in the units of the basis set, see :data:`NAA_HEIGHT`."""
        amount, protons, width_hz = NAA_HEIGHT
        times = np.arange(self.n_points) * self.dwelltime_s
        total = np.exp(-np.pi * width_hz * times).sum() / np.sqrt(self.n_points)
        return float(amount * protons * self.proton * total)

    def smooth(self, length_ppm: float, size: float) -> Real:
        """Return independent deviations of unit variance of a smooth complex baseline, shape (n, 2 inside).

        Parameters
        ----------
        length_ppm : float
            Correlation length, in ppm.
        size : float
            SD in heights of NAA.
        """
        apart = (self.ppm[:, None] - self.ppm) / length_ppm
        values, vectors = np.linalg.eigh(np.exp(-(apart**2) / 2))
        known = values > _LEAST_VARIANCE * values[-1]
        curves = size * self.height * (vectors[:, known] * np.sqrt(values[known])).T
        return self._complex(curves)

    def constant(self) -> Real:
        """Return a complex offset of unit variance, shape (2, 2 inside)."""
        return self._complex(np.full((1, len(self.ppm)), _CONSTANT * self.height))

    def _complex(self, curves: Real) -> Real:
        none = np.zeros_like(curves)
        return np.vstack([np.hstack([curves, none]), np.hstack([none, curves])])
