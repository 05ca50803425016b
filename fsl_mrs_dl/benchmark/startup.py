"""Task ``startup``: how long the program takes from its start, as a whole process."""

import statistics
import subprocess
import sys
import time

from fsl_mrs_dl.benchmark.table import Page, Table

REPEATS = {"smoke": 3, "small": 20, "paper": 100}
COMMANDS = (("--help",), ("align", "--help"), ("--version",))


def run(profile: str, seed: int) -> Page:
    """Run the task.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    seed : int
        Nothing is random here.

    Returns
    -------
    Page
    """
    rows = []
    for command in COMMANDS:
        seconds = [_time(command) for _ in range(REPEATS[profile] + 1)][1:]
        rows.append(
            [
                f"`fsl_mrs_dl {' '.join(command)}`",
                f"{min(seconds):.2f}",
                f"{statistics.median(seconds):.2f}",
                f"{max(seconds):.2f}",
                str(len(seconds)),
            ]
        )
    table = Table(
        "Wall time of the whole process, in s, after one run to warm.",
        ["command", "min", "median", "max", "n"],
        rows,
    )
    return Page("Start-up", "Each command is run as a process of its own.", [table])


def _time(command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fsl_mrs_dl", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
