"""What all panels share: they follow the session and the cursor while they are open, and not a moment longer."""

from collections.abc import Callable
from typing import Any, ClassVar

import fsl.utils.idle as idle

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin.panels.telling import tell
from fsleyes_plugin.session import SESSION


class Following:
    """Mixed into a panel of FSLeyes, ahead of it: calls ``refresh`` in the idle loop when something changed.

    The panel calls :meth:`follow` at the end of its constructor.
    """

    TITLE: ClassVar[str]
    name: str
    destroyed: bool
    _told_last = ""
    displayCtx: Any
    overlayList: Any

    def follow(self, *, cursor: bool = True) -> None:
        """Begin to listen."""
        SESSION.listen(self.name, self._session_changed)
        if cursor:
            self.displayCtx.addListener("worldLocation", self.name, self._cursor_moved)
        self.overlayList.addListener("overlays", self.name, self._overlays_changed)
        self.later()

    def destroy(self) -> None:
        """Close; no listener stays."""
        SESSION.forget(self.name)
        if self.displayCtx.hasListener("worldLocation", self.name):
            self.displayCtx.removeListener("worldLocation", self.name)
        self.overlayList.removeListener("overlays", self.name)
        super().destroy()  # type: ignore[misc]

    def later(self) -> None:
        """Refresh once when there is nothing else to do."""
        idle.idle(self._refresh, name=f"{self.name}_refresh", skipIfQueued=True)

    def _refresh(self) -> None:
        if not self.destroyed:
            self._attempt(self.refresh)

    def refresh(self) -> None:
        """Show what is true now; a panel that has nothing to show leaves it as it is."""

    def changed(self, what: str) -> None:
        """Hear what of the session changed, before the refresh."""

    def _session_changed(self, what: str) -> None:
        self.change(what)
        self.later()

    def change(self, what: str) -> None:
        """Call :meth:`changed`; tell what cannot be read."""
        self._attempt(self.changed, what)

    def _attempt(self, work: Callable[..., None], *args: Any) -> None:
        """Do something that reads files; what cannot be read is told once, not at every move of the cursor."""
        try:
            work(*args)
        except MRSDLError as error:
            if str(error) != self._told_last:
                tell(self.TITLE, error)
            self._told_last = str(error)

    def _cursor_moved(self, *_args: Any) -> None:
        self.later()

    def _overlays_changed(self, *_args: Any) -> None:
        self.later()
