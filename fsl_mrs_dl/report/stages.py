"""The processing of a raw scan up to the fit: the steps, the spectrum after each, and the drift."""

import html
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, Estimates, MRSData, Real, Stage
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.report.figures import _finish, drift_figure, stack_figure
from fsl_mrs_dl.report.page import CONDITIONS, figure, number, section, table
from fsl_mrs_dl.report.view import SHOWN_1H_PPM, view_alignment
from fsl_mrs_dl.scores import Peak, noise_sd, peak_linewidth_hz

_NAA_PPM, _SEARCH_PPM = 2.01, 0.15  # how far off NAA may lie before align has put the axis right
_OFFSET = 1.15  # of the highest spectrum: how far one is drawn above the next


@dataclass(frozen=True, eq=False)
class _AlignedStage:
    """Result of the step ``align`` for :func:`view_alignment`."""

    data: MRSData
    estimates: Estimates | None
    aligned: MRSData | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)


def stages_part(stages: Sequence[Stage]) -> str:
    """Return the section on the steps of a chain.

    Parameters
    ----------
    stages : sequence of Stage
        The first is the data at the start of the chain.

    Returns
    -------
    str
        HTML.
    """
    shown = [stage for stage in stages if stage.name]
    fids = [_one_fid(stage.data) for stage in shown]
    peaks = [naa_peak(stage.data, fid) for stage, fid in zip(shown, fids, strict=True)]
    rows = [_row(stage, peak) for stage, peak in zip(shown, peaks, strict=True)]
    left_out = [note for stage in stages if not stage.name for note in stage.notes]
    text = (
        "The steps in their order, and the spectrum after each: of the strongest voxel and coil, transients and "
        "conditions averaged. SNR is the height of NAA over the noise's SD."
    )
    parts = [
        table(rows, ("Step", "What was done", "One scan holds", "SNR", "NAA linewidth")),
        figure(_spectra_figure(shown, fids, peaks), "steps"),
    ]
    if left_out:
        parts.insert(1, "<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in left_out) + "</ul>")
    for before, after in itertools.pairwise(shown):
        if after.estimates is not None and after.name == "align":
            view = view_alignment(before.data, _AlignedStage(after.data, after.estimates), "DIM_DYN", None)
            parts.append(figure(stack_figure(view), "transients"))
            parts.append(figure(drift_figure(view), "drift"))
    return section("Processing", *parts, text=text)


def stage_measures(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """List the steps of a run with SNR and linewidth of NAA (Hz) after each, for the record of the run.

    Parameters
    ----------
    stages : sequence of Stage
        The first is the data at the start of the chain.

    Returns
    -------
    list of dict
        ``step`` (empty for one that was left out), ``notes``, ``snr`` and ``linewidth_hz``, measured as in the
        report: of the strongest coil, the mean over transients and conditions. None where there is no line of
        NAA, and for many voxels.
    """
    rows = []
    for stage in stages:
        single = bool(stage.name) and stage.data.fid.shape[:3] == (1, 1, 1)
        peak = naa_peak(stage.data, _one_fid(stage.data)) if single else None
        known = peak is not None and bool(np.isfinite(peak.fwhm_hz))
        measured = (
            (float(peak.height_sd), float(peak.fwhm_hz)) if peak is not None and known else (None, None)
        )
        snr, width = measured
        rows.append({"step": stage.name, "notes": list(stage.notes), "snr": snr, "linewidth_hz": width})
    return rows


def _one_fid(data: MRSData) -> Complex:
    """Return one FID of data: of the strongest voxel and coil, the mean over all other dimensions."""
    fids = np.moveaxis(data.fid, TIME_AXIS, -1)
    if "DIM_COIL" in data.dim_tags:
        coils = np.moveaxis(fids, 3 + data.dim_tags.index("DIM_COIL"), 0)
        energy = [np.nansum(np.abs(coil) ** 2) for coil in coils]
        fids = coils[int(np.argmax(energy))]
    voxels = np.nan_to_num(fids).reshape(-1, int(np.prod(fids.shape[3:-1], dtype=int)), data.n_points)
    strongest = int(np.argmax((np.abs(voxels) ** 2).sum(axis=(1, 2))))
    mean: Complex = voxels[strongest].mean(axis=0)
    return mean


def _row(stage: Stage, peak: Peak | None) -> tuple[str, ...]:
    data = stage.data
    sizes = [
        f"{n} {tag.removeprefix('DIM_').lower()}"
        for tag, n in zip(data.dim_tags, data.fid.shape[4:], strict=True)
        if n > 1
    ]
    snr, width = ("\N{EN DASH}", "\N{EN DASH}")
    if peak is not None and np.isfinite(peak.fwhm_hz):
        snr, width = number(peak.height_sd, 0), f"{number(peak.fwhm_hz, 1)} Hz"
    return stage.name, " ".join(stage.notes), " x ".join(sizes) or "one FID a voxel", snr, width


def naa_peak(data: MRSData, fid: Complex) -> Peak | None:
    """Return the line of NAA of one FID; None for another nucleus, or without signal."""
    if data.nucleus != "1H" or not fid.any():
        return None
    where = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm)
    return peak_linewidth_hz(fid, *where, _NAA_PPM, search_ppm=_SEARCH_PPM)


def _spectra_figure(stages: Sequence[Stage], fids: Sequence[Complex], peaks: Sequence[Peak | None]) -> Any:
    from plotly import graph_objects as go

    drawing = go.Figure()
    for n, (stage, fid, peak) in enumerate(zip(stages, fids, peaks, strict=True)):
        ppm, spectrum = absorption(stage.data, fid, peak)
        top = len(stages) - 1 - n
        drawing.add_trace(
            go.Scatter(
                x=ppm.astype(np.float32),
                y=(spectrum + _OFFSET * top).astype(np.float32),
                name=html.escape(stage.name),
                mode="lines",
                line={"color": CONDITIONS[n % len(CONDITIONS)], "width": 1.2},
                hovertemplate="%{x:.2f} ppm<extra>" + html.escape(stage.name) + "</extra>",
            )
        )
    _finish(drawing, 160 + 90 * len(stages))
    drawing.update_xaxes(autorange="reversed", title_text="Chemical shift (ppm)")
    drawing.update_yaxes(showticklabels=False, ticks="", showgrid=False)
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top"}
    return drawing.update_layout(legend=legend)


def absorption(data: MRSData, fid: Complex, peak: Peak | None) -> tuple[Real, Real]:
    """Return chemical shift and real spectrum, with its highest line in phase and of height 1.

    Parameters
    ----------
    data : MRSData
    fid : ndarray, complex, shape (time,)
    peak : Peak or None
        Its line of NAA, see :func:`naa_peak`.
    """
    ppm = data.ppm_axis
    shown = ppm_window(ppm, SHOWN_1H_PPM) if data.nucleus == "1H" else np.ones(ppm.shape, dtype=bool)
    spectrum = fid_to_spectrum(fid)[shown]
    if peak is not None and np.isfinite(peak.phase_rad):
        angle = peak.phase_rad
    else:
        angle = float(np.angle(spectrum[np.argmax(np.abs(spectrum))]))
    turned = (spectrum * np.exp(-1j * angle)).real
    floor = float(np.median(noise_sd(fid, ppm, data.nucleus)))
    height = max(float(np.abs(turned).max()), floor, np.finfo(float).tiny)
    return ppm[shown], turned / height
