"""The step ``subtract``, and functions for it and ``add``."""

import logging

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.steps.ecc import as_shaped_as, check_belongs, check_sampling
from fsl_mrs_dl.steps.registry import StepResult, step

logger = logging.getLogger(__name__)

_LARGEST_CORRELATION = -0.5
"""Correlation below which two sets of FIDs have opposite signs: 1 for equal ones, -1 for opposite ones."""


@step(method="Subtraction of sub-spectra")
def subtract(data: MRSData, *, reference: MRSData | None = None, dim: str | None = None) -> StepResult:
    """Subtract sub-spectra, such as ON and OFF of an edited scan.

    Gives half the difference, as fsl_mrs_proc does: of the two entries of a dimension, or of two files. Signal
    that is in only one of them keeps half its size. A basis set of ON - OFF, such as the shipped one, then finds
    half the amplitude.

    Parameters
    ----------
    data : MRSData
    reference : MRSData
        NIfTI-MRS file to subtract. It has as many FIDs as the data, or one for each entry of a dimension.
    dim : str
        NIfTI-MRS tag of the dimension with two entries, for example DIM_EDIT. Give this or --reference.

    Returns
    -------
    StepResult
        The data, without that dimension. An FID of which a part is not finite is not finite.

    Raises
    ------
    DataError
        If the data have no such dimension, or not two along it, or the reference does not fit the data.
    OptionError
        If both or neither are given.

    Examples
    --------
    fsl_mrs_dl subtract --file aligned/mega.nii.gz --dim DIM_EDIT --output difference
    """
    first, second = halves(data, reference, dim)
    warn_if_opposed(first, second, "difference", "add")
    return halved(data, first, -second, dim)


def halves(data: MRSData, reference: MRSData | None, dim: str | None) -> tuple[Complex, Complex]:
    """Return the two sets of FIDs that are added or subtracted.

    Raises
    ------
    DataError
        If the data have no such dimension, or not two along it, or the reference does not fit the data.
    OptionError
        If both or neither of reference and dimension are given.
    """
    if (reference is None) == (dim is None):
        options = "neither --dim nor --reference is" if dim is None else "both --dim and --reference are"
        raise OptionError(f"{options} given; give one of them.")
    if dim is not None:
        axis = data.axis(dim)
        if data.fid.shape[axis] != 2:
            raise DataError(
                f"{data.name or 'The data'} has {data.fid.shape[axis]} along {dim}; two are needed. Average or "
                "split them first."
            )
        first, second = np.moveaxis(data.fid, axis, 0)
        return first, second
    assert reference is not None
    check_belongs(reference, data)
    check_sampling(reference, data)
    return np.asarray(data.fid), as_shaped_as(data, reference)


def halved(data: MRSData, first: Complex, second: Complex, dim: str | None) -> StepResult:
    """Return half the sum of two sets of FIDs as the result of a step."""
    return StepResult(data.with_fid((first + second) / 2, without=dim))


def warn_if_opposed(first: Complex, second: Complex, result: str, other: str) -> None:
    """Warn if two sets of FIDs have opposite signs, as some scanners store ON and OFF.

    Parameters
    ----------
    first, second : ndarray, complex, of one shape
    result, other : str
        Result of the step, and the step that gives it for opposite signs.
    """
    if opposed(first, second):
        logger.warning(
            "The first and the second have opposite signs, as some scanners store ON and OFF: use '%s' for their "
            "%s.",
            other,
            result,
        )


def opposed(first: Complex, second: Complex) -> bool:
    """Return whether two sets of FIDs have opposite signs, as ON and OFF of some scanners.

    Parameters
    ----------
    first, second : ndarray, complex, of one shape
    """
    known = np.isfinite(first) & np.isfinite(second)
    a, b = (one[known].astype(np.complex128) for one in (first, second))
    return bool(np.vdot(a, b).real < _LARGEST_CORRELATION * np.linalg.norm(a) * np.linalg.norm(b))
