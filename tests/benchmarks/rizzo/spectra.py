"""The simulated spectra of the study (Rizzo et al. 2023, doi:10.1002/mrm.29561), and its re-weighted sets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import damp, on_points, singlet
from fsl_mrs_dl.physics.lines import BIRCH_2017, gamma_from_fwhm, gaussian_lines, sigma_from_fwhm
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

POINTS, DWELLTIME_S = 1792, 2.5e-4
"""Points, as many as the published spectrogram reaches; s between them, as published."""
BASIS = "slaser_3t_te35"
MAXIMA: Mapping[str, float] = MappingProxyType(
    {
        "tCho": 5.0,
        "NAAG": 2.8,
        "NAA": 25.8,
        "Asp": 3.5,
        "tCr": 18.5,
        "GABA": 1.8,
        "Glc": 2.0,
        "Glu": 20.0,
        "Gln": 5.8,
        "GSH": 2.0,
        "Gly": 2.0,
        "Lac": 1.0,
        "mI": 14.7,
        "PE": 3.3,
        "sI": 0.6,
        "Tau": 2.0,
    }
)
"""Largest concentrations in mM; each is uniform from 0."""
NAMES = tuple(MAXIMA)
WATER_MM, WATER_PPM, WATER_PROTONS = 64.5, 0.5, 2
"""The scaled-down water line: mM and ppm as published, and protons a molecule."""
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "well": ("NAA", "tCho", "tCr", "mI", "Glu"),
        "medium": ("Glc", "NAAG", "Gln", "GSH"),
        "weak": ("sI", "Gly", "Asp", "PE", "Tau", "Lac", "GABA"),
    }
)
SNR, SHIM_HZ, MM_SPREAD = (5.0, 40.0), (2.0, 5.0), 0.33
"""SNR of water, Gaussian width in Hz, relative spread of the macromolecules; uniform, as published."""
GAINS = (0.5, 2.0)
"""Receiver gains where they are random: uniform in their logarithm."""
_T2_S = 0.185  # s; of most protons, as published
_MM_SHARE = 0.2
"""First point of the macromolecules over that of the metabolites at mid-range: the middle of 0.1 to 0.3
(:data:`fsl_mrs_dl.simulate.brain.MACROMOLECULES`)."""
_PARTS = {"tCho": ("GPC", "PCh"), "tCr": ("Cr", "PCr"), "mI": ("Ins",), "sI": ("sIns",)}
_EDGES = ((0.0, 0.2), (0.8, 1.0))  # shares of the range, as published
_LOW_SNR = (5.0, 15.0)  # of the set SNR-w, as published
WEIGHTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fully-w": NAMES,
        "GABA-w": ("GABA",),
        "sI-w": ("sI",),
        "GSPT-w": ("GABA", "sI", "PE", "Tau"),
    }
)
"""Re-weighted set -> whose concentrations of the added spectra are in the lowest or the highest fifth."""
CLIPS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "0 to mean": (0.0, 0.5, 0.0),
        "20 to 80 %": (0.2, 0.8, 0.0),
        "40 to 60 %": (0.4, 0.6, 0.0),
        "20 to 80 %, SNR > 20": (0.2, 0.8, 20.0),
    }
)
"""Clipped test set -> share of the range from, to; least SNR."""


@dataclass(frozen=True)
class World:
    """What spectra are like.

    Attributes
    ----------
    water : bool
        Whether the scaled-down water line is in them.
    gain : bool
        Whether the receiver gain is random.
    noise : bool
    """

    water: bool = True
    gain: bool = False
    noise: bool = True


@dataclass(frozen=True, eq=False)
class StudySpectra:
    """S spectra and their truth.

    Attributes
    ----------
    fids : ndarray, complex64, shape (S, time)
    concentrations : ndarray, float, shape (S, 16)
        In mM.
    broad : ndarray, float, shape (S,)
        Amplitude of the macromolecules; mean 1.
    gain, snr, noise_sd, shim_hz : ndarray, float, shape (S,)
        Factor on all signal; water's first point over the SD of a channel; that SD; Gaussian width in Hz.
    world : World
    """

    fids: Complex
    concentrations: Real
    broad: Real
    gain: Real
    snr: Real
    noise_sd: Real
    shim_hz: Real
    world: World

    def rows(self, which: NDArray[Any] | slice) -> "StudySpectra":
        """Return some of them."""
        names = ("fids", "concentrations", "broad", "gain", "snr", "noise_sd", "shim_hz")
        return replace(self, **{name: getattr(self, name)[which] for name in names})

    def __add__(self, other: "StudySpectra") -> "StudySpectra":
        names = ("fids", "concentrations", "broad", "gain", "snr", "noise_sd", "shim_hz")
        both: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names
        }
        return replace(self, **both)


@cache
def study_basis(points: int = POINTS) -> Basis:
    """Return 16 metabolites and water at 0.5 ppm, a unit being 1 mM, and macromolecules, a unit their mean."""
    mhz = RECIPES[BASIS].spectrometer_frequency_mhz
    shipped = on_points(read_basis(shipped_basis(BASIS)), points, DWELLTIME_S, mhz)
    whole = damp(
        np.asarray(shipped.fids),
        1 / _T2_S - gamma_from_fwhm(RECIPES[BASIS].linewidth_hz),
        0.0,
        DWELLTIME_S,
    )
    by_name = dict(zip(shipped.names, whole, strict=True))
    members = [np.mean([by_name[part] for part in _PARTS.get(name, (name,))], axis=0) for name in NAMES]
    like = np.empty(1, np.complex128)
    water_hz = np.array([(WATER_PPM - shipped.reference_ppm) * mhz])
    water = WATER_PROTONS * singlet(points, DWELLTIME_S, water_hz, np.array([1 / _T2_S]), np.zeros(1), like)
    broad = gaussian_lines(BIRCH_2017, points, DWELLTIME_S, mhz, like).sum(axis=0)
    middle = np.array(list(MAXIMA.values())) / 2
    first = abs(middle @ np.array(members)[:, 0])
    broad = broad * _MM_SHARE * first / abs(broad[0])
    fids = np.concatenate([np.array(members), water.reshape(1, -1), broad[None]])
    return replace(shipped, fids=fids, names=(*NAMES, "Water", "MM"), name="")


def simulate(
    world: World,
    n: int,
    seed: list[int],
    *,
    edges: tuple[str, ...] = (),
    snr: tuple[float, float] = SNR,
    points: int = POINTS,
) -> StudySpectra:
    """Simulate spectra.

    Parameters
    ----------
    world : World
    n : int
    seed : list of int
    edges : tuple of str
        Metabolites whose concentrations are in the lowest or the highest fifth of their range, half each.
    snr : tuple of float
    points : int
    """
    rng = np.random.default_rng(seed)
    basis = study_basis(points)
    share = rng.uniform(0, 1, (n, len(NAMES)))
    for name in edges:
        low, high = _EDGES
        places = np.where(rng.random(n) < 0.5, rng.uniform(*low, n), rng.uniform(*high, n))
        share[:, NAMES.index(name)] = places
    concentrations = share * np.array(list(MAXIMA.values()))
    broad = rng.uniform(1 - MM_SPREAD, 1 + MM_SPREAD, n)
    shim_hz, level = rng.uniform(*SHIM_HZ, n), rng.uniform(*snr, n)
    gain = np.exp(rng.uniform(np.log(GAINS[0]), np.log(GAINS[1]), n)) if world.gain else np.ones(n)
    water = np.full((n, 1), WATER_MM if world.water else 0.0)
    amplitudes = np.concatenate([concentrations, water, broad[:, None]], axis=1).astype(np.complex64)
    square = (sigma_from_fwhm(shim_hz) ** 2).astype(np.float32)
    t = (np.arange(points) * DWELLTIME_S).astype(np.float32)
    fids = (amplitudes @ np.asarray(basis.fids, np.complex64)) * np.exp(-square[:, None] * t**2)
    noise_sd = WATER_MM * WATER_PROTONS / level * world.noise
    noise = rng.standard_normal((n, 2 * points), dtype=np.float32).view(np.complex64)
    fids += noise_sd.astype(np.float32)[:, None] * noise
    fids *= gain.astype(np.float32)[:, None]
    return StudySpectra(fids, concentrations, broad, gain, level, gain * noise_sd, shim_hz, world)


def training_set(name: str, world: World, n: int, seed: int) -> StudySpectra:
    """Return a set to learn from: ``uniform``, or four fifths of it and a fifth of spectra of another kind.

    Parameters
    ----------
    name : str
        ``uniform``, ``SNR-w`` or a key of :data:`WEIGHTED`.
    world : World
    n : int
    seed : int
    """
    if name == "uniform":
        return simulate(world, n, [7, seed])
    added = n // 5
    snr = _LOW_SNR if name == "SNR-w" else SNR
    more = simulate(world, added, [8, seed, *name.encode()], edges=WEIGHTED.get(name, ()), snr=snr)
    return simulate(world, n - added, [7, seed]) + more


def test_set(world: World, n: int, seed: int) -> StudySpectra:
    """Return the spectra that every method is judged by."""
    return simulate(world, n, [1900, seed])


def clipped(spectra: StudySpectra, clip: str, metabolite: str) -> NDArray[np.bool_]:
    """Return which spectra have a metabolite within a clipped range, and the SNR that is asked for."""
    low, high, least = CLIPS[clip]
    share = spectra.concentrations[:, NAMES.index(metabolite)] / MAXIMA[metabolite]
    inside: NDArray[np.bool_] = (share >= low) & (share <= high) & (spectra.snr > least)
    return inside
