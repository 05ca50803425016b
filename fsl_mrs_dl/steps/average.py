"""The step ``average``."""

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, MRSData
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids


@step(method="Signal averaging")
def average(data: MRSData, *, dim: str = "DIM_DYN") -> StepResult:
    """Average FIDs over a dimension.

    An FID that holds NaN, Inf or nothing but zeros is left out of its average.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension to average over.

    Returns
    -------
    StepResult
        The data without that dimension.

    Raises
    ------
    DataError
        If the data have no such dimension.
    """
    axis = data.axis(dim)
    usable = np.expand_dims(usable_fids(data), TIME_AXIS)
    count = usable.sum(axis=axis)
    total = np.where(usable, data.fid, 0).sum(axis=axis)
    mean = total / np.maximum(count, 1)
    left_out = int(usable.size - usable.sum())
    settled = {"left_out": left_out} if left_out else {}
    return StepResult(data.with_fid(mean, without=dim), settled=settled)
