"""Read an alignment: the transients before and after, from one file and ``N_align.csv``."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Estimates, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.io.voxels import VoxelFile
from fsl_mrs_dl.physics import correct
from fsleyes_plugin.model.damage import refusing_damage
from fsleyes_plugin.model.folder import refuse_unfinished

ENDING = "_align.csv"
_METHOD = "Frequency and phase correction"
_REJECTED = re.compile(r"\brejected=\[([\d, ]+)\]")


@dataclass(frozen=True, eq=False)
class Alignment:
    """Transients before and after, and the estimates; the attributes are those of the report.

    Attributes
    ----------
    before, data : MRSData
    estimates : Estimates
    aligned : None
    dim : str
        Tag of the dimension that was aligned.
    rejected : tuple of int
        Transients that were left out of the result, 0-based. ``before`` has zeros in their place where their FIDs
        are not in the file that was opened; ``data`` is without them.
    """

    before: MRSData
    data: MRSData
    estimates: Estimates
    dim: str
    aligned: MRSData | None = None
    rejected: tuple[int, ...] = ()

    @property
    def settled(self) -> Mapping[str, Any]:
        """Settings for the report."""
        return {"rejected": self.rejected}

    def remark(self) -> str:
        """Return a sentence on flagged and rejected transients; empty if there are none."""
        usable = np.moveaxis(self.estimates.usable, self.before.axis(self.dim) - 1, 0)
        flagged = np.flatnonzero((~usable.reshape(len(usable), -1)).any(axis=1))
        parts = [f"left out: {_listed(self.rejected)}"] if self.rejected else []
        parts += [f"flagged: {_listed(flagged)}"] if len(flagged) else []
        return f"of {len(usable)} transients (the first is 0), {'; '.join(parts)}" if parts else ""


@refusing_damage
def open_alignment(table: Path, transients: Path | None = None) -> Alignment:
    """Open a table of ``align`` with its transients.

    Parameters
    ----------
    table : Path
        ``N_align.csv``.
    transients : Path, optional
        The transients, aligned or not. Default: ``N.nii.gz`` in the folder of the table.

    Returns
    -------
    Alignment
        The transients that are not in the file, before or after, are computed from it with the estimates.

    Raises
    ------
    DataError
        If a file is missing, they do not belong together, or a run died while it put its files there.
    """
    if not table.name.endswith(ENDING):
        raise DataError(f"{table.name} is no table of align; needed is a file N_align.csv.")
    refuse_unfinished(table.parent)
    data = nifti.read(transients if transients is not None else _beside(table))
    if "DIM_DYN" not in data.dim_tags:
        raise DataError(
            f"{data.name} has no transients (DIM_DYN) any more, they were averaged; choose the file that was "
            "aligned instead."
        )
    is_result = any(_is_alignment(record) for record in data.processing)
    rejected = _rejected(data.processing if is_result else _records_beside(table))
    axis = data.axis("DIM_DYN")
    n = data.fid.shape[axis] + (len(rejected) if is_result else 0)
    if rejected and max(rejected) >= n:
        raise DataError(
            f"{data.name} has {data.fid.shape[axis]} transients, and transient {max(rejected)} shall have been "
            f"left out; choose the file that {table.name} is about."
        )
    shape = [*data.fid.shape[:TIME_AXIS], *data.fid.shape[TIME_AXIS + 1 :]]
    shape[axis - 1] = n
    estimates = read_estimates(table, data.dim_tags, shape)
    included = np.setdiff1d(np.arange(n), rejected)
    if is_result:
        fids = np.zeros([*data.fid.shape[:axis], n, *data.fid.shape[axis + 1 :]], dtype=data.fid.dtype)
        fids[(slice(None),) * axis + (included,)] = data.fid
        before, after = _turned(replace(data, fid=fids), estimates, -1.0), data
    else:
        turned = _turned(data, estimates, 1.0)
        before, after = data, replace(turned, fid=np.take(turned.fid, included, axis=axis))
    return Alignment(before, after, estimates, "DIM_DYN", rejected=rejected)


def _rejected(records: Iterable[Mapping[str, object]]) -> tuple[int, ...]:
    """Return the transients that were left out, from the record of an alignment."""
    details = [str(record.get("Details", "")) for record in records if _is_alignment(record)]
    match = _REJECTED.search(details[-1]) if details else None
    return tuple(int(n) for n in match[1].split(",")) if match else ()


def _records_beside(table: Path) -> tuple[Mapping[str, object], ...]:
    """Return the records of the result in the folder of a table, if it exists; it may be averaged."""
    try:
        return VoxelFile(_beside(table)).one().processing
    except DataError:
        return ()


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(n)) for n in numbers)


def _is_alignment(record: Mapping[str, object]) -> bool:
    return record.get("Method") == _METHOD and ".align" in str(record.get("Details", ""))


def _beside(table: Path) -> Path:
    stem = table.name.removesuffix(ENDING)
    for name in (f"{stem}.nii.gz", f"{stem}.nii"):
        if (table.parent / name).is_file():
            return table.parent / name
    raise DataError(f"There is no {stem}.nii.gz beside {table}; choose the file that was aligned.")


def _turned(data: MRSData, estimates: Estimates, sign: float) -> MRSData:
    """Return the data with the estimates subtracted (1) or added again (-1)."""
    fids = np.moveaxis(data.fid, TIME_AXIS, -1)
    turned = correct(fids, sign * estimates.shift_hz, sign * estimates.phase_rad, data.dwelltime_s)
    return replace(data, fid=np.moveaxis(turned, -1, TIME_AXIS).astype(data.fid.dtype))
