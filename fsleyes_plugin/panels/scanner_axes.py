"""The axes in which FSLeyes shows images: those of the scanner stay when overlays come and go."""

from typing import Any

SCANNER = "world"
"""Name of the axes of the scanner, in FSLeyes."""


class ScannerAxes:
    """Keeps the axes of the scanner: FSLeyes 1.20.2 takes those of the first image at each change of its list.

    Parameters
    ----------
    name : str
        Of the listeners.
    overlayList, displayCtx : OverlayList, DisplayContext
    """

    def __init__(self, name: str, overlayList: Any, displayCtx: Any) -> None:
        self._name, self._list, self._context = f"{name}_space", overlayList, displayCtx
        self._known, self._space = tuple(overlayList), displayCtx.displaySpace
        displayCtx.addListener("displaySpace", self._name, self._look)
        overlayList.addListener("overlays", self._name, self._look)

    def close(self) -> None:
        """Remove the listeners."""
        self._context.removeListener("displaySpace", self._name)
        self._list.removeListener("overlays", self._name)

    def _look(self, *_args: Any) -> None:
        """Undo a change that came with one of the list; another one is the choice of the user."""
        known, self._known = self._known, tuple(self._list)
        if known != self._known and self._space == SCANNER != self._context.displaySpace:
            self._context.displaySpace = SCANNER
        else:
            self._space = self._context.displaySpace
