"""A map of a range of chemical shifts, of a scan or a fit."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import wx
from fsleyes_widgets.floatspin import FloatSpinCtrl

from fsl_mrs_dl.errors import DataError
from fsleyes_plugin import overlays
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.look import HZ
from fsleyes_plugin.model.range_map import AREA, HEIGHT, range_map
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import show_errors
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION

_FIRST_PPM = (1.9, 2.1)  # NAA, the highest line of a brain
_SHOWN_EVERY = 200  # voxels between two states of the progress bar


class MRSRangeMap(Following, DockedPanel):
    """Limits in ppm, the part of the spectrum, area or height; the result is an overlay."""

    TITLE = "MRS range map"
    VIEWS = (MRSFitView,)
    SIDE = wx.RIGHT

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self._view = viewPanel
        self.low, self.high = (
            FloatSpinCtrl(self, minValue=-1000, maxValue=1000, increment=0.05, value=value, width=7)
            for value in _FIRST_PPM
        )
        self.part = wx.Choice(self, choices=["magnitude", "real"])
        self.part.SetToolTip("The real part has the phases of the fit and of the bar")
        self.kind = wx.Choice(self, choices=[AREA, HEIGHT])
        for choice in (self.part, self.kind):
            choice.SetSelection(0)
        take = wx.Button(self, label="Shown range", style=wx.BU_EXACTFIT)
        take.SetToolTip("The limits of the Fit view, after zooming")
        take.Bind(wx.EVT_BUTTON, lambda _event: self.take_range())
        go = wx.Button(self, label="Map", style=wx.BU_EXACTFIT)
        go.Bind(wx.EVT_BUTTON, lambda _event: self.show_map())
        sizer = wx.WrapSizer(wx.HORIZONTAL)
        words = (wx.StaticText(self, label=text) for text in ("from (ppm)", "to"))
        for widget in (next(words), self.low, next(words), self.high, take, self.part, self.kind, go):
            sizer.Add(widget, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)
        self.SetSizer(sizer)
        self.SetMinSize((250, 90))
        self.image: Any = None
        self.follow(cursor=False)

    def take_range(self) -> None:
        """Take the horizontal limits of the Fit view."""
        shown = SESSION.shown
        if shown is None or not self._view.figure.axes:
            return
        ends = sorted(self._view.figure.axes[-1].get_xlim())
        if SESSION.look.axis == HZ:
            ends = [end / shown.one.spectrometer_frequency_mhz + shown.one.reference_ppm for end in ends]
        self.low.SetValue(ends[0])
        self.high.SetValue(ends[1])

    @show_errors
    def show_map(self) -> None:
        """Add the map of the range as an overlay, instead of the last one."""
        shown = SESSION.shown
        if shown is None or shown.single:
            raise DataError("A map needs a file or fit of many voxels; open one.")
        limits = self.low.GetValue(), self.high.GetValue()
        part, kind = self.part.GetStringSelection(), self.kind.GetStringSelection()
        values = range_map(shown, limits, part=part, kind=kind, display=SESSION.display, progress=_with_bar)
        if self.image is not None and self.image in self.overlayList:
            self.overlayList.remove(self.image)
        name = f"{min(limits):g} to {max(limits):g} ppm, {kind} of the {part}, {shown.name}"
        self.image = overlays.image_of(shown, values, name)
        self.overlayList.append(self.image)
        self.displayCtx.getDisplay(self.image).alpha = overlays.MAP_ALPHA_PERCENT
        opts = self.displayCtx.getOpts(self.image)
        opts.cmap = "red-yellow"
        known = values[np.isfinite(values)]
        if known.size:
            opts.displayRange = min(float(np.percentile(known, 2)), 0.0), float(np.percentile(known, 98))


def _with_bar(voxels: Iterable[Voxel]) -> Iterable[Voxel]:
    """Show a bar while voxels are read; the window stays alive."""
    known = list(voxels)
    bar = wx.ProgressDialog("MRS range map", "Reading the spectra", maximum=max(len(known), 1))
    try:
        for n, voxel in enumerate(known):
            if n % _SHOWN_EVERY == 0:
                bar.Update(n)
            yield voxel
    finally:
        bar.Destroy()
