"""The step ``add``."""

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.steps.registry import StepResult, step
from fsl_mrs_dl.steps.subtract import halved, halves, warn_if_opposed


@step(method="Addition of sub-spectra")
def add(data: MRSData, *, reference: MRSData | None = None, dim: str | None = None) -> StepResult:
    """Add sub-spectra, such as ON and OFF of an edited scan.

    Gives half the sum: of the two entries of a dimension, or of two files.

    Parameters
    ----------
    data : MRSData
    reference : MRSData
        NIfTI-MRS file to add. It has as many FIDs as the data, or one for each entry of a dimension.
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
    fsl_mrs_dl add --file aligned/mega.nii.gz --dim DIM_EDIT --output sum
    """
    first, second = halves(data, reference, dim)
    warn_if_opposed(first, second, "sum", "subtract")
    return halved(data, first, second, dim)
