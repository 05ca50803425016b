"""Mark synthetic FIDs: the header key ``SyntheticData``, and one flag for each FID along a dimension.

The key in the header marks a whole file. If a file has measured and synthetic FIDs, the header of their dimension
flags each of them, so that splitting, merging and reordering keep the flags. The further dimensions are flagged
too: ``mrs_tools merge`` keeps the header of the first file, but refuses two files if only one has a header of the
dimension to merge. So synthetic FIDs cannot be appended to measured ones unnoticed.
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
"""Header keys of the NIfTI-MRS standard about the acquisition. Only these are passed on to synthetic FIDs: any
other key may be personal."""
_RECORD_KEYS = ("Time", "Program", "Version", "Method", "Details")
_FID_MEANING = "1: this FID was made by a program; 0: it was measured."
_ANY_MEANING = "1: FIDs at this index were made by a program, some or all."


def synthetic_header(
    method: str, seed: int | None, parents: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """Return the header key that marks FIDs as synthetic.

    Parameters
    ----------
    method : str
        Method that made them.
    seed : int or None
        Seed of the random numbers, if known.
    parents : sequence of str
        Names of the files whose FIDs were used.
    **more
        Further facts, as JSON values.
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
    is_synthetic: NDArray[np.bool_],
    method: str,
    seed: int,
    parents: Sequence[str] = (),
    **more: Any,
) -> MRSData:
    """Return data with the mark in the header and, along each dimension, a flag for each index.

    An earlier mark is kept under the key ``before``.

    Parameters
    ----------
    data : MRSData
    dim : str or None
        Dimension of the new FIDs; None if there is none.
    is_synthetic : ndarray, bool, shape (size of ``dim``,)
        Whether a program made each of them.
    method, seed, parents, **more
        See :func:`synthetic_header`.
    """
    before = {"before": data.header[KEY]} if KEY in data.header else {}
    header = {**data.header, **synthetic_header(method, seed, parents, **more, **before)}
    dim_headers = {tag: dict(parts) for tag, parts in data.dim_headers.items()}
    for tag in data.dim_tags:
        flags, meaning = (
            (is_synthetic, _FID_MEANING)
            if tag == dim
            else (np.ones(data.fid.shape[data.axis(tag)]), _ANY_MEANING)
        )
        parts = dim_headers.setdefault(tag, {})
        each = {"Value": np.asarray(flags).astype(int).tolist(), "Description": meaning}
        parts["header"] = {**parts.get("header", {}), KEY: each}
    return replace(data, header=header, dim_headers=dim_headers)


def without_person(data: MRSData) -> MRSData:
    """Remove header fields about a person, a place or a day from data, for synthetic FIDs made from them.

    Only :data:`ACQUISITION_KEYS` stay of the header extension and the headers of dimensions, and only the keys of
    the standard of each record in ``ProcessingApplied``. The NIfTI header is new, without free text and other
    extensions. The position of the voxels and the names of files stay.
    """
    header = {key: value for key, value in data.header.items() if key in ACQUISITION_KEYS}
    dim_headers: dict[str, Any] = {}
    for tag, parts in data.dim_headers.items():
        each = {key: value for key, value in parts.get("header", {}).items() if key in ACQUISITION_KEYS}
        reduced = {"info": parts.get("info"), "header": each}
        dim_headers[tag] = {part: value for part, value in reduced.items() if value}
    processing = tuple(
        {key: record[key] for key in _RECORD_KEYS if key in record} for record in data.processing
    )
    return replace(data, header=header, dim_headers=dim_headers, processing=processing, nifti_header=None)


def synthetic_along(data: MRSData, dim: str) -> NDArray[np.bool_]:
    """Return which FIDs along a dimension are marked as synthetic, shape (size of the dimension,)."""
    n = data.fid.shape[data.axis(dim)]
    flags = data.dim_headers.get(dim, {}).get("header", {}).get(KEY, {})
    values = flags.get("Value") if isinstance(flags, dict) else None
    if isinstance(values, list) and len(values) == n:
        return np.array([bool(value) for value in values])
    return np.full(n, KEY in data.header)


def all_measured(data: MRSData, dim: str) -> MRSData:
    """Return data without the mark, if all FIDs along a dimension are flagged as measured.

    This is so for measured FIDs that were split from a file with both kinds.
    """
    if KEY not in data.header or synthetic_along(data, dim).any():
        return data
    header = {key: value for key, value in data.header.items() if key != KEY}
    dim_headers: dict[str, Any] = {}
    for tag, parts in data.dim_headers.items():
        unmarked = {key: value for key, value in parts.get("header", {}).items() if key != KEY}
        rest = {key: value for key, value in parts.items() if key != "header"} | (
            {"header": unmarked} if unmarked else {}
        )
        dim_headers |= {tag: rest} if rest else {}
    return replace(data, header=header, dim_headers=dim_headers)


def refuse_mixture(data: MRSData, dim: str, *, allow: bool = False) -> str:
    """Refuse to add up measured and synthetic FIDs; return how many are synthetic, in words.

    Raises
    ------
    DataError
        If a dimension has both kinds and ``allow`` is false: their average would look like one of measured FIDs
        with a higher signal-to-noise ratio than the measurement had.
    """
    is_synthetic = synthetic_along(data, dim)
    if is_synthetic.any() and not is_synthetic.all() and not allow:
        raise DataError(
            f"{data.name or 'The data'} has {int(is_synthetic.sum())} synthetic and "
            f"{int((~is_synthetic).sum())} measured FIDs in {dim}. Split them (mrs_tools split), or use "
            "fsl_mrs_dl average --allow_synthetic on purpose."
        )
    return "" if not is_synthetic.any() else f"{int(is_synthetic.sum())} of {len(is_synthetic)}"
