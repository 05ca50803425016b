"""What the field in a voxel makes of lines: widths, shims, and shifts of each metabolite of its own."""

from math import pi

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import apply_time_phase, damp, eddy_current_phase, shift
from fsl_mrs_dl.physics.lines import gamma_from_fwhm, sigma_from_fwhm
from tests.benchmarks.trust.scans import split
from tests.benchmarks.worlds.spins import DWELLTIME_S, log_uniform

VOIGT, SHIM, SPLIT, EDDY, WIDE = "voigt", "shim", "split", "eddy", "wide"
LINESHAPES = (VOIGT, SHIM, SPLIT, EDDY, WIDE)
LORENTZIAN_HZ, GAUSSIAN_HZ = (1.0, 4.0), (1.0, 5.0)  # FWHM; together 1.6 to 7.5 Hz
WIDE_LORENTZIAN_HZ, WIDE_GAUSSIAN_HZ = (4.0, 9.0), (3.0, 8.0)  # FWHM; together 6 to 14 Hz, as in MRSI
SUBVOLUMES, SPAN_HZ = (5, 9), (6.0, 12.0)  # parts of a voxel, and the range of their fields
EDDY_RAD, EDDY_S = (0.3, 1.0), (0.005, 0.05)  # phase at the end, and time constant, of an eddy current
OWN_SHIFT_HZ, OWN_WIDTH_HZ = (
    (0.3, 0.6),
    0.5,
)  # SDs: 0.002 to 0.005 ppm as of pH and temperature; T2 of its own
_NARROWEST_HZ = 0.2  # of a line: below the width of any metabolite
_BLOCK = 32  # spectra at a time, for memory


def metabolite_fids(members: Complex, amounts: Real, rng: np.random.Generator, *, own: bool) -> Complex:
    """Return sums of metabolites; with shifts and widths of their own, if asked.

    Parameters
    ----------
    members : ndarray, complex, shape (metabolite, time)
    amounts : ndarray, float, shape (n, metabolite)
    rng : numpy.random.Generator
    own : bool
        Whether each metabolite of each spectrum has a shift (SD of 0.3 to 0.6 Hz) and a Lorentzian width (SD of
        0.5 Hz, at least -0.8 Hz, so that no line grows) of its own.

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    if not own:
        summed: Complex = amounts @ members
        return summed
    shape = amounts.shape
    hz = rng.uniform(*OWN_SHIFT_HZ, (len(amounts), 1)) * rng.standard_normal(shape)
    wider = np.maximum(OWN_WIDTH_HZ * rng.standard_normal(shape), _NARROWEST_HZ - LORENTZIAN_HZ[0])
    total = np.empty((len(amounts), members.shape[1]), dtype=np.complex128)
    for start in range(0, len(amounts), _BLOCK):
        at = slice(start, start + _BLOCK)
        each = shift(
            damp(members, gamma_from_fwhm(wider[at]), 0.0 * wider[at], DWELLTIME_S), hz[at], DWELLTIME_S
        )
        total[at] = np.einsum("nm,nmt->nt", amounts[at], each)
    return total


def lineshapes(kind: str, n: int, n_points: int, rng: np.random.Generator) -> Complex:
    """Return what each FID is multiplied with, 1 at its start.

    Parameters
    ----------
    kind : str
        One of :data:`LINESHAPES`. ``voigt``: Lorentzian and Gaussian widths alone. ``shim``: also 5 to 9 parts of
        the voxel at fields up to 6 to 12 Hz apart, most of them on one side. ``split``: also a shoulder. ``eddy``:
        also a phase that settles within 5 to 50 ms. ``wide``: wide lines, as in MRSI.
    n, n_points : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    one = np.ones((n, n_points), dtype=np.complex128)
    wide = kind == WIDE
    gamma = gamma_from_fwhm(rng.uniform(*(WIDE_LORENTZIAN_HZ if wide else LORENTZIAN_HZ), n))
    sigma = sigma_from_fwhm(rng.uniform(*(WIDE_GAUSSIAN_HZ if wide else GAUSSIAN_HZ), n))
    if kind == SHIM:
        sigma = sigma / 2  # the parts of the voxel bring most of the width
    voigt: Complex = damp(one, gamma, sigma, DWELLTIME_S)
    if kind == SHIM:
        return voigt * _uneven_shim(n, n_points, rng)
    if kind == SPLIT:
        return split(voigt)
    if kind == EDDY:
        rad = rng.uniform(*EDDY_RAD, n) * rng.choice([-1.0, 1.0], n)
        tau = log_uniform(EDDY_S, n, rng)
        turned = eddy_current_phase(n_points, DWELLTIME_S, rad / (2 * pi * tau), tau, one)
        bent: Complex = apply_time_phase(voigt, turned)
        return bent
    return voigt


def _uneven_shim(n: int, n_points: int, rng: np.random.Generator) -> Complex:
    """Return the FIDs of voxels whose parts lie at several fields, their mean at 0 Hz."""
    most = SUBVOLUMES[1]
    count = rng.integers(SUBVOLUMES[0], most + 1, n)
    there = np.arange(most) < count[:, None]
    weight = np.where(there, rng.gamma(2.0, size=(n, most)), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    # Beta (1.2, 3) is skew: most of the voxel at one end of the span, a tail at the other.
    place = rng.beta(1.2, 3.0, (n, most))
    low = np.where(there, place, np.inf).min(axis=1, keepdims=True)
    high = np.where(there, place, -np.inf).max(axis=1, keepdims=True)
    span = rng.uniform(*SPAN_HZ, (n, 1)) * rng.choice([-1.0, 1.0], (n, 1))
    hz = np.where(there, span * (place - low) / (high - low), 0.0)
    hz -= (weight * hz).sum(axis=1, keepdims=True)
    one = np.ones(n_points, dtype=np.complex128)
    total = np.zeros((n, n_points), dtype=np.complex128)
    for part in range(most):
        total += weight[:, part, None] * shift(np.broadcast_to(one, total.shape), hz[:, part], DWELLTIME_S)
    return total
