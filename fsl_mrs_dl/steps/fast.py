"""Run FSL's BET and FAST on a T1-weighted image, where FSL is installed."""

import os
import shutil
import subprocess
from pathlib import Path

from fsl_mrs_dl.errors import DataError, MissingDependencyError

_BRAIN = "brain"


def tissue_maps(t1: Path, folder: Path) -> tuple[Path, Path, Path]:
    """Return the probability maps WM, GM and CSF of a T1-weighted image.

    The brain is cut out by BET (Smith 2002, doi:10.1002/hbm.10062) and segmented by FAST (Zhang et al. 2001,
    doi:10.1109/42.906424), both with their defaults.

    Parameters
    ----------
    t1 : Path
    folder : Path
        Where the programs write.

    Raises
    ------
    MissingDependencyError
        If FSL is not installed.
    DataError
        If a program fails.
    """
    bet, fast = _program("bet"), _program("fast")
    brain = folder / f"{_BRAIN}.nii.gz"
    _run([bet, str(t1.absolute()), str(brain)], brain)
    maps = [folder / f"{_BRAIN}_pve_{n}.nii.gz" for n in range(3)]
    _run([fast, "-o", str(folder / _BRAIN), str(brain)], *maps)
    csf, grey, white = maps  # in the order of brightness in a T1-weighted image
    return white, grey, csf


def _program(name: str) -> str:
    """Return the path of a program of FSL: of $FSLDIR, or else on the path."""
    own = Path(os.environ.get("FSLDIR", "")) / "bin" / name
    program = shutil.which(str(own)) if "FSLDIR" in os.environ else None
    program = program or shutil.which(name)
    if program is None:
        raise MissingDependencyError(
            f"--run_fast needs {name} of FSL, which is neither in $FSLDIR/bin nor on the path. Segment the image "
            "with another program (SPM, FreeSurfer, SynthSeg), and give its images to --tissue."
        )
    return program


def _run(command: list[str], *results: Path) -> None:
    """Run a program; refuse if it fails, or does not write its results."""
    environment = {**os.environ, "FSLOUTPUTTYPE": "NIFTI_GZ"}
    ran = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=environment
    )
    absent = [path.name for path in results if not path.exists()]
    if ran.returncode or absent:
        lines = [line.strip() for line in (ran.stderr or ran.stdout).splitlines() if line.strip()]
        reason = (
            lines[-1] if lines else f"status {ran.returncode}, without {', '.join(absent) or 'a message'}"
        )
        raise DataError(f"{Path(command[0]).name} of FSL failed: {reason.rstrip('.')}.")
