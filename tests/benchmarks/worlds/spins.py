"""Basis sets from which the metabolites of a world are made, and the shipped set each is fitted with."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics import covered_points, damp, on_points, sound_basis
from fsl_mrs_dl.simulate.basis import make_basis
from fsl_mrs_dl.simulate.shipped import RECIPES, BasisRecipe, shipped_basis
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.worlds.amounts import HEALTHY

POINTS, DWELLTIME_S = 1024, 5e-4  # 0.5 s at 2 kHz
_MATCHING_RATE = 60.0
"""Damping in rad/s (19 Hz) under which two creatines are compared: the basis sets' own widths differ."""


@dataclass(frozen=True)
class BasisSource:
    """Where a making set lies, and what it is.

    Attributes
    ----------
    fitted : str
        Shipped basis set that is fitted.
    echo_time_s : float
        In s.
    said : str
        In words.
    place : str
        Below the folder of measured data; empty: it comes with the package.
    options : mapping
        Of the reader, where the file says too little.
    recipe : BasisRecipe or None
        What it is simulated by instead, where mrsandbox is installed.
    """

    fitted: str
    echo_time_s: float
    description: str
    place: str = ""
    options: Mapping[str, float] = field(default_factory=dict)
    recipe: BasisRecipe | None = None


SOURCES: Mapping[str, BasisSource] = MappingProxyType(
    {
        "press_3t_te30": BasisSource("press_3t_te30", 0.030, "the fitted set"),
        "press_3t_te35": BasisSource("press_3t_te35", 0.035, "the fitted set, PRESS TE 35"),
        "slaser_3t_te28": BasisSource("slaser_3t_te28", 0.028, "the fitted set, sLASER TE 28"),
        "ismrm_2016": BasisSource(
            "press_3t_te30",
            0.030,
            "metabolites of the ISMRM 2016 basis set",
            "ismrm2016_basis/basisset_text_noTMS",
            {"dwelltime_s": 2.5e-4, "spectrometer_frequency_mhz": 123.22},
        ),
        "philips_te35": BasisSource(
            "press_3t_te35",
            0.035,
            "PRESS TE 35 with a scanner's shaped pulses, 127.7 MHz",
            "invivo/press_3t/3T_PRESS_Philips_35ms_noMM.BASIS",
        ),
        # The files say no echo time; of the shipped sLASER sets that of 28 ms is the most alike: correlation in
        # 0.2-4.2 ppm of GABA 0.999 (0.965 at 35 ms), Lac 0.995 (0.979), Asp 0.996 (0.972).
        "slaser_other": BasisSource(
            "slaser_3t_te28", 0.028, "an sLASER set simulated by others", "slaser_basis/basis_sets/basis_3T"
        ),
        "press_15_15": BasisSource(
            "press_3t_te30",
            0.030,
            "PRESS TE 30 of 15 + 15 ms; the fitted set has 11 + 19",
            recipe=replace(RECIPES["press_3t_te30"], first_echo_time_s=0.015, macromolecules=False),
        ),
    }
)


@dataclass(frozen=True, eq=False)
class Making:
    """Metabolites at the points of the data.

    Attributes
    ----------
    fids : ndarray, complex128, shape (metabolite, time)
    names : tuple of str
        Canonical.
    spectrometer_frequency_mhz : float
        In MHz.
    per_proton : float
        What the first point of one proton at 1 mmol/kg is in this set's unit.
    """

    fids: Complex
    names: tuple[str, ...]
    spectrometer_frequency_mhz: float
    per_proton: float


@cache
def making(name: str) -> Making | None:
    """Return a making set by name; None where its files, or its simulator, are absent.

    The macromolecules of a set are left out, and what :data:`~.amounts.HEALTHY` has no amount of. A set that ends
    early makes shorter data.

    Parameters
    ----------
    name : str
        Key of :data:`SOURCES`.

    Returns
    -------
    Making or None
    """
    source = SOURCES[name]
    read = _read(name, source)
    if read is None:
        return None
    basis = _metabolites(read)
    mhz = basis.spectrometer_frequency_mhz
    there = on_points(basis, min(POINTS, covered_points(basis, DWELLTIME_S, mhz)), DWELLTIME_S, mhz)
    ours = read_basis(shipped_basis(source.fitted))
    n_points = there.fids.shape[1]
    here = on_points(ours, n_points, DWELLTIME_S, ours.spectrometer_frequency_mhz)
    # The shipped sets count protons: a first point of 1 is one proton at 1 mmol/kg.
    per_proton = _creatine(there) / _creatine(here)
    return Making(np.asarray(there.fids, dtype=np.complex128), there.names, mhz, per_proton)


def _read(name: str, source: BasisSource) -> Basis | None:
    if source.recipe is not None:
        return make_basis(source.recipe) if importlib.util.find_spec("mrsandbox") else None
    path = data_folder() / source.place if source.place else shipped_basis(name)
    return read_basis(path, **source.options) if path.exists() else None


def _metabolites(read: Basis) -> Basis:
    chosen = [m for m, name in enumerate(read.names) if canonical_name(name) in HEALTHY]
    names = tuple(canonical_name(read.names[m]) for m in chosen)
    return sound_basis(replace(read, fids=read.fids[chosen], names=names))


def _creatine(basis: Basis) -> float:
    line = damp(np.asarray(basis.fids)[basis.names.index("Cr")], _MATCHING_RATE, 0.0, basis.dwelltime_s)
    return float(np.linalg.norm(line))


def log_uniform(ends: tuple[float, float], n: int, rng: np.random.Generator) -> Real:
    """Return n positive numbers whose logarithm is uniform between two ends."""
    low, high = np.log(ends)
    drawn: Real = np.exp(rng.uniform(float(low), float(high), n))
    return drawn
