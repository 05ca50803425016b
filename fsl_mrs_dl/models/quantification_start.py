"""The network that starts a fit with any basis set: shift, phases and lineshape of a spectrum, each with an SD.

It sees the spectrum on a grid of chemical shifts and the acquisition (field, dwell time, duration), never the
basis set: what it gives does not depend on which metabolites will be fitted. It is trained with labels, across
basis sets, echo times and fields, by the likelihood of a Gaussian of the mean and the SD that it gives.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace, device
from torch import Tensor, nn

from fsl_mrs_dl.data import NUCLEI, Complex, Real
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.physics.lines import gamma_from_fwhm

GRID_PPM, GRID_POINTS = (-0.2, 4.8), 512
"""Chemical shifts of the first and the last point of the input, in ppm, and number of points."""
APODISED_HZ_PER_T = 0.5
"""Lorentzian width added to the input, in Hz per T, where its points are 0.42 Hz per T apart."""
PIVOT_PPM = 2.7
"""Where the zero-order phase is estimated: in the middle of the lines it hardly depends on the delay."""
SCALES: Mapping[str, float] = MappingProxyType(
    {
        "shift_ppm": 0.25,
        "phase_rad": math.pi,
        "delay_cycles_per_ppm": 0.03,
        "gamma_per_t": 6.0,
        "sigma_per_t": 6.0,
        "mm_gamma_per_t": 6.0,
        "baseline": 0.2,
    }
)
"""Parameters that the network estimates, and the value of an output of 1.

Shift in ppm; zero-order phase at 2.7 ppm of the shifted axis; delay times the frequency of one ppm; Lorentzian
and Gaussian rate in rad/s per tesla; further width of macromolecules, in rad/s per tesla; and the size of a
smooth baseline, its largest magnitude over that of the spectrum.
"""
_FILTERS = ((16, 7), (32, 5), (48, 5), (64, 3), (64, 3))
"""Channels and kernel of each convolution."""
_HIDDEN = 128
"""Units between the convolutions and the outputs."""
_LOWEST_LOG_SD = -6.0
"""Of the logarithm of an SD in units of :data:`SCALES`: 0.25 %, below which the likelihood has no bound."""
_BLOCK = 512
"""Spectra at once, which bounds the memory."""


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Means and standard deviations of S spectra, shape (S,) each.

    Attributes
    ----------
    shift_hz, phase_rad, delay_s, gamma, sigma, mm_gamma, baseline : ndarray, float
        Hz, rad, s, rad/s (three times), and a ratio; see :data:`SCALES`. The phase is that at the shifted
        carrier, as the fit has it.
    sd : mapping of str to ndarray, float
        Of each of them; of the phase at its pivot, :data:`PIVOT_PPM`.
    """

    shift_hz: Real
    phase_rad: Real
    delay_s: Real
    gamma: Real
    sigma: Real
    mm_gamma: Real
    baseline: Real
    sd: Mapping[str, Real]


class StartNetwork(Network):
    """Convolutions over the grid and two linear layers, which see the acquisition too.

    Parameters
    ----------
    filters : sequence of tuple of int
        Channels and kernel of each convolution; strides are 2.
    hidden : int
    """

    def __init__(self, filters: Any = _FILTERS, hidden: int = _HIDDEN) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, length = 2, GRID_POINTS
        for after, kernel in filters:
            layers += [nn.Conv1d(before, after, kernel, stride=2, padding=kernel // 2), nn.GELU()]
            before, length = after, (length + 2 * (kernel // 2) - kernel) // 2 + 1
        self.layers = nn.Sequential(*layers, nn.Flatten())
        # One output more than parameters: the phase is the direction of two.
        n = len(SCALES)
        self.head = nn.Sequential(
            nn.Linear(before * length + 3, hidden), nn.GELU(), nn.Linear(hidden, 2 * n + 1)
        )

    def beliefs(self, inputs: Tensor, acquisition: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and logarithms of SDs in units of :data:`SCALES`, shape (batch, parameter) each.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, 512)
        acquisition : Tensor, float, shape (batch, 3)
        """
        raw = self._outputs(inputs, acquisition)
        n = len(SCALES)
        means = torch.cat([raw[:, :1], self._angle(raw)[:, None], raw[:, 3 : n + 1]], dim=1)
        return means, raw[:, n + 1 :].clamp(_LOWEST_LOG_SD, 2.0)

    def _outputs(self, inputs: Tensor, acquisition: Tensor) -> Tensor:
        raw: Tensor = self.head(torch.cat([self.layers(inputs), acquisition], dim=1))
        return raw

    def _angle(self, raw: Tensor) -> Tensor:
        return torch.atan2(raw[:, 2], raw[:, 1]) / math.pi

    def loss(self, inputs: Tensor, acquisition: Tensor, truth: Tensor) -> Tensor:
        r"""Return the mean negative log likelihood of the truth under the network's Gaussians.

        .. math:: \frac{1}{B} \sum_b \sum_p \frac{(\theta_{bp} - \mu_{bp})^2}{2 s_{bp}^2} + \ln s_{bp}

        with the error of the phase wrapped, plus the squared error of cosine and sine of the phase, without which
        a wrapped phase is hard to learn.
        """
        raw = self._outputs(inputs, acquisition)
        n = len(SCALES)
        log_sd = raw[:, n + 1 :].clamp(_LOWEST_LOG_SD, 2.0)
        angle = truth[:, 1] * math.pi
        wrapped = torch.remainder(self._angle(raw) - truth[:, 1] + 1, 2) - 1
        error = torch.cat(
            [raw[:, :1] - truth[:, :1], wrapped[:, None], raw[:, 3 : n + 1] - truth[:, 2:]], dim=1
        )
        around = (raw[:, 1] - torch.cos(angle)) ** 2 + (raw[:, 2] - torch.sin(angle)) ** 2
        likelihood = (error**2 * torch.exp(-2 * log_sd) / 2 + log_sd).sum(dim=1)
        return (likelihood + around).mean()


def grid_spectra(fids: Any, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Any:
    """Return spectra on the grid of the network, apodised and over their largest magnitude.

    Parameters
    ----------
    fids : Array, complex, shape (S, time)
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.

    Returns
    -------
    Array, complex64, shape (S, 512)
        Of the library and device of ``fids``.
    """
    xp = array_namespace(fids)
    field_t = spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    ppm = np.linspace(*GRID_PPM, GRID_POINTS)
    offset_hz = (ppm - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz
    times = np.arange(fids.shape[1]) * dwelltime_s
    transform = np.exp(-2j * math.pi * times[:, None] * offset_hz).astype(np.complex64)
    rate = gamma_from_fwhm(APODISED_HZ_PER_T * field_t)
    damped = damp(transform.T, rate, 0.0, dwelltime_s).T.astype(np.complex64)
    spectra = xp.astype(fids, xp.complex64) @ xp.asarray(damped, device=device(fids))
    largest = xp.max(xp.abs(spectra), axis=1, keepdims=True)
    return spectra / xp.where(largest > 0, largest, xp.ones_like(largest))


def acquisition_row(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Real:
    """Return the acquisition as the network reads it, shape (3,): logarithms of field, dwell time, duration."""
    row: Real = np.log([spectrometer_frequency_mhz / 123.0, dwelltime_s / 3e-4, n_points * dwelltime_s / 0.7])
    return row


@torch.no_grad()
def estimate_start(
    network: StartNetwork, fids: Complex, dwelltime_s: float, spectrometer_frequency_mhz: float
) -> Beliefs:
    """Estimate shift, phases and lineshape of spectra.

    Parameters
    ----------
    network : StartNetwork
        In evaluation mode.
    fids : ndarray, complex, shape (S, time)
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.

    Returns
    -------
    Beliefs
    """
    parts = [np.zeros((0, 2, len(SCALES)))]
    for start in range(0, len(fids), _BLOCK):
        block = torch.as_tensor(fids[start : start + _BLOCK])
        outputs = mean_and_sd(network, block, dwelltime_s, spectrometer_frequency_mhz)
        parts.append(torch.stack(outputs, dim=1).numpy())
    mean, sd = np.moveaxis(np.concatenate(parts), 1, 0)
    names = ("shift_hz", "phase_rad", "delay_s", "gamma", "sigma", "mm_gamma", "baseline")
    means = dict(zip(names, mean.T, strict=True))
    return Beliefs(**means, sd=dict(zip(names, sd.T, strict=True)))


@torch.no_grad()
def mean_and_sd(
    network: StartNetwork, fids: Tensor, dwelltime_s: float, spectrometer_frequency_mhz: float
) -> tuple[Tensor, Tensor]:
    """Estimate the parameters of spectra, on their device, all at once.

    Parameters
    ----------
    network : StartNetwork
        In evaluation mode, on the device of the FIDs.
    fids : Tensor, complex, shape (S, time)
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.

    Returns
    -------
    mean, sd : Tensor, float64, shape (S, 7)
        In the order and the units of :class:`Beliefs`.
    """
    row = acquisition_row(fids.shape[1], dwelltime_s, spectrometer_frequency_mhz)
    grid = grid_spectra(fids, dwelltime_s, spectrometer_frequency_mhz)
    inputs = torch.stack([grid.real, grid.imag], dim=1)
    acquisition = torch.as_tensor(row, dtype=inputs.dtype, device=fids.device).expand(len(fids), -1)
    outputs, log_sd = network.beliefs(inputs, acquisition)
    units = torch.as_tensor(unit_of(spectrometer_frequency_mhz), device=fids.device)
    mean, sd = outputs.double() * units, torch.exp(log_sd).double() * units
    pivot = pivot_phase(mean[:, 2], spectrometer_frequency_mhz)
    return torch.cat(
        [mean[:, :1], (mean[:, 1] - pivot)[:, None], mean[:, 2:3], mean[:, 3:].clamp(min=0.0)], 1
    ), sd


def unit_of(spectrometer_frequency_mhz: float) -> Real:
    """Return the value of an output of 1 at a field: Hz, rad, s, rad/s (three times), a ratio."""
    field_t = spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    per = np.array([spectrometer_frequency_mhz, 1, 1 / spectrometer_frequency_mhz, *[field_t] * 3, 1])
    units: Real = np.array(list(SCALES.values())) * per
    return units


def pivot_phase(delay_s: Any, spectrometer_frequency_mhz: float) -> Any:
    """Return the phase at :data:`PIVOT_PPM` over that at the carrier, which a delay makes, in rad."""
    pivot_hz = (PIVOT_PPM - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz
    return 2 * math.pi * delay_s * pivot_hz
