"""One page of a voxel: spectrum, place on the anatomy, table and provenance; saved as PDF or PNG."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from fsl_mrs_dl.errors import OutputError
from fsleyes_plugin.model.sections import AnatomySection
from fsleyes_plugin.model.table import VoxelTable
from fsleyes_plugin.plots.fit_figure import Style, Trace, draw_trace, new_axes

ENDINGS = (".pdf", ".png")
_A4_INCHES = (8.27, 11.69)  # width and height of the paper of ISO 216
_DPI = 200  # a PNG of A4 of 1654 x 2338 pixels, in which letters of 6 points can be read
_LETTERS = 150  # in a line of the page at 6.5 points
_LINE_INCHES = 0.11  # height of a line at 6.5 points
_ROW_INCHES = 0.125  # height of a row of the table at 7 points
_RIM = "#e0a800"
_SIDES = {"sagittal": "AP", "coronal": "RL", "axial": "RL"}
"""Letters on the left and on the right of each plane."""


@dataclass(frozen=True)
class Page:
    """Content of the page.

    Attributes
    ----------
    title : str
    trace : Trace
    table : VoxelTable or None
    unit : str
        Scaling of the table and its unit.
    sections : sequence of AnatomySection
        Empty without an anatomical image.
    record : str
        Provenance as text.
    """

    title: str
    trace: Trace
    table: VoxelTable | None
    unit: str
    sections: Sequence[AnatomySection]
    record: str


def draw_page(figure: Figure, page: Page, style: Style) -> None:
    """Draw a page of A4 on an empty figure."""
    figure.set_size_inches(*_A4_INCHES)
    figure.text(0.06, 0.975, page.title, fontsize=11, weight="bold", va="top")
    remarks = "; ".join(page.table.remarks) if page.table is not None else ""
    figure.text(0.06, 0.957, textwrap.fill(remarks, _LETTERS), fontsize=7, va="top", color="0.25")
    spectrum = figure.add_axes((0.08, 0.675, 0.87, 0.235))
    new_axes(spectrum)
    if page.trace.lines is None:
        spectrum.set_axis_off()
        spectrum.text(0.5, 0.5, page.trace.message, ha="center", transform=spectrum.transAxes)
    else:
        draw_trace(spectrum, page.trace, page.trace.lines, style)
        spectrum.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=5,
            fontsize=7,
            frameon=False,
            handlelength=1.5,
        )
    for n, section in enumerate(page.sections):
        _draw_section(figure.add_axes((0.08 + 0.30 * n, 0.455, 0.27, 0.16)), section)
    bottom = 0.45 if page.sections else 0.615
    if page.table is not None:
        bottom = _draw_table(figure, page.table, page.unit, bottom)
    lines = [part for line in page.record.splitlines() for part in textwrap.wrap(line, _LETTERS) or [""]]
    most = max(int((bottom - 0.035) * _A4_INCHES[1] / _LINE_INCHES), 1)
    if len(lines) > most:
        lines = [*lines[: most - 1], f".. and {len(lines) - most + 1} more lines in the files"]
    figure.text(0.06, bottom - 0.012, "\n".join(lines), fontsize=6.5, va="top", color="0.25")


def _draw_section(axes: Axes, section: AnatomySection) -> None:
    pixels = section.pixels
    top = float(np.percentile(pixels[pixels > 0], 99.5)) if (pixels > 0).any() else 1.0
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=top, origin="lower", extent=section.extent_mm)
    if len(section.outline_mm):
        axes.fill(*section.outline_mm.T, fill=False, edgecolor=_RIM, lw=1.2)
    axes.set_axis_off()
    axes.set_title(section.plane, fontsize=7, pad=2)
    axes.invert_xaxis()  # the right of the patient, or the front, on the left, as FSLeyes shows it
    for at, side, word in zip((0.02, 0.98), ("left", "right"), _SIDES[section.plane], strict=True):
        axes.text(at, 0.5, word, color="w", fontsize=7, va="center", ha=side, transform=axes.transAxes)


def _draw_table(figure: Figure, table: VoxelTable, unit: str, top: float) -> float:
    """Draw the table below a height of the page; return its lower end."""
    rows = table.texts()
    height = _ROW_INCHES * (len(rows) + 1) / _A4_INCHES[1]
    axes = figure.add_axes((0.06, top - height - 0.018, 0.88, height))
    axes.set_axis_off()
    axes.set_title(unit, fontsize=7, loc="left", pad=2)
    heads = table.heads()
    widths = [0.22 if "[" in head or not n else 0.1 for n, head in enumerate(heads)]
    widths = [width / sum(widths) for width in widths]
    drawn = axes.table(
        cellText=rows,
        colLabels=heads,
        colWidths=widths,
        cellLoc="right",
        edges="horizontal",
        bbox=Bbox.unit(),
    )
    drawn.auto_set_font_size(False)
    for (_, column), cell in drawn.get_celld().items():
        cell.set_fontsize(6.5)
        cell.set_linewidth(0.3)
        cell.PAD = 0.02
        cell.set_text_props(ha="right" if column else "left")
    return top - height - 0.018


def save_page(page: Page, style: Style, path: Path) -> None:
    """Write a page as PDF or PNG.

    Raises
    ------
    OutputError
        If the name ends otherwise, or the file cannot be written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise OutputError(f"{path} does not end in {' or '.join(ENDINGS)}; give it such a name.")
    figure = Figure(facecolor="white")
    draw_page(figure, page, style)
    try:
        figure.savefig(path, dpi=_DPI)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
