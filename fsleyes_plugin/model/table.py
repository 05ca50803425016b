"""The table at the cursor: one row for each metabolite, with the columns that the fit has."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import FLAGS, VERDICTS
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.results import SCALINGS
from fsl_mrs_dl.report.concentrations import with_interval
from fsleyes_plugin.model.damage import reason_of, refusing_damage
from fsleyes_plugin.model.folder import ResultFolder
from fsleyes_plugin.model.frames import Voxel
from fsleyes_plugin.model.maps import Maps
from fsleyes_plugin.model.quantities import in_scaling

LARGEST_PERCENT = 999.0  # largest value of FSL-MRS's %CRLB
NOTHING_FITTED = "Nothing was fitted in this voxel."
_MISFIT = "misfit (ood)"
_JOINT = ("posterior_mean", "ci95_low", "ci95_high")
POSTERIOR = (*_JOINT, "shrinkage")
"""First columns, if the fit has them."""
_HEADS: Mapping[str, str] = {
    "posterior_mean": "posterior [95 %]",
    "ci95_low": "95 % low",
    "ci95_high": "95 % high",
    "shrinkage": "shrinkage",
    "value": "without prior",
    "sd": "its SD",
    "crlb": "ampl. SD %",
    "snr": "SNR",
    "fwhm": "FWHM Hz",
}
"""Columns in their order; the SD after "without prior" is that of this estimate, not of the posterior."""


@dataclass(frozen=True)
class VoxelTable:
    """Table of one voxel.

    Attributes
    ----------
    scaling : str
    columns : tuple of str
        Keys; :func:`head` returns their headings.
    rows : tuple of (str, tuple of float)
        Metabolite and its values, NaN for an empty cell.
    remarks : tuple of str
        Flags of the voxel in words, and its misfit.
    """

    scaling: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    remarks: tuple[str, ...] = ()

    def value(self, metabolite: str, column: str) -> float:
        """Return one cell."""
        return dict(self.rows)[metabolite][self.columns.index(column)]

    def heads(self) -> tuple[str, ...]:
        """Return the headings, also of the metabolite; mean and interval have one column."""
        shown = self.columns if not self._joined() else [c for c in self.columns if c not in _JOINT[1:]]
        return ("metabolite", *(head(column, self.scaling) for column in shown))

    def texts(self) -> list[tuple[str, ...]]:
        """Return the cells as text, one row for each metabolite."""
        rest = self.columns[len(_JOINT) :] if self._joined() else self.columns
        rows = []
        for name, values in self.rows:
            lead: tuple[str, ...] = ()
            if self._joined():
                joint = values[: len(_JOINT)]
                lead = (with_interval(*joint) if np.isfinite(joint[1:]).all() else "",)
            cells = (cell(column, value) for column, value in zip(rest, values[-len(rest) :], strict=True))
            rows.append((name, *lead, *cells))
        return rows

    def _joined(self) -> bool:
        return self.columns[: len(_JOINT)] == _JOINT


def head(column: str, scaling: str = "") -> str:
    """Return the heading of a column; amounts are in the unit of the scaling, and a plain map is only a map."""
    return "amount" if column == "value" and scaling == "map" else _HEADS[column]


def unit_of(scaling: str) -> str:
    """Return the unit of amounts and their SD in a scaling; empty for amplitudes and ratios."""
    return SCALINGS.get(scaling, "")


def cell(column: str, value: float) -> str:
    """Format a cell: four digits, three for a tiny value, empty for NaN."""
    if not np.isfinite(value):
        return ""
    if column == "crlb":
        return f"{value:.1f}" if value < LARGEST_PERCENT else f"≥ {LARGEST_PERCENT:g}"
    if column in ("snr", "fwhm"):
        return f"{value:.1f}"
    return f"{value:.4g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.2e}"


class SingleTable:
    """The CSV files of one spectrum, ours or FSL-MRS's."""

    @refusing_damage
    def __init__(self, folder: ResultFolder) -> None:
        self.folder = folder
        self._record = folder.record or {}
        self._cells = _two_heads(folder.path / "concentrations.csv")
        self._quality = _named(folder.path / "qc.csv")
        self._summary = _named(folder.path / "summary.csv")
        self.scalings = tuple(name for name in SCALINGS if ("mean", name) in self._cells)
        self.metabolites = tuple(self._cells.get(("mean", self.scalings[0]), {})) if self.scalings else ()

    @refusing_damage
    def at(self, voxel: Voxel, scaling: str) -> VoxelTable:
        """Return the table in one scaling; there is one voxel."""
        known: dict[str, Mapping[str, float]] = {
            **{column: self._cells.get((column, scaling), {}) for column in POSTERIOR},
            "value": self._cells.get(("mean", scaling), {}),
            "sd": self._cells.get(("std", scaling), {}),
            "crlb": self._summary.get("%CRLB", {}),
            "snr": self._quality.get("SNR", {}),
            "fwhm": self._quality.get("FWHM", {}),
        }
        columns = tuple(key for key, values in known.items() if any(np.isfinite(list(values.values()))))
        rows = tuple(
            (name, tuple(known[column].get(name, np.nan) for column in columns)) for name in self.metabolites
        )
        return VoxelTable(scaling, columns, rows, self._remarks())

    def _remarks(self) -> tuple[str, ...]:
        tokens = self._record.get("flags")
        tokens = tokens if isinstance(tokens, (dict, list)) else ()
        remarks = [f"{token}: {FLAGS[token].meaning}" for token in tokens if token in FLAGS]
        left = next(iter(self._quality.get("ood", {}).values()), float("nan"))
        verdict_record = self._record.get("verdict")
        if isinstance(verdict_record, dict) and "reason" in verdict_record:
            remarks.insert(0, f"{verdict_record.get('verdict')}: {verdict_record['reason']}")
        return (*remarks, *([f"{_MISFIT} {left:.3g}"] if np.isfinite(left) else []))


class MapTable:
    """The maps of many voxels."""

    @refusing_damage
    def __init__(self, folder: ResultFolder, maps: Maps) -> None:
        self.folder = folder
        self._maps = maps
        self.scalings = maps.scalings or (("map",) if maps.others else ())
        self.metabolites = maps.metabolites or maps.others
        self._flags = _flag_bits(folder.path / "qc" / "flags.json")

    @refusing_damage
    def at(self, voxel: Voxel, scaling: str) -> VoxelTable:
        """Return the table of one voxel in one scaling; empty if it was not fitted."""
        fitted = bool(self._maps.fitted()[voxel])
        cells: dict[str, list[float]] = {}
        for name in self.metabolites:
            row = self._row(name, voxel, scaling) if fitted else {}
            for column in _HEADS:
                cells.setdefault(column, []).append(row.get(column, np.nan))
        columns = tuple(column for column in _HEADS if column in cells and self._has(column, scaling))
        rows = tuple(
            (name, tuple(cells[column][n] for column in columns)) for n, name in enumerate(self.metabolites)
        )
        return VoxelTable(scaling, columns, rows, self._remarks(voxel) if fitted else (NOTHING_FITTED,))

    def _row(self, name: str, voxel: Voxel, scaling: str) -> dict[str, float]:
        values = {}
        for column in _HEADS:
            if column != "sd" and self._has(column, scaling):
                file = self._maps.file(_kind(column, scaling), name)
                if file is not None:
                    values[column] = float(file.at(voxel).reshape(-1)[0])
        # The mean of an amount is never 0: a ratio has no mean, or nothing was fitted.
        if values.get("posterior_mean") == 0:
            values["posterior_mean"] = values["posterior_sd"] = np.nan
        if (
            self._has("sd", scaling)
            and "crlb" in values
            and "value" in values
            and values["crlb"] < LARGEST_PERCENT
        ):
            values["sd"] = values["value"] * values["crlb"] / 100
        return values

    def _has(self, column: str, scaling: str) -> bool:
        """Return whether there is a column: SDs of ratios without prior are in no file."""
        if column == "sd":
            return scaling in ("raw", "molality", "molarity") and self._has("crlb", scaling)
        return _kind(column, scaling) in self._maps.every_kind

    def _remarks(self, voxel: Voxel) -> tuple[str, ...]:
        remarks = []
        verdict = self._maps.file("verdict")
        if verdict is not None:
            code = int(verdict.at(voxel).reshape(-1)[0])
            remarks += [word for word, level in VERDICTS.items() if level.code == code]
        flags = self._maps.file("flags")
        if flags is not None:
            bits = int(flags.at(voxel).reshape(-1)[0])
            remarks += [f"{token}: {text}" for token, (bit, text) in self._flags.items() if bits & bit]
        score = self._maps.file("ood")
        if score is not None:
            remarks.append(f"{_MISFIT} {float(score.at(voxel).reshape(-1)[0]):.3g}")
        return tuple(remarks)


def _kind(column: str, scaling: str) -> str:
    """Return the kind of map of a column."""
    if column in POSTERIOR:
        return in_scaling(column, scaling)
    return scaling if column == "value" else column


def _flag_bits(path: Path) -> dict[str, tuple[int, str]]:
    """Return token -> bit and meaning, from the results or, without a file, from this version."""
    known = {token: (1 << flag.bit, flag.meaning) for token, flag in FLAGS.items()}
    if not path.is_file():
        return known
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {token: (int(entry["value"]), str(entry["meaning"])) for token, entry in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} does not say what the flags mean ({reason_of(error)}); run the fit again."
        ) from error


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    try:
        return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable table ({reason_of(error)}); run the fit again.") from error


def _two_heads(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Return ``concentrations.csv`` by its two headings, then by metabolite."""
    rows = _rows(path)
    if len(rows) < 3:
        return {}
    heads = list(zip(*rows[:2], strict=False))
    return {
        (top, below): {row[0]: _number(row, n) for row in rows[2:] if row and row[0]}
        for n, (top, below) in enumerate(heads)
        if n
    }


def _named(path: Path) -> dict[str, dict[str, float]]:
    """Return a table by column and metabolite."""
    rows = _rows(path)
    if not rows:
        return {}
    return {name: {row[0]: _number(row, n) for row in rows[1:] if row} for n, name in enumerate(rows[0]) if n}


def _number(row: Sequence[str], n: int) -> float:
    try:
        return float(row[n])
    except (ValueError, IndexError):
        return float("nan")
