"""Gauss-Newton registration: shift and phase of transients at the Cramer-Rao bound of a ppm window.

The model of a transient is its reference, scaled, turned and shifted, plus white noise,
y = a exp(i phi + 2 pi i f t) r. Shift and phase are undone on the *data*, so that the window stays where the
reference has its signal, and what moves in from outside (residual water, lipid) is not fitted away. In that
corrected frame the derivatives of the model do not depend on the estimates: they are made once from the
reference, and an iteration costs two inner products a transient.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.fisher import crlb, fisher_matrix, registration_derivatives
from fsl_mrs_dl.fit.registration import Band, Registration
from fsl_mrs_dl.physics import correct, fid_to_spectrum, project, shift

_GRID_HZ = 1.0  # capture grid: below half the width of any line in vivo
_BLOCK_S = 4e-3  # within a block a shift of a few Hz is a short Taylor series
_ORDER = 3
_OVER = 2.0  # the smoothed power of pure noise stays below twice its mean
_SMOOTH_S = 20e-3  # longer than the beats between the lines of a window
_ITERATIONS = 12
_MAX_STEP_HZ = 2.0
_SETTLED_HZ = 1e-4
_SETTLED_RAD = 1e-5


@dataclass(frozen=True, eq=False)
class _Template:
    """A reference within the window, its derivatives, and their Gram matrix.

    ``columns`` has the shape (2, coil, time): d y / d a = P r and d y / d f = P (2 pi i t r); the derivative
    for the phase is i P r. ``gram`` is the real Gram matrix of (a, phase, shift).
    """

    columns: Complex
    gram: Real

    @classmethod
    def of(cls, reference: Complex, band: Band, noise_sd: float) -> Self:
        if noise_sd > 0:
            reference = _trusted(reference, band, noise_sd)
        columns = registration_derivatives(reference, band)
        gram = fisher_matrix(columns.reshape(3, -1))
        if not gram[0, 0] > 0:
            raise DataError("The reference has no signal in the alignment window; choose another window (--ppm).")
        return cls(columns[[0, 2]], gram)


def _trusted(reference: Complex, band: Band, noise_sd: float) -> Complex:
    """Damp a noisy reference where its noise outweighs its signal: a Wiener gain that never rises again.

    The derivative for the shift is weighted by time, so that the noise at the end of a reference would
    dominate it: estimates would scatter more and their SD would seem smaller than it is.
    """
    power = (np.abs(project(reference, band.inside)) ** 2).sum(axis=0)
    width = max(1, round(_SMOOTH_S / band.dwelltime_s))
    smooth = uniform_filter1d(power, width, mode="nearest")
    noise = 2 * noise_sd**2 * band.inside.mean() * len(reference)
    gain = np.maximum(0.0, 1 - _OVER * noise / np.maximum(smooth, np.finfo(float).tiny))
    top = int(np.argmax(smooth))
    gain[top:] = np.minimum.accumulate(gain[top:])
    gained: Complex = reference * gain
    return gained


def gn(fids: Complex, reference: Complex, band: Band, reference_noise_sd: float = 0.0) -> Registration:
    """Register transients to a reference by a matched-filter search and damped Gauss-Newton steps.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band
    reference_noise_sd : float
        Noise of the reference, a channel; what lies below it is not trusted. 0 = noise-free.

    Returns
    -------
    Registration
        With SDs from the Fisher matrix of the window (specs: same samples, same projector) and the noise
        that the residual in the window shows.

    Raises
    ------
    DataError
        If the reference has no signal in the window.
    """
    template = _Template.of(reference, band, reference_noise_sd)
    return _refine(fids, template, band, _capture(fids, template, band))


def refine(
    fids: Complex, reference: Complex, band: Band, start_hz: Real, reference_noise_sd: float = 0.0
) -> Registration:
    """Do what :func:`gn` does from known starting shifts, of shape (transient,), in Hz."""
    return _refine(fids, _Template.of(reference, band, reference_noise_sd), band, start_hz)


def _products(fids: Complex, columns: Complex) -> Complex:
    """Return conj(column) times data, summed over coils: shape (column, transient, time)."""
    if fids.shape[1] == 1:
        return columns[:, 0].conj()[:, None, :] * fids[:, 0]
    return np.einsum("kcn,bcn->kbn", columns.conj(), fids)


def _blocks(products: Complex, width: int) -> Complex:
    """Cut time into blocks of equal width, padded with zeros: shape (..., block, width)."""
    n = products.shape[-1]
    padding = [(0, 0)] * (products.ndim - 1) + [(0, -n % width)]
    return np.pad(products, padding).reshape(*products.shape[:-1], -1, width)


def _capture(fids: Complex, template: _Template, band: Band) -> Real:
    """Find the shift whose window correlates best with the reference, on a grid of 1 Hz.

    The correlation is divided by the energy that the shifted window holds, or strong water entering the
    window would win by its size.
    """
    width = max(1, int(0.125 / (band.max_shift_hz * band.dwelltime_s)))
    grid = np.arange(-band.max_shift_hz, band.max_shift_hz + _GRID_HZ / 2, _GRID_HZ)
    blocks = _blocks(_products(fids, template.columns[:1])[0], width).sum(axis=-1)
    middle = (np.arange(blocks.shape[-1]) * width + (width - 1) / 2) * band.dwelltime_s
    correlation = blocks @ np.exp(-2j * math.pi * middle[:, None] * grid)
    energy = _window_energy(fids, band, grid)
    best = np.argmax(np.abs(correlation) ** 2 / energy, axis=-1)
    found: Real = grid[best]
    return found


def _window_energy(fids: Complex, band: Band, grid: Real) -> Real:
    """Return the energy of each transient in the window moved by each shift: shape (transient, grid)."""
    power = (np.abs(fid_to_spectrum(fids)) ** 2).sum(axis=1)
    n = power.shape[-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], band.inside.astype(int), [0]])))
    bins = np.rint(grid * band.dwelltime_s * n).astype(int)
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=-1)], axis=-1)
    energy = np.zeros((len(power), len(grid)))
    for low, high in edges.reshape(-1, 2):
        energy += total[:, np.clip(high + bins, 0, n)] - total[:, np.clip(low + bins, 0, n)]
    return np.maximum(energy, np.finfo(float).tiny)


def _refine(fids: Complex, template: _Template, band: Band, start_hz: Real) -> Registration:
    n_transients = len(fids)
    near = shift(fids, -start_hz[:, None], band.dwelltime_s)
    width = max(1, round(_BLOCK_S / band.dwelltime_s))
    blocks = _blocks(_products(near, template.columns), width)
    offset = (np.arange(width) - (width - 1) / 2) * band.dwelltime_s
    powers = np.arange(_ORDER + 1)
    factorial = np.array([math.factorial(k) for k in powers])
    moments = blocks @ ((-2j * math.pi * offset[:, None]) ** powers / factorial)
    middle = (np.arange(blocks.shape[-2]) * width + (width - 1) / 2) * band.dwelltime_s

    def inner(shift_hz: Real) -> Complex:
        """Return <P r, y> and <P (2 pi i t r), y> of the data moved back by a further shift."""
        series = (moments * shift_hz[:, None, None] ** powers).sum(axis=-1)
        turned: Complex = series * np.exp(-2j * math.pi * shift_hz[:, None] * middle)
        return turned.sum(axis=-1)

    gram = template.gram
    more_hz = np.zeros(n_transients)
    products = inner(more_hz)
    phase_rad = np.angle(products[0])
    amplitude = np.abs(products[0]) / gram[0, 0]
    settled = np.zeros(n_transients, dtype=bool)
    for _ in range(_ITERATIONS):
        turned = products * np.exp(-1j * phase_rad)
        gradient = np.stack([turned[0].real, turned[0].imag, turned[1].real], axis=-1) - amplitude[:, None] * gram[0]
        step = np.linalg.solve(gram, gradient.T).T
        safe = np.maximum(amplitude, np.finfo(float).tiny)
        step_hz = np.clip(step[:, 2] / safe, -_MAX_STEP_HZ, _MAX_STEP_HZ)
        more_hz = more_hz + step_hz
        before, products = phase_rad, inner(more_hz)
        phase_rad = np.angle(products[0])
        amplitude = np.abs(products[0]) / gram[0, 0]
        turned_by = np.abs(np.angle(np.exp(1j * (phase_rad - before))))
        settled = (np.abs(step_hz) < _SETTLED_HZ) & (turned_by < _SETTLED_RAD)
        if settled.all():
            break
    shift_hz = start_hz + more_hz
    sd = _deviations(correct(near, more_hz[:, None], phase_rad[:, None], band.dwelltime_s), amplitude, template, band)
    inside = np.abs(shift_hz) < band.max_shift_hz
    return Registration(shift_hz, phase_rad, sd[:, 1], sd[:, 0], settled & inside)


def _deviations(corrected: Complex, amplitude: Real, template: _Template, band: Band) -> Real:
    """Return the SDs of phase (rad) and shift (Hz), shape (transient, 2), from residual and Fisher matrix.

    With J the derivatives for (a, phase, shift) and s the noise SD a channel in the window, the covariance
    is s^2 (J^T J)^-1 (Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 3.9).
    """
    inside = fid_to_spectrum(corrected)[..., band.inside]
    reference = fid_to_spectrum(template.columns[0])[..., band.inside]
    residual = inside - amplitude[:, None, None] * reference
    freedom = max(2 * inside[0].size - 3, 1)
    noise_sd = np.sqrt((np.abs(residual) ** 2).sum(axis=(1, 2)) / freedom)
    unit = crlb(template.gram)[1:]
    scaled: Real = noise_sd[:, None] * unit / np.maximum(amplitude, np.finfo(float).tiny)[:, None]
    return scaled
