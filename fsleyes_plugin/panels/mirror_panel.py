"""The voxel at the cursor beside the one on the other side of the midline."""

from typing import Any

import wx

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.mirror import Mirror, mirror_axis, side_by_side
from fsleyes_plugin.panels.columns import Columns
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.region_panel import middle_of
from fsleyes_plugin.session import SESSION, Fit

_HEADS = ("metabolite", "here / other", "here", "other side")
_COLOUR = (0.2, 1.0, 1.0)  # cyan, which neither pins nor regions have


class MRSFitMirror(Following, DockedPanel):
    """Spectra and amounts of both sides; the plane is the middle of the fitted voxels, or set by the cursor."""

    TITLE = "MRS other side"
    VIEWS = (MRSFitView,)
    SIDE = wx.RIGHT

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self._view = viewPanel
        here = wx.Button(self, label="Midline at the cursor", style=wx.BU_EXACTFIT)
        here.SetToolTip("The plane runs through the voxel at the cursor")
        here.Bind(wx.EVT_BUTTON, lambda _event: self.set_middle())
        self.where = wx.StaticText(self)
        self.list = wx.ListCtrl(self, style=wx.LC_REPORT | wx.LC_HRULES)
        for n, head in enumerate(_HEADS):
            self.list.AppendColumn(head, wx.LIST_FORMAT_RIGHT if n else wx.LIST_FORMAT_LEFT)
        self.columns = Columns(self.list)
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(here, flag=wx.ALL, border=3)
        sizer.Add(self.where, flag=wx.LEFT, border=3)
        sizer.Add(self.list, proportion=1, flag=wx.EXPAND)
        self.SetSizer(sizer)
        self.SetMinSize((440, 200))
        self.of: Fit | None = None
        self.rows: list[tuple[str, str, str, str]] = []
        self.change("fits")
        self.follow()

    def destroy(self) -> None:
        """Close; the other side is no longer shown."""
        if self.of is not None:
            mark(self.of, self.overlayList, self.displayCtx, "other side", (), _COLOUR)
        super().destroy()
        SESSION.set("display", mirror=None)

    def changed(self, what: str) -> None:
        """Place the plane in the middle of another fit."""
        fit = SESSION.fit
        if what not in ("fits", "scan") or fit is self.of:
            return
        self.of = fit if fit is not None and not fit.single else None
        SESSION.mirror = None if self.of is None else middle_of(self.of)

    def set_middle(self) -> None:
        """Place the plane at the voxel of the cursor."""
        voxel = None if self.of is None else self.of.voxel_at(self.displayCtx.worldLocation.xyz)
        if self.of is not None and voxel is not None:
            axis = mirror_axis(self.of.affine)
            SESSION.set("display", mirror=Mirror(axis, float(voxel[axis])))

    def refresh(self) -> None:
        """Show the amounts of both sides, and mark the voxel of the other side."""
        fit, mirror = self.of, SESSION.mirror
        self.rows, text = [], "An MRSI with a fit is needed."
        if fit is not None and mirror is not None:
            here = fit.voxel_at(self.displayCtx.worldLocation.xyz)
            there = None if here is None else mirror.voxel(here, fit.grid)
            text = "The other side is outside of the grid."
            mark(
                fit,
                self.overlayList,
                self.displayCtx,
                "other side",
                () if there is None else (there,),
                _COLOUR,
            )
            if here is not None and there is not None:
                text = "voxel {} {} {} and {} {} {}".format(*here, *there)
                try:
                    self.rows = list(
                        side_by_side(*(fit.table.at(voxel, self._scaling(fit)) for voxel in (here, there)))
                    )
                except MRSDLError as error:
                    text = str(error)
        self.where.SetLabel(text)
        self._fill()

    def _scaling(self, fit: Fit) -> str:
        """Return the scaling that can be compared between voxels: concentrations, or amplitudes."""
        return next(
            (name for name in ("molality", "raw") if name in fit.table.scalings), fit.table.scalings[0]
        )

    def _fill(self) -> None:
        self.list.Freeze()
        try:
            self.list.DeleteAllItems()
            cells = [(name, quotient, here, there) for name, here, there, quotient in self.rows]
            self.columns.fit(_HEADS, cells)
            for n, row in enumerate(cells):
                self.list.InsertItem(n, row[0])
                for k, text in enumerate(row[1:], start=1):
                    self.list.SetItem(n, k, text)
        finally:
            self.list.Thaw()
