"""A list of ratios: those of the clinic, and the user's own, kept in the settings of FSLeyes."""

from collections.abc import Callable
from typing import Any

import fsl.utils.settings as settings
import wx

from fsleyes_plugin.model.maps import MapChoice, Maps
from fsleyes_plugin.model.ratios import BETWEEN, ratios

OWN_RATIOS = "fsl_mrs_dl.ratios"
"""Key of FSLeyes' settings."""
_TITLE, _KEEP = "Ratio...", "Keep this ratio"


class RatioChoice(wx.Choice):
    """List of the ratios of a fit; its last entry keeps the shown one.

    Parameters
    ----------
    parent : wx.Window
    choose : callable
        Called with the chosen map.
    shown : callable
        Returns the shown map.
    """

    def __init__(
        self, parent: Any, choose: Callable[[MapChoice], Any], shown: Callable[[], MapChoice | None]
    ) -> None:
        wx.Choice.__init__(self, parent)
        self.SetToolTip("Maps of ratios; the last entry adds the shown one to this list")
        self._choose, self._shown = choose, shown
        self.known: dict[str, MapChoice] = {}
        self._maps: Maps | None = None
        self.Bind(wx.EVT_CHOICE, self._chosen)

    def offer(self, maps: Maps | None) -> None:
        """List the ratios that the maps of a fit have."""
        if maps is self._maps and self.GetCount():
            return
        self._maps = maps
        self.known = ratios(maps, own_ratios()) if maps is not None else {}
        self.Set([_TITLE, *self.known, _KEEP])
        self.SetSelection(0)

    def _chosen(self, _event: Any) -> None:
        name = self.GetStringSelection()
        self.SetSelection(0)
        if name in self.known:
            self._choose(self.known[name])
        elif name == _KEEP:
            self.keep(self._shown())

    def keep(self, shown: MapChoice | None) -> None:
        """Add a quotient to the user's own ratios."""
        if shown is None or not shown.over:
            return
        name = f"{shown.metabolite}{BETWEEN}{shown.over}"
        settings.write(OWN_RATIOS, list(dict.fromkeys([*own_ratios(), name])))
        maps, self._maps = self._maps, None
        self.offer(maps)


def own_ratios() -> list[str]:
    """Return the user's own ratios."""
    return [str(name) for name in settings.read(OWN_RATIOS, [])]
