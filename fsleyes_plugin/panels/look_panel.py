"""How spectra are drawn: axes and scales of the Fit view."""

from dataclasses import replace
from typing import Any

import wx

from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.masks import verdict_masks
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION, Fit

VERDICT_COLOURS = {"good": (0.2, 0.9, 0.3), "usable": (1.0, 0.75, 0.1), "unusable": (1.0, 0.15, 0.15)}
"""Red, green and blue of each verdict: those of a traffic light."""


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
        self.verdicts = wx.CheckBox(self, label="Outline verdicts on the map")
        self.verdicts.SetToolTip("Good green, usable yellow, unusable red")
        self.verdicts.Bind(wx.EVT_CHECKBOX, lambda _event: self.outline())
        for widget in (self.keep_height, self.one_scale, self.verdicts):
            sizer.Add(widget, flag=wx.ALL, border=3)
        self.SetSizer(sizer)
        self.SetMinSize((220, 160))
        self._outlined: Fit | None = None
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

    def changed(self, what: str) -> None:
        """Outline the verdicts of another fit."""
        if what in ("fits", "scan") and SESSION.fit is not self._outlined:
            self.outline()

    def outline(self) -> None:
        """Draw the borders of good, usable and unusable voxels, or remove them."""
        if self._outlined is not None and self._outlined in SESSION.fits:
            for word in VERDICT_COLOURS:
                mark(self._outlined, self.overlayList, self.displayCtx, word, (), VERDICT_COLOURS[word])
        fit, self._outlined = SESSION.fit, None
        if fit is None or fit.single or not self.verdicts.GetValue():
            return
        for word, mask in verdict_masks(fit.maps).items():
            mark(fit, self.overlayList, self.displayCtx, word, mask, VERDICT_COLOURS[word])
        self._outlined = fit

    def _changed(self, _event: Any) -> None:
        look = replace(
            SESSION.look, keep_height=self.keep_height.GetValue(), one_scale=self.one_scale.GetValue()
        )
        SESSION.set("display", look=look)
