"""The Grid view: small spectra of a slice over the anatomy; a click moves the cursor."""

from typing import Any

import numpy as np
import wx

from fsleyes_plugin.model.spectra_grid import anatomy_below, cells, window_around
from fsleyes_plugin.overlays import anatomy_of
from fsleyes_plugin.panels.figure_view import FigureView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.look_panel import VERDICT_COLOURS
from fsleyes_plugin.plots.grid_figure import draw_grid
from fsleyes_plugin.session import SESSION, Fit

_SIZES = (8, 12, 16, 24)  # voxels along each side; with more, spectra are narrower than 30 pixels
_FIRST = 1  # index of the size that is shown first: 12 spectra fit in half a window
NEEDED = "An MRSI with a fit is needed: load its folder."


class MRSGridView(Following, FigureView):
    """Spectra and fits of the voxels around the cursor, framed by verdict."""

    TITLE = "MRS grid"
    FLOATS = True

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        FigureView.__init__(self, parent, overlayList, displayCtx, frame)
        bar = wx.Panel(self.body)
        self.size = wx.Choice(bar, choices=[f"{n} x {n} voxels" for n in _SIZES])
        self.size.SetSelection(_FIRST)
        self.size.Bind(wx.EVT_CHOICE, lambda _event: self.later())
        self.where = wx.StaticText(bar)
        sizer = wx.BoxSizer(wx.HORIZONTAL)
        sizer.Add(self.size, flag=wx.ALL, border=3)
        sizer.Add(self.where, flag=wx.ALIGN_CENTRE_VERTICAL)
        bar.SetSizer(sizer)
        self.arrange(bar)
        self.cells: list[Any] = []
        self._drawn: Any = None
        self.canvas.mpl_connect("button_press_event", self._clicked)
        self.follow()

    def changed(self, what: str) -> None:
        """Draw again if the fit or the display changed."""
        if what in ("fits", "scan", "display"):
            self._drawn = None

    def resized(self) -> None:
        """Draw again in another size."""
        self._drawn = None
        self.later()

    def refresh(self) -> None:
        """Draw the slice at the cursor, if it is not drawn already."""
        fit = SESSION.fit
        voxel = None if fit is None or fit.single else fit.voxel_at(self.displayCtx.worldLocation.xyz)
        if fit is None or fit.single:
            self.cells, self._drawn = [], None
            self.figure.clear()
            self.figure.text(0.5, 0.5, NEEDED, ha="center")
            self.canvas.draw()
            return
        if voxel is None:
            return
        window = window_around(voxel, fit.grid, _SIZES[self.size.GetSelection()])
        if self._drawn is not None and self._shows(voxel, window):
            self._show_cursor(voxel)
            return
        anatomy = anatomy_of(self.overlayList)
        self.cells = cells(fit.curves, fit.maps, voxel[2], window, SESSION.display)
        below = None
        if anatomy is not None:
            image = np.nan_to_num(np.asarray(anatomy[:], dtype=np.float32))
            below = anatomy_below(image, anatomy.voxToWorldMat, fit.affine, voxel[2], window)
        axes = draw_grid(self.figure, self.cells, window, below, VERDICT_COLOURS, directions(fit))
        self._drawn = (window, voxel[2], axes, None)
        self._show_cursor(voxel)

    def _shows(self, voxel: Any, window: Any) -> bool:
        """Return whether the picture has the voxel of the cursor, in the chosen size."""
        drawn, z, *_ = self._drawn
        if voxel[2] != z:
            return False
        return all(
            old.start <= place < old.stop and new.stop - new.start == old.stop - old.start
            for old, new, place in zip(drawn, window, voxel[:2], strict=True)
        )

    def _show_cursor(self, voxel: Any) -> None:
        window, z, axes, mark = self._drawn
        if mark is not None:
            mark.remove()
        mark = axes.plot(*voxel[:2], marker="s", ms=5, mfc="none", mec="#00ff00")[0]
        self._drawn = (window, z, axes, mark)
        self.where.SetLabel("voxel {} {} {}".format(*voxel))
        self.canvas.draw()

    def _clicked(self, event: Any) -> None:
        """Move the cursor to the voxel of a click."""
        fit = SESSION.fit
        if fit is None or self._drawn is None or event.inaxes is not self._drawn[2]:
            return
        voxel = (round(event.xdata), round(event.ydata), self._drawn[1])
        self.displayCtx.worldLocation.xyz = [float(c) for c in fit.centre(voxel)]


def directions(fit: Fit) -> tuple[int, int]:
    """Return the directions of the axes on the screen, so that the right of the patient is on the left."""
    signs = []
    for axis in (0, 1):
        column = fit.affine[:3, axis]
        along = int(np.abs(column).argmax())
        sign = 1 if column[along] > 0 else -1
        signs.append(-sign if along == 0 else sign)
    return signs[0], signs[1]
