"""The test sets of task ``fpc``."""

from dataclasses import dataclass, replace
from math import pi
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import NUCLEI, MRSData, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.synthetic import synthetic_header
from fsl_mrs_dl.physics import add_noise, phase, shift
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.editing import EditedPair
from fsl_mrs_dl.simulate.priors import Drift, Noise, Prior
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.simulate.transients import Simulated, simulate_transients
from fsl_mrs_dl.train.registration_data import Spread, Transients, simulated
from tests.benchmarks.fpc.methods import template
from tests.benchmarks.realdata import data_folder

RAT_SPREAD = Spread(20.0, pi / 2, 0.4)
TWICE = Spread(40.0, pi, 0.4)
CLEAR = Spread(20.0, pi / 2, 0.0)
SIGMA = 0.05  # SD of the noise of a channel, over the largest point of the FID, as in DeepFPC
MONTE_CARLO_HZ, MONTE_CARLO_DEG = (
    5.0,
    45.0,
)  # shift and phase of the one signal: a quarter and a half of the ranges
SCAN = 320  # transients, as in an edited scan
N_POINTS, DWELLTIME_S = 2048, 2.5e-4  # 0.5 s at 4 kHz, as scans of the brain often are
BASES = {"3 T": "press_3t_te30", "7 T": "steam_7t_te11"}
CAPTURE_HZ = {"3 T": 40.0, "7 T": 95.0}
_LORENTZIAN_HZ_PER_T = (0.7, 2.3)  # range of linewidths over the field: 2 to 7 Hz at 3 T, 5 to 16 Hz at 7 T
_PPM_PER_K = -0.01  # shift of water with temperature, as of every line against a fixed carrier
_COOLING_K = 5.0  # DeepFPC's phantom: from 40 to 35 degrees Celsius
_PHANTOM_SNR = (7.0, 70.0)  # SNR_t0, range of DeepFPC's phantom
_MEGA = ("mega-press_3t_te68_on", "mega-press_3t_te68_off")


def rat_signal(signal: Path | None) -> Path | None:
    """Return the file of the measured rat signal: the one given, or the one among the measured data."""
    beside = data_folder() / "deepfpc_rat" / "obx_23_9_FC.mat"
    if signal is not None:
        return signal
    return beside if beside.exists() else None


def rat_set(signal: Path | None, spread: Spread, n: int, seed: int) -> Transients:
    """Return transients as the networks are tested on; of other seeds than those they are trained on."""
    return simulated("deepfpc", signal, spread, n, np.random.default_rng([seed, 9]))


def with_noise(test: Transients, snr_t0: float, rng: np.random.Generator) -> Transients:
    """Return a set without nuisance at another level of noise."""
    if test.clean is None:
        raise ValueError("Measured transients cannot be given another noise.")
    sigma = np.abs(test.clean[:, 0]) / snr_t0
    fids = add_noise(test.clean, sigma, rng).astype(np.complex64)
    return replace(test, fids=fids, noise_sigma=sigma, labels=np.full(len(fids), "Free"))


def one_signal(test: Transients, n: int, rng: np.random.Generator) -> Transients:
    """Return draws of the noise alone on one signal of known shift and phase."""
    truth = np.tile([MONTE_CARLO_HZ, np.radians(MONTE_CARLO_DEG)], (n, 1))
    clean = phase(shift(np.tile(template(test), (n, 1)), truth[:, 0], test.dwelltime_s), truth[:, 1])
    sigma = np.full(n, SIGMA)
    noisy = add_noise(clean, sigma, rng).astype(np.complex64)
    return replace(test, fids=noisy, clean=clean, truth=truth, noise_sigma=sigma, labels=np.full(n, "Free"))


def phantom(test: Transients, n: int, rng: np.random.Generator) -> Transients:
    """Return a scan of a phantom that cools: a drift of 5 K x -0.01 ppm/K, phases that walk, SNR of 7 to 70.

    In mixed order. DeepFPC's phantom, 9.4 T, 35 to 40 degrees, was measured and is not public; this one is made of
    the same signal as the simulated set, without nuisance.
    """
    along = np.linspace(0.0, 1.0, n)
    cooled = _COOLING_K * (1 - np.exp(-2 * along)) / (1 - np.exp(-2))
    hz = -_PPM_PER_K * cooled * test.spectrometer_frequency_mhz
    truth = np.stack([hz - hz.mean(), np.cumsum(rng.normal(0.0, np.radians(2.0), n))], axis=1)
    # No method looks at the order, and any part of a mixed order holds the whole drift.
    truth = truth[rng.permutation(n)]
    clean = phase(shift(np.tile(template(test), (n, 1)), truth[:, 0], test.dwelltime_s), truth[:, 1])
    sigma = np.abs(clean[:, 0]) / np.exp(rng.uniform(np.log(_PHANTOM_SNR[0]), np.log(_PHANTOM_SNR[1]), n))
    noisy = add_noise(clean, sigma, rng).astype(np.complex64)
    return replace(test, fids=noisy, clean=clean, truth=truth, noise_sigma=sigma, labels=np.full(n, "Free"))


def as_phantom_file(test: Transients, every: int, seed: int) -> MRSData:
    """Return some of the transients of the phantom, evenly over the scan, as a file to learn from."""
    fid = np.ascontiguousarray(test.fids[::every].T)[None, None, None]
    mhz = test.spectrometer_frequency_mhz
    header = synthetic_header("a phantom that cools", seed)
    return MRSData(fid, test.dwelltime_s, mhz, test.nucleus, ("DIM_DYN",), header=header)


@dataclass(frozen=True)
class BrainField:
    """Scans of a brain without nuisance, from a shipped basis set."""

    name: str

    def scan(self, snr_t0: float, rng: np.random.Generator, n: int = SCAN) -> Simulated:
        """Return one scan: one mixture and linewidth, shifts within the capture range and any phase."""
        basis = read_basis(shipped_basis(BASES[self.name]))
        mhz = basis.spectrometer_frequency_mhz
        low, high = (w * mhz / NUCLEI["1H"].gyromagnetic_mhz_per_t for w in _LORENTZIAN_HZ_PER_T)
        hz = CAPTURE_HZ[self.name]
        prior = Prior(
            amplitudes={**brain_amplitudes(basis.names), **macromolecule_amplitudes(basis)},
            lorentzian_hz=Uniform(low, high),
            noise=Noise(Fixed(snr_t0), "snr_t0"),
            shift_hz=Uniform(-hz, hz),
            phase_rad=Uniform(-pi, pi),
        )
        return simulate_transients(prior, basis, n, N_POINTS, DWELLTIME_S, mhz, rng)


def edited_subject(pairs: int, rng: np.random.Generator) -> Simulated:
    """Return a MEGA-PRESS set of one subject: ON and OFF in turns, a drift, a walk, motion's phases."""
    on, off = (read_basis(shipped_basis(name)) for name in _MEGA)
    prior = Prior(
        amplitudes={**brain_amplitudes(off.names), **macromolecule_amplitudes(off)},
        lorentzian_hz=Uniform(2.0, 5.0),
        noise=Noise(Uniform(12.0, 30.0), "snr_t0"),
        drift=Drift(Uniform(-12.0, 12.0), 0.15, float(np.radians(6.0))),
    )
    sampling = (N_POINTS, DWELLTIME_S, off.spectrometer_frequency_mhz)
    return simulate_transients(prior, EditedPair(on, off), pairs, *sampling, rng)


def of_scan(scan: Simulated) -> Transients:
    """Return a simulated scan without coils as a test set."""
    fids, clean = (np.moveaxis(one[0, 0, 0], 0, -1) for one in (scan.data.fid, scan.clean))
    truth: Real = np.stack([scan.truth.shift_hz.ravel(), scan.truth.phase_rad.ravel()], axis=1)
    return Transients(
        fids,
        truth,
        scan.data.dwelltime_s,
        scan.data.spectrometer_frequency_mhz,
        scan.labels,
        "one scan",
        clean=clean,
        noise_sigma=np.full(len(fids), scan.sigma),
    )
