"""A region of an MRSI: drawn with the cursor or taken from an image, its mean spectrum, and the fit of it."""

from pathlib import Path
from typing import Any

import numpy as np
import wx
from fsl.data.image import Image

from fsl_mrs_dl.errors import DataError, MRSDLError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.registry import steps
from fsleyes_plugin import overlays
from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.masks import save_mask
from fsleyes_plugin.model.mirror import midline
from fsleyes_plugin.model.region import LEAST_SHARE, Averaging, mean_spectrum, shares_of
from fsleyes_plugin.model.scan import Scan
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import chosen_path, show_error, show_errors
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.refitting import basis_of, free_folder, shipped_names, values_like
from fsleyes_plugin.running import DEFAULT_INTERPRETER, ChildRun, arguments, command_line
from fsleyes_plugin.session import SESSION, Fit

REGION = "region"
_COLOUR = (0.35, 0.65, 1.0)  # light blue, which neither verdicts nor maps of amounts have
_DRAWING = ("The cursor does not draw", "The cursor adds voxels", "The cursor removes voxels")


class MRSFitRegion(Following, DockedPanel):
    """The voxels of a region, their mean spectrum, and its fit in a process of its own."""

    TITLE = "MRS region"
    VIEWS = (MRSFitView,)
    SIDE = wx.RIGHT

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self.drawing = wx.Choice(self, choices=list(_DRAWING))
        self.drawing.SetSelection(0)
        self.count = wx.StaticText(self)
        self.aligned = self._check("Align the voxels", "Remove shift and phase of each voxel first")
        self.weighted = self._check("Weight by noise", "Voxels count by the inverse variance of their noise")
        self.basis = wx.ComboBox(self, choices=list(shipped_names()))
        self.basis.SetToolTip("Basis set of the fit: a name, or the path of one")
        self.folder = wx.TextCtrl(self)
        self.folder.SetToolTip("Folder for mean spectra and their fits")
        self.state = wx.StaticText(self)
        self._arrange()
        self.of: Fit | Scan | None = None
        self.mask: Any = None
        self.child: ChildRun | None = None
        self.status: int | None = None
        self.change("fits")
        self.follow()

    def _check(self, text: str, tip: str) -> wx.CheckBox:
        box = wx.CheckBox(self, label=text)
        box.SetValue(True)
        box.SetToolTip(tip)
        return box

    def _arrange(self) -> None:
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(self.drawing, flag=wx.EXPAND | wx.ALL, border=3)
        sizer.Add(self._buttons(
            ("From overlay", self.take, "The voxels inside of the selected overlay (a mask)"),
            ("Mirror", self.mirror, "The voxels on the other side of the midline"),
            ("Clear", self.clear, "No voxel"), ("Save mask...", self.save, "Write the region as an image"),
        ))  # fmt: skip
        sizer.Add(self.count, flag=wx.ALL, border=3)
        for widget in (self.aligned, self.weighted):
            sizer.Add(widget, flag=wx.LEFT | wx.TOP, border=3)
        for text, widget in (("Basis", self.basis), ("Folder", self.folder)):
            row = wx.BoxSizer(wx.HORIZONTAL)
            row.Add(wx.StaticText(self, label=text, size=(50, -1)), flag=wx.ALIGN_CENTRE_VERTICAL)
            row.Add(widget, proportion=1)
            sizer.Add(row, flag=wx.EXPAND | wx.ALL, border=3)
        sizer.Add(self._buttons(
            ("Mean spectrum", self.show_mean, "Show the mean spectrum of the region"),
            ("Fit it", self.fit, "Fit the mean spectrum with the settings of this fit, and show its table"),
        ))  # fmt: skip
        sizer.Add(self.state, flag=wx.ALL, border=3)
        self.SetSizer(sizer)
        self.SetMinSize((250, 260))

    def _buttons(self, *rows: tuple[str, Any, str]) -> wx.WrapSizer:
        sizer = wx.WrapSizer(wx.HORIZONTAL)
        for text, action, tip in rows:
            button = wx.Button(self, label=text, style=wx.BU_EXACTFIT)
            button.SetToolTip(tip)
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())
            sizer.Add(button, flag=wx.ALL, border=2)
        return sizer

    def destroy(self) -> None:
        """Close, and end a running fit."""
        if self.child is not None:
            self.child.stop()
        super().destroy()

    def changed(self, what: str) -> None:
        """Start a new region if another fit or file of many voxels is shown."""
        if what not in ("fits", "scan"):
            return
        shown = SESSION.shown
        if shown is self.of or (shown is not None and shown.single and self.of in self._open()):
            return  # the fit of the region itself; the region stays
        self.of = shown if shown is not None and not shown.single else None
        self.mask = None if self.of is None else np.zeros(self.of.grid, dtype=bool)
        self.drawing.SetSelection(0)
        if self.of is not None:
            folder = self.of.folder if isinstance(self.of, Fit) else None
            self.basis.SetValue(basis_of(folder) or self.basis.GetValue())
            self.folder.SetValue(str(Path(self.of.key).parent / "regions"))

    def _open(self) -> tuple[Fit | Scan, ...]:
        return (*SESSION.fits, *SESSION.scans)

    @show_errors
    def refresh(self) -> None:
        """Add or remove the voxel at the cursor, and count the voxels."""
        how = self.drawing.GetSelection()
        if self.of is not None and how:
            voxel = self.of.voxel_at(self.displayCtx.worldLocation.xyz)
            if voxel is not None and self.mask[voxel] != (how == 1):
                self.mask[voxel] = how == 1
                self._mark()
        n = 0 if self.mask is None else int(self.mask.sum())
        self.count.SetLabel("An MRSI is needed." if self.of is None else f"{n} voxels of\n{self.of.name}")
        self.Layout()

    def set_region(self, mask: Any) -> None:
        """Change the region."""
        self.mask = mask
        self._mark()
        self.later()

    def _mark(self) -> None:
        if self.of is not None:
            mark(self.of, self.overlayList, self.displayCtx, REGION, self.mask, _COLOUR)

    @show_errors
    def take(self) -> None:
        """Take the voxels that lie in the selected overlay by at least half."""
        image = self.displayCtx.getSelectedOverlay() if len(self.overlayList) else None
        if self.of is None or not isinstance(image, Image) or len(image.shape) != 3:
            raise DataError(
                "The selected overlay is no mask of an MRSI; select an image of three dimensions."
            )
        shares = shares_of(np.asarray(image[:]), image.voxToWorldMat, self.of)
        if not (shares >= LEAST_SHARE).any():
            raise DataError(f"{image.name} covers no voxel of {self.of.name} by half; draw a larger region.")
        self.set_region(shares >= LEAST_SHARE)

    def mirror(self) -> None:
        """Take the voxels on the other side of the midline."""
        if self.of is not None:
            self.set_region((SESSION.mirror or middle_of(self.of)).mask(self.mask))

    def clear(self) -> None:
        """Empty the region."""
        if self.of is not None:
            self.set_region(np.zeros(self.of.grid, dtype=bool))

    @show_errors
    def save(self, path: Path | None = None) -> None:
        """Write the region as an image of 0 and 1; without a path, ask for one."""
        if self.of is None:
            return
        style = wx.FD_SAVE | wx.FD_OVERWRITE_PROMPT
        chosen = path or chosen_path(
            wx.FileDialog(self, "Save the region", defaultFile="region.nii.gz", style=style)
        )
        if chosen is not None:
            save_mask(self.mask, self.of.affine, chosen)

    @show_errors
    def show_mean(self) -> Path | None:
        """Write the mean spectrum, and show it as a scan; return its path."""
        path = self._write_mean()
        if path is not None:
            SESSION.open_scan(path)
        return path

    def _write_mean(self) -> Path | None:
        if self.of is None:
            return None
        averaging = Averaging(self.aligned.GetValue(), self.weighted.GetValue())
        mean = mean_spectrum(self.of, self.mask, averaging)
        folder = Path(self.folder.GetValue())
        path = Path(f"{free_folder(folder, REGION)}.nii.gz")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            nifti.write(mean, path)
        except OSError as error:
            raise DataError(f"{path} cannot be written ({error.strerror}); choose another folder.") from error
        return path

    @show_errors
    def fit(self) -> None:
        """Fit the mean spectrum in a process of its own, and show its table and interval."""
        path = self._write_mean()
        if path is None:
            return
        output = path.with_name(path.name.removesuffix(".nii.gz"))
        step = steps()["quantify"]
        like = values_like(self.of.folder if isinstance(self.of, Fit) else None, step)
        values = {**like, "--data": str(path), "--output": str(output), "--basis": self.basis.GetValue()}
        words = arguments(step, values)
        self.status = None
        self.state.SetLabel("The fit runs..")
        # The thread of the child may not touch a window.
        self.child = ChildRun(
            command_line(DEFAULT_INTERPRETER, words),
            lambda line: wx.CallAfter(self._heard, line),
            lambda status: wx.CallAfter(self._ended, status, output),
        )

    def _heard(self, line: str) -> None:
        if not self.destroyed:
            self.state.SetLabel(line[:60])
            self.state.SetToolTip(line)

    def _ended(self, status: int, output: Path) -> None:
        if self.destroyed:
            return
        self.status = status
        if status:
            show_error(
                self.TITLE, DataError(f"The fit ended with status {status}: {self.state.GetToolTipText()}")
            )
            return
        self.state.SetLabel(f"Fitted: {output}")
        try:
            overlays.show_first(SESSION.open(output), self.overlayList, self.displayCtx)
        except MRSDLError as error:
            show_error(self.TITLE, error)


def middle_of(shown: Fit | Scan) -> Any:
    """Return the plane in the middle of the fitted voxels, or of the grid of a file."""
    inside = shown.maps.fitted() if isinstance(shown, Fit) else np.zeros(shown.grid, dtype=bool)
    return midline(shown.affine, inside)
