"""The pictures of the page: regression maps, scores, errors by SNR and shim, RMSE groups, slopes and bounds."""

from typing import Any

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.report.drawing import new_panels, png
from fsl_mrs_dl.scores import rmse
from tests.benchmarks.rizzo.answers import MEAN, MODEL_FIT, Answer, Run
from tests.benchmarks.rizzo.calibration import SNR_GROUPS
from tests.benchmarks.rizzo.compared import SHOWN, best_ensemble, snr_methods, snr_values
from tests.benchmarks.rizzo.scores import RANGES, below_bound, scores
from tests.benchmarks.rizzo.spectra import GROUPS, NAMES
from tests.benchmarks.table import Picture

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#8c510a")
_GROUP_COLOURS = dict(zip(GROUPS, _COLOURS, strict=False))
_MARKERS = {"network": "o", "ensemble": "^", "fit": "s", "mean": "x"}
_BINS = 24  # of a histogram along an edge
_SLICES = 10
"""Groups of equally many spectra in the curves of error against SNR and shim."""


def pictures(run: Run, *, few: bool = False) -> list[Picture]:
    """Return the pictures that can be drawn of what was trained; ``few``: two of them, in seconds."""
    every = [] if few else [scores_picture(run), bounds_picture(run), groups_picture(run)]
    shown = {"network": run.best}
    shown |= {} if few else {"fit": MODEL_FIT, "ensemble": best_ensemble(run)}
    for key, name in shown.items():
        if name in run.answers:
            every.append(map_picture(f"map-{key}", run.answers[name], run))
    if run.best in run.answers:
        every.append(error_picture(run))
    return every


def map_picture(key: str, answer: Answer, run: Run) -> Picture:
    """Draw estimate against truth of nine metabolites, with the distributions of both beside."""
    figure, panels = new_panels(3, 3, (10, 10), dpi=90)
    values = answer.values[0]
    own = scores(values, run.truth)
    for axes, name in zip(np.ravel(panels), SHOWN, strict=True):
        m = NAMES.index(name)
        x, y, most = run.truth[:, m], values[:, m], RANGES[m]
        edges = (-0.35 * most, 1.35 * most)
        axes.plot(x, y, ".", markersize=2, color="#0072b2", alpha=0.5)
        axes.plot([0, most], [0, most], color="black", linewidth=0.8)
        axes.plot([0, most], own.q[m] + own.a[m] * np.array([0, most]), color="#d55e00", linewidth=1.2)
        axes.set_xlim(*edges)
        axes.set_ylim(*edges)
        for place, data, horizontal in (("top", x, False), ("right", y, True)):
            _marginal(axes, place, data, most, edges, horizontal=horizontal)
        axes.set_title(
            f"{name}: a {own.a[m]:.2f}, q {own.q[m]:+.2f}, R2 {own.r2[m]:.2f}, sigma {own.sigma[m]:.2f}",
            fontsize=8,
        )
    for axes in np.asarray(panels)[-1]:
        axes.set_xlabel("truth (mM)")
    for axes in np.asarray(panels)[:, 0]:
        axes.set_ylabel("estimate (mM)")
    caption = (
        f"Estimate against truth, {answer.name}: spectra, identity (black), line of regression (orange); along "
        "the top the distribution of the truth, on the right that of the estimates. A network that falls back to "
        "the mean of its training has a narrow one on the right."
    )
    return Picture(key, caption, png(figure))


def _marginal(
    axes: Any, place: str, data: Real, most: float, edges: tuple[float, float], *, horizontal: bool
) -> None:
    """Fill a histogram along an edge of the axes, a tenth of their height at a uniform distribution."""
    counts, steps = np.histogram(data, bins=_BINS, range=edges)
    height = counts / len(data) * (edges[1] - edges[0]) * 0.1 / (steps[1] - steps[0]) * most
    height = np.minimum(height, 0.3 * (edges[1] - edges[0]))
    low = np.repeat(edges[1] - height, 2)
    along = np.repeat(steps, 2)[1:-1]
    high = np.full(len(low), edges[1])
    fill = axes.fill_betweenx if horizontal else axes.fill_between
    fill(along, low, high, color="#999999" if place == "top" else "#0072b2", alpha=0.35, linewidth=0)


def scores_picture(run: Run) -> Picture:
    """Draw a R2 against sigma for every trained network, ensemble and fit, nine metabolites."""
    figure, panels = new_panels(3, 3, (11, 9.5), dpi=90)
    names = [name for name in run.answers if name != MEAN]
    for axes, metabolite in zip(np.ravel(panels), SHOWN, strict=True):
        m = NAMES.index(metabolite)
        for name in names:
            answer, several = run.answers[name], run.answers[name].scores(run.truth)
            k = [one for one in names if run.answers[one].kind == answer.kind].index(name)
            axes.plot(
                [s.percent[m] for s in several],
                [s.concise[m] for s in several],
                _MARKERS[answer.kind],
                color=_COLOURS[k % len(_COLOURS)],
                markersize=6,
                fillstyle=("full", "none", "left")[k // len(_COLOURS)],
                label=name,
            )
        bound = np.sqrt((run.bounds[:, m] ** 2).mean()) / RANGES[m] * 200
        axes.axvline(bound, color="0.6", linestyle=":", linewidth=1)
        axes.axvline(200 / np.sqrt(12), color="0.8", linewidth=1)
        axes.set_title(metabolite, fontsize=9)
        axes.set_ylim(-0.05, 1.05)
        axes.set_xlim(left=0)
    for axes in np.asarray(panels)[-1]:
        axes.set_xlabel("sigma (% of the middle of the range)")
    for axes in np.asarray(panels)[:, 0]:
        axes.set_ylabel("a R2")
    handles, texts = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    caption = (
        "Linearity against error of every method that was trained or fitted; the best is at the top on the left. "
        "Circles: networks, one a training; triangles: ensembles; squares: fits. Dotted: Cramer-Rao bound. "
        "Grey: error of the mean of the training, without any skill."
    )
    return Picture("scores", caption, png(figure))


def error_picture(run: Run) -> Picture:
    """Draw errors of a network and the RMSE of its slices against SNR and against shim."""
    chosen = ("tCho", "NAAG", "sI", "NAA")
    figure, panels = new_panels(2, 4, (13, 6), dpi=90)
    values, test = run.answers[run.best].values[0], run.test()
    for row, (label, axis) in enumerate((("SNR of water", test.snr), ("shim (Hz)", test.shim_hz))):
        order = np.argsort(axis)
        slices = np.array_split(order, _SLICES)
        middles = [axis[rows].mean() for rows in slices]
        for axes, name in zip(np.asarray(panels)[row], chosen, strict=True):
            m = NAMES.index(name)
            error = values[:, m] - run.truth[:, m]
            axes.plot(axis, error, ".", markersize=2, color="0.7")
            for method, colour in zip(snr_methods(run), _COLOURS, strict=False):
                other = run.answers[method].values[0][:, m]
                spread = [float(rmse(other[rows], run.truth[rows, m])) for rows in slices]
                axes.plot(middles, spread, "o-", color=colour, markersize=4, label=f"RMSE, {method}")
            bound = [np.sqrt((run.bounds[rows, m] ** 2).mean()) for rows in slices]
            axes.plot(middles, bound, "--", color="black", linewidth=1, label="CRLB")
            axes.set_title(name, fontsize=9)
            axes.set_ylim(-0.6 * RANGES[m], 0.6 * RANGES[m])
            axes.set_xlabel(label)
        panels[row][0].set_ylabel("error (mM)")
    panels[0][0].legend(fontsize=7, frameon=False)
    caption = (
        f"Errors of {run.best} (grey) and RMSE of slices of equally many spectra, against the SNR of "
        "water and against the shim."
    )
    return Picture("errors", caption, png(figure))


def groups_picture(run: Run) -> Picture:
    """Draw the RMSE of a network, of the fit and the bound by SNR group."""
    figure, panels = new_panels(1, len(SHOWN), (15, 3.2), dpi=90)
    labels = [*snr_methods(run), "CRLB"]
    for axes, name in zip(np.ravel(panels), SHOWN, strict=True):
        values = snr_values(run, name, run.test().snr)
        for k, label in enumerate(labels):
            places = np.arange(len(values)) + 0.26 * (k - (len(labels) - 1) / 2)
            colour = "0.5" if label == "CRLB" else _COLOURS[k]
            axes.bar(places, [v[k] for v in values.values()], 0.24, color=colour, label=label)
        axes.set_xticks(range(len(SNR_GROUPS)), ["low", "mid", "high"], fontsize=7)
        axes.tick_params(axis="y", labelsize=7)
        axes.set_title(name, fontsize=9)
    np.ravel(panels)[0].set_ylabel("mM")
    handles, texts = np.ravel(panels)[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    caption = "RMSE of a network and of the model fit beside the Cramer-Rao bound, by the SNR of water: " + (
        "; ".join(f"{short}: {text}" for short, text in zip(("low", "mid", "high"), SNR_GROUPS, strict=True))
        + "."
    )
    return Picture("snr-groups", caption, png(figure))


def bounds_picture(run: Run) -> Picture:
    """Draw slope against relative bound for every method; filled where the RMSE is below the bound."""
    names = [name for name in run.answers if name != MEAN]
    columns = 4
    rows = -(-len(names) // columns)
    figure, panels = new_panels(rows, columns, (13, 3 * rows), dpi=90)
    bound = np.sqrt((run.bounds**2).mean(axis=0))
    flat = np.ravel(panels)
    for axes in flat[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(flat, names, strict=False):
        s = run.answers[name].scores(run.truth)[0]
        lower = below_bound(s.sigma, run.bounds)
        for label, members in GROUPS.items():
            for metabolite in members:
                m = NAMES.index(metabolite)
                colour = _GROUP_COLOURS[label]
                axes.plot(
                    200 * bound[m] / RANGES[m],
                    s.a[m],
                    "o",
                    color=colour,
                    markerfacecolor=colour if lower[m] else "none",
                )
                axes.annotate(
                    metabolite,
                    (200 * bound[m] / RANGES[m], s.a[m]),
                    fontsize=6,
                    xytext=(3, 3),
                    textcoords="offset points",
                )
        axes.axhline(1, color="0.7", linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
        axes.minorticks_off()
        axes.set_ylim(-0.1, 1.25)
        axes.set_title(name, fontsize=9)
    for axes in np.atleast_2d(panels)[-1]:
        axes.set_xlabel("CRLB (% of the middle of the range)", fontsize=8)
    for axes in np.atleast_2d(panels)[:, 0]:
        axes.set_ylabel("slope a")
    caption = (
        "Slope of estimate on truth against the Cramer-Rao bound, a point a metabolite. Filled: the RMSE is below "
        "the bound, which only an answer that is drawn to the mean of the training can be: shrinkage."
    )
    return Picture("bounds", caption, png(figure))
