"""Statistics of the amounts of a study: variation within and between sites, and outliers."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.report.page import number
from fsl_mrs_dl.study.table import Result, label_names

MAIN = ("NAA+NAAG", "GPC+PCh", "Glu+Gln", "Ins", "GABA")
"""Amounts in the figure, if the basis set has them."""
_OUTLIER_Z = 3.5
"""Deviation from the median, over 1.4826 median absolute deviations, of an outlier (Iglewicz and Hoaglin 1993)."""
_LEAST_VALUES = 5  # least number of values for a median absolute deviation; the choice is ours
_PEOPLE = ("subject", "session", "run", "participant")
"""Labels of people and visits, which are not sites."""


def leading_scaling(results: Sequence[Result]) -> str:
    """Return the scaling of figures and variation: a ratio where there is one, which needs no water scaling."""
    known = {scaling for result in results for _, scaling in result.amounts}
    return next((one for one in ("internal", "molality", "raw") if one in known), "raw")


def scaling_words(scaling: str) -> str:
    """Say in words what the numbers of a scaling are."""
    return {"internal": "ratio to the internal reference", "molality": "mmol/kg"}.get(
        scaling, "arbitrary units"
    )


def site_label(results: Sequence[Result]) -> str:
    """Return the label of the sites: the first that is not a label of people and has several values."""
    for key in label_names(results):
        values = {result.job.scan.labels.get(key, "") for result in results}
        if key not in _PEOPLE and 1 < len(values) < len(results):
            return key
    return ""


def main_names(results: Sequence[Result], scaling: str) -> list[str]:
    """Return those of :data:`MAIN` that all scans with results have."""
    there = [result for result in results if result.amounts]
    return [name for name in MAIN if all((name, scaling) in result.amounts for result in there)]


def values_of(results: Sequence[Result], name: str, scaling: str) -> Real:
    """Return the posterior means of an amount; NaN where there is none."""
    return np.array([result.value(name, scaling) for result in results], dtype=float)


def believed_results(results: Sequence[Result]) -> list[Result]:
    """Return the scans that are good or usable."""
    return [result for result in results if result.verdict in ("good", "usable")]


def variation(
    results: Sequence[Result], names: Sequence[str], scaling: str, site: str
) -> list[tuple[str, ...]]:
    """Return mean, SD and CV of each amount over the good and usable scans; without a site, not those by site.

    Parameters
    ----------
    results : sequence of Result
    names : sequence of str
        Amounts.
    scaling : str
    site : str
        Label of the sites; empty if there is none.

    Returns
    -------
    list of tuple of str
        Name, number of scans, mean, SD, CV in per cent, and with a site the CV within and between sites. Amounts
        of fewer than two scans have no row.
    """
    rows = []
    used = believed_results(results)
    for name in names:
        values = values_of(used, name, scaling)
        known = np.isfinite(values)
        if known.sum() < 2:
            continue
        mean, sd = float(values[known].mean()), float(values[known].std(ddof=1))
        shares = (sd, *_by_site(used, values, site)) if site else (sd,)
        percents = [number(100 * share / mean, 1) for share in shares]
        rows.append((name, str(int(known.sum())), number(mean, 3), number(sd, 3), *percents))
    return rows


def _by_site(results: Sequence[Result], values: Real, site: str) -> tuple[float, float]:
    """Return the SD within sites and the SD of their means; NaN if there are too few."""
    groups = grouped(results, site)
    parts = [values[rows][np.isfinite(values[rows])] for rows in groups.values()]
    several = [part for part in parts if len(part) > 1]
    if not several:
        return np.nan, np.nan
    within = float(np.sqrt(np.mean([part.var(ddof=1) for part in several])))
    means = [part.mean() for part in parts if len(part)]
    return within, float(np.std(means, ddof=1)) if len(means) > 1 else np.nan


def grouped(results: Sequence[Result], site: str) -> dict[str, list[int]]:
    """Return the indices of the scans of each site; all under the empty name without sites."""
    groups: dict[str, list[int]] = {}
    for index, result in enumerate(results):
        groups.setdefault(result.job.scan.labels.get(site, "") if site else "", []).append(index)
    return groups


def outliers_of(
    results: Sequence[Result], names: Sequence[str], scaling: str
) -> dict[tuple[str, str], float]:
    """Return the robust z of each outlier, by name of the scan and of the amount."""
    outliers = {}
    for name in names:
        values = values_of(results, name, scaling)
        known = values[np.isfinite(values)]
        if len(known) < _LEAST_VALUES:
            continue
        spread = 1.4826 * float(np.median(np.abs(known - np.median(known))))
        if spread <= 0:
            continue
        z = (values - np.median(known)) / spread
        for index in np.flatnonzero(np.abs(z) > _OUTLIER_Z):
            outliers[results[int(index)].job.scan.name, name] = float(z[index])
    return outliers
