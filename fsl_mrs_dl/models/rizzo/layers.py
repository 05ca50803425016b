"""Layers over one or two axes by the same names, as the families use them."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

_CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d}
_NORM: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
_MAX: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
_MEAN: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d}
_DROP: dict[int, Any] = {1: nn.Dropout1d, 2: nn.Dropout2d}


def conv(axes: int, before: int, after: int, kernel: int | tuple[int, ...], **more: Any) -> nn.Module:
    """Return a convolution whose output is as long as its input ("same")."""
    sizes = kernel if isinstance(kernel, tuple) else (kernel,) * axes
    layer: nn.Module = _CONV[axes](before, after, sizes, padding=tuple(k // 2 for k in sizes), **more)
    return layer


def norm(axes: int, channels: int) -> nn.Module:
    """Return batch normalisation."""
    layer: nn.Module = _NORM[axes](channels)
    return layer


def pool(axes: int) -> nn.Module:
    """Return a max-pooling by two; the last point of an odd length is kept."""
    layer: nn.Module = _MAX[axes](2, ceil_mode=True)
    return layer


def mean_pool(axes: int, kernel: int = 3) -> nn.Module:
    """Return a running mean whose output is as long as its input."""
    layer: nn.Module = _MEAN[axes](kernel, stride=1, padding=kernel // 2, count_include_pad=False)
    return layer


def channel_drop(axes: int, share: float) -> nn.Module:
    """Return a dropout of whole channels."""
    layer: nn.Module = _DROP[axes](share)
    return layer


def activated(axes: int, before: int, after: int, kernel: Any, activation: str, **more: Any) -> nn.Sequential:
    """Return the blocks of the paper: convolution, batch normalisation and ReLU; or convolution and ELU."""
    layer = conv(axes, before, after, kernel, **more)
    if activation == "elu":
        return nn.Sequential(layer, nn.ELU())
    return nn.Sequential(layer, norm(axes, after), nn.ReLU())


def halved(shape: Sequence[int], times: int = 1) -> tuple[int, ...]:
    """Return lengths after poolings by two."""
    return tuple(math.ceil(n / 2**times) for n in shape)


def head(features: int, n_outputs: int, hidden: int, dropout: float, *, norm_last: bool) -> nn.Sequential:
    """Return the last layers: a hidden layer (0: none), dropout, linear outputs, and optional normalisation.

    The published shallow and Inception networks have a batch normalisation after their last layer; it learns the
    scale of the outputs.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    if hidden:
        layers += [nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
        features = hidden
    if dropout:
        layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(features, n_outputs))
    if norm_last:
        layers.append(nn.BatchNorm1d(n_outputs))
    return nn.Sequential(*layers)


class Mean(nn.Module):
    """Mean over all axes but the channels."""

    def forward(self, values: Tensor) -> Tensor:
        """Return values of shape (batch, channels)."""
        return values.flatten(start_dim=2).mean(dim=2)


class Branches(nn.Module):
    """Layers side by side on one input, their channels one after the other."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, values: Tensor) -> Tensor:
        """Return the channels of all branches."""
        return torch.cat([branch(values) for branch in self.branches], dim=1)
