"""Every setting on the same spectra of every world."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl import fslmrs
from tests.benchmarks.worlds.judged import SettingScore, score
from tests.benchmarks.worlds.settings import RIVALS, SETTINGS, by_fsl_mrs, by_quantify
from tests.benchmarks.worlds.world import World, make

Scores = dict[str, dict[str, SettingScore]]
"""World -> setting -> score; a world that could not be made has none."""


def scores(
    worlds: Sequence[World],
    n: int,
    seed: int,
    settings: Mapping[str, Mapping[str, Any]] = SETTINGS,
    rival: int = 0,
) -> Scores:
    """Return the scores of settings in worlds, all on the same spectra.

    Parameters
    ----------
    worlds : sequence of World
    n : int
        Spectra a world.
    seed : int
    settings : mapping
        Name -> keyword arguments of ``quantify``.
    rival : int
        How many of the spectra are fitted by FSL-MRS, where it is installed.

    Returns
    -------
    dict
    """
    scores_by_world: Scores = {}
    for world in tqdm(worlds, desc="worlds", leave=False, disable=None):
        scores_by_world[world.name] = {}
        if not world.there():
            continue
        simulated = make(world, n, np.random.default_rng([seed, *world.name.encode()]))
        for name, options in settings.items():
            ratios = by_quantify(simulated.data, simulated.fitted, options, without_mm=world.mm)
            scores_by_world[world.name][name] = score(ratios, simulated.truth, simulated.creatine)
        if not fslmrs.available():
            continue
        first = simulated.data.with_fid(simulated.data.fid[:rival])
        truth = {name: amount[:rival] for name, amount in simulated.truth.items()}
        for name, baseline in RIVALS.items():
            if rival:
                scores_by_world[world.name][name] = score(
                    by_fsl_mrs(first, simulated.fitted, baseline), truth, simulated.creatine[:rival]
                )
    return scores_by_world
