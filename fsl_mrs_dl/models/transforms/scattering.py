r"""Wavelet scattering: averages of the magnitudes of wavelet transforms, and of the magnitudes of those.

.. math:: S_0 = s * \phi, \quad S_1 = |s * \psi_{\lambda_1}| * \phi, \quad
          S_2 = ||s * \psi_{\lambda_1}| * \psi_{\lambda_2}| * \phi

(Andén and Mallat 2014, doi:10.1109/TSP.2014.2326991) with Gabor (Morlet) wavelets, of the real and of the
imaginary part of an FID by themselves (Shamaei et al. 2021, doi:10.5220/0010318502680275). Centres fall by
:math:`2^{-1/Q}` from filter to filter and widths in proportion, until a width is that of the average; below there
are equally spaced filters of that width. kymatio does the same, but cannot be imported with current SciPy.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.transforms.channels import stacked

Array = Any
_AVERAGE_WIDTH = 0.1
"""SD of the averaging filter's transform over 1 / (samples averaged), in cycles per sample: as kymatio has it."""
_CROSSING = 0.5
"""Height, of their squares, at which neighbouring filters cross."""
_HIGHEST = 0.35
"""Highest centre of a filter in cycles per sample, where Q is 1; its flank ends before the Nyquist frequency."""
_TAIL = 4.0
"""SDs of a Gaussian beyond which less than 4e-4 of it is left: what is folded or compared leaves the rest out."""


@dataclass(frozen=True)
class Filter:
    """A Gabor wavelet: centre and SD of its transform, in cycles per sample."""

    centre: float
    sd: float

    def transform(self, axis: Real) -> Real:
        """Return the transform at frequencies, a Gaussian less what makes its mean zero; largest about 1."""
        gauss = _periodic(axis - self.centre, self.sd)
        at_zero = _periodic(np.array([-self.centre]), self.sd)[0] / _periodic(np.zeros(1), self.sd)[0]
        values: Real = gauss - at_zero * _periodic(axis, self.sd)
        return values


@cache
def _response(wavelet: Filter, n: int, step: int) -> Real:
    """Return the transform of a wavelet for n points, ``step`` samples apart; made once for all signals."""
    return wavelet.transform(np.fft.fftfreq(n, step))


def _periodic(axis: Real, sd: float) -> Real:
    """Return a Gaussian of the frequency, repeated with the sampling frequency."""
    turns = np.arange(-2, 3)[:, None]
    total: Real = np.exp(-((axis[None] + turns) ** 2) / (2 * sd**2)).sum(axis=0)
    return total


def filter_bank(per_octave: int, average: int) -> tuple[Filter, ...]:
    """Return the wavelets of a bank, the highest centre first.

    Parameters
    ----------
    per_octave : int
        Q.
    average : int
        Samples that the average reaches over; the narrowest filters have its width.
    """
    step = 2 ** (-1 / per_octave)
    # Neighbours at c and c step cross at the asked height if their SDs are c times this.
    relative = (1 - step) / (1 + step) / np.sqrt(2 * np.log(1 / np.sqrt(_CROSSING)))
    narrowest = _AVERAGE_WIDTH / average
    centre = max(1 / (1 + 2 ** (3 / per_octave)), _HIGHEST)
    bank = []
    while relative * centre > narrowest:
        bank.append(Filter(centre, relative * centre))
        centre *= step
    last = bank[-1].centre
    equal = [last * (per_octave - k) / per_octave for k in range(1, per_octave)]
    return (*bank, *(Filter(c, narrowest) for c in equal))


@dataclass(frozen=True)
class Scattering:
    """Orders 0 to 2 of an FID, of each channel by itself.

    Attributes
    ----------
    n_points : int
        Points of the FID that are used, from the first on; a multiple of ``average``.
    average : int
        Samples that are averaged over, a power of two: one window each.
    per_octave : tuple of int
        Wavelets an octave of the first and of the second order.
    """

    n_points: int = 1024
    average: int = 128
    per_octave: tuple[int, int] = (8, 1)

    def __post_init__(self) -> None:
        if self.n_points % self.average:
            raise ValueError(f"{self.n_points} points are no multiple of {self.average} averaged ones.")

    @cached_property
    def banks(self) -> tuple[tuple[Filter, ...], tuple[Filter, ...]]:
        """Wavelets of the first and of the second order."""
        first, second = (filter_bank(q, self.average) for q in self.per_octave)
        return first, second

    @cached_property
    def paths(self) -> tuple[tuple[int, int], ...]:
        """Which wavelets follow each other in the second order.

        A magnitude varies no faster than its wavelet is wide: second wavelets whose centre lies above that see
        next to nothing.
        """
        first, second = self.banks
        return tuple(
            (i, j) for i, a in enumerate(first) for j, b in enumerate(second) if b.centre < _TAIL / 2 * a.sd
        )

    @property
    def n_paths(self) -> int:
        """Of all orders."""
        return 1 + len(self.banks[0]) + len(self.paths)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, paths, windows."""
        return 2, self.n_paths, self.n_points // self.average

    @property
    def _padded(self) -> int:
        """Points with the signal continued by its mirror image, half on each side."""
        return 2 * self.n_points

    def __call__(self, fids: Array) -> Array:
        """Return the channels, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        xp = array_namespace(fids)
        signal = stacked(fids[..., : self.n_points], axis=-2)
        half = self.n_points // 2
        longer = xp.concat(
            [xp.flip(signal[..., :half], axis=-1), signal, xp.flip(signal[..., half:], axis=-1)], axis=-1
        )
        transform = xp.fft.fft(longer, axis=-1)
        first, second = self.banks
        orders = [self._averaged(transform)]
        later = []
        for i, one in enumerate(first):
            early = self._step(2 * one.sd)
            magnitude = self._magnitude(transform, one, 1, early)
            orders.append(self._averaged(magnitude, early))
            for j in (j for k, j in self.paths if k == i):
                late = max(early, self._step(second[j].centre / _TAIL + second[j].sd))
                later.append(self._averaged(self._magnitude(magnitude, second[j], early, late), late))
        return xp.stack([*orders, *later], axis=-2)

    def _step(self, width: float) -> int:
        """Return by how much a series can be decimated, a power of two, whose transform ends at some widths."""
        return min(self.average, max(1, int(2 ** np.floor(np.log2(1 / (2 * _TAIL * width))))))

    def _magnitude(self, transform: Array, wavelet: Filter, before: int, after: int) -> Array:
        """Return the transform of the magnitude behind a wavelet.

        Parameters
        ----------
        transform : Array, complex, shape (..., frequency)
            Of a series of every ``before``-th point.
        wavelet : Filter
        before, after : int
            Decimation of the series and of the magnitude.
        """
        xp = array_namespace(transform)
        response = self._as(_response(wavelet, transform.shape[-1], before), transform)
        folded = _folded(transform * response, after // before)
        return xp.fft.fft(xp.abs(xp.fft.ifft(folded, axis=-1)), axis=-1)

    def _averaged(self, transform: Array, step: int = 1) -> Array:
        """Return averages at the middles of the windows, from the transform of a series of every step-th point."""
        xp = array_namespace(transform)
        axis = np.fft.fftfreq(self._padded // step, step)
        smooth = transform * self._as(_periodic(axis, _AVERAGE_WIDTH / self.average), transform)
        # A window's middle lies half a window after its first point.
        turned = smooth * self._turn(axis, transform)
        windows = self._padded // self.average
        sampled = xp.real(xp.fft.ifft(_folded(turned, self._padded // step // windows), axis=-1))
        edge = windows // 4
        return sampled[..., edge : windows - edge]

    def _turn(self, axis: Real, like: Array) -> Array:
        xp = array_namespace(like)
        turn = np.exp(2j * np.pi * axis * (self.average - 1) / 2)
        return xp.asarray(turn, dtype=like.dtype, device=device(like))

    def _as(self, values: Real, like: Array) -> Array:
        xp = array_namespace(like)
        return xp.asarray(values, dtype=xp.real(like[..., :1]).dtype, device=device(like))


def _folded(transform: Array, step: int) -> Array:
    """Return the transform of every step-th point of a series."""
    if step == 1:
        return transform
    xp = array_namespace(transform)
    n = transform.shape[-1] // step
    return xp.mean(xp.reshape(transform, (*transform.shape[:-1], step, n)), axis=-2)
