"""The spectra of the study: six metabolites as in the source, at known width, SNR and amplitudes."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis, Complex, Real
from fsl_mrs_dl.fit.reconstruction import GridOperator, broad_decay, lorentzian
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, basis_sum, fid_to_spectrum, on_points, phase, ppm_axis
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from fsl_mrs_dl.simulate.brain import BRAIN_RANGES
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis

POINTS, DWELLTIME_S = 2048, 5e-4  # dwell time in s: a usual scan of 1 s at 3 T
NAMES = ("NAA", "Cr", "GPC", "Lac", "Ala", "Glc")
"""The metabolites of the source, with GPC for choline."""
SNR_F = (5.0, 30.0)
"""Lowest and highest SNR_f of the source."""
WIDTH_HZ = (10.0, 12.0)
"""Of the lines as measured, in Hz."""
TARGET_HZ = 0.65 * 11.0
"""Of the lines of a result: the gain that the source has, 8.1 over 12.5 Hz."""
LOW_SNR = 15.0
"""SNR_f below which the source claims most."""
_SET = "press_3t_te30"
_SHIFT_HZ = 3.0  # to either side: 0.024 ppm at 3 T, of a scan whose axis was set by its own lines


@cache
def study_basis() -> Basis:
    """Return the basis set at the points of the study; what it lacks at the end is zero."""
    whole = read_basis(shipped_basis(_SET))
    rows = [whole.names.index(name) for name in NAMES]
    members = replace(whole, fids=whole.fids[rows], names=NAMES)
    covered = int(whole.fids.shape[1] * whole.dwelltime_s / DWELLTIME_S) - 1
    sample = on_points(members, min(covered, POINTS), DWELLTIME_S, whole.spectrometer_frequency_mhz)
    return replace(sample, fids=np.pad(sample.fids, ((0, 0), (0, POINTS - sample.fids.shape[1]))))


def study_ppm() -> Real:
    """Return the chemical shifts of the bins, in ppm."""
    basis = study_basis()
    return ppm_axis(POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz, NUCLEI["1H"].reference_ppm)


@dataclass(frozen=True, eq=False)
class Draw:
    """Spectra with all that is true of them; S of them.

    Attributes
    ----------
    fids, clean : ndarray, complex, shape (S, time)
        With and without noise, in units of the noise.
    sd : ndarray, float, shape (S,)
        The noise, a channel, in the unit of the basis set.
    width_hz, snr_f : ndarray, float, shape (S,)
    amplitudes : ndarray, float, shape (S, 6)
    """

    fids: Complex
    clean: Complex
    sd: Real
    width_hz: Real
    snr_f: Real
    amplitudes: Real

    def truth(self, fwhm_hz: float | None) -> Complex:
        """Return the clean FIDs with lines of another width; None = as measured."""
        if fwhm_hz is None:
            return self.clean
        t = np.arange(POINTS) * DWELLTIME_S
        return self.clean * np.exp(np.pi * (self.width_hz[:, None] - fwhm_hz) * t)

    def operator(self, fwhm_hz: float | None, *, broad: bool = True) -> GridOperator:
        """Return the grid of lines, of the true width each, with a result of another width; None = the same."""
        measured = np.stack([lorentzian(POINTS, DWELLTIME_S, width) for width in self.width_hz])[:, None]
        target = measured if fwhm_hz is None else lorentzian(POINTS, DWELLTIME_S, fwhm_hz)[None, None]
        wide = broad_decay(self.width_hz, DWELLTIME_S, POINTS) if broad else None
        return GridOperator(measured.astype(np.complex64), target.astype(np.complex64), 1, wide)

    def take(self, rows: slice) -> "Draw":
        """Return some of the spectra."""
        return Draw(*(value[rows] for value in vars(self).values()))


def middle() -> Real:
    """Return the amplitudes in the middle of the ranges of the brain, shape (6,)."""
    return np.array([sum(BRAIN_RANGES[name]) / 2 for name in NAMES])


def draw(
    n: int, rng: np.random.Generator, *, snr_f: float | None = None, amplitudes: Real | None = None
) -> Draw:
    """Simulate spectra.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    snr_f : float, optional
        Of all; by default uniform over the range of the source.
    amplitudes : ndarray, float, shape (6,) or (n, 6), optional
        By default uniform over the ranges of the brain.
    """
    basis = study_basis()
    low, high = np.array([BRAIN_RANGES[name] for name in NAMES]).T
    amounts = rng.uniform(low, high, (n, len(NAMES))) if amplitudes is None else amplitudes
    amounts = np.broadcast_to(amounts, (n, len(NAMES)))
    width_hz = rng.uniform(*WIDTH_HZ, n)
    clean = basis_sum(
        np.asarray(basis.fids, dtype=np.complex128),
        amounts,
        rng.uniform(-_SHIFT_HZ, _SHIFT_HZ, (n, 1)),
        gamma_from_fwhm(width_hz - RECIPES[_SET].linewidth_hz)[:, None],
        np.zeros((n, 1)),
        DWELLTIME_S,
    )
    clean = phase(clean, rng.uniform(-np.pi, np.pi, n))
    snr = rng.uniform(*SNR_F, n) if snr_f is None else np.full(n, snr_f)
    sd = np.abs(fid_to_spectrum(clean)).max(axis=1) / snr
    fids = add_noise(clean, sd, rng)
    return Draw(fids / sd[:, None], clean / sd[:, None], sd, width_hz, snr, amounts)
