"""The interactive figures of a quantification (plotly)."""

import html
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.report.figures import _FONT, _finish
from fsl_mrs_dl.report.page import AFTER, BEFORE, CONDITIONS, FLAGGED
from fsl_mrs_dl.report.spectra import FitView

DATA, FIT, BASELINE = "#404040", FLAGGED, AFTER
_LEAST_HEIGHT = 1e-3  # over that of the fit; a lower curve is a flat line in the figure
Panel = tuple[str, Real, float, float, str]
"""A map: title, values, low, high, colour scale."""
_LARGEST_CELLS = 600_000
"""Largest number of cells in all maps of one figure; more only make the page large."""
SD_STEPS = (0, 5, 10, 15, 20, 30, 50, 100, 999)
"""Edges of the histogram of relative SDs, in per cent; the last is FSL-MRS's largest value."""


def fit_figure(view: FitView, *, members: bool = True, height: int = 640) -> Any:
    """Draw data, fit and baseline, the residual above them, and each metabolite on demand."""
    from plotly import graph_objects as go

    drawing = go.Figure()

    def line(y: Real, name: str, colour: str, **more: Any) -> None:
        style = {"color": colour, "width": more.pop("width", 1.4)} | more.pop("line", {})
        drawing.add_trace(
            go.Scatter(
                x=view.ppm.astype(np.float32),
                y=(y / view.height).astype(np.float32),
                name=name,
                mode="lines",
                line=style,
                hovertemplate="%{x:.2f} ppm: %{y:.3f}<extra>" + name + "</extra>",
                **more,
            )
        )

    line(view.data, "Data", DATA, width=1.1)
    if view.fitted:
        above = residual_offset(view)
        line(view.fit, "Fit", FIT, width=1.8)
        line(view.baseline, "Baseline", BASELINE, line={"dash": "dash"})
        line(view.residual + above, "Residual", BEFORE, width=1.0)
        drawing.add_hline(y=above / view.height, line={"color": "#bbb", "width": 1})
        if view.line_ppm is not None:
            place = int(np.abs(view.ppm - view.line_ppm).argmin())
            drawing.add_annotation(
                x=view.ppm[place],
                y=(view.residual[place] + above) / view.height,
                text=f"stands out at {view.line_ppm:.2f} ppm",
                arrowhead=2,
                font={"color": FLAGGED},
                arrowcolor=FLAGGED,
            )
        for n in np.flatnonzero(sizes(view) > _LEAST_HEIGHT) if members else ():
            colour = CONDITIONS[n % len(CONDITIONS)]
            line(
                view.metabolites[n] + view.baseline,
                html.escape(view.names[n]),
                colour,
                visible="legendonly",
                width=1.2,
            )
    _shade_outside(drawing, view)
    _finish(drawing, height)
    drawing.update_xaxes(range=[view.ppm[-1], view.ppm[0]], title_text="Chemical shift (ppm)", dtick=0.5)
    drawing.update_yaxes(showticklabels=False, ticks="", showgrid=False)
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top"}
    return drawing.update_layout(legend=legend, hovermode="closest", margin={"t": 20})


def residual_offset(view: FitView) -> float:
    """Return the offset of the residual that puts it above the spectrum."""
    inside = (view.ppm >= view.limits_ppm[0]) & (view.ppm <= view.limits_ppm[1])
    top = max(float(np.max(view.data[inside])), float(np.max(view.fit[inside])))
    return top + 1.15 * float(np.max(-view.residual[inside], initial=0.0)) + 0.03 * view.height


def sizes(view: FitView) -> Real:
    """Return the height of each metabolite's curve over that of the fit, shape (metabolite,)."""
    each: Real = np.max(np.abs(np.nan_to_num(view.metabolites)), axis=1, initial=0.0) / view.height
    return each


def stacked_figure(view: FitView) -> Any:
    """Draw the metabolites one below the other, each with its name and, if it is enlarged, its factor."""
    from plotly import graph_objects as go

    rows = stack_rows(view)
    drawing = go.Figure()
    for place, (n, gain) in enumerate(rows):
        y = view.metabolites[n] / view.height * gain - place * STACK_STEP
        name = html.escape(view.names[n]) + (f" \N{MULTIPLICATION SIGN}{gain}" if gain > 1 else "")
        drawing.add_trace(
            go.Scatter(
                x=view.ppm.astype(np.float32),
                y=y.astype(np.float32),
                name=name,
                mode="lines",
                line={"color": CONDITIONS[n % len(CONDITIONS)], "width": 1.3},
                hovertemplate="%{x:.2f} ppm<extra>" + name + "</extra>",
                showlegend=False,
            )
        )
        drawing.add_annotation(
            x=1.005,
            xref="paper",
            y=-place * STACK_STEP,
            text=name,
            showarrow=False,
            xanchor="left",
            font={"color": CONDITIONS[n % len(CONDITIONS)]},
        )
    _shade_outside(drawing, view)
    _finish(drawing, 110 + 30 * max(len(rows), 4))
    drawing.update_xaxes(range=[view.ppm[-1], view.ppm[0]], title_text="Chemical shift (ppm)", dtick=0.5)
    drawing.update_yaxes(showticklabels=False, ticks="", showgrid=False)
    return drawing.update_layout(margin={"r": 110, "t": 20})


STACK_STEP = 0.16
"""Distance of the curves of two metabolites, over the height of the fit."""


def stack_rows(view: FitView) -> list[tuple[int, int]]:
    """Return (metabolite, gain) from the highest curve to the lowest; flat ones are left out."""
    size = sizes(view)
    order = [int(n) for n in np.argsort(-size) if size[n] > _LEAST_HEIGHT]
    gains = (1, 2, 5, 10, 20, 50)
    return [(n, max(gain for gain in gains if gain * size[n] <= STACK_STEP or gain == 1)) for n in order]


def _shade_outside(drawing: Any, view: FitView) -> None:
    low, high = view.limits_ppm
    for x0, x1 in ((view.ppm[0], low), (high, view.ppm[-1])):
        if x1 > x0 + 1e-2:
            drawing.add_vrect(x0=x0, x1=x1, fillcolor="#000", opacity=0.05, line_width=0, layer="below")


def correlation_figure(correlation: Real, names: Sequence[str]) -> Any:
    """Draw the correlations of the amplitudes."""
    from plotly import graph_objects as go

    labels = [html.escape(name) for name in names]
    image = go.Heatmap(
        z=np.round(correlation, 3).astype(np.float32),
        x=labels,
        y=labels,
        colorscale="RdBu_r",
        zmin=-1,
        zmax=1,
        hovertemplate="%{x} and %{y}: %{z:.2f}<extra></extra>",
        colorbar={"title": "r"},
    )
    drawing = _finish(go.Figure(image), 180 + 18 * max(len(labels), 10))
    drawing.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", showgrid=False, dtick=1)
    return drawing.update_xaxes(constrain="domain", showgrid=False, tickangle=-90, dtick=1)


def sd_figure(names: Sequence[str], counts: Real) -> Any:
    """Draw the histogram of relative SDs over the voxels: counts of shape (metabolite, step)."""
    from plotly import graph_objects as go

    steps = [f"{low}\N{EN DASH}{high}" for low, high in itertools.pairwise(SD_STEPS)]
    steps[-1] = f"> {SD_STEPS[-2]}"
    image = go.Heatmap(
        z=counts,
        x=steps,
        y=[html.escape(name) for name in names],
        text=counts,
        texttemplate="%{text}",
        colorscale="Blues",
        showscale=False,
        hovertemplate="%{y}, %{x} %: %{z} voxels<extra></extra>",
    )
    drawing = _finish(go.Figure(image), 130 + 24 * len(names))
    drawing.update_yaxes(autorange="reversed", showgrid=False, dtick=1)
    drawing.update_xaxes(title_text="SD (%)", showgrid=False, type="category")
    return drawing.update_layout(margin={"l": 110, "t": 20})


def map_figure(panels: Sequence[Panel], reverse: tuple[bool, bool]) -> Any:
    """Draw maps, four in a row.

    Parameters
    ----------
    panels : sequence of (title, values, low, high, colour scale)
        Values of shape (x, y), slices side by side; NaN outside of the mask.
    reverse : tuple of bool
        Whether x and y are reversed on the page.
    """
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    aspect = panels[0][1].shape[1] / panels[0][1].shape[0]
    across = 1080 / columns
    height = int(rows * (min(across * 0.86 * aspect, 420) + 46) + 50)
    drawing = make_subplots(
        rows,
        columns,
        subplot_titles=[html.escape(panel[0]) for panel in panels],
        horizontal_spacing=0.045,
        vertical_spacing=min(34 / height, 0.9 / max(rows - 1, 1)),
    )
    for n, (_, values, low, high, scale) in enumerate(panels):
        row, column = n // columns + 1, n % columns + 1
        axis = drawing.get_subplot(row, column)
        right, (bottom, top) = axis.xaxis.domain[1], axis.yaxis.domain
        image = go.Heatmap(
            z=values.T.astype(np.float32),
            zmin=low,
            zmax=high if high > low else low + 1,
            colorscale=scale,
            colorbar={
                "x": right + 0.002,
                "y": (bottom + top) / 2,
                "len": (top - bottom) * 0.9,
                "thickness": 7,
                "tickfont": {"size": 10},
                "nticks": 4,
                "outlinewidth": 0,
            },
            hovertemplate="(%{x}, %{y}): %{z:.4g}<extra></extra>",
        )
        drawing.add_trace(image, row=row, col=column)
        drawing.update_xaxes(
            scaleanchor=f"y{n + 1 if n else ''}",
            autorange="reversed" if reverse[0] else True,
            constrain="domain",
            row=row,
            col=column,
        )
        drawing.update_yaxes(
            autorange="reversed" if reverse[1] else True, constrain="domain", row=row, col=column
        )
    drawing.update_xaxes(visible=False)
    drawing.update_yaxes(visible=False)
    drawing.update_annotations(font_size=12)
    layout = {"template": "none", "font": _FONT, "height": height, "plot_bgcolor": "#f2f2f2"}
    return drawing.update_layout(**layout, margin={"l": 8, "r": 40, "t": 50, "b": 8})


def most_slices(n_cells: int, n_maps: int) -> int:
    """Return the largest number of slices of ``n_cells`` voxels that can be drawn of each map."""
    return max(1, min(6, _LARGEST_CELLS // max(n_cells * n_maps, 1)))
