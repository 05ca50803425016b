"""Phase the spectra by dragging: up and down for the phase, left and right for the delay."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fsleyes_plugin.session import SESSION

if TYPE_CHECKING:
    from fsleyes_plugin.panels.fit_view import MRSFitView

_DEGREES_PER_PIXEL = 0.5  # half a turn over the height of a usual view
_MICROSECONDS_PER_PIXEL = 2.0  # the range of the field of the delay, 2 ms, over the width of a view
_LEFT_BUTTON = 1
"""Number of the left mouse button in Matplotlib."""


class PhaseDrag:
    """Turns drags on the canvas of a Fit view into phases while it is active."""

    def __init__(self, view: "MRSFitView") -> None:
        self._view = view
        self.active = False
        self._start: tuple[float, float, float, float] | None = None
        view.canvas.mpl_connect("button_press_event", self.press)
        view.canvas.mpl_connect("motion_notify_event", self.move)
        view.canvas.mpl_connect("button_release_event", self.release)

    def press(self, event: Any) -> None:
        """Begin a drag."""
        if self.active and event.button == _LEFT_BUTTON and event.inaxes is not None:
            display = SESSION.display
            self._start = (event.x, event.y, display.phase_deg, display.delay_us)

    def move(self, event: Any) -> None:
        """Turn the spectra with the pointer."""
        if self._start is None:
            return
        x, y, phase, delay = self._start
        turned = phase + _DEGREES_PER_PIXEL * (event.y - y)
        phase_deg = (turned + 180.0) % 360.0 - 180.0
        delay_us = delay + _MICROSECONDS_PER_PIXEL * (event.x - x)
        SESSION.set("display", display=replace(SESSION.display, phase_deg=phase_deg, delay_us=delay_us))

    def release(self, _event: Any) -> None:
        """End a drag; the fields of the bar show the phases."""
        if self._start is not None:
            self._start = None
            self._view.bar.show_phases()
