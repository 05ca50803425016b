"""Basis sets as a folder of NIfTI-MRS files: one a metabolite, called as the file."""

from pathlib import Path

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.entries import Entry, put_together


def read_nifti_basis(folder: Path | str) -> Basis:
    """Read a folder of NIfTI-MRS files, one FID each.

    Parameters
    ----------
    folder : Path or str

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If a file is not NIfTI-MRS, or holds more than one FID.
    """
    from fsl_mrs_dl.io.nifti import read  # heavy, and only needed for this format

    folder = Path(folder)
    entries = []
    for path in sorted((*folder.glob("*.nii"), *folder.glob("*.nii.gz"))):
        data = read(path)
        if data.fid.size != data.n_points:
            raise DataError(f"{path} has shape {data.fid.shape}; one FID a metabolite is needed.")
        name = path.name.removesuffix(".gz").removesuffix(".nii")
        fid = data.fid.ravel().astype("complex128")
        entries.append(
            Entry(str(path), name, fid, data.dwelltime_s, data.spectrometer_frequency_mhz, data.nucleus)
        )
    if not entries:
        raise DataError(f"{folder} holds no NIfTI-MRS files; needed is one a metabolite.")
    return put_together(entries, folder.name, "NIfTI-MRS")
