"""Fixtures of the commands' tests."""

from pathlib import Path

import numpy as np
import pytest
import quantify_scans


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder with one voxel, eight voxels, their water, and a basis set."""
    return quantify_scans.write(tmp_path, rng)
