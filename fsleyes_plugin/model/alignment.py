"""An alignment as its table tells it: the transients before and after, by one file and ``N_align.csv``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Estimates, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.physics import correct

ENDING = "_align.csv"
_METHOD = "Frequency and phase correction"


@dataclass(frozen=True, eq=False)
class Alignment:
    """Transients before and after, and what was estimated; the names are those that the report asks for.

    Attributes
    ----------
    before, data : MRSData
    estimates : Estimates
    aligned : None
    settled : mapping
        Empty: the table does not say which transients were left out of an average.
    dim : str
        Tag of the dimension that was aligned.
    """

    before: MRSData
    data: MRSData
    estimates: Estimates
    dim: str
    aligned: MRSData | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)


def open_alignment(table: Path, transients: Path | None = None) -> Alignment:
    """Open a table of ``align`` with the transients it is about.

    Parameters
    ----------
    table : Path
        ``N_align.csv``.
    transients : Path, optional
        The transients, aligned or not; ``N.nii.gz`` beside the table by default.

    Returns
    -------
    Alignment
        What the file does not hold, before or after, is made from it by the estimates.

    Raises
    ------
    DataError
        If a file is missing, or they do not belong together.
    """
    if not table.name.endswith(ENDING):
        raise DataError(f"{table.name} is no table of align; needed is a file N_align.csv.")
    data = nifti.read(transients if transients is not None else _beside(table))
    if "DIM_DYN" not in data.dim_tags:
        raise DataError(
            f"{data.name} has no transients (DIM_DYN) any more, they were averaged; choose the file that was "
            "aligned instead."
        )
    shape = data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :]
    estimates = read_estimates(table, data.dim_tags, shape)
    done = any(_is_alignment(record) for record in data.processing)
    other = _turned(data, estimates, -1.0 if done else 1.0)
    before, after = (other, data) if done else (data, other)
    return Alignment(before, after, estimates, "DIM_DYN")


def _is_alignment(record: Mapping[str, object]) -> bool:
    return record.get("Method") == _METHOD and ".align" in str(record.get("Details", ""))


def _beside(table: Path) -> Path:
    stem = table.name.removesuffix(ENDING)
    for name in (f"{stem}.nii.gz", f"{stem}.nii"):
        if (table.parent / name).is_file():
            return table.parent / name
    raise DataError(f"There is no {stem}.nii.gz beside {table}; choose the file that was aligned.")


def _turned(data: MRSData, estimates: Estimates, sign: float) -> MRSData:
    """Return the data with the estimates taken away (1) or put back (-1)."""
    fids = np.moveaxis(data.fid, TIME_AXIS, -1)
    turned = correct(fids, sign * estimates.shift_hz, sign * estimates.phase_rad, data.dwelltime_s)
    return replace(data, fid=np.moveaxis(turned, -1, TIME_AXIS).astype(data.fid.dtype))
