"""Still pictures of a quantification (matplotlib, without its global state)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.concentrations import is_broad, scaling_title
from fsl_mrs_dl.report.maps import reversed_axes, slices_side_by_side
from fsl_mrs_dl.report.page import BEFORE, CONDITIONS, FLAGGED, TRUTH
from fsl_mrs_dl.report.quantify_figures import BASELINE, DATA, FIT, residual_offset
from fsl_mrs_dl.report.spectra import FitView, view_fit
from fsl_mrs_dl.report.verdicts import verdict_of

_MEMBERS = 6
_MAPS = ("NAA", "Cr", "GPC", "Glu", "Ins")


def save_fit_figure(
    data: MRSData,
    outcome: Outcome,
    path: Path | str,
    *,
    row: int = 0,
    truth: Mapping[str, float] | None = None,
) -> None:
    """Write a picture of a fit: spectrum with fit, baseline and residual, metabolites, and amplitudes.

    Parameters
    ----------
    data : MRSData
        What was fitted.
    outcome : Outcome
    path : Path or str
        Ends in ``.png``, ``.pdf`` or ``.svg``.
    row : int
        Among the fitted voxels.
    truth : mapping of str to float, optional
        True amplitudes by metabolite, to be drawn beside the estimates.
    """
    view = view_fit(data, outcome, row)
    drawing = _figure((11, 6.6))
    panels = drawing.subplot_mosaic("AB;CB", height_ratios=[1.6, 1], width_ratios=[1.75, 1])
    panels["C"].sharex(panels["A"])
    _draw_fit(panels["A"], view)
    if word := verdict_of(outcome, row):
        panels["A"].set_title(f"{word}: {outcome.reasons[row]}", loc="left", fontsize="small", wrap=True)
    _draw_members(panels["C"], view)
    _draw_amplitudes(panels["B"], outcome, row, truth or {})
    if "SyntheticData" in data.header:
        drawing.suptitle("Synthetic data", fontsize="medium")
    drawing.savefig(path)


def save_map_figure(
    data: MRSData,
    outcome: Outcome,
    path: Path | str,
    *,
    names: Sequence[str] = _MAPS,
    scaling: str = "raw",
    truth: Mapping[str, Real] | None = None,
) -> None:
    """Write a picture of maps: the true ones if given, the estimates, and their relative bound.

    Parameters
    ----------
    data : MRSData
        What was fitted.
    outcome : Outcome
    path : Path or str
        Ends in ``.png``, ``.pdf`` or ``.svg``.
    names : sequence of str
        Metabolites and sums; those that were not fitted are left out.
    scaling : str
        Of the estimates, see :data:`fsl_mrs_dl.io.results.outcome.SCALINGS`.
    truth : mapping of str to ndarray, float, shape (x, y, z), optional
        True maps by name, in the same scaling.
    """
    names = [name for name in names if name in outcome.names]
    reverse, _ = reversed_axes(data)
    shown = slices_side_by_side(outcome, max(len(names), 1), backwards=reverse[0])
    truth = {name: values[tuple(outcome.voxels.T)] for name, values in (truth or {}).items()}
    rows = [title for title in ("truth", "estimate", "CRLB (%)") if truth or title != "truth"]
    size = (1.0 + 2.1 * max(len(names), 1), 0.5 + 2.3 * len(rows))
    drawing = _figure(size, "compressed")  # of pictures that keep their shape
    axes = drawing.subplots(len(rows), max(len(names), 1), squeeze=False)
    for n, name in enumerate(names):
        column = outcome.column(name)
        estimate = outcome.scaled[scaling].value[:, column]
        pictures = {
            "truth": truth.get(name),
            "estimate": estimate,
            "CRLB (%)": outcome.crlb_percent[:, column],
        }
        known = [values[np.isfinite(values)] for values in (truth.get(name), estimate) if values is not None]
        top = max((float(np.percentile(values, 98)) for values in known if values.size), default=1.0) or 1.0
        for m, title in enumerate(rows):
            bound = title == "CRLB (%)"
            _draw_map(
                drawing, axes[m, n], shown, pictures[title], 50.0 if bound else top, reverse, bound=bound
            )
        axes[0, n].set_title(name, fontsize="medium")
    for m, title in enumerate(rows):
        label = title if scaling == "raw" or title != "estimate" else scaling_title(outcome, scaling)
        axes[m, 0].set_ylabel(label, fontsize="medium")
    if "SyntheticData" in data.header:
        drawing.suptitle("Synthetic data", fontsize="medium")
    drawing.savefig(path)


def _figure(size: tuple[float, float], layout: Literal["constrained", "compressed"] = "constrained") -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=size, layout=layout, dpi=130)
    FigureCanvasAgg(drawing)
    return drawing


def _draw_fit(axes: Any, view: FitView) -> None:
    axes.plot(view.ppm, view.data, color=DATA, linewidth=0.9, label="data")
    if view.fitted:
        above = residual_offset(view)
        axes.axhline(above, color="#bbb", linewidth=0.8)
        axes.plot(view.ppm, view.residual + above, color=BEFORE, linewidth=0.8, label="residual")
        if view.line_ppm is not None:
            place = int(np.abs(view.ppm - view.line_ppm).argmin())
            axes.plot(
                view.ppm[place], view.residual[place] + above, "v", color=FLAGGED, label="unmodelled line"
            )
        axes.plot(view.ppm, view.fit, color=FIT, linewidth=1.3, label="fit")
        axes.plot(view.ppm, view.baseline, "--", color=BASELINE, linewidth=1.1, label="baseline")
    axes.set_yticks([])
    axes.set_xlim(view.ppm[-1], view.ppm[0])
    axes.tick_params(labelbottom=False)
    axes.legend(frameon=False, fontsize="small")


def _draw_members(axes: Any, view: FitView) -> None:
    """Draw the largest metabolites over each other, each with its name at its top."""
    size = np.max(np.abs(np.nan_to_num(view.metabolites)), axis=1, initial=0.0)
    order = [int(n) for n in np.argsort(-size) if size[n] > 0 and not is_broad(view.names[n])][:_MEMBERS]
    for place, n in enumerate(order):
        colour = CONDITIONS[place % len(CONDITIONS)]
        axes.plot(view.ppm, view.metabolites[n], color=colour, linewidth=1.1, label=view.names[n])
    axes.set_yticks([])
    axes.set_xlabel("Chemical shift (ppm)")
    if order:
        axes.legend(frameon=False, fontsize="small", ncols=2)


def _draw_amplitudes(axes: Any, outcome: Outcome, row: int, truth: Mapping[str, float]) -> None:
    """Draw the amplitudes with 1.96 bounds to either side, and the truth."""
    raw = outcome.scaled["raw"]
    y = np.arange(len(outcome.names))
    error = np.nan_to_num(1.96 * raw.sd[row])
    axes.errorbar(
        raw.value[row], y, xerr=error, fmt="o", color=BASELINE, markersize=4, linewidth=1.1, label="estimate"
    )
    said = [(truth[name], n) for n, name in enumerate(outcome.names) if name in truth]
    if said:
        axes.plot(*zip(*said, strict=True), "D", color=TRUTH, markersize=4, zorder=3, label="truth")
        axes.legend(frameon=False, fontsize="small")
    axes.set_yticks(y, outcome.names, fontsize="small")
    axes.invert_yaxis()
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_xlabel("Amplitude \N{PLUS-MINUS SIGN} 1.96 CRLB")
    axes.grid(axis="x", color="#ececec")
    axes.set_axisbelow(True)


def _draw_map(
    drawing: Any, axes: Any, shown: Any, values: Real | None, top: float, reverse: Any, *, bound: bool
) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#f2f2f2")
    if values is None:
        return
    colours = "cividis" if bound else "viridis"
    image = axes.imshow(shown.of(values).T, origin="lower", vmin=0, vmax=top, cmap=colours)
    drawing.colorbar(image, ax=axes, shrink=0.8, aspect=16)
    if reverse[0]:
        axes.invert_xaxis()
    if reverse[1]:
        axes.invert_yaxis()
