"""Ratios of measured spectra by the defaults of ``quantify``, and how far other windows or phases move them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_mrs_dl.io.results import Outcome
from tests.benchmarks.quantify_cases import DEFAULT, QuantifyCase
from tests.benchmarks.table import Table
from tests.benchmarks.worlds.amounts import HEALTHY, HEALTHY_TCR

SHOWN = {
    "NAA+NAAG": "tNAA/tCr",
    "GPC+PCh": "tCho/tCr",
    "Ins": "Ins/tCr",
    "Glu": "Glu/tCr",
    "Glu+Gln": "Glx/tCr",
    "GABA": "GABA/tCr",
}
_TURN = np.radians(90.0)  # any other phase would do: the data's own is arbitrary
_NARROW_PPM = (0.5, 4.0)  # a window that others use, to see what the choice changes


def default_table(cases: Sequence[QuantifyCase]) -> Table:
    """Return posterior means and 95 % intervals of ratios, and the hypothesis that leads."""
    columns = ["data", "basis set", *SHOWN.values(), "leading hypothesis", "weight"]
    caption = (
        "**The default**: posterior mean [95 % interval]. *Published*: means over studies of healthy adults "
        "(Gudmundson 2023, [doi:10.1016/j.ab.2023.115227](https://doi.org/10.1016/j.ab.2023.115227), as its "
        "public data base has them, over creatine of 8 mmol/kg); of many regions and methods."
    )
    rows = []
    for case in cases:
        start = [case.data_name, case.basis_name]
        if case.data is None or case.basis is None:
            rows.append(start)
            continue
        outcome = case.fit(DEFAULT)[1]
        assert outcome.hypothesis is not None
        assert outcome.hypothesis_weight is not None
        lead = outcome.hypotheses[int(outcome.hypothesis[0, 0])]
        weight = f"{outcome.hypothesis_weight[0, 0]:.2f}"
        rows.append([*start, *(_cell(outcome, name) for name in SHOWN), lead, weight])
    published = [f"{sum(HEALTHY[part] for part in name.split('+')) / HEALTHY_TCR:.2f}" for name in SHOWN]
    rows.append(["published", "-", *published, "-", "-"])
    return Table.filled(caption, columns, rows)


def moves_table(cases: Sequence[QuantifyCase]) -> Table:
    """Return how far the default moves when what should not matter changes, in half widths of its interval."""
    low, high = _NARROW_PPM
    changes: dict[str, dict[str, Any]] = {
        f"window {low:g} to {high:g} ppm": {"ppmlim": _NARROW_PPM},
        "first half of the points": {"points": 0},  # set below: scans differ in length
        "turned by 90 degrees": {},
    }
    columns = ["data", "basis set", "change", *SHOWN.values(), "largest"]
    caption = (
        "How far the default's posterior mean moves when the window, the points or the phase of the data change, "
        "over half the width of its 95 % interval: below 1 it stays within the interval."
    )
    rows = []
    for case in cases:
        for words, options in changes.items():
            start = [case.data_name, case.basis_name, words]
            if case.data is None or case.basis is None:
                rows.append(start)
                continue
            fitted, plain = case.fit(DEFAULT)
            options = {
                key: fitted.n_points // 2 if key == "points" else value for key, value in options.items()
            }
            turned = case.data.with_fid(case.data.fid * np.exp(1j * _TURN))
            other = (
                case
                if options
                else QuantifyCase(case.data_name, case.basis_name, turned, case.basis, case.water)
            )
            outcome = other.fit(DEFAULT, **options)[1]
            moved = [
                abs(_mean(outcome, name) - _mean(plain, name)) / _half_width(plain, name) for name in SHOWN
            ]
            rows.append([*start, *(f"{value:.2f}" for value in moved), f"{max(moved):.2f}"])
    return Table.filled(caption, columns, rows)


def _mean(outcome: Outcome, name: str) -> float:
    return float(outcome.scaled["internal"].extra["posterior_mean"][0, outcome.column(name)])


def _half_width(outcome: Outcome, name: str) -> float:
    extra, at = outcome.scaled["internal"].extra, outcome.column(name)
    return float(extra["ci95_high"][0, at] - extra["ci95_low"][0, at]) / 2


def _cell(outcome: Outcome, name: str) -> str:
    extra, at = outcome.scaled["internal"].extra, outcome.column(name)
    low, high = (extra[end][0, at] for end in ("ci95_low", "ci95_high"))
    return f"{_mean(outcome, name):.2f} [{low:.2f}, {high:.2f}]"
