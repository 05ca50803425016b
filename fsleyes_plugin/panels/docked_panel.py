"""What the controls have in common: a name, the views they belong to, and the side they open at."""

from typing import Any, ClassVar

import wx
from fsleyes.controls.controlpanel import ControlPanel


class DockedPanel(ControlPanel):
    """A control of FSLeyes that says what it is by attributes of its class.

    Attributes
    ----------
    TITLE : str
    VIEWS : tuple of type, or None
        None: it goes with any view.
    SIDE : int
        ``wx.TOP``, ``wx.BOTTOM`` or ``wx.RIGHT``.
    """

    TITLE: ClassVar[str]
    VIEWS: ClassVar[tuple[type, ...] | None] = None
    SIDE: ClassVar[int] = wx.RIGHT

    @classmethod
    def title(cls) -> str:
        """Return what the panel is called in menus."""
        return cls.TITLE

    @classmethod
    def supportedViews(cls) -> list[type] | None:
        """Return the views it belongs to."""
        return None if cls.VIEWS is None else list(cls.VIEWS)

    @classmethod
    def defaultLayout(cls) -> dict[str, Any]:
        """Return where it opens."""
        return {"location": cls.SIDE}
