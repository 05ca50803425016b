"""A text that is wrapped to the width of its panel, so that no word of it is hidden."""

from typing import Any

import wx

_MARGIN_PIXELS = 12  # both borders of the sizer, and a little air


class WrappedText(wx.StaticText):
    """Several lines, as many as the width needs; ``GetLabel`` returns the text without the breaks."""

    def __init__(self, parent: Any) -> None:
        wx.StaticText.__init__(self, parent)
        self._text = ""
        self._width = 0
        parent.Bind(wx.EVT_SIZE, self._sized)

    def GetLabel(self) -> str:
        """Return the text."""
        return self._text

    def SetLabel(self, label: str) -> None:
        """Change the text."""
        if label != self._text:
            self._text = label
            self._wrap()

    def _sized(self, event: Any) -> None:
        event.Skip()
        if self.GetParent().GetClientSize().width != self._width:
            self._wrap()

    def _wrap(self) -> None:
        self._width = self.GetParent().GetClientSize().width
        super().SetLabel(self._text)
        self.Wrap(max(self._width - _MARGIN_PIXELS, 1))
        self.Show(bool(self._text))
        self.GetParent().Layout()
