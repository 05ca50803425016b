"""The maps on the page of MRSI: the posterior first, and separately those without prior."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report import quantify_figures as figures
from fsl_mrs_dl.report.concentrations import UNDER_PRIOR, WITHOUT_PRIOR, half_width_percent, scaling_title
from fsl_mrs_dl.report.maps import Slices, display
from fsl_mrs_dl.report.page import figure, section

_WIDTH_TOP_PERCENT = 100.0  # upper end of the colours; a wider interval reaches to zero
_SD_TOP_PERCENT = 50.0  # upper end of the colours: half of the width, as an interval has two SDs on each side


@dataclass(frozen=True, eq=False)
class Panels:
    """Sections of maps, one map for each metabolite.

    Attributes
    ----------
    outcome : Outcome
    shown : Slices
    reverse : tuple of bool
        Whether x and y are reversed on the page.
    drawn : list of int
        Columns of the amounts, in order.
    text : str
        Explanation of the maps of amounts.
    """

    outcome: Outcome
    shown: Slices
    reverse: tuple[bool, bool]
    drawn: list[int]
    text: str

    def means(self, scaling: str) -> str:
        """Return the maps of the posterior mean."""
        panels = self._amounts(scaling, self.outcome.scaled[scaling].extra["posterior_mean"])
        heading = f"{UNDER_PRIOR} mean: {scaling_title(self.outcome, scaling)}"
        return self._section(heading, panels, f"maps_posterior_{scaling}", self.text)

    def widths(self, scaling: str) -> str:
        """Return the maps of the posterior's uncertainty."""
        percent = half_width_percent(self.outcome.scaled[scaling])
        top = f"{_WIDTH_TOP_PERCENT:.0f}"
        text = f"Half the 95 % interval over the posterior mean, in per cent, all from 0 to {top}."
        panels = self._percents(percent, _WIDTH_TOP_PERCENT, self._reference(scaling))
        heading = f"{UNDER_PRIOR} interval: {scaling_title(self.outcome, scaling)}"
        return self._section(heading, panels, "maps_interval", text)

    def estimates(self, scaling: str) -> str:
        """Return the maps of the estimate without prior."""
        panels = self._amounts(scaling, self.outcome.scaled[scaling].value)
        heading = f"{WITHOUT_PRIOR}, estimate: {scaling_title(self.outcome, scaling)}"
        return self._section(heading, panels, f"maps_{scaling}", self.text)

    def sds(self) -> str:
        """Return the maps of the SD of the estimate without prior."""
        text = f"SD of the estimate over the estimate, in per cent, all from 0 to {_SD_TOP_PERCENT:.0f}."
        panels = self._percents(self.outcome.crlb_percent, _SD_TOP_PERCENT)
        return self._section(f"{WITHOUT_PRIOR}, SD", panels, "maps_sd", text)

    def _amounts(self, scaling: str, values: Real) -> list[figures.Panel]:
        """Return one panel for each metabolite, with its own range; the ratio of the reference is left out."""
        reference = self._reference(scaling)
        panels: list[figures.Panel] = []
        for n in self.drawn:
            _, high = display(values[:, n])
            if self.outcome.names[n] != reference and np.isfinite(values[:, n]).any():
                title = f"{self.outcome.names[n]}, 0 to {high:.3g}"
                panels.append((title, self.shown.of(values[:, n]), 0.0, high, "Viridis"))
        return panels

    def _percents(self, percent: Real, top: float, reference: str = "") -> list[figures.Panel]:
        names = self.outcome.names
        return [
            (names[n], self.shown.of(percent[:, n]), 0.0, top, "Cividis")
            for n in self.drawn
            if names[n] != reference
        ]

    def _reference(self, scaling: str) -> str:
        return "+".join(self.outcome.internal_reference) if scaling == "internal" else ""

    def _section(self, heading: str, panels: list[figures.Panel], name: str, text: str) -> str:
        if not panels:
            return ""
        return section(heading, figure(figures.map_figure(panels, self.reverse), name), text=text)
