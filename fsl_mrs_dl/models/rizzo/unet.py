"""U-Nets from a spectrum to the base spectrum of one member, and amplitudes as the integrals of these."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.rizzo.layers import activated

_LEVELS = 4
"""Halvings of the length; inputs are padded to a multiple of 2 to this power."""


class UNet(nn.Module):
    """Convolutions of 3 down to a sixteenth of the length and up again, with shortcuts.

    Parameters
    ----------
    widths : sequence of int
        u1 to u9 of the paper's code. On each level on the way down two convolutions of u and 2 u channels (u1, u3,
        u5, u7, u9), between levels one with a stride (u2, u4, u6, u8). On the way up transposed ones with a stride
        (u7, u5, u3, u1), and two of u6, u4, u2 channels behind each of the three shortcuts.
    bottom : tuple of int, optional
        Channels of the two convolutions at the lowest level instead of u9 and 2 u9.
    """

    def __init__(self, widths: Sequence[int], bottom: tuple[int, int] | None = None) -> None:
        super().__init__()
        level, between = list(widths[0::2]), list(widths[1::2])
        pairs = [*((u, 2 * u) for u in level[:-1]), bottom or (level[-1], 2 * level[-1])]
        self.down = nn.ModuleList([_pair(1, *pairs[0])])
        before = pairs[0][1]
        for strided, (one, two) in zip(between, pairs[1:], strict=True):
            step = activated(1, before, strided, 3, "relu", stride=2)
            self.down.append(nn.Sequential(step, _pair(strided, one, two)))
            before = two
        self.lift, self.up = nn.ModuleList(), nn.ModuleList()
        for at in range(_LEVELS - 1, -1, -1):
            self.lift.append(_raised(before, level[at]))
            before = level[at]
            if at:
                width = between[at - 1]
                self.up.append(_pair(before + pairs[at][1], width, width))
                before = width
        first = level[0]
        self.last = nn.Sequential(
            activated(1, before, first, 3, "relu"),
            nn.Conv1d(first, first, 3, padding=1),
            nn.Conv1d(first, 1, 1),
        )

    def forward(self, spectra: Tensor) -> Tensor:
        """Return spectra of shape (batch, 1, frequency) of inputs of the same shape."""
        n = spectra.shape[-1]
        missing = math.ceil(n / 2**_LEVELS) * 2**_LEVELS - n
        left = missing // 2
        values = nn.functional.pad(spectra, (left, missing - left))
        levels = []
        for step in self.down:
            values = step(values)
            levels.append(values)
        for level, lift in enumerate(self.lift):
            values = lift(values)
            if level < len(self.up):
                values = self.up[level](torch.cat([values, levels[_LEVELS - 1 - level]], dim=1))
        ended: Tensor = self.last(values)
        return ended[..., left : left + n]


def _pair(before: int, one: int, two: int) -> nn.Sequential:
    return nn.Sequential(activated(1, before, one, 3, "relu"), activated(1, one, two, 3, "relu"))


def _raised(before: int, after: int) -> nn.Sequential:
    layer = nn.ConvTranspose1d(before, after, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(layer, nn.BatchNorm1d(after), nn.ReLU())


class BaseSpectra(nn.Module):
    """One U-Net a member.

    Parameters
    ----------
    names : sequence of str
    widths : sequence of int
    own : mapping of str to sequence of int, optional
        Widths of members that have their own.
    bottom : tuple of int, optional
        See :class:`UNet`; of members that have no widths of their own.
    """

    def __init__(
        self,
        names: Sequence[str],
        widths: Sequence[int],
        own: Mapping[str, Sequence[int]] | None = None,
        bottom: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        special = own or {}
        self.members = nn.ModuleList(
            [UNet(special[name]) if name in special else UNet(widths, bottom) for name in names]
        )

    def forward(self, spectra: Tensor) -> Tensor:
        """Return base spectra, shape (batch, member, frequency)."""
        return torch.cat([member(spectra) for member in self.members], dim=1)
