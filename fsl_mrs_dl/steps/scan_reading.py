"""Reading a raw scan, whether it is NIfTI-MRS or a scanner's own file."""

import tempfile
from pathlib import Path

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti

_ENDINGS = (".nii", ".nii.gz")


def read_scan(path: Path) -> tuple[MRSData, MRSData | None]:
    """Return a scan and, where the scanner's files hold one, its water reference.

    Parameters
    ----------
    path : Path
        NIfTI-MRS file, or what ``convert`` takes.

    Returns
    -------
    data : MRSData
    reference : MRSData or None

    Raises
    ------
    DataError
        If the file cannot be read, or holds a water reference alone.
    MissingDependencyError
        If it is a scanner's file and spec2nii is not installed.
    """
    if path.name.lower().endswith(_ENDINGS) or not path.exists():
        return nifti.read(path), None
    from fsl_mrs_dl.steps.convert import converted
    from fsl_mrs_dl.steps.scan_summary import of_one_scan

    with tempfile.TemporaryDirectory() as folder:
        _, scans = converted((path,), Path(folder))
    pairs = of_one_scan(scans)
    if len(pairs) != 1:
        found = "no scan besides a water reference" if not pairs else f"{len(pairs)} scans"
        raise DataError(
            f"{path.name} holds {found}; one is needed. Convert it (fsl_mrs_dl convert) and choose from the files."
        )
    scan, reference = pairs[0]
    return scan.data, None if reference is None else reference.data
