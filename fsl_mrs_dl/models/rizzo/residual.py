"""ResNets: three bottlenecks a block, each followed by a max-pooling; and ResNet-50."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from fsl_mrs_dl.models.rizzo.layers import Mean, activated, conv, halved, head, norm, pool

_BOTTLENECKS = 3
"""In a block: the first with a projection, two with an identity."""
_STAGES = (3, 4, 6, 3)
"""Bottlenecks in the stages of ResNet-50 (He et al. 2016, doi:10.1109/CVPR.2016.90)."""
_EXPANSION = 4
"""Channels that leave a bottleneck of ResNet-50 over those inside, as there."""


class Bottleneck(nn.Module):
    """1, k, 1 convolutions with batch normalisation, added to their input.

    Parameters
    ----------
    axes, before, inner, after : int
        Lengths of the input, channels that enter, that are inside, that leave.
    kernel, stride : int
    projected : bool
        Whether the input is brought to the channels that leave by a convolution; else it is normalised alone
        (``identity_norm``) or taken as it is.
    identity_norm : bool
    """

    def __init__(
        self,
        axes: int,
        before: int,
        inner: int,
        after: int,
        kernel: int = 3,
        *,
        projected: bool,
        stride: int = 1,
        identity_norm: bool = True,
    ) -> None:
        super().__init__()
        self.path = nn.Sequential(
            *activated(axes, before, inner, 1, "relu"),
            *activated(axes, inner, inner, kernel, "relu", stride=stride),
            conv(axes, inner, after, 1),
            norm(axes, after),
        )
        shortcut: list[nn.Module] = [conv(axes, before, after, 1, stride=stride)] if projected else []
        if projected or identity_norm:
            shortcut.append(norm(axes, after))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, values: Tensor) -> Tensor:
        """Return values of the channels that leave."""
        total: Tensor = self.path(values) + self.shortcut(values)
        return total.relu()


def residual(
    shape: Sequence[int],
    n_outputs: int,
    *,
    widths: Sequence[int],
    kernels: Sequence[int],
    dropout: float,
    stem: int = 0,
    stem_pool: bool = True,
    hidden: int = 400,
) -> nn.Sequential:
    """Return the layers for inputs of (batch, *shape).

    Parameters
    ----------
    shape : sequence of int
    n_outputs : int
    widths : sequence of int
        Of the convolutions of the stem, then two a block: inside a bottleneck, and what leaves it.
    kernels : sequence of int
        Of the bottlenecks in turn, repeated from the first on where there are fewer. The stem has 3.
    dropout : float
        Behind the hidden layer.
    stem : int
        Convolutions before the blocks.
    stem_pool : bool
        Whether a pooling follows each of them.
    hidden : int
        Units of the hidden layer.
    """
    axes, before, lengths = len(shape) - 1, shape[0], tuple(shape[1:])
    layers: list[nn.Module] = []
    for width in widths[:stem]:
        layers.append(activated(axes, before, width, 3, "relu"))
        before = width
        if stem_pool:
            layers.append(pool(axes))
            lengths = halved(lengths)
    pairs = list(zip(widths[stem::2], widths[stem + 1 :: 2], strict=True))
    for block, (inner, after) in enumerate(pairs):
        for k in range(_BOTTLENECKS):
            kernel = kernels[(block * _BOTTLENECKS + k) % len(kernels)]
            layers.append(Bottleneck(axes, before, inner, after, kernel, projected=k == 0))
            layers.append(pool(axes))
            before, lengths = after, halved(lengths)
    last = head(before * math.prod(lengths), n_outputs, hidden, dropout, norm_last=False)
    return nn.Sequential(*layers, *last)


def resnet50(
    shape: Sequence[int], n_outputs: int, *, widths: Sequence[int], kernels: Sequence[int], dropout: float
) -> nn.Sequential:
    """Return ResNet-50 with another stem, see :func:`residual`.

    Parameters
    ----------
    shape, n_outputs
        See :func:`residual`.
    widths : sequence of int
        Of the stem, and inside the bottlenecks of the first stage; later stages have twice as many each.
    kernels : sequence of int
        Of the stem.
    dropout : float
        Before the outputs; the network has none.
    """
    axes, before = len(shape) - 1, widths[0]
    layers: list[nn.Module] = [
        activated(axes, shape[0], before, kernels[0], "relu", stride=2),
        nn.MaxPool2d(3, stride=2, padding=1) if axes == 2 else nn.MaxPool1d(3, stride=2, padding=1),
    ]
    for stage, n in enumerate(_STAGES):
        inner = widths[1] * 2**stage
        for k in range(n):
            stride = 2 if stage and not k else 1
            layers.append(
                Bottleneck(
                    axes,
                    before,
                    inner,
                    _EXPANSION * inner,
                    projected=not k,
                    stride=stride,
                    identity_norm=False,
                )
            )
            before = _EXPANSION * inner
    return nn.Sequential(*layers, Mean(), *head(before, n_outputs, 0, dropout, norm_last=False))
