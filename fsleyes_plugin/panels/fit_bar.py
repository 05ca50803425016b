"""The row of choices above the Fit view."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import wx
from fsleyes_widgets.floatspin import EVT_FLOATSPIN, FloatSpinCtrl

from fsleyes_plugin.model.scan import DIFFERENCE, MEAN, Scan
from fsleyes_plugin.session import SESSION

if TYPE_CHECKING:
    from fsleyes_plugin.panels.fit_view import MRSFitView

_MODES = (0, MEAN, DIFFERENCE)  # of a dimension, in the order of its list
_SLIDER_WIDTH_PIXELS = 110  # three fit in a row of the view


class FitBar(wx.Panel):
    """Choices of the fit, the indices of higher dimensions, the phases, and further curves."""

    def __init__(self, parent: Any, view: "MRSFitView") -> None:
        wx.Panel.__init__(self, parent)
        self._view = view
        self._sizer = wx.WrapSizer(wx.HORIZONTAL)
        self.fit = wx.Choice(self)
        self.fit.SetToolTip("The fit that is shown, or the file without one")
        self.fit.Bind(wx.EVT_CHOICE, self._fit_chosen)
        self._add(self.fit)
        self._button("Close", view.close_shown, "Close this fit or file")
        self.band = self._check("Band", True, "95 % band of the fit, from its Fisher matrix")
        self.stack = self._check("Stack", False, "The strongest metabolites below each other")
        self.compare = self._check("Second fit", False, "The fit of the second folder, dashed")
        self.phased = self._check("Fit's phase", True, "Undo the phases that were fitted")
        self.phase = self._number("Phase (°)", -180, 180, 5, "Zero-order phase on top")
        self.delay = self._number("Delay (µs)", -2000, 2000, 20, "First-order phase on top, about the middle")
        self.broaden = self._number("Broaden (Hz)", 0, 30, 1, "Lorentzian width that is added to the lines")
        self._button("Pin", view.pin, "Keep this voxel beside that of the cursor")
        self._button("Unpin", view.unpin, "Show only the voxel at the cursor")
        self.sliders: list[wx.Slider] = []
        self.modes: list[wx.Choice] = []
        self._labels: list[wx.StaticText] = []
        self._pairs: list[wx.BoxSizer] = []
        self._of: Scan | None = None
        self.SetSizer(self._sizer)
        self.update()

    def close(self) -> None:
        """Delete the reference to the view."""
        del self._view

    def _add(self, widget: wx.Window) -> None:
        self._sizer.Add(widget, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)

    def _button(self, text: str, action: Callable[[], None], tip: str) -> None:
        button = wx.Button(self, label=text, style=wx.BU_EXACTFIT)
        button.SetToolTip(tip)
        button.Bind(wx.EVT_BUTTON, lambda _event: action())
        self._add(button)

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
        """List the open fits and files, with a slider for each higher dimension of the scan."""
        open_ = (*SESSION.fits, *SESSION.scans)
        self.fit.Set([one.name for one in open_] or ["no fit is open"])
        shown = SESSION.shown
        self.fit.SetSelection(open_.index(shown) if shown in open_ else 0)
        self.compare.Enable(SESSION.other is not None and SESSION.scan is None)
        self.fit.InvalidateBestSize()
        if self._of is not SESSION.scan:
            self._of = SESSION.scan
            self._make_sliders()
        for slider, place in zip(self.sliders, SESSION.places, strict=True):
            slider.SetValue(max(place, 0))
        for mode, place in zip(self.modes, SESSION.places, strict=True):
            mode.SetSelection(_MODES.index(min(place, 0)))
        self._name_places()
        self.Layout()
        self.GetParent().Layout()

    def show_phases(self) -> None:
        """Set the fields to the phases of the session."""
        self.phase.SetValue(SESSION.display.phase_deg)
        self.delay.SetValue(SESSION.display.delay_us)

    def _make_sliders(self) -> None:
        for pair in self._pairs:
            pair.Clear(delete_windows=True)
            self._sizer.Remove(pair)
        self.sliders, self._labels, self._pairs, self.modes = [], [], [], []
        for dimension in self._of.dimensions if self._of is not None else ():
            slider = wx.Slider(self, maxValue=max(dimension.size - 1, 1), size=(_SLIDER_WIDTH_PIXELS, -1))
            slider.Enable(dimension.size > 1)
            slider.SetToolTip(f"Which of {dimension.size} along {dimension.tag}; the first is 0")
            slider.Bind(wx.EVT_SLIDER, self._slid)
            label = wx.StaticText(self, label=dimension.label(0))
            mode = wx.Choice(self, choices=["one", "mean", *(["difference"] if dimension.size > 1 else [])])
            mode.SetSelection(0)
            mode.SetToolTip(f"One entry of {dimension.tag}, the mean of all, or the first less the second")
            mode.Bind(wx.EVT_CHOICE, self._slid)
            self.modes.append(mode)
            pair = wx.BoxSizer(wx.HORIZONTAL)
            pair.Add(mode, flag=wx.ALIGN_CENTRE_VERTICAL)
            pair.Add(slider, flag=wx.ALIGN_CENTRE_VERTICAL)
            pair.Add(label, flag=wx.ALIGN_CENTRE_VERTICAL)
            self._sizer.Add(pair, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)
            self.sliders.append(slider)
            self._labels.append(label)
            self._pairs.append(pair)

    def _name_places(self) -> None:
        dimensions = self._of.dimensions if self._of is not None else ()
        for label, dimension, place in zip(self._labels, dimensions, SESSION.places, strict=True):
            label.SetLabel(dimension.label(place))

    def _slid(self, _event: Any) -> None:
        places = (
            _MODES[mode.GetSelection()] or slider.GetValue()
            for slider, mode in zip(self.sliders, self.modes, strict=True)
        )
        SESSION.set("places", places=tuple(places))
        self._name_places()
        self.Layout()

    def _fit_chosen(self, _event: Any) -> None:
        open_, chosen = (*SESSION.fits, *SESSION.scans), self.fit.GetSelection()
        if chosen < len(open_) and open_[chosen] is not SESSION.shown:
            SESSION.draw(open_[chosen])

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
