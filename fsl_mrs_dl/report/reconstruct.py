"""The page of ``reconstruct``: before and after, the lines that were chosen, and the error that is left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.reconstruction import GridOperator, Reconstruction, spectrum_sd
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.report.drawing import band_trace
from fsl_mrs_dl.report.page import (
    AFTER,
    BEFORE,
    FLAGGED,
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

_SHOWN_1H_PPM = (0.2, 4.4)  # metabolites and lipids, without water
_NORMAL_95 = 1.96  # standard deviations on each side of a 95 % interval of the normal distribution
_MOST_ROWS = 40  # of the table of noise and support
_WARNING = (
    "A reconstructed FID is not raw data. Its noise is gone, its error is not: what is drawn around it is the "
    "error of least squares on the chosen lines, without the lines that were missed. In a fit to it small amounts "
    "are pulled to zero, and bounds are too small where the fit does not know of the noise; quantify the file "
    "that went in."
)


class ReconstructResult(Protocol):
    """What the page needs of the step's result."""

    @property
    def data(self) -> MRSData:
        """The result."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """Settings as resolved."""

    @property
    def reconstruction(self) -> Reconstruction | None:
        """What was found."""


@dataclass(frozen=True, eq=False)
class _View:
    """One FID before and after, in units of the noise; spectra in absorption."""

    ppm: Real
    before: Complex
    after: Complex
    residual: Complex
    sd: Real
    lines_ppm: Real
    lines: Real


def reconstruct_page(before: MRSData, result: ReconstructResult, options: Mapping[str, Any]) -> str:
    """Return the HTML page of a reconstruction: one file that needs no network.

    Parameters
    ----------
    before : MRSData
        The step's input.
    result : ReconstructResult
    options : mapping
        The step's options by name.

    Returns
    -------
    str
    """
    reconstruction = result.reconstruction
    assert reconstruction is not None
    rows = _shown_sets(reconstruction)
    parts = [cards(_headline(reconstruction)), f'<p class="synthetic"><b>{_WARNING}</b></p>']
    for n, row in enumerate(rows):
        view = _view(before, reconstruction, row)
        heading = f"Spectrum{_place(before, reconstruction, row)}"
        text = (
            f"{_which(reconstruction)}Real part, over the SD of the noise, in a phase that sets the highest line "
            f"upright. Below: what the reconstruction leaves. The band is \N{PLUS-MINUS SIGN}{_NORMAL_95} SD. "
            f"{int(reconstruction.support[row])} of {reconstruction.model.operator.n_atoms} atoms "
            f"(lines{_broad(reconstruction)}), penalty "
            f"{reconstruction.ratio[row]:.3g} of the largest useful one.{_water(reconstruction)}"
        )
        parts.append(section(heading, figure(_drawing(view), f"spectrum{n}"), text=text))
    parts.append(section("Sets of FIDs", _table(reconstruction), text=_sets_text(reconstruction)))
    settings = {**options, **result.settled}
    parts.append(section("Settings", table((name, plain(value)) for name, value in settings.items())))
    parts.append(section("Acquisition", table(acquisition_rows(before))))
    parts.append(section("Processing applied", processing_table(result.data)))
    return page("Sparse reconstruction", before, parts)


def _place(before: MRSData, reconstruction: Reconstruction, row: int) -> str:
    """Return where a set lies, in words: voxel, coil and so on; empty if there is one."""
    sets = reconstruction.sets
    if len(reconstruction.support) == 1:
        return ""
    voxel, others = np.split(np.array(np.unravel_index(sets.rows[row], sets.shape[:-1])), [3])
    tags = [tag for tag in before.dim_tags if tag != sets.dim]
    parts = [f" at {' '.join(map(str, voxel))}", *(f"{t} {i}" for t, i in zip(tags, others, strict=True))]
    return ", ".join(parts)


def _which(reconstruction: Reconstruction) -> str:
    """Say which FID of a set is drawn, if there are several."""
    n = reconstruction.sets.shape[-1]
    return "" if n == 1 else f"The first of {n} FIDs along {reconstruction.sets.dim}. "


def _shown_sets(reconstruction: Reconstruction) -> list[int]:
    """Return the sets that are drawn: the strongest, the median and the weakest of several."""
    order = np.argsort(-np.linalg.norm(reconstruction.fids[:, :, :16], axis=(1, 2)))
    chosen = [order[0], order[len(order) // 2], order[-1]]
    return list(dict.fromkeys(int(row) for row in chosen))


def _view(before: MRSData, reconstruction: Reconstruction, row: int) -> _View:
    column = int(np.argmax(reconstruction.sets.usable[row]))
    operator = reconstruction.model.operator.take(slice(row, row + 1))
    amplitudes = reconstruction.amplitudes[row : row + 1, column : column + 1]
    measured, restored = reconstruction.sets.fids[row, column], operator.restored(amplitudes)[0, 0]
    limits = _SHOWN_1H_PPM if before.nucleus == "1H" else None
    inside = ppm_window(before.ppm_axis, limits)
    spectrum = fid_to_spectrum(restored)
    turn = np.exp(-1j * np.angle(spectrum[inside][np.abs(spectrum[inside]).argmax()]))
    left = fid_to_spectrum(measured - operator.forward(amplitudes)[0, 0])
    lines: Real = np.zeros(0)
    places: Real = np.zeros(0)
    if isinstance(operator, GridOperator):
        chosen = np.flatnonzero(np.abs(amplitudes[0, 0, : operator.n_lines]))
        hz = np.fft.fftfreq(operator.n_lines, before.dwelltime_s)[chosen]
        places = before.reference_ppm + hz / before.spectrometer_frequency_mhz
        lines = np.abs(amplitudes[0, 0, chosen])
        shown = (places >= before.ppm_axis[inside][0]) & (places <= before.ppm_axis[inside][-1])
        lines, places = lines[shown], places[shown]
    return _View(
        ppm=before.ppm_axis[inside],
        before=(turn * fid_to_spectrum(measured))[inside],
        after=(turn * spectrum)[inside],
        residual=(turn * left)[inside],
        sd=spectrum_sd(operator, amplitudes, 1.0)[inside],
        lines_ppm=places,
        lines=lines,
    )


def _drawing(view: _View) -> Any:
    """Draw before and after with the error band, the chosen lines, and the residual."""
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    drawing = make_subplots(3, 1, shared_xaxes=True, row_heights=[0.62, 0.16, 0.22], vertical_spacing=0.03)
    after, sd = view.after.real, view.sd
    drawing.add_trace(
        go.Scatter(
            x=view.ppm, y=view.before.real, name="Before", mode="lines", line={"color": BEFORE, "width": 1}
        ),
        row=1,
        col=1,
    )
    drawing.add_trace(
        band_trace(
            view.ppm,
            after - _NORMAL_95 * sd,
            after + _NORMAL_95 * sd,
            AFTER,
            f"\N{PLUS-MINUS SIGN}{_NORMAL_95} SD",
        ),
        row=1,
        col=1,
    )
    drawing.add_trace(
        go.Scatter(x=view.ppm, y=after, name="After", mode="lines", line={"color": AFTER, "width": 1.6}),
        row=1,
        col=1,
    )
    if view.lines.size:
        drawing.add_trace(
            go.Bar(
                x=view.lines_ppm, y=view.lines, name="Chosen lines", marker={"color": FLAGGED}, width=0.006
            ),
            row=2,
            col=1,
        )
    drawing.add_trace(
        go.Scatter(
            x=view.ppm,
            y=view.residual.real,
            name="Residual",
            mode="lines",
            line={"color": BEFORE, "width": 0.8},
        ),
        row=3,
        col=1,
    )
    drawing.update_yaxes(title_text="Spectrum", row=1)
    drawing.update_yaxes(title_text="Lines", row=2)
    drawing.update_yaxes(title_text="Residual", row=3)
    drawing.update_xaxes(range=[float(view.ppm[-1]), float(view.ppm[0])], showline=True, linecolor="#999")
    drawing.update_xaxes(title_text="Chemical shift (ppm)", row=3)
    return drawing.update_layout(
        template="none",
        height=640,
        margin={"l": 60, "r": 20, "t": 60, "b": 50},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#222"},
    )


def _headline(reconstruction: Reconstruction) -> list[tuple[str, str]]:
    model = reconstruction.model
    return [
        (
            "FIDs" if reconstruction.sets.shape[-1] == 1 else "sets of FIDs that share lines",
            _counted(len(reconstruction.support), reconstruction.sets.shape[-1]),
        ),
        ("chosen atoms, median", f"{int(np.median(reconstruction.support))} of {model.operator.n_atoms}"),
        ("lines, as measured", f"{number(model.lineshape.fwhm_hz, 1)} Hz"),
        ("lines, of the result", f"{number(model.fwhm_hz, 1)} Hz"),
        ("penalty over the largest useful one", f"{np.median(reconstruction.ratio):.3g}"),
    ]


def _broad(reconstruction: Reconstruction) -> str:
    """Describe the atoms that are not lines: broad lines, or members of the basis set."""
    operator = reconstruction.model.operator
    return " and broad lines" if isinstance(operator, GridOperator) and operator.broad is not None else ""


def _water(reconstruction: Reconstruction) -> str:
    """Say of residual water that it is not drawn."""
    return (
        ""
        if reconstruction.sets.water is None
        else " Residual water is in the file, and in none of the curves."
    )


def _counted(n_sets: int, n_fids: int) -> str:
    """Return a number of sets, and of the FIDs in each if it is not one."""
    return str(n_sets) if n_fids == 1 else f"{n_sets} of {n_fids} FIDs each"


def _sets_text(reconstruction: Reconstruction) -> str:
    shared = f" along {reconstruction.sets.dim}" if reconstruction.sets.dim else ""
    return (
        f"The FIDs of a set{shared} share their atoms. The gap bounds how far the objective is above its minimum, "
        "over half the energy of the noise; its square root bounds what is missing to the best solution, over "
        "the norm of the noise."
    )


def _table(reconstruction: Reconstruction) -> str:
    step = max(1, -(-len(reconstruction.support) // _MOST_ROWS))
    rows = []
    for row in range(0, len(reconstruction.support), step):
        place = np.unravel_index(reconstruction.sets.rows[row], reconstruction.sets.shape[:-1])
        noise = float(
            np.sqrt((reconstruction.sets.noise_sd[row][reconstruction.sets.usable[row]] ** 2).mean())
        )
        rows.append(
            (
                " ".join(str(int(i)) for i in place),
                f"{noise:.4g}",
                str(int(reconstruction.support[row])),
                f"{reconstruction.ratio[row]:.3g}",
                f"{reconstruction.gap[row]:.1e}",
                str(int(reconstruction.iterations[row])),
            )
        )
    head = ("Set (x y z ...)", "Noise SD", "Atoms", "Penalty / largest", "Gap", "Iterations")
    return table(rows, head)
