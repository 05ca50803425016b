"""Training data of the cVAE: simulated spectra with their concentrations."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import canonical_name, read_basis
from fsl_mrs_dl.physics import fid_to_spectrum, on_points
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines
from fsl_mrs_dl.simulate.brain import brain_amplitudes, macromolecule_amplitudes
from fsl_mrs_dl.simulate.distributions import Distribution, Uniform
from fsl_mrs_dl.simulate.priors import Prior
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.simulate.signals import clean_fids, draw_signals, metabolite_fids

N_POINTS, BAND_HZ = 1536, 1500.0
"""1.02 s of 12 ppm at 3 T: the metabolites' band, and as long as the shipped basis sets."""
RATE = 20.0
"""Lorentzian and Gaussian rates from 0 to this, in rad/s: up to 6.4 Hz and 10.6 Hz wide."""
PHASE_RAD, SHIFT_HZ = pi / 4, 10.0
"""Largest phase (rad) and shift (Hz), either way; proposals, for no ranges are published."""
BASELINE_PPM = (0.2, 1.2, 2.2, 3.2, 4.2)
"""Middles of the five broad lines of the baseline, in ppm: as many as a polynomial of fourth order has terms."""
BASELINE_FWHM_PPM = 2.0
"""Width of each, in ppm: twice their distance, so that together they are smooth."""
BASELINE_HEIGHT = 0.05
"""Largest real and imaginary part of each line of the baseline over the height of NAA."""
SEED_RANGES = {"PCr": (2.0, 8.0), "NAA": (5.0, 15.0)}
_HALF_GAUSSIAN = 2 * np.sqrt(np.log(2)) / pi
"""Full width at half maximum in Hz of a Gaussian rate of 1 rad/s, with exp(-sigma^2 t^2)."""


@dataclass(frozen=True, eq=False)
class LabelledSpectra:
    """Spectra to learn from or to be judged by.

    Attributes
    ----------
    fids : ndarray, complex64, shape (example, time)
        Without noise, with baseline.
    amounts : ndarray, float, shape (example, metabolite)
        Concentrations, in the units of the basis set's amplitudes.
    parameters : dict
        As drawn, see :func:`fsl_mrs_dl.simulate.draw_signals`.
    basis : Basis
    baselines : ndarray, complex, shape (line, time)
        The broad lines that the baselines are made of, each of height 1 in the spectrum.
    description : str
    """

    fids: Complex
    amounts: Real
    parameters: dict[str, Real]
    basis: Basis
    baselines: Complex
    description: str

    @property
    def sha256(self) -> str:
        """Checksum of the FIDs."""
        return hashlib.sha256(np.ascontiguousarray(self.fids, dtype="<c8").tobytes()).hexdigest()


def training_basis(name: str, metabolites: Sequence[str] | None) -> Basis:
    """Return a shipped basis set on the network's points, with the chosen metabolites.

    Raises
    ------
    OptionError
        If there is no such set, or it lacks one of them.
    """
    if name not in RECIPES:
        raise OptionError(f"--basis is {name!r}; needed is a shipped basis set: {', '.join(RECIPES)}.")
    whole = read_basis(shipped_basis(name))
    chosen_names = [canonical_name(m) for m in metabolites] if metabolites else list(whole.names)
    missing = [m for m in chosen_names if m not in whole.names]
    if missing:
        raise OptionError(f"{name} has no {', '.join(missing)}; it has {', '.join(whole.names)}.")
    rows = [whole.names.index(m) for m in chosen_names]
    # The same time at higher fields, and the band in proportion to the field.
    factor = max(1, round(whole.spectrometer_frequency_mhz / 123.25))
    chosen = Basis(
        whole.fids[rows], tuple(chosen_names), whole.dwelltime_s, whole.spectrometer_frequency_mhz, name=name
    )
    return on_points(chosen, N_POINTS, 1 / (BAND_HZ * factor), whole.spectrometer_frequency_mhz)


def ranges(basis: Basis) -> dict[str, Distribution]:
    """Return the distributions of amounts: of the brain, or of the published setting for PCr and NAA alone."""
    if set(basis.names) == set(SEED_RANGES):
        return {name: Uniform(*SEED_RANGES[name]) for name in basis.names}
    return brain_amplitudes(basis.names) | macromolecule_amplitudes(basis)


def prior_of(basis: Basis) -> Prior:
    """Return the uniform distributions of the parameters; ranges that are not published are proposals."""
    return Prior(
        amplitudes=ranges(basis),
        lorentzian_hz=Uniform(0.0, RATE / pi),
        gaussian_hz=Uniform(0.0, RATE * _HALF_GAUSSIAN),
        shift_hz=Uniform(-SHIFT_HZ, SHIFT_HZ),
        phase_rad=Uniform(-PHASE_RAD, PHASE_RAD),
    )


def baseline_signals(basis: Basis) -> Complex:
    """Return five broad lines over 0.2 to 4.2 ppm, each of height 1 in the orthonormal spectrum.

    They take the place of a polynomial of fourth order: as many numbers, but signals that begin at t = 0, as
    measured ones do, so that they can be resampled, damped and filled with zeros.
    """
    lines = [GaussianLine("baseline", ppm, BASELINE_FWHM_PPM, 1.0) for ppm in BASELINE_PPM]
    fids = gaussian_lines(
        lines,
        basis.fids.shape[1],
        basis.dwelltime_s,
        basis.spectrometer_frequency_mhz,
        np.empty(1, np.complex128),
        basis.reference_ppm,
    )
    scaled: Complex = fids / np.abs(fid_to_spectrum(fids)).max(axis=1, keepdims=True)
    return scaled


def simulated_spectra(basis: Basis, n: int, rng: np.random.Generator) -> LabelledSpectra:
    """Simulate spectra on the points of a basis set.

    Parameters
    ----------
    basis : Basis
        From :func:`training_basis`.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    LabelledSpectra
    --------
    """
    parameters = draw_signals(prior_of(basis), basis, n, rng)
    baselines = baseline_signals(basis)
    parts = rng.uniform(-1, 1, (2, n, len(baselines)))
    fids = with_baseline(parameters, basis, baselines, parts[0] + 1j * parts[1])
    description = f"{n} spectra of {', '.join(basis.names)} from {basis.name}"
    return LabelledSpectra(fids, parameters["amplitudes"], parameters, basis, baselines, description)


def with_baseline(parameters: dict[str, Real], basis: Basis, baselines: Complex, weights: Complex) -> Complex:
    """Return noiseless FIDs with baselines, whose weights are in shares of the height allowed."""
    naa = basis.names.index("NAA") if "NAA" in basis.names else int(np.argmax(np.abs(basis.fids[:, 0])))
    fids = np.empty((len(weights), basis.fids.shape[1]), dtype=np.complex64)
    members = np.asarray(basis.fids, dtype=np.complex64)
    for start in range(0, len(weights), 512):
        rows = slice(start, start + 512)
        part = {key: value[rows] for key, value in parameters.items()}
        lone = {**part, "amplitudes": part["amplitudes"] * (np.arange(len(basis.names)) == naa)}
        height = np.abs(fid_to_spectrum(metabolite_fids(lone, members, basis.dwelltime_s))).max(axis=1)
        baseline = (BASELINE_HEIGHT * height[:, None] * weights[rows]) @ baselines
        fids[rows] = clean_fids(part, members, basis.dwelltime_s) + baseline
    return fids
