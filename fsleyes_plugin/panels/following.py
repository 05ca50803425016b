"""What all panels share: they follow the session and the cursor while they are open, and not a moment longer."""

from typing import Any

import fsl.utils.idle as idle

from fsleyes_plugin.session import SESSION


class Following:
    """Mixed into a panel of FSLeyes, ahead of it: calls ``refresh`` in the idle loop when something changed.

    The panel calls :meth:`follow` at the end of its constructor.
    """

    name: str
    destroyed: bool
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
            self.refresh()

    def refresh(self) -> None:
        """Show what is true now; a panel that has nothing to show leaves it as it is."""

    def changed(self, what: str) -> None:
        """Hear what of the session changed, before the refresh."""

    def _session_changed(self, what: str) -> None:
        self.changed(what)
        self.later()

    def _cursor_moved(self, *_args: Any) -> None:
        self.later()

    def _overlays_changed(self, *_args: Any) -> None:
        self.later()
