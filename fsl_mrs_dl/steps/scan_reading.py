"""Read a raw scan: NIfTI-MRS, or a scanner's own file."""

import tempfile
from pathlib import Path

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti

_ENDINGS = (".nii", ".nii.gz")


def read_scan(path: Path) -> tuple[MRSData, MRSData | None]:
    """Read a scan and, if the scanner's files have one, its water reference.

    Parameters
    ----------
    path : Path
        NIfTI-MRS file, or a file of a scanner for ``convert``.

    Returns
    -------
    data : MRSData
    reference : MRSData or None

    Raises
    ------
    DataError
        If the file cannot be read, or has a water reference only.
    MissingDependencyError
        If it is a scanner's file and spec2nii is not installed.
    """
    if path.name.lower().endswith(_ENDINGS) or not path.exists():
        return nifti.read(path), None
    from fsl_mrs_dl.steps.convert import convert_files
    from fsl_mrs_dl.steps.scan_summary import paired_references

    with tempfile.TemporaryDirectory() as folder:
        _, scans = convert_files((path,), Path(folder))
    pairs = paired_references(scans)
    if len(pairs) != 1:
        count = "no scan besides a water reference" if not pairs else f"{len(pairs)} scans"
        raise DataError(
            f"{path.name} holds {count}; one is needed. Convert it (fsl_mrs_dl convert) and choose from the files."
        )
    scan, reference = pairs[0]
    return scan.data, None if reference is None else reference.data
