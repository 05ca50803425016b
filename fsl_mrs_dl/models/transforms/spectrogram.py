r"""Spectrogram with diagonal under-sampling (Rizzo et al. 2023, doi:10.1002/mrm.29561).

Frames of the FID, each under a Hamming window and zero-filled, are transformed: column :math:`j` of

.. math:: F_{kj} = \sum_{n=0}^{W-1} w_n \, s_{jh+n} \, e^{-2 \pi i f_k n}

is frame :math:`j`, which begins :math:`h` samples after the one before it. Of each column every N-th frequency is
kept, one further on in each next column: :math:`\mathrm{out}_{kj} = F_{Nk + (j \bmod N), j}`. N neighbouring
columns together hold all frequencies, and the image is N times smaller.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.transforms.channels import stacked
from fsl_mrs_dl.models.transforms.grid import BandGrid

Array = Any


@dataclass(frozen=True)
class Spectrogram:
    """Frames of the FID as columns of frequency.

    Attributes
    ----------
    dwelltime_s, spectrometer_frequency_mhz, ppm, bins, n_fft
        See :class:`~fsl_mrs_dl.models.transforms.grid.BandGrid`; ``bins`` are those before under-sampling.
    window, hop : int
        Samples of a frame, and between the starts of neighbouring frames.
    frames : int
        A multiple of ``undersampling``.
    undersampling : int
        N; 1 = keep every frequency.
    channels : {"two", "one"}
        two: real and imaginary part as channels. one: side by side along time.
    padded : bool
        Whether half a window of zeros is put before the FID. Its first samples, where broad signals are, then
        lie in the middle of the first window instead of on its flank.
    """

    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: tuple[float, float] = (0.0, 4.7)
    bins: int = 1024
    n_fft: int = 0
    window: int = 1024
    hop: int = 24
    frames: int = 32
    undersampling: int = 8
    channels: str = "two"
    padded: bool = False

    def __post_init__(self) -> None:
        if self.bins % self.undersampling or self.frames % self.undersampling:
            raise ValueError(
                f"{self.bins} frequencies and {self.frames} frames are no multiples of {self.undersampling}."
            )

    @property
    def n_points(self) -> int:
        """Points of the FID that are used, from the first on."""
        return self.window + (self.frames - 1) * self.hop - (self.window // 2 if self.padded else 0)

    @property
    def time_s(self) -> Real:
        """Times of the middles of the frames, in s; shape (frames,)."""
        middle = 0.0 if self.padded else self.window / 2
        return (np.arange(self.frames) * self.hop + middle) * self.dwelltime_s

    @cached_property
    def grid(self) -> BandGrid:
        """The frequencies before under-sampling."""
        low, high = self.ppm
        return BandGrid(self.dwelltime_s, self.spectrometer_frequency_mhz, (low, high), self.bins, self.n_fft)

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, frequency, time."""
        rows = self.bins // self.undersampling
        return (2, rows, self.frames) if self.channels == "two" else (1, rows, 2 * self.frames)

    @cached_property
    def kernels(self) -> Complex:
        """Windowed waves, one set for each place of a frame among its N; shape (N, bins / N, window)."""
        cycles = self.grid.cycles.reshape(-1, self.undersampling).T
        waves = np.exp(-2j * np.pi * cycles[..., None] * np.arange(self.window))
        kernels: Complex = np.hamming(self.window) * waves
        return kernels

    def __call__(self, fids: Array) -> Array:
        """Return the channels, see :class:`~fsl_mrs_dl.models.transforms.Transform`."""
        values = self.coefficients(fids)
        if self.channels == "two":
            return stacked(values, axis=-3)
        xp = array_namespace(values)
        return xp.concat([xp.real(values), xp.imag(values)], axis=-1)[..., None, :, :]

    def coefficients(self, fids: Array) -> Array:
        """Return the coefficients, complex, shape (..., bins / N, frames)."""
        xp = array_namespace(fids)
        batch, n = fids.shape[:-1], self.undersampling
        used = fids[..., : self.n_points]
        before = self.window // 2 if self.padded else 0
        after = self.n_points - used.shape[-1]
        zeros = xp.zeros_like(used[..., :1])
        ends = [xp.broadcast_to(zeros, (*batch, size)) for size in (before, after)]
        signal = xp.concat([ends[0], used, ends[1]], axis=-1)
        spans = [signal[..., self.hop * j : self.hop * j + self.window] for j in range(self.frames)]
        columns = [xp.zeros_like(signal[..., :1])] * self.frames
        for place, kernel in enumerate(self._real_kernels):
            weights = xp.asarray(kernel, dtype=xp.real(zeros).dtype, device=device(fids))
            framed = xp.stack(spans[place::n], axis=-2)
            parts = xp.matmul(xp.concat([xp.real(framed), xp.imag(framed)], axis=-1), weights)
            half = parts.shape[-1] // 2
            values = parts[..., :half] + 1j * parts[..., half:]
            for k in range(self.frames // n):
                columns[place + k * n] = values[..., k, :]
        return xp.stack(columns, axis=-1)

    @cached_property
    def _real_kernels(self) -> Real:
        """The kernels for samples as real and imaginary parts: real products are several times as fast."""
        real, imaginary = (np.swapaxes(part, 1, 2) for part in (self.kernels.real, self.kernels.imag))
        both: Real = np.block([[real, imaginary], [-imaginary, real]])
        return both
