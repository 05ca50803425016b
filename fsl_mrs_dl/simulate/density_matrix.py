"""Simulate FIDs of coupled metabolites by density matrices: the only module that imports ``mrsandbox``.

mrsandbox (J. P. Merkofer, MIT licence, https://github.com/julianmer/MRSandbox) is optional and imported when it is
called. Its tables have chemical shifts and couplings from the publications in :data:`SOURCES`. Pulses are hard and
instantaneous, except the editing pulses of MEGA-PRESS; coherence filters replace crushers; there is no relaxation.
Signals are scaled so that an uncoupled proton has amplitude 1 in every sequence, also in STEAM, where half of the
signal is lost: the water that scales a measurement loses the same half.
"""

import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.simulate.shipped import BasisRecipe

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "govind_2015": "Govindaraju 2000 (doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V) with the "
        "corrections of Govind 2015 (doi:10.1002/nbm.3336)",
        "degraaf_2019": "de Graaf, In Vivo NMR Spectroscopy, 3rd ed. 2019, table 2.1",
        "newest": "Wermter 2026 at 37 C and pH 7, completed from de Graaf 2019, as mrsandbox merges them",
        "terpstra_2006": "Terpstra 2006 (doi:10.1002/mrm.21082)",
    }
)
"""Sources of chemical shifts and couplings: name of the table -> publication."""

TABLES: Mapping[str, str] = MappingProxyType(
    {
        # Govindaraju has no ascorbate and no couplings of NAAG's glutamate; his Gln and Asp were measured again.
        "Asc": "terpstra_2006",
        "Asp": "newest",
        "Gln": "degraaf_2019",
        "NAAG": "degraaf_2019",
    }
)
"""Metabolites that are not from Govindaraju's table as corrected in 2015; others that it lacks are from newest."""

_ASCORBATE_PPM = (4.4965, 4.0072, 3.7469, 3.7194)
"""Chemical shifts of ascorbate, in ppm (Terpstra 2006)."""
_ASCORBATE_HZ = ((0, 1, 2.055), (1, 2, 5.780), (1, 3, 7.373), (2, 3, -11.585))
"""Couplings of ascorbate: proton, proton, J in Hz (Terpstra 2006)."""
_SPELLINGS = {"PCh": "PCho", "bHB": "BHB"}
_EDITING_PULSE_S, _FIRST_REFOCUSING_S = 0.014, 0.005
"""Length of an editing pulse, and delay from excitation to the first refocusing pulse, in s."""
_LEAST_AMPLITUDE = 1e-7
"""Amplitude of a transition, in protons, below which it is rounding error and dropped."""


def table_of(metabolite: str) -> str:
    """Return the name of the table (a key of :data:`SOURCES`) of a metabolite.

    Raises
    ------
    OptionError
        If no table has the metabolite.
    MissingDependencyError
        If mrsandbox is not installed.
    """
    if metabolite in TABLES:
        return TABLES[metabolite]
    database = _module("mrsandbox.database").Database()
    spelling = _SPELLINGS.get(metabolite, metabolite)
    for table in ("govind_2015", "newest"):
        if spelling in database.metabolites(table):
            return table
    known = ", ".join(database.metabolites("newest"))
    raise OptionError(f"There is no spin system of {metabolite!r}; mrsandbox has {known}.")


def version() -> str:
    """Return the version of mrsandbox.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    _module("mrsandbox")
    return importlib.metadata.version("mrsandbox")


def metabolite_fids(recipe: BasisRecipe) -> Complex:
    """Simulate the FID of every metabolite of a recipe.

    Parameters
    ----------
    recipe : BasisRecipe
        Of an edited pair, one part.

    Returns
    -------
    ndarray, complex, shape (metabolite, time)
        In the package's sign; uncoupled protons have amplitude 1.

    Raises
    ------
    OptionError
        If a metabolite has no spin system, or the echo time is too short.
    MissingDependencyError
        If mrsandbox is not installed.
    """
    if recipe.part == "diff":
        return metabolite_fids(replace(recipe, part="on")) - metabolite_fids(replace(recipe, part="off"))
    simulator = _Simulator(recipe)
    return np.array([simulator.fid(name) for name in recipe.metabolites])


class _Simulator:
    """Simulator of one sequence at one field."""

    def __init__(self, recipe: BasisRecipe) -> None:
        _module("mrsandbox")
        self.recipe = recipe
        spins = _module("mrsandbox.spins").SpinSystem
        self.gamma = float(_module("mrsandbox.database").Database().gamma("1H"))
        field_t = recipe.spectrometer_frequency_mhz / self.gamma
        self.engine = _module("mrsandbox.engine").Engine(field_t)
        self.sequence = _sequence(recipe)
        reference = NUCLEI["1H"].reference_ppm
        proton = spins("proton", "1H", (reference,), ((0.0,),), 1.0, self.gamma)
        # The same in OFF and ON: the editing pulses are too narrow to reach the reference.
        self.unit = float(np.abs(self._lines(proton)[1].sum()))

    def fid(self, metabolite: str) -> Complex:
        """Return the FID of a metabolite, shape (time,)."""
        recipe = self.recipe
        systems, exchanging_ppm = self._systems(metabolite)
        transitions = [self._visible(system, exchanging_ppm) for system in systems]
        offset_hz = np.concatenate([hz for hz, _ in transitions])
        amplitude = np.concatenate([weight for _, weight in transitions]) / self.unit
        gamma = gamma_from_fwhm(recipe.linewidth_hz)
        like = np.empty(1, np.complex128)
        zeros = np.zeros(len(offset_hz))
        lines = singlet(recipe.n_points, recipe.dwelltime_s, offset_hz, zeros + gamma, zeros, like)
        fid: Complex = amplitude @ lines
        return fid

    def _systems(self, metabolite: str) -> tuple[list[Any], Real]:
        """Return the spin systems, and the chemical shifts of protons that exchange with water."""
        spins, table = _module("mrsandbox.spins").SpinSystem, table_of(metabolite)
        if table == "terpstra_2006":
            couplings = np.zeros((4, 4))
            for a, b, hz in _ASCORBATE_HZ:
                couplings[a, b] = couplings[b, a] = hz
            j_hz = tuple(map(tuple, couplings.tolist()))
            return [spins("Asc", "1H", _ASCORBATE_PPM, j_hz, 1.0, self.gamma)], np.empty(0)
        spelling = _SPELLINGS.get(metabolite, metabolite)
        record = _module("mrsandbox.database").Database().spin_system(spelling, source=table)
        exchanging = [
            ppm
            for group in record["groups"]
            for label, ppm in group["spins"].items()
            if label.startswith("NH")
        ]
        return list(spins.from_database(spelling, source=table)), np.array(exchanging)

    def _visible(self, system: Any, exchanging_ppm: Real) -> tuple[Real, Complex]:
        """Return offset (Hz) and amplitude of a system's lines, without those of exchanging protons.

        Amide and amine protons stay coupling partners. Their own lines are broadened by exchange and saturated
        with the water, so that a fit does not need them; the ISMRM set has none either.
        """
        hz, amplitude = self._lines(system)
        shifts_ppm = np.array(system.shifts_ppm)
        ppm = hz / self.recipe.spectrometer_frequency_mhz
        nearest = shifts_ppm[np.argmin(np.abs(ppm[:, None] - shifts_ppm), axis=1)]
        keep = (np.abs(amplitude) > _LEAST_AMPLITUDE * self.unit) & ~np.isin(nearest, exchanging_ppm)
        reference_hz = NUCLEI["1H"].reference_ppm * self.recipe.spectrometer_frequency_mhz
        return hz[keep] - reference_hz, amplitude[keep]

    def _lines(self, system: Any) -> tuple[Real, Complex]:
        """Return frequency (Hz from 0 ppm) and amplitude of all transitions of a system."""
        precision = _module("mrsandbox.backend").precision
        before = precision.REAL
        precision.set_precision("float64")
        try:
            hz, amplitude = self.engine.lines(self.sequence, system)
            convert = _module("keras").ops.convert_to_numpy
            return np.asarray(convert(hz), np.float64), np.asarray(convert(amplitude), np.complex128)
        finally:
            precision.set_precision(before)


def _sequence(recipe: BasisRecipe) -> Any:
    """Return the sequence of a recipe as an object of mrsandbox."""
    library = _module("mrsandbox.sequences")
    te = recipe.echo_time_s
    if recipe.sequence == "press":
        te1 = te / 2 if recipe.first_echo_time_s is None else recipe.first_echo_time_s
        return library.Press(te1, te - te1)
    if recipe.sequence == "steam":
        return library.Steam(te, recipe.mixing_time_s)
    pulse = library.Pulse(180.0, phase_deg=90.0)
    if recipe.sequence == "slaser":
        delays = [te / 8, te / 4, te / 4, te / 4, te / 8]
        return _echoes(library, delays, [pulse] * 4, [True] * 4)
    quarter = te / 4
    delays = [_FIRST_REFOCUSING_S, quarter, quarter, quarter, quarter - _FIRST_REFOCUSING_S]
    # The delays are between the centres of the pulses, and an editing pulse takes time on both sides.
    half = _EDITING_PULSE_S / 2
    delays = [delay - part * half for delay, part in zip(delays, (0, 1, 1, 1, 1), strict=True)]
    if min(delays) <= 0:
        raise OptionError(f"--te {te * 1e3:g} is too short for editing pulses of 14 ms; 48 is the least.")
    if recipe.edit_ppm is None:
        raise OptionError("MEGA-PRESS needs --edit.")
    ppm = recipe.edit_ppm[0 if recipe.part == "on" else 1]
    mhz = recipe.spectrometer_frequency_mhz
    edit = _module("mrsandbox.sequences.library").editing_pulse(ppm, mhz, _EDITING_PULSE_S)
    return _echoes(library, delays, [pulse, edit, pulse, edit], [True, False, True, False])


def _echoes(library: Any, delays: list[float], pulses: list[Any], turns: list[bool]) -> Any:
    """Return an excitation, pulses and delays; crushers select the coherence that a pulse inverts or leaves."""
    order = -1
    events = [library.Pulse(90.0), library.CoherenceFilter(order), library.Delay(delays[0])]
    for pulse, turn, delay in zip(pulses, turns, delays[1:], strict=True):
        events += [library.CoherenceFilter(order), pulse]
        order = -order if turn else order
        events += [library.CoherenceFilter(order), library.Delay(delay)]
    return library.Sequence(*events)


def _module(name: str) -> Any:
    # Installed with the extra; without this Keras looks for TensorFlow.
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return require(name, "making a basis set")
