"""Limits from spectra of healthy brains, without one site or scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA, MEASURED, Criterion

QUANTILE = 0.9  # of the spectra of healthy brains are within a limit, before its margin
MARGIN = 1.25
"""A limit is this many times what nine in ten spectra keep."""
LEAST = {"echo": 0.03}
"""Where good spectra have none, there is no quantile to take."""
OF_SPECTRA = tuple(key for key, one in CRITERIA.items() if MEASURED in one.source)
"""Measures whose limit for good is measured."""


@dataclass(frozen=True, eq=False)
class Values:
    """The measures of the spectra of one site or scan.

    Attributes
    ----------
    group : str
    measures : mapping of str to ndarray, shape (V,)
    weight : float
        As how many spectra they count together.
    """

    group: str
    measures: Mapping[str, Real]
    weight: float


def limits(values: Sequence[Values], without: str = "") -> dict[str, float]:
    """Return the limit for good of each measure, from all groups but one.

    Parameters
    ----------
    values : sequence of Values
    without : str
        The group that is left out.
    """
    used = [one for one in values if one.group != without]
    results = {}
    for key in OF_SPECTRA:
        sizes = np.concatenate([np.abs(one.measures[key]) for one in used])
        weights = np.concatenate(
            [np.full(len(one.measures[key]), one.weight / len(one.measures[key])) for one in used]
        )
        results[key] = max(MARGIN * _quantile(sizes, weights), LEAST.get(key, 0.0))
    return results


def criteria(results: Mapping[str, float]) -> dict[str, Criterion]:
    """Return the criteria with other limits for good; none above that for usable."""
    return {
        key: replace(one, good=min(results[key], one.usable)) if key in results else one
        for key, one in CRITERIA.items()
    }


def _quantile(sizes: Real, weights: Real) -> float:
    known = np.isfinite(sizes)
    order = np.argsort(sizes[known])
    sizes, share = sizes[known][order], np.cumsum(weights[known][order])
    return float(np.interp(QUANTILE, (share - weights[known][order] / 2) / share[-1], sizes))
