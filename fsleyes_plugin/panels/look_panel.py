"""How spectra are drawn: axes and scales of the Fit view."""

from dataclasses import replace
from typing import Any

import wx

from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION


class MRSFitDisplay(Following, DockedPanel):
    """Choices for the axes of the Fit view."""

    TITLE = "MRS display"
    VIEWS = (MRSFitView,)
    SIDE = wx.RIGHT

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self.keep_height = self._check("Keep the vertical range", "It stays when the cursor moves")
        self.one_scale = self._check("One scale for pinned voxels", "Their heights can be compared")
        sizer = wx.BoxSizer(wx.VERTICAL)
        for widget in (self.keep_height, self.one_scale):
            sizer.Add(widget, flag=wx.ALL, border=3)
        self.SetSizer(sizer)
        self.SetMinSize((220, 160))
        self.show_look()
        self.follow(cursor=False)

    def _check(self, text: str, tip: str) -> wx.CheckBox:
        box = wx.CheckBox(self, label=text)
        box.SetToolTip(tip)
        box.Bind(wx.EVT_CHECKBOX, self._changed)
        return box

    def show_look(self) -> None:
        """Set the widgets to the choices of the session."""
        look = SESSION.look
        self.keep_height.SetValue(look.keep_height)
        self.one_scale.SetValue(look.one_scale)

    def _changed(self, _event: Any) -> None:
        look = replace(
            SESSION.look, keep_height=self.keep_height.GetValue(), one_scale=self.one_scale.GetValue()
        )
        SESSION.set("display", look=look)
