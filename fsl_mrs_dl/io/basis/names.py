"""Table of metabolite names: common spellings, and FSL-MRS's spelling, which the package writes."""

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fsl_mrs_dl.errors import OptionError

LONGEST_NAME = 100
"""Longest name of a member, in bytes: a sum of two with the ending of a map stays below 255, the limit of file
systems."""

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
    """Return FSL-MRS's spelling of a metabolite; a name that is not in the table is not changed.

    The case of letters is ignored. The number of a repeated name (``PCho_1``) stays.

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


def is_file_name(name: str) -> bool:
    """Return whether a member's name can name a file on every system: no path, no control character, not too long.

    Parameters
    ----------
    name : str
    """
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold
        return False
    control = any(unicodedata.category(letter) == "Cc" for letter in name)
    return 0 < size <= LONGEST_NAME and not control and not set(name) & set("/\\") and name not in (".", "..")


def check_names(names: Iterable[str]) -> None:
    """Refuse members whose names cannot name a file, before anything is computed.

    Parameters
    ----------
    names : iterable of str

    Raises
    ------
    OptionError
        If a name holds a path or a control character, or is longer than :data:`LONGEST_NAME` bytes.
    """
    for name in names:
        if not is_file_name(name):
            short = name if len(name) <= 40 else f"{name[:40]}.. ({len(name)} characters)"
            raise OptionError(
                f"The member {short!r} of the basis set cannot name a file of results; needed is a name without "
                f"slashes and control characters of at most {LONGEST_NAME} bytes. Rename it in the basis set, or "
                "leave it out with --ignore."
            )


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names that resemble a mistyped one, the most similar first.

    A name that is in the table is not mistyped: nothing is returned.

    Parameters
    ----------
    name : str
    known : iterable of str
    """
    if name.strip().casefold() in ALIASES:
        return []
    spellings = {known_name.casefold(): known_name for known_name in known}
    spellings |= {alias: plain for alias, plain in ALIASES.items() if plain in spellings.values()}
    close = difflib.get_close_matches(name.strip().casefold(), spellings, n=6, cutoff=0.5)
    return list(dict.fromkeys(spellings[spelling] for spelling in close))[:3]
