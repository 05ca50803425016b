"""Ratios of metabolites by one choice: those of the clinic, and the user's own."""

from collections.abc import Sequence

from fsleyes_plugin.model.maps import MapChoice, Maps

CHOLINE = ("GPC+PCh", "tCho", "Cho", "GPC", "PCh")
CREATINE = ("Cr+PCr", "tCr", "Cr", "PCr")
NAA = ("NAA+NAAG", "tNAA", "NAA")
GLX = ("Glu+Gln", "Glx", "Glu")
INOSITOL = ("Ins", "mI", "mIns")
PRESETS: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
    ("Cho/NAA", CHOLINE, NAA),
    ("Cho/Cr", CHOLINE, CREATINE),
    ("NAA/Cr", NAA, CREATINE),
    ("Ins/NAA", INOSITOL, NAA),
    ("Glx/Cr", GLX, CREATINE),
    ("Lac/NAA", ("Lac",), NAA),
)
"""Name, names of the numerator, and of the denominator: the sum first, then one member of it."""
_KINDS = ("posterior_mean", "raw", "internal", "map")
BETWEEN = " / "


def ratio(maps: Maps, above: Sequence[str], below: Sequence[str]) -> MapChoice | None:
    """Return the quotient of the first known names, of posterior means if the fit has them; None without one."""
    known = maps.metabolites or maps.others
    numerator = next((name for name in above if name in known), None)
    denominator = next((name for name in below if name in known), None)
    if numerator is None or denominator is None or numerator == denominator:
        return None
    both = set(maps.kinds(numerator)) & set(maps.kinds(denominator))
    kind = next((kind for kind in _KINDS if kind in both), None)
    return MapChoice(kind, numerator, denominator) if kind else None


def ratios(maps: Maps, own: Sequence[str] = ()) -> dict[str, MapChoice]:
    """Return the ratios that a fit has, by name.

    Parameters
    ----------
    maps : Maps
    own : sequence of str
        The user's, as ``"Glu / GABA"``.
    """
    choices = {name: ratio(maps, above, below) for name, above, below in PRESETS}
    for text in own:
        above, _, below = text.partition(BETWEEN)
        choices[text] = ratio(maps, (above,), (below,))
    return {name: choice for name, choice in choices.items() if choice is not None}
