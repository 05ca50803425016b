"""The provenance of the selected overlay."""

from pathlib import Path
from typing import Any

import wx

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin import overlays
from fsleyes_plugin.model.provenance import Provenance, provenance_of
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION


class MRSFitProvenance(Following, DockedPanel):
    """Steps, models and checksums of the selected overlay, read from its header; a mark on synthetic data."""

    TITLE = "MRS provenance"

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self.mark = wx.StaticText(self, label="SYNTHETIC DATA")
        self.mark.SetFont(self.mark.GetFont().Bold().Larger())
        self.mark.SetForegroundColour(wx.Colour(190, 30, 30))
        style = wx.TE_MULTILINE | wx.TE_READONLY | wx.TE_WORDWRAP
        self.text = wx.TextCtrl(self, style=style)
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(self.mark, flag=wx.ALL, border=4)
        sizer.Add(self.text, proportion=1, flag=wx.EXPAND)
        self.SetSizer(sizer)
        self.SetMinSize((320, 160))
        self.shown: Provenance | None = None
        self.follow(cursor=False)

    def refresh(self) -> None:
        """Show the records of the selected overlay, or of its fit."""
        self.shown, text = None, "Select an overlay of MRS."
        overlay = self.displayCtx.getSelectedOverlay() if len(self.overlayList) else None
        fit = next((fit for fit in SESSION.fits if overlays.belongs(overlay, fit)), None)
        source = getattr(overlay, "dataSource", None)
        try:
            if fit is not None:
                self.shown = provenance_of(fit.curves.fit_path, fit.folder)
            elif source is not None and Path(source).is_file():
                self.shown = provenance_of(Path(source))
        except MRSDLError as error:
            text = str(error)
        self.mark.Show(self.shown is not None and bool(self.shown.synthetic))
        self.text.SetValue(text if self.shown is None else self.shown.text())
        self.Layout()
