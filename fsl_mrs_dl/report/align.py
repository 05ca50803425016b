"""The page of ``align``."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fsl_mrs_dl.data import FLAGS, Estimates, MRSData
from fsl_mrs_dl.report import figures
from fsl_mrs_dl.report.page import (
    acquisition_rows,
    cards,
    figure,
    number,
    page,
    plain,
    processing_table,
    section,
    table,
)
from fsl_mrs_dl.report.view import AlignResult, AlignView, view_alignment
from fsl_mrs_dl.scores import Peak

Widths = dict[tuple[str, str], Peak]
_ARROW = " \N{RIGHTWARDS ARROW} "


def align_page(before: MRSData, result: AlignResult, options: Mapping[str, Any]) -> str:
    """Return the HTML page of an alignment: one file that needs no network.

    Parameters
    ----------
    before : MRSData
        The step's input.
    result : AlignResult
        Result of the step.
    options : mapping
        Options of the step by name; ``dim`` and ``ppm`` select the figures.

    Returns
    -------
    str
    """
    limits = options.get("ppm")
    view = view_alignment(before, result, options.get("dim") or "DIM_DYN", tuple(limits) if limits else None)
    widths = [view.linewidths(stack) for stack in (view.before, view.after)]
    parts = [
        cards(_headline(view, widths[0], widths[1], tuple(result.settled.get("rejected", ())))),
        section(
            "Transients",
            figure(figures.stack_figure(view), "transients"),
            text="Real part minus a smooth baseline common to all rows; rows are transients. Aligned lines "
            "are vertical. " + " ".join(view.notes),
        ),
        section("Average", figure(figures.average_figure(view), "average"), text=_average_text(view)),
        section(
            "Shift and phase",
            figure(figures.drift_figure(view), "drift"),
            text="Estimates that were subtracted, with \N{PLUS-MINUS SIGN}1.96 standard deviations; "
            "phases are shown about their mean. Crosses mark flagged transients." + _axis_text(result),
        ),
    ]
    if view.before.usable.any() and view.after.usable.any():
        drawing = figure(figures.similarity_figure(view), "similarity")
        text = (
            f"Normalised real inner products of the complex spectra, {_window(view)}. The index is the mean "
            "of a condition's entries; noise keeps it below 1, also for perfect alignment."
        )
        if (view.signs < 0).any():
            text += " A condition of opposite sign is turned by half a turn first."
        parts.append(section("Similarity", drawing, text=text))
    parts.append(section("Numbers", *_tables(view, result.estimates, *widths)))
    settings = {**options, **result.settled}
    parts.append(section("Settings", table((name, plain(value)) for name, value in settings.items())))
    parts.append(section("Acquisition", table(acquisition_rows(before))))
    parts.append(section("Processing applied", processing_table(result.data)))
    return page("Frequency and phase correction", before, parts)


def _axis_text(result: AlignResult) -> str:
    axis = result.settled.get("axis")
    return f" The ppm axis: {axis}." if axis else ""


def _window(view: AlignView) -> str:
    low, high = view.ppm[view.inside][[0, -1]]
    return f"{low:.2f} to {high:.2f} ppm"


def _average_text(view: AlignView) -> str:
    text = f"Real part of the mean of the usable transients; the shaded range is the window, {_window(view)}."
    if view.edit_sign:
        text += (
            " In the difference, remainders of lines that both conditions share are caused by misalignment."
        )
    if view.edit_sign > 0:
        text += " The conditions have opposite sign, so that their sum is the difference spectrum."
    return text


def _headline(
    view: AlignView, before: Widths, after: Widths, rejected: tuple[int, ...]
) -> list[tuple[str, str]]:
    shifts = view.estimates.shift_hz[view.estimates.usable]
    spread = f"{number(float(np.ptp(shifts)))} Hz" if shifts.size else number(np.nan)
    similar = [number(float(np.mean(stack.similarity(view.inside)))) for stack in (view.before, view.after)]
    facts = [("range of shifts", spread), ("similarity index", _ARROW.join(similar))]
    if before:
        key = (view.conditions[0], "Creatine")
        widths = [number(peaks[key].fwhm_hz, 1) for peaks in (before, after)]
        facts.append((f"creatine linewidth of the average {key[0]}".strip(), _ARROW.join(widths) + " Hz"))
    flagged = int(np.sum(~view.estimates.usable))
    facts.append(("flagged transients", f"{flagged} of {view.estimates.flag.size}"))
    if rejected:
        facts.append(("left out", f"{len(rejected)} of {view.estimates.flag.shape[1]}"))
    return facts


def _tables(view: AlignView, estimates: Estimates | None, before: Widths, after: Widths) -> list[str]:
    parts = [table(_comparison(view, before, after), ("", "Before", "After")), table(_estimate_rows(view))]
    flags: Any = [] if estimates is None else estimates.flag
    counts = [(token, int(np.sum(flags == token)), flag.meaning) for token, flag in FLAGS.items()]
    counts = [row for row in counts if row[1]]
    if counts:
        parts.append(table(counts, ("Flag", "FIDs of the file", "Meaning")))
    else:
        parts.append("<p>No FID is flagged.</p>")
    return parts


def _comparison(view: AlignView, before: Widths, after: Widths) -> list[tuple[str, str, str]]:
    similar = [stack.similarity(view.inside) for stack in (view.before, view.after)]
    rows = [
        (f"Similarity index {name}".strip(), number(float(a), 3), number(float(b), 3))
        for name, a, b in zip(view.conditions, *similar, strict=True)
    ]
    for condition, name in before:
        cells = [
            f"{number(peak.fwhm_hz)} \N{PLUS-MINUS SIGN} {number(peak.fwhm_hz_sd)} Hz"
            if peak.fwhm_hz > 0
            else "no line"
            for peak in (before[condition, name], after[condition, name])
        ]
        rows.append((f"{name} linewidth (FWHM) of the average {condition}".strip(), cells[0], cells[1]))
    return rows


def _estimate_rows(view: AlignView) -> list[tuple[str, ...]]:
    estimates, first = view.estimates, 0.0
    rows: list[tuple[str, ...]] = [
        ("Transients", f"{int(view.before.usable.sum())} usable of {view.before.usable.size}")
    ]
    for n, name in enumerate(view.conditions):
        sound = estimates.usable[n]
        if not sound.any():
            continue
        shift, turn = estimates.shift_hz[n][sound], np.degrees(estimates.phase_rad[n][sound])
        rows += [
            (f"Shift {name}".strip(), f"{number(shift.min())} to {number(shift.max())} Hz"),
            (f"Phase {name}".strip(), f"{number(turn.min(), 1)} to {number(turn.max(), 1)} degrees"),
            (f"Median SD of shift and phase {name}".strip(), _median_sd(view, n, sound)),
        ]
        offset = float(np.median(estimates.reference_shift_hz[n][sound]))
        if n == 0:
            first = offset
        elif offset != first:
            rows.append((f"Offset of {name} against the first condition", f"{number(offset - first)} Hz"))
    if first:
        ppm = first / view.data.spectrometer_frequency_mhz
        rows.append(("Shift that all share, for the ppm axis", f"{number(first)} Hz, {number(ppm, 3)} ppm"))
    return rows


def _median_sd(view: AlignView, condition: int, sound: Any) -> str:
    shift = view.estimates.shift_hz_sd[condition][sound]
    turn = np.degrees(view.estimates.phase_rad_sd[condition][sound])
    return f"{number(float(np.median(shift)), 3)} Hz, {number(float(np.median(turn)))} degrees"
