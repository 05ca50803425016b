"""The table at the cursor."""

from typing import Any

import wx

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io.results import LEADING
from fsleyes_plugin.model.damage import gone
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.table import VoxelTable, unit_of
from fsleyes_plugin.model.table_rows import Order, key_of_heading
from fsleyes_plugin.panels.columns import Columns
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.table_tools import TableTools
from fsleyes_plugin.panels.wrapped_text import WrappedText
from fsleyes_plugin.session import SESSION


class MRSFitTable(Following, DockedPanel):
    """The posterior, the estimate without prior, and quality; a clicked row highlights its curve."""

    TITLE = "Table at the cursor"
    VIEWS = (MRSFitView,)
    SIDE = wx.BOTTOM

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self.scaling = wx.Choice(self)
        self.scaling.SetToolTip("Scaling of the amounts")
        self.scaling.Bind(wx.EVT_CHOICE, lambda _event: self.later())
        self.remarks = WrappedText(self)
        self.list = wx.ListCtrl(self, style=wx.LC_REPORT | wx.LC_SINGLE_SEL | wx.LC_HRULES)
        self.list.Bind(wx.EVT_LIST_ITEM_SELECTED, self._selected)
        self.list.Bind(wx.EVT_LIST_COL_CLICK, lambda event: self.sort(event.GetColumn()))
        self.columns = Columns(self.list)
        self.tools = TableTools(self)
        self.order = Order()
        top = wx.BoxSizer(wx.HORIZONTAL)
        top.Add(self.scaling, flag=wx.ALL, border=3)
        top.AddStretchSpacer()
        top.Add(self.tools, flag=wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, border=3)
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(top, flag=wx.EXPAND)
        sizer.Add(self.remarks, flag=wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, border=4)
        sizer.Add(self.list, proportion=1, flag=wx.EXPAND)
        self.SetSizer(sizer)
        self.SetMinSize((300, 190))
        self.table: VoxelTable | None = None
        self.at: Voxel | None = None
        self._shown: tuple[str, ...] = ()
        self._heads: tuple[str, ...] = ()
        self.change("fits")
        self.follow()

    def changed(self, what: str) -> None:
        """List the scalings of the chosen fit; choose the leading one."""
        if what not in ("fits", "scan"):
            return
        scalings = SESSION.fit.table.scalings if SESSION.fit else ()
        if list(scalings) == self.scaling.GetStrings():
            return
        self.scaling.Set(list(scalings))
        if scalings:
            best = next((name for name in LEADING if name in scalings), scalings[0])
            self.scaling.SetStringSelection(best)

    def destroy(self) -> None:
        """Close; no listener stays."""
        self.tools.close()
        super().destroy()

    def sort(self, n: int) -> None:
        """Sort by the n-th heading: descending, then ascending, then in the order of the fit."""
        if self.table is not None:
            self.order = self.order.after_click(key_of_heading(self.table, n))
            self.later()

    def refresh(self) -> None:
        """Show the table at the cursor."""
        fit, scaling = SESSION.fit, self.scaling.GetStringSelection()
        voxel = None if fit is None else fit.voxel_at(self.displayCtx.worldLocation.xyz)
        self.table, self.at, text = None, voxel, ""
        if SESSION.scan is not None:
            text = "This file has no fit."
        elif fit is not None and not fit.here:
            text = gone(fit.key)
        elif fit is not None and voxel is None:
            text = "The cursor is outside of the grid."
        elif fit is not None and not scaling:
            text = "This fit has no table of amounts."
        elif fit is not None and voxel is not None:
            try:
                text = "The maps are being read .."
                if self.loading(fit) is None:
                    self.table = self.order.sorted(fit.table.at(voxel, scaling))
                    text = "; ".join(self.table.remarks)
            except MRSDLError as error:
                text = str(error)
        unit = unit_of(scaling)
        self.remarks.SetLabel("; ".join(part for part in (unit and f"in {unit}", text) if part))
        self._fill()

    def _fill(self) -> None:
        table = self.table
        self.list.Freeze()
        try:
            heads = () if table is None else table.heads()
            names = () if table is None else tuple(name for name, _ in table.rows)
            if heads != self._heads or names != self._shown:
                self.columns.clear()
                for n, text in enumerate(heads):
                    self.list.AppendColumn(text, wx.LIST_FORMAT_RIGHT if n else wx.LIST_FORMAT_LEFT)
                for n, name in enumerate(names):
                    self.list.InsertItem(n, name)
                self._heads, self._shown = heads, names
            if table is not None and table.rows:
                cells = table.texts()
                self.columns.fit(heads, cells)
                for row, texts in enumerate(cells):
                    for n, text in enumerate(texts[1:], start=1):
                        if self.list.GetItemText(row, n) != text:
                            self.list.SetItem(row, n, text)
        finally:
            self.list.Thaw()

    def _selected(self, event: Any) -> None:
        name = self._shown[event.GetIndex()]
        if name != SESSION.metabolite:
            SESSION.set("metabolite", metabolite=name)
