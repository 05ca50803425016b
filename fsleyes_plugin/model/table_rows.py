"""Sort the table at the cursor, and write it as CSV or as text for a spreadsheet."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fsl_mrs_dl.errors import OutputError
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.table import VoxelTable


@dataclass(frozen=True)
class Order:
    """Order of the rows of a table.

    Attributes
    ----------
    key : str
        Key of a column, or ``"metabolite"``; empty: the order of the fit.
    descending : bool
    """

    key: str = ""
    descending: bool = False

    def after_click(self, key: str) -> "Order":
        """Return the order after a click on a heading: descending, ascending, that of the fit."""
        first = key != "metabolite"  # large amounts first, names from A to Z
        if key != self.key:
            return Order(key, first)
        return Order(key, not first) if self.descending == first else Order()

    def sorted(self, table: VoxelTable) -> VoxelTable:
        """Return the table in this order; empty cells are last."""
        if self.key == "metabolite":
            rows = sorted(table.rows, key=lambda row: row[0].casefold(), reverse=self.descending)
            return replace(table, rows=tuple(rows))
        if self.key not in table.columns:
            return table
        place, sign = table.columns.index(self.key), -1.0 if self.descending else 1.0

        def rank(row: tuple[str, tuple[float, ...]]) -> tuple[bool, float]:
            value = row[1][place]
            return (True, 0.0) if not np.isfinite(value) else (False, sign * value)

        return replace(table, rows=tuple(sorted(table.rows, key=rank)))


def key_of_heading(table: VoxelTable, n: int) -> str:
    """Return the key of the n-th heading; 0 is the metabolite, and a mean with its interval is one heading."""
    if n == 0:
        return "metabolite"
    joined = len(table.columns) + 1 - len(table.heads())
    return table.columns[0 if n == 1 else n - 1 + joined]


def as_tabs(table: VoxelTable) -> str:
    """Return headings and cells as they are shown, with tabs between them: for the clipboard."""
    return "\n".join("\t".join(row) for row in (table.heads(), *table.texts()))


def as_csv(table: VoxelTable, fit: str, voxel: Voxel) -> str:
    """Return the table with full precision, one line for each metabolite.

    Columns are ``fit, x, y, z, scaling, metabolite`` and those of the table, so that the files of several voxels
    can be joined.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["fit", "x", "y", "z", "scaling", "metabolite", *table.columns])
    for name, values in table.rows:
        cells = ("" if np.isnan(value) else repr(float(value)) for value in values)
        writer.writerow([fit, *voxel, table.scaling, name, *cells])
    return text.getvalue()


def save_text(text: str, path: Path) -> None:
    """Write a text file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another place.") from error
