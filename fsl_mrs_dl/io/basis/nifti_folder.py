"""Read basis sets as a folder of NIfTI-MRS files: one for each metabolite, named as the file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fsl_mrs_dl.data import NUCLEI, Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.entries import Entry, assemble_basis, every_member


def read_nifti_basis(folder: Path | str, is_used: Callable[[str], bool] = every_member) -> Basis:
    """Read a folder of NIfTI-MRS files, one FID each.

    Parameters
    ----------
    folder : Path or str
    is_used : callable
        See :func:`~fsl_mrs_dl.io.basis.read_basis`.

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
        axes = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.nucleus)
        usual = NUCLEI[data.nucleus].reference_ppm if data.nucleus in NUCLEI else 0.0
        centre = None if data.reference_ppm == usual else data.reference_ppm
        entries.append(Entry(str(path), name, fid, *axes, *_acquisition(data.header), centre_ppm=centre))
    if not entries:
        raise DataError(f"{folder} holds no NIfTI-MRS files; needed is one a metabolite.")
    return assemble_basis(entries, folder.name, "NIfTI-MRS", is_used=is_used)


def _acquisition(header: Mapping[str, Any]) -> tuple[float | None, str]:
    """Return echo time in s and sequence from the keys of the standard."""
    time_s = header.get("EchoTime")
    known = isinstance(time_s, (int, float)) and not isinstance(time_s, bool)
    sequence = header.get("SequenceName") or header.get("ProtocolName")
    return time_s if known else None, sequence if isinstance(sequence, str) else ""
