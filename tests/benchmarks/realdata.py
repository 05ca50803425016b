"""Where the measured files are that some tasks need; they are not part of the project."""

import os
from pathlib import Path

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis


def data_folder() -> Path:
    """Return $FSL_MRS_DL_TEST_DATA, or shared/data beside the checkout; it may not exist."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("FSL_MRS_DL_TEST_DATA", beside))


def in_vivo(*names: str) -> MRSData | None:
    """Return a NIfTI-MRS file below ``invivo``; None if it is absent."""
    path = data_folder().joinpath("invivo", *names)
    return nifti.read(path) if path.exists() else None


def challenge_folder() -> Path | None:
    """Return the basis set of the ISMRM 2016 fitting challenge as text files; None if it is absent."""
    folder = data_folder() / "ismrm2016_basis" / "basisset_text_noTMS"
    return folder if folder.is_dir() else None


def philips_basis() -> Basis | None:
    """Return a basis set of PRESS TE 35 that was simulated with the pulses of Philips; None if it is absent."""
    path = data_folder() / "invivo" / "press_3t" / "3T_PRESS_Philips_35ms_noMM.BASIS"
    return read_basis(path) if path.exists() else None
