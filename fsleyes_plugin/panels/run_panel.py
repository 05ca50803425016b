"""Run a step of fsl_mrs_dl from FSLeyes: a form, a child process, its results as overlays."""

from pathlib import Path
from typing import Any

import fsl.utils.settings as settings
import wx
import wx.lib.scrolledpanel as scrolled
from fsl.data.image import Image

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.io.names import without_ending
from fsl_mrs_dl.io.nifti_header import is_nifti_mrs
from fsl_mrs_dl.steps.registry import Step, steps
from fsleyes_plugin import overlays
from fsleyes_plugin.model.alignment import ENDING
from fsleyes_plugin.model.folder import result_root
from fsleyes_plugin.panels.alignment_view import MRSAlignmentView
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import chosen_path, show_error
from fsleyes_plugin.panels.form import Form
from fsleyes_plugin.running import (
    DEFAULT_INTERPRETER,
    ChildRun,
    arguments,
    checked_interpreter,
    command_line,
    for_pasting,
)
from fsleyes_plugin.session import SESSION
from fsleyes_plugin.suggesting import data_path, suggested

INTERPRETER = "fsl_mrs_dl.interpreter"
"""Key of FSLeyes' settings."""


class MRSRunStep(DockedPanel):
    """The form of a step, made from its own description."""

    TITLE = "Run an MRS step"

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self._steps = steps()
        self.step = wx.Choice(self, choices=list(self._steps))
        self.step.Bind(wx.EVT_CHOICE, lambda _event: self.show(self.step.GetStringSelection()))
        self.summary = wx.StaticText(self)
        self.scroll = scrolled.ScrolledPanel(self)
        self.form: Form | None = None
        self.interpreter = wx.TextCtrl(self, value=settings.read(INTERPRETER, DEFAULT_INTERPRETER))
        self.interpreter.SetToolTip("Python that has fsl_mrs_dl, and PyTorch for what needs it")
        self.interpreter.Bind(wx.EVT_TEXT, lambda _event: self._changed())
        self.command = wx.TextCtrl(self, style=wx.TE_READONLY)
        self.go = wx.Button(self, label="Run")
        self.stop = wx.Button(self, label="Cancel")
        self.copy = wx.Button(self, label="Copy command")
        self.fill = wx.Button(self, label="From what is shown")
        self.fill.SetToolTip(
            "Fill the form with the selected file, or with the data and settings of the shown fit"
        )
        self.fill.Bind(wx.EVT_BUTTON, lambda _event: self.suggest())
        self.log = wx.TextCtrl(self, style=wx.TE_MULTILINE | wx.TE_READONLY)
        self.go.Bind(wx.EVT_BUTTON, lambda _event: self.start())
        self.stop.Bind(wx.EVT_BUTTON, lambda _event: self.cancel())
        self.copy.Bind(wx.EVT_BUTTON, self._copy)
        self._arrange()
        self.child: ChildRun | None = None
        self.status: int | None = None
        self.SetMinSize((420, 300))
        self.show("quantify" if "quantify" in self._steps else self.step.GetString(0))

    def destroy(self) -> None:
        """Close, and end a running step."""
        if self.child is not None:
            self.child.stop()
        super().destroy()

    def _arrange(self) -> None:
        sizer = wx.BoxSizer(wx.VERTICAL)
        rows: list[tuple[Any, int]] = [(self.step, 0), (self.summary, 0), (self.scroll, 3)]
        for widget, share in rows:
            sizer.Add(widget, proportion=share, flag=wx.EXPAND | wx.ALL, border=3)
        for text, widget in (("Python", self.interpreter), ("Command", self.command)):
            row = wx.BoxSizer(wx.HORIZONTAL)
            label = wx.StaticText(self, label=text, size=(80, -1))
            row.Add(label, flag=wx.ALIGN_CENTRE_VERTICAL)
            row.Add(widget, proportion=1)
            if widget is self.interpreter:
                browse = wx.Button(self, label="...", style=wx.BU_EXACTFIT)
                browse.Bind(wx.EVT_BUTTON, lambda _event: self.browse_python())
                row.Add(browse)
            sizer.Add(row, flag=wx.EXPAND | wx.LEFT | wx.RIGHT, border=3)
        buttons = wx.WrapSizer(wx.HORIZONTAL)
        for button in (self.go, self.stop, self.copy, self.fill):
            buttons.Add(button, flag=wx.ALL, border=3)
        sizer.Add(buttons, flag=wx.EXPAND)
        sizer.Add(self.log, proportion=1, flag=wx.EXPAND | wx.ALL, border=3)
        self.SetSizer(sizer)

    @property
    def chosen(self) -> Step:
        """The step of the form."""
        return self._steps[self.step.GetStringSelection()]

    def show(self, name: str) -> None:
        """Show the form of a step."""
        self.step.SetStringSelection(name)
        self.summary.SetLabel(self.chosen.summary)
        if self.form is not None:
            self.form.Destroy()
        self.form = Form(self.scroll, self.chosen, self._changed)
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(self.form, proportion=1, flag=wx.EXPAND)
        self.scroll.SetSizer(sizer)
        self.scroll.SetupScrolling(scroll_x=False)
        self.suggest()
        self.Layout()

    def suggest(self) -> None:
        """Fill the form from the selected overlay, or from the fit or file that is drawn."""
        assert self.form is not None
        overlay = self.displayCtx.getSelectedOverlay() if len(self.overlayList) else None
        source = getattr(overlay, "dataSource", None)
        path = Path(source) if source else None
        is_scan = path is not None and is_nifti_mrs(getattr(overlay, "header", None), path)
        selected = path if is_scan and path is not None and result_root(path) is None else None
        self.form.fill(dict(suggested(self.chosen, data_path(SESSION.shown, selected), SESSION.shown)))

    def browse_python(self) -> None:
        """Ask for a Python."""
        chosen = chosen_path(wx.FileDialog(self, "Python that has fsl_mrs_dl", style=wx.FD_OPEN))
        if chosen is not None:
            self.interpreter.SetValue(str(chosen))
            self._changed()

    def _arguments(self) -> list[str]:
        assert self.form is not None
        return arguments(self.chosen, self.form.values())

    def _changed(self) -> None:
        """Show the command of the form, or the missing field."""
        running = self.child is not None and self.child.running
        try:
            words = command_line(self.interpreter.GetValue().strip(), self._arguments())
            self.command.SetValue(for_pasting(words))
            self.go.Enable(not running)
        except MRSDLError as error:
            self.command.SetValue(str(error))
            self.go.Disable()
        self.copy.Enable(self.go.IsEnabled() or running)
        self.stop.Enable(running)

    def _copy(self, _event: Any) -> None:
        if wx.TheClipboard.Open():
            wx.TheClipboard.SetData(wx.TextDataObject(self.command.GetValue()))
            wx.TheClipboard.Close()

    def start(self) -> None:
        """Run the step in a process of its own."""
        interpreter = self.interpreter.GetValue().strip()
        try:
            words = self._arguments()
            self.log.SetValue(f"fsl_mrs_dl {checked_interpreter(interpreter)} of {interpreter}\n")
        except MRSDLError as error:
            show_error("Run a step", error)
            return
        settings.write(INTERPRETER, interpreter)
        self.status = None
        command = command_line(interpreter, words)
        # The thread of the child may not touch a window.
        self.child = ChildRun(
            command,
            lambda line: wx.CallAfter(self._heard, line),
            lambda status: wx.CallAfter(self._ended, status),
        )
        self._changed()

    def cancel(self) -> None:
        """Interrupt the step."""
        if self.child is not None:
            self.child.cancel()

    def _heard(self, line: str) -> None:
        if not self.destroyed:
            self.log.AppendText(line + "\n")

    def _ended(self, status: int) -> None:
        if self.destroyed:
            return
        self.status = status
        cancelled = self.child is not None and self.child.cancelled
        self._changed()
        self.go.Enable()
        self.stop.Disable()
        if cancelled:
            self.log.AppendText("Cancelled.\n")
        elif status:
            self.log.AppendText(f"Ended with status {status}.\n")
        else:
            self.log.AppendText("Done.\n")
            self._open_results()

    def _open_results(self) -> None:
        """Open the results: a fit as a fit, an alignment in its view, another scan as an overlay."""
        assert self.form is not None
        values = self.form.values()
        folder = Path(values["--output"])
        try:
            if self.chosen.fits and result_root(folder) is not None:
                overlays.show_first(SESSION.open(folder), self.overlayList, self.displayCtx)
                return
            source = Path(values["--file"]).name
            name = without_ending(values.get("--filename") or source)
            table = folder / f"{name}{ENDING}"
            if table.is_file():
                self._open_alignment(table, Path(values["--file"]))
                return
            self.overlayList.append(Image(str(folder / f"{name}.nii.gz")))
        except (MRSDLError, OSError) as error:
            show_error("Open the results", error)

    def _open_alignment(self, table: Path, scan: Path) -> None:
        """Show a table of align with the file that was aligned."""
        if not self.frame.getView(MRSAlignmentView):
            self.frame.addViewPanel(MRSAlignmentView)
        views = self.frame.getView(MRSAlignmentView)
        if views:
            views[-1].open(table, scan)
