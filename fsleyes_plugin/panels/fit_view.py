"""The Fit view: data, fit, baseline, residual and band at the cursor."""

from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakSet

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io.run_folder import unfinished
from fsleyes_plugin import overlays
from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.comparison import in_units_of
from fsleyes_plugin.model.curves import Lines
from fsleyes_plugin.model.damage import gone
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.held import held
from fsleyes_plugin.model.parts import lines_of_part
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.model.table import NOTHING_FITTED
from fsleyes_plugin.panels.errors import show_error
from fsleyes_plugin.panels.figure_view import FigureView
from fsleyes_plugin.panels.fit_bar import FitBar
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.phase_drag import PhaseDrag
from fsleyes_plugin.panels.scanner_axes import ScannerAxes
from fsleyes_plugin.plots.arranging import arranged
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
from fsleyes_plugin.plots.painting import Painter
from fsleyes_plugin.session import SESSION, Fit

NOTHING_OPEN = (
    'No fit is open. Choose "Load MRS fit..." in the Tools menu, or drag a fit.nii.gz or a scan here.'
)
MOST_PINS = 3  # more make the figures too narrow
_OF_MAPS = ("MRSFitMaps", "MRSFitQuality")
"""Controls that have no use for a single spectrum."""
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
            "MRSFitTable", "MRSFitMaps", "MRSFitQuality", "MRSFitDisplay", "MRSFitRegion", "MRSFitMirror",
            "MRSRangeMap", "MRSFitProvenance", "MRSRunStep",
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
        self._selected: Any = None
        self.drag = PhaseDrag(self)
        self._axes = ScannerAxes(self.name, frame, displayCtx)
        self.follow()

    def destroy(self) -> None:
        """Close; no listener stays."""
        self.bar.close()
        self._axes.close()
        super().destroy()

    def changed(self, what: str) -> None:
        """List the open fits and files and remove the pins of others; show the voxels that pass the limits."""
        if what == "mask" and SESSION.fit is not None:
            # Here and not in a panel of maps, which may be closed.
            overlays.apply_mask(SESSION.fit, self.overlayList, self.displayCtx)
        if what in ("fits", "scan"):
            self._axes.keep()  # also of views that were opened since
            known = (*SESSION.fits, *SESSION.scans)
            self.pins = [pin for pin in self.pins if pin[0] in known]
            self.bar.update()
            overlays.bring_up(self.overlayList, self.displayCtx)
            self._make_room()
            self._selected = self._selection()

    def _make_room(self) -> None:
        """Hide the controls of maps while there are none, so that the table has their place."""
        many = SESSION.fit is not None and not SESSION.fit.single
        changed = False
        for panel in self.getPanels():
            pane = self.auiManager.GetPane(panel)
            if type(panel).__name__ in _OF_MAPS and pane.IsShown() != many:
                pane.Show(many)
                changed = True
        if changed:
            self.auiManager.Update()

    def resized(self) -> None:
        """Lay out the figure again."""
        self.later()

    def pin(self) -> None:
        """Pin the voxel at the cursor: it stays next to that of the cursor."""
        shown, voxel = SESSION.shown, self.voxel()
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
        shown = SESSION.shown
        if shown is not None:
            self._set_pins([pin for pin in self.pins if pin[0] is not shown])
            overlays.remove_of(shown, self.overlayList)
            SESSION.close_one(shown)

    def voxel(self) -> Voxel | None:
        """Return the voxel at the cursor."""
        shown = SESSION.shown
        return None if shown is None else shown.voxel_at(self.displayCtx.worldLocation.xyz)

    def refresh(self) -> None:
        """Draw the spectra at the cursor."""
        try:
            overlays.open_dropped(self.overlayList, self.displayCtx, self._known)
        except MRSDLError as error:
            show_error("Load MRS fit", error)
        self._follow_selection()
        self._follow_disk()
        self.traces = [self._trace(*pinned, start="pinned ") for pinned in self.pins]
        self.traces.append(self._trace(SESSION.shown, self.voxel(), SESSION.places))
        opposite = self._opposite()
        if opposite is not None:
            self.traces.insert(-1, opposite)
        style = Style(SESSION.metabolite, self.stacked, SESSION.display.band, SESSION.look)
        data = None if SESSION.shown is None else SESSION.shown.one
        draw_fits(self.figure, arranged(self.traces, SESSION.look, SESSION.held, data), style)
        self.painter.paint()

    def hold(self) -> None:
        """Keep the line at the cursor on the axes."""
        trace = self.traces[-1] if self.traces else None
        line = None if trace is None or trace.lines is None else held(trace.title or trace.name, trace.lines)
        if line is not None:
            SESSION.set("display", held=(*SESSION.held, line))

    def _selection(self) -> Any:
        return self.displayCtx.getSelectedOverlay() if len(self.overlayList) else None

    def _follow_selection(self) -> None:
        """Draw the fit or file of the overlay that was selected in the list of FSLeyes."""
        selected = self._selection()
        if selected is self._selected:
            return
        self._selected = selected
        chosen = overlays.owner(selected)
        if chosen is not None and chosen is not SESSION.shown:
            SESSION.draw(chosen)

    def _follow_disk(self) -> None:
        """Read the folder again if another run has written it."""
        fit = SESSION.fit
        if fit is None or not fit.here or not fit.changed_on_disk() or unfinished(fit.folder.path):
            return
        fit = SESSION.reopen(fit)
        overlays.apply_mask(fit, self.overlayList, self.displayCtx)

    def _trace(
        self, shown: Fit | Scan | None, voxel: Voxel | None, places: tuple[int, ...], *, start: str = ""
    ) -> Trace:
        if shown is None:
            return Trace("", None, message=NOTHING_OPEN)
        if voxel is None:
            return Trace(shown.name, None, message="The cursor is outside of the spectroscopic grid.")
        where = "" if shown.single else f"voxel {voxel[0]} {voxel[1]} {voxel[2]}"
        alone = len(SESSION.fits) + len(SESSION.scans) == 1 and bool(where)
        title = ", ".join(part for part in ("" if alone else shown.place, where) if part)
        title = f"{start}{title}"
        title = title if shown.located else f"{title} (its header has no position)"
        if not shown.here:
            return Trace(title, None, message=gone(shown.key))
        try:
            loading = self.loading(shown)
            if loading is not None:
                return Trace(title, None, message=loading.text())
            if isinstance(shown, Scan):
                title = ", ".join(part for part in (title, shown.where(places)) if part)
                lines = lines_of_part(partial(shown.lines, voxel, places), SESSION.display, SESSION.look.part)
                return Trace(title, lines, shown.name, message="There is no signal in this voxel.")
            lines = lines_of_part(partial(shown.curves.lines, voxel), SESSION.display, SESSION.look.part)
            trace = Trace(title, lines, shown.name, message=NOTHING_FITTED)
            return trace if lines is None else self._with_other(trace, lines, shown)
        except MRSDLError as error:
            return Trace(title, None, message=str(error))

    def _with_other(self, trace: Trace, lines: Lines, fit: Fit) -> Trace:
        """Add the second fit at the same position, in the units of the first."""
        other = SESSION.other
        if not self.compared or other is None or fit is not SESSION.fit:
            return trace
        place = other.voxel_at(fit.centre(lines.voxel))
        turn = fit.curves.frame(lines.voxel)  # the phases of the data over which it is drawn
        if self.loading(other) is not None:
            return replace(trace, note=f"{other.name} is being read ..")
        second = None
        if place is not None:
            read = partial(other.curves.lines, place, turn=turn)
            second = lines_of_part(read, SESSION.display, SESSION.look.part)
        if second is None:
            return replace(trace, note=f"{other.name}: {NOTHING_FITTED[0].lower()}{NOTHING_FITTED[1:]}")
        scaled, word = in_units_of(lines, second)
        if scaled is None:
            return replace(trace, note=f"{other.name} is not drawn: {word}.")
        return replace(trace, other=scaled, other_name=f"{other.name}{word}")

    def _opposite(self) -> Trace | None:
        """Return the curves of the voxel on the other side of the midline, if they are shown."""
        fit, voxel = SESSION.fit, self.voxel()
        if SESSION.mirror is None or fit is None or fit.single or voxel is None:
            return None
        there = SESSION.mirror.voxel(voxel, fit.grid)
        return None if there is None else self._trace(fit, there, (), start="other side, ")
