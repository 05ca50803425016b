"""Inception: kernels of several sizes side by side; and Inception-v4 once through."""

import math
from collections.abc import Sequence

from torch import nn

from fsl_mrs_dl.models.rizzo.layers import (
    Branches,
    Mean,
    activated,
    channel_drop,
    halved,
    head,
    mean_pool,
    pool,
)


def inception(
    shape: Sequence[int],
    n_outputs: int,
    *,
    widths: Sequence[int],
    kernels: Sequence[int],
    dropout: float,
    drops: Sequence[float] = (),
    activation: str = "elu",
    factorised: bool = False,
    pooled_branch: bool = False,
    extra: int = 0,
    reduction: int = 0,
    averaged: bool = False,
) -> nn.Sequential:
    """Return the layers for inputs of (batch, *shape).

    Parameters
    ----------
    shape : sequence of int
    n_outputs : int
    widths : sequence of int
        Channels of each kernel, a stage.
    kernels : sequence of int
        Side by side in every stage.
    dropout : float
        Of the channels of the last stage.
    drops : sequence of float
        Of the stages before.
    activation : {"elu", "relu"}
    factorised : bool
        Whether a square kernel is a column followed by a row.
    pooled_branch : bool
        Whether a running mean and a convolution of 1 stand beside the kernels.
    extra : int
        Further branches of kernel 3 in the last stage.
    reduction : int
        Channels of the reduction blocks that halve the lengths instead of poolings; 0 = poolings.
    averaged : bool
        Whether features are averaged over all lengths at the end.
    """
    axes, before, lengths = len(shape) - 1, shape[0], tuple(shape[1:])
    before_last = [*drops, *[0.0] * len(widths)][: len(widths) - 1]
    layers: list[nn.Module] = []
    for stage, (width, share) in enumerate(zip(widths, (*before_last, dropout), strict=True)):
        last = stage == len(widths) - 1
        sizes = [*kernels, *[3] * (extra if last else 0)]
        branches: list[nn.Module] = [
            _branch(axes, before, width, kernel, activation, factorised=factorised) for kernel in sizes
        ]
        if pooled_branch:
            branches.append(nn.Sequential(mean_pool(axes), activated(axes, before, width, 1, activation)))
        layers.append(Branches(branches))
        before = width * len(branches)
        if reduction:
            layers.append(reduced(axes, before, reduction, activation))
            before += 2 * reduction
        else:
            layers.append(pool(axes))
        lengths = halved(lengths)
        if share:
            layers.append(channel_drop(axes, share))
    features = before if averaged else before * math.prod(lengths)
    end: list[nn.Module] = [Mean()] if averaged else []
    return nn.Sequential(*layers, *end, *head(features, n_outputs, 0, 0.0, norm_last=True))


def _branch(
    axes: int, before: int, width: int, kernel: int, activation: str, *, factorised: bool
) -> nn.Module:
    if not factorised:
        return activated(axes, before, width, kernel, activation)
    return nn.Sequential(
        activated(axes, before, width, (kernel, 1), activation),
        activated(axes, width, width, (1, kernel), activation),
    )


def reduced(axes: int, before: int, width: int, activation: str) -> Branches:
    """Return a block that halves the lengths: a pooling, a convolution of 3, and 1, 3 and 3, side by side."""
    return Branches(
        [
            pool(axes),
            activated(axes, before, width, 3, activation, stride=2),
            nn.Sequential(
                activated(axes, before, width, 1, activation),
                activated(axes, width, width, 3, activation),
                activated(axes, width, width, 3, activation, stride=2),
            ),
        ]
    )


def inception_v4(
    shape: Sequence[int], n_outputs: int, *, widths: Sequence[int], kernels: Sequence[int], dropout: float
) -> nn.Sequential:
    """Return a stem and blocks A, reduction A, B, reduction B and C of Inception-v4, once each.

    Szegedy et al. 2017 (doi:10.1609/aaai.v31i1.11231), figures 4 to 8, with "same" ends; over two axes.

    Parameters
    ----------
    shape, n_outputs
        See :func:`inception`.
    widths, kernels : sequence of int
        Of the stem.
    dropout : float
        Before the outputs.
    """
    before = widths[0]
    stem = nn.Sequential(activated(2, shape[0], before, kernels[0], "relu"), pool(2))
    layers: list[nn.Module] = [stem]
    for block in (_block_a, _reduction_a, _block_b, _reduction_b, _block_c):
        branches, before = block(before)
        layers.append(branches)
    return nn.Sequential(*layers, Mean(), *head(before, n_outputs, 0, dropout, norm_last=True))


Step = tuple[int, int | tuple[int, int]]
"""Channels and kernel of one convolution."""


def _chain(before: int, *steps: Step, stride: int = 1) -> nn.Sequential:
    """Return convolutions one after the other, the last with a stride."""
    layers = []
    for k, (width, kernel) in enumerate(steps):
        more = {"stride": stride} if k == len(steps) - 1 else {}
        layers.append(activated(2, before, width, kernel, "relu", **more))
        before = width
    return nn.Sequential(*layers)


def _averaged(before: int, width: int) -> nn.Sequential:
    return nn.Sequential(mean_pool(2), _chain(before, (width, 1)))


def _block_a(before: int) -> tuple[Branches, int]:
    branches = [
        _averaged(before, 96),
        _chain(before, (96, 1)),
        _chain(before, (64, 1), (96, 3)),
        _chain(before, (64, 1), (96, 3), (96, 3)),
    ]
    return Branches(branches), 384


def _reduction_a(before: int) -> tuple[Branches, int]:
    branches = [
        pool(2),
        _chain(before, (384, 3), stride=2),
        _chain(before, (192, 1), (224, 3), (256, 3), stride=2),
    ]
    return Branches(branches), before + 640


def _block_b(before: int) -> tuple[Branches, int]:
    branches = [
        _averaged(before, 128),
        _chain(before, (384, 1)),
        _chain(before, (192, 1), (224, (1, 7)), (256, (7, 1))),
        _chain(before, (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))),
    ]
    return Branches(branches), 1024


def _reduction_b(before: int) -> tuple[Branches, int]:
    branches = [
        pool(2),
        _chain(before, (192, 1), (192, 3), stride=2),
        _chain(before, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3), stride=2),
    ]
    return Branches(branches), before + 512


def _block_c(before: int) -> tuple[Branches, int]:
    def forked(*steps: Step) -> nn.Sequential:
        trunk = _chain(before, *steps)
        inner = steps[-1][0]
        return nn.Sequential(trunk, Branches([_chain(inner, (256, (1, 3))), _chain(inner, (256, (3, 1)))]))

    branches = [
        _averaged(before, 256),
        _chain(before, (256, 1)),
        forked((384, 1)),
        forked((384, 1), (448, (1, 3)), (512, (3, 1))),
    ]
    return Branches(branches), 1536
