"""Commands that replace the results of an earlier run, and what stands in their folder afterwards."""

import contextlib
import hashlib
import io
import logging
import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.io.signals import ENDING
from fsl_mrs_dl.simulate import (
    Fixed,
    Noise,
    Prior,
    Uniform,
    brain_amplitudes,
    brain_singlets,
    simulate_transients,
)
from fsl_mrs_dl.steps.command import run
from fsl_mrs_dl.steps.registry import steps

MINE = "mine.txt"
"""A file of the user's in every folder of the results."""
_LONGEST_S = 120  # a command that runs longer hangs
_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ = 256, 5e-4, 127.7  # short FIDs, for speed; 3 T
_FIT = ("--TE", "30", "--TR", "2", "--baseline", "poly, 2", "--no_posterior")


@dataclass(frozen=True)
class Scenario:
    """A command that replaces what an earlier one wrote.

    Attributes
    ----------
    name : str
    old, new : tuple of str
        Arguments of the earlier command and of the one that replaces its results; without the folder.
    """

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    def line(self, folder: Path, *, new: bool) -> list[str]:
        """Return the arguments of the program."""
        return [*(self.new if new else self.old), "--output", str(folder), "--overwrite"]


def run_step(line: Sequence[str]) -> int:
    """Run a step with its arguments as the program does, and return the exit status."""
    return run(steps()[line[0]], line[1:])


def scenarios(folder: Path, rng: np.random.Generator) -> list[Scenario]:
    """Write the inputs of ``align``, and of ``quantify`` for one voxel and for four; return the commands.

    Old and new results differ in every file; of ``quantify`` also in the names of some.
    """
    singlets = brain_singlets(_FREQUENCY_MHZ, _DWELLTIME_S, _POINTS)
    prior = Prior(
        amplitudes=brain_amplitudes(singlets.names),
        noise=Noise(Fixed(30.0), "snr_t0"),
        shift_hz=Uniform(-3, 3),
    )
    sampling = (_POINTS, _DWELLTIME_S, _FREQUENCY_MHZ)
    write_json_basis(singlets, folder / "basis")
    drawn = [simulate_transients(prior, singlets, None, *sampling, rng).data for _ in range(4)]
    nifti.write(drawn[0], folder / "svs.nii.gz")
    voxels = np.concatenate([one.fid for one in drawn]).reshape(2, 2, 1, _POINTS)
    nifti.write(replace(drawn[0], fid=voxels), folder / "mrsi.nii.gz")
    nifti.write(simulate_transients(prior, singlets, 4, *sampling, rng).data, folder / "transients.nii.gz")
    align = ("align", "--file", str(folder / "transients.nii.gz"), "--filename", "x")

    def fit(name: str, *more: str) -> tuple[str, ...]:
        data, basis = str(folder / f"{name}.nii.gz"), str(folder / "basis")
        return ("quantify", "--data", data, "--basis", basis, *_FIT, *more)

    few = ("--keep", "NAA", "Cr", "PCr")
    return [
        Scenario("align", (*align, "--method", "corr"), (*align, "--method", "gn")),
        Scenario("quantify, one voxel", fit("svs", "--report"), fit("svs", *few)),
        Scenario("quantify, four voxels", fit("mrsi", "--keep", "NAA", "PCh", "Cr"), fit("mrsi", *few)),
    ]


def standing(folder: Path) -> dict[str, str]:
    """Return the files in a folder with the checksums of their contents; temporary ones are left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = {str(path.relative_to(folder)): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in names.items() if name[0] != "."
    }


def left_behind(folder: Path) -> list[Path]:
    """Return the temporary files and folders in a folder."""
    return sorted(folder.glob(".fsl_mrs_dl*"))


def state(files: Mapping[str, str], old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return whether files are those of the earlier run, of the one that replaces it, or a mixture.

    Parameters
    ----------
    results : mapping of str to str
        From :func:`standing`.
    old : mapping of str to str
        The same before the run.
    new : mapping of str to str
        The same after the same run another time; what holds the time of day differs from run to run.

    Returns
    -------
    {"old", "new", "mixture"}
    """
    if files == old:
        return "old"
    for name, digest in files.items():
        if name not in new or (old.get(name) == digest and new[name] != digest):
            return "mixture"
        if name.endswith(MINE) and old.get(name) != digest:
            return "mixture"
    return "new" if len(files) == len(new) else "mixture"


@dataclass(frozen=True)
class Ended:
    """How a command in a process of its own ended: its status (minus the signal that killed it), and stderr."""

    status: int
    stderr: str

    @property
    def own_lines(self) -> list[str]:
        """The lines of the program itself, without remarks on the spectra."""
        return [line for line in self.stderr.splitlines() if line.startswith("fsl_mrs_dl ")]


def forked(work: Callable[[], int], folder: Path) -> Ended:
    """Do some work in a copy of this process, and wait for its end.

    Parameters
    ----------
    work : callable
        Returns the exit status.
    folder : Path
        For its standard error.
    """
    stderr = folder / "stderr.txt"
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of forks beside threads: none of ours holds a lock
        child = os.fork()
    if not child:
        status = 1
        logging.getLogger().handlers.clear()  # they write to the standard error of the process before
        for number in ENDING:  # nothing of this process is to be cleaned up in the copy
            signal.signal(number, signal.SIG_DFL)
        try:
            with (
                stderr.open("w") as handle,
                contextlib.redirect_stderr(handle),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                status = work()
        finally:
            os._exit(status)
    ends = time.monotonic() + _LONGEST_S
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Ended(-signal.SIGALRM, "hang")
        time.sleep(0.002)
    return Ended(os.waitstatus_to_exitcode(done[1]), stderr.read_text(encoding="utf-8"))


@contextlib.contextmanager
def put(module: object, name: str, value: object) -> Iterator[None]:
    """Have another value in place of one of a module's."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
