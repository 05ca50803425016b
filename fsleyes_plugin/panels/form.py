"""The fields of a step as widgets."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import wx

from fsl_mrs_dl.steps.registry import Step
from fsleyes_plugin.panels.errors import chosen_path
from fsleyes_plugin.running import Field, form_of
from fsleyes_plugin.suggesting import names_for

_LEAST_PIXELS = 60
"""Least width of a field: with its name and two buttons it fits into a narrow panel, where it grows."""


class Form(wx.Panel):
    """One row for each field: its name, its widget, its help as a tip.

    Parameters
    ----------
    parent : wx.Window
    step : Step
    changed : callable
        Called after each change.
    """

    def __init__(self, parent: Any, step: Step, changed: Callable[[], None]) -> None:
        wx.Panel.__init__(self, parent)
        self._step, self._changed = step, changed
        self.widgets: dict[str, Any] = {}
        grid = wx.FlexGridSizer(2, 2, 6)
        grid.AddGrowableCol(1)
        for field in form_of(step):
            name = wx.StaticText(self, label=field.flag.lstrip("-") + (" *" if field.required else ""))
            name.SetToolTip(field.help)
            grid.Add(name, flag=wx.ALIGN_CENTRE_VERTICAL)
            grid.Add(self._widget(field), flag=wx.EXPAND)
        self.SetSizer(grid)

    def _widget(self, field: Field) -> Any:
        """Return the widget of a field, with a button for a file."""
        if field.kind == "check":
            widget: Any = wx.CheckBox(self)
            widget.SetValue(bool(field.default))
            widget.Bind(wx.EVT_CHECKBOX, self._heard)
        elif field.kind == "choice":
            widget = wx.Choice(self, choices=list(field.choices))
            widget.SetStringSelection(field.default)
            widget.Bind(wx.EVT_CHOICE, self._heard)
        elif names := names_for(self._step, field.flag.lstrip("-")):
            widget = wx.ComboBox(self, value=field.default, choices=list(names))
            widget.Bind(wx.EVT_TEXT, self._heard)
            widget.Bind(wx.EVT_COMBOBOX, self._heard)
        else:
            widget = wx.TextCtrl(self, value=field.default)
            widget.Bind(wx.EVT_TEXT, self._heard)
        widget.SetToolTip(field.help)
        widget.SetMinSize((_LEAST_PIXELS, -1))
        self.widgets[field.flag] = widget
        if field.kind not in ("file", "folder", "path"):
            return widget
        row = wx.BoxSizer(wx.HORIZONTAL)
        row.Add(widget, proportion=1)
        button = wx.Button(self, label="...", style=wx.BU_EXACTFIT)
        button.Bind(wx.EVT_BUTTON, lambda _event: self._browse(field))
        row.Add(button)
        if field.flag == "--basis":
            whole = wx.Button(self, label="Folder...", style=wx.BU_EXACTFIT)
            whole.SetToolTip("A basis set that is a folder")
            whole.Bind(wx.EVT_BUTTON, lambda _event: self._browse(replace(field, kind="folder")))
            row.Add(whole)
        return row

    def _heard(self, _event: Any) -> None:
        self._changed()

    def _browse(self, field: Field) -> None:
        folder = field.kind == "folder"
        chosen = chosen_path(
            wx.DirDialog(self, field.flag) if folder else wx.FileDialog(self, field.flag, style=wx.FD_OPEN)
        )
        if chosen is not None:
            self.widgets[field.flag].SetValue(str(chosen))

    def values(self) -> dict[str, str]:
        """Return the texts of the fields, by flag."""
        texts = {}
        for flag, widget in self.widgets.items():
            if isinstance(widget, wx.CheckBox):
                texts[flag] = "yes" if widget.GetValue() else ""
            elif isinstance(widget, wx.Choice):
                texts[flag] = widget.GetStringSelection()
            else:
                texts[flag] = widget.GetValue()
        return texts

    def fill(self, values: dict[str, str]) -> None:
        """Set the texts of fields, by flag."""
        for flag, text in values.items():
            widget = self.widgets[flag]
            if isinstance(widget, wx.CheckBox):
                widget.SetValue(bool(text))
            elif isinstance(widget, wx.Choice):
                widget.SetStringSelection(text)
            else:
                widget.SetValue(text)
        self._changed()
