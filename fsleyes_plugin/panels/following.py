"""Base class of all panels: they follow the session and the cursor while they are open."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

import fsl.utils.idle as idle
import wx

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin.loading import Loading, loading_of
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.panels.errors import show_error
from fsleyes_plugin.session import SESSION, Fit

_log = logging.getLogger(__name__)
_LOOK_MS = 200
"""Time between two looks at what a thread has read, in ms: often enough for the eye."""


class Following:
    """First base class of a panel of FSLeyes: calls ``refresh`` in the idle loop after a change.

    The panel calls :meth:`follow` at the end of its constructor.
    """

    TITLE: ClassVar[str]
    name: str
    destroyed: bool
    _looking = False
    displayCtx: Any
    overlayList: Any

    def follow(self, *, cursor: bool = True) -> None:
        """Start to listen to changes."""
        SESSION.listen(self.name, self._session_changed)
        if cursor:
            self.displayCtx.addListener("worldLocation", self.name, self._cursor_moved)
        self.displayCtx.addListener("selectedOverlay", self.name, self._overlays_changed)
        self.overlayList.addListener("overlays", self.name, self._overlays_changed)
        self.later()

    def destroy(self) -> None:
        """Close; no listener stays."""
        SESSION.forget(self.name)
        for what in ("worldLocation", "selectedOverlay"):
            if self.displayCtx.hasListener(what, self.name):
                self.displayCtx.removeListener(what, self.name)
        self.overlayList.removeListener("overlays", self.name)
        super().destroy()  # type: ignore[misc]

    def later(self) -> None:
        """Refresh once in the idle loop."""
        idle.idle(self._refresh, name=f"{self.name}_refresh", skipIfQueued=True)

    def loading(self, one: Fit | Scan) -> Loading | None:
        """Return the reading of a large fit or file in a thread, or None at its end; until then, refresh again.

        Raises
        ------
        MRSDLError
            If it failed.
        """
        loading = loading_of(one)
        if loading is not None and not self._looking:
            self._looking = True
            wx.CallLater(_LOOK_MS, self._look)
        return loading

    def _look(self) -> None:
        self._looking = False
        if not self.destroyed:
            self.later()

    def _refresh(self) -> None:
        if not self.destroyed:
            self._attempt(self.refresh)

    def refresh(self) -> None:
        """Show the current state; the default does nothing."""

    def changed(self, what: str) -> None:
        """React to a change of the session, before the refresh."""

    def _session_changed(self, what: str) -> None:
        self.change(what)
        self.later()

    def change(self, what: str) -> None:
        """Call :meth:`changed`, and show errors."""
        self._attempt(self.changed, what)

    def _attempt(self, work: Callable[..., None], *args: Any) -> None:
        """Run work that reads files; show each error once, not in each panel and at every move of the cursor.

        FSLeyes would only write an unexpected one into its log, and the panel would show the state before.
        """
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001 - otherwise FSLeyes hides it in its log
            if not isinstance(error, MRSDLError):
                _log.exception("%s cannot show the current state", self.TITLE)
            if str(error) not in SESSION.error_texts:
                SESSION.error_texts.add(str(error))
                show_error(self.TITLE, error)

    def _cursor_moved(self, *_args: Any) -> None:
        self.later()

    def _overlays_changed(self, *_args: Any) -> None:
        self.later()
