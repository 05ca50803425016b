"""Leave out transients that cannot be used."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Estimates, MRSData
from fsl_mrs_dl.errors import DataError


def flagged_transients(data: MRSData, estimates: Estimates, dim: str) -> NDArray[np.integer]:
    """Return the indices of transients that are flagged anywhere.

    One array holds all FIDs, so that coils, edit conditions, voxels and all other dimensions lose a transient
    together: one that is flagged in any of them is left out of all. Sets in which every transient is flagged
    (voxels outside of the head, a dead coil) do not count.

    Parameters
    ----------
    data : MRSData
        Gives the order of the dimensions.
    estimates : Estimates
    dim : str
        Tag of the dimension of the transients.

    Returns
    -------
    ndarray, int

    Raises
    ------
    DataError
        If no transient would be left.
    """
    flagged = np.moveaxis(~estimates.usable, data.axis(dim) - 1, 0).reshape(
        data.fid.shape[data.axis(dim)], -1
    )
    rejected = np.flatnonzero(flagged[:, ~flagged.all(axis=0)].any(axis=1))
    if flagged.all() or len(rejected) == len(flagged):
        raise DataError(
            f"All {len(flagged)} transients of {data.name or 'the data'} are flagged somewhere; leave "
            "--reject out and look at the column flag, or align with another window (--ppm)."
        )
    return rejected


def drop_transients(data: MRSData, dim: str, rejected: NDArray[np.integer]) -> MRSData:
    """Return data without some indices of a dimension, in the FIDs and in the header of the dimension.

    Parameters
    ----------
    data : MRSData
    dim : str
        Tag of the dimension.
    rejected : ndarray, int

    Returns
    -------
    MRSData
    """
    axis = data.axis(dim)
    n = data.fid.shape[axis]
    rows = np.setdiff1d(np.arange(n), rejected)
    described = data.dim_headers.get(dim)
    headers = dict(data.dim_headers)
    if described and isinstance(described.get("header"), Mapping):
        values = {key: _of_rows(value, n, rows) for key, value in described["header"].items()}
        headers[dim] = {**described, "header": values}
    return replace(data, fid=np.take(data.fid, rows, axis=axis), dim_headers=headers)


def _of_rows(value: Any, n: int, rows: NDArray[np.integer]) -> Any:
    """Return a header value of a dimension (list, or start and increment) for some of its n indices."""
    if isinstance(value, Mapping) and "Value" in value:
        return {**value, "Value": _of_rows(value["Value"], n, rows)}
    if isinstance(value, Mapping) and {"start", "increment"} <= set(value):
        return [value["start"] + int(i) * value["increment"] for i in rows]
    if isinstance(value, (list, tuple)) and len(value) == n:
        return [value[i] for i in rows]
    return value
