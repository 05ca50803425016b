"""Buttons of the table at the cursor: copy, save, clear the highlight."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import wx

from fsleyes_plugin.model.table_rows import as_csv, as_tabs, save_text
from fsleyes_plugin.panels.errors import chosen_path, show_errors
from fsleyes_plugin.panels.page_of import page_of
from fsleyes_plugin.plots.fit_figure import Style
from fsleyes_plugin.plots.page_figure import save_page
from fsleyes_plugin.session import SESSION

if TYPE_CHECKING:
    from fsleyes_plugin.panels.table_panel import MRSFitTable


class TableTools(wx.Panel):
    """A row of buttons for the table of a panel."""

    TITLE = "Table at the cursor"

    def __init__(self, panel: "MRSFitTable") -> None:
        wx.Panel.__init__(self, panel)
        self._panel = panel
        sizer = wx.BoxSizer(wx.HORIZONTAL)
        buttons = (
            ("Copy", self.copy, "Copy the table, for a spreadsheet"),
            ("Save CSV...", self.save, "Write the table with full precision"),
            (
                "Save page...",
                self.save_page,
                "Spectrum, place, table and provenance on one page (PDF or PNG)",
            ),
            ("No highlight", self.clear, "Remove the highlighted curve"),
        )
        for text, action, tip in buttons:
            button = wx.Button(self, label=text, style=wx.BU_EXACTFIT)
            button.SetToolTip(tip)
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())
            sizer.Add(button, flag=wx.LEFT, border=2)
        self.SetSizer(sizer)

    def close(self) -> None:
        """Delete the reference to the panel."""
        del self._panel

    def copy(self) -> str:
        """Put the table on the clipboard; return it."""
        text = "" if self._panel.table is None else as_tabs(self._panel.table)
        if text and wx.TheClipboard.Open():
            wx.TheClipboard.SetData(wx.TextDataObject(text))
            wx.TheClipboard.Close()
        return text

    @show_errors
    def save(self, path: Path | None = None) -> None:
        """Write the table as CSV; without a path, ask for one."""
        table, voxel, fit = self._panel.table, self._panel.at, SESSION.fit
        if table is None or voxel is None or fit is None:
            return
        style = wx.FD_SAVE | wx.FD_OVERWRITE_PROMPT
        default = "table.csv" if fit.single else "table_{}_{}_{}.csv".format(*voxel)
        chosen = path or chosen_path(wx.FileDialog(self, "Save the table", defaultFile=default, style=style))
        if chosen is not None:
            save_text(as_csv(table, fit.name, voxel), chosen)

    @show_errors
    def save_page(self, path: Path | None = None) -> None:
        """Write spectrum, place, table and provenance on one page; without a path, ask for one."""
        voxel, fit = self._panel.at, SESSION.fit
        if voxel is None or fit is None:
            return
        style = wx.FD_SAVE | wx.FD_OVERWRITE_PROMPT
        kinds = "PDF (*.pdf)|*.pdf|PNG (*.png)|*.png"
        chosen = path or chosen_path(
            wx.FileDialog(self, "Save the page", defaultFile="voxel.pdf", wildcard=kinds, style=style)
        )
        if chosen is not None:
            page = page_of(fit, voxel, self._panel.table, self._panel.overlayList)
            save_page(page, Style(SESSION.metabolite, band=SESSION.display.band), chosen)

    def clear(self) -> None:
        """Highlight no metabolite."""
        items: Any = self._panel.list
        row = items.GetFirstSelected()
        if row >= 0:
            items.Select(row, on=0)
        SESSION.set("metabolite", metabolite="")
