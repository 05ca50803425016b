"""Figures of Matplotlib, without a window and without its global state; bands of plotly."""

import io
from typing import Any, Literal

import numpy as np

from fsl_mrs_dl.data import Real


def new_figure(
    size: tuple[float, float],
    *,
    dpi: float = 130,
    layout: Literal["constrained", "compressed"] = "constrained",
) -> Any:
    """Return an empty figure.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches.
    dpi : float
        Pixels per inch of what is saved.
    layout : {"constrained", "compressed"}

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout=layout, dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


def new_panels(
    rows: int, columns: int, size: tuple[float, float], *, dpi: float = 130, shared: bool = False
) -> tuple[Any, Any]:
    """Return a figure and its axes.

    Parameters
    ----------
    rows, columns : int
    size : tuple of float
        Width and height of the figure in inches.
    dpi : float
        Pixels per inch of what is saved.
    shared : bool
        Whether all axes have the same limits.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : ndarray of matplotlib.axes.Axes, shape (rows, columns)
    """
    figure = new_figure(size, dpi=dpi)
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=shared, sharey=shared)


def png(figure: Any) -> bytes:
    """Return a figure as a PNG file, without the version of Matplotlib: the same figure, the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def band_trace(x: Real, low: Real, high: Real, colour: str, name: str, **options: Any) -> Any:
    """Return a filled band of plotly between two curves.

    Parameters
    ----------
    x, low, high : ndarray of float, shape (n,)
    colour, name : str
    **options
        Further options of the trace, such as ``showlegend``.

    Returns
    -------
    plotly.graph_objects.Scatter
    """
    from plotly import graph_objects as go

    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=colour,
        opacity=0.25,
        hoverinfo="skip",
        name=name,
        **options,
    )
