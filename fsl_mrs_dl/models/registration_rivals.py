"""The supervised rivals: a pair of networks that read spectra, one for the shift and one for the phase.

From the publications: two networks each, fully connected (Tapper et al 2021, doi:10.1002/mrm.28525) or
convolutional (Ma et al 2022, doi:10.1002/mrm.29103), trained on simulated spectra with known offsets; the first
reads a magnitude spectrum, which a phase does not change, the second the spectrum whose shift has been taken
away. *Not* from the publications, and our proposals: the sizes of the layers, the scaling of the outputs, and
that both are trained together on the mean absolute error.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.inputs import from_channels
from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork
from fsl_mrs_dl.physics import correct, fid_to_spectrum

_HIDDEN = (1024, 512)
"""Units of the fully connected layers; a proposal."""
_FILTERS = (4, 8)
"""Channels of the pairs of convolutions; a proposal."""


class SupervisedPair(RegistrationNetwork):
    """A network for the shift, and one for the phase once the shift is corrected.

    Parameters
    ----------
    n_points, dwelltime_s, spectrometer_frequency_mhz
        See :class:`~fsl_mrs_dl.models.registration_encoders.RegistrationNetwork`.
    shift_scale_hz, phase_scale_rad : float
        An output of 1 means this much, in Hz and rad.
    layers : {"connected", "convolutional"}
        Of both networks.
    """

    def __init__(
        self,
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        shift_scale_hz: float,
        phase_scale_rad: float,
        layers: Literal["connected", "convolutional"],
    ) -> None:
        super().__init__(n_points, dwelltime_s, spectrometer_frequency_mhz)
        build = fully_connected if layers == "connected" else convolutional
        self.shift_net, self.phase_net = build(n_points), build(n_points)
        self.shift_scale_hz, self.phase_scale_rad = shift_scale_hz, phase_scale_rad

    def estimates(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift (Hz) and phase (rad), each of shape (batch,)."""
        shift_hz = self._shift(inputs)
        return shift_hz, self._phase(inputs, shift_hz)

    def loss(self, inputs: Tensor, truth: Tensor | None = None) -> Tensor:
        """Return the mean absolute error of both, in units of their scales.

        The phase is estimated of the spectrum whose *true* shift was taken away, so that the two networks
        learn each by itself.
        """
        if truth is None:
            raise ValueError("A supervised network learns from the true shift and phase.")
        shift_hz, phase_rad = truth.unbind(dim=1)
        shift_error = (self._shift(inputs) - shift_hz).abs().mean() / self.shift_scale_hz
        phase_error = (self._phase(inputs, shift_hz) - phase_rad).abs().mean() / self.phase_scale_rad
        return shift_error + phase_error

    def _shift(self, inputs: Tensor) -> Tensor:
        magnitude = fid_to_spectrum(from_channels(inputs)).abs()
        output: Tensor = self.shift_net(_scaled(magnitude, magnitude))
        return output[:, 0] * self.shift_scale_hz

    def _phase(self, inputs: Tensor, shift_hz: Tensor) -> Tensor:
        corrected = correct(from_channels(inputs), shift_hz, torch.zeros_like(shift_hz), self.dwelltime_s)
        spectrum = fid_to_spectrum(corrected)
        output: Tensor = self.phase_net(_scaled(spectrum.real, spectrum.abs()))
        return output[:, 0] * self.phase_scale_rad


def _scaled(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """Return spectra over their largest magnitude, shape (batch, 1, frequency)."""
    return (spectrum / magnitude.amax(dim=1, keepdim=True).clamp_min(1e-12))[:, None]


def fully_connected(n_points: int) -> nn.Module:
    """Return a network of fully connected layers, from (batch, 1, frequency) to (batch, 1)."""
    layers: list[nn.Module] = [nn.Flatten()]
    before = n_points
    for after in _HIDDEN:
        layers += [nn.Linear(before, after), nn.ReLU()]
        before = after
    return nn.Sequential(*layers, nn.Linear(before, 1))


def convolutional(n_points: int) -> nn.Module:
    """Return convolutions, pooled twice, and fully connected layers: from (batch, 1, frequency) to (batch, 1)."""
    layers: list[nn.Module] = []
    before, length = 1, n_points
    for after in _FILTERS:
        layers += [nn.Conv1d(before, after, 3, padding=1), nn.ReLU()]
        layers += [nn.Conv1d(after, after, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2)]
        before, length = after, length // 2
    layers += [nn.Flatten(), nn.Linear(before * length, _HIDDEN[1]), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(_HIDDEN[1], 1))
