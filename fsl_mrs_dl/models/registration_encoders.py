"""Networks for frequency and phase correction that learn without labels: dCrR, dCrRF, dSR and dSRF.

An encoder reads a transient and gives four (or two) numbers; the decoder is a formula of
:mod:`fsl_mrs_dl.physics` that computes the transient from them. The loss compares the two, so the numbers can
only be phase, shift, amplitude and damping. Their units are rad, Hz, 1 and rad/s.

Shamaei, Starcukova, Rizzo and Starcuk 2023, doi:10.1002/mrm.29498, called DeepFPC below. The published decoders
are in the sign of the file; here in memory sign, where shift and phase enter with a plus.
"""

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import NUCLEI, Complex
from fsl_mrs_dl.models.inputs import from_channels, on_network_points, to_channels
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.physics import damp, fid_to_spectrum, phase, ppm_axis, ppm_window, shift, singlet
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM

CREATINE_PPM = METHYLS_PPM["Cr"]
"""Chemical shift of the methyl line of creatine in ppm, which shift and phase of dCrR and dCrRF refer to."""
BASELINE_PER_S = 500.0
"""Damping of the input that stands for broad signal in dCrR: 1/s in DeepFPC's code, 159 Hz wide."""
_CHANNELS = (16, 24, 32, 40, 48, 56, 64, 72)
"""Of the convolutions, as in DeepFPC's code."""
_BLOCK = 1024
"""Transients at once, which bounds the memory."""


class RegistrationNetwork(Network):
    """A network that estimates the shift and the phase of transients.

    Parameters
    ----------
    n_points : int
        Of the input.
    dwelltime_s : float
        Of the input, in s.
    spectrometer_frequency_mhz : float
        In MHz; with the 1H reference of 4.65 ppm it places creatine and the window.
    """

    def __init__(self, n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> None:
        super().__init__()
        self.n_points = n_points
        self.dwelltime_s = dwelltime_s
        self.spectrometer_frequency_mhz = spectrometer_frequency_mhz

    @abstractmethod
    def estimates(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift (Hz) and phase (rad), each of shape (batch,), of inputs of shape (batch, 2, time)."""

    def phases_in_scan(self, inputs: Tensor, shift_hz: Tensor, phase_rad: Tensor) -> Tensor:
        """Return phases (rad) of the transients of one scan, from estimates of each; by default as they are."""
        return phase_rad

    @abstractmethod
    def loss(self, inputs: Tensor, truth: Tensor | None = None) -> Tensor:
        """Return the loss of a batch, a scalar.

        Parameters
        ----------
        inputs : Tensor, float, shape (batch, 2, time)
        truth : Tensor, float, shape (batch, 2), optional
            Shift (Hz) and phase (rad); needed where they are what is learned.
        """


class Encoder(nn.Module):
    """Strided convolutions without padding, then one linear layer (DeepFPC; a "depth" of 4 is published).

    Parameters
    ----------
    n_outputs : int
    n_points : int
    depth : int
        Blocks after the first two.
    batch_norm : bool
        Whether each convolution is followed by batch normalisation; not published as the choice.
    dropout : float
        Probability of each value of the input to be set to zero in training.
    n_channels : int
        Of the input.
    """

    def __init__(
        self,
        n_outputs: int,
        n_points: int = 512,
        depth: int = 4,
        batch_norm: bool = False,
        dropout: float = 0.2,
        n_channels: int = 2,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        before, length = n_channels, n_points
        for i, after in enumerate(_CHANNELS[: depth + 2]):
            kernel = 5 if i == 0 else 3
            # Of 512 points a depth of 6 leaves two for its last convolution, which needs three.
            padding = int(length < kernel)
            layers.append(nn.Conv1d(before, after, kernel, stride=2, padding=padding))
            if batch_norm:
                layers.append(nn.BatchNorm1d(after))
            layers.append(nn.ReLU())
            before, length = after, (length + 2 * padding - kernel) // 2 + 1
        if length < 1:
            raise ValueError(f"{n_points} points are too few for a depth of {depth}.")
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * length, n_outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return raw outputs, shape (batch, n_outputs), of inputs of shape (batch, channel, point)."""
        outputs: Tensor = self.layers(inputs)
        return outputs


class Autoencoder(RegistrationNetwork):
    """Encoder and formula; what :class:`SpectralRegistration` and :class:`CreatineReferencing` share.

    Parameters
    ----------
    n_outputs : int
    n_points, dwelltime_s, spectrometer_frequency_mhz
        See :class:`RegistrationNetwork`.
    window_ppm : tuple of float, optional
        Compare spectra within these limits, in ppm; by default FIDs are compared.
    depth, batch_norm, dropout
        See :class:`Encoder`.
    shift_scale_hz : float
        An output of 1 means this much shift, in Hz (and damping, in 1/s), and 1 rad of phase. DeepFPC's is 1,
        so that its last layer must grow to tens before large shifts are reached, and is slow to; with the
        width of the shifts over that of the phases all outputs are of one size. Our proposal.
    """

    inside: Tensor
    scales: Tensor

    def __init__(
        self,
        n_outputs: int,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        window_ppm: tuple[float, float] | None = None,
        depth: int = 4,
        batch_norm: bool = False,
        dropout: float = 0.2,
        shift_scale_hz: float = 1.0,
    ) -> None:
        super().__init__(n_points, dwelltime_s, spectrometer_frequency_mhz)
        self.encoder = Encoder(n_outputs, n_points, depth, batch_norm, dropout)
        # Phase, shift, and of dCrR amplitude and damping.
        self.register_buffer("scales", torch.tensor([1.0, shift_scale_hz] * (n_outputs // 2)), False)
        self.windowed = window_ppm is not None
        ppm = ppm_axis(n_points, dwelltime_s, spectrometer_frequency_mhz, NUCLEI["1H"].reference_ppm)
        inside = torch.from_numpy(ppm_window(ppm, window_ppm))
        self.register_buffer("inside", inside, persistent=False)

    @abstractmethod
    def decode(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        """Return the transients that the encoder's numbers make, complex, shape (batch, time)."""

    def encode(self, inputs: Tensor) -> Tensor:
        """Return phase (rad), shift (Hz), and of dCrR amplitude and damping (1/s): shape (batch, n_outputs)."""
        encoded: Tensor = self.encoder(inputs) * self.scales
        return encoded

    def estimates(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift (Hz) and phase (rad), each of shape (batch,)."""
        encoded = self.encode(inputs)
        return encoded[:, 1], encoded[:, 0]

    def loss(self, inputs: Tensor, truth: Tensor | None = None) -> Tensor:
        r"""Return the squared residual over batch x time; without its first point, or in the window.

        .. math:: \frac{1}{B N} \sum_{b} \sum_{n = 1}^{N - 1} |\hat y_{bn} - y_{bn}|^2
                  \quad \text{or} \quad
                  \frac{1}{B N} \sum_b \sum_{f \in \text{window}} |\hat Y_{bf} - Y_{bf}|^2

        with the DFT that is not normalised. As in DeepFPC.
        """
        residual = self.decode(self.encode(inputs), inputs) - from_channels(inputs)
        if self.windowed:
            residual = fid_to_spectrum(residual)[:, self.inside] * self.n_points**0.5
        else:
            residual = residual[:, 1:]
        squared: Tensor = residual.real**2 + residual.imag**2
        return squared.sum() / (len(inputs) * self.n_points)


class SpectralRegistration(Autoencoder):
    """dSR, dSRF: the decoder moves and turns a reference; 22 170 parameters.

    The reference is part of the weights; estimates are relative to it. Parameters as of
    :class:`Autoencoder`, without ``n_outputs``.
    """

    reference: Tensor

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        window_ppm: tuple[float, float] | None = None,
        depth: int = 4,
        batch_norm: bool = False,
        dropout: float = 0.2,
        shift_scale_hz: float = 1.0,
    ) -> None:
        sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(2, *sampling, window_ppm, depth, batch_norm, dropout, shift_scale_hz)
        self.register_buffer("reference", torch.zeros(2, n_points))

    def set_reference(self, fid: Complex) -> None:
        """Take a reference.

        Parameters
        ----------
        fid : ndarray, complex, shape (time,)
            On the network's points.
        """
        self.reference.copy_(torch.from_numpy(to_channels(np.asarray(fid))))

    def decode(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        r"""Return :math:`r(t) e^{i (e_0 + 2 \pi e_1 t)}`, complex, shape (batch, time)."""
        reference = from_channels(self.reference)[None]
        decoded: Tensor = phase(shift(reference, encoded[:, 1], self.dwelltime_s), encoded[:, 0])
        return decoded


class CreatineReferencing(Autoencoder):
    """dCrR, dCrRF: the decoder is the creatine line on a crude baseline; 22 844 parameters.

    Estimates are absolute: against creatine at 3.027 ppm and phase 0. Parameters as of :class:`Autoencoder`,
    without ``n_outputs``.
    """

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        window_ppm: tuple[float, float] | None = None,
        depth: int = 4,
        batch_norm: bool = False,
        dropout: float = 0.2,
        shift_scale_hz: float = 1.0,
    ) -> None:
        sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(4, *sampling, window_ppm, depth, batch_norm, dropout, shift_scale_hz)
        self.creatine_hz = (CREATINE_PPM - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz

    def decode(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        r"""Return the modelled transients, complex, shape (batch, time).

        .. math:: \hat y(t) = e_2 e^{i e_0 + 2 \pi i (f_\mathrm{Cr} + e_1) t - e_3 t} + y(t) e^{-500 t}
        """
        like = from_channels(inputs)
        phase_rad, shift_hz, amplitude, gamma = encoded.unbind(dim=1)
        line = singlet(self.n_points, self.dwelltime_s, self.creatine_hz + shift_hz, gamma, 0 * gamma, like)
        decay = torch.full_like(gamma, BASELINE_PER_S)
        baseline = damp(like, decay, 0 * decay, self.dwelltime_s)
        decoded: Tensor = phase(amplitude[:, None] * line, phase_rad) + baseline
        return decoded


@torch.no_grad()
def estimate(
    network: RegistrationNetwork, fids: Complex, dwelltime_s: float, *, one_scan: bool = False
) -> tuple["np.ndarray[tuple[int], np.dtype[np.float64]]", "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Estimate the shifts and phases of transients.

    Parameters
    ----------
    network : RegistrationNetwork
        In evaluation mode.
    fids : ndarray, complex, shape (transient, time)
        Any number of points of any dwell time, see :mod:`fsl_mrs_dl.models.inputs`.
    dwelltime_s : float
        Of ``fids``, in s.
    one_scan : bool
        Whether the transients are of one scan, so that they tell each other's phase.

    Returns
    -------
    shift_hz, phase_rad : ndarray, float64, shape (transient,)
        In Hz and rad, against what the network was trained on.
    """
    where = next(network.parameters()).device
    parts, every = [torch.zeros(0, 2, device=where)], []
    for start in range(0, len(fids), _BLOCK):
        block = on_network_points(
            fids[start : start + _BLOCK], dwelltime_s, network.n_points, network.dwelltime_s
        )
        inputs = torch.from_numpy(to_channels(block)).to(where, torch.float32)
        parts.append(torch.stack(network.estimates(inputs), dim=1))
        every += [inputs] if one_scan else []
    shift_hz, phase_rad = torch.cat(parts).T
    if every:
        phase_rad = network.phases_in_scan(torch.cat(every), shift_hz, phase_rad)
    return shift_hz.cpu().numpy().astype(np.float64), phase_rad.cpu().numpy().astype(np.float64)
