"""Write the results of a quantification, in the layout of one voxel or of many."""

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io.names import ENDINGS
from fsl_mrs_dl.io.results.outcome import Outcome
from fsl_mrs_dl.io.staging import Staging

_SVS = (
    "summary.csv",
    "concentrations.csv",
    "qc.csv",
    "all_parameters.csv",
    "fit.nii.gz",
    "baseline.nii.gz",
    "residual.nii.gz",
    "metabolites.nii.gz",
)
BASIS_FOLDER = "basis"
"""Sub-folder of the fitted basis set, for MRSI; a reader takes every JSON file in it as a member."""
_CURVES = ("fit", "baseline", "residual", "parameters")
_MRSI = tuple(f"fit/{name}{ending}" for name in _CURVES for ending in ENDINGS)

FIXED_NAMES = {True: _SVS, False: _MRSI}
"""Whether there is one voxel -> files that do not depend on the basis set, checked before long work."""


def write_outcome(fit: MRSData, fitted: MRSData, outcome: Outcome, staging: Staging) -> None:
    """Write all results but the report and ``run.json``.

    Parameters
    ----------
    fit : MRSData
        The fitted curves, with the record of the run.
    fitted : MRSData
        The data that were fitted.
    outcome : Outcome
    staging : Staging
    """
    from fsl_mrs_dl.io.results import mrsi, svs  # here, because nibabel would slow down every --help

    write = svs.write_svs if outcome.single_voxel else mrsi.write_mrsi
    write(fit, fitted, outcome, staging)
