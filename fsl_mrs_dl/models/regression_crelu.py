"""The CReLU network of Hatami et al. 2018 (arXiv:1806.07237): convolutions over the spectrum.

Blocks of convolution, concatenated ReLU and max-pooling, and one linear layer. Kernels and channels stand in a
figure that is lost; those here are a proposal of seven layers of weights.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.regression import TARGETS, RegressionNetwork, transform_of

CHANNELS, KERNELS = (16, 24, 32, 48, 64, 64), (9, 9, 5, 5, 3, 3)
"""Of the convolutions, kernels in points; a proposal, for the published ones are lost."""
_POOLED = 5
"""Blocks, the first ones, that end in a max-pooling by two."""


class CReLU(nn.Module):
    """Concatenated ReLU, which doubles the channels: (r(x), r(-x)), or as Hatami et al. print it (r(x), -r(-x)).

    Up to a sign of the next weights the two are one, unless max-pooling follows: the largest of -r(-x) is the
    value nearest zero, so that negative parts are lost.
    """

    def __init__(self, *, signed: bool = False) -> None:
        super().__init__()
        self.sign = -1.0 if signed else 1.0

    def forward(self, values: Tensor) -> Tensor:
        """Return values of shape (batch, 2 channels, ...)."""
        return torch.cat([values.relu(), self.sign * (-values).relu()], dim=1)


def crelu_body(length: int, n_channels: int, n_outputs: int, *, signed: bool) -> nn.Sequential:
    """Return the layers for inputs of (batch, channels, length)."""
    layers: list[nn.Module] = []
    before = n_channels
    for block, (channels, kernel) in enumerate(zip(CHANNELS, KERNELS, strict=True)):
        layers += [nn.Conv1d(before, channels, kernel, padding=kernel // 2), CReLU(signed=signed)]
        if block < _POOLED:
            layers.append(nn.MaxPool1d(2))
            length //= 2
        before = 2 * channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * length, n_outputs))


class CReLUNetwork(RegressionNetwork):
    """Spectrum -> amplitudes.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, inputs, targets, scaled
        See :class:`~fsl_mrs_dl.models.regression.RegressionNetwork`; ``inputs`` have one axis beside channels.
    signed : bool
        See :class:`CReLU`.
    """

    @staticmethod
    def inputs_for(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> dict[str, Any]:
        """Return the input for measured spectra of a sampling: what lies between fat and water."""
        return {
            "kind": "spectrum",
            "n_points": n_points,
            "dwelltime_s": dwelltime_s,
            "spectrometer_frequency_mhz": spectrometer_frequency_mhz,
            "ppm": [0.2, 4.2],
        }

    def __init__(
        self,
        names: Sequence[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        inputs: Mapping[str, Any],
        targets: Sequence[str] = TARGETS[:1],
        scaled: bool = False,
        signed: bool = False,
    ) -> None:
        n_channels, length = transform_of(inputs).shape
        body = crelu_body(length, n_channels, len(names) * len(targets), signed=signed)
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, inputs, body, targets=targets, scaled=scaled)
