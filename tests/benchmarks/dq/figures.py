"""The pictures of task ``dq``: PNG, small enough for the documentation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.report.drawing import new_panels, png
from tests.benchmarks.dq.accuracy import SHOWN
from tests.benchmarks.dq.operations import flops
from tests.benchmarks.dq.plans import SIX, TrainedDqNetwork
from tests.benchmarks.dq.studies import GAMMA, SHIFT_HZ, NoiseDraws, Studies
from tests.benchmarks.table import Picture

_OURS, _FIT, _TRUTH = "#1b6ca8", "#d1495b", "black"


def histograms(draws: NoiseDraws) -> Picture:
    """Draw the histogram of each amplitude, network and fit, the truth and the bound."""
    names = [name for name in SHOWN if name in draws.truth.basis.names]
    figure, axes = _bare(3, 3, (10, 6.4))
    for axis, name in zip(axes.ravel(), names, strict=False):
        m = draws.truth.basis.names.index(name)
        truth, bound = draws.truth.amplitudes[0, m], draws.bound[m]
        both = {"network": (draws.network.amplitudes[:, m], _OURS), "fit": (draws.fit[:, m], _FIT)}
        bins = np.linspace(truth - 4.5 * bound, truth + 4.5 * bound, 31)
        for label, (values, colour) in both.items():
            axis.hist(values, bins, histtype="step", color=colour, label=label, linewidth=1.4)
        height = len(draws.fit) * (bins[1] - bins[0]) / (np.sqrt(2 * np.pi) * bound)
        fine = np.linspace(bins[0], bins[-1], 200)
        curve = height * np.exp(-((fine - truth) ** 2) / (2 * bound**2))
        axis.plot(fine, curve, color=_TRUTH, linewidth=0.8, label="bound")
        axis.axvline(truth, color=_TRUTH, linewidth=0.8, linestyle="--")
        axis.set_title(name, fontsize="medium")
    axes[0, 0].legend(frameon=False, fontsize="x-small")
    text = "Amplitudes of one spectrum over draws of the noise; the curve is the bound's Gaussian"
    return Picture("histograms", f"{text}.", png(figure))


def scatter(draws: NoiseDraws) -> Picture:
    """Draw shift against damping over the draws."""
    figure, axes = _bare(1, 1, (4.6, 3.8))
    axis = axes[0, 0]
    axis.scatter(draws.network.shift_hz, draws.network.gamma, s=6, color=_OURS, alpha=0.6, linewidths=0)
    axis.axvline(SHIFT_HZ, color=_TRUTH, linewidth=0.8, linestyle="--")
    axis.axhline(GAMMA, color=_TRUTH, linewidth=0.8, linestyle="--")
    axis.set_xlabel("Shift (Hz)")
    axis.set_ylabel("Damping (rad/s)")
    return Picture(
        "shift-damping", "Shift and damping that the network finds; dashed: the truth.", png(figure)
    )


def heat_map(draws: NoiseDraws) -> Picture:
    """Draw the correlation of all amplitudes over the draws."""
    names = draws.truth.basis.names
    figure, axes = _bare(1, 2, (10.5, 4.8))
    both = {"Network": draws.network.amplitudes, "Fit": draws.fit}
    for axis, (title, values) in zip(axes[0], both.items(), strict=True):
        image = axis.imshow(np.corrcoef(values.T), vmin=-1, vmax=1, cmap="RdBu_r")
        axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axis.set_yticks(range(len(names)), names, fontsize=7)
        axis.set_title(title)
    figure.colorbar(image, ax=list(axes[0]), label="Correlation", shrink=0.8)
    return Picture("correlation", "Correlation of the amplitudes over the draws of the noise.", png(figure))


def curves(main: Sequence[TrainedDqNetwork], studies: Studies) -> Picture:
    """Draw R2 against steps of the main networks, of sizes and of encoders, and t_r of rpMM."""
    figure, axes = _bare(2, 2, (11, 7))
    panels = (
        ("Ways to the amplitudes", main),
        ("Signals to learn from", studies.sizes),
        ("Encoders", studies.encoders),
    )
    for axis, (title, several) in zip(axes.ravel(), panels, strict=False):
        for one in several:
            label = one.plan.label
            if one.plan.encoder != "cnn" or title == "Encoders":
                label += f", {flops(one.network.encoder, one.network.n_points) / 1e6:.1f} MFLOP"
            axis.plot(one.steps, one.mean_r2, label=label, linewidth=1.4)
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel("Steps")
        axis.set_ylabel("Mean R2")
        axis.set_ylim(-0.5, 1)
        axis.axhline(0, color="0.7", linewidth=0.8)
        axis.legend(frameon=False, fontsize="x-small", loc=(0.6, 0.31) if several is main else "lower right")
    axis = axes[1, 1]
    for one in studies.penalties:
        axis.plot(one.steps, 1e3 * one.early_s, label=f"lambda {one.plan.label} /s", linewidth=1.4)
    axis.set_title("End of the early part, rpMM", fontsize="medium")
    axis.set_xlabel("Steps")
    axis.set_ylabel("t_r (ms)")
    axis.set_yscale("log")
    axis.legend(frameon=False, fontsize="x-small", loc="center right")
    text = f"Mean R2 of {', '.join(SIX)} on spectra not trained on, and t_r of rpMM, against steps"
    return Picture("training", f"{text}.", png(figure))


def _bare(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    """Return panels without a frame."""
    figure, axes = new_panels(rows, columns, size, dpi=90)
    for axis in axes.ravel():
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes
