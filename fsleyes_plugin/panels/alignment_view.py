"""The Alignment view: transients before and after, drift and phase with their bands."""

from pathlib import Path
from typing import Any

import wx

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.report import draw_alignment
from fsleyes_plugin.model.alignment import Alignment, open_alignment
from fsleyes_plugin.panels.errors import chosen_path, show_error
from fsleyes_plugin.panels.figure_view import FigureView


class MRSAlignmentView(FigureView):
    """Shows one ``N_align.csv`` with its transients."""

    TITLE = "MRS alignment"
    FLOATS = True

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        FigureView.__init__(self, parent, overlayList, displayCtx, frame, constrained=True)
        bar = wx.Panel(self.body)
        table = wx.Button(bar, label="Open N_align.csv...")
        table.Bind(wx.EVT_BUTTON, lambda _event: self.ask())
        self.name_of_file = wx.StaticText(bar)
        sizer = wx.BoxSizer(wx.HORIZONTAL)
        sizer.Add(table, flag=wx.ALL, border=3)
        sizer.Add(self.name_of_file, flag=wx.ALIGN_CENTRE_VERTICAL)
        bar.SetSizer(sizer)
        self.arrange(bar)
        self.alignment: Alignment | None = None

    def open(self, table: str | Path, transients: str | Path | None = None) -> Alignment | None:
        """Show an alignment.

        Parameters
        ----------
        table : str or Path
            ``N_align.csv``.
        transients : str or Path, optional
            The transients, aligned or not. Default: ``N.nii.gz`` in the folder of the table.

        Returns
        -------
        Alignment or None
            None if it could not be opened; the error is shown.
        """
        try:
            alignment = open_alignment(Path(table), None if transients is None else Path(transients))
            self.figure.clear()
            draw_alignment(self.figure, alignment.before, alignment, dim=alignment.dim)
        except MRSDLError as error:
            show_error("Open an alignment", error)
            return None
        self.alignment = alignment
        path = Path(table)
        self.name_of_file.SetLabel(
            "; ".join(part for part in (f"{path.parent.name}/{path.name}", alignment.remark()) if part)
        )
        self.name_of_file.SetToolTip(str(path))
        self.canvas.draw()
        return alignment

    def ask(self) -> None:
        """Ask for a table, and for its transients if they are not in its folder."""
        table = self._file("Table of align", "N_align.csv|*_align.csv")
        if table is None:
            return
        stem = table.name.removesuffix("_align.csv")
        beside = any((table.parent / f"{stem}{end}").is_file() for end in (".nii.gz", ".nii"))
        self.open(table, None if beside else self._file("The transients", "NIfTI-MRS|*.nii;*.nii.gz"))

    def _file(self, message: str, wildcard: str) -> Path | None:
        return chosen_path(wx.FileDialog(self, message, wildcard=wildcard, style=wx.FD_OPEN))
