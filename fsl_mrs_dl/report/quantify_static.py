"""Draw static figures of a quantification (matplotlib, without its global state)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report.concentrations import PLUS_MINUS, half_width_percent, is_broad, scaling_title
from fsl_mrs_dl.report.drawing import new_figure
from fsl_mrs_dl.report.maps import reversed_axes, slices_side_by_side
from fsl_mrs_dl.report.page import BEFORE, CONDITIONS, FLAGGED, TRUTH
from fsl_mrs_dl.report.quantify_figures import BASELINE, DATA, FIT, residual_offset
from fsl_mrs_dl.report.spectra import FitView, view_fit
from fsl_mrs_dl.report.verdicts import verdict_of

_SHOWN_MEMBERS = 6  # one for each colour
_OFFSET_ROWS = 0.32
"""Distance of the estimate without prior below the posterior mean, in rows."""
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
        True amplitudes by metabolite, for comparison.
    """
    view = view_fit(data, outcome, row)
    drawing = new_figure((11, 6.6))
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
    """Write a picture of maps: the true ones, if known, the posterior mean and its relative interval.

    Without a posterior, the estimate and its relative SD.

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
        Of the maps, see :data:`fsl_mrs_dl.io.results.outcome.SCALINGS`.
    truth : mapping of str to ndarray, float, shape (x, y, z), optional
        True maps by name, in the same scaling.
    """
    names = [name for name in names if name in outcome.names]
    reverse, _ = reversed_axes(data)
    shown = slices_side_by_side(outcome, max(len(names), 1), backwards=reverse[0])
    truth = {name: values[tuple(outcome.voxels.T)] for name, values in (truth or {}).items()}
    scaled = outcome.scaled[scaling]
    if scaled.has_posterior:
        amount, values, spread, top_percent = (
            "posterior mean",
            scaled.extra["posterior_mean"],
            "95 % interval (± %)",
            100.0,
        )
        percent = half_width_percent(scaled)
    else:
        amount, values, spread, top_percent = "estimate without prior", scaled.value, "SD (%)", 50.0
        percent = outcome.crlb_percent
    rows = [*(("truth",) if truth else ()), amount, spread]
    size = (1.0 + 2.1 * max(len(names), 1), 0.5 + 2.3 * len(rows))
    drawing = new_figure(size, layout="compressed")  # of pictures that keep their shape
    axes = drawing.subplots(len(rows), max(len(names), 1), squeeze=False)
    for n, name in enumerate(names):
        column = outcome.column(name)
        pictures = {"truth": truth.get(name), amount: values[:, column], spread: percent[:, column]}
        known = [p[np.isfinite(p)] for p in (truth.get(name), values[:, column]) if p is not None]
        top = max((float(np.percentile(p, 98)) for p in known if p.size), default=1.0) or 1.0
        for m, title in enumerate(rows):
            percent_map = title == spread
            _draw_map(
                drawing,
                axes[m, n],
                shown,
                pictures[title],
                top_percent if percent_map else top,
                reverse,
                percent_map=percent_map,
            )
        axes[0, n].set_title(name, fontsize="medium")
    for m, title in enumerate(rows):
        named = scaling != "raw" and title == amount
        axes[m, 0].set_ylabel(
            f"{title}\n{scaling_title(outcome, scaling)}" if named else title, fontsize="medium"
        )
    if "SyntheticData" in data.header:
        drawing.suptitle("Synthetic data", fontsize="medium")
    drawing.savefig(path)


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
    """Draw the largest metabolites over each other, with a legend."""
    size = np.max(np.abs(np.nan_to_num(view.metabolites)), axis=1, initial=0.0)
    order = [int(n) for n in np.argsort(-size) if size[n] > 0 and not is_broad(view.names[n])][
        :_SHOWN_MEMBERS
    ]
    for place, n in enumerate(order):
        colour = CONDITIONS[place % len(CONDITIONS)]
        axes.plot(view.ppm, view.metabolites[n], color=colour, linewidth=1.1, label=view.names[n])
    axes.set_yticks([])
    axes.set_xlabel("Chemical shift (ppm)")
    if order:
        axes.legend(frameon=False, fontsize="small", ncols=2)


def _draw_amplitudes(axes: Any, outcome: Outcome, row: int, truth: Mapping[str, float]) -> None:
    """Draw the posterior mean with its interval, below it the estimate without prior, and the truth."""
    raw = outcome.scaled["raw"]
    y = np.arange(len(outcome.names))
    error = np.nan_to_num(1.96 * raw.sd[row])
    alone = not raw.has_posterior
    if not alone:
        mean, low, high = (raw.extra[name][row] for name in ("posterior_mean", "ci95_low", "ci95_high"))
        reach = np.maximum(np.nan_to_num(np.stack([mean - low, high - mean])), 0.0)
        axes.errorbar(mean, y, xerr=reach, **_mark(BASELINE, "o"), label="posterior mean, 95 % interval")
    below = _mark(BASELINE, "o") if alone else _mark(BEFORE, "s", slight=True)
    label = f"without prior {PLUS_MINUS} 1.96 SD"
    axes.errorbar(raw.value[row], y + (0 if alone else _OFFSET_ROWS), xerr=error, **below, label=label)
    true = [(truth[name], n) for n, name in enumerate(outcome.names) if name in truth]
    if true:
        axes.plot(*zip(*true, strict=True), "D", color=TRUTH, markersize=4, zorder=3, label="truth")
    axes.legend(frameon=False, fontsize="small")
    axes.set_yticks(y, outcome.names, fontsize="small")
    axes.invert_yaxis()
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_xlabel("Amplitude")
    axes.grid(axis="x", color="#ececec")
    axes.set_axisbelow(True)


def _mark(colour: str, marker: str, *, slight: bool = False) -> dict[str, Any]:
    """Return the style of a value with its uncertainty; ``slight``: small and hollow."""
    style: dict[str, Any] = {"fmt": marker, "color": colour, "markersize": 4, "linewidth": 1.1}
    return style | ({"markersize": 3, "linewidth": 0.7, "markerfacecolor": "none"} if slight else {})


def _draw_map(
    drawing: Any, axes: Any, shown: Any, values: Real | None, top: float, reverse: Any, *, percent_map: bool
) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#f2f2f2")
    if values is None:
        return
    colours = "cividis" if percent_map else "viridis"
    image = axes.imshow(shown.of(values).T, origin="lower", vmin=0, vmax=top, cmap=colours)
    drawing.colorbar(image, ax=axes, shrink=0.8, aspect=16)
    if reverse[0]:
        axes.invert_xaxis()
    if reverse[1]:
        axes.invert_yaxis()
