r"""A variational autoencoder of the differences between the transients of one set.

The average of a set is carried explicitly: it is known better than a transient by the square root of their number,
and no network that was trained on other subjects has it as precisely. The rest is the deviation of a transient,

.. math:: s_i(t) = \bar s(t) + \sigma \sum_k c_k(z_i) \, d_k(t) + n_i(t)

with noise :math:`n_i` of standard deviation :math:`\sigma`, known from the signal-free bands. The first two
directions :math:`d_k` are physics, of the set itself without its water: :math:`\bar s`, whose complex coefficient
is scale and phase, and :math:`t \bar s`, whose coefficient is broadening and shift, to first order. The others are
the principal components of the deviations of many sets. Water and lipids are no part of them: they are carried
beside them, see :class:`~fsl_mrs_dl.simulate.measured_nuisance.SplitSet`.

The coefficients are in units of the noise, so that the likelihood is known and the Kullback-Leibler divergence has
the weight 1: only what stands out of the noise is encoded; the rest is noise, and is drawn as such.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.synthesis import Layers, SynthesisNetwork, complex_of

N_PHYSICS = 2
"""The set's average, and time times it."""


class DeviationNetwork(Network):
    """Encoder and decoder of deviations from a set's average, as coefficients in units of the noise.

    Parameters
    ----------
    n_points : int
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    n_components : int
        Components of the deviations of many sets.
    latent : int
    hidden : sequence of int
        Widths of the encoder's layers; the decoder has them backwards.
    """

    components: Tensor
    spread: Tensor
    names: tuple[str, ...] = ()
    kind: Literal["deviations"] = "deviations"

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        n_components: int,
        latent: int = 12,
        hidden: Sequence[int] = (128, 64),
    ) -> None:
        super().__init__()
        self.n_points, self.dwelltime_s = n_points, dwelltime_s
        self.spectrometer_frequency_mhz, self.latent = spectrometer_frequency_mhz, latent
        width = 2 * (n_components + N_PHYSICS)
        # Half precision keeps a signal to 1e-3 of itself and the package small.
        self.register_buffer("components", torch.zeros(n_components, 2, n_points, dtype=torch.float16))
        self.register_buffer("spread", torch.ones(width))
        self.encoder = Layers([width, *hidden, 2 * latent])
        self.decoder = Layers([latent, *reversed(hidden), width])

    def set_components(self, components: Complex, spread: Real) -> None:
        """Store the components, shape (component, time), and the size of the coefficients."""
        channels = np.stack([components.real, components.imag], axis=-2)
        self.components = torch.from_numpy(channels).to(torch.float16)
        self.spread = torch.as_tensor(spread, dtype=torch.float32)

    def directions(self, average: Complex) -> Complex:
        """Return orthonormal directions of a set's deviations, complex, shape (direction, time).

        Parameters
        ----------
        average : ndarray, complex, shape (time,)
            Of the set, on the points of the network.
        """
        return directions(average, complex_of(self.components).numpy())

    def encode(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latent numbers, each of shape (batch, latent).

        Parameters
        ----------
        coefficients : Tensor, float, shape (batch, 2 direction)
            Of deviations, real and imaginary part one behind the other, in units of the noise's SD a channel.
        """
        mean, log_variance = self.encoder(coefficients / self.spread).chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 6)

    def decode(self, latent: Tensor) -> Tensor:
        """Return coefficients, shape (batch, 2 direction), of latent numbers."""
        coefficients: Tensor = self.spread * self.decoder(latent)
        return coefficients

    def loss(self, coefficients: Tensor) -> Tensor:
        """Return the negative evidence lower bound of a batch, up to a constant; the noise has variance 1."""
        mean, log_variance = self.encode(coefficients)
        latent = mean
        if self.training:
            latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = 0.5 * ((self.decode(latent) - coefficients) ** 2).sum(dim=-1)
        divergence = -0.5 * (1 + log_variance - mean**2 - torch.exp(log_variance)).sum(dim=-1)
        lost: Tensor = (error + divergence).mean()
        return lost

    def on_points(self, n_points: int, dwelltime_s: float) -> Self:
        """Return a network for other points: its components are brought there, the layers stay."""
        if (n_points, dwelltime_s) == (self.n_points, self.dwelltime_s):
            return self
        moved = copy.deepcopy(self)
        fids: Complex = complex_of(self.components).numpy().astype(np.complex128)
        fids = on_network_points(fids, self.dwelltime_s, n_points, dwelltime_s)
        moved.components = torch.from_numpy(np.stack([fids.real, fids.imag], axis=-2)).to(torch.float32)
        moved.n_points, moved.dwelltime_s = n_points, dwelltime_s
        return moved


def directions(average: Complex, components: Complex) -> Complex:
    """Return an average, time times it and components, made orthonormal in this order, shape (direction, time)."""
    average = np.asarray(average, dtype=np.complex128)
    together = np.stack([average, np.arange(len(average)) * average])
    together = np.concatenate([together, components.astype(np.complex128)])
    unitary, triangle = np.linalg.qr(together.T)
    # The signs of the factors are the library's choice; ours is that each direction points its signal's way.
    signs = np.diagonal(triangle) / np.maximum(np.abs(np.diagonal(triangle)), 1e-300)
    oriented: Complex = (unitary * signs).T
    return oriented


def split_parts(coefficients: Complex) -> Real:
    """Return real and imaginary parts, one behind the other, shape (..., 2 direction)."""
    return np.concatenate([coefficients.real, coefficients.imag], axis=-1)


@dataclass(frozen=True, eq=False)
class CarriedSet:
    """One set of transients, as a network of deviations sees it.

    Attributes
    ----------
    network : DeviationNetwork
        On the points of the set.
    deviations : ndarray, complex, shape (transient, time)
        From the average of the set, without water.
    size : float
        The noise's SD a channel.
    axes : ndarray, complex, shape (direction, time)
    """

    network: DeviationNetwork
    deviations: Complex
    size: float
    axes: Complex

    @classmethod
    def of(
        cls, network: DeviationNetwork, carrier: Complex, deviations: Complex, dwelltime_s: float, size: float
    ) -> Self:
        """Return a set of an average without water, shape (time,), and deviations, shape (transient, time)."""
        moved = network.on_points(len(carrier), dwelltime_s)
        return cls(moved, deviations, size or 1.0, moved.directions(carrier))

    @property
    def coefficients(self) -> Real:
        """The input of the encoder, shape (transient, 2 direction)."""
        return split_parts(self.deviations @ self.axes.conj().T / self.size)

    @torch.no_grad()
    def encoded(self) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latent numbers."""
        return self.network.encode(torch.from_numpy(self.coefficients.astype(np.float32)))

    @torch.no_grad()
    def decoded(self, latent: Tensor) -> Complex:
        """Return deviations of latent numbers, complex, shape (batch, time)."""
        return self._signals(self.network.decode(latent).numpy().astype(np.float64))

    def _signals(self, coefficients: Real) -> Complex:
        half = coefficients.shape[-1] // 2
        signals: Complex = self.size * ((coefficients[:, :half] + 1j * coefficients[:, half:]) @ self.axes)
        return signals

    def lost_spread(self, decoded: Complex, rng: np.random.Generator) -> Complex:
        r"""Draw the part of the spread that decoded deviations lack, complex, shape (batch, time).

        A network trained on few transients decodes less than their spread, and transients interpolated between
        encoded ones vary less than they do. Directions in which the coefficients of the set stand out of the noise
        (of variance 1, in d dimensions and n transients: eigenvalues above :math:`(1 + \sqrt{d/n})^2`) get the
        variance that is missing. An eigenvalue :math:`\lambda` of so few tells of a true one :math:`\ell` by
        :math:`\lambda = \ell + \gamma \ell / (\ell - 1)`, :math:`\gamma = d/n` (Baik and Silverstein 2006,
        doi:10.1016/j.jmva.2005.08.003).

        Parameters
        ----------
        decoded : ndarray, complex, shape (batch, time)
            Decoded deviations.
        rng : numpy.random.Generator
        """
        coefficients = self.coefficients
        n, d = coefficients.shape
        ratio = d / n
        values, vectors = np.linalg.eigh(coefficients.T @ coefficients / n)
        out = values > (1 + np.sqrt(ratio)) ** 2
        values, vectors = values[out], vectors[:, out]
        middle = values + 1 - ratio
        true = 0.5 * (middle + np.sqrt(np.maximum(middle**2 - 4 * values, 0.0)))
        there = (split_parts(decoded @ self.axes.conj().T / self.size) @ vectors).var(axis=0)
        missing = np.sqrt(np.maximum(true - 1 - there, 0.0))
        return self._signals((missing * rng.standard_normal((len(decoded), len(values)))) @ vectors.T)


def transient_network(*, decoder: str = "spectrum", **config: Any) -> Network:
    """Return the network ``vae``: of deviations from the average of a set (physics), or of whole spectra."""
    return DeviationNetwork(**config) if decoder == "physics" else SynthesisNetwork(**config)
