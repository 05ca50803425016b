"""The map chooser: any metabolite, any quantity, over the anatomy."""

from typing import Any

import wx

from fsleyes_plugin import overlays
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.model.quantities import label
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import show_errors
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.ratio_choice import RatioChoice
from fsleyes_plugin.session import SESSION, Fit

_NONE = "(nothing)"


class MRSFitMaps(Following, DockedPanel):
    """Choice of the map of the fit over the anatomy; it replaces the last one, or is added to it."""

    TITLE = "Maps"
    VIEWS = (MRSFitView,)
    SIDE = wx.TOP

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        sizer = wx.WrapSizer(wx.HORIZONTAL)
        self.metabolite, self.kind, self.over = (wx.Choice(self) for _ in range(3))
        labels = ("Map of", "quantity", "divided by")
        for text, choice in zip(labels, (self.metabolite, self.kind, self.over), strict=True):
            pair = wx.BoxSizer(wx.HORIZONTAL)
            pair.Add(wx.StaticText(self, label=text), flag=wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, border=3)
            pair.Add(choice, flag=wx.ALIGN_CENTRE_VERTICAL)
            sizer.Add(pair, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=3)
            choice.Bind(wx.EVT_CHOICE, self._chosen)
        self.ratio = RatioChoice(self, self.choose, lambda: self.shown)
        sizer.Add(self.ratio, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=3)
        self.keep = wx.CheckBox(self, label="Keep the last map")
        sizer.Add(self.keep, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=3)
        self.SetSizer(sizer)
        self.SetMinSize((300, 80))
        self._metabolites: tuple[str, ...] = ()
        self._kinds: tuple[str, ...] = ()
        self.follow(cursor=False)

    @property
    def shown(self) -> MapChoice | None:
        """What the map of the drawn fit shows; None without a map."""
        known = overlays.map_of(SESSION.fit, self.overlayList, self.displayCtx)
        return None if known is None else known[1]

    def changed(self, what: str) -> None:
        """Show the clicked metabolite."""
        fit = SESSION.fit
        if fit is not None and what == "metabolite" and SESSION.metabolite in self._names(fit):
            self.choose(self._map_of(fit, SESSION.metabolite))

    def refresh(self) -> None:
        """List the maps of the drawn fit, and select the one over the anatomy."""
        fit = None if SESSION.fit is None or SESSION.fit.single else SESSION.fit
        names = () if fit is None else (*self._names(fit), *fit.maps.single)
        if names != self._metabolites:
            self._metabolites = names
            self.metabolite.Set(list(names))
        self.ratio.offer(None if fit is None else fit.maps)
        self.Enable(bool(names))
        self._select(fit, self.shown)

    def _names(self, fit: Fit) -> tuple[str, ...]:
        return fit.maps.metabolites or fit.maps.others

    def _select(self, fit: Fit | None, choice: MapChoice | None) -> None:
        """Set the three lists to a choice, or to nothing."""
        kinds: tuple[str, ...] = ()
        others: list[str] = []
        name = ""
        if fit is not None and choice is not None:
            name = choice.metabolite or choice.kind
            kinds = fit.maps.kinds(name) or (choice.kind,)
            others = [_NONE, *(one for one in self._names(fit) if choice.kind in fit.maps.kinds(one))]
        self.metabolite.SetSelection(self._metabolites.index(name) if name else wx.NOT_FOUND)
        if kinds != self._kinds:
            self._kinds = kinds
            self.kind.Set([label(kind) for kind in kinds])
        if choice is not None:
            self.kind.SetSelection(kinds.index(choice.kind) if choice.kind in kinds else wx.NOT_FOUND)
        if others != self.over.GetStrings():
            self.over.Set(others)
        if choice is not None and others:
            self.over.SetStringSelection(choice.over or _NONE)
        self.Layout()

    def _map_of(self, fit: Fit, name: str) -> MapChoice:
        """Return the map of a metabolite in the shown quantity, or in its first one."""
        if name in fit.maps.single:
            return MapChoice(name)
        kinds, shown = fit.maps.kinds(name), self.shown
        return MapChoice(shown.kind if shown and shown.kind in kinds else kinds[0], name)

    @show_errors
    def _chosen(self, event: Any) -> None:
        fit, name = SESSION.fit, self.metabolite.GetStringSelection()
        if fit is None or not name:
            return
        if event.GetEventObject() is self.metabolite or name in fit.maps.single:
            self.choose(self._map_of(fit, name))
            return
        kind = self._kinds[self.kind.GetSelection()]
        over = self.over.GetStringSelection()
        known = over != _NONE and kind in fit.maps.kinds(over)
        self.choose(MapChoice(kind, name, over if known else ""))

    @show_errors
    def choose(self, choice: MapChoice) -> None:
        """Show a map of the drawn fit instead of the last one."""
        fit = SESSION.fit
        if fit is None:
            return
        image = overlays.map_image(fit, choice)
        old = overlays.map_of(fit, self.overlayList, self.displayCtx)
        for overlay in [one for one in self.overlayList if overlays.is_difference(one)]:
            self.displayCtx.getDisplay(overlay).enabled = False
        hidden = [one for one in self.overlayList if overlays.is_map(one, fit)] if old is None else [old[0]]
        self.overlayList.append(image)
        overlays.colour(fit, choice, image, self.displayCtx)
        if not self.keep.GetValue():
            for overlay in hidden:
                self.overlayList.remove(overlay)
        self.displayCtx.selectOverlay(image)
        self.refresh()
