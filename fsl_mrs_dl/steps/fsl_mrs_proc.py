"""Run a step by FSL-MRS's own program ``fsl_mrs_proc``, where FSL-MRS is installed."""

import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError, MissingDependencyError, OptionError
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.registry import StepResult

PROGRAM = "fsl_mrs_proc"
STEPS = ("coilcombine", "ecc", "align", "average", "remove")
"""Steps that ``fsl_mrs_proc`` has under the same name."""
_ALONG = ("align", "average")
_COIL = "DIM_COIL"


def check_steps(names: tuple[str, ...]) -> None:
    """Refuse steps that FSL-MRS does not have, and any if it is not installed.

    Raises
    ------
    OptionError
        If a name is none of :data:`STEPS`.
    MissingDependencyError
        If ``fsl_mrs_proc`` is not in the search path.
    """
    for name in names:
        if name not in STEPS:
            raise OptionError(
                f"--fsl_mrs {name} is no step that FSL-MRS can take; it can take {', '.join(STEPS)}."
            )
    if names and shutil.which(PROGRAM) is None:
        raise MissingDependencyError(
            f"--fsl_mrs needs {PROGRAM}, which is not in the search path; install FSL-MRS by FSL's conda channel, "
            "or leave --fsl_mrs out."
        )


def run_theirs(name: str, data: MRSData, *, dim: str | None, reference: MRSData | None) -> StepResult:
    """Run a step by FSL-MRS, with its defaults.

    Parameters
    ----------
    name : str
        One of :data:`STEPS`.
    data : MRSData
    dim : str or None
        Dimension, for ``align`` and ``average``.
    reference : MRSData or None
        Water reference, for ``coilcombine`` and ``ecc``. FSL-MRS takes one FID a coil: transients are averaged.

    Raises
    ------
    DataError
        If the program fails.
    """
    from fsl_mrs_dl.io import nifti

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        nifti.write(data, folder / "data.nii.gz")
        words = ["--file", folder / "data.nii.gz", "--output", folder / "result", "--filename", "result"]
        if name in _ALONG and dim is not None:
            words += ["--dim", dim]
        if reference is not None:
            nifti.write(_averaged(reference), folder / "reference.nii.gz")
            words += ["--reference", folder / "reference.nii.gz"]
        done = subprocess.run(
            [PROGRAM, name, *map(str, words)], capture_output=True, text=True, errors="replace", check=False
        )
        written = folder / "result" / "result.nii.gz"
        if done.returncode or not written.is_file():
            lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            reason = lines[-1] if lines else f"status {done.returncode}, without a result"
            raise DataError(f"{PROGRAM} {name} failed: {reason.rstrip('.')}; leave {name} out of --fsl_mrs.")
        result = nifti.read(written)
    return StepResult(replace(result, name=data.name, sidecar=data.sidecar, notes=data.notes))


def _averaged(reference: MRSData) -> MRSData:
    for tag in [tag for tag in reference.dim_tags if tag != _COIL]:
        reference = average(reference, dim=tag).data
    return reference
