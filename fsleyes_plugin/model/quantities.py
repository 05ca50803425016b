"""Quantities of maps, in the order of the lists: the posterior, then the estimates without prior."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fsl_mrs_dl.io.results import LEADING, SCALINGS, posterior_file

_POSTERIOR: tuple[tuple[str, str], ...] = (
    ("posterior_mean", "posterior mean"),
    ("ci95_low", "95 % interval, low"),
    ("ci95_high", "95 % interval, high"),
    ("ci95_width", "95 % interval, width"),
    ("posterior_sd", "posterior SD"),
    ("ci68_low", "68 % interval, low"),
    ("ci68_high", "68 % interval, high"),
)
WIDTH = "ci95_width"
"""The only quantity without a file: the upper end of the interval minus the lower."""
_UNCERTAIN = ("crlb", "shrinkage", "posterior_sd", WIDTH)


@dataclass(frozen=True)
class Quantity:
    """Quantity of the map of a metabolite.

    Attributes
    ----------
    kind : str
        Key.
    file : str
        Name of the file without ending, with ``{}`` for the metabolite; empty if there is no file.
    label : str
        Name in a window.
    """

    kind: str
    file: str
    label: str


def in_scaling(kind: str, scaling: str) -> str:
    """Return the kind of a map of the posterior in a scaling; the shrinkage is the same in all."""
    return kind if scaling == "raw" or kind == "shrinkage" else f"{kind}:{scaling}"


def scaling_of(kind: str) -> str:
    """Return the scaling of a kind of map; empty for what has none, such as SNR."""
    name, _, scaling = kind.partition(":")
    if name in SCALINGS:
        return name
    return (scaling or "raw") if name in dict(_POSTERIOR) else ""


def _all() -> Iterator[Quantity]:
    words = {name: f"{name} ({unit})" if unit else name for name, unit in SCALINGS.items()}
    for scaling in LEADING:
        for kind, label in _POSTERIOR:
            file = "" if kind == WIDTH else posterior_file(kind, scaling)
            yield Quantity(in_scaling(kind, scaling), file, f"{label}, {words[scaling]}")
    yield Quantity("shrinkage", posterior_file("shrinkage", "raw"), "shrinkage")
    for scaling in LEADING:
        yield Quantity(scaling, f"concs/{scaling}/{{}}", f"without prior, {words[scaling]}")
    yield Quantity("crlb", "uncertainties/{}_sd", "without prior, SD (% of the amplitude)")
    yield Quantity("snr", "qc/{}_snr", "SNR")
    yield Quantity("fwhm", "qc/{}_fwhm", "FWHM (Hz)")


QUANTITIES: Mapping[str, Quantity] = {quantity.kind: quantity for quantity in _all()}
"""Kind -> quantity."""

SINGLE: Mapping[str, str] = {
    "verdict": "verdict (1 good, 2 usable, 3 unusable)",
    "flags": "flags",
    "ood": "misfit (ood)",
    "surprise": "surprise (decades of chance)",
    "widening": "widening of intervals",
    "line_ppm": "highest line of the residual (ppm)",
    "line_z": "highest line of the residual (z)",
}
"""Kind of a map that belongs to no metabolite -> its name in a window."""


def label(kind: str) -> str:
    """Return the name of a kind of map in a window."""
    return QUANTITIES[kind].label if kind in QUANTITIES else SINGLE.get(kind, kind)


def colour_map(kind: str) -> str:
    """Return the colour map of FSLeyes for a kind of map."""
    colours = {"snr": "red", "fwhm": "blue", **dict.fromkeys(_UNCERTAIN, "cool")}
    return colours.get(kind.split(":")[0], "red-yellow")
