"""Pulse sequences by the words that headers and basis files have for them.

Words are runs of letters, whatever capitals, digits and punctuation stand between them: ``svs_se_30`` is
``svs se``. Vendors' names are those of Siemens (``svs_se``, ``svs_st``), GE (``PROBE-P``, ``PROBE-S``,
``PROBE-SL``), Philips (``SV_PRESS``) and of the sequences of CMRR (``eja_svs_mpress``). What is not in the tables
is not known: a wrong guess would refuse the right basis set.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "PRESS": (
            "press",
            "mpress",
            "mega press",
            "megapress",
            "presscsi",
            "csi press",
            "svs se",
            "csi se",
            "probe p",
        ),
        "STEAM": ("steam", "steamcsi", "svs st", "csi st", "probe s"),
        "sLASER": (
            "slaser",
            "slase",  # LCModel's SEQ has five characters
            "s laser",
            "semi laser",
            "semilaser",
            "semi adiabatic laser",
            "oslaser",
            "slaservoi",
            "mslaser",
            "megaslaser",
            "probe sl",
        ),
        "LASER": ("laser", "mega laser", "megalaser"),
        "SPECIAL": ("special", "sspecial", "semi adiabatic special"),
        "FID": ("fid", "fidall", "fidcsi", "csi fid", "pulse acquire"),
    }
)
"""Family of localisation -> the words for it. ``semi adiabatic`` alone may be sLASER or SPECIAL and is neither."""

EDITED = (
    "mega",
    "megapress",
    "megaslaser",
    "megalaser",
    "mpress",
    "mslaser",
    "hermes",
    "hercules",
    "herc",
    "edit",
    "edited",
    "editing",
    "svs ed",
)
"""Words of J-difference editing. The name of an edited metabolite is none: ``GABA_PAR`` is a PRESS of Big GABA."""

UNEDITED = ("unedited", "un edited", "nonedited", "non edited", "not edited")
"""Words that contain one of the above and mean the contrary."""

PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"on": ("on",), "off": ("off",), "diff": ("diff", "difference"), "sum": ("sum",)}
)
"""Parts of an edited scan: either condition, their difference, their sum."""


@dataclass(frozen=True)
class Sequence:
    """The known properties of a pulse sequence.

    Attributes
    ----------
    family : str
        Key of :data:`FAMILIES`; empty where not known.
    edited : bool or None
        None where not known.
    part : str
        Key of :data:`PARTS`; empty where not known, or not edited.
    """

    family: str = ""
    edited: bool | None = None
    part: str = ""


UNKNOWN = Sequence()


def sequence_of(texts: Iterable[str]) -> Sequence:
    """Return the sequence that texts name, which part of an edited scan left out.

    Parameters
    ----------
    texts : iterable of str
        The most reliable first. The first that names one family says which it is; one that names two says
        nothing. Editing counts wherever it stands; a family without it is unedited.

    Returns
    -------
    Sequence
    """
    family, edited, unedited = "", False, False
    for text in texts:
        words = _words(text)
        unedited |= _without(words, UNEDITED) != words
        words = _without(words, UNEDITED)
        edited |= _without(words, EDITED) != words
        family = family or _only(words, FAMILIES)
    known = edited or unedited or bool(family)
    return Sequence(family, edited if known else None)


def part_of(text: str) -> str:
    """Return which part of an edited scan a text names, a key of :data:`PARTS`; empty if none or several."""
    return _only(_words(text), PARTS)


def _words(text: str) -> str:
    """Return the words of a text, with a blank before and after each."""
    return f" {' '.join(re.findall('[a-z]+', text.lower()))} "


def _without(words: str, phrases: Iterable[str]) -> str:
    """Return words without phrases, the longest first, as a short one may be part of a long one."""
    for phrase in sorted(phrases, key=len, reverse=True):
        words = words.replace(f" {phrase} ", " | ")
    return words


def _only(words: str, table: Mapping[str, tuple[str, ...]]) -> str:
    """Return the one key of a table of which words hold a phrase; empty if there is none, or are several."""
    keys = set()
    of_phrase = {phrase: key for key, phrases in table.items() for phrase in phrases}
    for phrase in sorted(of_phrase, key=len, reverse=True):
        left = _without(words, (phrase,))
        if left != words:
            keys.add(of_phrase[phrase])
        words = left
    return keys.pop() if len(keys) == 1 else ""
