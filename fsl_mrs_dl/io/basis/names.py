"""The one table of metabolite names: every spelling that is met, and FSL-MRS's, which the package writes."""

from collections.abc import Mapping
from types import MappingProxyType

_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "Ace": ("Acetate",),
    "Ala": ("Alanine",),
    "Asc": ("Ascorbate", "VitC"),
    "Asp": ("Aspartate",),
    "Cr": ("Cre", "Creatine"),
    "GABA": ("g-ABA", "gamma-aminobutyric acid"),
    "GPC": ("Glycerophosphocholine", "Glycerophosphorylcholine"),
    "GSH": ("Glutathione", "Glth"),
    "Glc": ("Glucose",),
    "Gln": ("Glutamine",),
    "Glu": ("Glutamate",),
    "Gly": ("Glycine",),
    "Ins": ("mI", "mIns", "Myo", "Myo-Ins", "Myo-Inositol", "Myoinositol", "m-Ins"),
    "Lac": ("Lactate",),
    "Mac": ("MeasuredMM",),
    "NAA": ("N-acetylaspartate", "N-acetyl-aspartate"),
    "NAAG": ("N-acetylaspartylglutamate", "N-acetyl-aspartyl-glutamate"),
    "PCh": ("PCho", "Phosphocholine", "Phosphorylcholine"),
    "PCr": ("Phosphocreatine",),
    "PE": ("PEth", "Phosphoethanolamine", "Phosphorylethanolamine"),
    "Ser": ("Serine",),
    "Tau": ("Taurine",),
    "bHB": ("BHB", "b-Hydroxybutyrate"),
    "sIns": ("Scyllo", "sI", "Scyllo-Ins", "Scyllo-Inositol", "Scylloinositol", "s-Ins"),
}

ALIASES: Mapping[str, str] = MappingProxyType(
    {spelling.casefold(): name for name, spellings in _SPELLINGS.items() for spelling in (name, *spellings)}
)
"""Spelling in lower case -> FSL-MRS's name."""


def canonical_name(name: str) -> str:
    """Return FSL-MRS's spelling of a metabolite; a name that is not in the table is returned as it is.

    Capitals do not matter. A number that a reader gave to a name that occurs again (``PCho_1``) stays.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    name = name.strip()
    stem, underscore, number = name.rpartition("_")
    if underscore and number.isdigit() and stem.casefold() in ALIASES:
        return f"{ALIASES[stem.casefold()]}_{number}"
    return ALIASES.get(name.casefold(), name)
