"""Base class of the controls: a name, the views they belong to, and the side at which they open."""

from typing import Any, ClassVar

import wx
from fsleyes.controls.controlpanel import ControlPanel


class DockedPanel(ControlPanel):
    """A control of FSLeyes, described by attributes of its class.

    Attributes
    ----------
    TITLE : str
    VIEWS : tuple of type, or None
        Views of the control; None: any view.
    SIDE : int
        ``wx.TOP``, ``wx.BOTTOM`` or ``wx.RIGHT``.
    """

    TITLE: ClassVar[str]
    VIEWS: ClassVar[tuple[type, ...] | None] = None
    SIDE: ClassVar[int] = wx.RIGHT

    @classmethod
    def title(cls) -> str:
        """Return the name of the panel in menus."""
        return cls.TITLE

    @classmethod
    def supportedViews(cls) -> list[type] | None:
        """Return the views of the panel."""
        return None if cls.VIEWS is None else list(cls.VIEWS)

    @classmethod
    def defaultLayout(cls) -> dict[str, Any]:
        """Return the side at which the panel opens."""
        return {"location": cls.SIDE}
