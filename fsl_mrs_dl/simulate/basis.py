"""The command ``basis``: simulate basis sets, shipped ones and those of a user."""

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl import __version__
from fsl_mrs_dl.data import NUCLEI, Basis
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import canonical_name, write_json_basis
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.physics.lines import WILSON_2011, GaussianLine, line_basis
from fsl_mrs_dl.simulate import density_matrix
from fsl_mrs_dl.simulate.shipped import (
    BRAIN_METABOLITES,
    RECIPES,
    BasisRecipe,
    Part,
    SequenceName,
    description,
)

_DECIMALS = 4
"""Decimals of FIDs in units of one proton: the rounding error is far below a line, and shipped files are small."""

_LARGEST_POINTS = 2**17
"""Largest number of points of an FID: 16 times as many as a scan of 8192."""

_LEAST_HEIGHT = 0.01
"""Least height of a metabolite in a difference, in protons: a smaller one is what subtraction has left."""

_COEDITED = (GaussianLine("MM09", 0.915, 3.0, 0.085), GaussianLine("MM3co", 3.0, 2.0, 14 / 123.25))
"""Macromolecules in a GABA-edited difference, as in Osprey (Zollner 2022, doi:10.1002/nbm.4618)."""


def basis(
    *,
    output: Path | None = None,
    overwrite: bool = False,
    sequence: SequenceName | None = None,
    te: float | None = None,
    te1: float | None = None,
    tm: float | None = None,
    edit: tuple[float, float] = (1.9, 7.46),
    field: float = 3.0,
    metabolites: tuple[str, ...] | None = None,
    linewidth: float = 2.0,
    points: int = 2560,
    dwelltime: float = 0.0004,
    mm: bool = False,
    shipped: str | None = None,
    list_shipped: bool = False,
) -> None:
    """Make a basis set by density-matrix simulation, as FSL-MRS's folder of JSON files.

    Needs mrsandbox (``pip install "fsl-mrs-dl[basis]"``), but for --list_shipped. Pulses are ideal, but for
    the editing pulses of mega-press, which makes three folders: on, off and diff.

    Parameters
    ----------
    output : Path
        Folder for the basis set.
    overwrite : bool
        Replace files of the same names, nothing else.
    sequence : str
        press, steam, slaser (four refocusing pulses with equal spacing) or mega-press (editing pulses of 14
        ms).
    te : float
        Echo time, in ms.
    te1 : float
        First echo time of press, in ms. Default: half of the echo time.
    tm : float
        Mixing time of steam, in ms.
    edit : tuple of float
        Frequencies of the editing pulses of mega-press, ON and OFF, in ppm.
    field : float
        Field strength in T, at 42.576 MHz/T. A scanner of 123.25 MHz has 2.8948 T.
    metabolites : tuple of str
        Metabolites, for example NAA Cr. Default: twenty of the brain.
    linewidth : float
        Lorentzian width (FWHM), in Hz.
    points : int
        Number of points of an FID.
    dwelltime : float
        Time between points, in s.
    mm : bool
        Add the macromolecules MM09 to MM20.
    shipped : str
        Make a shipped basis set again, by its name, or all of them (all), each in its own folder. Only --output
        and --overwrite count then.
    list_shipped : bool
        Print the names of the shipped basis sets, and do nothing else.

    Raises
    ------
    MRSDLError
        If an option or the output folder cannot be used, or mrsandbox is not installed.

    Examples
    --------
    fsl_mrs_dl basis --sequence press --te 30 --te1 11 --field 2.8948 --mm --output press30
    """
    if list_shipped:
        print("\n".join(f"{name}: {description(recipe)}" for name, recipe in RECIPES.items()))  # noqa: T201
        return
    if output is None:
        raise OptionError("--output is missing; name a folder for the basis set.")
    if shipped is not None:
        recipes = _shipped(shipped)
    else:
        user_recipe = _user_recipe(
            sequence, te, te1, tm, edit, field, metabolites, linewidth, points, dwelltime, mm
        )
        parts: tuple[Part, ...] = ("on", "off", "diff") if user_recipe.sequence == "mega-press" else ("",)
        recipes = {part: replace(user_recipe, part=part) for part in parts}
    for name, recipe in tqdm(recipes.items(), desc="basis", leave=False, disable=None):
        write_basis(recipe, output / name, overwrite=overwrite)


def _shipped(name: str) -> dict[str, BasisRecipe]:
    if name == "all":
        return dict(RECIPES)
    if name not in RECIPES:
        raise OptionError(f"--shipped is {name!r}; it must be all, or one of {', '.join(RECIPES)}.")
    return {name: RECIPES[name]}


def _user_recipe(
    sequence: SequenceName | None,
    te: float | None,
    te1: float | None,
    tm: float | None,
    edit: tuple[float, float],
    field: float,
    metabolites: tuple[str, ...] | None,
    linewidth: float,
    points: int,
    dwelltime: float,
    mm: bool,
) -> BasisRecipe:
    """Check the options of a user's own basis set, and return its recipe."""
    if sequence is None or sequence not in get_args(SequenceName) or te is None:
        raise OptionError("--sequence and --te are needed, or --shipped, or --list_shipped.")
    numbers = {"te": te, "field": field, "linewidth": linewidth, "points": points, "dwelltime": dwelltime}
    numbers |= {name: value for name, value in {"te1": te1, "tm": tm}.items() if value is not None}
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise OptionError(f"--{name} is {value}; it must be positive.")
    if points > _LARGEST_POINTS:
        raise OptionError(f"--points is {points}; at most {_LARGEST_POINTS} are simulated.")
    if te1 is not None and (sequence != "press" or te1 >= te):
        raise OptionError(f"--te1 {te1:g} is only for press, and must be less than --te {te:g}.")
    if (tm is None) == (sequence == "steam"):
        raise OptionError("--tm is needed for steam, and only there.")
    names = tuple(dict.fromkeys(map(canonical_name, metabolites or BRAIN_METABOLITES)))
    if sequence == "press" and te1 is None:
        te1 = te / 2
    return BasisRecipe(
        sequence,
        te / 1e3,
        round(field * NUCLEI["1H"].gyromagnetic_mhz_per_t, 6),
        dwelltime,
        points,
        None if te1 is None else te1 / 1e3,
        None if tm is None else tm / 1e3,
        edit if sequence == "mega-press" else None,
        metabolites=names,
        linewidth_hz=linewidth,
        macromolecules=mm,
    )


def make_basis(recipe: BasisRecipe) -> Basis:
    """Simulate the basis set of a recipe.

    Parameters
    ----------
    recipe : BasisRecipe

    Returns
    -------
    Basis
        Rounded as it is written; metabolites first, then macromolecules. A difference lacks metabolites that
        cancel in it, singlets away from the editing pulses: no fit can determine them.

    Raises
    ------
    MRSDLError
        If a metabolite has no spin system, a time is too short, or mrsandbox is not installed.
    """
    sampling = (recipe.n_points, recipe.dwelltime_s, recipe.spectrometer_frequency_mhz)
    fids, names = density_matrix.metabolite_fids(recipe), recipe.metabolites
    if recipe.part == "diff":
        visible = np.abs(fids).max(axis=1) >= _LEAST_HEIGHT
        fids, names = (
            fids[visible],
            tuple(name for name, is_visible in zip(names, visible, strict=True) if is_visible),
        )
    if recipe.macromolecules:
        lines = [line for line in WILSON_2011 if line.signal.startswith("MM")]
        added = line_basis(_COEDITED if recipe.part == "diff" else lines, *sampling)
        fids, names = np.concatenate([fids, added.fids]), (*names, *added.names)
    return Basis(
        np.round(fids, _DECIMALS) + 0,
        names,
        recipe.dwelltime_s,
        recipe.spectrometer_frequency_mhz,
        echo_time_s=recipe.echo_time_s,
        sequence=f"{recipe.sequence} {recipe.part}".strip(),
    )


def write_basis(recipe: BasisRecipe, folder: Path, *, overwrite: bool = False) -> None:
    """Simulate the basis set of a recipe and write it, with the settings in every file.

    Parameters
    ----------
    recipe : BasisRecipe
    folder : Path
    overwrite : bool
        Replace files of the same names, nothing else.

    Raises
    ------
    MRSDLError
        As :func:`make_basis`, or if the folder cannot be written.
    """
    with Staging(folder, overwrite=overwrite) as staging:
        simulated = make_basis(recipe)
        staging.reserve(*(f"{name}.json" for name in simulated.names))
        with tempfile.TemporaryDirectory() as aside:
            write_json_basis(simulated, Path(aside))
            for name in simulated.names:
                content = json.loads((Path(aside) / f"{name}.json").read_text(encoding="utf-8"))
                content["meta"] |= _about(recipe, name)
                for key in ("basis_re", "basis_im"):
                    content["basis"][key] = [value or 0 for value in content["basis"][key]]  # 0 is not -0.0
                content["basis"]["basis_width"] = recipe.linewidth_hz if name in recipe.metabolites else None
                text = json.dumps(content, separators=(",", ":"))
                staging.path(f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _about(recipe: BasisRecipe, name: str) -> dict[str, Any]:
    """Return the facts about a simulation for the file of a metabolite; times in ms, as on a scanner."""
    metabolite = name in recipe.metabolites
    lines = "Wilson 2011, doi:10.1002/mrm.22579"
    if recipe.part == "diff":
        lines = "co-edited macromolecules of Osprey, doi:10.1002/nbm.4618"
    facts = {
        "SimVersion": f"mrsandbox {density_matrix.version()}, fsl_mrs_dl {__version__}",
        "Sequence": recipe.sequence,
        "EchoTime_ms": round(recipe.echo_time_s * 1e3, 6),
        "EchoTime1_ms": _ms(recipe.first_echo_time_s),
        "MixingTime_ms": _ms(recipe.mixing_time_s),
        "EditingPulses_ppm": list(recipe.edit_ppm) if recipe.edit_ppm else None,
        "EditCondition": recipe.part or None,
        "SpectrometerFrequency_MHz": recipe.spectrometer_frequency_mhz,
        "FieldStrength_T": round(recipe.spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t, 4),
        "Linewidth_Hz": recipe.linewidth_hz if metabolite else None,
        "Pulses": "hard, instantaneous; coherence filters for crushers; no relaxation",
        "Scale": "an uncoupled proton has amplitude 1",
        "SpinSystem": density_matrix.SOURCES[density_matrix.table_of(name)] if metabolite else lines,
        "Simulator": "https://github.com/julianmer/MRSandbox (MIT)" if metabolite else "fsl_mrs_dl",
    }
    if recipe.edit_ppm:
        facts["Pulses"] = f"editing: Gaussian, 14 ms; others {facts['Pulses']}"
    return {key: value for key, value in facts.items() if value is not None}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 6)
