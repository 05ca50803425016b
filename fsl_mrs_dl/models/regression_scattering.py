"""The scattering network of Shamaei et al. 2021 (doi:10.5220/0010318502680275): fixed features, one small layer.

All of the scattering transform is fixed; learned are a hidden layer of 20 neurons with tanh and a linear one, on
standardised features (the paper's are scaled to their range).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from fsl_mrs_dl.models.regression import TARGETS, RegressionNetwork, transform_of

HIDDEN = 20
"""Neurons of the hidden layer, as published."""


class ScatteringNetwork(RegressionNetwork):
    """Scattering features -> amplitudes.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, inputs, targets, scaled
        See :class:`~fsl_mrs_dl.models.regression.RegressionNetwork`.
    hidden : int
        Neurons of the hidden layer.
    """

    @staticmethod
    def inputs_for(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> dict[str, Any]:
        """Return the input for measured spectra of a sampling."""
        return {"kind": "scattering", "n_points": n_points}

    def __init__(
        self,
        names: Sequence[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        inputs: Mapping[str, Any],
        targets: Sequence[str] = TARGETS[:1],
        scaled: bool = False,
        hidden: int = HIDDEN,
    ) -> None:
        n_features = math.prod(transform_of(inputs).shape)
        body = nn.Sequential(
            nn.Flatten(),
            nn.Linear(n_features, hidden),
            nn.Tanh(),
            nn.Linear(hidden, len(names) * len(targets)),
        )
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, inputs, body, targets=targets, scaled=scaled, each_feature=True)
