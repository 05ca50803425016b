"""The step ``average``."""

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, MRSData
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids


@step(method="Signal averaging")
def average(data: MRSData, *, dim: str = "DIM_DYN") -> StepResult:
    """Average FIDs over a dimension.

    The mean, every FID with the same weight. An FID that holds NaN, Inf or nothing but zeros is left out.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension to average over.

    Returns
    -------
    StepResult
        The data without that dimension. A mean over no usable FID is NaN if one of them was not finite,
        else zero.

    Raises
    ------
    DataError
        If the data have no such dimension.
    """
    axis = data.axis(dim)
    usable = np.expand_dims(usable_fids(data), TIME_AXIS)
    count = usable.sum(axis=axis)
    total = np.where(usable, data.fid, 0).sum(axis=axis, dtype=np.complex128)
    finite = np.isfinite(data.fid).all(axis=(TIME_AXIS, axis))
    mean = np.where((count == 0) & ~np.expand_dims(finite, TIME_AXIS), np.nan, total / np.maximum(count, 1))
    left_out = int((data.fid.shape[axis] - count)[count > 0].sum())
    return StepResult(data.with_fid(mean, without=dim), settled={"left_out": left_out} if left_out else {})
