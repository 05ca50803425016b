"""What methods answered to the same signals, and the tables and pictures of it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata, t

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.scores import mae, slope, smape
from tests.benchmarks.table import NOT_RUN, Picture, Table

_LEVEL = 0.95
"""Of all intervals, without unit."""
_COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#8a6fb0", "#c98b1f", "#444444", "#d58fb8")
_MARKS = "os^vDPX*"
_FEW = 10
"""Groups of bars whose names have room side by side."""
_MOST_POINTS = 300
"""Signals in a scatter plot."""


@dataclass(frozen=True, eq=False)
class Answer:
    """Amplitudes of the same n signals by one method, once for each of its seeds.

    Attributes
    ----------
    name : str
    amplitudes : tuple of ndarray, float, shape (n, M)
    """

    name: str
    amplitudes: tuple[Real, ...]

    def smape(self, truth: Real) -> Real:
        """Return the SMAPE of each component in per cent, mean over the seeds, shape (M,)."""
        mean: Real = np.mean([smape(one, truth[: len(one)]) for one in self.amplitudes], axis=0)
        return mean

    def means(self, truth: Real) -> Real:
        """Return the mean SMAPE of each seed, shape (seed,)."""
        return np.array([np.mean(smape(one, truth[: len(one)])) for one in self.amplitudes])

    def take(self, n: int) -> "Answer":
        """Return the answers to the first n signals."""
        return Answer(self.name, tuple(one[:n] for one in self.amplitudes))


def half_width(values: Real) -> float:
    """Return the half width of the 95 % interval of a mean by Student's t."""
    n = len(values)
    return float(t.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))


def interval(values: Sequence[float] | Real, digits: int = 2) -> str:
    """Return a mean, with the half width of its 95 % interval where there are several values."""
    several = np.asarray(values, dtype=float)
    mean = f"{several.mean():.{digits}f}"
    return mean if len(several) < 2 else f"{mean} +- {half_width(several):.{digits}f}"


def component_table(
    caption: str,
    names: Sequence[str],
    truth: Real,
    answers: Sequence[Answer],
    beside: Mapping[str, Real],
    ranked: Sequence[str],
) -> Table:
    """Return the SMAPE of every component, their mean, and wins and average rank among some methods.

    Parameters
    ----------
    caption : str
    names : sequence of str
        Of the components.
    truth : ndarray, float, shape (n, M)
    answers : sequence of Answer
    beside : mapping of str to ndarray, float, shape (M,)
        Columns to print beside: bounds, published numbers. NaN is left open.
    ranked : sequence of str
        Names of the answers that compete.
    """
    values = {one.name: one.smape(truth) for one in answers}
    columns = {**values, **beside}

    def cell(value: float) -> str:
        return f"{value:.2f}" if np.isfinite(value) else ""

    rows = [[name, *(cell(column[m]) for column in columns.values())] for m, name in enumerate(names)]
    rows.append([f"**mean of {len(names)}**", *(cell(_mean(column)) for column in columns.values())])
    there = [name for name in ranked if name in values]
    if len(there) > 1:
        order = np.array([rankdata([values[name][m] for name in there]) for m in range(len(names))])
        wins = {name: str(int((order[:, k] == 1).sum())) for k, name in enumerate(there)}
        ranks = {name: f"{order[:, k].mean():.2f}" for k, name in enumerate(there)}
        rows.append([f"wins of {len(names)}", *(wins.get(name, "") for name in columns)])
        rows.append(["average rank", *(ranks.get(name, "") for name in columns)])
    return Table(caption, ["component", *columns], rows)


def _mean(values: Real) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def mean_row(name: str, answers: Mapping[str, Answer | None], truths: Mapping[str, Real]) -> list[str]:
    """Return a row of mean SMAPEs, a column a study, with intervals over seeds."""
    cells = []
    for study, truth in truths.items():
        one = answers.get(study)
        cells.append(NOT_RUN if one is None else interval(one.means(truth)))
    return [name, *cells]


def accuracy_cells(one: Answer, truth: Real) -> list[str]:
    """Return mean SMAPE, mean absolute error and mean slope of estimate on truth."""
    errors = [float(np.mean(mae(a, truth[: len(a)]))) for a in one.amplitudes]
    slopes = [float(np.mean(slope(a, truth[: len(a)]))) for a in one.amplitudes]
    return [interval(one.means(truth)), f"{np.mean(errors):.4f}", f"{np.mean(slopes):.2f}"]


def difference(one: Answer, other: Answer, truth: Real) -> Real:
    """Return by how much one's mean SMAPE is above the other's, seed by seed (positive: worse)."""
    a, b = one.means(truth), other.means(truth)
    n = max(len(a), len(b))
    paired: Real = np.resize(a, n) - np.resize(b, n)
    return paired


def beats(differences: Real) -> str:
    """Say whether one beats the other: its 95 % interval over at least three seeds leaves zero out."""
    if len(differences) < 3:
        return "too few seeds to say"
    if abs(differences.mean()) <= half_width(differences):
        return "no difference seen"
    return "yes" if differences.mean() < 0 else "no, the other way"


def scatter_picture(
    name: str,
    caption: str,
    shown: Sequence[str],
    names: Sequence[str],
    truth: Real,
    answers: Sequence[Answer],
) -> Picture:
    """Draw estimate against truth of some components, a row a method."""
    columns = [names.index(one) for one in shown if one in names]
    figure, axes = new_figure((2.0 * len(columns), 2.1 * len(answers)), len(answers), len(columns))
    low, high = float(truth.min()), float(truth.max())
    for row, one in enumerate(answers):
        answer = one.amplitudes[0][:_MOST_POINTS]
        for column, m in enumerate(columns):
            axis = axes[row, column]
            axis.scatter(
                truth[: len(answer), m], answer[:, m], s=3, color=_COLOURS[row % len(_COLOURS)], linewidths=0
            )
            axis.plot([low, high], [low, high], color="black", linewidth=0.7)
            axis.set_ylim(low - 0.25 * (high - low), high + 0.25 * (high - low))
            if row == 0:
                axis.set_title(names[m], fontsize="small")
            if column == 0:
                axis.set_ylabel(one.name, fontsize="x-small")
    return Picture(name, caption, png(figure))


def bar_picture(
    name: str,
    caption: str,
    names: Sequence[str],
    values: Mapping[str, Real],
    label: str,
    line: tuple[str, float] | None = None,
) -> Picture:
    """Draw one group of bars a name, a bar a method, and a dashed line at a level with its label."""
    figure, axes = new_figure((10 if len(names) > _FEW else 5, 3.2), 1, 1)
    axis, width = axes[0, 0], 0.8 / len(values)
    place = np.arange(len(names))
    for k, (method, heights) in enumerate(values.items()):
        axis.bar(
            place + (k - (len(values) - 1) / 2) * width,
            heights,
            width,
            label=method,
            color=_COLOURS[k % len(_COLOURS)],
        )
    if line is not None:
        axis.axhline(line[1], color="black", linewidth=0.8, linestyle="--", label=line[0])
    axis.set_xticks(place, names, rotation=60 if len(names) > _FEW else 0, fontsize="small")
    axis.set_ylabel(label)
    axis.legend(frameon=False, fontsize="x-small")
    return Picture(name, caption, png(figure))


def curve_picture(
    name: str,
    caption: str,
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    labels: tuple[str, str],
) -> Picture:
    """Draw curves with a logarithmic abscissa."""
    figure, axes = new_figure((4.8, 3.4), 1, 1)
    axis = axes[0, 0]
    for k, (label, (x, y)) in enumerate(curves.items()):
        axis.plot(x, y, marker="o", markersize=3, label=label, color=_COLOURS[k % len(_COLOURS)])
    axis.set_xscale("log")
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    axis.legend(frameon=False, fontsize="x-small")
    return Picture(name, caption, png(figure))


def level_picture(
    name: str, caption: str, places: Sequence[str], levels: Mapping[str, Sequence[float]], label: str
) -> Picture:
    """Draw a mark a place and a method, side by side, with a logarithmic ordinate."""
    from matplotlib.ticker import FuncFormatter

    figure, axes = new_figure((10, 4.2), 1, 1)
    axis, place = axes[0, 0], np.arange(len(places))
    for k, (method, values) in enumerate(levels.items()):
        colour, mark = _COLOURS[k % len(_COLOURS)], _MARKS[k % len(_MARKS)]
        beside = place + 0.7 * ((k + 0.5) / len(levels) - 0.5)
        axis.plot(beside, values, mark, markersize=5, color=colour, label=method)
    for edge in place[:-1] + 0.5:
        axis.axvline(edge, color="0.85", linewidth=0.6)
    axis.set_xticks(place, places, rotation=60, ha="right", fontsize="small")
    axis.set_yscale("log")
    for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
        ticks(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.tick_params(axis="y", which="both", labelsize="small")
    axis.set_ylabel(label)
    axis.legend(frameon=False, fontsize="x-small", ncols=len(levels), loc="lower left", bbox_to_anchor=(0, 1))
    return Picture(name, caption, png(figure))


def new_figure(size: tuple[float, float], rows: int, columns: int) -> tuple[Any, Any]:
    """Return a figure and its axes, without the lines at the top and on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=90, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.ravel():
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def png(figure: Any) -> bytes:
    """Return a figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
