"""Spectra that stay on the axes: held ones, and those of a text file; and lines written to one."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import DataError, OutputError
from fsleyes_plugin.model.curves import Lines

AXIS, DATA = "ppm", "data"
_LEAST_POINTS = 2  # of a line


@dataclass(frozen=True, eq=False)
class Held:
    """A line over chemical shift, in ppm, that does not follow the cursor."""

    name: str
    ppm: Real
    values: Real


def held(name: str, lines: Lines) -> Held | None:
    """Return the data of a voxel, or its fit, as a line that stays; None without either."""
    values = lines.data if lines.data is not None else lines.fit
    return None if values is None else Held(name, lines.ppm, values)


def write_lines(lines: Lines, path: Path) -> None:
    """Write the lines of a voxel as CSV: ``ppm, data, fit, baseline, residual``, then the metabolites.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    known = {kind: getattr(lines, kind) for kind in (DATA, "fit", "baseline", "residual", "sd")}
    columns = {AXIS: lines.ppm, **{kind: line for kind, line in known.items() if line is not None}}
    columns |= dict(lines.metabolites)
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*(map(repr, map(float, line)) for line in columns.values()), strict=True))
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error


def read_line(path: Path) -> Held:
    """Read a line from text: chemical shifts in ppm in the first column, and ``data`` or the second column.

    Columns are separated by commas, semicolons, tabs or spaces; a first line of words is their heading.

    Raises
    ------
    DataError
        If it is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); a table of text is needed.") from error
    rows = [_cells(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    heads = rows.pop(0) if rows and not _numbers(rows[0][:2]) else []
    column = heads.index(DATA) if DATA in heads else 1
    values = [_numbers([row[0], row[column]]) for row in rows if len(row) > column]
    if len(values) < _LEAST_POINTS or len(values) < len(rows) or not all(values):
        raise DataError(
            f"{path} has no two columns of numbers; chemical shifts in ppm and values are needed."
        )
    table = np.array(sorted(values))
    return Held(path.stem, table[:, 0], table[:, 1])


def _cells(line: str) -> list[str]:
    for mark in (",", ";", "\t"):
        if mark in line:
            return [cell.strip() for cell in line.split(mark)]
    return line.split()


def _numbers(cells: Sequence[str]) -> list[float]:
    """Return numbers; none if one of the cells is no number, or there are less than two."""
    try:
        return [float(cell) for cell in cells] if len(cells) > 1 else []
    except ValueError:
        return []
