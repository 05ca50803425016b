"""The tables of the page on worlds."""

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.table import NOT_RUN, Table
from tests.benchmarks.worlds.judged import BIASED, LIKELIHOOD, MEAN, SettingScore
from tests.benchmarks.worlds.run_worlds import Scores
from tests.benchmarks.worlds.settings import DEFAULT, LEVELS, RIVALS
from tests.benchmarks.worlds.spins import SOURCES
from tests.benchmarks.worlds.world import World

CLOSE = 1.1
"""A setting is as good as the best if its error is at most this many times the best's."""


SCORE_COLUMNS = (
    "n",
    "MAE",
    "MAE, strong",
    *(f"{name}, bias %" for name in BIASED),
    "amplitude of tCr, bias %",
    *(f"{level} % covers" for level in LEVELS),
    "flagged",
    "failures",
    "ms",
)
"""Columns of :func:`score_row`."""


def design_table(caption: str, worlds: Sequence[World]) -> Table:
    """Return the levels of every world."""
    columns = [
        "world",
        "metabolites",
        "macromolecules",
        "lineshape",
        "own shifts",
        "lipid",
        "water",
        "ripple",
    ]
    columns += ["first points", "SNR_f"]
    rows = [
        [
            world.name,
            SOURCES[world.spins].description,
            world.mm,
            world.lineshape,
            *(
                "yes" if there else "-"
                for there in (world.own_shifts, world.lipid, world.water, world.ripple)
            ),
            world.first_points,
            f"{world.snr_f[0]:g} to {world.snr_f[1]:g}",
        ]
        for world in worlds
    ]
    return Table(caption, columns, rows)


def score_table(caption: str, scores_by_world: Scores) -> Table:
    """Return errors, biases and coverage, one row a world and a setting."""
    columns = ["world", "setting", *SCORE_COLUMNS]
    rows = []
    for world, by_setting in scores_by_world.items():
        rows += [[world, setting, *score_row(one)] for setting, one in by_setting.items()]
        if not by_setting:
            rows.append([world])
    return Table.filled(caption, columns, rows)


def score_row(one: SettingScore) -> list[str]:
    """Return a score as cells, of the maximum-likelihood value and of the posterior mean."""
    kinds = [kind for kind in (LIKELIHOOD, MEAN) if kind in one.error]
    return [
        str(one.n),
        " / ".join(f"{one.error[kind]:.4f}" for kind in kinds),
        " / ".join(f"{one.strong[kind]:.4f}" for kind in kinds),
        *(" / ".join(f"{100 * one.bias[kind][name]:+.0f}" for kind in kinds) for name in BIASED),
        "-" if np.isnan(one.scale) else f"{100 * one.scale:+.0f}",
        *(f"{100 * one.covered[level]:.0f}" if level in one.covered else "-" for level in LEVELS),
        f"{100 * one.flagged:.0f} %",
        f"{100 * one.failed:.0f} %",
        f"{one.milliseconds:.0f}",
    ]


def summary_table(caption: str, scores_by_world: Scores) -> Table:
    """Return each setting over all worlds that were made; the best is taken among fixed settings."""
    columns = ["setting", "worlds", "mean MAE", "mean MAE, strong", "within 10 % of the best fixed one"]
    columns += ["likewise, strong", "error over the best fixed one, median", "largest", "in"]
    columns += ["amplitude of tCr, bias %"]
    columns += [*(f"{level} % covers" for level in LEVELS), "failures", "ms"]
    scored = {world: by_setting for world, by_setting in scores_by_world.items() if by_setting}
    rows = []
    for setting in settings_of(scores_by_world):
        ones = {world: by_setting[setting] for world, by_setting in scored.items() if setting in by_setting}
        if not ones:
            rows.append([setting])
            continue
        over = {world: _over_best(scored[world], setting, strong=False) for world in ones}
        strong = [_over_best(scored[world], setting, strong=True) for world in ones]
        worst = max(over, key=over.__getitem__)
        scores = list(ones.values())
        rows.append(
            [
                setting,
                str(len(ones)),
                *(_means([getattr(one, name) for one in scores]) for name in ("error", "strong")),
                f"{sum(ratio <= CLOSE for ratio in over.values())} of {len(ones)}",
                f"{sum(ratio <= CLOSE for ratio in strong)} of {len(ones)}",
                f"{np.median(list(over.values())):.2f}",
                f"{over[worst]:.2f}",
                worst,
                _scales(scores),
                *(_covered(scores, level) for level in LEVELS),
                f"{100 * np.mean([one.failed for one in scores]):.1f} %",
                f"{np.mean([one.milliseconds for one in scores]):.0f}",
            ]
        )
    return Table.filled(caption, columns, rows)


def settings_of(scores_by_world: Scores) -> list[str]:
    """Return the settings of ``quantify`` that were scored, and those of FSL-MRS, scored or not."""
    ours = dict.fromkeys(
        name for by_setting in scores_by_world.values() for name in by_setting if name not in RIVALS
    )
    return [*ours, *RIVALS]


def leading(one: SettingScore, *, strong: bool) -> float:
    """Return the error of what a setting says first: the posterior mean, for FSL-MRS the fit."""
    errors = one.strong if strong else one.error
    return errors.get(MEAN, errors[LIKELIHOOD])


def _over_best(by_setting: dict[str, SettingScore], setting: str, *, strong: bool) -> float:
    fixed = [
        leading(by_setting[name], strong=strong) for name in by_setting if name not in (DEFAULT, *RIVALS)
    ]
    return leading(by_setting[setting], strong=strong) / min(fixed)


def _means(errors: Sequence[dict[str, float]]) -> str:
    kinds = [kind for kind in (LIKELIHOOD, MEAN) if kind in errors[0]]
    return " / ".join(f"{np.mean([one[kind] for one in errors]):.4f}" for kind in kinds)


def _scales(scores: Sequence[SettingScore]) -> str:
    biases = [100 * one.scale for one in scores if not np.isnan(one.scale)]
    return f"{np.mean(biases):+.0f} ({min(biases):+.0f} to {max(biases):+.0f})" if biases else "-"


def _covered(scores: Sequence[SettingScore], level: int) -> str:
    shares = [one.covered[level] for one in scores if level in one.covered]
    return (
        f"{100 * np.mean(shares):.0f} ({100 * min(shares):.0f} to {100 * max(shares):.0f})" if shares else "-"
    )


def missing_worlds(scores_by_world: Scores) -> str:
    """Return in words which worlds could not be made."""
    absent = [world for world, by_setting in scores_by_world.items() if not by_setting]
    if not absent:
        return ""
    return f"{NOT_RUN.capitalize()}, because what they are made from was not there: {', '.join(absent)}."
