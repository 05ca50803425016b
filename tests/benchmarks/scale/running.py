"""Run commands, watch memory and processor time of all their processes, and kill them."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

_POLL_S = 0.1
"""Time between two looks at the processes, in s; the processor time of their last 0.1 s is lost."""


@dataclass(frozen=True)
class Ran:
    """A command that ran.

    Attributes
    ----------
    seconds : float
        Wall time.
    peak_gb : float
        Largest memory of all its processes together, in GB.
    processor_s : float
        Processor time of all its processes, in s.
    longest_s : float
        Processor time that no further core can shorten, in s: of the process with the most, and of those that
        prepare and collect its work.
    killed : bool
    """

    seconds: float
    peak_gb: float
    processor_s: float
    longest_s: float
    killed: bool = False


class CommandError(Exception):
    """A command that ended with an error; says the last line that it printed."""


def command(*words: object) -> list[str]:
    """Return a command of the program."""
    return [sys.executable, "-m", "fsl_mrs_dl", *map(str, words)]


def parallel(n: int) -> list[str]:
    """Return the options for so many processes."""
    return [] if n == 1 else ["--parallel", "local", "--parallel-workers", str(n)]


def ran(line: Sequence[str], limit_s: float | None = None, fails: bool = False) -> Ran:
    """Run a command and watch its processes.

    Parameters
    ----------
    line : sequence of str
    limit_s : float, optional
        Wall time after which it and all it started are killed with SIGKILL.
    fails : bool
        Whether it may fail.

    Raises
    ------
    CommandError
        If it does and may not.
    """
    import psutil

    started, peak, times = time.perf_counter(), 0, {}
    messages = tempfile.TemporaryFile()  # noqa: SIM115 - open while the process runs
    process = psutil.Popen(line, stdout=subprocess.DEVNULL, stderr=messages)
    killed = False
    while process.poll() is None:
        family = [process]
        try:
            family += process.children(recursive=True)
            memory = 0
            for one in family:
                memory += one.memory_info().rss
                used = one.cpu_times()
                times[one.pid] = used.user + used.system
            peak = max(peak, memory)
            if limit_s is not None and time.perf_counter() - started > limit_s:
                killed = True
                for one in family:
                    one.kill()
        except psutil.NoSuchProcess:
            continue
        time.sleep(_POLL_S)
    with messages:
        messages.seek(0)
        words = messages.read().decode(errors="replace").strip().splitlines() or ["no reason"]
    if process.returncode and not killed and not fails:
        raise CommandError(f"it ended with status {process.returncode}: {words[-1]}")
    main, others = times.get(process.pid, 0.0), [v for pid, v in times.items() if pid != process.pid]
    many = sorted(others)[-2:]  # those that compute; the others start them and track their files
    longest = main + sum(others) - sum(many) + max(many, default=0.0)
    return Ran(time.perf_counter() - started, peak / 1e9, main + sum(others), longest, killed)


def kills(line: Sequence[str], moments_s: Sequence[float], done: Callable[[], bool]) -> int:
    """Kill a command at each of these moments after its start, until its results are there; count the kills."""
    count = 0
    for moment in moments_s:
        if done():
            break
        count += ran(line, limit_s=moment, fails=True).killed
    return count


def same_maps(one: Path, other: Path) -> str:
    """Return how many images of two folders hold the same bytes, and of how many."""
    names = sorted(path.relative_to(one) for path in one.rglob("*.nii*"))
    same = [
        np.asarray(nib.load(one / name).dataobj).tobytes()
        == np.asarray(nib.load(other / name).dataobj).tobytes()
        for name in names
    ]
    return f"{sum(same)} of {len(names)} maps"
