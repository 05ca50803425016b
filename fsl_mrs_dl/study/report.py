"""The report of a study: verdicts of the scans, amounts by site, outliers, and the mean spectrum."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.report.figures import _finish
from fsl_mrs_dl.report.page import (
    AFTER,
    BEFORE,
    CONDITIONS,
    Link,
    cards,
    figure,
    number,
    page,
    section,
    table,
)
from fsl_mrs_dl.report.stages import absorption, naa_peak
from fsl_mrs_dl.steps.results_folder import REPORT
from fsl_mrs_dl.study.before_after import alignment_section
from fsl_mrs_dl.study.table import Result, label_names

MAIN = ("NAA+NAAG", "GPC+PCh", "Glu+Gln", "Ins", "GABA")
"""Amounts in the figure, if the basis set has them."""
_PPM = np.linspace(0.2, 4.2, 2001)
_NAA_PPM = 2.01  # chemical shift of the methyl line of NAA
_OUTLIER_Z = 3.5
"""Deviation from the median, over 1.4826 median absolute deviations, of an outlier (Iglewicz and Hoaglin 1993)."""
_LEAST_VALUES = 5  # least number of values for a median absolute deviation; the choice is ours
_PEOPLE = ("subject", "session", "run", "participant")
"""Labels of people and visits, which are not sites."""


def study_page(results: Sequence[Result], title: str) -> str:
    """Return the HTML page of a study.

    Parameters
    ----------
    results : sequence of Result
        Of all scans, also failed ones.
    title : str
        Name of the study's folder.

    Returns
    -------
    str
    """
    there = [result for result in results if result.amounts]
    scaling = _leading(there)
    site = _site(results)
    parts = [cards(_counts(results))]
    parts.append(
        section(
            "Quality",
            table(_quality_rows(results), _QUALITY),
            text="Of all scans, the worst first; each name leads to the report of the scan.",
        )
    )
    if aligned := alignment_section(there):
        parts.append(aligned)
    if there:
        names = [name for name in MAIN if all((name, scaling) in result.amounts for result in there)]
        outliers = _outliers(there, names, scaling)
        text = f"Posterior mean and 95 % interval, {_scaling_text(scaling)}" + (
            f", by {site}." if site else "."
        )
        parts.append(
            section("Amounts", figure(_amounts_figure(there, names, scaling, site), "amounts"), text=text)
        )
        parts.append(
            section("Variation", table(_variation(there, names, scaling, site), _VARIATION), text=_CV)
        )
        links = {result.job.scan.name: _link(result) for result in there}
        rows = [(links[name], metabolite, f"{z:+.1f}") for (name, metabolite), z in outliers.items()]
        heading = ("Scan", "Metabolite", "Robust z")
        parts.append(section("Outliers", table(rows, heading) if rows else "<p>None.</p>", text=_OUTLIERS))
        odd = {name for name, _ in outliers} | {r.job.scan.name for r in there if r.verdict != "good"}
        parts.append(section("Spectra", figure(_spectra_figure(there, odd), "spectra"), text=_SPECTRA))
    nothing = MRSData(np.ones((1, 1, 1, 32), dtype=np.complex64), 1e-3, 123.0, name=title)
    return page("Study", nothing, parts)


_QUALITY = ("Scan", "Verdict", "SNR", "Linewidth (Hz)", "Why")
_VARIATION = ("Metabolite", "n", "Mean", "SD", "CV (%)", "CV within (%)", "CV between (%)")
_CV = (
    "Of the posterior means of good and usable scans. Within: SD about the mean of its site, root mean square "
    "over sites, over the mean of all. Between: SD of the sites' means, over the mean of all."
)
_OUTLIERS = (
    "Values more than 3.5 robust SDs (1.4826 times the median absolute deviation) from the median: look at the "
    "scan before it is left out."
)
_SPECTRA = (
    "Data minus the smooth baseline of the fit, with NAA at 2.01 ppm, zero phase and height 1: the mean of good "
    "scans, one SD on both sides, and each scan that is not good or has an outlier."
)


def _leading(results: Sequence[Result]) -> str:
    known = {scaling for result in results for _, scaling in result.amounts}
    return next((one for one in ("internal", "molality", "raw") if one in known), "raw")


def _scaling_text(scaling: str) -> str:
    return {"internal": "ratio to the internal reference", "molality": "mmol/kg"}.get(
        scaling, "arbitrary units"
    )


def _site(results: Sequence[Result]) -> str:
    """Return the label of the sites: the first that is not a label of people and has several values."""
    for key in label_names(results):
        values = {result.job.scan.labels.get(key, "") for result in results}
        if key not in _PEOPLE and 1 < len(values) < len(results):
            return key
    return ""


def _counts(results: Sequence[Result]) -> list[tuple[str, str]]:
    kinds = ("good", "usable", "unusable", "failed")
    counts = [(kind, str(sum(result.verdict == kind for result in results))) for kind in kinds]
    return [("scans", str(len(results))), *counts]


def _link(result: Result) -> Link | str:
    """Return the name of a scan, which leads to its report where there is one."""
    name = result.job.scan.name
    return Link(name, f"{name}/{REPORT}") if (result.job.results / REPORT).is_file() else name


def _quality_rows(results: Sequence[Result]) -> list[tuple[Link | str, ...]]:
    def shown(value: float | None, digits: int) -> str:
        return "\N{EN DASH}" if value is None else number(value, digits)

    order = {"failed": 0, "unusable": 1, "usable": 2}
    ranked = sorted(results, key=lambda result: (order.get(result.verdict, 3), result.job.scan.name))
    return [
        (_link(r), r.verdict, shown(r.snr, 0), shown(r.linewidth_hz, 1), r.reason.strip()) for r in ranked
    ]


def _values(results: Sequence[Result], name: str, scaling: str) -> Real:
    return np.array([result.value(name, scaling) or np.nan for result in results], dtype=float)


def _used(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.verdict in ("good", "usable")]


def _variation(
    results: Sequence[Result], names: Sequence[str], scaling: str, site: str
) -> list[tuple[str, ...]]:
    rows = []
    used = _used(results)
    for name in names:
        values = _values(used, name, scaling)
        known = np.isfinite(values)
        if known.sum() < 2:
            continue
        mean, sd = float(values[known].mean()), float(values[known].std(ddof=1))
        within, between = _by_site(used, values, site)
        percents = [number(100 * share / mean, 1) for share in (sd, within, between)]
        rows.append((name, str(int(known.sum())), number(mean, 3), number(sd, 3), *percents))
    return rows


def _by_site(results: Sequence[Result], values: Real, site: str) -> tuple[float, float]:
    """Return the SD within sites and the SD of their means; NaN if there are too few."""
    groups = _grouped(results, site)
    parts = [values[rows][np.isfinite(values[rows])] for rows in groups.values()]
    several = [part for part in parts if len(part) > 1]
    if not site or not several:
        return np.nan, np.nan
    within = float(np.sqrt(np.mean([part.var(ddof=1) for part in several])))
    means = [part.mean() for part in parts if len(part)]
    return within, float(np.std(means, ddof=1)) if len(means) > 1 else np.nan


def _grouped(results: Sequence[Result], site: str) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for index, result in enumerate(results):
        groups.setdefault(result.job.scan.labels.get(site, "") if site else "", []).append(index)
    return groups


def _outliers(results: Sequence[Result], names: Sequence[str], scaling: str) -> dict[tuple[str, str], float]:
    outliers = {}
    for name in names:
        values = _values(results, name, scaling)
        known = values[np.isfinite(values)]
        if len(known) < _LEAST_VALUES:
            continue
        spread = 1.4826 * float(np.median(np.abs(known - np.median(known))))
        if spread <= 0:
            continue
        z = (values - np.median(known)) / spread
        for index in np.flatnonzero(np.abs(z) > _OUTLIER_Z):
            outliers[results[int(index)].job.scan.name, name] = float(z[index])
    return outliers


def _amounts_figure(results: Sequence[Result], names: Sequence[str], scaling: str, site: str) -> Any:
    from plotly.subplots import make_subplots

    drawing = make_subplots(1, max(len(names), 1), subplot_titles=[html.escape(name) for name in names])
    groups = _grouped(results, site)
    for column, name in enumerate(names, start=1):
        for n, (group, rows) in enumerate(groups.items()):
            some = [results[index] for index in rows]
            drawing.add_trace(_points(some, name, scaling, n, group, first=column == 1), row=1, col=column)
    drawing.update_xaxes(showticklabels=False, showgrid=False)
    drawing.update_yaxes(rangemode="tozero")
    _finish(drawing, 420)
    return drawing.update_layout(legend={"y": -0.1, "yanchor": "top"})


def _points(results: Sequence[Result], name: str, scaling: str, n: int, group: str, *, first: bool) -> Any:
    from plotly import graph_objects as go

    mean = _values(results, name, scaling)
    low, high = (
        np.array([result.value(name, scaling, column) or 0.0 for result in results])
        for column in ("ci95_low", "ci95_high")
    )
    return go.Scatter(
        x=n + np.linspace(-0.3, 0.3, len(results)),
        y=mean,
        error_y={"type": "data", "array": high - mean, "arrayminus": mean - low, "thickness": 1, "width": 2},
        mode="markers",
        marker={"color": CONDITIONS[n % len(CONDITIONS)], "size": 7},
        name=html.escape(group or "all"),
        legendgroup=group,
        showlegend=first and bool(group),
        text=[html.escape(result.job.scan.name) for result in results],
        hovertemplate="%{text}: %{y:.3g}<extra></extra>",
    )


def _spectra_figure(results: Sequence[Result], odd: set[str]) -> Any:
    from plotly import graph_objects as go

    drawn: Mapping[str, Real] = {result.job.scan.name: _spectrum(result) for result in results}
    good = np.array([drawn[r.job.scan.name] for r in results if r.verdict == "good"] or list(drawn.values()))
    mean, sd = good.mean(axis=0), good.std(axis=0)
    drawing = go.Figure()
    band = np.concatenate([mean + sd, (mean - sd)[::-1]])
    axis = np.concatenate([_PPM, _PPM[::-1]])
    drawing.add_trace(
        go.Scatter(x=axis, y=band, fill="toself", line={"width": 0}, fillcolor="#cfe3f2", name="one SD")
    )
    drawing.add_trace(
        go.Scatter(x=_PPM, y=mean, line={"color": AFTER, "width": 1.8}, name="mean of good scans")
    )
    for n, name in enumerate(sorted(odd), start=1):
        style = {"color": CONDITIONS[n % len(CONDITIONS)], "width": 1}
        drawing.add_trace(go.Scatter(x=_PPM, y=drawn[name], line=style, name=html.escape(name)))
    drawing.update_traces(hoverinfo="name", mode="lines")
    _finish(drawing, 480)
    drawing.add_hline(y=0, line={"color": BEFORE, "width": 0.5})
    drawing.update_xaxes(range=[4.2, 0.2], title_text="Chemical shift (ppm)")
    drawing.update_yaxes(showticklabels=False, range=[-0.2, 1.1])
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top"}
    return drawing.update_layout(legend=legend)


def _spectrum(result: Result) -> Real:
    """Return the real spectrum without baseline at :data:`_PPM`, with NAA at 2.01 ppm, in phase, of height 1."""
    names = ("fit", "residual", "baseline")
    fit, left, smooth = (nifti.read(result.job.results / f"{name}.nii.gz") for name in names)
    fid = (fit.fid + left.fid - smooth.fid)[0, 0, 0].reshape(-1).astype(np.complex128)
    ppm, spectrum = absorption(fit, fid)
    peak = naa_peak(fit, fid)
    off = 0.0 if peak is None or not np.isfinite(peak.centre_ppm) else peak.centre_ppm - _NAA_PPM
    near = np.abs(ppm - off - _NAA_PPM) < 0.1
    height = float(spectrum[near].max()) if near.any() else 1.0
    drawn: Real = np.interp(_PPM, ppm - off, spectrum / (height or 1.0))
    return drawn
