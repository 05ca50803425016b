"""Task ``startup``: how long the program takes from its start, as a whole process."""

import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.table import Page, Table

REPEATS = {"smoke": 3, "small": 20, "paper": 100}
COMMANDS = (("--help",), ("align", "--help"), ("--version",))


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make = ["simulate", "--kind", "svs", "--filename", "svs", "--output", folder, "--seed", str(seed)]
        _time((*make, "--basis", "press_3t_te30"))
        data, out = f"{folder}/svs.nii.gz", f"{folder}/fit"
        fit = ("quantify", "--data", data, "--basis", "press_3t_te30", "--output", out, "--overwrite")
        timed: list[tuple[str, tuple[str, ...]]] = [(" ".join(command), command) for command in COMMANDS]
        timed += [("quantify (one spectrum)", fit), ("quantify --report (one spectrum)", (*fit, "--report"))]
        for text, command in timed:
            seconds = [_time(command) for _ in range(REPEATS[profile] + 1)][1:]
            rows.append(_row(text, seconds))
    table = Table(
        "Wall time of the whole process, in s, after one run to warm.",
        ["command", "min", "median", "max", "n"],
        rows,
    )
    return Page("Start-up", "Each command is run as a process of its own.", [table])


def _row(text: str, seconds: list[float]) -> list[str]:
    middle = statistics.median(seconds)
    return [
        f"`fsl_mrs_dl {text}`",
        f"{min(seconds):.2f}",
        f"{middle:.2f}",
        f"{max(seconds):.2f}",
        str(len(seconds)),
    ]


def _time(command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fsl_mrs_dl", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
