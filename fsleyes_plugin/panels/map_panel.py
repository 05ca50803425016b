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
        self.keep = wx.CheckBox(self, label="Keep the last map")
        sizer.Add(self.keep, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=3)
        self.SetSizer(sizer)
        self.SetMinSize((300, 44))
        self._kinds: tuple[str, ...] = ()
        self.shown: MapChoice | None = None
        self.image: Any = None
        self.change("fits")
        self.follow(cursor=False)

    def changed(self, what: str) -> None:
        """List the maps of the chosen fit; show the clicked metabolite in the voxels that pass the limits."""
        fit = SESSION.chosen
        if what == "fits":
            self._offer(fit)
        elif fit is not None and what == "metabolite":
            if SESSION.metabolite in self._names(fit):
                self.choose(self._map_of(SESSION.metabolite))
        elif fit is not None and what == "mask" and self.shown is not None:
            image = self._newest(fit)
            if image is not None:
                overlays.update_map(fit, self.shown, image, self.displayCtx)

    def _names(self, fit: Fit) -> tuple[str, ...]:
        return fit.maps.metabolites or fit.maps.others

    def _offer(self, fit: Fit | None) -> None:
        maps = None if fit is None or fit.single else fit.maps
        names = [*self._names(fit), *maps.single] if fit is not None and maps else []
        self.metabolite.Set(names)
        self.Enable(bool(names))
        self.shown = self.image = None
        default = maps.default() if maps else None
        if fit is not None and default is not None:
            self._select(fit, default)
            self.shown = default
        self.Layout()

    def _select(self, fit: Fit, choice: MapChoice) -> None:
        """Set the three lists to a choice."""
        name = choice.metabolite or choice.kind
        self.metabolite.SetStringSelection(name)
        self._kinds = fit.maps.kinds(name) or (choice.kind,)
        self.kind.Set([label(kind) for kind in self._kinds])
        self.kind.SetSelection(self._kinds.index(choice.kind) if choice.kind in self._kinds else 0)
        others = [other for other in self._names(fit) if choice.kind in fit.maps.kinds(other)]
        self.over.Set([_NONE, *others])
        self.over.SetStringSelection(choice.over or _NONE)
        self.Layout()

    def _map_of(self, name: str) -> MapChoice:
        """Return the map of a metabolite in the shown quantity, or in its first one."""
        fit = SESSION.chosen
        assert fit is not None
        if name in fit.maps.single:
            return MapChoice(name)
        kinds = fit.maps.kinds(name)
        kind = self.shown.kind if self.shown and self.shown.kind in kinds else kinds[0]
        return MapChoice(kind, name)

    @show_errors
    def _chosen(self, event: Any) -> None:
        fit, name = SESSION.chosen, self.metabolite.GetStringSelection()
        if fit is None or not name:
            return
        if event.GetEventObject() is self.metabolite or name in fit.maps.single:
            self.choose(self._map_of(name))
            return
        kind = self._kinds[self.kind.GetSelection()]
        over = self.over.GetStringSelection()
        known = over != _NONE and kind in fit.maps.kinds(over)
        self.choose(MapChoice(kind, name, over if known else ""))

    def _newest(self, fit: Fit) -> Any:
        """Return the overlay of the map that was chosen last; None if the user removed all."""
        maps = [overlay for overlay in self.overlayList if overlays.is_map(overlay, fit)]
        return self.image if self.image in maps else (maps or [None])[-1]

    @show_errors
    def choose(self, choice: MapChoice) -> None:
        """Show a map instead of the last one."""
        fit = SESSION.chosen
        if fit is None:
            return
        image = overlays.map_image(fit, choice)
        old = self._newest(fit)
        self.overlayList.append(image)
        overlays.colour(fit, choice, image, self.displayCtx)
        if old is not None and not self.keep.GetValue():
            self.overlayList.remove(old)
        self.image, self.shown = image, choice
        self.displayCtx.selectOverlay(image)
        self._select(fit, choice)
