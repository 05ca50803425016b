"""The scalogram network of Shamaei et al. 2020: two-dimensional convolutions over frequency and time.

Six convolutions with ReLU, five max-poolings, one linear layer; the sizes stand in a figure that is lost, and
those here are a proposal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from fsl_mrs_dl.models.regression import TARGETS, RegressionNetwork, transform_of

CHANNELS = (16, 24, 32, 48, 64, 64)
_POOLED = 5


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
