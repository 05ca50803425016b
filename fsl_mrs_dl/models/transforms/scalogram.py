r"""The complex scalogram: a continuous wavelet transform with generalised Morse wavelets.

.. math:: W(f, t) = \int s(t') \, \frac{1}{a} \psi^*\!\Big(\frac{t' - t}{a}\Big) dt', \qquad
          \hat\psi(\omega) = 2 \, e^{(\beta/\gamma)(1 + \ln(\gamma/\beta))} \omega^\beta e^{-\omega^\gamma},
          \quad \omega > 0

(Olhede and Walden 2002, doi:10.1109/TSP.2002.804066; Lilly and Olhede 2009, doi:10.1109/TSP.2008.2007607). The
largest value of :math:`\hat\psi` is 2, at :math:`\omega_0 = (\beta/\gamma)^{1/\gamma}`, and
:math:`a = \omega_0 / 2 \pi |f|`: a lasting line of amplitude 1 at f has a coefficient of 2. An FID is complex and
has lines on both sides of the carrier, so there is a wavelet for each sign: that of :math:`-f` is the conjugate.

PyWavelets has no Morse wavelet, and ssqueezepy transforms positive frequencies alone and compiles with numba; so
this is written down from the definition.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.transforms.channels import stacked

Array = Any
GAMMA, BETA = 3.0, 20.0
"""Of the Morse wavelet: beta gamma = 60, MATLAB's default, which Shamaei et al. 2020 used; without unit."""
_FOOTPRINT = 4.0
"""Reach of a wavelet on either side of its middle, in standard deviations sqrt(beta gamma) / omega_0 a of its
envelope: beyond it there is less than 1e-3 of the wavelet."""
_SMALLEST = 1e-12
"""Angular frequency, without unit, that stands for those not above zero, so that the logarithm exists."""


def morse(omega: Real, gamma: float = GAMMA, beta: float = BETA) -> Real:
    r"""Return the Fourier transform of the Morse wavelet.

    Parameters
    ----------
    omega : ndarray, float
        Angular frequency in units of the inverse scale, without unit.
    gamma, beta : float

    Returns
    -------
    ndarray, float
        :math:`\hat\psi(\omega)`, zero for :math:`\omega \le 0`.
    """
    positive = np.maximum(omega, _SMALLEST)
    exponent = -(positive**gamma) + beta * np.log(positive) + beta / gamma * (1 + np.log(gamma / beta))
    values: Real = np.where(omega > 0, 2 * np.exp(exponent), 0.0)
    return values


def peak(gamma: float = GAMMA, beta: float = BETA) -> float:
    """Return the angular frequency at which the wavelet's transform is largest, in units of the inverse scale."""
    return float((beta / gamma) ** (1 / gamma))


@dataclass(frozen=True)
class Scalogram:
    """Coefficients on a grid of frequency and time.

    The signal is taken to be zero before its first and after its last point, as an FID is before its excitation:
    coefficients near the ends are those of that signal, not of one that was folded back.

    Attributes
    ----------
    n_points : int
        Points of the FID that are used, from the first on.
    dwelltime_s : float
        In s.
    lowest_hz, highest_hz : float
        Range of frequencies on each side of the carrier, in Hz.
    scales : int
        Frequencies on each side, logarithmically spaced.
    times : int
        Points of the grid in time, equally spaced from the first point on.
    part : {"complex", "magnitude"}
        Two channels, real and imaginary part; or one, the magnitude.
    baseband : bool
        Whether each row is turned back by its own frequency, W(f, t) exp(-2 pi i f t). What is left changes as
        slowly as the wavelet is wide, and loses less on a coarse grid of times than the coefficients themselves,
        which turn several times from column to column.
    """

    n_points: int
    dwelltime_s: float
    lowest_hz: float = 30.0
    highest_hz: float = 700.0
    scales: int = 24
    times: int = 64
    part: str = "complex"
    baseband: bool = False

    def __post_init__(self) -> None:
        if self.n_points % self.times:
            raise ValueError(f"{self.n_points} points cannot be told apart into {self.times} equal steps.")

    @property
    def frequency_hz(self) -> Real:
        """Frequencies of the rows, ascending from -highest to highest, in Hz; shape (2 scales,)."""
        positive = np.geomspace(self.lowest_hz, self.highest_hz, self.scales)
        return np.concatenate([-positive[::-1], positive])

    @property
    def time_s(self) -> Real:
        """Times of the columns, in s; shape (times,)."""
        return np.arange(self.times) * (self.n_points // self.times) * self.dwelltime_s

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, frequency, time."""
        return 2 if self.part == "complex" else 1, 2 * self.scales, self.times

    @property
    def _padded(self) -> int:
        """Points of the transform: those of the FID and the reach of the longest wavelet, in whole strides."""
        reach_s = _FOOTPRINT * np.sqrt(GAMMA * BETA) / (2 * np.pi * self.lowest_hz)
        stride = self.n_points // self.times
        return stride * int(2 ** np.ceil(np.log2((self.n_points + reach_s / self.dwelltime_s) / stride)))

    @cached_property
    def filters(self) -> Real:
        """Transforms of the wavelets at the DFT frequencies, in DFT order; shape (2 scales, padded)."""
        axis_hz = np.fft.fftfreq(self._padded, self.dwelltime_s)
        return morse(peak() * axis_hz[None] / self.frequency_hz[:, None])

    def __call__(self, fids: Array) -> Array:
        """Return the channels, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        values = self.coefficients(fids)
        if self.part == "complex":
            return stacked(values, axis=-3)
        return array_namespace(values).abs(values)[..., None, :, :]

    def coefficients(self, fids: Array) -> Array:
        """Return the coefficients, complex, shape (..., 2 scales, times).

        Of each product of transforms every stride-th point in time is wanted: folding it first leaves exactly
        these.
        """
        xp = array_namespace(fids)
        spectrum = xp.fft.fft(fids[..., : self.n_points], n=self._padded, axis=-1)
        dtype = xp.real(spectrum[..., :1]).dtype
        filters = xp.asarray(self.filters, dtype=dtype, device=device(fids))
        product = spectrum[..., None, :] * filters
        stride = self.n_points // self.times
        folded = xp.reshape(product, (*product.shape[:-1], stride, self._padded // stride))
        sampled = xp.fft.ifft(xp.mean(folded, axis=-2), axis=-1)[..., : self.times]
        if not self.baseband:
            return sampled
        turn = np.exp(-2j * np.pi * self.frequency_hz[:, None] * self.time_s)
        return sampled * xp.asarray(turn, dtype=sampled.dtype, device=device(fids))
