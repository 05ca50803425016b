"""The row of choices above the Fit view."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import wx
from fsleyes_widgets.floatspin import EVT_FLOATSPIN, FloatSpinCtrl

from fsleyes_plugin.session import SESSION

if TYPE_CHECKING:
    from fsleyes_plugin.panels.fit_view import MRSFitView


class FitBar(wx.Panel):
    """Which fit is shown, how its spectra are turned, and what else is drawn."""

    def __init__(self, parent: Any, view: "MRSFitView") -> None:
        wx.Panel.__init__(self, parent)
        self._view = view
        self._sizer = wx.WrapSizer(wx.HORIZONTAL)
        self.fit = wx.Choice(self)
        self.fit.SetToolTip("The fit that is shown")
        self.fit.Bind(wx.EVT_CHOICE, self._fit_chosen)
        self._add(self.fit)
        self.band = self._check("Band", True, "95 % band of the fit, from its Fisher matrix")
        self.stack = self._check("Stack", False, "The strongest metabolites below each other")
        self.compare = self._check("Second fit", False, "The fit of the second folder, dashed")
        self.phased = self._check("Fit's phase", True, "Undo the phases that were fitted")
        self.phase = self._number("Phase (°)", -180, 180, 5, "Zero-order phase on top")
        self.delay = self._number("Delay (µs)", -2000, 2000, 20, "First-order phase on top, about the middle")
        self.broaden = self._number("Broaden (Hz)", 0, 30, 1, "Lorentzian width that is added to the lines")
        for text, action in (("Pin", view.pin), ("Unpin", view.unpin)):
            button = wx.Button(self, label=text, style=wx.BU_EXACTFIT)
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())
            self._add(button)
        self.SetSizer(self._sizer)
        self.update()

    def close(self) -> None:
        """Let go of the view."""
        del self._view

    def _add(self, widget: wx.Window) -> None:
        self._sizer.Add(widget, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)

    def _check(self, text: str, on: bool, tip: str) -> wx.CheckBox:
        box = wx.CheckBox(self, label=text)
        box.SetValue(on)
        box.SetToolTip(tip)
        box.Bind(wx.EVT_CHECKBOX, self._changed)
        self._add(box)
        return box

    def _number(self, text: str, low: float, high: float, step: float, tip: str) -> FloatSpinCtrl:
        pair = wx.BoxSizer(wx.HORIZONTAL)  # so that a name is not parted from its number at the end of a row
        pair.Add(wx.StaticText(self, label=text), flag=wx.ALIGN_CENTRE_VERTICAL)
        spin = FloatSpinCtrl(self, minValue=low, maxValue=high, increment=step, value=0, width=6)
        spin.SetToolTip(tip)
        spin.Bind(EVT_FLOATSPIN, self._changed)
        pair.Add(spin, flag=wx.ALIGN_CENTRE_VERTICAL)
        self._sizer.Add(pair, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)
        return spin

    def update(self) -> None:
        """Show the open fits."""
        self.fit.Set([fit.name for fit in SESSION.fits] or ["no fit is open"])
        chosen = SESSION.fits.index(SESSION.chosen) if SESSION.chosen in SESSION.fits else 0
        self.fit.SetSelection(chosen)
        self.compare.Enable(SESSION.other is not None)
        self.fit.InvalidateBestSize()
        self.Layout()

    def _fit_chosen(self, _event: Any) -> None:
        if SESSION.fits:
            chosen = SESSION.fits[self.fit.GetSelection()]
            other = next((fit for fit in SESSION.fits if fit is not chosen), None)
            SESSION.set("fits", chosen=chosen, other=other, mask=None, limits=None)

    def _changed(self, _event: Any) -> None:
        self._view.stacked = self.stack.GetValue()
        self._view.compared = self.compare.GetValue()
        display = replace(
            SESSION.display,
            band=self.band.GetValue(),
            fit_phase=self.phased.GetValue(),
            phase_deg=self.phase.GetValue(),
            delay_us=self.delay.GetValue(),
            broaden_hz=self.broaden.GetValue(),
        )
        SESSION.set("display", display=display)
