"""The section of the study's report on ``align``: SNR and linewidth of each scan before and after it."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.report.figures import _finish
from fsl_mrs_dl.report.page import AFTER, BEFORE, figure, number, section
from fsl_mrs_dl.study.table import Result

_TITLES = ("SNR of NAA", "Linewidth of NAA (Hz)")
_ROW_PX = 18  # height of one scan
_MOST_PX = 1400  # height of the figure; more scans are drawn closer together


def alignment_section(results: Sequence[Result]) -> str:
    """Return the section; empty if ``align`` was run on no scan.

    Parameters
    ----------
    results : sequence of Result
    """
    shown = [result for result in results if None not in (*result.before, *result.after)]
    if not shown:
        return ""
    before, after = (
        np.array([getattr(result, name) for result in shown], dtype=float) for name in ("before", "after")
    )
    middle = [np.median(values, axis=0) for values in (before, after)]
    changes = (
        f"the median SNR went from {number(middle[0][0], 0)} to {number(middle[1][0], 0)}, the median linewidth "
        f"from {number(middle[0][1], 1)} to {number(middle[1][1], 1)} Hz"
    )
    many = f"{len(shown)} scan{'s' * (len(shown) > 1)}"
    text = (
        f"Of the mean of the transients of {many}: {changes}. A scan whose line became wider or whose SNR fell is "
        "worth a look at its report."
    )
    names = [html.escape(result.job.scan.name) for result in shown]
    return section(
        "Before and after alignment", figure(_drawing(names, before, after), "alignment"), text=text
    )


def _drawing(names: Sequence[str], before: Real, after: Real) -> Any:
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    drawing = make_subplots(1, 2, shared_yaxes=True, subplot_titles=_TITLES, horizontal_spacing=0.04)
    for column in range(2):
        x = np.stack([before[:, column], after[:, column], np.full(len(names), np.nan)], axis=1).ravel()
        lines = go.Scatter(
            x=x,
            y=np.repeat(names, 3),
            mode="lines",
            line={"color": "#bbb", "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
        drawing.add_trace(lines, row=1, col=column + 1)
        for values, word, colour in ((before, "before", BEFORE), (after, "after", AFTER)):
            points = go.Scatter(
                x=values[:, column],
                y=list(names),
                mode="markers",
                marker={"color": colour, "size": 8},
                name=word,
                legendgroup=word,
                showlegend=column == 0,
                hovertemplate="%{y}, " + word + ": %{x:.3g}<extra></extra>",
            )
            drawing.add_trace(points, row=1, col=column + 1)
    _finish(drawing, min(150 + _ROW_PX * len(names), _MOST_PX))
    drawing.update_yaxes(autorange="reversed", automargin=True)
    drawing.update_xaxes(rangemode="tozero")
    return drawing.update_layout(
        legend={"orientation": "v", "y": 1.0, "yanchor": "top", "x": 1.01, "xanchor": "left"}
    )
