"""From a model package to new FIDs of the kind of some data; PyTorch is imported when it is needed."""

from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.steps.transient_sets import TransientSets


def transients_like(
    sets: TransientSets,
    n: int,
    model: str,
    *,
    mode: str,
    noiseless: bool,
    allow_mismatch: bool,
    rng: np.random.Generator,
) -> tuple[Complex, dict[str, Any]]:
    """Return ``n`` new FIDs a set, (set, n, coil, time), and what was settled, for the record."""
    raise ModelError(f"--model {model} is no package that augment can use.")
