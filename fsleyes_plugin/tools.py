"""Actions of the Tools menu."""

import os
from pathlib import Path
from typing import Any

import fsl.utils.settings as settings
import wx
from fsleyes.actions import Action

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin import overlays
from fsleyes_plugin.panels.errors import chosen_path, show_error
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.session import SESSION, Fit

_LAST = "loadSaveOverlayDir"


class LoadMRSFitAction(Action):
    """Open a folder of results: the fit in the Fit view, a map or the voxel over the anatomy."""

    @staticmethod
    def title() -> str:
        """Return the name of the action in the menu."""
        return "Load MRS fit..."

    def __init__(self, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        Action.__init__(self, overlayList, displayCtx, self.open)
        self.frame = frame

    def open(self, path: str | Path | None = None) -> Fit | None:
        """Open a folder, or ask for one.

        Parameters
        ----------
        path : str or Path, optional
            The folder, or a file in it.

        Returns
        -------
        Fit or None
            None if nothing was chosen, or if it could not be opened; the error is shown.
        """
        chosen = Path(path) if path is not None else _ask_folder()
        if chosen is None:
            return None
        try:
            fit = SESSION.open(chosen)
            overlays.show_first(fit, self.overlayList, self.displayCtx)
        except MRSDLError as error:
            show_error("Load MRS fit", error)
            return None
        settings.write(_LAST, str(chosen.parent))
        if not self.frame.getView(MRSFitView):
            self.frame.addViewPanel(MRSFitView)
        return fit


def _ask_folder() -> Path | None:
    """Ask for a folder."""
    parent, last = wx.GetApp().GetTopWindow(), settings.read(_LAST, os.getcwd())  # noqa: PTH109
    style = wx.DD_DEFAULT_STYLE | wx.DD_DIR_MUST_EXIST
    return chosen_path(
        wx.DirDialog(parent, "Folder of fsl_mrs_dl quantify, fsl_mrs or fsl_mrsi", last, style)
    )
