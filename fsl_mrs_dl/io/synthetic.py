"""The mark on made-up FIDs: the header key ``SyntheticData``, and one flag an FID along a dimension.

A whole file is marked by the key in the header. A file that holds measured and synthetic FIDs side by side says
by the header of their dimension which is which, so that splitting, merging and reordering carry the flags along.
The further dimensions are flagged too: ``mrs_tools merge`` keeps the header of the first file, but refuses files
of which one has a header of the dimension to merge and the other has none, so that synthetic FIDs do not slip
behind measured ones without a word.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError

KEY = "SyntheticData"
ACQUISITION_KEYS = frozenset(
    (
        KEY,
        "SpectrometerFrequency",
        "ResonantNucleus",
        "SpectralWidth",
        "EchoTime",
        "RepetitionTime",
        "InversionTime",
        "MixingTime",
        "AcquisitionStartTime",
        "ExcitationFlipAngle",
        "TxOffset",
        "RxOffset",
        "SpecFreqChemShift",
        "VOI",
        "WaterSuppressed",
        "WaterSuppressionType",
        "SequenceTriggered",
        "Manufacturer",
        "SoftwareVersions",
        "TxCoil",
        "RxCoil",
        "SequenceName",
        "kSpace",
        "EditCondition",
        "EditPulse",
    )
)
"""Header keys of the NIfTI-MRS standard that say how a signal was acquired. A list of what may be passed on, not
of what may not: a key that nobody thought of stays with the measurement."""
_RECORD_KEYS = ("Time", "Program", "Version", "Method", "Details")
_EACH = "1: this FID was made by a program; 0: it was measured."
_HOLDS = "1: FIDs at this index were made by a program, some or all."


def synthetic_header(
    method: str, seed: int | None, parents: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """Return the header key that marks made-up FIDs as such.

    Parameters
    ----------
    method : str
        How they were made.
    seed : int or None
        Of the generator, as far as known.
    parents : sequence of str
        Names of the files whose FIDs went into them.
    **more
        What else is true of them, in terms of JSON.
    """
    return {
        KEY: {
            "method": f"fsl_mrs_dl {__version__}: {method}",
            "seed": seed,
            "parents": list(parents),
            **more,
            "Description": "These FIDs were not measured: method, seed, and the files they were made from.",
        }
    }


def marked(
    data: MRSData,
    dim: str | None,
    made: NDArray[np.bool_],
    method: str,
    seed: int,
    parents: Sequence[str] = (),
    **more: Any,
) -> MRSData:
    """Return data with the mark in the header and, along each dimension, a flag for each index.

    What was already said of their making stays, as ``before``.

    Parameters
    ----------
    data : MRSData
    dim : str or None
        The dimension that holds the new FIDs; None where there is none.
    made : ndarray, bool, shape (size of ``dim``,)
        Which of them a program made.
    method, seed, parents, **more
        See :func:`synthetic_header`.
    """
    before = {"before": data.header[KEY]} if KEY in data.header else {}
    header = {**data.header, **synthetic_header(method, seed, parents, **more, **before)}
    dim_headers = {tag: dict(said) for tag, said in data.dim_headers.items()}
    for tag in data.dim_tags:
        flags, meaning = (made, _EACH) if tag == dim else (np.ones(data.fid.shape[data.axis(tag)]), _HOLDS)
        said = dim_headers.setdefault(tag, {})
        each = {"Value": np.asarray(flags).astype(int).tolist(), "Description": meaning}
        said["header"] = {**said.get("header", {}), KEY: each}
    return replace(data, header=header, dim_headers=dim_headers)


def without_person(data: MRSData) -> MRSData:
    """Return data without what its header says of a person, a place or a day, for synthetic FIDs made from it.

    Of the header extension and of the headers of dimensions only :data:`ACQUISITION_KEYS` stay, of each record in
    ``ProcessingApplied`` the keys of the standard; the NIfTI header, with its free text and its other extensions,
    is made anew. The position of the voxels stays, and so do the names of files.
    """
    header = {key: value for key, value in data.header.items() if key in ACQUISITION_KEYS}
    dim_headers: dict[str, Any] = {}
    for tag, said in data.dim_headers.items():
        each = {key: value for key, value in said.get("header", {}).items() if key in ACQUISITION_KEYS}
        kept = {"info": said.get("info"), "header": each}
        dim_headers[tag] = {part: value for part, value in kept.items() if value}
    processing = tuple(
        {key: record[key] for key in _RECORD_KEYS if key in record} for record in data.processing
    )
    return replace(data, header=header, dim_headers=dim_headers, processing=processing, nifti_header=None)


def synthetic_along(data: MRSData, dim: str) -> NDArray[np.bool_]:
    """Return which FIDs along a dimension are said to be synthetic, shape (size of the dimension,)."""
    n = data.fid.shape[data.axis(dim)]
    flags = data.dim_headers.get(dim, {}).get("header", {}).get(KEY, {})
    values = flags.get("Value") if isinstance(flags, dict) else None
    if isinstance(values, list) and len(values) == n:
        return np.array([bool(value) for value in values])
    return np.full(n, KEY in data.header)


def all_measured(data: MRSData, dim: str) -> MRSData:
    """Return data without the mark, if the FIDs along a dimension are all said to be measured ones.

    So are those that were split from a file that held both.
    """
    if KEY not in data.header or synthetic_along(data, dim).any():
        return data
    header = {key: value for key, value in data.header.items() if key != KEY}
    dim_headers: dict[str, Any] = {}
    for tag, said in data.dim_headers.items():
        kept = {key: value for key, value in said.get("header", {}).items() if key != KEY}
        rest = {key: value for key, value in said.items() if key != "header"} | (
            {"header": kept} if kept else {}
        )
        dim_headers |= {tag: rest} if rest else {}
    return replace(data, header=header, dim_headers=dim_headers)


def refuse_mixture(data: MRSData, dim: str, *, allow: bool = False) -> str:
    """Return what of a dimension is synthetic, in words, before its FIDs are added up.

    Raises
    ------
    DataError
        If measured and synthetic FIDs stand side by side and that was not allowed: their average would pass for
        one of measured FIDs with a signal-to-noise ratio that nobody measured.
    """
    made = synthetic_along(data, dim)
    if made.any() and not made.all() and not allow:
        raise DataError(
            f"{data.name or 'The data'} has {int(made.sum())} synthetic and {int((~made).sum())} measured FIDs in "
            f"{dim}. Split them (mrs_tools split), or use fsl_mrs_dl average --allow_synthetic on purpose."
        )
    return "" if not made.any() else f"{int(made.sum())} of {len(made)}"
