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
from fsl_mrs_dl.study.table import Result
from fsl_mrs_dl.study.variation import (
    grouped,
    leading_scaling,
    main_names,
    outliers_of,
    scaling_words,
    site_label,
    values_of,
    variation,
)

_PPM = np.linspace(0.2, 4.2, 2001)
_NAA_PPM = 2.01  # chemical shift of the methyl line of NAA


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
    scaling = leading_scaling(there)
    site = site_label(results)
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
        names = main_names(there, scaling)
        outliers = outliers_of(there, names, scaling)
        text = f"Posterior mean and 95 % interval, {scaling_words(scaling)}"
        text += f", by {site}." if site else "."
        text += " Other scalings and all metabolites are in the table."
        drawing = figure(_amounts_figure(there, names, scaling, site), "amounts")
        parts.append(section("Amounts", drawing, text=text))
        if rows := variation(there, names, scaling, site):
            text = _CV + (_CV_SITES if site else _NO_SITE)
            parts.append(section("Variation", table(rows, _VARIATION[: len(rows[0])]), text=text))
        links = {result.job.scan.name: _link(result) for result in there}
        far = [(links[name], metabolite, f"{z:+.1f}") for (name, metabolite), z in outliers.items()]
        heading = ("Scan", "Metabolite", "Robust z")
        parts.append(section("Outliers", table(far, heading) if far else "<p>None.</p>", text=_OUTLIERS))
        odd = {name for name, _ in outliers} | {r.job.scan.name for r in there if r.verdict != "good"}
        parts.append(section("Spectra", figure(_spectra_figure(there, odd), "spectra"), text=_SPECTRA))
    nothing = MRSData(np.ones((1, 1, 1, 32), dtype=np.complex64), 1e-3, 123.0, name=title)
    return page("Study", nothing, parts)


_QUALITY = ("Scan", "Verdict", "SNR", "Linewidth (Hz)", "Why")
_VARIATION = ("Metabolite", "n", "Mean", "SD", "CV (%)", "CV within (%)", "CV between (%)")
_CV = "Of the posterior means of good and usable scans."
_CV_SITES = (
    " Within: SD about the mean of its site, root mean square over sites, over the mean of all. Between: SD of "
    "the sites' means, over the mean of all."
)
_NO_SITE = " A layout (--tree) with a placeholder {site} shows it within and between sites."
_OUTLIERS = (
    "Values more than 3.5 robust SDs (1.4826 times the median absolute deviation) from the median: look at the "
    "scan before it is left out."
)
_SPECTRA = (
    "Data minus the smooth baseline of the fit, with NAA at 2.01 ppm, zero phase and height 1: the mean of good "
    "scans, one SD on both sides, and each scan that is not good or has an outlier."
)


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


def _amounts_figure(results: Sequence[Result], names: Sequence[str], scaling: str, site: str) -> Any:
    from plotly.subplots import make_subplots

    drawing = make_subplots(1, max(len(names), 1), subplot_titles=[html.escape(name) for name in names])
    groups = grouped(results, site)
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

    mean = values_of(results, name, scaling)
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
    peak = naa_peak(fit, fid)
    ppm, spectrum = absorption(fit, fid, peak)
    off = 0.0 if peak is None or not np.isfinite(peak.centre_ppm) else peak.centre_ppm - _NAA_PPM
    near = np.abs(ppm - off - _NAA_PPM) < 0.1
    height = float(spectrum[near].max()) if near.any() else 1.0
    drawn: Real = np.interp(_PPM, ppm - off, spectrum / (height or 1.0))
    return drawn
