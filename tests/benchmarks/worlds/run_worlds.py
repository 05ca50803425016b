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
    found: Scores = {}
    for world in tqdm(worlds, desc="worlds", leave=False, disable=None):
        found[world.name] = {}
        if not world.there():
            continue
        made = make(world, n, np.random.default_rng([seed, *world.name.encode()]))
        for name, options in settings.items():
            ratios = by_quantify(made.data, made.fitted, options, without_mm=world.mm)
            found[world.name][name] = score(ratios, made.truth)
        if not fslmrs.available():
            continue
        first = made.data.with_fid(made.data.fid[:rival])
        truth = {name: amount[:rival] for name, amount in made.truth.items()}
        for name, baseline in RIVALS.items():
            if rival:
                found[world.name][name] = score(by_fsl_mrs(first, made.fitted, baseline), truth)
    return found
