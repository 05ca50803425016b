"""Which worlds there are: one factor at a time about a centre, and combinations of all of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fsl_mrs_dl.physics.macromolecules import MM_SETS
from tests.benchmarks.worlds.broad import NONE
from tests.benchmarks.worlds.lineshapes import LINESHAPES, WIDE
from tests.benchmarks.worlds.spins import SOURCES
from tests.benchmarks.worlds.world import FIRST_POINTS, World

CENTRE = World("centre")
LOW_SNR_F = (15.0, 30.0)  # range, as of MRSI
COMBINATIONS, _COMBINED_SEED = (
    8,
    26,
)  # worlds that depart in several ways at once, and the seed of their choice
_SMOKE = ("centre", "MM birch_2017", "shim")


def worlds(profile: str) -> list[World]:
    """Return the worlds of a profile: three for ``smoke``, all else.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    """
    every = [CENTRE, *_one_factor(), *_combined()]
    return [world for world in every if world.name in _SMOKE] if profile == "smoke" else every


def _one_factor() -> list[World]:
    """Return worlds that differ from the centre in one factor."""
    tables = [name for name in (*MM_SETS, NONE) if name != CENTRE.mm]
    return [
        *(replace(CENTRE, name=f"MM {name}", mm=name) for name in tables),
        *(replace(CENTRE, name=kind, lineshape=kind) for kind in LINESHAPES if kind != CENTRE.lineshape),
        *(replace(CENTRE, name=f"spins {name}", spins=name) for name in SOURCES if name != CENTRE.spins),
        replace(CENTRE, name="own shifts", own_shifts=True),
        replace(CENTRE, name="lipid", lipid=True),
        replace(CENTRE, name="water", water=True),
        replace(CENTRE, name="ripple", ripple=True),
        *(replace(CENTRE, name=f"first points {kind}", first_points=kind) for kind in FIRST_POINTS[1:]),
        replace(CENTRE, name="low SNR", snr_f=LOW_SNR_F),
    ]


def _combined() -> list[World]:
    """Return worlds whose every factor is drawn, each level about as often; always the same ones."""
    rng = np.random.default_rng(_COMBINED_SEED)
    levels: dict[str, Sequence[Any]] = {
        "spins": [name for name, source in SOURCES.items() if source.recipe is None],
        "mm": [name for name in MM_SETS if name != CENTRE.mm],
        "lineshape": [kind for kind in LINESHAPES if kind != WIDE],
        "own_shifts": (False, True),
        "lipid": (False, True),
        "water": (False, True),
        "ripple": (False, True),
        "first_points": FIRST_POINTS,
    }
    drawn = {
        factor: rng.permutation([k % len(values) for k in range(COMBINATIONS)])
        for factor, values in levels.items()
    }
    return [
        World(f"combination {k + 1}", **{factor: levels[factor][drawn[factor][k]] for factor in levels})
        for k in range(COMBINATIONS)
    ]
