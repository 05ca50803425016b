"""Ratios beside their truth: errors, biases, and how often intervals hold the truth."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.scores import coverage, mae
from tests.benchmarks.worlds.settings import CREATINES, LEVELS, SUMS, Ratios

STRONG = ("NAA+NAAG", "GPC+PCh", "Glu+Gln", "Ins", "NAA", "Glu", "GSH", "Tau")
"""Sums and single metabolites that studies report."""
BIASED = ("Glu", "Gln", "GABA", "Ins")
LIKELIHOOD, MEAN = "likelihood", "mean"


@dataclass(frozen=True, eq=False)
class SettingScore:
    """How one setting does on the spectra of one world.

    Attributes
    ----------
    n : int
        Spectra.
    error, strong : mapping of str to float
        :data:`LIKELIHOOD` or :data:`MEAN` -> mean absolute error of the ratios to total creatine: of all
        metabolites, and of :data:`STRONG`. No mean for FSL-MRS.
    bias : mapping of str to mapping of str to float
        The same -> name of :data:`BIASED` -> mean error over mean truth.
    scale : float
        Median of the estimated over the true amplitude of total creatine, less one; NaN if not known. Ratios do
        not show an error that all amounts share, and concentrations by water do.
    covered : mapping of int to float
        Level in per cent -> share of truths within their intervals; empty for FSL-MRS.
    flagged, failed : float
        Shares of the spectra.
    milliseconds : float
        Of a spectrum.
    """

    n: int
    error: Mapping[str, float]
    strong: Mapping[str, float]
    bias: Mapping[str, Mapping[str, float]]
    scale: float
    covered: Mapping[int, float]
    flagged: float
    failed: float
    milliseconds: float


def true_ratios(truth: Mapping[str, Real]) -> dict[str, Real]:
    """Return the true ratios to total creatine of metabolites, without creatines, and of sums.

    Parameters
    ----------
    truth : mapping
        As :class:`~.world.WorldSample` has it.
    """
    creatine = sum(truth[name] for name in CREATINES)
    single = {name: amount / creatine for name, amount in truth.items() if name not in CREATINES}
    return single | {"+".join(parts): np.sum([single[part] for part in parts], axis=0) for parts in SUMS}


def score(results: Ratios, truth: Mapping[str, Real], creatine: Real | None = None) -> SettingScore:
    """Return how close ratios are to their truth.

    Parameters
    ----------
    results : Ratios
    truth : mapping
        As :class:`~.world.WorldSample` has it, of the same spectra.
    creatine : ndarray, float, shape (n,), optional
        Likewise the amplitude of total creatine.

    Returns
    -------
    SettingScore
    """
    ratios = true_ratios(truth)
    single = [name for name in ratios if "+" not in name]
    estimates = {LIKELIHOOD: results.likelihood, MEAN: results.mean}
    by_kind = {kind: values for kind, values in estimates.items() if values}

    def error(values: Mapping[str, Real], names: list[str]) -> float:
        return float(np.mean([mae(values[name], ratios[name]) for name in names]))

    covered = {
        level: float(np.mean([coverage(*results.intervals[level][name], ratios[name]) for name in single]))
        for level in LEVELS
        if level in results.intervals
    }
    n = len(results.failed)
    return SettingScore(
        n,
        {kind: error(values, single) for kind, values in by_kind.items()},
        {kind: error(values, list(STRONG)) for kind, values in by_kind.items()},
        {
            kind: {name: float(values[name].mean() / ratios[name].mean() - 1) for name in BIASED}
            for kind, values in by_kind.items()
        },
        np.nan
        if creatine is None or results.creatine is None
        else float(np.median(results.creatine / creatine) - 1),
        covered,
        float(results.flagged.mean()),
        float(results.failed.mean()),
        1e3 * results.seconds / n,
    )
