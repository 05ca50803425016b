"""The Fit view: data, fit, baseline, residual and band at the cursor."""

from typing import Any
from weakref import WeakSet

from fsl_mrs_dl.errors import MRSDLError
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.overlays import open_dropped
from fsleyes_plugin.panels.figure_view import FigureView
from fsleyes_plugin.panels.fit_bar import FitBar
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.panels.telling import tell
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_fits
from fsleyes_plugin.plots.painting import Painter
from fsleyes_plugin.session import SESSION, Fit

NOTHING_OPEN = 'No fit is open. Choose "Load MRS fit..." in the Tools menu, or drag a fit.nii.gz here.'
MOST_PINS = 3


class MRSFitView(Following, FigureView):
    """Spectra of the chosen fit, at the cursor and at pinned voxels."""

    @staticmethod
    def title() -> str:
        """Return what the view is called in menus."""
        return "MRS fit"

    @staticmethod
    def defaultLayout() -> list[str]:
        """Return the controls that the view opens with."""
        return ["MRSFitTable", "MRSFitMaps"]

    @staticmethod
    def controlOrder() -> list[str]:
        """Return the order of the controls in the menu."""
        return ["MRSFitTable", "MRSFitMaps", "MRSFitQuality", "MRSFitProvenance", "MRSRunStep"]

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, frame: Any) -> None:
        FigureView.__init__(self, parent, overlayList, displayCtx, frame)
        self.bar = FitBar(self.body, self)
        self.painter = Painter(self.canvas)
        self.arrange(self.bar)
        self.pins: list[tuple[Fit, Voxel]] = []
        self.stacked = False
        self.compared = False
        self.traces: list[Trace] = []
        self._known: WeakSet[Any] = WeakSet()
        self.follow()

    def destroy(self) -> None:
        """Close; no listener stays."""
        self.unfollow()
        self.bar.close()
        FigureView.destroy(self)

    def changed(self, what: str) -> None:
        """Drop the pins of fits that are closed."""
        if what == "fits":
            self.pins = [(fit, voxel) for fit, voxel in self.pins if fit in SESSION.fits]
            self.bar.update()

    def resized(self) -> None:
        """Lay the figure out anew."""
        self.later()

    def pin(self) -> None:
        """Keep the voxel at the cursor beside the cursor's."""
        fit, voxel = SESSION.chosen, self.voxel()
        if fit is not None and voxel is not None and (fit, voxel) not in self.pins:
            self.pins = [*self.pins, (fit, voxel)][-MOST_PINS:]
            self.later()

    def unpin(self) -> None:
        """Show the cursor's voxel alone."""
        self.pins = []
        self.later()

    def voxel(self) -> Voxel | None:
        """Return the voxel of the chosen fit at the cursor."""
        fit = SESSION.chosen
        return None if fit is None else fit.voxel_at(self.displayCtx.worldLocation.xyz)

    def refresh(self) -> None:
        """Draw what is at the cursor."""
        try:
            open_dropped(self.overlayList, self.displayCtx, self._known)
        except MRSDLError as error:
            tell("Load MRS fit", error)
        fit, voxel = SESSION.chosen, self.voxel()
        self.traces = [self._trace(*pinned, pinned=True) for pinned in self.pins]
        self.traces.append(self._trace(fit, voxel))
        style = Style(SESSION.metabolite, self.stacked, SESSION.display.band)
        draw_fits(self.figure, self.traces, style)
        self.painter.paint()

    def _trace(self, fit: Fit | None, voxel: Voxel | None, *, pinned: bool = False) -> Trace:
        if fit is None:
            return Trace("", None, message=NOTHING_OPEN)
        if voxel is None:
            return Trace(fit.name, None, message="The cursor is outside of the spectroscopic grid.")
        where = "" if fit.single else f"voxel {voxel[0]} {voxel[1]} {voxel[2]}"
        title = f"{'pinned ' if pinned else ''}{where or fit.folder.path.name}"
        try:
            lines = fit.curves.lines(voxel, SESSION.display)
            other = self._other(fit, voxel)
        except MRSDLError as error:
            return Trace(title, None, message=str(error))
        if lines is None:
            return Trace(title, None, message="Nothing was fitted in this voxel.")
        name = SESSION.other.name if other is not None and SESSION.other is not None else ""
        return Trace(title, lines, fit.name, other, name)

    def _other(self, fit: Fit, voxel: Voxel) -> Any:
        """Return the lines of the fit that is compared with, at the same place."""
        if not self.compared or SESSION.other is None or fit is not SESSION.chosen:
            return None
        place = SESSION.other.voxel_at(fit.centre(voxel))
        return None if place is None else SESSION.other.curves.lines(place, SESSION.display)
