"""The parts of the page of fitted MRSI."""

from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.report import quantify_figures as figures
from fsl_mrs_dl.report.concentrations import (
    flag_rows,
    is_broad,
    leading_member,
    scaling_title,
    scalings,
    tokens,
)
from fsl_mrs_dl.report.maps import Slices, display, reversed_axes, slices_side_by_side
from fsl_mrs_dl.report.page import cards, figure, number, section, table
from fsl_mrs_dl.report.quantify_svs import fit_text
from fsl_mrs_dl.report.spectra import view_fit

_CRLB_TOP = 50.0
_MOST_MAPS = 16
_QUALITY = (
    "SNR: height of the fitted line after matched damping, over the noise. Whiteness: correlation of "
    "neighbouring points of the residual, 0 for noise."
)


def mrsi_parts(data: MRSData, outcome: Outcome) -> list[str]:
    """Return the HTML of everything that is particular to maps."""
    reverse, convention = reversed_axes(data)
    order = by_bound(outcome)
    drawn = order[:_MOST_MAPS]
    shown = slices_side_by_side(outcome, len(drawn), backwards=reverse[0])
    parts = [cards(_headline(outcome)), _flags(outcome)]
    rest = f" {len(order) - len(drawn)} more are in the files." if len(order) > len(drawn) else ""
    for scaling in reversed(scalings(outcome)):
        values = outcome.scaled[scaling].value
        panels = []
        for n in drawn:
            _, high = display(values[:, n])
            if scaling != "internal" or outcome.names[n] != "+".join(outcome.internal_reference):
                panels.append(
                    (f"{outcome.names[n]}, 0 to {high:.3g}", shown.of(values[:, n]), 0.0, high, "Viridis")
                )
        text = (
            "Each map has its own range, from 0 to the 98th percentile of the voxels inside the mask. "
            f"{shown.text} {convention} The best determined come first.{rest}"
        )
        if panels:
            drawing = figure(figures.map_figure(panels, reverse), f"maps_{scaling}")
            parts.append(section(scaling_title(outcome, scaling), drawing, text=text))
    bounds = [
        (outcome.names[n], shown.of(outcome.crlb_percent[:, n]), 0.0, _CRLB_TOP, "Cividis") for n in drawn
    ]
    text = f"Cramer-Rao bound over the estimate, in per cent, all from 0 to {_CRLB_TOP:.0f}."
    parts.append(section("CRLB", figure(figures.map_figure(bounds, reverse), "maps_crlb"), text=text))
    parts.append(section("Quality", figure(_quality(outcome, shown, reverse), "maps_quality"), text=_QUALITY))
    counts = np.array([_histogram(outcome.crlb_percent[:, n]) for n in order])
    drawing = figure(figures.crlb_figure([outcome.names[n] for n in order], counts), "histogram")
    text = "Number of voxels by their Cramer-Rao bound in per cent of the estimate."
    parts.append(section("Histogram of the CRLB", drawing, text=text))
    parts.append(section("Numbers", _numbers(outcome, order)))
    parts += _examples(data, outcome, order)
    return parts


def by_bound(outcome: Outcome) -> list[int]:
    """Return the columns from the best determined to the worst, macromolecules and lipids last."""
    middle = np.median(np.nan_to_num(outcome.crlb_percent, nan=999.0), axis=0)
    return sorted(range(len(outcome.names)), key=lambda n: (is_broad(outcome.names[n]), middle[n]))


def _headline(outcome: Outcome) -> list[tuple[str, str]]:
    lead = leading_member(outcome)
    name = outcome.members[lead]
    flagged = int(np.sum(outcome.flags != 0))
    return [
        ("fitted voxels", str(len(outcome.voxels))),
        ("flagged voxels", f"{flagged} of {len(outcome.voxels)}"),
        (f"median SNR of {name} (matched filter)", number(_median(outcome.snr[:, lead]), 0)),
        (f"median linewidth of {name} (FWHM)", number(_median(outcome.fwhm_hz[:, lead]), 1) + " Hz"),
        ("median residual whiteness (0 = noise)", number(_median(outcome.residual_whiteness))),
    ]


def _median(values: Real) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


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
    edges = np.array([*figures.CRLB_STEPS[:-1], np.inf])
    return np.histogram(np.nan_to_num(percent, nan=999.0), bins=edges)[0]


def _numbers(outcome: Outcome, order: list[int]) -> str:
    shown = scalings(outcome)
    head = ["Metabolite", *(f"{scaling_title(outcome, name)}, median" for name in shown)]
    head += ["CRLB, median (%)", "Voxels with CRLB below 20 %"]
    rows = []
    for n in order:
        cells = []
        for scaling in shown:
            values = outcome.scaled[scaling].value[:, n]
            known = values[np.isfinite(values)]
            quarters = np.percentile(known, [25, 50, 75]) if known.size else ()
            cells.append("{1:.4g} ({0:.4g} to {2:.4g})".format(*quarters) if known.size else number(np.nan))
        percent = outcome.crlb_percent[:, n]
        rows.append(
            [
                outcome.names[n],
                *cells,
                number(_median(percent), 1),
                f"{int(np.sum(percent < 20))} of {len(percent)}",
            ]
        )
    return table(rows, head) + "\n<p>In brackets the quartiles over the voxels.</p>"


def _examples(data: MRSData, outcome: Outcome, order: list[int]) -> list[str]:
    """Return a typical voxel and the worst one that could be fitted, with all fitted curves."""
    best = order[0]
    score = np.where(np.isfinite(outcome.phase_rad), outcome.crlb_percent[:, best], np.nan)
    rank = np.argsort(np.nan_to_num(score, nan=-1.0), kind="stable")
    rank = rank[np.isfinite(score[rank])]
    if not rank.size:
        return ["<p>No voxel could be fitted.</p>"]
    settled = [row for row in rank if outcome.flags[row] == 0] or list(rank)
    parts = []
    for which, row, why in (
        ("A typical voxel", int(settled[len(settled) // 2]), "the median"),
        ("The worst fitted voxel", int(rank[-1]), "the largest"),
    ):
        view = view_fit(data, outcome, row)
        said = ", ".join(tokens(int(outcome.flags[row]))) or "no flag"
        text = (
            f"Voxel {tuple(view.voxel)} (0-based), {said}: CRLB of {outcome.names[best]} "
            f"{score[row]:.1f} %, {why} of all voxels. {fit_text(view, outcome, row)}"
        )
        drawing = figure(figures.fit_figure(view, height=470), which.split()[-2])
        parts.append(section(which, drawing, text=text))
    return parts
