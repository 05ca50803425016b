"""Columns of a list that all fit into it: as wide as their cells, in smaller letters where room is scarce."""

from collections.abc import Sequence
from typing import Any

import wx

_MARGIN_PIXELS = 10  # both margins of a column
_SIZES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""Sizes of letters over the usual one; the smallest is about 7 points, as on the page of a voxel."""
_USUAL = {"[": "88.88 [88.88, 88.88]", "%": "≥ 999", "SNR": "888.8", "Hz": "88.8"}
"""Part of a heading -> a text as wide as most cells below it, so that widths seldom change; others are numbers."""
_NUMBER = "8.88e-08"


class Columns:
    """Widths of the columns and size of the letters of a list in report view; they follow its width.

    Parameters
    ----------
    items : wx.ListCtrl
    """

    def __init__(self, items: Any) -> None:
        self._items = items
        self._usual = items.GetFont()
        self._heads: tuple[str, ...] = ()
        self._longest: list[str] = []
        self._room, self._share = 0, _SIZES[0]
        items.Bind(wx.EVT_SIZE, self._sized)

    def fit(self, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Set the widths for headings and cells, if the headings are others or a cell is longer than before."""
        longest = [max(column, key=len) for column in zip(*rows, strict=True)] or [""] * len(heads)
        if heads != self._heads:
            usual = [next((text for part, text in _USUAL.items() if part in head), _NUMBER) for head in heads]
            self._heads, self._longest = heads, ["", *usual[1:]]
        elif all(len(new) <= len(old) for new, old in zip(longest, self._longest, strict=True)):
            return
        self._longest = [max(pair, key=len) for pair in zip(self._longest, longest, strict=True)]
        self._apply()

    def clear(self) -> None:
        """Remove all columns and rows."""
        self._heads, self._longest = (), []
        self._items.ClearAll()

    def _sized(self, event: Any) -> None:
        event.Skip()
        if self._items.GetClientSize().width != self._room:
            self._apply()

    def _apply(self) -> None:
        """Choose the largest letters with which all columns are in sight."""
        self._room, n = self._items.GetClientSize().width, 0
        while sum(self._widths(_SIZES[n])) > self._room and n < len(_SIZES) - 1:
            n += 1
        if _SIZES[n] != self._share:
            self._share = _SIZES[n]
            self._items.SetFont(self._usual.Scaled(self._share))
        for column, width in enumerate(self._widths(self._share)):
            if self._items.GetColumnWidth(column) != width:
                self._items.SetColumnWidth(column, width)

    def _widths(self, share: float) -> list[int]:
        """Return the width of each column in letters of a size, in pixels."""
        font = self._usual.Scaled(share)
        extent = self._items.GetFullTextExtent
        columns = zip(self._heads, self._longest, strict=True)
        return [max(int(extent(text, font)[0]) for text in texts) + _MARGIN_PIXELS for texts in columns]
