"""A view with one figure of Matplotlib below a row of choices."""

from typing import Any, ClassVar

import fsl.utils.idle as idle
import wx
from fsleyes.views.viewpanel import ViewPanel
from matplotlib.backends.backend_wx import NavigationToolbar2Wx
from matplotlib.backends.backend_wxagg import FigureCanvasWxAgg
from matplotlib.figure import Figure

_WINDOW_SHARE = (0.6, 0.5)  # of the main window, lower right: two plots, and maps and spectrum stay in sight
_LEAST_PIXELS = (200, 120)  # width and height, below which axes have no room


class FigureView(ViewPanel):
    """Figure, canvas and the tools to zoom and save it, below a bar.

    Attributes
    ----------
    TITLE : str
    CONTROLS : tuple of str
        The controls that the view opens with.
    FLOATS : bool
        Whether it opens in a window of its own, so that other views keep their size; it can be docked.
    """

    TITLE: ClassVar[str]
    CONTROLS: ClassVar[tuple[str, ...]] = ()
    FLOATS: ClassVar[bool] = False

    @classmethod
    def title(cls) -> str:
        """Return the name of the view in menus."""
        return cls.TITLE

    @classmethod
    def defaultLayout(cls) -> list[str]:
        """Return the controls that the view opens with."""
        return list(cls.CONTROLS)

    def __init__(
        self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any, *, constrained: bool = False
    ) -> None:
        ViewPanel.__init__(self, parent, overlayList, displayCtx, frame)
        self.body = wx.Panel(self)
        self.figure = Figure(facecolor="white", layout="constrained" if constrained else None)
        self.canvas = FigureCanvasWxAgg(self.body, -1, self.figure)
        self.canvas.SetMinSize(_LEAST_PIXELS)
        self.canvas.Bind(wx.EVT_SIZE, self._sized)
        self.navigation = NavigationToolbar2Wx(self.canvas)
        self.centrePanel = self.body
        if self.FLOATS:
            idle.idle(self._float)

    def _float(self) -> None:
        """Take the view out of the main window, unless it is alone there or floats already."""
        if self.destroyed or len(self.frame.viewPanels) < 2:
            return
        manager, pane = self.frame.auiManager, self.frame.auiManager.GetPane(self)
        if pane.IsOk() and not pane.IsFloating():
            area = self.frame.GetScreenRect()
            width, height = (
                round(share * has) for share, has in zip(_WINDOW_SHARE, area.GetSize(), strict=True)
            )
            place = (area.GetRight() - width, area.GetBottom() - height)
            pane.Float().FloatingSize((width, height)).FloatingPosition(place)
            manager.Update()

    def arrange(self, bar: Any) -> None:
        """Place a bar above the figure."""
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(bar, flag=wx.EXPAND)
        sizer.Add(self.canvas, proportion=1, flag=wx.EXPAND)
        sizer.Add(self.navigation, flag=wx.EXPAND)
        self.body.SetSizer(sizer)

    def resized(self) -> None:
        """React to another size of the figure."""

    def _sized(self, event: Any) -> None:
        event.Skip()  # the canvas follows by itself
        if not self.destroyed:
            self.resized()
