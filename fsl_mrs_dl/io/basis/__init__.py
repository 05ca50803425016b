"""Basis sets: read in every usual format, written in FSL-MRS's. Only the readers know the sign of their format."""

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
    wanted: Callable[[str], bool] = every_member,
    /,
    *,
    dwelltime_s: float | None = None,
    spectrometer_frequency_mhz: float | None = None,
) -> Basis:
    """Read a basis set of any format, told by the names of its files.

    Parameters
    ----------
    path : Path or str
        A folder of JSON, ``.RAW``, ``.txt`` or NIfTI-MRS files, in this order of preference as FSL-MRS takes
        them, or a ``.BASIS`` or jMRUI ``.txt`` file.
    wanted : callable
        Whether a member is going to be used, by its name in FSL-MRS's spelling; others may be damaged.
    dwelltime_s, spectrometer_frequency_mhz : float, optional
        In s and MHz, for formats that do not say them (``.RAW``, plain text).

    Returns
    -------
    Basis
        As the file says it; see :func:`fsl_mrs_dl.physics.sound_basis` for what files get wrong.

    Raises
    ------
    DataError
        If there is no such file, the format is not known, or the file is damaged.
    """
    path = Path(path)
    if path.is_dir():
        suffixes = {file.suffix.lower() for file in path.iterdir() if file.is_file()}
        if suffixes & {".nii", ".gz"} and _only_sidecars(path):
            return read_nifti_basis(path, wanted)
        if ".json" in suffixes:
            return read_json_basis(path, wanted)
        if ".raw" in suffixes:
            return read_lcmodel_raw(path, dwelltime_s, spectrometer_frequency_mhz, wanted)
        if ".txt" in suffixes:
            return read_text_basis(path, dwelltime_s, spectrometer_frequency_mhz, wanted)
        inside = [file.name for file in sorted(path.iterdir()) if file.suffix.lower() == ".basis"]
        if inside:
            raise DataError(f"{path} is a folder; name the file {inside[0]} in it.")
        raise DataError(f"{path} holds no basis set; needed is {FORMATS}.")
    if not path.exists():
        raise DataError(f"There is no {path}; needed is {FORMATS}. Check the name.")
    if path.suffix.lower() == ".basis":
        return read_lcmodel_basis(path, wanted)
    if path.suffix.lower() == ".txt":
        return read_text_basis(path, dwelltime_s, spectrometer_frequency_mhz, wanted)
    raise DataError(f"{path} is not a basis set that is known; needed is {FORMATS}.")


def _only_sidecars(folder: Path) -> bool:
    """Return whether every JSON file stands beside a NIfTI file of its name, and so is no basis file."""
    images = {file.name.removesuffix(".gz").removesuffix(".nii") for file in folder.glob("*.nii*")}
    return all(file.stem in images for file in folder.glob("*.json"))
