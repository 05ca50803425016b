"""The interactive figures of an alignment (plotly)."""

import html
from typing import Any

import numpy as np

from fsl_mrs_dl.data import REPLACED, Real
from fsl_mrs_dl.report.drawing import band_trace
from fsl_mrs_dl.report.page import AFTER, BEFORE, CONDITIONS, FLAGGED
from fsl_mrs_dl.report.view import AlignView, Stack
from fsl_mrs_dl.scores import similarity_matrix

_LARGEST_CELLS = 400_000
"""Largest number of cells of an image; more only make the page large."""
_LARGEST_ROWS = 256
"""Largest number of transients in a similarity matrix; more only make the page large."""
_SIMILARITY_FLOOR = 0.9
"""Lower end of the colour range of similarities, at least: smaller differences do not matter."""
_BASELINE_PPM = 0.25
"""Half width of the running median that is the baseline, in ppm: far wider than a line."""
_FONT = {"family": "system-ui, sans-serif", "size": 13, "color": "#222"}
_GRID = {"gridcolor": "#ececec", "zeroline": False, "linecolor": "#999", "ticks": "outside", "showline": True}


def stack_figure(view: AlignView) -> Any:
    """Draw the transients as images: one row for each condition, before on the left and after on the right."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    n = len(view.conditions)
    titles = [f"{when} {name}".strip() for name in _escaped(view) for when in ("Before", "After")]
    drawing = make_subplots(
        n,
        2,
        shared_xaxes=True,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.03,
        vertical_spacing=0.14 / n,
    )
    shown = np.flatnonzero(view.shown)
    step = max(1, -(-view.before.usable.shape[1] * shown.size // _LARGEST_CELLS))
    for column, stack in enumerate((view.before, view.after), start=1):
        for row in range(n):
            z = image_rows(view, stack, row)[::step]
            y = np.arange(stack.usable.shape[1])[::step]
            image = go.Heatmap(
                z=z.astype(np.float32),
                x=view.ppm[shown],
                y=y,
                coloraxis="coloraxis",
                hovertemplate="%{x:.2f} ppm, transient %{y}: %{z:.3g}<extra></extra>",
            )
            drawing.add_trace(image, row=row + 1, col=column)
    top = colour_limit(view)
    drawing.update_layout(coloraxis={"colorscale": "RdBu_r", "cmin": -top, "cmax": top, "showscale": False})
    _ppm_axis(drawing, view, row=n)
    drawing.update_yaxes(range=[-0.5, view.before.usable.shape[1] - 0.5])
    drawing.update_yaxes(title_text="Transient", col=1)
    return _finish(drawing, 120 + 300 * n)


def image_rows(view: AlignView, stack: Stack, condition: int) -> Real:
    """Return real spectra of a condition in the shown range, minus the smooth baseline of their average.

    The baseline is a running median of the corrected average, far wider than a line, and the same for every row,
    before and after: it removes the tail of water and moves no line.
    """
    from scipy.ndimage import median_filter

    average = view.after.average[condition].real
    width = max(round(_BASELINE_PPM / (view.ppm[1] - view.ppm[0])), 1)
    baseline = median_filter(average, size=min(2 * width + 1, average.size), mode="nearest")
    rows = stack.spectra[condition].real - baseline
    shown: Real = np.where(stack.usable[condition, :, None], rows, np.nan)[:, view.shown]
    return shown


def colour_limit(view: AlignView) -> float:
    """Return the value of the darkest colour: 0.6 of the height of the highest line of the corrected data."""
    heights = []
    for condition in range(len(view.conditions)):
        if view.after.usable[condition].any():
            mean = np.nanmean(image_rows(view, view.after, condition), axis=0)
            heights.append(np.max(np.abs(mean[view.inside[view.shown]])))
    return 0.6 * float(max(heights, default=0)) or 1.0


def average_figure(view: AlignView) -> Any:
    """Draw the averages before and after: one panel for each condition, and the difference last."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    panels = list(zip(_escaped(view), view.before.average, view.after.average, strict=True))
    if view.edit_sign:
        name = f"Difference: {panels[0][0]} {'minus' if view.edit_sign < 0 else 'plus'} {panels[1][0]}"
        before, after = (panels[0][i] + view.edit_sign * panels[1][i] for i in (1, 2))
        panels.append((name, before, after))
    drawing = make_subplots(
        len(panels),
        1,
        shared_xaxes=True,
        subplot_titles=[panel[0] for panel in panels],
        vertical_spacing=0.18 / len(panels),
    )
    for row, (_, *pair) in enumerate(panels, start=1):
        for spectrum, when, colour in zip(pair, ("Before", "After"), (BEFORE, AFTER), strict=True):
            ppm, curve = view.curve(spectrum)
            line = go.Scatter(
                x=ppm,
                y=curve,
                name=when,
                mode="lines",
                line={"color": colour, "width": 1.6},
                legendgroup=when,
                showlegend=row == 1,
            )
            drawing.add_trace(line, row=row, col=1)
        low, high = view.ppm[view.inside][[0, -1]]
        drawing.add_vrect(x0=low, x1=high, fillcolor="#000", opacity=0.035, line_width=0, row=row, col=1)
    _ppm_axis(drawing, view, row=len(panels))
    _finish(drawing, 140 + 240 * len(panels))
    return drawing.update_yaxes(showticklabels=False, ticks="")


def similarity_figure(view: AlignView) -> Any:
    """Draw the similarity matrices, conditions one after the other."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    drawing = make_subplots(1, 2, subplot_titles=["Before", "After"], horizontal_spacing=0.08)
    lowest = 1.0
    signs = np.broadcast_to(view.signs[:, None], view.before.usable.shape)
    for column, stack in enumerate((view.before, view.after), start=1):
        spectra = (signs[stack.usable][:, None] * stack.spectra[stack.usable])[:, view.inside]
        step = max(1, -(-len(spectra) // _LARGEST_ROWS))
        matrix = similarity_matrix(spectra[::step])
        lowest = min(lowest, float(matrix.min()))
        rank = np.arange(len(spectra))[::step]
        image = go.Heatmap(
            z=matrix.astype(np.float32),
            x=rank,
            y=rank,
            coloraxis="coloraxis",
            hovertemplate="%{x} and %{y}: %{z:.2f}<extra></extra>",
        )
        drawing.add_trace(image, row=1, col=column)
        drawing.update_yaxes(
            autorange="reversed",
            scaleanchor=f"x{column if column > 1 else ''}",
            constrain="domain",
            row=1,
            col=column,
        )
        drawing.update_xaxes(
            title_text="Usable transient, by condition" if view.conditions[0] else "Usable transient",
            constrain="domain",
            row=1,
            col=column,
        )
    drawing.update_layout(
        coloraxis={
            "colorscale": "Cividis",
            "cmin": min(np.floor(10 * lowest) / 10, _SIMILARITY_FLOOR),
            "cmax": 1,
            "colorbar": {"title": "Similarity"},
        }
    )
    return _finish(drawing, 470)


def drift_figure(view: AlignView) -> Any:
    """Draw shift and phase of each transient, with 95 % bands and the flagged FIDs."""
    from plotly.subplots import make_subplots

    drawing = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06)
    for n, name in enumerate(_escaped(view)):
        estimates, colour = view.estimates, CONDITIONS[n % len(CONDITIONS)]
        rows = (
            (estimates.shift_hz[n], estimates.shift_hz_sd[n]),
            (np.degrees(estimates.phase_rad[n]), np.degrees(estimates.phase_rad_sd[n])),
        )
        for row, (value, sd) in enumerate(rows, start=1):
            _add_estimates(drawing, row, value, sd, estimates.flag[n], name, colour)
    drawing.update_yaxes(title_text="Shift (Hz)", row=1)
    drawing.update_yaxes(title_text="Phase (degrees)", row=2)
    drawing.update_xaxes(title_text="Transient", row=2)
    return _finish(drawing, 520)


def _add_estimates(drawing: Any, row: int, value: Real, sd: Real, flag: Any, name: str, colour: str) -> None:
    """Draw one estimate of all transients, shape (transients,): its band, its curve and its flagged FIDs."""
    x, sound = np.arange(value.size, dtype=float), np.isin(flag, ("", REPLACED))
    shown, error = np.where(sound, value, np.nan), np.where(sound, 1.96 * sd, np.nan)
    known = np.isfinite(error)
    traces = [_curve(shown, sd, name, colour, row)]
    if known.any():
        ends = (shown - error)[known], (shown + error)[known]
        words = "\N{PLUS-MINUS SIGN}1.96 SD"
        traces.insert(
            0, band_trace(x[known], *ends, colour, words, legendgroup="sd" + name, showlegend=False)
        )
    marked = np.flatnonzero(~sound & np.isfinite(value))
    if marked.size:
        traces.append(_marks(marked, value[marked], flag[marked], row))
    for trace in traces:
        drawing.add_trace(trace, row=row, col=1)


def _curve(value: Real, sd: Real, name: str, colour: str, row: int) -> Any:
    """Return the trace of estimates with error bars of 1.96 SD; the legend names it in the first row."""
    from plotly import graph_objects as go

    return go.Scatter(
        x=np.arange(value.size),
        y=value,
        mode="lines+markers",
        name=name or "Estimate",
        legendgroup=name,
        line={"color": colour, "width": 1.2},
        marker={"size": 4},
        showlegend=row == 1,
        error_y={
            "type": "data",
            "array": np.where(np.isfinite(sd), 1.96 * sd, 0),
            "visible": True,
            "thickness": 1,
            "width": 0,
        },
    )


def _marks(x: Any, value: Real, flag: Any, row: int) -> Any:
    """Return the trace of flagged FIDs, each with its flag in words."""
    from plotly import graph_objects as go

    return go.Scatter(
        x=x,
        y=value,
        mode="markers+text",
        text=list(flag),
        textposition="top center",
        name="Flagged",
        legendgroup="flag",
        marker={"symbol": "x", "size": 9, "color": FLAGGED},
        textfont={"color": FLAGGED, "size": 11},
        showlegend=row == 1,
    )


def _escaped(view: AlignView) -> list[str]:
    return [html.escape(name) for name in view.conditions]


def _ppm_axis(drawing: Any, view: AlignView, row: int) -> None:
    low, high = view.ppm[view.shown][[0, -1]]
    drawing.update_xaxes(range=[high, low])
    drawing.update_xaxes(title_text="Chemical shift (ppm)", row=row)


def _finish(drawing: Any, height: int) -> Any:
    drawing.update_xaxes(**_GRID)
    drawing.update_yaxes(**_GRID)
    drawing.update_layout(
        template="none",
        font=_FONT,
        height=height,
        margin={"l": 60, "r": 20, "t": 50, "b": 50},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
    )
    return drawing
