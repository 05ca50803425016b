"""Encoders of the quantification networks: from an FID of two channels to a vector, four kinds by name.

The convolutions are those of Shamaei, Starcukova and Starcuk 2023, doi:10.1016/j.compbiomed.2023.106837, and its
code, and so are the full sizes of the others. ``width`` and ``depth`` below 1 make the last three smaller, which
a processor needs.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn

_CHANNELS = (16, 24, 32, 40, 48, 56, 64, 72)
"""Of the convolutions, as published."""
_PATCH = 16
"""Points of a patch of the mixer, as published."""


def convolutional(n_points: int, n_outputs: int, *, kernels: tuple[int, int] = (5, 3)) -> nn.Module:
    """Return strided convolutions without padding and one linear layer; 49 543 parameters for 23 outputs.

    Parameters
    ----------
    n_points : int
        1024 as published; the layers stop where nothing would be left.
    n_outputs : int
    kernels : tuple of int
        Of the first layer and of the others; (7, 5) is the published choice for measured spectra.
    """
    layers: list[nn.Module] = []
    before, length = 2, n_points
    for i, after in enumerate(_CHANNELS):
        kernel = kernels[min(i, 1)]
        if length < kernel + 2:
            break
        layers += [nn.Conv1d(before, after, kernel, stride=2), nn.GELU()]
        before, length = after, (length - kernel) // 2 + 1
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * length, n_outputs))


def fully_connected(n_points: int, n_outputs: int, *, width: float = 1.0) -> nn.Module:
    """Return linear layers of 768, 512 and then half as many each time, along the time of each channel."""
    sizes = [max(8, round(width * size)) for size in (768, 512, 256, 128, 64, 32, 16)]
    layers: list[nn.Module] = []
    for before, after in pairwise((n_points, *sizes)):
        layers += [nn.Linear(before, after), nn.GELU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * sizes[-1], n_outputs))


class _Mixing(nn.Module):
    """A block of a mixer: across patches, then across features, each around a shortcut."""

    def __init__(self, n_patches: int, dim: int, tokens: int, features: int) -> None:
        super().__init__()
        self.across = nn.Sequential(nn.Linear(n_patches, tokens), nn.GELU(), nn.Linear(tokens, n_patches))
        self.within = nn.Sequential(nn.Linear(dim, features), nn.GELU(), nn.Linear(features, dim))
        self.first, self.second = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, values: Tensor) -> Tensor:
        values = values + self.across(self.first(values).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = values + self.within(self.second(values))
        return mixed


class Mixer(nn.Module):
    """An MLP-Mixer (Tolstikhin et al 2021, arXiv:2105.01601) over patches of 16 points.

    Full size: 8 blocks of dimension 512, hidden layers of 256 across patches and 2048 within.
    """

    def __init__(self, n_points: int, n_outputs: int, *, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        dim = max(16, round(512 * width))
        n_patches = n_points // _PATCH
        self.patches = nn.Conv1d(2, dim, _PATCH, stride=_PATCH)
        blocks = (
            _Mixing(n_patches, dim, max(16, round(256 * width)), 4 * dim)
            for _ in range(max(1, round(8 * depth)))
        )
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(dim))
        self.head = nn.Linear(dim, n_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return raw outputs, shape (batch, n_outputs), of inputs of shape (batch, 2, time)."""
        mixed = self.blocks(self.patches(inputs).transpose(1, 2))
        outputs: Tensor = self.head(mixed.mean(dim=1))
        return outputs


class _Normal(nn.Module):
    """Layer normalisation of the channels of (batch, channel, time)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, values: Tensor) -> Tensor:
        normal: Tensor = self.norm(values.transpose(1, 2)).transpose(1, 2)
        return normal


class _Next(nn.Module):
    """A block of ConvNeXt in one dimension."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(dim, dim, 7, padding=3, groups=dim),
            _Normal(dim),
            nn.Conv1d(dim, 4 * dim, 1),
            nn.GELU(),
            nn.Conv1d(4 * dim, dim, 1),
        )
        self.scale = nn.Parameter(torch.full((dim, 1), 1e-6))

    def forward(self, values: Tensor) -> Tensor:
        added: Tensor = values + self.scale * self.layers(values)
        return added


class ConvNeXt(nn.Module):
    """ConvNeXt-T (Liu et al 2022, arXiv:2201.03545) in one dimension.

    Full size: stages of 3, 3, 9 and 3 blocks with 96, 192, 384 and 768 channels, each stage after a convolution
    of kernel and stride 4.
    """

    def __init__(self, n_points: int, n_outputs: int, *, width: float = 1.0, depth: float = 1.0) -> None:
        super().__init__()
        dims = [max(8, round(dim * width)) for dim in (96, 192, 384, 768)]
        blocks = [max(1, round(n * depth)) for n in (3, 3, 9, 3)]
        layers: list[nn.Module] = []
        for before, after, n in zip((2, *dims), dims, blocks, strict=False):
            if before > 2:
                layers.append(_Normal(before))
            layers.append(nn.Conv1d(before, after, 4, stride=4))
            if before == 2:
                layers.append(_Normal(after))
            layers += [_Next(after) for _ in range(n)]
        self.stages = nn.Sequential(*layers)
        self.norm, self.head = nn.LayerNorm(dims[-1]), nn.Linear(dims[-1], n_outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return raw outputs, shape (batch, n_outputs), of inputs of shape (batch, 2, time)."""
        outputs: Tensor = self.head(self.norm(self.stages(inputs).mean(dim=2)))
        return outputs


ENCODERS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {"cnn": convolutional, "fc": fully_connected, "mixer": Mixer, "convnext": ConvNeXt}
)
"""Name -> function of (n_points, n_outputs, and the encoder's own settings)."""
