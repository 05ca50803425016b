r"""The network that sets the penalty of ``reconstruct``: an autoencoder whose posterior widens with noise.

It sees a spectrum on a grid of chemical shifts, in units in which the largest line is 1. Its decoder
gives the spectrum without noise, and the likelihood has the noise that each spectrum truly has:

.. math:: \mathcal L = n \left( \frac{\langle |x - \hat x(z)|^2 \rangle}{2 v} + \ln v \right)
    + \mathrm{KL}\left( q(z|x) \,\|\, N(0, 1) \right), \quad v = s^2 + \tau^2

With one variance for all spectra (the mean squared error of the usual autoencoder) the best posterior variance
would be the same for noisy and clean spectra, :math:`(1 + J^T J / v)^{-1}`; with their own it goes to that of the
prior, 1, where the data say nothing.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.network import Network

GRID_PPM, GRID_POINTS = (0.2, 4.2), 512  # first and last chemical shift of the input, in ppm, and its points
_CHANNELS = (16, 32, 32)  # of the convolutions
_KERNELS = (7, 5, 3)  # of the convolutions, in points
_POOLED = GRID_POINTS // 2 ** len(_CHANNELS)  # points left: each convolution ends in a pooling by two
_LOG_VARIANCE = (-12.0, 1.0)  # of the posterior: beyond e^-12 the data say all, and the prior has 0
_GAIN = (
    20.0  # spectra have an RMS of 0.04 in the units of the network, and its layers work on numbers of about 1
)
_FIRST_MISFIT = 0.02  # of the decoder, in the units of the inputs: noise of SNR_f 15
_LEAST_POWER = 1e-6  # of a map: far below that of any noise
_OTHER_LEVEL = math.log(3.0)  # noise is up to 3 times more or less in training
_RATIOS = (1e-3, 0.9)  # of the penalty: beyond, nothing is sparse, or nothing is left
_BLOCK = 512  # spectra at once, which bounds the memory


class SparsityVAE(Network):
    r"""Three convolutions with pooling to a normal posterior of latent variables, and back.

    Parameters
    ----------
    latent : int
        Latent variables.
    hidden : int
        Units between convolutions and latent variables.
    noise_weighted : bool
        Whether the likelihood has the noise of each spectrum. False: the mean squared error, as published.

    Attributes
    ----------
    alpha, beta : Tensor, float, shape ()
        The penalty, as a share of the largest line, is :math:`\alpha \overline{\sigma^2} (n / 512)^\beta`. The
        posterior narrows with the independent bins n of the spectrum, the noise of a line does not: without the
        power, one alpha is 1.9 times too large for FIDs of 0.35 s or too small for those of 1 s.
    """

    alpha: Tensor
    beta: Tensor

    def __init__(self, *, latent: int = 16, hidden: int = 64, noise_weighted: bool = True) -> None:
        super().__init__()
        self.noise_weighted, self.hidden = noise_weighted, hidden
        self.register_buffer("alpha", torch.tensor(1.0, dtype=torch.float64))
        self.register_buffer("beta", torch.tensor(0.0, dtype=torch.float64))
        self.first = nn.Conv1d(2, _CHANNELS[0], _KERNELS[0], padding=_KERNELS[0] // 2)
        down: list[nn.Module] = [nn.ReLU(), nn.MaxPool1d(2)]
        before = _CHANNELS[0]
        for after, kernel in zip(_CHANNELS[1:], _KERNELS[1:], strict=True):
            down += [nn.Conv1d(before, after, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool1d(2)]
            before = after
        flat = _CHANNELS[-1] * _POOLED
        self.rest = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden + _CHANNELS[0], latent)
        up: list[nn.Module] = [nn.Linear(latent, flat), nn.ReLU(), nn.Unflatten(1, (_CHANNELS[-1], _POOLED))]
        for after, kernel in zip((*_CHANNELS[-2::-1], 2), _KERNELS[::-1], strict=True):
            up += [
                nn.Upsample(scale_factor=2),
                nn.Conv1d(before, after, kernel, padding=kernel // 2),
                nn.ReLU(),
            ]
            before = after
        self.decoder = nn.Sequential(*up[:-1])
        self.log_misfit = nn.Parameter(torch.tensor(math.log(_FIRST_MISFIT)))

    def beliefs(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the posterior, shape (batch, latent) each.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, 512)
            Real and imaginary part, from :func:`grid_spectra`.
        """
        maps = self.first(_GAIN * inputs)
        hidden = self.rest(maps)
        # Noise is a texture: the power of the filtered spectrum, over all places.
        texture = torch.log((maps**2).mean(dim=2) + _LEAST_POWER)
        log_variance = self.log_variance(torch.cat([hidden, texture], dim=1))
        return self.mean(hidden), log_variance.clamp(*_LOG_VARIANCE)

    def loss(self, inputs: Tensor, clean: Tensor, noise_sd: Tensor, independent: Tensor) -> Tensor:
        """Return the negative evidence bound, mean of the batch.

        Parameters
        ----------
        inputs, clean : Tensor, float, shape (batch, 2, 512)
            Spectra with and without noise. The decoder is compared with the latter: the posterior variance that
            is best is the same, and the noise of the gradient is less.
        noise_sd : Tensor, float, shape (batch,)
            Of a channel of the inputs.
        independent : Tensor, float, shape (batch,)
            Bins of the spectrum that the grid covers, from :func:`independent_bins`.
        """
        if self.training and self.noise_weighted:
            inputs, noise_sd = with_other_noise(inputs, clean, noise_sd)
        mean, log_variance = self.beliefs(inputs)
        # A network that is judged, not trained, has the same draws each time.
        fixed = None if self.training else torch.Generator(mean.device).manual_seed(0)
        draws = torch.randn(mean.shape, generator=fixed, device=mean.device)
        latent = mean + torch.exp(log_variance / 2) * draws
        left = ((clean - self.decoder(latent) / _GAIN) ** 2).sum(dim=1).mean(dim=1)
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
        if not self.noise_weighted:
            plain: Tensor = (_GAIN**2 * left / 2 * GRID_POINTS + divergence).mean()
            return plain
        variance = noise_sd**2 + torch.exp(2 * self.log_misfit)
        bound: Tensor = (independent * (left / (2 * variance) + torch.log(variance)) + divergence).mean()
        return bound

    @torch.no_grad()
    def posterior_variance(self, inputs: Real) -> Real:
        """Return the mean posterior variance of the latent variables, shape (batch,).

        Parameters
        ----------
        inputs : ndarray, float, shape (batch, 2, 512)
        """
        parts = [
            self.beliefs(torch.as_tensor(inputs[first : first + _BLOCK], dtype=torch.float32))[1]
            .exp()
            .mean(dim=1)
            for first in range(0, len(inputs), _BLOCK)
        ]
        variance: Real = torch.cat(parts).double().numpy()
        return variance

    def penalty_ratio(self, inputs: Real, independent: Real | float) -> Real:
        """Return the penalty over the largest line, shape (batch,).

        Parameters
        ----------
        inputs : ndarray, float, shape (batch, 2, 512)
        independent : ndarray, float, shape (batch,), or float
            See :func:`independent_bins`.
        """
        power = (np.asarray(independent) / GRID_POINTS) ** self.beta.item()
        ratio: Real = np.clip(self.alpha.item() * power * self.posterior_variance(inputs), *_RATIOS)
        return ratio

    def calibrate(self, alpha: float, beta: float = 0.0) -> None:
        """Set the factor of the penalty, and the power of the independent bins in it."""
        self.alpha.fill_(alpha)
        self.beta.fill_(beta)


def with_other_noise(inputs: Tensor, clean: Tensor, noise_sd: Tensor) -> tuple[Tensor, Tensor]:
    """Return spectra with the noise of others of the batch, at another level, and that level.

    The same spectrum comes at many levels of noise, so that what the network learns of noise is not what it
    remembers of spectra.

    Parameters
    ----------
    inputs, clean : Tensor, float, shape (batch, 2, 512)
    noise_sd : Tensor, float, shape (batch,)
    """
    order = torch.randperm(len(inputs), device=inputs.device)
    level = noise_sd * torch.exp(_OTHER_LEVEL * (2 * torch.rand_like(noise_sd) - 1))
    noise = (inputs - clean)[order] * (level / noise_sd[order])[:, None, None]
    return clean + noise, level


def independent_bins(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> float:
    """Return how many bins of a spectrum the grid covers: more points of it tell nothing new.

    Parameters
    ----------
    n_points : int
        Of the FID as measured.
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    """
    band_hz = (GRID_PPM[1] - GRID_PPM[0]) * spectrometer_frequency_mhz
    return min(band_hz * n_points * dwelltime_s, float(GRID_POINTS))


def grid_axis_hz(spectrometer_frequency_mhz: float, reference_ppm: float = 4.65) -> Real:
    """Return the frequencies of the grid in Hz from the carrier, shape (512,)."""
    ppm = np.linspace(*GRID_PPM, GRID_POINTS)
    axis: Real = (ppm - reference_ppm) * spectrometer_frequency_mhz
    return axis


def grid_spectra(
    fids: Complex, axis_hz: Real, dwelltime_s: float, unit: Real, clean: Complex | None = None
) -> tuple[Real, Real]:
    """Return spectra on the grid of the network, in the phase of their highest point.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
    axis_hz : ndarray, float, shape (512,)
        Frequencies of the grid, in Hz.
    dwelltime_s : float
        In s.
    unit : ndarray, float, shape (fid,)
        What a spectrum is divided by: the largest line over the norm of an atom, so that noise in
        the result is the noise of the penalty.
    clean : ndarray, complex, shape (fid, time), optional
        The same without noise.

    Returns
    -------
    spectra, clean : ndarray, float32, shape (fid, 2, 512)
        ``clean`` in the phase of the others; equal to them where it is not given.
    """
    n = fids.shape[-1]
    turning = np.exp(-2j * np.pi * np.outer(np.arange(n) * dwelltime_s, axis_hz)) / math.sqrt(n)
    spectra = (fids @ turning) / unit[:, None]
    top = np.take_along_axis(spectra, np.abs(spectra).argmax(axis=1)[:, None], axis=1)
    turn = np.exp(-1j * np.angle(top))
    truth = spectra if clean is None else (clean @ turning) / unit[:, None]
    return _channels(spectra * turn), _channels(truth * turn)


def _channels(spectra: Complex) -> Real:
    channels: Real = np.stack([spectra.real, spectra.imag], axis=1).astype(np.float32)
    return channels
