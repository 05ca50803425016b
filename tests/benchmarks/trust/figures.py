"""The pictures of the trust page."""

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.report.drawing import new_panels, png
from fsl_mrs_dl.scores import rank_histogram, slope
from tests.benchmarks.table import Picture
from tests.benchmarks.trust.bias import SLOPES, MethodEstimates
from tests.benchmarks.trust.calibration import BINS, LEVELS, WITHIN, Cell

_COLOURS = ("#7a7a7a", "#0072b2", "#e69f00", "#009e73", "#cc79a7")


def coverage_picture(informed: list[Cell], weak: list[Cell]) -> Picture:
    """Draw coverage less nominal for every member, by SNR; both priors."""
    figure, (panels,) = new_panels(1, 2, (10, 4), dpi=110)
    for axes, cells, title in zip(panels, (informed, weak), ("Generating prior", "Weak prior"), strict=True):
        axes.axhspan(-100 * WITHIN, 100 * WITHIN, color="0.92", zorder=0)
        axes.axhline(0, color="0.6", linewidth=0.8)
        for cell, colour in zip(cells, _COLOURS, strict=False):
            place = np.arange(len(LEVELS)) + 0.15 * (_COLOURS.index(colour) - 2)
            excess = np.stack([100 * (cell.inside(at) - LEVELS[at]) for at in range(len(LEVELS))])
            axes.plot(np.repeat(place, excess.shape[1]), excess.ravel(), ".", color=colour, markersize=4)
            axes.plot([], [], ".", color=colour, label=f"SNR_f {cell.snr_f:g}")
        axes.set_xticks(range(len(LEVELS)), [f"{100 * level:.0f} %" for level in LEVELS])
        axes.set_title(title)
        axes.set_xlabel("Interval")
    panels[0].set_ylabel("Coverage less nominal (points)")
    panels[1].legend(fontsize=8)
    text = (
        "Coverage of posterior intervals less their nominal coverage. One dot a member of the basis; grey: "
        "3 points."
    )
    return Picture("coverage", text, png(figure))


def ranks_picture(cell: Cell, basis: Basis) -> Picture:
    """Draw the rank histogram of every member."""
    counts = rank_histogram(cell.ranks, cell.n_draws, BINS)
    expected = len(cell.truth) / BINS
    spread = 2.58 * np.sqrt(expected * (1 - 1 / BINS))
    across = 5
    down = -(-len(basis.names) // across)
    figure, panels = new_panels(down, across, (10, 1.5 * down + 0.4), dpi=110, shared=True)
    for axes in panels.flat[len(basis.names) :]:
        axes.set_visible(False)
    for m, name in enumerate(basis.names):
        axes = panels.flat[m]
        axes.axhspan((expected - spread) / expected, (expected + spread) / expected, color="0.88", zorder=0)
        axes.bar(np.arange(BINS) + 0.5, counts[:, m] / expected, width=1.0, color=_COLOURS[1])
        axes.set_title(name, fontsize=8, pad=2)
        axes.set_xticks([])
        axes.set_ylim(0, max(2.0, 1.05 * counts.max() / expected))
    figure.supxlabel("Rank of the truth among the draws", fontsize=9)
    figure.supylabel("Share over uniform", fontsize=9)
    text = (
        f"Rank of the truth among posterior draws at SNR_f {cell.snr_f:g}, {len(cell.truth)} spectra, generating "
        "prior; flat is right, a hump too wide, a bowl too narrow. Grey: 99 % of uniform histograms' bars."
    )
    return Picture("ranks", text, png(figure))


def slopes_picture(every: list[MethodEstimates], basis: Basis) -> Picture:
    """Draw the slope of estimate on truth against the relative bound."""
    figure, ((axes,),) = new_panels(1, 1, (7, 4), dpi=110)
    axes.axhspan(*SLOPES, color="0.9", zorder=0)
    for one, colour in zip(every, _COLOURS, strict=True):
        relative = 100 * np.median(one.bound / one.truth, axis=0)
        axes.semilogx(
            relative,
            slope(one.estimate, one.truth),
            "o",
            color=colour,
            markersize=4,
            label=one.method.replace("`", ""),
        )
    relative = 100 * np.median(every[0].bound / every[0].truth, axis=0)
    for m, name in enumerate(basis.names):
        axes.annotate(name, (relative[m], 1.27), rotation=90, fontsize=6, ha="center")
    axes.axvline(10, color="0.6", linewidth=0.8, linestyle="--")
    axes.set_xlabel("Median relative CRLB (%)")
    axes.set_ylabel("Slope of estimate on truth")
    axes.set_ylim(-0.1, 1.45)
    axes.legend(fontsize=7, loc="lower left")
    text = (
        f"Slope against relative bound at SNR_f {every[0].snr_f:g}: 1 is faithful, 0 is the mean of the "
        "training set."
    )
    return Picture("slopes", text, png(figure))
