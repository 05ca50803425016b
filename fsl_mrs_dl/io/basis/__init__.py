"""Read basis sets in every usual format, and write FSL-MRS's. Only the readers know the signs of the formats."""

from fsl_mrs_dl.io.basis.columns import read_text_basis
from fsl_mrs_dl.io.basis.formats import read_basis
from fsl_mrs_dl.io.basis.fsl_json import read_json_basis, write_json_basis
from fsl_mrs_dl.io.basis.lcmodel import read_lcmodel_basis, read_lcmodel_raw
from fsl_mrs_dl.io.basis.names import ALIASES, canonical_name, check_names, nearest_names
from fsl_mrs_dl.io.basis.nifti_folder import read_nifti_basis

__all__ = [
    "ALIASES",
    "canonical_name",
    "check_names",
    "nearest_names",
    "read_basis",
    "read_json_basis",
    "read_lcmodel_basis",
    "read_lcmodel_raw",
    "read_nifti_basis",
    "read_text_basis",
    "write_json_basis",
]
