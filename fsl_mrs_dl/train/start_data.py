"""Training data of the start network: spectra of every shipped basis set, of widely varying parameters."""

import hashlib
import math
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.fit.lcm import Baseline
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.quantification_start import (
    acquisition_row,
    grid_spectra,
    pivot_phase,
    unit_of,
)
from fsl_mrs_dl.physics import (
    add_noise,
    basis_sum,
    fid_to_spectrum,
    first_order_phase,
    on_points,
    phase,
    ppm_axis,
    ppm_window,
    shift,
    spectrum_to_fid,
)
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes, macromolecules
from fsl_mrs_dl.simulate.distributions import Uniform
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

SHIFT_PPM, DELAY_CYCLES_PER_PPM = 0.2, 0.03
"""Largest shift, in ppm, and delay, in cycles per ppm, either way."""
GAMMA_HZ_PER_T, SIGMA_HZ_PER_T, MM_HZ_PER_T = (0.1, 3.0), (0.0, 3.0), (0.0, 3.0)
"""Ranges of the Lorentzian, the Gaussian and the macromolecules' further width, in Hz per T: 9 Hz at 3 T."""
SNR_F = (10.0, 200.0)
"""Lowest and highest SNR_f; uniform."""
WINDOW_PPM = (0.2, 4.2)
"""Where the baseline lies, in ppm: the window of the fit."""
BASELINE, BASELINE_DIMENSION = (0.0, 0.15), 8.0
"""Largest magnitude of the baseline over that of the spectrum, from 0; effective dimension of its spline."""
_ABSENT, _LOG_SD = 0.1, 0.35
"""Probability that a metabolite is absent, and SD of the logarithm of its amount about the range of the brain."""
_DURATION_S = (0.4, 1.0)
"""Of an FID, in s; at most that of the basis set."""
_BANDS_PPM = (15.0, 30.0)
"""Receiver band over the spectrometer frequency, in ppm."""
_BLOCK = 512
"""Spectra at once, which bounds the memory."""


@dataclass(frozen=True, eq=False)
class Scene:
    """S spectra of one basis set and acquisition, with their true parameters.

    Attributes
    ----------
    fids : ndarray, complex, shape (S, time)
    clean_snr : ndarray, float, shape (S,)
        SNR_f.
    amplitudes : ndarray, float, shape (S, M)
    shift_hz, phase_rad, delay_s, gamma, sigma, mm_gamma, baseline : ndarray, float, shape (S,)
        In the units of :class:`~fsl_mrs_dl.models.quantification_start.Beliefs`.
    basis : Basis
        On the points of the FIDs.
    """

    fids: Complex
    clean_snr: Real
    amplitudes: Real
    shift_hz: Real
    phase_rad: Real
    delay_s: Real
    gamma: Real
    sigma: Real
    mm_gamma: Real
    baseline: Real
    basis: Basis

    @property
    def truth(self) -> Real:
        """Targets in units of the network's outputs, shape (S, 7); the phase at its pivot."""
        mhz = self.basis.spectrometer_frequency_mhz
        at_pivot = np.angle(np.exp(1j * (self.phase_rad + pivot_phase(self.delay_s, mhz))))
        columns = (
            self.shift_hz,
            at_pivot,
            self.delay_s,
            self.gamma,
            self.sigma,
            self.mm_gamma,
            self.baseline,
        )
        return np.stack(columns, axis=1) / unit_of(mhz)


def scene(
    basis: Basis,
    n: int,
    rng: np.random.Generator,
    *,
    mm_broader: bool = True,
    snr_f: tuple[float, float] = SNR_F,
    smooth: float = BASELINE[1],
) -> Scene:
    """Simulate spectra of one basis set.

    Amplitudes vary by a factor (log-normal, SD 0.35) about a range of the brain, and one in ten is absent.

    Parameters
    ----------
    basis : Basis
        On the points of the FIDs.
    n : int
    rng : numpy.random.Generator
    mm_broader : bool
        Whether macromolecules have a width of their own on top of the metabolites'.
    snr_f : tuple of float
    smooth : float
        Largest size of the baseline.

    Returns
    -------
    Scene
    """
    mhz, dt = basis.spectrometer_frequency_mhz, basis.dwelltime_s
    field_t = mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t
    known = {**brain_amplitudes(basis.names), **macromolecule_amplitudes(basis)}
    members = [i for i, name in enumerate(basis.names) if name in known]
    basis = replace(basis, fids=basis.fids[members], names=tuple(basis.names[i] for i in members))
    spans = [known[name] for name in basis.names]
    amplitudes = np.stack([span.draw((n,), rng) for span in spans if isinstance(span, Uniform)], axis=1)
    amplitudes *= np.exp(rng.normal(0, _LOG_SD, amplitudes.shape)) * (rng.random(amplitudes.shape) > _ABSENT)
    rates = [
        math.pi * field_t * rng.uniform(*span, n) for span in (GAMMA_HZ_PER_T, SIGMA_HZ_PER_T, MM_HZ_PER_T)
    ]
    gamma, sigma, mm_gamma = rates[0], rates[1] / (2 * math.sqrt(math.log(2))), rates[2] * mm_broader
    shift_hz = rng.uniform(-SHIFT_PPM, SHIFT_PPM, n) * mhz
    delay_s = rng.uniform(-DELAY_CYCLES_PER_PPM, DELAY_CYCLES_PER_PPM, n) / mhz
    phase_rad = rng.uniform(-math.pi, math.pi, n)
    broad = macromolecules(basis.names)
    groups = tuple(int(i in broad) for i in range(len(basis.names))) if broad else None
    size, snr = rng.uniform(0, smooth, n), rng.uniform(*snr_f, n)
    curves = _curves(basis)
    fids = np.empty((n, basis.fids.shape[1]), dtype=np.complex64)
    for start in range(0, n, _BLOCK):
        rows = slice(start, start + _BLOCK)
        zero = np.zeros_like(gamma[rows])
        pair = np.stack([gamma[rows], gamma[rows] + mm_gamma[rows]], axis=1)
        signals = basis_sum(
            np.asarray(basis.fids, dtype=np.complex64),
            amplitudes[rows],
            np.stack([zero, zero], axis=1),
            pair,
            np.stack([sigma[rows], sigma[rows]], axis=1),
            dt,
            groups,
        )
        highest = np.abs(fid_to_spectrum(signals)).max(axis=1)
        coefficients = rng.normal(size=(len(signals), len(curves), 2)) @ [1, 1j]
        below = coefficients @ curves
        below *= (size[rows] * highest / np.abs(below).max(axis=1))[:, None]
        signals = first_order_phase(signals + spectrum_to_fid(below), delay_s[rows], dt)
        signals = phase(shift(signals, shift_hz[rows], dt), phase_rad[rows])
        fids[rows] = add_noise(signals, highest / snr[rows], rng)
    parameters = (amplitudes, shift_hz, phase_rad, delay_s, gamma, sigma, mm_gamma, size)
    return Scene(fids, snr, *parameters, basis)


def _curves(basis: Basis) -> Complex:
    """Return smooth curves in the window of the fit, zero elsewhere, shape (K, bins)."""
    axes = (basis.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz)
    inside = ppm_window(ppm_axis(*axes, NUCLEI["1H"].reference_ppm), WINDOW_PPM)
    curves, share = smoother(Baseline("spline", dimension=BASELINE_DIMENSION), int(inside.sum()))
    whole = np.zeros((len(share), len(inside)), dtype=np.complex128)
    whole[:, inside] = (share * curves).T
    return whole


def any_points(basis: Basis, rng: np.random.Generator) -> Basis:
    """Return a basis set on points of a random dwell time and duration that it can be brought to."""
    mhz = basis.spectrometer_frequency_mhz
    band = rng.uniform(*_BANDS_PPM) * mhz
    dwelltime_s = max(round(1 / band, 6), basis.dwelltime_s)
    longest = basis.fids.shape[1] * basis.dwelltime_s
    duration = min(rng.uniform(*_DURATION_S), longest)
    return on_points(basis, int(duration / dwelltime_s) // 2 * 2, dwelltime_s, mhz)


@dataclass(frozen=True, eq=False)
class StartExamples:
    """Inputs and targets of the start network, in single precision."""

    inputs: Real
    acquisition: Real
    truth: Real

    @property
    def description(self) -> str:
        """Number, basis sets and ranges of the examples, for the card."""
        return f"{len(self.inputs)} spectra of all shipped basis sets, 40 acquisitions, SNR_f {SNR_F}"

    @property
    def sha256(self) -> str:
        """Checksum of the inputs."""
        return hashlib.sha256(np.ascontiguousarray(self.inputs, dtype="<f4").tobytes()).hexdigest()


def examples(n: int, rng: np.random.Generator) -> StartExamples:
    """Return examples of all shipped basis sets, in random order, four acquisitions of each."""
    counts = np.full(4 * len(RECIPES), n // (4 * len(RECIPES)))
    counts[: n - counts.sum()] += 1
    inputs, acquisition, truth = [], [], []
    bases = [read_basis(shipped_basis(name)) for name in RECIPES]
    for i, count in enumerate(counts):
        if not count:
            continue
        basis = any_points(bases[i % len(bases)], rng)
        axes = (basis.dwelltime_s, basis.spectrometer_frequency_mhz)
        part = scene(basis, int(count), rng)
        grid = grid_spectra(part.fids, *axes)
        inputs.append(np.stack([grid.real, grid.imag], axis=1).astype(np.float32))
        row = acquisition_row(basis.fids.shape[1], *axes)
        acquisition.append(np.tile(row, (count, 1)).astype(np.float32))
        truth.append(part.truth.astype(np.float32))
    order = rng.permutation(n)
    together = (np.concatenate(parts)[order] for parts in (inputs, acquisition, truth))
    return StartExamples(*together)
