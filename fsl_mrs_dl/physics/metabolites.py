"""Concentrations of brain metabolites, from the literature."""

from collections.abc import Mapping
from types import MappingProxyType

BRAIN_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "Ala": (0.1, 1.8),
        "Asc": (0.2, 1.8),
        "Asp": (1.0, 2.0),
        "Cr": (4.5, 10.5),
        "GABA": (1.0, 2.0),
        "Glc": (1.0, 2.0),
        "Gln": (3.0, 6.0),
        "Glu": (6.0, 12.5),
        "GPC": (0.5, 1.8),
        "GSH": (1.5, 3.0),
        "Gly": (0.2, 1.0),
        "Ins": (4.0, 9.0),
        "Lac": (0.2, 1.0),
        "NAA": (7.5, 17.0),
        "NAAG": (0.5, 2.5),
        "PCh": (0.2, 1.0),
        "PCr": (3.0, 5.5),
        "PE": (1.0, 2.0),
        "sIns": (0.2, 0.5),
        "Tau": (3.0, 6.0),
    }
)
"""Range of the concentration of each metabolite, in mmol/kg, by canonical name.

Shamaei, Starcukova and Starcuk 2023, doi:10.1016/j.compbiomed.2023.106837, table 2.
"""
