"""The step ``ecc``, and checks whether a reference fits the data."""

import logging

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import apply_time_phase
from fsl_mrs_dl.steps.registry import StepResult, check_usable, step, usable_fids
from fsl_mrs_dl.steps.water_references import reduce_reference

logger = logging.getLogger(__name__)

_DWELLTIME_TOLERANCE = 1e-4  # relative: files round the dwell time
_POSITION_TOLERANCE_MM = 0.1  # far below a voxel; files round the position


@step(method="Eddy current correction")
def ecc(data: MRSData, *, reference: MRSData) -> StepResult:
    """Correct eddy currents with the phase of a water reference.

    Subtracts the phase of the reference from the data, point by point (Klose 1990, doi:10.1002/mrm.1910140104).
    This also removes the frequency and the zero-order phase of the reference: its water would lie at the carrier,
    with zero phase.

    Parameters
    ----------
    data : MRSData
    reference : MRSData
        NIfTI-MRS file without water suppression, with the points, dwell time and voxels of the data. It has one
        FID a voxel, or one for each coil and transient of the data. Otherwise its transients are averaged, and
        its coils are combined if the data have no coils.

    Returns
    -------
    StepResult
        FIDs that hold NaN or nothing, or whose reference does, stay as they are.

    Raises
    ------
    DataError
        If the reference does not fit the data, or is empty where the data are not.

    Examples
    --------
    fsl_mrs_dl ecc --file combined/metab.nii.gz --reference wref.nii.gz --output ecc
    """
    check_belongs(reference, data)
    check_sampling(reference, data)
    fitting, reductions = reduce_reference(reference, data)
    phases = as_shaped_as(data, fitting)
    has_phase = np.isfinite(phases).all(axis=TIME_AXIS) & (phases != 0).any(axis=TIME_AXIS)
    usable = usable_fids(data)
    corrected = usable & has_phase
    if not corrected.any():
        raise DataError(f"{_name(reference)} is empty where {_name(data)} is not; give their own reference.")
    points_last = np.moveaxis(data.fid, TIME_AXIS, -1).astype(np.complex128)
    turned = apply_time_phase(points_last, -np.angle(np.moveaxis(phases, TIME_AXIS, -1)))
    fid = np.where(np.expand_dims(corrected, TIME_AXIS), np.moveaxis(turned, -1, TIME_AXIS), data.fid)
    left = int(usable.sum() - corrected.sum())
    if left:
        logger.warning("%d FIDs have no usable reference and were left as they are.", left)
    settled: dict[str, object] = {"reference_was": reductions} if reductions else {}
    if left:
        settled["not_corrected"] = left
    message = f"The reference {reference.name or 'given'} was {' and '.join(reductions)}."
    return StepResult(data.with_fid(fid), settled=settled, messages=(message,) if reductions else ())


def check_belongs(reference: MRSData, data: MRSData) -> None:
    """Refuse a reference of another nucleus or other voxels than the data.

    Parameters
    ----------
    reference, data : MRSData

    Raises
    ------
    DataError
        If they differ, or the reference has no usable FID.
    """
    check_usable(reference)
    if reference.nucleus != data.nucleus:
        raise DataError(
            f"{_name(reference)} is of {reference.nucleus}; {data.nucleus} is needed, as in {_name(data)}."
        )
    if reference.fid.shape[:TIME_AXIS] != data.fid.shape[:TIME_AXIS]:
        raise DataError(
            f"{_name(reference)} has {_times(reference.fid.shape[:TIME_AXIS])} voxels; the "
            f"{_times(data.fid.shape[:TIME_AXIS])} of {_name(data)} are needed."
        )
    if reference.affine is None or data.affine is None:
        return
    if not np.allclose(reference.affine, data.affine, rtol=0, atol=_POSITION_TOLERANCE_MM):
        logger.warning("%s lies elsewhere than %s; do they belong together?", _name(reference), _name(data))


def check_sampling(reference: MRSData, data: MRSData) -> None:
    """Refuse a reference of other points or another dwell time than the data.

    Raises
    ------
    DataError
        If they differ.
    """
    if reference.n_points != data.n_points:
        raise DataError(
            f"{_name(reference)} has {reference.n_points} points, {_name(data)} has {data.n_points}; as many "
            "are needed. Cut or zero-fill both the same way."
        )
    if not np.isclose(reference.dwelltime_s, data.dwelltime_s, rtol=_DWELLTIME_TOLERANCE):
        raise DataError(
            f"{_name(reference)} has a dwell time of {reference.dwelltime_s:g} s; the {data.dwelltime_s:g} s "
            f"of {_name(data)} are needed."
        )


def as_shaped_as(data: MRSData, reference: MRSData) -> Complex:
    """Repeat and reorder the FIDs of a reference to the shape of the data.

    Raises
    ------
    DataError
        If the reference has more than one FID along a dimension, and not as many as the data.
    """
    sizes = dict(zip(data.dim_tags, data.fid.shape[4:], strict=True))
    for tag, n in zip(reference.dim_tags, reference.fid.shape[4:], strict=True):
        if n not in (1, sizes.get(tag, 1)):
            first = "Combine the coils" if tag == "DIM_COIL" else "Average the reference"
            raise DataError(
                f"{_name(reference)} has {n} along {tag}, {_name(data)} has {sizes.get(tag, 'none')}; "
                f"as many, or one, are needed. {first} first."
            )
    fid = reference.fid
    for tag in reversed([t for t in reference.dim_tags if t not in sizes]):
        fid = fid.squeeze(reference.axis(tag))
    present = [tag for tag in reference.dim_tags if tag in sizes]
    order = [present.index(tag) for tag in data.dim_tags if tag in present]
    fid = fid.transpose(*range(4), *(4 + n for n in order))
    absent = [4 + n for n, tag in enumerate(data.dim_tags) if tag not in present]
    fid = np.expand_dims(fid, absent)
    whole: Complex = np.broadcast_to(fid, data.fid.shape)
    return whole


def _name(data: MRSData) -> str:
    return data.name or "The data"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
