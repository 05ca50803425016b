"""The step ``average``."""

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, MRSData
from fsl_mrs_dl.io.synthetic import all_measured, refuse_mixture
from fsl_mrs_dl.steps.registry import StepResult, step, usable_fids


@step(method="Signal averaging")
def average(data: MRSData, *, dim: str = "DIM_DYN", allow_synthetic: bool = False) -> StepResult:
    """Average FIDs over a dimension.

    Takes the mean, with equal weights. FIDs that hold NaN or Inf, or are zero everywhere, are left out.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension to average over.
    allow_synthetic : bool
        Also average measured and synthetic FIDs together. The result is marked as synthetic.

    Returns
    -------
    StepResult
        The data without that dimension. A mean over no usable FID is NaN if one of them was not finite,
        else zero.

    Raises
    ------
    DataError
        If the data have no such dimension, or mix measured and synthetic FIDs in it.

    Examples
    --------
    fsl_mrs_dl average --file aligned/metab.nii.gz --dim DIM_DYN --output averaged
    """
    axis = data.axis(dim)
    synthetic = refuse_mixture(data, dim, allow=allow_synthetic)
    usable = np.expand_dims(usable_fids(data), TIME_AXIS)
    count = usable.sum(axis=axis)
    total = np.where(usable, data.fid, 0).sum(axis=axis, dtype=np.complex128)
    finite = np.isfinite(data.fid).all(axis=(TIME_AXIS, axis))
    mean = np.where((count == 0) & ~np.expand_dims(finite, TIME_AXIS), np.nan, total / np.maximum(count, 1))
    left_out = int((data.fid.shape[axis] - count)[count > 0].sum())
    settled: dict[str, object] = {"left_out": left_out} if left_out else {}
    if synthetic:
        settled["synthetic"] = synthetic
    return StepResult(all_measured(data, dim).with_fid(mean, without=dim), settled=settled)
