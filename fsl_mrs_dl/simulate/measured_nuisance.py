r"""Part the water and the lipids of each transient of a set from the rest, and draw others like them.

Residual water, and lipids from outside of the voxel, may have lines, amplitudes and a phase of their own in each
transient. They are then far larger than all else by which transients differ, and no few numbers describe them.
Here they are a component of their own. The deviation of a transient from the average of its set is taken as

.. math:: x_i(t) - \bar x(t) = w_i(t) + l_i(t) + r_i(t)

with water :math:`w_i` and lipids :math:`l_i` from Gaussian processes, sums of damped lines of random amplitude
whose frequencies lie in a band, tails included, and the rest as if it were white noise. The sizes of the two
processes are those of greatest likelihood for the set, so that a set in which neither varies has nothing to part.
The mean of both given the transient is linear in it (a Wiener filter).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from fsl_mrs_dl.data import NUCLEI, Complex, MRSData
from fsl_mrs_dl.io.transient_sets import deviations_of
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.physics.hsvd import band_signal

_SEARCH_PPM = 0.8
"""Half-width of the search for water about its reference, in ppm: as in the removal of residual water."""
_WATER_PPM, _WATER_HZ = 0.5, (3.0, 6.0, 12.0, 25.0, 50.0)
"""Half-width of the band of water's lines in ppm, to 4.15 ppm, where metabolites begin; widths (FWHM) in Hz, of a
good shim to what a poor one spreads over its band."""
_LIPID_PPM, _LIPID_HZ = (0.6, 1.8), (12.0, 25.0, 50.0)
"""Band of the lines of lipids in ppm, CH3 and CH2 without NAA; widths (FWHM) in Hz: wider than metabolites."""
_STEP = 1 / 3
"""Distance of the frequencies of lines, over their width (FWHM)."""
_LEAST = 1e-7
"""Smallest variance of a direction of a process over the largest: of water a thousand times the noise, as much."""
_SIZES = np.append(0.0, np.logspace(-3, 10, 27))
"""Sizes that are tried, half a decade apart: at 1 the largest direction has the variance of the noise."""
_ANGLES = (np.pi / 8, 3 * np.pi / 8)
"""Range of the angle by which the nuisances of two transients are mixed: neither is nearly alone."""


@dataclass(frozen=True, eq=False)
class MeasuredNuisance:
    """Water and lipids of the transients of a set, about their mean.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, time)
        Of mean square that of the deviation from the mean of infinitely many.
    """

    fids: Complex

    def draw(self, n: int, rng: np.random.Generator) -> Complex:
        r"""Return nuisance signals like those of the transients, shape (n, time).

        Each is that of two transients, :math:`w_i \cos a + w_j \sin a` with a random angle: mean and covariance
        are those of the transients (a smoothed bootstrap), and none is that of a transient.
        """
        if len(self.fids) < 2:
            return np.zeros((n, self.fids.shape[1]), dtype=np.complex128)
        first = rng.integers(len(self.fids), size=n)
        second = (first + rng.integers(1, len(self.fids), size=n)) % len(self.fids)
        angle = rng.uniform(*_ANGLES, (n, 1))
        drawn: Complex = np.cos(angle) * self.fids[first] + np.sin(angle) * self.fids[second]
        return drawn


@dataclass(frozen=True, eq=False)
class SplitSet:
    """A set of transients as average, nuisance and rest.

    Attributes
    ----------
    average : ndarray, complex, shape (time,)
        Of all, with its water.
    carrier : ndarray, complex, shape (time,)
        The average without its water.
    deviations : ndarray, complex, shape (transient, time)
        From the average, without the nuisance's; scaled as :func:`~fsl_mrs_dl.io.transient_sets.deviations_of`
        does.
    nuisance : MeasuredNuisance
    """

    average: Complex
    carrier: Complex
    deviations: Complex
    nuisance: MeasuredNuisance

    @classmethod
    def of(cls, fids: Complex, data: MRSData, size: float) -> Self:
        """Split a set.

        Parameters
        ----------
        fids : ndarray, complex, shape (transient, time)
        data : MRSData
            For the axes. Of another nucleus than 1H (water, lipids) and 2H (water) nothing is parted.
        size : float
            Standard deviation of the noise of a channel.
        """
        average, deviations = deviations_of(fids)
        if data.nucleus not in ("1H", "2H"):
            return cls(average, average, deviations, MeasuredNuisance(np.zeros_like(deviations)))
        mhz = data.spectrometer_frequency_mhz
        water_hz = _water_place(average, deviations, data)
        band = (water_hz - _WATER_PPM * mhz, water_hz + _WATER_PPM * mhz)
        processes = [process_directions(data, band, _WATER_HZ)]
        if data.nucleus == "1H":
            low, high = ((ppm - data.reference_ppm) * mhz for ppm in _LIPID_PPM)
            processes.append(process_directions(data, (low, high), _LIPID_HZ))
        parted = _means(deviations, processes, size)
        own = band_signal(average, data.dwelltime_s, band)
        return cls(average, average - own, deviations - parted, MeasuredNuisance(parted))


def _water_place(average: Complex, deviations: Complex, data: MRSData) -> float:
    """Return where the power about the place of water has its middle, in Hz from the carrier."""
    place = NUCLEI[data.nucleus].reference_ppm
    inside = np.abs(data.ppm_axis - place) < _SEARCH_PPM
    power = np.abs(fid_to_spectrum(average)) ** 2
    power = power + np.mean(np.abs(fid_to_spectrum(deviations)) ** 2, axis=0)
    over = np.maximum(power[inside] - np.median(power), 0.0)
    middle = float(np.average(data.ppm_axis[inside], weights=over)) if over.any() else place
    return (middle - data.reference_ppm) * data.spectrometer_frequency_mhz


def process_directions(data: MRSData, band_hz: tuple[float, float], widths_hz: Sequence[float]) -> Complex:
    """Return orthogonal directions of a process, complex, shape (direction, time), as long as their SD.

    The largest has the length 1. The lines of each width fill the band and have equal energy together.

    Parameters
    ----------
    data : MRSData
        For points and dwell time.
    band_hz : tuple of float
        Of the frequencies of the lines, from the carrier.
    widths_hz : sequence of float
        Widths (FWHM) of the lines.
    """
    time_s = np.arange(data.n_points) * data.dwelltime_s
    lines = []
    for width in widths_hz:
        places = np.arange(*band_hz, _STEP * width)
        gamma = np.pi * width
        lines.append(width * np.exp((2j * np.pi * places[:, None] - gamma) * time_s))
    every = np.concatenate(lines)
    values, vectors = eigh(every.conj() @ every.T)
    large = values > _LEAST * values[-1]
    directions: Complex = (vectors[:, large].T @ every) / np.sqrt(values[-1])
    return directions[::-1]


def _means(deviations: Complex, processes: Sequence[Complex], size: float) -> Complex:
    """Return the mean of the sum of one or two processes given each deviation, of the likeliest sizes."""
    space = np.linalg.qr(np.concatenate(processes).T)[0].T
    noise = 2 * size**2 or float(np.finfo(float).tiny)
    coefficients = deviations @ space.conj().T
    power = coefficients.T @ coefficients.conj() / (noise * len(deviations))
    factors = [(process @ space.conj().T).T for process in processes]
    covariances = [factor @ factor.conj().T for factor in factors]
    best = np.inf
    chosen = np.zeros_like(covariances[0])
    for second in _SIZES if len(processes) > 1 else _SIZES[:1]:
        other = second * covariances[-1]
        root = cholesky(np.eye(len(space)) + other, lower=True)
        whiten = solve_triangular(root, np.eye(len(space)), lower=True)
        values, vectors = eigh(whiten @ covariances[0] @ whiten.conj().T)
        turned = vectors.conj().T @ whiten
        own = ((turned @ power) * turned.conj()).sum(axis=1).real
        each = 1 + _SIZES[:, None] * np.maximum(values, 0.0)
        cost = (np.log(each) + own / each).sum(axis=1) + 2 * np.log(np.diagonal(root).real).sum()
        if cost.min() < best:
            best = float(cost.min())
            chosen = _SIZES[int(cost.argmin())] * covariances[0] + other
    gain = np.linalg.solve(np.eye(len(space)) + chosen, chosen)
    means: Complex = (coefficients @ gain.T) @ space
    return means
