r"""Variational autoencoders that synthesise spectra: of concentrations (cVAE), or like measured transients (VAE).

The encoder reads real and imaginary part and, where there are any, the concentrations; the decoder makes a
spectrum of latent numbers and concentrations. Fully connected layers, as in the published ones, whose sizes are
not known. Two things differ from a plain stack of layers:

* The first layer of the encoder and the last one of the decoder are the principal components of the training
  spectra and stay fixed. They are orthonormal, so that errors are those of the spectrum, and because they are
  signals in time, a network makes spectra of any dwell time and length (see :meth:`SynthesisNetwork.on_points`).
* The variance of the reconstruction error is its own maximum-likelihood value (Rybkin, Daniilidis and Levine
  2021, arXiv:2006.13202), which leaves no weight between error and Kullback-Leibler divergence to be chosen.

Losses are over whole spectra; by Parseval's theorem they are computed on FIDs.
"""

import copy
import itertools
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.inputs import from_channels, on_network_points
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.physics import basis_sum, phase

_BLOCK = 1024
"""FIDs at once, which bounds the memory."""
_FLOOR = 1e-6
"""Least relative variance of the error: 0.1 % of the spectrum."""
_N_PHYSICS = 4
"""Phase, shift and the two rates."""
_EARLY, _STRIDE = 60, 6
"""First points, where the baseline is, at each of which the loss is taken; after them at every sixth."""
_SIGNALS = ("components", "metabolites", "envelopes", "baselines")


class SynthesisNetwork(Network):
    r"""An encoder, a decoder, and the fixed signals that they weigh.

    Two decoders: ``spectrum`` computes the coefficients of the spectrum's components from latent numbers and
    concentrations :math:`y`. ``physics`` computes, from latent numbers alone, phase, shift and lineshape of the
    one model of the FID and the weights of a baseline, so that amplitudes are the concentrations by construction:

    .. math:: s(t) = e^{i \phi_z + 2 \pi i f_z t - \gamma_z t - \sigma_z^2 t^2} \sum_m y_m x_m(t)
              + \sum_j b_{z,j} g_j(t)

    Parameters
    ----------
    n_points : int
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    n_components : int
        Principal components of the training spectra, complex.
    latent : int
    hidden : sequence of int
        Widths of the encoder's layers; the decoder has them backwards.
    names : sequence of str
        What the concentrations are of; none for a VAE without condition.
    decoder : {"spectrum", "physics"}
    n_envelopes, n_baselines : int
        Of the decoder ``physics``: what the encoder looks for, and lines of the baseline.
    beta : float
        Weight of the Kullback-Leibler divergence.
    warm_up : int
        Batches over which it grows to that.
    """

    components: Tensor
    metabolites: Tensor
    envelopes: Tensor
    baselines: Tensor
    centre: Tensor
    spread: Tensor
    lowest: Tensor
    highest: Tensor
    shape_centre: Tensor
    shape_spread: Tensor
    latent_mean: Tensor
    latent_factor: Tensor
    scale: Tensor

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        n_components: int,
        latent: int = 16,
        hidden: Sequence[int] = (512, 256, 128),
        names: Sequence[str] = (),
        decoder: Literal["spectrum", "physics"] = "spectrum",
        n_envelopes: int = 0,
        n_baselines: int = 0,
        beta: float = 1.0,
        warm_up: int = 0,
    ) -> None:
        super().__init__()
        self.n_points, self.dwelltime_s = n_points, dwelltime_s
        self.spectrometer_frequency_mhz = spectrometer_frequency_mhz
        self.names, self.kind, self.latent = tuple(names), decoder, latent
        self.beta, self.warm_up, self._n_batches = beta, warm_up, 0
        n_names, width = len(names), 2 * (n_components + n_envelopes)
        members = n_names if decoder == "physics" else 0
        sizes = (n_components, members, n_envelopes, n_baselines)
        for name, size in zip(_SIGNALS, sizes, strict=True):
            # Half precision keeps a signal to 1e-3 of itself and the package small.
            self.register_buffer(name, torch.zeros(size, 2, n_points, dtype=torch.float16))
        n_outputs = _N_PHYSICS + 2 * n_baselines if decoder == "physics" else 2 * n_components
        for name, size in (
            ("centre", width),
            ("shape_centre", n_outputs),
            ("latent_mean", latent),
            ("lowest", n_names),
        ):
            self.register_buffer(name, torch.zeros(size))
        for name, size in (("spread", width), ("shape_spread", n_outputs), ("highest", n_names)):
            self.register_buffer(name, torch.ones(size))
        self.register_buffer("latent_factor", torch.eye(latent))
        self.register_buffer("scale", torch.ones(()))
        self.encoder = Layers([width + n_names, *hidden, 2 * latent])
        conditions = 0 if decoder == "physics" else n_names
        self.decoder = Layers([latent + conditions, *reversed(hidden), n_outputs])

    def set_signals(self, **signals: Complex) -> None:
        """Store components, metabolites, envelopes and baselines, each of shape (signal, time)."""
        for name, fids in signals.items():
            setattr(self, name, torch.from_numpy(_channels(fids)).to(torch.float16))

    def set_statistics(self, **statistics: Real | float) -> None:
        """Store statistics of the training data: centre, spread, lowest, highest, scale and others."""
        for name, values in statistics.items():
            setattr(self, name, torch.as_tensor(values, dtype=torch.float32))

    def coefficients(self, inputs: Tensor, amounts: Tensor | None = None) -> Tensor:
        """Return the input of the encoder for FIDs of shape (batch, 2, time), before centring.

        These are the coefficients of the components, shape (batch, 2 component). For the decoder ``physics`` the
        coefficients of a second signal follow: the FID times the conjugate of the sum of the basis set. This
        product shows shift, phase and damping without the concentrations; its components are damped waves.
        """
        fids = from_channels(inputs / self.scale)
        parts = [fids @ torch.conj(complex_of(self.components)).T]
        if self.kind == "physics":
            self._normalised(amounts)
            nothing = torch.zeros(1)
            total = basis_sum(
                complex_of(self.metabolites), amounts, nothing, nothing, nothing, self.dwelltime_s
            )
            total = total / self.scale
            parts.append((fids * torch.conj(total)) @ torch.conj(complex_of(self.envelopes)).T)
        together = torch.cat(parts, dim=-1)
        return torch.cat([together.real, together.imag], dim=-1)

    def encode(self, inputs: Tensor, amounts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latent numbers, each of shape (batch, latent).

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
            In the units of the training data.
        amounts : Tensor, float, shape (batch, name), optional
            Concentrations.
        """
        return self._encoded(self.coefficients(inputs, amounts), amounts)

    def _encoded(self, coefficients: Tensor, amounts: Tensor | None) -> tuple[Tensor, Tensor]:
        read = (coefficients - self.centre) / self.spread
        if self.names:
            read = torch.cat([read, self._normalised(amounts)], dim=-1)
        mean, log_variance = self.encoder(read).chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 6)

    def _normalised(self, amounts: Tensor | None) -> Tensor:
        if amounts is None:
            raise ValueError(f"Concentrations of {', '.join(self.names)} are needed.")
        return 2 * (amounts - self.lowest) / (self.highest - self.lowest) - 1

    def decode(self, latent: Tensor, amounts: Tensor | None = None) -> Tensor:
        """Return FIDs, complex, shape (batch, time), of latent numbers and concentrations."""
        outputs = self._outputs(latent, amounts)
        if self.kind == "physics":
            return self._shaped(outputs, amounts, self.n_points, 1)
        half = outputs.shape[-1] // 2
        weights = torch.complex(outputs[:, :half], outputs[:, half:])
        fids: Tensor = self.scale * (weights @ complex_of(self.components))
        return fids

    def _outputs(self, latent: Tensor, amounts: Tensor | None) -> Tensor:
        """Return the outputs of the decoder's layers: coefficients of signals, shape (batch, 2 signal)."""
        if self.kind == "spectrum" and self.names:
            latent = torch.cat([latent, self._normalised(amounts)], dim=-1)
        outputs: Tensor = self.shape_centre + self.shape_spread * self.decoder(latent)
        return outputs

    def _shaped(self, outputs: Tensor, amounts: Tensor | None, n_points: int, stride: int) -> Tensor:
        """Return the FIDs of outputs of the decoder ``physics``, at every ``stride``-th point."""
        self._normalised(amounts)
        phase_rad, shift_hz, gamma, sigma = outputs[:, :_N_PHYSICS].unbind(dim=-1)
        weights = torch.complex(*outputs[:, _N_PHYSICS:].chunk(2, dim=-1))
        members, lines = (
            complex_of(signals[..., ::stride][..., :n_points])
            for signals in (self.metabolites, self.baselines)
        )
        shape = (shift_hz[:, None], torch.abs(gamma)[:, None], sigma[:, None])
        total = phase(basis_sum(members, amounts, *shape, stride * self.dwelltime_s), phase_rad)
        fids: Tensor = total + self.scale * (weights @ lines)
        return fids

    @torch.no_grad()
    def examples(self, inputs: Tensor, amounts: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the arguments of :meth:`loss` for FIDs; parts that do not change in training are computed once.

        Parameters
        ----------
        inputs : Tensor, float, shape (example, 2, time)
        amounts : Tensor, float, shape (example, name), optional
        """
        coefficients = self.coefficients(inputs, amounts)
        if amounts is None or self.kind == "spectrum":
            return (coefficients,) if amounts is None else (coefficients, amounts)
        early, late = inputs[..., :_EARLY].clone(), inputs[..., ::_STRIDE].clone()
        return coefficients, amounts, early, late

    def loss(
        self,
        coefficients: Tensor,
        amounts: Tensor | None = None,
        early: Tensor | None = None,
        late: Tensor | None = None,
    ) -> Tensor:
        """Return the negative evidence lower bound of a batch, up to a constant; see the module.

        Parameters
        ----------
        coefficients, amounts, early, late
            From :meth:`examples`. Errors of the decoder ``physics`` are taken at all early points in time, where
            the baseline is, and at every sixth of the others.
        """
        mean, log_variance = self._encoded(coefficients, amounts)
        latent = mean
        if self.training:
            self._n_batches += 1
            latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        outputs = self._outputs(latent, amounts)
        if early is None or late is None:
            error = ((outputs - coefficients) ** 2).sum(dim=-1)
        else:
            first = self._shaped(outputs, amounts, early.shape[-1], 1) - from_channels(early)
            rest = self._shaped(outputs, amounts, late.shape[-1], _STRIDE) - from_channels(late)
            rest = rest[:, _EARLY // _STRIDE :]
            squares = _energy(first) + _STRIDE * _energy(rest)
            error = squares / self.scale**2
        divergence = -0.5 * (1 + log_variance - mean**2 - torch.exp(log_variance)).sum(dim=-1)
        grown = min(1.0, self._n_batches / self.warm_up) if self.warm_up and self.training else 1.0
        # Without noise each point of the FID says something; with it, each component.
        n_numbers = 2 * (self.n_points if self.names else len(self.components))
        lost: Tensor = 0.5 * n_numbers * torch.log(error.mean() + _FLOOR)
        return lost + self.beta * grown * divergence.mean()

    @torch.no_grad()
    def store_latent_moments(self, coefficients: Tensor, amounts: Tensor | None = None) -> None:
        """Store mean and covariance of the latent numbers of the training data, for :meth:`sample`."""
        mean, log_variance = self._encoded(coefficients, amounts)
        covariance = torch.cov(mean.T) + torch.diag(torch.exp(log_variance).mean(dim=0))
        self.latent_mean = mean.mean(dim=0)
        self.latent_factor = torch.linalg.cholesky(covariance)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return latent numbers, shape (n, latent): standard normal ones, as the training data are spread."""
        drawn = torch.randn((n, self.latent), generator=generator)
        return self.latent_mean + drawn @ self.latent_factor.T

    @torch.no_grad()
    def synthesise(self, latent: Tensor, amounts: Tensor | None = None) -> Complex:
        """Return FIDs, complex64, shape (n, time), a block at a time; results do not depend on the blocks."""
        fids = np.empty((len(latent), self.n_points), dtype=np.complex64)
        for start in range(0, len(latent), _BLOCK):
            rows = slice(start, start + _BLOCK)
            fids[rows] = self.decode(latent[rows], None if amounts is None else amounts[rows]).numpy()
        return fids

    @torch.no_grad()
    def shift_and_phase(self, latent: Tensor) -> Real:
        """Return shift (Hz) and phase (rad) of the FIDs of the decoder ``physics``, shape (batch, 2)."""
        values: Real = self._outputs(latent, None)[:, [1, 0]].numpy()
        return values

    def on_points(self, n_points: int, dwelltime_s: float) -> Self:
        """Return a network that makes FIDs of other points: its signals are brought there, the layers stay."""
        if (n_points, dwelltime_s) == (self.n_points, self.dwelltime_s):
            return self
        moved = copy.deepcopy(self)
        for name in _SIGNALS:
            fids = complex_of(getattr(self, name)).numpy()
            if len(fids):
                fids = on_network_points(fids.astype(np.complex128), self.dwelltime_s, n_points, dwelltime_s)
            else:
                fids = fids[:, :1].repeat(n_points, axis=1)
            setattr(moved, name, torch.from_numpy(_channels(fids)).to(torch.float32))
        moved.n_points, moved.dwelltime_s = n_points, dwelltime_s
        return moved


class Layers(nn.Module):
    """Fully connected layers, and one linear layer beside them for the linear part."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes[:-1]):
            layers += [nn.Linear(before, after), nn.SiLU()]
        self.deep = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
        self.direct = nn.Linear(sizes[0], sizes[-1], bias=False)

    def forward(self, read: Tensor) -> Tensor:
        """Return the sum of both."""
        total: Tensor = self.deep(read) + self.direct(read)
        return total


def _energy(fids: Tensor) -> Tensor:
    """Return the energy of FIDs; the gradient of their magnitude is not a number where they vanish."""
    energy: Tensor = (fids.real**2 + fids.imag**2).sum(dim=-1)
    return energy


def _channels(fids: Complex) -> Real:
    channels: Real = np.stack([fids.real, fids.imag], axis=-2)
    return channels


def complex_of(channels: Tensor) -> Tensor:
    """Return complex signals, single precision, shape (signal, time)."""
    signals: Tensor = torch.complex(channels[:, 0].float(), channels[:, 1].float())
    return signals
