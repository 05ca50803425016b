"""Draw a static figure of an alignment (matplotlib, without its global state)."""

from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Estimates, MRSData, Real
from fsl_mrs_dl.report.drawing import new_figure
from fsl_mrs_dl.report.figures import colour_limit, image_rows
from fsl_mrs_dl.report.page import AFTER, BEFORE, CONDITIONS, FLAGGED, TRUTH
from fsl_mrs_dl.report.view import AlignResult, AlignView, Stack, view_alignment, voxel_estimates
from fsl_mrs_dl.scores import phase_difference


def save_align_figure(
    before: MRSData,
    result: AlignResult,
    path: Path | str,
    *,
    dim: str = "DIM_DYN",
    limits_ppm: tuple[float, float] | None = None,
    truth: Estimates | None = None,
) -> None:
    """Write a picture: transients before and after, averages, drift with its 95 % band.

    Parameters
    ----------
    before : MRSData
        The step's input.
    result : AlignResult
        Result of the step.
    path : Path or str
        Ends in ``.png``, ``.pdf`` or ``.svg``.
    dim : str
        Tag of the aligned dimension.
    limits_ppm : tuple of float, optional
        The alignment window; the nucleus's by default.
    truth : Estimates, optional
        True values of a simulation, drawn over the estimates.
    """
    drawing = new_figure((11, 6.2))
    draw_alignment(drawing, before, result, dim=dim, limits_ppm=limits_ppm, truth=truth)
    drawing.savefig(path)


def draw_alignment(
    drawing: Any,
    before: MRSData,
    result: AlignResult,
    *,
    dim: str = "DIM_DYN",
    limits_ppm: tuple[float, float] | None = None,
    truth: Estimates | None = None,
) -> None:
    """Draw the picture of :func:`save_align_figure` into a figure of Matplotlib with automatic layout."""
    view = view_alignment(before, result, dim, limits_ppm)
    panels = drawing.subplot_mosaic("AABBCC;DDDEEE", height_ratios=[1.25, 1])
    panels["B"].sharey(panels["A"])
    _draw_stack(panels["A"], view, view.before, "Transients before")
    _draw_stack(panels["B"], view, view.after, "Transients after")
    panels["A"].set_ylabel("Transient, by condition" if len(view.conditions) > 1 else "Transient")
    panels["B"].tick_params(labelleft=False)
    _draw_averages(panels["C"], view)
    true = None if truth is None else voxel_estimates(before, truth, view.voxel, dim)
    drift = view.estimates
    _draw_drift(panels["D"], view, drift.shift_hz, drift.shift_hz_sd, None if true is None else true.shift_hz)
    _draw_drift(
        panels["E"],
        view,
        np.degrees(drift.phase_rad),
        np.degrees(drift.phase_rad_sd),
        None
        if true is None
        else np.degrees(drift.phase_rad + phase_difference(true.phase_rad, drift.phase_rad)),
    )
    for name in "DE":
        _mark_rejected(panels[name], tuple(result.settled.get("rejected", ())))
    panels["D"].set_ylabel("Shift (Hz)")
    panels["E"].set_ylabel("Phase (degrees)")
    if true is not None or len(view.conditions) > 1 or result.settled.get("rejected"):
        panels["D"].legend(frameon=False, fontsize="small")
    if "SyntheticData" in before.header:
        drawing.suptitle("Synthetic data", fontsize="medium")


def _mark_rejected(axes: Any, rejected: tuple[int, ...]) -> None:
    """Shade the transients that are not in the result."""
    for n, place in enumerate(rejected):
        label = "left out" if n == 0 else None
        axes.axvspan(place - 0.5, place + 0.5, color="0.85", linewidth=0, zorder=0, label=label)


def _draw_stack(axes: Any, view: AlignView, stack: Stack, title: str) -> None:
    """Draw transients as an image, conditions one above the other."""
    rows = np.concatenate([image_rows(view, stack, n) for n in range(len(view.conditions))])
    ppm, top = view.ppm[view.shown], colour_limit(view)
    extent = (ppm[0], ppm[-1], -0.5, len(rows) - 0.5)
    axes.imshow(
        rows,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="RdBu_r",
        vmin=-top,
        vmax=top,
        interpolation="nearest",
    )
    for n, name in enumerate(view.conditions):
        if name:
            axes.axhline(n * stack.usable.shape[1] - 0.5, color="black", linewidth=0.8)
            axes.text(
                ppm[0], n * stack.usable.shape[1], f"{name} ", fontsize="small", ha="right", va="bottom"
            )
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_title(title, fontsize="medium")
    _reverse_ppm(axes, view)


def _draw_averages(axes: Any, view: AlignView) -> None:
    """Draw the averages over each other, conditions shifted downwards."""
    ppm, after = view.curve(view.after.average)
    averages = [view.curve(view.before.average)[1], after]
    apart = 1.1 * float(np.max(np.abs(after))) if len(view.conditions) > 1 else 0.0
    for n, name in enumerate(view.conditions):
        for average, when, colour in zip(averages, ("before", "after"), (BEFORE, AFTER), strict=True):
            label = when if n == 0 else None
            axes.plot(ppm, average[n] - n * apart, color=colour, linewidth=1.2, label=label)
        if name:
            axes.text(ppm[0], (0.1 - n) * apart, f"{name} ", fontsize="small", ha="right")
    axes.set_title("Average", fontsize="medium")
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize="small")
    _reverse_ppm(axes, view)


def _reverse_ppm(axes: Any, view: AlignView) -> None:
    low, high = view.ppm[view.shown][[0, -1]]
    axes.set_xlim(high, low)
    axes.set_xlabel("Chemical shift (ppm)")


def _draw_drift(axes: Any, view: AlignView, value: Real, sd: Real, truth: Real | None) -> None:
    """Draw the estimate of each transient; a constant offset of the truth is not an error."""
    x = np.arange(value.shape[1])
    for n, name in enumerate(view.conditions):
        sound = view.estimates.usable[n]
        shown, error = np.where(sound, value[n], np.nan), 1.96 * sd[n]
        colour = CONDITIONS[n % len(CONDITIONS)]
        axes.fill_between(x, shown - error, shown + error, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, shown, ".-", color=colour, linewidth=1, markersize=4, label=name or "estimate")
        axes.plot(x[~sound], value[n][~sound], "x", color=FLAGGED)
        if truth is not None and sound.any():
            offset = np.mean(value[n][sound] - truth[n][sound])
            label = "truth (same mean)" if n == 0 else None
            axes.plot(x, truth[n] + offset, "--", color=TRUTH, linewidth=1.2, label=label)
    axes.set_xlabel("Transient")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(color="#ececec")
    axes.set_axisbelow(True)
