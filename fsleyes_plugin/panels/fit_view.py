"""The Fit view: data, fit, baseline, residual and band at the cursor."""

from pathlib import Path
from typing import Any
from weakref import WeakSet

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin import overlays
from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.panels.errors import show_error
from fsleyes_plugin.panels.figure_view import FigureView
from fsleyes_plugin.panels.fit_bar import FitBar
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
from fsleyes_plugin.plots.painting import Painter
from fsleyes_plugin.session import SESSION, Fit

NOTHING_OPEN = (
    'No fit is open. Choose "Load MRS fit..." in the Tools menu, or drag a fit.nii.gz or a scan here.'
)
MOST_PINS = 3  # more make the figures too narrow
_PIN_COLOUR = (1.0, 0.3, 1.0)  # magenta, which neither the anatomy nor the colours of maps have
Pin = tuple[Fit | Scan, Voxel, tuple[int, ...]]
"""Fit or file, voxel, and indices of the higher dimensions."""


class MRSFitView(Following, FigureView):
    """Spectra of the chosen fit, or of a file without one, at the cursor and at pinned voxels."""

    TITLE = "MRS fit"
    CONTROLS = ("MRSFitTable", "MRSFitMaps")

    @staticmethod
    def controlOrder() -> list[str]:
        """Return the order of the controls in the menu."""
        return [
            "MRSFitTable", "MRSFitMaps", "MRSFitQuality", "MRSFitDisplay", "MRSFitProvenance", "MRSRunStep",
        ]  # fmt: skip

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        FigureView.__init__(self, parent, overlayList, displayCtx, frame)
        self.bar = FitBar(self.body, self)
        self.painter = Painter(self.canvas)
        self.arrange(self.bar)
        self.pins: list[Pin] = []
        self.stacked = False
        self.compared = False
        self.traces: list[Trace] = []
        self._known: WeakSet[Any] = WeakSet()
        self.follow()

    def destroy(self) -> None:
        """Close; no listener stays."""
        self.bar.close()
        super().destroy()

    def changed(self, what: str) -> None:
        """Remove the pins of closed fits and files; list the open ones."""
        if what in ("fits", "scan"):
            known = (*SESSION.fits, *SESSION.scans)
            self.pins = [pin for pin in self.pins if pin[0] in known]
            self.bar.update()

    def resized(self) -> None:
        """Lay out the figure again."""
        self.later()

    def pin(self) -> None:
        """Pin the voxel at the cursor: it stays next to that of the cursor."""
        shown, voxel = self.shown(), self.voxel()
        if shown is not None and voxel is not None and (shown, voxel, SESSION.places) not in self.pins:
            self._set_pins([*self.pins, (shown, voxel, SESSION.places)][-MOST_PINS:])

    def unpin(self) -> None:
        """Show only the voxel at the cursor."""
        self._set_pins([])

    def _set_pins(self, pins: list[Pin]) -> None:
        """Change the pinned voxels, and outline them over the anatomy."""
        pinned = {shown.key: shown for shown, *_ in (*self.pins, *pins) if not shown.single}
        self.pins = pins
        for shown in pinned.values():
            voxels = [voxel for one, voxel, _ in pins if one is shown]
            mark(shown, self.overlayList, self.displayCtx, "pinned", voxels, _PIN_COLOUR)
        self.later()

    def close_shown(self) -> None:
        """Close the fit or file that is shown, with its overlays."""
        shown = self.shown()
        if shown is not None:
            self._set_pins([pin for pin in self.pins if pin[0] is not shown])
            overlays.remove_of(shown, self.overlayList)
            SESSION.close_one(shown)

    def shown(self) -> Fit | Scan | None:
        """Return the fit or file of the spectra at the cursor."""
        return SESSION.scan if SESSION.scan is not None else SESSION.chosen

    def voxel(self) -> Voxel | None:
        """Return the voxel at the cursor."""
        shown = self.shown()
        return None if shown is None else shown.voxel_at(self.displayCtx.worldLocation.xyz)

    def refresh(self) -> None:
        """Draw the spectra at the cursor."""
        try:
            overlays.open_dropped(self.overlayList, self.displayCtx, self._known)
        except MRSDLError as error:
            show_error("Load MRS fit", error)
        self.traces = [self._trace(*pinned, pinned=True) for pinned in self.pins]
        self.traces.append(self._trace(self.shown(), self.voxel(), SESSION.places))
        style = Style(SESSION.metabolite, self.stacked, SESSION.display.band, SESSION.look)
        draw_fits(self.figure, self.traces, style)
        self.painter.paint()

    def _trace(
        self, shown: Fit | Scan | None, voxel: Voxel | None, places: tuple[int, ...], *, pinned: bool = False
    ) -> Trace:
        if shown is None:
            return Trace("", None, message=NOTHING_OPEN)
        if voxel is None:
            return Trace(shown.name, None, message="The cursor is outside of the spectroscopic grid.")
        where = Path(shown.key).name if shown.single else f"voxel {voxel[0]} {voxel[1]} {voxel[2]}"
        title = f"{'pinned ' if pinned else ''}{where}"
        other = None
        try:
            if isinstance(shown, Scan):
                title = ", ".join(part for part in (title, shown.where(places)) if part)
                lines, message = (
                    shown.lines(voxel, places, SESSION.display),
                    "There is no signal in this voxel.",
                )
            else:
                lines, message = (
                    shown.curves.lines(voxel, SESSION.display),
                    "Nothing was fitted in this voxel.",
                )
                other = self._other(shown, voxel)
        except MRSDLError as error:
            return Trace(title, None, message=str(error))
        if lines is None:
            return Trace(title, None, message=message)
        name = SESSION.other.name if other is not None and SESSION.other is not None else ""
        return Trace(title, lines, shown.name, other, name)

    def _other(self, fit: Fit, voxel: Voxel) -> Any:
        """Return the lines of the second fit at the same position."""
        if not self.compared or SESSION.other is None or fit is not SESSION.chosen:
            return None
        place = SESSION.other.voxel_at(fit.centre(voxel))
        turn = fit.curves.frame(voxel)  # the phases of the data over which it is drawn
        return None if place is None else SESSION.other.curves.lines(place, SESSION.display, turn)
