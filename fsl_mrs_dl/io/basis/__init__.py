"""Read basis sets in every usual format, and write FSL-MRS's. Only the readers know the signs of the formats."""

from collections.abc import Callable
from pathlib import Path

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.columns import read_text_basis
from fsl_mrs_dl.io.basis.entries import every_member
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

FORMATS = (
    "a folder of FSL-MRS's JSON files, LCModel .RAW files, jMRUI text files or NIfTI-MRS files, or an LCModel "
    ".BASIS file"
)


def read_basis(
    path: Path | str,
    is_used: Callable[[str], bool] = every_member,
    /,
    *,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
) -> Basis:
    """Read a basis set; the endings of its files decide the format.

    Parameters
    ----------
    path : Path or str
        A folder of JSON, ``.RAW``, ``.txt`` or NIfTI-MRS files, preferred in this order as in FSL-MRS, or a
        ``.BASIS`` or jMRUI ``.txt`` file.
    is_used : callable
        Name of a member in FSL-MRS's spelling -> whether it will be used; others may be damaged.
    dwelltime_s, spectrometer_frequency_mhz : float, optional
        In s and MHz, for formats without them (``.RAW``, plain text).

    Returns
    -------
    Basis
        As in the file; :func:`fsl_mrs_dl.physics.sound_basis` corrects common errors.

    Raises
    ------
    DataError
        If the file is missing, damaged, or of an unknown format.
    """
    path = Path(path)
    if path.is_dir():
        suffixes = {file.suffix.lower() for file in path.iterdir() if file.is_file()}
        if suffixes & {".nii", ".gz"} and _only_sidecars(path):
            return read_nifti_basis(path, is_used)
        if ".json" in suffixes:
            return read_json_basis(path, is_used)
        if ".raw" in suffixes:
            return read_lcmodel_raw(path, dwelltime_s, spectrometer_frequency_mhz, is_used)
        if ".txt" in suffixes:
            return read_text_basis(path, dwelltime_s, spectrometer_frequency_mhz, is_used)
        inside = [file.name for file in sorted(path.iterdir()) if file.suffix.lower() == ".basis"]
        if inside:
            raise DataError(f"{path} is a folder; name the file {inside[0]} in it.")
        raise DataError(f"{path} holds no basis set; needed is {FORMATS}.")
    if not path.exists():
        raise DataError(f"There is no {path}; needed is {FORMATS}. Check the name.")
    if path.suffix.lower() == ".basis":
        return read_lcmodel_basis(path, is_used)
    if path.suffix.lower() == ".txt":
        return read_text_basis(path, dwelltime_s, spectrometer_frequency_mhz, is_used)
    raise DataError(f"{path} is not a basis set that is known; needed is {FORMATS}.")


def _only_sidecars(folder: Path) -> bool:
    """Return whether every JSON file is the sidecar of a NIfTI file with the same name."""
    images = {file.name.removesuffix(".gz").removesuffix(".nii") for file in folder.glob("*.nii*")}
    return all(file.stem in images for file in folder.glob("*.json"))
