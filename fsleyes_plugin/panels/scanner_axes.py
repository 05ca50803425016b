"""The axes in which FSLeyes shows images: those that were chosen stay when overlays come and go."""

from typing import Any

_FIRST_IMAGE = "ref"
"""Name that FSLeyes gives to the axes of the first image."""


class ScannerAxes:
    """Keeps the axes of the scanner.

    FSLeyes 1.20.2 takes its default axes whenever its list of overlays changes, unless those of an image were
    chosen, and those of its first image when a view is opened. This makes the present axes the default of all
    views that show them, and takes them again after a view was opened.

    Parameters
    ----------
    name : str
        Of the listener.
    frame, displayCtx : FSLeyesFrame, DisplayContext
    """

    def __init__(self, name: str, frame: Any, displayCtx: Any) -> None:
        self._name, self._frame, self._context = f"{name}_axes", frame, displayCtx
        self._space: Any = None
        self._views = 0
        displayCtx.addListener("displaySpace", self._name, self.keep)
        self.keep()

    def close(self) -> None:
        """Remove the listener."""
        self._context.removeListener("displaySpace", self._name)

    def keep(self, *_args: Any) -> None:
        """Make the present axes the default; after a view was opened, take those before again."""
        contexts = (self._frame.displayCtx, *self._frame.displayCtx.getChildren())
        opened, self._views = len(contexts) > self._views > 0, len(contexts)
        if opened and isinstance(self._space, str) and not isinstance(self._context.displaySpace, str):
            self._context.displaySpace = self._space
        self._space = self._context.displaySpace
        for context in contexts:
            if context.displaySpace == self._space:
                named = isinstance(self._space, str)
                context.defaultDisplaySpace = self._space if named else _FIRST_IMAGE
