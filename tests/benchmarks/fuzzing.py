"""Task ``fuzzing``: spoiled inputs of every kind in, plain words out."""

import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.robustness.damaged_basis import METHOD as BASIS_METHOD
from tests.benchmarks.robustness.damaged_basis import damaged_basis_table
from tests.benchmarks.robustness.damaged_files import METHOD, damaged_table
from tests.benchmarks.robustness.foreign_inputs import METHOD as FOREIGN_METHOD
from tests.benchmarks.robustness.foreign_inputs import foreign_table
from tests.benchmarks.robustness.fuzz import METHOD as FUZZ_METHOD
from tests.benchmarks.robustness.fuzz import fuzz_table
from tests.benchmarks.table import Page

FILES = {"smoke": 54, "small": 1008, "paper": 10_008}
BASIS_SETS = {"smoke": 16, "small": 400, "paper": 4000}
FOREIGN = {"smoke": 30, "small": 500, "paper": 5000}
SPOILED = {"smoke": 3, "small": 400, "paper": 5000}
"""Inputs of each other kind."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = damaged_table(FILES[profile], folder, rng)
        basis_sets = damaged_basis_table(BASIS_SETS[profile], folder, np.random.default_rng(seed + 1))
        foreign = foreign_table(FOREIGN[profile], folder, np.random.default_rng(seed + 2))
        others, results = fuzz_table(SPOILED[profile], folder, rng)
    remarks = "\n".join(f"- {line}" for line in results)
    method = f"{METHOD}\n\n{BASIS_METHOD}\n\n{FOREIGN_METHOD}\n\n{FUZZ_METHOD}"
    return Page("Fuzzing", method, [files, basis_sets, foreign, others], remarks)
