"""Parts of the page for MRSI."""

import html
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report import quantify_figures as figures
from fsl_mrs_dl.report.concentrations import (
    WITHOUT_PRIOR,
    by_bound,
    flag_rows,
    leading_member,
    leading_words,
    main_columns,
    median,
    scaling_title,
    scalings,
    tokens,
    typical_text,
    water_words,
)
from fsl_mrs_dl.report.map_amounts import number_tables
from fsl_mrs_dl.report.map_panels import Panels
from fsl_mrs_dl.report.maps import Slices, display, reversed_axes, slices_side_by_side
from fsl_mrs_dl.report.page import cards, figure, number, section, table
from fsl_mrs_dl.report.quantify_svs import fit_text
from fsl_mrs_dl.report.spectra import view_fit

_MOST_MAPS = 16  # metabolites with maps on the page; the others are in the files
_QUALITY = (
    "SNR: height of the fitted line after matched damping, over the noise. Whiteness: correlation of "
    "neighbouring points of the residual, 0 for noise."
)
_NUMBERS = "Medians over the fitted voxels, in brackets the quartiles."


def mrsi_parts(data: MRSData, outcome: Outcome) -> list[str]:
    """Return the HTML of the parts with maps."""
    order = by_bound(outcome)
    drawn = order[:_MOST_MAPS]
    reverse, convention = reversed_axes(data)
    shown = slices_side_by_side(outcome, len(drawn), backwards=reverse[0])
    parts = [*_headline(outcome), _flags(outcome)]
    rest = f" {len(order) - len(drawn)} more are in the files." if len(order) > len(drawn) else ""
    text = (
        "Each map has its own range, from 0 to the 98th percentile of the voxels inside the mask. "
        f"{shown.text} {convention} The best determined come first.{rest}"
    )
    parts += _amounts(outcome, Panels(outcome, shown, reverse, drawn, text))
    parts.append(section("Quality", figure(_quality(outcome, shown, reverse), "maps_quality"), text=_QUALITY))
    counts = np.array([_histogram(outcome.crlb_percent[:, n]) for n in order])
    drawing = figure(figures.sd_figure([outcome.names[n] for n in order], counts), "histogram")
    text = "Number of voxels by the SD of the estimate, in per cent of it."
    parts.append(section(f"{WITHOUT_PRIOR}, histogram of the SD", drawing, text=text))
    parts.append(
        section("Numbers", *number_tables(outcome, order), text=f"{_NUMBERS} {water_words(outcome)}".rstrip())
    )
    parts += _examples(data, outcome, order)
    return parts


def _amounts(outcome: Outcome, panels: Panels) -> list[str]:
    """Return the maps: the posterior in every scaling, the estimate in the leading one (or all)."""
    lead = outcome.leading_scaling
    ordered = [lead, *(name for name in reversed(scalings(outcome)) if name != lead)]
    with_posterior = [name for name in ordered if outcome.scaled[name].has_posterior]
    parts = [part for name in with_posterior[:1] for part in (panels.means(name), panels.widths(name))]
    parts += [panels.means(name) for name in with_posterior[1:]]
    parts += [panels.estimates(name) for name in (ordered[:1] if with_posterior else ordered)]
    return [*parts, panels.sds()]


def _headline(outcome: Outcome) -> list[str]:
    """Return the main amounts and the quality of the voxels."""
    lead = leading_member(outcome)
    name = outcome.members[lead]
    flagged = int(np.sum(outcome.flags != 0))
    scaling = outcome.leading_scaling
    scaled = outcome.scaled[scaling]
    amounts = [(outcome.names[n], typical_text(scaled, n)) for n in main_columns(outcome, scaling)]
    quality = [
        ("fitted voxels", str(len(outcome.voxels))),
        ("flagged voxels", f"{flagged} of {len(outcome.voxels)}"),
        (f"median SNR of {name} (matched filter)", number(median(outcome.snr[:, lead]), 0)),
        (f"median linewidth of {name} (FWHM)", number(median(outcome.fwhm_hz[:, lead]), 1) + " Hz"),
        ("median residual whiteness (0 = noise)", number(median(outcome.residual_whiteness))),
    ]
    text = f"{scaling_title(outcome, scaling)}, medians over the voxels: {leading_words(scaled)}."
    return [f"<p>{html.escape(text)}</p>", cards(amounts), cards(quality)]


def _flags(outcome: Outcome) -> str:
    rows = flag_rows(outcome)
    return table(rows, ("Flag", "Voxels", "Meaning")) if rows else "<p>No voxel is flagged.</p>"


def _quality(outcome: Outcome, shown: Slices, reverse: tuple[bool, bool]) -> Any:
    lead = leading_member(outcome)
    name = outcome.members[lead]
    panels = []
    for title, values, scale in (
        (f"SNR of {name}", outcome.snr[:, lead], "Viridis"),
        (f"FWHM of {name} (Hz)", outcome.fwhm_hz[:, lead], "Magma"),
        ("Shift (Hz)", outcome.shift_hz[:, 0], "RdBu_r"),
        ("Residual whiteness", outcome.residual_whiteness, "RdBu_r"),
    ):
        low, high = display(values)
        if scale == "RdBu_r":
            high = max(abs(low), abs(high))
            low = -high
        panels.append((title, shown.of(values), low, high, scale))
    flagged = (outcome.flags != 0).astype(np.float64)
    panels.append(("Flagged (1) or not (0)", shown.of(flagged), 0.0, 1.0, "OrRd"))
    return figures.map_figure(panels, reverse)


def _histogram(percent: Real) -> Real:
    edges = np.array([*figures.SD_STEPS[:-1], np.inf])
    return np.histogram(np.nan_to_num(percent, nan=999.0), bins=edges)[0]


def _examples(data: MRSData, outcome: Outcome, order: list[int]) -> list[str]:
    """Return a typical voxel and the fitted voxel with the largest SD, with all fitted curves."""
    best = order[0]
    score = np.where(np.isfinite(outcome.phase_rad), outcome.crlb_percent[:, best], np.nan)
    rank = np.argsort(np.nan_to_num(score, nan=-1.0), kind="stable")
    rank = rank[np.isfinite(score[rank])]
    if not rank.size:
        return ["<p>No voxel could be fitted.</p>"]
    unflagged = [row for row in rank if outcome.flags[row] == 0] or list(rank)
    parts = []
    for which, row, why in (
        ("A typical voxel", int(unflagged[len(unflagged) // 2]), "the median"),
        ("The worst fitted voxel", int(rank[-1]), "the largest"),
    ):
        view = view_fit(data, outcome, row)
        flags = ", ".join(tokens(int(outcome.flags[row]))) or "no flag"
        text = (
            f"Voxel {tuple(view.voxel)} (0-based), {flags}: SD of {outcome.names[best]} "
            f"{WITHOUT_PRIOR.lower()} {score[row]:.1f} %, {why} of all voxels. {fit_text(view, outcome, row)}"
        )
        drawing = figure(figures.fit_figure(view, height=470), which.split()[-2])
        parts.append(section(which, drawing, text=text))
    return parts
