"""The parts of the task, one after the other, and its page."""

import tempfile
from pathlib import Path

import numpy as np

from fsl_mrs_dl.benchmark.robustness.damaged_basis import METHOD as BASIS_METHOD
from fsl_mrs_dl.benchmark.robustness.damaged_basis import damaged_basis_table
from fsl_mrs_dl.benchmark.robustness.damaged_files import METHOD, damaged_table, random_kills_table
from fsl_mrs_dl.benchmark.robustness.foreign_inputs import METHOD as FOREIGN_METHOD
from fsl_mrs_dl.benchmark.robustness.foreign_inputs import foreign_table
from fsl_mrs_dl.benchmark.robustness.full_disk import full_disk_table
from fsl_mrs_dl.benchmark.robustness.fuzz import METHOD as FUZZ_METHOD
from fsl_mrs_dl.benchmark.robustness.fuzz import fuzz_table
from fsl_mrs_dl.benchmark.robustness.kills import kill_table, prepare
from fsl_mrs_dl.benchmark.robustness.scenarios import scenarios
from fsl_mrs_dl.benchmark.table import Page

BASIS_SETS = {"smoke": 16, "small": 400, "paper": 4000}
FOREIGN = {"smoke": 30, "small": 500, "paper": 5000}
FILES = {"smoke": 54, "small": 1008, "paper": 10_008}
RANDOM_KILLS = {"smoke": 0, "small": 20, "paper": 100}
KILLS = {"smoke": 1, "small": None, "paper": None}
"""Of each command by each signal; None: one at each rename."""
DISKS = {"smoke": 1, "small": 13, "paper": 40}
SPOILED = {"smoke": 3, "small": 400, "paper": 5000}
"""Inputs of each other kind."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~fsl_mrs_dl.benchmark.table.Task`."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = [
            damaged_table(FILES[profile], folder, rng),
            damaged_basis_table(BASIS_SETS[profile], folder, np.random.default_rng(seed + 1)),
            foreign_table(FOREIGN[profile], folder, np.random.default_rng(seed + 2)),
        ]
        spoiled, found = fuzz_table(SPOILED[profile], folder, rng)
        tables.append(spoiled)
        cases = []
        for at, scenario in enumerate(scenarios(folder, rng)):
            (folder / f"case{at}").mkdir()
            cases.append(prepare(scenario, folder / f"case{at}"))
        tables.append(kill_table(cases, KILLS[profile], folder))
        tables.append(full_disk_table(cases, DISKS[profile], folder))
        if RANDOM_KILLS[profile]:
            tables.append(random_kills_table(RANDOM_KILLS[profile], folder, rng))
    remarks = "\n".join(f"- {line}" for line in found)
    return Page(
        "Robustness", f"{METHOD}\n\n{BASIS_METHOD}\n\n{FOREIGN_METHOD}\n\n{FUZZ_METHOD}", tables, remarks
    )
