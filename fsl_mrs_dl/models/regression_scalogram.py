"""The scalogram network of Shamaei et al. 2020: two-dimensional convolutions over frequency and time.

Six convolutions with ReLU, five max-poolings, one linear layer; the sizes stand in a figure that is lost, and
those here are a proposal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from fsl_mrs_dl.models.regression import TARGETS, RegressionNetwork, transform_of

CHANNELS = (16, 24, 32, 48, 64, 64)
"""Of the convolutions; a proposal, for the published ones are lost."""
_POOLED = 5
"""Blocks, the first ones, that end in a max-pooling by two."""
_LOWEST_PPM, _HIGHEST_PPM = 0.25, 5.7
"""Range of a scalogram, in ppm from the carrier: 30 to 700 Hz at 3 T."""


def image_body(shape: Sequence[int], n_outputs: int) -> nn.Sequential:
    """Return the layers for inputs of (batch, *shape), shape = (channels, height, width)."""
    before, height, width = shape
    layers: list[nn.Module] = []
    for block, channels in enumerate(CHANNELS):
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
        if block < _POOLED:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * height * width, n_outputs))


class ScalogramNetwork(RegressionNetwork):
    """Scalogram -> amplitudes.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, inputs, targets, scaled
        See :class:`~fsl_mrs_dl.models.regression.RegressionNetwork`; ``inputs`` have two axes beside channels.
    """

    @staticmethod
    def inputs_for(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> dict[str, Any]:
        """Return the input for measured spectra of a sampling: 0.25 to 5.7 ppm to either side of the carrier."""
        return {
            "kind": "scalogram",
            "n_points": n_points,
            "dwelltime_s": dwelltime_s,
            "lowest_hz": _LOWEST_PPM * spectrometer_frequency_mhz,
            "highest_hz": _HIGHEST_PPM * spectrometer_frequency_mhz,
            "baseband": True,
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
    ) -> None:
        body = image_body(transform_of(inputs).shape, len(names) * len(targets))
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, inputs, body, targets=targets, scaled=scaled)
