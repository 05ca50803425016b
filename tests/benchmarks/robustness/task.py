"""The parts of the task, one after the other, and its page."""

import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.robustness.damaged_files import random_kills_table
from tests.benchmarks.robustness.full_disk import full_disk_table
from tests.benchmarks.robustness.kills import kill_table, prepare
from tests.benchmarks.robustness.scenarios import scenarios
from tests.benchmarks.table import Page

KILLS = {"smoke": 1, "small": None, "paper": None}
"""Of each command by each signal; None: one at each rename."""
DISKS = {"smoke": 1, "small": 13, "paper": 40}
RANDOM_KILLS = {"smoke": 0, "small": 20, "paper": 1000}
_METHOD = """\
`align` and `quantify` (one voxel, and four) replace the results of an earlier run, in a folder in which the user
keeps other files. At the end a command renames its finished files into this folder. At each of these renames it is
killed, interrupted (Ctrl-C) or stopped (SIGTERM). It also runs on full disks. Old and new results differ in
content, those of `quantify` also in some names, so that a mixture of both would show."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder, cases = Path(name), []
        for at, scenario in enumerate(scenarios(folder, rng)):
            (folder / f"case{at}").mkdir()
            cases.append(prepare(scenario, folder / f"case{at}"))
        tables = [
            kill_table(cases, KILLS[profile], folder),
            full_disk_table(cases, DISKS[profile], folder),
        ]
        if RANDOM_KILLS[profile]:
            tables.append(random_kills_table(RANDOM_KILLS[profile], folder, rng))
    return Page("Robustness", _METHOD, tables)
