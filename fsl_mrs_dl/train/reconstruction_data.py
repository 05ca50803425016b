"""Training data of the network of ``reconstruct``: spectra of any SNR, and their error at each penalty."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.reconstruction import RATIOS, GridOperator, broad_decay, largest_line, path
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.reconstruction import grid_axis_hz, grid_spectra, independent_bins
from fsl_mrs_dl.physics import add_noise, basis_sum, damp, fid_to_spectrum, on_points, phase
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from fsl_mrs_dl.scores.linewidth import voigt_fwhm_hz
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

BASIS_SETS = ("press_3t_te30", "press_3t_te35", "slaser_3t_te28", "slaser_3t_te35")
"""Unedited, at the field and the echo times of most scans of the brain."""
SNR_F = (3.0, 50.0)
"""Lowest and highest SNR_f of the training spectra; uniform in its logarithm."""
DURATION_S, BANDS_PPM = (0.3, 1.02), (8.0, 40.0)
"""Duration of FIDs in s, and receiver band over the spectrometer frequency in ppm: lowest and highest."""
_ACQUISITIONS = 4  # of each basis set
WIDTH_HZ = (
    1.0,
    7.0,
)  # Lorentzian, and Gaussian: of a scan of the brain at 3 T, on top of the basis set's 2 Hz
BASIS_HZ = RECIPES[BASIS_SETS[0]].linewidth_hz
SHIFT_PPM = 0.02  # to either side: a scan whose axis was set by its own lines


@dataclass(frozen=True, eq=False)
class Scans:
    """FIDs of one acquisition with and without noise, in units of the noise.

    Attributes
    ----------
    fids, clean : ndarray, complex64, shape (FID, time)
    operator : GridOperator
        With the true width of each FID's lines.
    snr_f : ndarray, float, shape (FID,)
    dwelltime_s, spectrometer_frequency_mhz : float
    """

    fids: Complex
    clean: Complex
    operator: GridOperator
    snr_f: Real
    dwelltime_s: float
    spectrometer_frequency_mhz: float


def scans(basis: Basis, n: int, rng: np.random.Generator, snr_f: tuple[float, float] = SNR_F) -> Scans:
    """Simulate FIDs of one basis set: metabolites and macromolecules of a brain, in any phase.

    Parameters
    ----------
    basis : Basis
        On the points of the FIDs.
    n : int
    rng : numpy.random.Generator
    snr_f : tuple of float
        Lowest and highest SNR_f; uniform in its logarithm.
    """
    known = {**brain_amplitudes(basis.names), **macromolecule_amplitudes(basis)}
    rows = [i for i, name in enumerate(basis.names) if name in known]
    amplitudes = np.stack([known[basis.names[i]].draw((n,), rng) for i in rows], axis=1)
    gamma, sigma = gamma_from_fwhm(rng.uniform(*WIDTH_HZ, n)), sigma_from_fwhm(rng.uniform(*WIDTH_HZ, n))
    shift_hz = rng.uniform(-SHIFT_PPM, SHIFT_PPM, n) * basis.spectrometer_frequency_mhz
    members = np.asarray(basis.fids, dtype=np.complex128)[rows]
    step = basis.dwelltime_s
    clean = basis_sum(members, amplitudes, shift_hz[:, None], gamma[:, None], sigma[:, None], step)
    clean = phase(clean, rng.uniform(-math.pi, math.pi, n))
    snr = np.exp(rng.uniform(math.log(snr_f[0]), math.log(snr_f[1]), n))
    sd = np.abs(fid_to_spectrum(clean)).max(axis=1) / snr
    fids = add_noise(clean, sd, rng)
    width_hz = BASIS_HZ + voigt_fwhm_hz(gamma, sigma)
    decay = damp(np.ones_like(clean), math.pi * width_hz, np.zeros(n), step)[:, None].astype(np.complex64)
    return Scans(
        (fids / sd[:, None]).astype(np.complex64),
        (clean / sd[:, None]).astype(np.complex64),
        GridOperator(decay, decay, 1, broad_decay(width_hz, step, clean.shape[1])),
        snr,
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
    )


def any_acquisition(basis: Basis, rng: np.random.Generator) -> Basis:
    """Return a basis set on points of a random dwell time and duration."""
    mhz = basis.spectrometer_frequency_mhz
    band_ppm = math.exp(rng.uniform(math.log(BANDS_PPM[0]), math.log(BANDS_PPM[1])))
    dwelltime_s = max(round(1 / (band_ppm * mhz), 6), basis.dwelltime_s)
    longest = basis.fids.shape[1] * basis.dwelltime_s
    duration = min(rng.uniform(*DURATION_S), longest)
    return on_points(basis, int(duration / dwelltime_s) // 2 * 2, dwelltime_s, mhz)


@dataclass(frozen=True, eq=False)
class ReconstructionExamples:
    """Spectra to learn from, in single precision.

    Attributes
    ----------
    inputs, clean : ndarray, float32, shape (example, 2, 512)
        With and without noise, in the units of the network.
    noise_sd, independent : ndarray, float32, shape (example,)
        Noise of the inputs, and bins of the spectrum that they hold.
    snr_f : ndarray, float, shape (example,)
    scans : tuple of Scans
        The FIDs behind the examples, in their order; empty where they are not needed.
    """

    inputs: Real
    clean: Real
    noise_sd: Real
    independent: Real
    snr_f: Real
    scans: tuple[Scans, ...] = ()

    @property
    def description(self) -> str:
        """Number, basis sets and ranges of the examples, for the card."""
        return (
            f"{len(self.inputs)} spectra of {', '.join(BASIS_SETS)}, SNR_f {SNR_F[0]:g} to {SNR_F[1]:g}, "
            f"{DURATION_S[0]:g} to {DURATION_S[1]:g} s"
        )

    @property
    def sha256(self) -> str:
        """Checksum of the inputs."""
        return hashlib.sha256(np.ascontiguousarray(self.inputs, dtype="<f4").tobytes()).hexdigest()


def as_examples(part: Scans, *, keep: bool = False) -> ReconstructionExamples:
    """Return the examples of FIDs of one acquisition."""
    axis_hz = grid_axis_hz(part.spectrometer_frequency_mhz)
    norm = part.operator.norms[:, 0, 0]
    unit = largest_line(part.operator, part.fids[:, None]) / norm
    inputs, clean = grid_spectra(part.fids, axis_hz, part.dwelltime_s, unit, part.clean)
    independent = independent_bins(part.fids.shape[1], part.dwelltime_s, part.spectrometer_frequency_mhz)
    return ReconstructionExamples(
        inputs,
        clean,
        (1 / unit).astype(np.float32),
        np.full(len(unit), independent, dtype=np.float32),
        part.snr_f,
        (part,) if keep else (),
    )


def examples(n: int, rng: np.random.Generator, *, keep: bool = False) -> ReconstructionExamples:
    """Return examples of all basis sets, several acquisitions of each.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    keep : bool
        Whether to keep the FIDs, for the penalty; the examples then are in the order of the acquisitions, else
        in random order.
    """
    bases = [read_basis(shipped_basis(name)) for name in BASIS_SETS]
    n_parts = min(_ACQUISITIONS * len(bases), n)
    counts = np.full(n_parts, n // n_parts)
    counts[: n - counts.sum()] += 1
    parts = [
        as_examples(scans(any_acquisition(bases[i % len(bases)], rng), int(count), rng), keep=keep)
        for i, count in enumerate(counts)
    ]
    order = np.arange(n) if keep else rng.permutation(n)

    def joined(name: str) -> Real:
        values: Real = np.concatenate([getattr(part, name) for part in parts])[order]
        return values

    return ReconstructionExamples(
        inputs=joined("inputs"),
        clean=joined("clean"),
        noise_sd=joined("noise_sd"),
        independent=joined("independent"),
        snr_f=joined("snr_f"),
        scans=tuple(scan for part in parts for scan in part.scans),
    )


def error_curves(part: Scans, ratios: Real = RATIOS) -> Real:
    """Return the relative error of FIDs at shares of their largest line, shape (ratio, FID)."""
    size = np.linalg.norm(part.clean, axis=1)
    curves = []
    fids = part.fids[:, None]
    for step in path(part.operator, fids, ratios[:, None] * largest_line(part.operator, fids)):
        restored = part.operator.restored(step.amplitudes)[:, 0]
        curves.append(np.linalg.norm(restored - part.clean, axis=1) / size)
    return np.stack(curves)
