"""Draw the lines of one or several voxels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator

from fsl_mrs_dl.data import Real
from fsleyes_plugin.model.curves import Lines
from fsleyes_plugin.model.held import Held
from fsleyes_plugin.model.look import DASHES, PARTS, Look

NORMAL_95 = 1.959964
"""Standard deviations on each side of a 95 % interval of the normal distribution."""

OTHER, CHOSEN = "#1f4e9c", "#e07b00"
_LETTER_INCHES = 0.066  # width of a letter of the legend
_TITLE_LETTER_INCHES = 0.09  # width of a letter of a title, with the room between two titles
_HANDLE_LETTERS = 6  # that a handle with its gap takes
_LEAST_LETTERS = 24  # in a line of the narrowest figure
_MOST_COLUMNS = 4  # of the legend
_MARGIN_SHARE = 0.06  # distance between curves, over the height of the spectrum
_STACK_ROWS = 9  # metabolites below each other; more do not fit
_STACK_STEP_SHARE = 0.09  # least distance of two metabolites, over the height of the spectrum
_PALETTE = ("#1b6ca8", "#7a4ea3", "#2e8b57", "#b5651d", "#5f6b73", "#a0325a")


@dataclass(frozen=True)
class Trace:
    """Curves of one voxel: its lines, the name of the fit, and those of a second fit, or why it is not drawn.

    ``held`` are lines that stay, and ``beside`` other voxels, on the same axes; ``axis`` is the name of the
    horizontal axis.
    """

    title: str
    lines: Lines | None
    name: str = "fit"
    other: Lines | None = None
    other_name: str = ""
    message: str = ""
    note: str = ""
    axis: str = "Chemical shift (ppm)"
    held: tuple[Held, ...] = ()
    beside: tuple["Trace", ...] = ()


@dataclass(frozen=True)
class Style:
    """Style of a figure.

    Attributes
    ----------
    metabolite : str
        The highlighted metabolite or sum; empty: none.
    stacked, band : bool
        Whether to stack the strongest metabolites, and to draw the band.
    look : Look
    """

    metabolite: str = ""
    stacked: bool = False
    band: bool = True
    look: Look = field(default_factory=Look)


def draw_fits(figure: Figure, traces: Sequence[Trace], style: Style) -> list[Axes]:
    """Draw voxels side by side.

    Parameters
    ----------
    figure : Figure
        With nothing else in it; axes and legend are used again if possible, which halves the time.
    traces : sequence of Trace
    style : Style

    Returns
    -------
    list of Axes
    """
    n = max(len(traces), 1)
    drawn = _emptied(figure, n)
    letters = int(figure.get_figwidth() / n / _TITLE_LETTER_INCHES)
    titles = [fill(trace.title, max(letters, _LEAST_LETTERS // n)) for trace in traces]
    for axes, trace, title in zip(drawn, traces, titles, strict=False):
        axes.text(0.0, 1.01, title, fontsize=9, va="bottom", transform=axes.transAxes)
        if trace.lines is None:
            axes.set_axis_off()
            axes.text(0.5, 0.5, trace.message, ha="center", va="center", wrap=True, transform=axes.transAxes)
            continue
        draw_trace(axes, trace, trace.lines, style)
        if trace.note:
            axes.text(0.01, 0.98, trace.note, fontsize=8, va="top", color=OTHER, transform=axes.transAxes)
    if style.look.one_scale and not style.look.keep_height:
        _set_one_scale([axes for axes in drawn if axes.axison])
    known: dict[str, Any] = {}
    for axes in drawn:
        handles, labels = axes.get_legend_handles_labels()
        known |= {label: handle for handle, label in zip(handles, labels, strict=True)}
    rows = _draw_legend(figure, known)
    inches = max(float(figure.get_figheight()), 1.0)
    more = max((title.count("\n") for title in titles), default=0)
    top, bottom = 1 - (0.32 + 0.17 * (rows + more)) / inches, 0.48 / inches
    figure.subplots_adjust(
        left=0.05,
        right=0.94 if style.stacked else 0.985,
        bottom=min(bottom, 0.4),
        top=max(top, 0.5),
        wspace=0.22 if style.stacked else 0.12,
    )
    return drawn


def _draw_legend(figure: Figure, known: Mapping[str, Any]) -> int:
    """Draw a legend that is not wider than the figure; return the number of its rows of text."""
    width = max(int(figure.get_figwidth() / _LETTER_INCHES), _LEAST_LETTERS)
    texts = [fill(label, width - _HANDLE_LETTERS) for label in known]
    widest = max((len(line) for text in texts for line in text.split("\n")), default=1) + _HANDLE_LETTERS
    columns = min(max(width // widest, 1), _MOST_COLUMNS)
    legend = next(iter(figure.legends), None)
    drawn = [] if legend is None else [text.get_text() for text in legend.get_texts()]
    if drawn != texts or getattr(legend, "columns", columns) != columns:
        for old in list(figure.legends):
            old.remove()
        if texts:
            legend = figure.legend(
                known.values(), texts, loc="upper center", ncols=columns, fontsize=8, frameon=False,
                handlelength=1.5, columnspacing=1.2, borderaxespad=0.2,
            )  # fmt: skip
            legend.columns = columns  # type: ignore[attr-defined]
    height = [1 + text.count("\n") for text in texts]
    # Matplotlib fills the columns from top to bottom.
    rows = max(-(-len(height) // columns), 1)
    return max((sum(height[n : n + rows]) for n in range(0, len(height), rows)), default=0)


def _emptied(figure: Figure, n: int) -> list[Axes]:
    """Return n axes without lines: the existing ones, or new ones."""
    if len(figure.axes) != n:
        figure.clear()
        return [new_axes(figure.add_subplot(1, n, i + 1), labelled=i == 0) for i in range(n)]
    for axes in figure.axes:
        for artist in [*axes.lines, *axes.collections, *axes.texts]:
            artist.remove()
        axes.set_axis_on()
    return list(figure.axes)


def new_axes(axes: Axes, *, labelled: bool = True) -> Axes:
    """Prepare axes for the lines of a voxel; return them."""
    axes.xaxis.set_minor_locator(AutoMinorLocator(5))
    axes.set_xlabel("Chemical shift (ppm)", fontsize=9)
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if labelled:
        axes.set_ylabel("Signal, real part (arb. units)", fontsize=9)
    return axes


def draw_trace(axes: Axes, trace: Trace, lines: Lines, style: Style) -> None:
    """Draw the lines of a voxel on axes of :func:`new_axes`."""
    ppm = lines.ppm
    low, high = lines.limits_ppm
    shown = (ppm >= low) & (ppm <= high)
    axes.set_xlabel(trace.axis, fontsize=9)
    if axes.get_ylabel():
        axes.set_ylabel(f"Signal, {PARTS[style.look.part]}", fontsize=9)
    heights = np.concatenate([y[shown] for y in (lines.data, lines.fit) if y is not None])
    heights = np.concatenate([heights, *_draw_beside(axes, trace, (low, high))])
    top, bottom = float(np.nanmax(heights)), float(min(np.nanmin(heights), 0.0))
    span = (top - bottom) or 1.0
    if lines.data is not None:
        axes.plot(ppm, lines.data, **_drawn(style, "data"), label="data")
    if lines.fit is not None and lines.sd is not None and style.band:
        wide = NORMAL_95 * lines.sd
        axes.fill_between(
            ppm, lines.fit - wide, lines.fit + wide, color=style.look.style("fit").colour, alpha=0.25, lw=0,
            label="95 % band of the fit",
        )  # fmt: skip
    if lines.fit is not None:
        axes.plot(ppm, lines.fit, **_drawn(style, "fit"), label=trace.name)
    if lines.baseline is not None:
        axes.plot(ppm, lines.baseline, **_drawn(style, "baseline"), label="baseline")
    if trace.other is not None and trace.other.fit is not None:
        other = trace.other.fit + (trace.other.ground - lines.ground)  # over the data of the first
        axes.plot(trace.other.ppm, other, **_drawn(style, "second fit"), label=trace.other_name)
    if lines.residual is not None:
        top = _draw_residual(axes, ppm, lines.residual, shown, top + _MARGIN_SHARE * span, style)
    line = lines.curve_of(style.metabolite)
    if line is not None:
        ground = lines.baseline if lines.baseline is not None else 0.0
        highlighted = _drawn(style, "highlighted")
        axes.fill_between(ppm, ground, ground + line, color=highlighted["color"], alpha=0.45, lw=0)
        axes.plot(ppm, ground + line, **highlighted, label=f"{style.metabolite} (on the baseline)")
    if style.stacked and lines.metabolites:
        bottom = _draw_stack(axes, lines, shown, bottom - _MARGIN_SHARE * span, span, style.metabolite)
    height = (bottom - _MARGIN_SHARE * span, top + _MARGIN_SHARE * span)
    _frame(axes, (low, high), None if style.look.keep_height and hasattr(axes, "shown_ppm") else height)


def _drawn(style: Style, kind: str) -> dict[str, Any]:
    """Return colour, width and kind of a line, as Matplotlib takes them."""
    line = style.look.style(kind)
    return {"color": line.colour, "lw": line.width, "ls": DASHES[line.dash]}


def _draw_beside(axes: Axes, trace: Trace, limits: tuple[float, float]) -> list[Real]:
    """Draw lines that stay and other voxels on the same axes; return their values in the shown range."""
    beside = [(one.title, one.lines.ppm, one.lines.data) for one in trace.beside if one.lines is not None]
    beside += [(line.name, line.ppm, line.values) for line in trace.held]
    values = []
    for n, (name, ppm, line) in enumerate(beside):
        if line is None:
            continue
        axes.plot(ppm, line, color=_PALETTE[n % len(_PALETTE)], lw=0.9, label=name)
        inside = (ppm >= limits[0]) & (ppm <= limits[1])
        values.append(line[inside & np.isfinite(line)])
    return values


def _draw_residual(axes: Axes, ppm: Real, residual: Real, shown: Any, base: float, style: Style) -> float:
    """Draw the residual above the other curves, on its own zero line; return its upper end."""
    low, high = float(np.nanmin(residual[shown])), float(np.nanmax(residual[shown]))
    zero = base - min(low, 0.0)
    axes.axhline(zero, color=style.look.style("residual").colour, lw=0.5, ls=":")
    axes.plot(ppm, zero + residual, **_drawn(style, "residual"), label="residual (moved up)")
    return zero + max(high, 0.0)


def _draw_stack(axes: Axes, lines: Lines, shown: Any, base: float, span: float, chosen: str) -> float:
    """Draw the strongest metabolites below each other with their names; return their lower end."""
    curves = dict(lines.metabolites)
    total = lines.curve_of(chosen)
    if total is not None:
        curves[chosen] = total
    height = {name: float(np.abs(line[shown]).max()) for name, line in curves.items()}
    single = [name for name in lines.metabolites if height[name] > 1e-3 * span]
    names = sorted(single, key=lambda name: -height[name])[:_STACK_ROWS]
    if chosen in height and chosen not in names:
        names.append(chosen)
    left = lines.limits_ppm[0]
    for n, name in enumerate(names):
        line = curves[name]
        base -= max(float(line[shown].max()), _STACK_STEP_SHARE * span)
        colour = CHOSEN if name == chosen else _PALETTE[n % len(_PALETTE)]
        axes.plot(lines.ppm, base + line, color=colour, lw=0.9)
        axes.annotate(name, (left, base), xytext=(3, 0), textcoords="offset points", fontsize=8,
                      color=colour, va="center", annotation_clip=False)  # fmt: skip
        base -= max(-float(line[shown].min()), 0.0) + 0.012 * span
    return base


def _set_one_scale(drawn: Sequence[Axes]) -> None:
    """Give voxels side by side the same vertical axis, so that their heights can be compared."""
    ends = [end for axes in drawn for end in axes.get_ylim()]
    for axes in drawn if len(drawn) > 1 else ():
        axes.set_ylim(min(ends), max(ends))


def _frame(axes: Axes, ppm: tuple[float, float], height: tuple[float, float] | None) -> None:
    """Set the ranges of the axes; the horizontal one only once, and the vertical one only if there is one."""
    if getattr(axes, "shown_ppm", None) != ppm:  # otherwise keep the user's zoom
        axes.set_xlim(ppm[1], ppm[0])
        axes.shown_ppm = ppm  # type: ignore[attr-defined]
    if height is not None:
        axes.set_ylim(*height)
