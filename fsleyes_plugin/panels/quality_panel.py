"""The quality sliders: hide voxels that do not meet limits."""

from pathlib import Path
from typing import Any

import numpy as np
import wx

from fsleyes_plugin import overlays
from fsleyes_plugin.model.maps import MapChoice
from fsleyes_plugin.model.masks import Limits, available, flagged, save_mask
from fsleyes_plugin.panels.docked_panel import DockedPanel
from fsleyes_plugin.panels.errors import chosen_path, show_errors
from fsleyes_plugin.panels.fit_view import MRSFitView
from fsleyes_plugin.panels.following import Following
from fsleyes_plugin.session import SESSION, Fit

_SLIDER_STEPS = 200  # as many as the width of the panel in pixels
_ROWS = (
    ("crlb", "SD at most", "%", 100.0),
    ("snr", "SNR at least", "", None),
    ("fwhm", "FWHM at most", "Hz", None),
)


class MRSFitQuality(Following, DockedPanel):
    """Sliders for SD, SNR and FWHM of a metabolite, and verdicts; failing voxels are hidden in the maps."""

    TITLE = "Quality"
    VIEWS = (MRSFitView,)
    SIDE = wx.BOTTOM

    def __init__(self, parent: Any, overlayList: Any, displayCtx: Any, viewPanel: Any) -> None:
        super().__init__(parent, overlayList, displayCtx, viewPanel)
        self.of_fit = wx.StaticText(self)
        grid = wx.FlexGridSizer(3, 3, 6)
        grid.AddGrowableCol(1)
        self.metabolite = wx.Choice(self)
        self.metabolite.Bind(wx.EVT_CHOICE, self._other_metabolite)
        self.count = wx.StaticText(self)
        self.count.SetToolTip("Voxels that meet the limits, of those that were fitted")
        self.sliders: dict[str, wx.Slider] = {}
        self._values: dict[str, wx.StaticText] = {}
        self._tops: dict[str, float] = {}
        for kind, text, _, _ in _ROWS:
            grid.Add(wx.StaticText(self, label=text), flag=wx.ALIGN_CENTRE_VERTICAL)
            slider = wx.Slider(self, maxValue=_SLIDER_STEPS, size=(90, -1))
            slider.Bind(wx.EVT_SLIDER, self._moved)
            if kind == "crlb":
                slider.SetToolTip("SD of the estimate without prior, in per cent of it")
            grid.Add(slider, flag=wx.EXPAND)
            self._values[kind] = wx.StaticText(self)
            grid.Add(self._values[kind], flag=wx.ALIGN_CENTRE_VERTICAL)
            self.sliders[kind] = slider
        self.unflagged = wx.CheckBox(self, label="Hide unusable")
        self.unflagged.SetToolTip("Hide unusable voxels in the maps")
        self.unflagged.Bind(wx.EVT_CHECKBOX, self._moved)
        self.outline = wx.CheckBox(self, label="Outline")
        self.outline.SetToolTip("Outline unusable voxels")
        self.outline.Bind(wx.EVT_CHECKBOX, lambda _event: self._outline())
        save = wx.Button(self, label="Save...", style=wx.BU_EXACTFIT)
        save.SetToolTip("Save the voxels that are left as a mask")
        save.Bind(wx.EVT_BUTTON, lambda _event: self.save())
        sizer = wx.BoxSizer(wx.VERTICAL)
        limits = wx.StaticText(self, label="Limits for")
        for row in ((self.count, self.of_fit), (limits, self.metabolite)):
            line = wx.BoxSizer(wx.HORIZONTAL)
            line.Add(row[0], flag=wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, border=6)
            line.Add(row[1], proportion=1, flag=wx.ALIGN_CENTRE_VERTICAL)
            sizer.Add(line, flag=wx.EXPAND | wx.LEFT | wx.RIGHT, border=3)
        sizer.Add(grid, flag=wx.EXPAND | wx.ALL, border=3)
        line = wx.WrapSizer(wx.HORIZONTAL)
        for widget in (self.unflagged, self.outline, save):
            line.Add(widget, flag=wx.ALIGN_CENTRE_VERTICAL | wx.ALL, border=2)
        sizer.Add(line, flag=wx.EXPAND)
        self.SetSizer(sizer)
        self.SetMinSize((270, 190))
        self._outlined: Any = None
        self.change("fits")
        self.follow(cursor=False)

    def changed(self, what: str) -> None:
        """List the metabolites of the drawn fit, and set the sliders to its limits."""
        if what not in ("fits", "scan"):
            return
        fit = None if SESSION.fit is None or SESSION.fit.single else SESSION.fit
        names = () if fit is None else fit.maps.metabolites
        if list(names) != self.metabolite.GetStrings():
            self.metabolite.Set(list(names))
        self.of_fit.SetLabel(fit.name if names and fit is not None else "")
        self.Enable(bool(names))
        if names and fit is not None:
            default = fit.maps.default()
            first = "NAA" if "NAA" in names else default.metabolite if default else names[0]
            self.metabolite.SetStringSelection(fit.limits.metabolite if fit.limits else first)
            self._widen(fit)
            if fit.limits is not None:
                self._restore(fit.limits)

    def refresh(self) -> None:
        """Show the number of voxels that pass."""
        fit = SESSION.fit
        if fit is None or fit.single:
            self.count.SetLabel("")
            return
        fitted = fit.maps.fitted()
        left = fitted if fit.mask is None else fit.mask
        self.count.SetLabel(f"{int(left.sum())} of {int(fitted.sum())}")
        self.Layout()  # a longer number takes more room

    def _restore(self, limits: Limits) -> None:
        """Set sliders and box to limits that were set before."""
        values = {"crlb": limits.most_percent, "snr": limits.least_snr, "fwhm": limits.most_fwhm_hz}
        for kind, value in values.items():
            if value is not None:
                self.sliders[kind].SetValue(round(value / self._tops[kind] * _SLIDER_STEPS))
        self.unflagged.SetValue(limits.unflagged)
        self._tell()

    def _widen(self, fit: Fit) -> None:
        """Set the sliders so that every voxel passes, and their ends to the largest values."""
        name = self.metabolite.GetStringSelection()
        known = available(fit.maps, name)
        fitted = fit.maps.fitted()
        for kind, _, unit, top in _ROWS:
            self.sliders[kind].Enable(kind in known)
            values = fit.maps.values(MapChoice(kind, name)) if kind in known else None
            fitted_values = values[fitted] if values is not None and fitted.any() else np.ones(1)
            self._tops[kind] = top or float(np.nanmax(fitted_values)) or 1.0
            self.sliders[kind].SetValue(0 if kind == "snr" else _SLIDER_STEPS)
            self._values[kind].SetLabel(f"any {unit}" if kind in known else "not known")
        self.unflagged.Enable("flags" in known)
        self.outline.Enable("flags" in known)

    @show_errors
    def _other_metabolite(self, _event: Any) -> None:
        if SESSION.fit is not None:
            self._widen(SESSION.fit)
            self._moved(None)

    def _limit(self, kind: str) -> float | None:
        """Return the limit of a slider; None at its open end."""
        at, slider = self.sliders[kind].GetValue(), self.sliders[kind]
        if not slider.IsEnabled() or at == (0 if kind == "snr" else _SLIDER_STEPS):
            return None
        return self._tops[kind] * float(at) / _SLIDER_STEPS

    @show_errors
    def _moved(self, _event: Any) -> None:
        """Mask voxels by the limits of the sliders."""
        fit = SESSION.fit
        if fit is None:
            return
        bounds = self._tell()
        limits = Limits(
            self.metabolite.GetStringSelection(),
            bounds["crlb"],
            bounds["snr"],
            bounds["fwhm"],
            self.unflagged.GetValue() and self.unflagged.IsEnabled(),
        )
        SESSION.limit(fit, limits)

    def _tell(self) -> dict[str, float | None]:
        """Show the limits of the sliders in words, and return them."""
        bounds = {kind: self._limit(kind) for kind, *_ in _ROWS}
        for kind, _, unit, _ in _ROWS:
            if self.sliders[kind].IsEnabled():
                limit = bounds[kind]
                self._values[kind].SetLabel(f"any {unit}" if limit is None else f"{limit:.1f} {unit}")
        self.Layout()  # a longer number takes more room
        return bounds

    @show_errors
    def _outline(self) -> None:
        """Draw the borders of flagged voxels, or remove them."""
        fit = SESSION.fit
        if self._outlined is not None and self._outlined in self.overlayList:
            self.overlayList.remove(self._outlined)
        self._outlined = None
        if fit is None or not self.outline.GetValue():
            return
        image = overlays.image_of(fit, flagged(fit.maps), f"flagged, {fit.name}")
        self.overlayList.append(image, overlayType="mask")
        opts = self.displayCtx.getOpts(image)
        opts.outline, opts.outlineWidth, opts.colour = True, 3, (0.1, 0.9, 1.0)
        self._outlined = image

    @show_errors
    def save(self, path: Path | None = None) -> None:
        """Save the mask as an image of 0 and 1; without a path, ask for one."""
        fit = SESSION.fit
        if fit is None:
            return
        chosen = path if path is not None else self._ask_path()
        if chosen is None:
            return
        mask = fit.maps.fitted() if fit.mask is None else fit.mask
        save_mask(mask, fit.affine, chosen)

    def _ask_path(self) -> Path | None:
        style = wx.FD_SAVE | wx.FD_OVERWRITE_PROMPT
        return chosen_path(wx.FileDialog(self, "Save mask", defaultFile="mask.nii.gz", style=style))
