"""Training data of registration networks: simulated transients."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import on_points, shift
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, LogNormal, Normal, Uniform
from fsl_mrs_dl.simulate.nuisance import LipidContamination, ResidualWater, UnstableWater
from fsl_mrs_dl.simulate.papers import RAT_9T4_DWELLTIME_S, RAT_9T4_MHZ, deepfpc_prior
from fsl_mrs_dl.simulate.priors import Noise, Prior
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.simulate.signals import clean_fids, simulate_signals
from fsl_mrs_dl.simulate.singlets import brain_singlets

RAT_POINTS = 1980
"""Of the published data: 2048 points less 68 of group delay (doi:10.1002/mrm.29498)."""
_RAT_LINEWIDTH_HZ = 10.0
"""Of the singlets that stand in for the measured rat signal: as wide as its lines."""
_RAT_REFERENCE_PPM = 4.7
"""Chemical shift of the carrier in the published code, in ppm."""

SHIPPED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "brain_3t": (
            "press_3t_te30",
            "slaser_3t_te28",
            "mega-press_3t_te68_on",
            "mega-press_3t_te68_off",
        ),
        "brain_7t": ("steam_7t_te11", "slaser_7t_te26"),
    }
)
"""Prior -> the shipped basis sets it is made of, each an equal share of the signals."""
BRAIN_POINTS, BRAIN_DWELLTIME_S = 2048, 2.5e-4
"""Of simulated scans of the brain: 0.5 s of a band of 4 kHz, usual at 3 T."""
_CAPTURE_PPM = 0.32
"""Largest shift in ppm, either way: 40 Hz at 3 T, 95 Hz at 7 T."""
_SNR_T0 = (5.0, 40.0)
"""Lowest and highest SNR_t0 of a transient; uniform."""
_WATER = (0.5, 1.2)
"""Median and logarithmic SD of residual water over the metabolites, both at their tallest: 2.4 is one in ten."""
_LINEWIDTH_HZ_PER_T = (0.7, 2.3)
"""Of a Lorentzian and of a Gaussian each: 2 to 7 Hz at 3 T."""


@dataclass(frozen=True)
class Spread:
    """Ranges of the disturbances of each transient.

    Attributes
    ----------
    shift_hz, phase_rad : float
        Half the width of the ranges, in Hz and rad.
    nuisance : float
        Probability of each of the two nuisance signals, unstable water and lipid.
    """

    shift_hz: float
    phase_rad: float
    nuisance: float


@dataclass(frozen=True, eq=False)
class Transients:
    """Transients to learn from or to be judged by.

    Attributes
    ----------
    fids : ndarray, complex64, shape (transient, time)
    truth : ndarray, float, shape (transient, 2)
        Shift (Hz) and phase (rad); of measured ones by Gauss-Newton registration, plus what was added.
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    labels : ndarray, str, shape (transient,)
        Which nuisance signals, see :func:`fsl_mrs_dl.simulate.nuisance.nuisance_labels`.
    description : str
        What it is, in words.
    linewidth_hz, snr_t0 : tuple of float
        Lowest and highest.
    clean : ndarray, complex, shape (transient, time), or None
        Without noise and nuisance, for the bound; None where it is not known.
    noise_sigma : ndarray, float, shape (transient,), or None
        A channel.
    nucleus : str
    references : ndarray, complex, shape (scan, time), or None
        What each scan is without water, lipids and noise, at no shift and phase; its transients follow each other.
    """

    fids: Complex
    truth: Real
    dwelltime_s: float
    spectrometer_frequency_mhz: float
    labels: NDArray[np.str_]
    description: str
    linewidth_hz: tuple[float, float] = (0.0, 0.0)
    snr_t0: tuple[float, float] = (0.0, 0.0)
    clean: Complex | None = None
    noise_sigma: Real | None = None
    nucleus: str = "1H"
    references: Complex | None = None

    @property
    def sha256(self) -> str:
        """Checksum of the FIDs."""
        return hashlib.sha256(np.ascontiguousarray(self.fids, dtype="<c8").tobytes()).hexdigest()

    @property
    def ppm(self) -> Real:
        """Chemical shifts of the bins, ascending, in ppm."""
        f = np.fft.fftshift(np.fft.fftfreq(self.fids.shape[1], self.dwelltime_s))
        return NUCLEI[self.nucleus].reference_ppm + f / self.spectrometer_frequency_mhz


def default_spread(prior: str, nuisance: float) -> Spread:
    """Return the published range at 9.4 T; at 3 and 7 T the capture range of ``align``, and any phase."""
    if prior == "deepfpc":
        return Spread(20.0, pi / 2, nuisance)
    first = SHIPPED[prior.replace("world", "brain")][0]
    frequency_mhz = RECIPES[first].spectrometer_frequency_mhz
    return Spread(_CAPTURE_PPM * frequency_mhz, pi, nuisance)


def simulated(
    prior: str, signal: Path | None, spread: Spread, n: int, rng: np.random.Generator
) -> Transients:
    """Simulate transients.

    Parameters
    ----------
    prior : {"deepfpc", "brain_3t", "brain_7t"}
    signal : Path or None
        MATLAB file of the rat signal for ``deepfpc``; its place is taken by singlets at 9.4 T.
    spread : Spread
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Transients
    """
    if prior == "deepfpc":
        rat = _rat(signal)
        if signal is None:
            published = deepfpc_prior(rat, probability=spread.nuisance)
            description = "singlets of the brain at 9.4 T"
        else:
            lines = brain_singlets(RAT_9T4_MHZ, RAT_9T4_DWELLTIME_S, 32)
            published = deepfpc_prior(lines, probability=spread.nuisance)
            published = replace(published, amplitudes={"rat": Fixed(1.0)})
            description = "the measured rat signal"
        return _simulate(published, rat, spread, n, rng, f"DeepFPC's simulation on {description}", (0.5, 0.8))
    names = SHIPPED[prior]
    counts = [n // len(names) + (i < n % len(names)) for i in range(len(names))]
    parts = []
    for name, count in zip(names, counts, strict=True):
        basis = read_basis(shipped_basis(name))
        resampled = on_points(basis, BRAIN_POINTS, BRAIN_DWELLTIME_S, basis.spectrometer_frequency_mhz)
        parts.append(_simulate(_brain_prior(basis, spread), resampled, spread, count, rng, name))
    return _together(parts, rng, f"brain at {prior.removeprefix('brain_')} from {', '.join(names)}")


def _simulate(
    prior: Prior,
    basis: Basis,
    spread: Spread,
    n: int,
    rng: np.random.Generator,
    description: str,
    linewidth_hz: tuple[float, float] = (0.0, 0.0),
) -> Transients:
    prior = replace(
        prior,
        shift_hz=Uniform(-spread.shift_hz, spread.shift_hz),
        phase_rad=Uniform(-spread.phase_rad, spread.phase_rad),
    )
    signals = simulate_signals(prior, basis, n, rng)
    truth = np.stack([signals.parameters["shift_hz"], signals.parameters["phase_rad"]], axis=1)
    undisturbed = {key: v for key, v in signals.parameters.items() if not key.endswith("_present")}
    undisturbed |= {key: np.zeros(n) for key in signals.parameters if key.endswith("_present")}
    clean = clean_fids(undisturbed, signals.basis.fids.astype(np.complex64), basis.dwelltime_s)
    snr = np.abs(clean[:, 0]) / signals.noise_sigma
    return Transients(
        signals.fids,
        truth,
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
        signals.labels,
        description,
        linewidth_hz,
        (float(snr.min()), float(snr.max())),
        clean,
        signals.noise_sigma,
    )


def _rat(signal: Path | None) -> Basis:
    """Return the basis of the 9.4 T simulation: one measured signal, or singlets as wide as its lines."""
    if signal is None:
        return brain_singlets(RAT_9T4_MHZ, RAT_9T4_DWELLTIME_S, RAT_POINTS, linewidth_hz=_RAT_LINEWIDTH_HZ)
    from scipy.io import loadmat

    try:
        fid = np.asarray(loadmat(signal)["data"], dtype=np.complex128).ravel()
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        raise DataError(
            f"{signal} is not the rat signal of DeepFPC (a .mat with 'data'): {error}."
        ) from error
    # Its carrier is called 4.7 ppm; here 0 Hz is 4.65 ppm, so that ppm mean the same in every set.
    moved = (_RAT_REFERENCE_PPM - NUCLEI["1H"].reference_ppm) * RAT_9T4_MHZ
    fid = shift(fid / np.abs(fid).max(), moved, RAT_9T4_DWELLTIME_S)
    return Basis(fid[None], ("rat",), RAT_9T4_DWELLTIME_S, RAT_9T4_MHZ)


def _brain_prior(basis: Basis, spread: Spread) -> Prior:
    """Return a brain of varying amplitudes, linewidth and SNR, with water and lipid in some transients."""
    field_t = basis.spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    low, high = (width * field_t for width in _LINEWIDTH_HZ_PER_T)
    return Prior(
        amplitudes={**brain_amplitudes(basis.names), **macromolecule_amplitudes(basis)},
        lorentzian_hz=Uniform(low, high),
        gaussian_hz=Uniform(low, high),
        noise=Noise(Uniform(*_SNR_T0), "snr_t0"),
        nuisances=(
            _residual_water(spread.nuisance),
            UnstableWater(spread.nuisance),
            LipidContamination(spread.nuisance, shift_ppm=Uniform(0.9, 1.5)),
        ),
    )


def _residual_water(nuisance: float) -> ResidualWater:
    """Return the water that a measured set has in most of its transients: often as tall as the metabolites."""
    return ResidualWater(min(1.0, 2 * nuisance), LogNormal(*_WATER), Normal(0.0, 4.0), Uniform(5.0, 20.0))


def _together(parts: Sequence[Transients], rng: np.random.Generator, description: str) -> Transients:
    """Return several sets as one, in random order."""
    order = rng.permutation(sum(len(part.fids) for part in parts))

    def joined(name: str) -> NDArray[Any]:
        together: NDArray[Any] = np.concatenate([getattr(part, name) for part in parts])
        return together[order]

    field_t = parts[0].spectrometer_frequency_mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    return replace(
        parts[0],
        fids=joined("fids"),
        truth=joined("truth"),
        labels=joined("labels"),
        clean=joined("clean"),
        noise_sigma=joined("noise_sigma"),
        description=description,
        linewidth_hz=(_LINEWIDTH_HZ_PER_T[0] * field_t, _LINEWIDTH_HZ_PER_T[1] * field_t),
        snr_t0=(min(part.snr_t0[0] for part in parts), max(part.snr_t0[1] for part in parts)),
    )
