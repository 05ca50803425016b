"""The Comparison view: two fits voxel by voxel."""

from typing import Any

import numpy as np
import wx

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin import overlays
from fsleyes_plugin.model.comparison import Comparison, common, compare, difference_map, without_unit
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.panels.errors import show_errors
from fsleyes_plugin.panels.figure_view import FigureView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.plots.comparison_figure import draw_comparison
from fsleyes_plugin.session import SESSION, Fit


class MRSCompareView(Following, FigureView):
    """Scatter and Bland-Altman plot of a quantity in two fits, and their difference as a map."""

    TITLE = "MRS comparison"
    FLOATS = True

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        FigureView.__init__(self, parent, overlayList, displayCtx, frame, constrained=True)
        bar = wx.Panel(self.body)
        self.with_fit, self.quantity = wx.Choice(bar), wx.Choice(bar)
        self.with_fit.Bind(wx.EVT_CHOICE, self._other_fit)
        self.quantity.Bind(wx.EVT_CHOICE, lambda _event: self.later())
        button = wx.Button(bar, label="Difference map")
        button.Bind(wx.EVT_BUTTON, lambda _event: self.show_difference())
        sizer = wx.WrapSizer(wx.HORIZONTAL)
        for widget in (wx.StaticText(bar, label="Compare with"), self.with_fit, self.quantity, button):
            sizer.Add(widget, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=3)
        bar.SetSizer(sizer)
        self.bar = bar
        self.arrange(bar)
        self.canvas.mpl_connect("pick_event", self._picked)
        self._choices: tuple[MapChoice, ...] = ()
        self.comparison: Comparison | None = None
        self.image: Any = None
        self._shown: tuple[Fit, Fit, MapChoice] | None = None
        self.change("fits")
        self.follow(cursor=False)

    def changed(self, what: str) -> None:
        """List the other fits, and the maps that they have in common with the chosen one."""
        if what not in ("fits", "metabolite"):
            return
        one, two = SESSION.chosen, SESSION.other
        others = [fit for fit in SESSION.fits if fit is not one]
        self.with_fit.Set([fit.name for fit in others])
        if two in others:
            self.with_fit.SetSelection(others.index(two))
        self._choices = common(one.maps, two.maps) if one is not None and two is not None else ()
        self.quantity.Set([choice.label for choice in self._choices])
        if self._choices and one is not None:
            metabolite = SESSION.metabolite or getattr(one.maps.default(), "metabolite", "")
            ranks = [
                (choice.metabolite != metabolite, two is None or without_unit(one.folder, two.folder, choice))
                for choice in self._choices
            ]
            self.quantity.SetSelection(ranks.index(min(ranks)))
        self.bar.Layout()

    def refresh(self) -> None:
        """Draw the chosen quantity in the voxels that pass the quality limits."""
        one, two = SESSION.chosen, SESSION.other
        self.comparison, message = None, "Two fits of the same voxels are needed: load a second folder."
        if one is not None and two is not None:
            message = "The two fits have no map in common."
        if one is not None and two is not None and self._choices:
            choice = self._choices[max(self.quantity.GetSelection(), 0)]
            try:
                masks = [fit.mask for fit in (one, two) if fit.mask is not None]
                both = np.logical_and.reduce(masks) if masks else None
                self.comparison = compare(one.maps, two.maps, choice, both)
                draw_comparison(self.figure, self.comparison, one.name, two.name)
                if self.image in self.overlayList and self._shown == (one, two, choice):
                    self.image[:] = difference_map(self.comparison, one.curves.grid)
            except MRSDLError as error:
                message = str(error)
        if self.comparison is None:
            self.figure.clear()
            self.figure.text(0.5, 0.5, message, ha="center", va="center", wrap=True)
        self.canvas.draw()

    @show_errors
    def _other_fit(self, _event: Any) -> None:
        others = [fit for fit in SESSION.fits if fit is not SESSION.chosen]
        SESSION.set("fits", other=others[self.with_fit.GetSelection()])

    @show_errors
    def show_difference(self) -> None:
        """Show the difference over the anatomy, from blue to red around zero."""
        one, comparison = SESSION.chosen, self.comparison
        if one is None or comparison is None:
            return
        two = SESSION.other
        assert two is not None
        name = f"difference, {comparison.choice.label}, {two.place} less {one.place}"
        values = difference_map(comparison, one.curves.grid)
        self.image = overlays.show_difference(one, values, name, self.overlayList, self.displayCtx)
        self._shown = (one, two, comparison.choice)

    def _picked(self, event: Any) -> None:
        """Move the cursor to the voxel of a clicked point."""
        one, comparison = SESSION.chosen, self.comparison
        if one is None or comparison is None or not len(event.ind):
            return
        x, y, z = (int(i) for i in comparison.voxels[int(event.ind[0])])
        self.displayCtx.worldLocation.xyz = [float(c) for c in one.centre((x, y, z))]
