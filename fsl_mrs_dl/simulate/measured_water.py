r"""Part the water of each transient of a set from the rest, and draw water like it.

Residual water may have lines, amplitudes and a phase of its own in each transient. It is then far larger than
all else by which transients differ, and no few numbers describe it. Here it is a component of its own. The
deviation of a transient from the average of its set is taken as

.. math:: x_i(t) - \bar x(t) = w_i(t) + r_i(t)

with water :math:`w_i` from a Gaussian process, the sum of damped lines of random amplitude whose frequencies lie
about water, tails included, and the rest as if it were white noise. The size of the process is that of greatest
likelihood for the set, so that a set whose water does not vary has none to part. The mean of :math:`w_i` given the
transient is linear in it (a Wiener filter).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex, MRSData, Real
from fsl_mrs_dl.io.transient_sets import deviations_of
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.physics.hsvd import band_signal

_SEARCH_PPM = 0.8
"""Half-width of the search for water about its reference, in ppm: as in the removal of residual water."""
_BAND_PPM = 0.5
"""Half-width of the band of its lines, in ppm: to 4.15 ppm, where metabolites begin."""
_WIDTHS_HZ = (3.0, 6.0, 12.0, 25.0, 50.0)
"""Linewidths (FWHM) of the lines, in Hz: of a good shim to what a poor one spreads over its band."""
_STEP_HZ = 2.0
"""Distance of the frequencies of the lines, in Hz: less than the narrowest line is wide."""
_LEAST = 1e-8
"""Smallest variance of a direction of the process over the largest: what is less is rounding."""
_SIZES = np.logspace(-6, 12, 181)
"""Sizes that are tried, over that at which the largest direction has the variance of the noise."""
_ANGLES = (np.pi / 8, 3 * np.pi / 8)
"""Range of the angle by which the water of two transients is mixed: neither is nearly alone."""


@dataclass(frozen=True, eq=False)
class MeasuredWater:
    """Water of the transients of a set, about its mean.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, time)
        Of mean square that of the deviation from the mean of infinitely many.
    """

    fids: Complex

    def draw(self, n: int, rng: np.random.Generator) -> Complex:
        r"""Return water like that of the transients, shape (n, time).

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
    """A set of transients as average, water and rest.

    Attributes
    ----------
    average : ndarray, complex, shape (time,)
        Of all, with its water.
    carrier : ndarray, complex, shape (time,)
        The average without its water.
    deviations : ndarray, complex, shape (transient, time)
        From the average, without the water's; scaled as :func:`~fsl_mrs_dl.io.transient_sets.deviations_of` does.
    water : MeasuredWater
    """

    average: Complex
    carrier: Complex
    deviations: Complex
    water: MeasuredWater

    @classmethod
    def of(cls, fids: Complex, data: MRSData, size: float) -> Self:
        """Split a set.

        Parameters
        ----------
        fids : ndarray, complex, shape (transient, time)
        data : MRSData
            For the axes. Of another nucleus than 1H and 2H nothing is water.
        size : float
            Standard deviation of the noise of a channel.
        """
        average, deviations = deviations_of(fids)
        if data.nucleus not in ("1H", "2H"):
            return cls(average, average, deviations, MeasuredWater(np.zeros_like(deviations)))
        centre_hz = _centre(average, deviations, data)
        half = _BAND_PPM * data.spectrometer_frequency_mhz
        water = _water_of(deviations, data, centre_hz, half, size)
        own = band_signal(average, data.dwelltime_s, (centre_hz - half, centre_hz + half))
        return cls(average, average - own, deviations - water, MeasuredWater(water))


def _centre(average: Complex, deviations: Complex, data: MRSData) -> float:
    """Return where the power about the place of water has its middle, in Hz from the carrier."""
    place = NUCLEI[data.nucleus].reference_ppm
    inside = np.abs(data.ppm_axis - place) < _SEARCH_PPM
    power = np.abs(fid_to_spectrum(average)) ** 2
    power = power + np.mean(np.abs(fid_to_spectrum(deviations)) ** 2, axis=0)
    over = np.maximum(power[inside] - np.median(power), 0.0)
    middle = float(np.average(data.ppm_axis[inside], weights=over)) if over.any() else place
    return (middle - data.reference_ppm) * data.spectrometer_frequency_mhz


def water_directions(data: MRSData, centre_hz: float, half_hz: float) -> tuple[Complex, Real]:
    """Return orthonormal directions of the process, shape (direction, time), and their variances, the largest 1.

    Parameters
    ----------
    data : MRSData
        For points and dwell time.
    centre_hz, half_hz : float
        Middle and half-width of the band of the lines.
    """
    time_s = np.arange(data.n_points) * data.dwelltime_s
    places = np.arange(centre_hz - half_hz, centre_hz + half_hz, _STEP_HZ)
    rates = np.pi * np.array(_WIDTHS_HZ)
    # Of equal energy: a wide line is as tall at time zero as its damping asks.
    envelopes = np.sqrt(rates)[:, None] * np.exp(-rates[:, None] * time_s)
    waves = np.exp(2j * np.pi * places[:, None] * time_s)
    lines = (envelopes[:, None] * waves[None]).reshape(-1, data.n_points)
    values, vectors = np.linalg.eigh(lines.conj() @ lines.T)
    large = values > _LEAST * values[-1]
    directions: Complex = (vectors[:, large].T @ lines) / np.sqrt(values[large])[:, None]
    return directions[::-1], values[large][::-1] / values[-1]


def _water_of(deviations: Complex, data: MRSData, centre_hz: float, half_hz: float, size: float) -> Complex:
    """Return the mean of the process given each deviation, at the size of greatest likelihood."""
    directions, variances = water_directions(data, centre_hz, half_hz)
    coefficients = deviations @ directions.conj().T
    noise = 2 * size**2 or float(np.finfo(float).tiny)
    power = np.mean(np.abs(coefficients) ** 2, axis=0)
    each = noise * (1 + _SIZES[:, None] * variances)
    cost = (np.log(each) + power / each).sum(axis=1)
    process = _SIZES[int(np.argmin(cost))] * variances
    water: Complex = (coefficients * (process / (1 + process))) @ directions
    return water
