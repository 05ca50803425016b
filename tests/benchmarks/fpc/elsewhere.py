"""Transients of worlds that no shipped network was trained on: what the networks are worth on data of others."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.basis.names import canonical_name
from fsl_mrs_dl.physics import add_noise, covered_points, fid_to_spectrum, on_points, phase, shift, singlet
from fsl_mrs_dl.physics.lines import sigma_from_fwhm
from fsl_mrs_dl.physics.macromolecules import MM_SETS
from fsl_mrs_dl.simulate.basis import make_basis
from fsl_mrs_dl.simulate.shipped import RECIPES, BasisRecipe
from fsl_mrs_dl.train.registration_data import Transients
from tests.benchmarks.realdata import data_folder
from tests.benchmarks.worlds import additions
from tests.benchmarks.worlds.amounts import HEALTHY, draw_amounts
from tests.benchmarks.worlds.lineshapes import EDDY, SHIM, SPLIT, VOIGT, lineshapes
from tests.benchmarks.worlds.spins import DWELLTIME_S, log_uniform

NONE, STABLE, UNSTABLE = "none", "stable", "unstable"
SNR_PEAK = (2.5, 5.0, 10.0, 25.0)  # from where gn begins to fail to a very good transient
SHIFT_PPM = 0.3  # either way: 37 Hz at 3 T, a little less than networks and gn are for
TRANSIENTS = 64  # of a scan, as many as short ones have
_MM_SHARE = 0.25  # of the first point of the metabolites
# Factors on the water and the lipids of the worlds, which are what is left after removal and good suppression.
_MORE_WATER, _MORE_LIPID = (1.0, 10.0), (1.0, 10.0)


@dataclass(frozen=True)
class Elsewhere:
    """A world.

    Attributes
    ----------
    name : str
        What it is, in words.
    basis : str or BasisRecipe
        A basis set below the folder of measured data, or how mrsandbox simulates it.
    options : mapping
        Of the reader, where a file says too little.
    mm : str
        Key of :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS`, or ``none``.
    lineshape : str
        One of :data:`~tests.benchmarks.worlds.lineshapes.LINESHAPES`.
    water, lipid : str
        ``none``, ``stable``, or ``unstable``: of lines, amplitudes and phases of its own in each transient.
    missing : int
        First points that are missing.
    n_points : int
        Fewer where the basis set ends before.
    dwelltime_s : float
        In s.
    """

    name: str
    basis: str | BasisRecipe
    options: Mapping[str, float] = field(default_factory=dict)
    mm: str = "wilson_2011"
    lineshape: str = VOIGT
    water: str = NONE
    lipid: str = NONE
    missing: int = 0
    n_points: int = 1024
    dwelltime_s: float = DWELLTIME_S


_SANDBOX = replace(RECIPES["press_3t_te30"], first_echo_time_s=0.015, macromolecules=False)
_LONG = replace(_SANDBOX, echo_time_s=0.144, first_echo_time_s=0.040)
_EDITED = replace(RECIPES["mega-press_3t_te68_on"], echo_time_s=0.080, macromolecules=False)
_ISMRM = "ismrm2016_basis/basisset_text_noTMS"
_ISMRM_SAMPLING = {"dwelltime_s": 2.5e-4, "spectrometer_frequency_mhz": 123.22}
_PHILIPS = "invivo/press_3t/3T_PRESS_Philips_35ms_noMM.BASIS"
_SLASER = "slaser_basis/basis_sets/basis_{}T"

WORLDS: Mapping[str, tuple[Elsewhere, ...]] = {
    "3 T": (
        Elsewhere("PRESS TE 30, no water", _SANDBOX),
        Elsewhere("PRESS TE 30, unstable water", _SANDBOX, water=UNSTABLE),
        Elsewhere(
            "ISMRM basis set, uneven shim, water, lipids",
            _ISMRM,
            _ISMRM_SAMPLING,
            mm="murali_2020_white",
            lineshape=SHIM,
            water=STABLE,
            lipid=STABLE,
        ),
        Elsewhere(
            "ISMRM basis set, unstable water and lipids",
            _ISMRM,
            _ISMRM_SAMPLING,
            mm="murali_2020_white",
            lineshape=EDDY,
            water=UNSTABLE,
            lipid=UNSTABLE,
            n_points=2048,
            dwelltime_s=2.5e-4,
        ),
        Elsewhere(
            "shaped pulses at 127.7 MHz, unstable water, 3 points missing",
            _PHILIPS,
            mm="birch_2017",
            lineshape=SPLIT,
            water=UNSTABLE,
            missing=3,
        ),
        Elsewhere("sLASER of others, unstable lipids", _SLASER.format(3), mm="povazan_2015", lipid=UNSTABLE),
        Elsewhere("PRESS TE 144, unstable water", _LONG, mm=NONE, water=UNSTABLE),
        Elsewhere("MEGA-PRESS TE 80, ON, unstable water", _EDITED, water=UNSTABLE),
        Elsewhere("MEGA-PRESS TE 80, OFF, water", replace(_EDITED, part="off"), lineshape=SHIM, water=STABLE),
    ),
    "7 T": (
        Elsewhere(
            "sLASER of others, no water",
            _SLASER.format(7),
            mm="povazan_2015",
            n_points=4096,
            dwelltime_s=1.25e-4,
        ),
        Elsewhere(
            "sLASER of others, unstable water and lipids",
            _SLASER.format(7),
            mm="murali_2020_white",
            lineshape=SHIM,
            water=UNSTABLE,
            lipid=UNSTABLE,
            n_points=4096,
            dwelltime_s=1.25e-4,
        ),
    ),
}


@cache
def _members(basis: str | BasisRecipe, options: tuple[tuple[str, float], ...]) -> Basis | None:
    """Return the metabolites that have an amount; None where the files or mrsandbox are absent."""
    if isinstance(basis, BasisRecipe):
        whole = make_basis(basis) if importlib.util.find_spec("mrsandbox") else None
    else:
        path = data_folder() / basis
        whole = read_basis(path, **dict(options)) if path.exists() else None
    if whole is None:
        return None
    chosen = [m for m, name in enumerate(whole.names) if canonical_name(name) in HEALTHY]
    names = tuple(canonical_name(whole.names[m]) for m in chosen)
    return replace(whole, fids=whole.fids[chosen], names=names)


def scan(
    world: Elsewhere, snr_peak: float, rng: np.random.Generator, n: int = TRANSIENTS
) -> Transients | None:
    """Make one scan; None where what it is made from is absent.

    Parameters
    ----------
    world : Elsewhere
    snr_peak : float
        Highest peak of the metabolites' spectrum (magnitude) over the SD of the noise of a channel in it.
    rng : numpy.random.Generator
    n : int
        Transients.
    """
    members = _members(world.basis, tuple(world.options.items()))
    if members is None:
        return None
    mhz = members.spectrometer_frequency_mhz
    covered = covered_points(members, world.dwelltime_s, mhz)
    basis = on_points(members, min(world.n_points + world.missing, covered), world.dwelltime_s, mhz)
    still = _still(world, basis, rng)
    height = float(np.abs(fid_to_spectrum(still[world.missing :])).max())
    # The parts of the worlds have one dwell time; seen through another, times and frequencies scale.
    scaled_mhz = mhz * world.dwelltime_s / DWELLTIME_S
    one = len(still), scaled_mhz
    fids = np.repeat(still[None], n, axis=0)
    if world.water != NONE:
        own = 1 if world.water == STABLE else n
        size = log_uniform(_MORE_WATER, 1, rng) * height
        fids = fids + additions.water_fids(own, *one, np.full(own, size), rng)
    if world.lipid != NONE:
        own = 1 if world.lipid == STABLE else n
        size = log_uniform(_MORE_LIPID, 1, rng) * abs(still[0])
        fids = fids + additions.lipid_fids(own, *one, np.full(own, size), rng)
    shift_hz = rng.uniform(-SHIFT_PPM, SHIFT_PPM, n) * mhz
    phase_rad = rng.uniform(-np.pi, np.pi, n)
    moved = phase(shift(fids, shift_hz, world.dwelltime_s), phase_rad)[:, world.missing :]
    sigma = np.full(n, height / snr_peak)
    noisy = add_noise(moved, sigma, rng).astype(np.complex64)
    # The shift has turned what is left by its first point.
    truth = np.stack([shift_hz, phase_rad + 2 * np.pi * shift_hz * world.missing * world.dwelltime_s], axis=1)
    return Transients(noisy, truth, world.dwelltime_s, mhz, np.full(n, "Free"), world.name, noise_sigma=sigma)


def _still(world: Elsewhere, basis: Basis, rng: np.random.Generator) -> Complex:
    """Return the signal of a scan without shift, water, lipids and noise, shape (time,)."""
    metabolites = (draw_amounts(basis.names, 1, rng) @ basis.fids)[0]
    broad = _macromolecules(world, basis, rng) * _MM_SHARE * abs(metabolites[0])
    shape = lineshapes(world.lineshape, 1, basis.fids.shape[1], rng)[0]
    still: Complex = (metabolites + broad) * shape
    return still


def _macromolecules(world: Elsewhere, basis: Basis, rng: np.random.Generator) -> Complex | Real:
    """Return macromolecules whose first point is 1, shape (time,)."""
    if world.mm == NONE:
        return np.zeros(basis.fids.shape[1])
    lines = MM_SETS[world.mm]
    mhz = basis.spectrometer_frequency_mhz
    hz = np.array([(line.ppm - NUCLEI["1H"].reference_ppm) * mhz for line in lines])
    sigma = sigma_from_fwhm(np.array([line.fwhm_ppm * mhz for line in lines]))
    area = np.array([line.amplitude for line in lines]) * np.exp(0.1 * rng.standard_normal(len(lines)))
    fids = singlet(basis.fids.shape[1], world.dwelltime_s, hz, 0.0 * hz, sigma, np.zeros(1, complex))
    whole: Complex = area @ fids / area.sum()
    return whole
