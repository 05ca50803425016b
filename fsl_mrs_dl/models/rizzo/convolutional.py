"""DeepNet and ShallowNet: convolutions one after the other, each followed by a max-pooling."""

import math
from collections.abc import Sequence

from torch import nn

from fsl_mrs_dl.models.rizzo.layers import activated, channel_drop, halved, head, pool


def convolutional(
    shape: Sequence[int],
    n_outputs: int,
    *,
    widths: Sequence[int],
    kernels: Sequence[int],
    dropout: float,
    hidden: int,
    activation: str,
    drops: Sequence[float] = (),
    repeats: int = 1,
    norm_last: bool = False,
) -> nn.Sequential:
    """Return the layers for inputs of (batch, *shape).

    Parameters
    ----------
    shape : sequence of int
        Channels, and one or two lengths.
    n_outputs : int
    widths, kernels : sequence of int
        Of each convolution.
    dropout : float
        With a hidden layer: behind it. Without: of the channels of the last convolution.
    hidden : int
        Units of the hidden layer; 0 = none.
    activation : {"relu", "elu"}
        relu: after batch normalisation.
    drops : sequence of float
        Dropout of channels of the convolutions before the last, from the first one on.
    repeats : int
        Convolutions before each pooling.
    norm_last : bool
        Whether a batch normalisation follows the outputs.
    """
    axes, before, lengths = len(shape) - 1, shape[0], tuple(shape[1:])
    shares = [*drops, *[0.0] * len(widths)][: len(widths) - 1]
    shares.append(0.0 if hidden else dropout)
    layers: list[nn.Module] = []
    for width, kernel, share in zip(widths, kernels, shares, strict=True):
        for _ in range(repeats):
            layers.append(activated(axes, before, width, kernel, activation))
            before = width
        layers.append(pool(axes))
        lengths = halved(lengths)
        if share:
            layers.append(channel_drop(axes, share))
    features = before * math.prod(lengths)
    last = head(features, n_outputs, hidden, dropout if hidden else 0.0, norm_last=norm_last)
    return nn.Sequential(*layers, *last)
