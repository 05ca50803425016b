r"""A learned posterior of shift, damping and phase; the amplitudes follow exactly.

.. math:: q(a, f, \gamma, \phi \mid y) = q(f, \gamma, \phi \mid y) \; p(a \mid f, \gamma, \phi, y)

The first factor is a network's: from the spectrum and the size of its noise it gives, one after another,
Gaussians of phase, shift and damping that are cut to their ranges, each with a mean that moves with those before
it. It is trained by the likelihood of what was simulated (neural posterior estimation, Papamakarios and Murray
2016, arXiv:1605.06376). The second is no network's: with the others known the FID is linear in the amplitudes, so
they are a Gaussian that is cut to their ranges, with the precision of the normal equations.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.models.inputs import from_channels
from fsl_mrs_dl.models.quantification import Modelled, QuantificationNetwork
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, ppm_window

N_SHARED = 3
"""Phase, shift and damping, in this order."""
_SD = (1e-3, 1.5)
"""Least and largest SD, in half ranges: the mean of a Gaussian much wider than its cut cannot be learned."""
_ORDER = [2, 0, 1]
"""Where phase, shift and damping stand among the shared parameters."""
_WINDOW_PPM, _TYPICAL_SIZE = (0.0, 4.3), 10.0
"""Part of the spectrum that the layers see, in ppm; what it is divided by, so that inputs are of order one."""


class PosteriorNetwork(QuantificationNetwork):
    """DQ-nMM that gives distributions in place of numbers; for Lorentzian lines.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, expected
        As of :class:`~fsl_mrs_dl.models.quantification.QuantificationNetwork`.
    noise_sd : tuple of float
        Least and most of a channel that the network is trained on; spectra get one in between, evenly in its
        logarithm.
    hidden : tuple of int
        Sizes of the linear layers, which see the spectrum from 0 to 4.3 ppm and the size of its noise. Of FIDs,
        convolutions are slow to learn the shift.
    first_point : int
        Of the amplitudes' likelihood.
    """

    def __init__(
        self,
        names: list[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        expected: Mapping[str, Any],
        noise_sd: tuple[float, float],
        hidden: tuple[int, ...] = (384, 192, 96),
        first_point: int = 0,
    ) -> None:
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, expected, first_point=first_point, scaled=False)
        if self.voigt:
            raise ValueError("Expected are Voigt lines; this posterior is for Lorentzian ones.")
        self.noise_sd = noise_sd
        axis = ppm_axis(*axes, NUCLEI["1H"].reference_ppm)
        self.window = torch.from_numpy(np.flatnonzero(ppm_window(axis, _WINDOW_PPM)))
        sizes = (2 * len(self.window) + 1, *hidden)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.GELU()]
        outputs = 2 * N_SHARED + N_SHARED * (N_SHARED - 1) // 2
        self.encoder = nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))

    def beliefs(self, inputs: Tensor, noise_sd: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three normal distributions before they are cut to their ranges, in units of half a range.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
        noise_sd : Tensor, float, shape (batch,)
            Of a channel.

        Returns
        -------
        mean, sd : Tensor, float, shape (batch, 3)
        slopes : Tensor, float, shape (batch, 3, 3)
            How far each mean moves with the parameters before it; strictly lower triangular.
        """
        low, high = (math.log(value) for value in self.noise_sd)
        noise = (2 * torch.log(noise_sd) - low - high) / (high - low)
        spectrum = fid_to_spectrum(from_channels(inputs))[:, self.window]
        both = [spectrum.real / _TYPICAL_SIZE, spectrum.imag / _TYPICAL_SIZE]
        raw: Tensor = self.encoder(torch.cat([*both, noise[:, None]], dim=1))
        mean, log_sd = raw[:, :N_SHARED], raw[:, N_SHARED : 2 * N_SHARED]
        slopes = torch.zeros(len(raw), N_SHARED, N_SHARED, dtype=raw.dtype, device=raw.device)
        below = torch.tril_indices(N_SHARED, N_SHARED, -1)
        slopes[:, below[0], below[1]] = raw[:, 2 * N_SHARED :]
        least, most = (math.log(value) for value in _SD)
        return mean, torch.exp(least + (most - least) * torch.sigmoid(log_sd + 2.0)), slopes

    def loss(  # type: ignore[override]  # makes the spectra itself
        self, amplitudes: Tensor, shared: Tensor, place: Tensor
    ) -> Tensor:
        r"""Return the mean negative log density of the truth, of FIDs that are made here with new noise.

        .. math:: -\frac{1}{B} \sum_b \sum_k \ln \frac{N(x_k; m_k, s_k)}{\Phi((1 - m_k) / s_k) -
                  \Phi((-1 - m_k) / s_k)}, \quad m_k = \mu_k + \sum_{j < k} c_{kj} (x_j - \mu_j)

        Parameters
        ----------
        amplitudes : Tensor, float, shape (batch, member)
        shared : Tensor, float, shape (batch, 3)
            Shift (Hz), damping (rad/s) and phase (rad).
        place : Tensor, float, shape (batch,)
            From 0 to 1: how large the noise is between least and most.
        """
        low, high = (math.log(value) for value in self.noise_sd)
        noise_sd = torch.exp(low + (high - low) * place)
        with torch.no_grad():
            shift_hz, gamma, phase_rad = shared.T
            clean = self.decode(Modelled(amplitudes, shift_hz, gamma, 0 * gamma, phase_rad))
            inputs = torch.stack([clean.real, clean.imag], dim=1)
            inputs = inputs + noise_sd[:, None, None] * torch.randn_like(inputs)
        truth = ((shared - self.shared_middle) / self.shared_half)[:, _ORDER]
        return -log_density(truth, *self.beliefs(inputs, noise_sd)).mean()

    @torch.no_grad()
    def draw(self, inputs: Tensor, noise_sd: Tensor, uniforms: Tensor) -> Tensor:
        """Return draws of shift (Hz), damping (rad/s) and phase (rad), shape (batch, draw, 3).

        Parameters
        ----------
        inputs, noise_sd
            As of :meth:`beliefs`.
        uniforms : Tensor, float64, shape (batch, draw, 3)
            In (0, 1).
        """
        mean, sd, slopes = (value.double()[:, None] for value in self.beliefs(inputs, noise_sd))
        x = torch.zeros_like(uniforms)
        for k in range(N_SHARED):
            moved = mean[..., k] + (slopes[..., k, :k] * (x[..., :k] - mean[..., :k])).sum(dim=-1)
            x[..., k] = _quantile(moved, sd[..., k], uniforms[..., k])
        drawn = torch.empty_like(x)
        drawn[..., _ORDER] = x
        return self.shared_middle.double() + self.shared_half.double() * drawn


def log_density(x: Tensor, mean: Tensor, sd: Tensor, slopes: Tensor) -> Tensor:
    """Return the logarithm of the density of x within -1 to 1, for outputs of :meth:`PosteriorNetwork.beliefs`.

    Parameters
    ----------
    x, mean, sd : Tensor, float, shape (batch, 3)
    slopes : Tensor, float, shape (batch, 3, 3)
    """
    moved = mean + (slopes @ (x - mean)[..., None])[..., 0]
    z, a, b = ((end - moved) / sd for end in (x, -1.0, 1.0))
    density = -(z**2) / 2 - torch.log(sd) - math.log(2 * math.pi) / 2 - _log_inside(a, b)
    return density.sum(dim=-1)


def _log_inside(a: Tensor, b: Tensor) -> Tensor:
    """Return the logarithm of the mass of a standard Gaussian between a and b."""
    above = a + b > 0
    a, b = torch.where(above, -b, a), torch.where(above, -a, b)
    low, high = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    inside: Tensor = high + torch.log1p(-torch.exp((low - high).clamp_max(-1e-6)))
    return inside


def _quantile(mean: Tensor, sd: Tensor, u: Tensor) -> Tensor:
    """Return quantiles of a Gaussian that is cut to -1 to 1."""
    a, b = (-1 - mean) / sd, (1 - mean) / sd
    above = a + b > 0  # the lower tail has the digits
    a, b, u = torch.where(above, -b, a), torch.where(above, -a, b), torch.where(above, 1 - u, u)
    below = torch.special.ndtr(a)
    z = torch.special.ndtri(below + u * (torch.special.ndtr(b) - below))
    z = torch.minimum(torch.maximum(z, a), b)
    return mean + sd * torch.where(above, -z, z)
