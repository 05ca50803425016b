"""How spectra are drawn: axes and scales of the Fit view."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import wx

from fsleyes_plugin.marks import mark
from fsleyes_plugin.model.held import read_line, write_lines
from fsleyes_plugin.model.look import DASHES, HZ, LINE_STYLES, PARTS, PPM, LineStyle
from fsleyes_plugin.model.masks import verdict_masks
from fsleyes_plugin.model.parts import acquisition_text
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import chosen_path, show_errors
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION, Fit

VERDICT_COLOURS = {"good": (0.2, 0.9, 0.3), "usable": (1.0, 0.75, 0.1), "unusable": (1.0, 0.15, 0.15)}
"""Red, green and blue of each verdict: those of a traffic light."""
_TEXT_PIXELS = 220  # width of the text of the acquisition, in the narrowest panel
_BOXES = ("normalised", "keep_height", "one_scale", "together")
"""Choices of the look that are check boxes of the same names."""


class MRSFitDisplay(Following, DockedPanel):
    """Part, axis, scale and styles of the lines of the Fit view, and lines that stay."""

    TITLE = "MRS display"
    VIEWS = (MRSFitView,)
    SIDE = wx.RIGHT

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self._view = viewPanel
        self.part = self._choice(list(PARTS), "Part of the complex spectrum")
        self.axis = self._choice([PPM, HZ], "Horizontal axis")
        self.normalised = self._check("Normalise", "Divide each spectrum by its highest value in the range")
        self.keep_height = self._check("Keep the vertical range", "It stays when the cursor moves")
        self.one_scale = self._check("One scale for pinned voxels", "Their heights can be compared")
        self.together = self._check("Pinned voxels on one axis", "Instead of side by side")
        self.verdicts = wx.CheckBox(self, label="Outline verdicts on the map")
        self.verdicts.SetToolTip("Good green, usable yellow, unusable red")
        self.verdicts.Bind(wx.EVT_CHECKBOX, lambda _event: self.outline())
        self.drag = wx.CheckBox(self, label="Drag to phase")
        self.drag.SetToolTip("Drag up and down for the phase, left and right for the delay")
        self.drag.Bind(
            wx.EVT_CHECKBOX, lambda _event: setattr(viewPanel.drag, "active", self.drag.GetValue())
        )
        self.kind = wx.Choice(self, choices=list(LINE_STYLES))
        self.kind.SetSelection(0)
        self.kind.Bind(wx.EVT_CHOICE, lambda _event: self.show_look())
        self.colour = wx.ColourPickerCtrl(self)
        self.colour.Bind(wx.EVT_COLOURPICKER_CHANGED, self._restyled)
        self.width = wx.SpinCtrlDouble(self, min=0.3, max=5, inc=0.1)
        self.width.SetToolTip("Width, in points")
        self.width.Bind(wx.EVT_SPINCTRLDOUBLE, self._restyled)
        self.dash = wx.Choice(self, choices=list(DASHES))
        self.dash.Bind(wx.EVT_CHOICE, self._restyled)
        self.acquisition = wx.StaticText(self)
        self._arrange()
        self._outlined: Fit | None = None
        self.show_look()
        self.follow(cursor=False)

    def _arrange(self) -> None:
        sizer = wx.BoxSizer(wx.VERTICAL)
        sizer.Add(self.acquisition, flag=wx.ALL | wx.EXPAND, border=3)
        for text, widget in (("Part", self.part), ("Axis", self.axis)):
            row = wx.BoxSizer(wx.HORIZONTAL)
            row.Add(wx.StaticText(self, label=text, size=(50, -1)), flag=wx.ALIGN_CENTRE_VERTICAL)
            row.Add(widget)
            sizer.Add(row, flag=wx.ALL, border=2)
        boxes = (self.normalised, self.keep_height, self.one_scale, self.together, self.drag, self.verdicts)
        for box in boxes:
            sizer.Add(box, flag=wx.ALL, border=2)
        buttons = wx.WrapSizer(wx.HORIZONTAL)
        for text, action, tip in (
            ("Hold", self._view.hold, "Keep this spectrum on the axes"),
            ("Release", self.release, "Remove all spectra that were held or imported"),
            ("Import...", self.read, "Draw a line of a text file: ppm and value"),
            ("Export...", self.write, "Write the lines at the cursor as CSV"),
        ):
            button = wx.Button(self, label=text, style=wx.BU_EXACTFIT)
            button.SetToolTip(tip)
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())
            buttons.Add(button, flag=wx.ALL, border=2)
        sizer.Add(buttons)
        style = wx.WrapSizer(wx.HORIZONTAL)
        for widget in (self.kind, self.colour, self.width, self.dash):
            style.Add(widget, flag=wx.ALL | wx.ALIGN_CENTRE_VERTICAL, border=2)
        sizer.Add(style)
        self.SetSizer(sizer)
        self.SetMinSize((250, 330))

    def _check(self, text: str, tip: str) -> wx.CheckBox:
        box = wx.CheckBox(self, label=text)
        box.SetToolTip(tip)
        box.Bind(wx.EVT_CHECKBOX, self._changed)
        return box

    def _choice(self, names: list[str], tip: str) -> wx.Choice:
        choice = wx.Choice(self, choices=names)
        choice.SetToolTip(tip)
        choice.Bind(wx.EVT_CHOICE, self._changed)
        return choice

    def show_look(self) -> None:
        """Set the widgets to the choices of the session."""
        look = SESSION.look
        self.part.SetStringSelection(look.part)
        self.axis.SetStringSelection(look.axis)
        for name in _BOXES:
            getattr(self, name).SetValue(getattr(look, name))
        style = look.style(self.kind.GetStringSelection())
        self.colour.SetColour(style.colour)
        self.width.SetValue(style.width)
        self.dash.SetStringSelection(style.dash)

    def refresh(self) -> None:
        """Show nucleus, frequency and bandwidth of what is drawn."""
        shown = SESSION.shown
        self.acquisition.SetLabel("" if shown is None else acquisition_text(shown.one))
        self.acquisition.Wrap(_TEXT_PIXELS)
        self.Layout()

    def _restyled(self, _event: Any) -> None:
        """Give a kind of line the chosen style."""
        colour = self.colour.GetColour().GetAsString(wx.C2S_HTML_SYNTAX)
        style = LineStyle(colour, self.width.GetValue(), self.dash.GetStringSelection())
        SESSION.set("display", look=SESSION.look.with_style(self.kind.GetStringSelection(), style))

    def release(self) -> None:
        """Remove the lines that stay."""
        SESSION.set("display", held=())

    @show_errors
    def read(self, path: Path | None = None) -> None:
        """Draw the line of a text file; without a path, ask for one."""
        chosen = path or chosen_path(wx.FileDialog(self, "Import a line", style=wx.FD_OPEN))
        if chosen is not None:
            SESSION.set("display", held=(*SESSION.held, read_line(chosen)))

    @show_errors
    def write(self, path: Path | None = None) -> None:
        """Write the lines at the cursor; without a path, ask for one."""
        lines = self._view.traces[-1].lines if self._view.traces else None
        if lines is None:
            return
        style = wx.FD_SAVE | wx.FD_OVERWRITE_PROMPT
        chosen = path or chosen_path(
            wx.FileDialog(self, "Export the lines", defaultFile="lines.csv", style=style)
        )
        if chosen is not None:
            write_lines(lines, chosen)

    def changed(self, what: str) -> None:
        """Outline the verdicts of another fit."""
        if what in ("fits", "scan") and SESSION.fit is not self._outlined:
            self.outline()

    def outline(self) -> None:
        """Draw the borders of good, usable and unusable voxels, or remove them."""
        if self._outlined is not None and self._outlined in SESSION.fits:
            for word in VERDICT_COLOURS:
                mark(self._outlined, self.overlayList, self.displayCtx, word, (), VERDICT_COLOURS[word])
        fit, self._outlined = SESSION.fit, None
        if fit is None or fit.single or not self.verdicts.GetValue():
            return
        for word, mask in verdict_masks(fit.maps).items():
            mark(fit, self.overlayList, self.displayCtx, word, mask, VERDICT_COLOURS[word])
        self._outlined = fit

    def _changed(self, _event: Any) -> None:
        boxes = {name: getattr(self, name).GetValue() for name in _BOXES}
        chosen = {"part": self.part.GetStringSelection(), "axis": self.axis.GetStringSelection()}
        SESSION.set("display", look=replace(SESSION.look, **chosen, **boxes))
