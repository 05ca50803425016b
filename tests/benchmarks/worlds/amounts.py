"""Amounts of metabolites in the worlds: of healthy and of diseased brain, not the prior of any fit."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import Real

HEALTHY: Mapping[str, float] = MappingProxyType(
    {
        "Ala": 0.4,
        "Asc": 0.83,
        "Asp": 2.32,
        "Cr": 4.2,
        "GABA": 1.16,
        "GPC": 1.28,
        "GSH": 1.43,
        "Glc": 1.2,
        "Gln": 2.20,
        "Glu": 8.80,
        "Gly": 0.6,
        "Ins": 5.83,
        "Lac": 0.65,
        "NAA": 10.73,
        "NAAG": 1.68,
        "PCh": 0.43,
        "PCr": 3.8,
        "PE": 1.2,
        "Tau": 1.26,
        "sIns": 0.18,
    }
)
"""Mean of each metabolite in healthy brain of adults, in mmol/kg, by canonical name.

Means over studies of Gudmundson et al. 2023, doi:10.1016/j.ab.2023.115227, as its public data base has them
(healthy adults, water-scaled). But creatines are set to 8.0, as studies that scale by creatine take them, because
that mean, 10.2, contradicts the same source's ratios (NAA over creatine is 1.39); GABA is its ratio to creatine,
0.145, because most water-scaled values are of edited spectra, with macromolecules in them; cholines are 1.71 in
three to one. Ala, Glc, Gly and PE, of which it has few values or none, lie in the lower half of
:data:`fsl_mrs_dl.physics.metabolites.BRAIN_RANGES`.
"""
STRONG = frozenset({"Cr", "GPC", "Glu", "Ins", "NAA", "PCr"})
SPREAD_STRONG, SPREAD_WEAK = 0.15, 0.35
"""SD of the logarithm of an amount, between spectra."""
DISEASED = 0.2
"""Share of the spectra that are of diseased tissue."""
HEALTHY_TCR = HEALTHY["Cr"] + HEALTHY["PCr"]


def draw_amounts(names: Sequence[str], n: int, rng: np.random.Generator) -> Real:
    """Return amounts of metabolites, log-normal about the healthy means; one spectrum in five is diseased.

    Diseased: NAA falls to 0.3 to 0.7 of its amount, the cholines rise by 1.5 to 3, Ins by 1.5, and lactate is 1
    to 6 mmol/kg, as in tumours.

    Parameters
    ----------
    names : sequence of str
        Keys of :data:`HEALTHY`.
    n : int
        Spectra.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, float64, shape (n, name)
        In mmol/kg.
    """
    middle = np.array([HEALTHY[name] for name in names])
    spread = np.array([SPREAD_STRONG if name in STRONG else SPREAD_WEAK for name in names])
    amounts = middle * np.exp(spread * rng.standard_normal((n, len(names))))
    diseased = rng.random(n) < DISEASED
    naa, cholines, lactate = rng.uniform(0.3, 0.7, n), rng.uniform(1.5, 3.0, n), rng.uniform(1.0, 6.0, n)
    factor = {"NAA": naa, "GPC": cholines, "PCh": cholines, "Ins": np.full(n, 1.5)}
    for m, name in enumerate(names):
        changed = lactate if name == "Lac" else amounts[:, m] * factor.get(name, 1.0)
        amounts[:, m] = np.where(diseased, changed, amounts[:, m])
    return amounts
