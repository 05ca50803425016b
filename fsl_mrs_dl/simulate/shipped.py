"""The basis sets of the package: their names, recipes and folders."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import fsl_mrs_dl
from fsl_mrs_dl.errors import OptionError

SequenceName = Literal["press", "steam", "slaser", "mega-press"]
Part = Literal["", "on", "off", "diff"]

_FOLDER = Path(fsl_mrs_dl.__file__).parent / "resources" / "basis"

BRAIN_METABOLITES = (
    "Ala",
    "Asc",
    "Asp",
    "Cr",
    "GABA",
    "GPC",
    "GSH",
    "Glc",
    "Gln",
    "Glu",
    "Gly",
    "Ins",
    "Lac",
    "NAA",
    "NAAG",
    "PCh",
    "PCr",
    "PE",
    "Tau",
    "sIns",
)
"""Metabolites that are simulated by default."""


@dataclass(frozen=True)
class BasisRecipe:
    """Settings of the simulation of a basis set.

    Attributes
    ----------
    sequence : str
        press, steam, slaser or mega-press.
    echo_time_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    dwelltime_s : float
        In s.
    n_points : int
    first_echo_time_s : float or None
        TE1 of PRESS, in s.
    mixing_time_s : float or None
        TM of STEAM, in s.
    edit_ppm : tuple of float or None
        Centre of the editing pulses of MEGA-PRESS in ON and in OFF, in ppm.
    part : str
        Of an edited pair: on, off or diff.
    metabolites : tuple of str
        FSL-MRS's spelling.
    linewidth_hz : float
        Lorentzian width, in Hz.
    macromolecules : bool
        Whether macromolecule components are added.
    """

    sequence: SequenceName
    echo_time_s: float
    spectrometer_frequency_mhz: float
    dwelltime_s: float
    n_points: int
    first_echo_time_s: float | None = None
    mixing_time_s: float | None = None
    edit_ppm: tuple[float, float] | None = None
    part: Part = ""
    metabolites: tuple[str, ...] = BRAIN_METABOLITES
    linewidth_hz: float = 2.0
    macromolecules: bool = True


# 123.25 MHz is the frequency of 3 T at Siemens, and that at which the singlets of the ISMRM challenge have the
# chemical shifts of its table; its header has 123.22. 1.02 s is the length of 2048 points at 2 kHz, a usual scan.
_3T = BasisRecipe("press", 0.030, 123.25, 4e-4, 2560)
_7T = replace(_3T, spectrometer_frequency_mhz=297.2, dwelltime_s=2.5e-4, n_points=2048)
_MEGA = replace(_3T, sequence="mega-press", echo_time_s=0.068, edit_ppm=(1.9, 7.46))

RECIPES: Mapping[str, BasisRecipe] = MappingProxyType(
    {
        "press_3t_te30": replace(_3T, first_echo_time_s=0.011),
        "press_3t_te35": replace(_3T, echo_time_s=0.035, first_echo_time_s=0.013),
        "slaser_3t_te28": replace(_3T, sequence="slaser", echo_time_s=0.028),
        "slaser_3t_te35": replace(_3T, sequence="slaser", echo_time_s=0.035),
        "mega-press_3t_te68_on": replace(_MEGA, part="on"),
        "mega-press_3t_te68_off": replace(_MEGA, part="off"),
        "mega-press_3t_te68_diff": replace(_MEGA, part="diff"),
        "steam_7t_te11": replace(_7T, sequence="steam", echo_time_s=0.011, mixing_time_s=0.017),
        "slaser_7t_te26": replace(_7T, sequence="slaser", echo_time_s=0.026),
        "press_9.4t_te20": replace(
            _7T, echo_time_s=0.020, first_echo_time_s=0.010, spectrometer_frequency_mhz=400.2
        ),
    }
)
"""Name of a shipped basis set -> its recipe, from which ``basis --shipped`` makes it again."""


def shipped_basis(name: str) -> Path:
    """Return the folder of a basis set of the package.

    Parameters
    ----------
    name : str
        A key of :data:`RECIPES`, for example ``"press_3t_te30"``.

    Returns
    -------
    Path
        FSL-MRS's folder of JSON files.

    Raises
    ------
    OptionError
        If there is no such set.
    """
    if name not in RECIPES:
        raise OptionError(f"No basis set {name!r} comes with the package; it has {', '.join(RECIPES)}.")
    return _FOLDER / name


def description(recipe: BasisRecipe) -> str:
    """Describe a recipe in one line, for lists and tables."""
    times = [f"TE {recipe.echo_time_s * 1e3:g} ms"]
    if recipe.first_echo_time_s is not None:
        second = recipe.echo_time_s - recipe.first_echo_time_s
        times[0] += f" ({recipe.first_echo_time_s * 1e3:g} + {second * 1e3:g})"
    if recipe.mixing_time_s is not None:
        times.append(f"TM {recipe.mixing_time_s * 1e3:g} ms")
    if recipe.edit_ppm is not None:
        times.append(f"editing pulses at {recipe.edit_ppm[0]:g} (ON) and {recipe.edit_ppm[1]:g} ppm (OFF)")
    kind = f"{recipe.sequence} {recipe.part}".strip()
    sampling = f"{recipe.n_points} points of {recipe.dwelltime_s * 1e3:g} ms"
    return f"{kind}, {', '.join(times)}, {recipe.spectrometer_frequency_mhz:g} MHz, {sampling}"
