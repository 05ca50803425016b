"""Ensembles by stacking (Rizzo et al. 2023): a small network on the outputs of others that stay as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.regression import RegressionNetwork

HIDDEN = (1000, 500)
"""Units of the two hidden layers, as published."""
_LEAST = 1e-12
"""Least largest label to divide by: a member that is always absent stays zero."""


def stacking_body(n_members: int, n_outputs: int, hidden: Sequence[int] = HIDDEN) -> nn.Sequential:
    """Return the layers on the outputs of the members, one after the other."""
    layers: list[nn.Module] = [nn.Flatten()]
    before = n_members * n_outputs
    for width in hidden:
        layers += [nn.Linear(before, width), nn.ReLU()]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, n_outputs))


class StackedNetwork(RegressionNetwork):
    """Amplitudes from the amplitudes that several regressors give.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, scaled
        See :class:`~fsl_mrs_dl.models.regression.RegressionNetwork`; those of every member.
    members : sequence of mapping
        ``architecture`` and ``config`` of each, as on their cards.
    hidden : sequence of int
        Units of the hidden layers.
    """

    def __init__(
        self,
        names: Sequence[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        members: Sequence[Mapping[str, Any]],
        scaled: bool = False,
        hidden: Sequence[int] = HIDDEN,
    ) -> None:
        from fsl_mrs_dl.models.catalogue import CATALOGUE

        body = stacking_body(len(members), len(names), hidden)
        inputs = {"kind": "fid", "n_points": n_points}
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, inputs, body, scaled=scaled)
        built: list[Any] = [CATALOGUE[one["architecture"]].build(**one["config"]) for one in members]
        self.stack = nn.ModuleList(built).eval().requires_grad_(False)

    @torch.no_grad()
    def features(self, fids: Tensor) -> Tensor:
        """Return the outputs of the members over their largest training label, shape (batch, member, output)."""
        self.stack.eval()  # also while the last layers learn
        outputs = []
        for one in self.stack:
            member: Any = one
            outputs.append(member(member.features(fids)) / member.target_sd)
        return torch.stack(outputs, dim=1)

    def standardise(self, features: Tensor, truths: Tensor) -> None:
        """Take one mean and spread of the members' outputs, and the largest of each label."""
        super().standardise(features, truths)
        self.target_mean.zero_()
        self.target_sd.copy_(truths.amax(dim=0).clamp_min(_LEAST))
