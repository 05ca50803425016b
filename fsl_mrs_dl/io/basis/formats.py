"""The formats of basis sets: one table, in the order in which a folder is tried, and the reader of all."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis.columns import read_text_basis
from fsl_mrs_dl.io.basis.entries import every_member
from fsl_mrs_dl.io.basis.fsl_json import read_json_basis
from fsl_mrs_dl.io.basis.lcmodel import read_lcmodel_basis, read_lcmodel_raw
from fsl_mrs_dl.io.basis.nifti_folder import read_nifti_basis


@dataclass(frozen=True)
class BasisFormat:
    """A format, and the endings of its files by which it is recognised.

    Attributes
    ----------
    words : str
        Its files, for messages.
    suffixes : tuple of str
        In lower case, with the dot.
    read : callable
        ``read(path, is_used) -> Basis``; where the sampling is not in the files,
        ``read(path, dwelltime_s, spectrometer_frequency_mhz, is_used) -> Basis``.
    folder : bool
        Whether a folder holds the set, one file a metabolite.
    file : bool
        Whether one file can hold the set.
    sampled : bool
        Whether the files state dwell time and field.
    alone : callable, optional
        ``folder -> bool``: a further condition on a folder.
    """

    words: str
    suffixes: tuple[str, ...]
    read: Callable[..., Basis]
    folder: bool = True
    file: bool = False
    sampled: bool = True
    alone: Callable[[Path], bool] | None = None

    def is_of(self, path: Path, suffixes: set[str]) -> bool:
        """Return whether a path is of this format; for a folder by the endings of the files in it."""
        if not path.is_dir():
            return self.file and path.suffix.lower() in self.suffixes
        return (
            self.folder and bool(suffixes & set(self.suffixes)) and (self.alone is None or self.alone(path))
        )


def _only_sidecars(folder: Path) -> bool:
    """Return whether every JSON file is the sidecar of a NIfTI file with the same name."""
    images = {file.name.removesuffix(".gz").removesuffix(".nii") for file in folder.glob("*.nii*")}
    return all(file.stem in images for file in folder.glob("*.json"))


FORMATS = (
    BasisFormat("NIfTI-MRS files", (".nii", ".gz"), read_nifti_basis, alone=_only_sidecars),
    BasisFormat("FSL-MRS's JSON files", (".json",), read_json_basis),
    BasisFormat("LCModel .RAW files", (".raw",), read_lcmodel_raw, sampled=False),
    BasisFormat("jMRUI text files", (".txt",), read_text_basis, file=True, sampled=False),
    BasisFormat("LCModel .BASIS file", (".basis",), read_lcmodel_basis, folder=False, file=True),
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
        A folder or a file of one of :data:`FORMATS`, which are tried in this order, as in FSL-MRS.
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
    if not path.exists():
        raise DataError(f"There is no {path}; needed is {_needed()}. Check the name.")
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else []
    suffixes = {file.suffix.lower() for file in files}
    for one in FORMATS:
        if one.is_of(path, suffixes):
            sampling: tuple[Any, ...] = () if one.sampled else (dwelltime_s, spectrometer_frequency_mhz)
            return one.read(path, *sampling, is_used)
    if not path.is_dir():
        raise DataError(f"{path} is not a basis set of a known format; needed is {_needed()}.")
    whole = {suffix for one in FORMATS if one.file for suffix in one.suffixes}
    if inside := [file.name for file in files if file.suffix.lower() in whole]:
        raise DataError(f"{path} is a folder; name the file {inside[0]} in it.")
    raise DataError(f"{path} holds no basis set; needed is {_needed()}.")


def _needed() -> str:
    """Return the formats in words."""
    *most, last = (one.words for one in FORMATS if one.folder)
    files = " or ".join(one.words for one in FORMATS if not one.folder)
    return f"a folder of {', '.join(most)} or {last}; or one file: {files}"
