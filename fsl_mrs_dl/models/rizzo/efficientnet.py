"""EfficientNet-B7 (Tan and Le 2019, arXiv:1905.11946): scaled inverted bottlenecks with squeeze and excitation."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.rizzo.layers import Mean, conv, head, norm

_WIDER, _DEEPER = 2.0, 3.1
"""Factors of B7 on channels and on blocks (arXiv:1905.11946, public code)."""
_MULTIPLE = 8
"""Channels are rounded to a multiple of this, as there."""
_STEM, _LAST = 32, 1280
"""Channels before and after the blocks, before the scaling by the factors; as there."""
_SQUEEZED = 0.25
"""Channels of squeeze and excitation over those that enter the block, as there."""
_SKIPPED = 0.2
"""Share of the last block that is left out in training (stochastic depth), growing from 0; as there."""
_STAGES = (
    # expansion, kernel, stride, channels, blocks of B0: arXiv:1905.11946, table 1
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class InvertedBottleneck(nn.Module):
    """Expansion, depth-wise convolution, squeeze and excitation, projection; added to the input where it fits.

    Parameters
    ----------
    before, after, expansion, kernel, stride : int
    skipped : float
        Probability, in training, that an example passes the block unchanged.
    """

    def __init__(
        self, before: int, after: int, expansion: int, kernel: int, stride: int, skipped: float
    ) -> None:
        super().__init__()
        inner, squeezed = before * expansion, max(1, int(before * _SQUEEZED))
        expand: list[nn.Module] = [conv(2, before, inner, 1, bias=False), norm(2, inner), nn.SiLU()]
        self.expand = nn.Sequential(*(expand if expansion > 1 else []))
        self.depthwise = nn.Sequential(
            conv(2, inner, inner, kernel, stride=stride, groups=inner, bias=False), norm(2, inner), nn.SiLU()
        )
        self.excite = nn.Sequential(
            Mean(), nn.Linear(inner, squeezed), nn.SiLU(), nn.Linear(squeezed, inner), nn.Sigmoid()
        )
        self.project = nn.Sequential(conv(2, inner, after, 1, bias=False), norm(2, after))
        self.added = stride == 1 and before == after
        self.skipped = skipped

    def forward(self, values: Tensor) -> Tensor:
        """Return values of shape (batch, after, ...)."""
        inner = self.depthwise(self.expand(values))
        changed: Tensor = self.project(inner * self.excite(inner)[..., None, None])
        if not self.added:
            return changed
        if self.training and self.skipped:
            stays = torch.rand(len(values), 1, 1, 1, device=values.device) >= self.skipped
            changed = changed * stays / (1 - self.skipped)
        return values + changed


def _rounded(channels: float) -> int:
    scaled = channels * _WIDER
    nearest = max(_MULTIPLE, int(scaled + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
    return nearest + _MULTIPLE if nearest < 0.9 * scaled else nearest


def efficientnet(
    shape: Sequence[int], n_outputs: int, *, widths: Sequence[int], kernels: Sequence[int], dropout: float
) -> nn.Sequential:
    """Return EfficientNet-B7 with a batch normalisation after the outputs.

    Parameters
    ----------
    shape : sequence of int
        Channels and two lengths.
    n_outputs : int
    widths, kernels : sequence of int
        Not used: the sizes are those of B7.
    dropout : float
        Before the outputs; 0.5 in B7.
    """
    before = _rounded(_STEM)
    layers: list[nn.Module] = [
        nn.Sequential(conv(2, shape[0], before, 3, stride=2, bias=False), norm(2, before), nn.SiLU())
    ]
    plan = [
        (expansion, kernel, stride if not k else 1, _rounded(channels))
        for expansion, kernel, stride, channels, n in _STAGES
        for k in range(math.ceil(n * _DEEPER))
    ]
    for at, (expansion, kernel, stride, after) in enumerate(plan):
        skipped = _SKIPPED * at / len(plan)
        layers.append(InvertedBottleneck(before, after, expansion, kernel, stride, skipped))
        before = after
    last = _rounded(_LAST)
    layers.append(nn.Sequential(conv(2, before, last, 1, bias=False), norm(2, last), nn.SiLU()))
    return nn.Sequential(*layers, Mean(), *head(last, n_outputs, 0, dropout, norm_last=True))
