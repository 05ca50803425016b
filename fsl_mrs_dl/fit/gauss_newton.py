"""Gauss-Newton registration: shift and phase of transients at the Cramer-Rao bound of a ppm window.

The model of a transient is its reference, scaled, turned and shifted, plus white noise,
y = a exp(i phi + 2 pi i f t) r. Shift and phase are undone on the *data*, so that the window stays where the
reference has its signal, and what moves in from outside (residual water, lipid) is not fitted away. In that
corrected frame the derivatives of the model do not depend on the estimates: they are made once from the
reference, and an iteration costs two inner products a transient.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.fisher import fisher_matrix, registration_derivatives
from fsl_mrs_dl.fit.registration import Band, Registration
from fsl_mrs_dl.physics import correct, fid_to_spectrum, shift

_BLOCK_S = 4e-3  # within a block a shift of a few Hz is a short Taylor series
_ORDER = 3
_ABOVE_FLOOR = 4.0
_FADE = 0.8  # exp(-(t / 0.8)^4) is 0.09 where the noise takes over
_OVER = 2.0  # the smoothed power of pure noise stays below twice its mean
_SMOOTH_S = 20e-3  # longer than the beats between the lines of a window
_ITERATIONS = 12
_FEWEST_TO_LEARN = 8
_MAX_STEP_HZ = 2.0
_SETTLED_HZ = 1e-4
_SETTLED_RAD = 1e-5


@dataclass(frozen=True, eq=False)
class _Template:
    """A reference's derivatives, weighed by the band, and their Gram matrix.

    ``columns`` has the shape (2, coil, time): W r for the scale and W (2 pi i t r) for the shift, of the
    faded reference; that for the phase is i W r. ``gram`` is the Gram matrix of (scale, phase, shift) under
    W, ``unit_sd`` the SDs of (phase, shift) at scale 1 and unit noise.
    """

    columns: Complex
    gram: Real
    unit_sd: Real

    @classmethod
    def of(cls, reference: Complex, band: Band, noise_sd: float) -> Self:
        trusted = _trusted(reference, band, noise_sd) if noise_sd > 0 else reference
        faded = registration_derivatives(trusted, band.dwelltime_s)
        columns = band.weighed(faded)
        flat = columns.reshape(3, -1)
        gram = fisher_matrix(faded.reshape(3, -1), weighed=flat)
        if not gram[0, 0] > 0:
            raise DataError(
                "The reference has no signal in the alignment window; choose another window (--ppm)."
            )
        # The faded columns weigh the data; what a step then moves is told by the model that was not faded.
        full = registration_derivatives(reference, band.dwelltime_s).reshape(3, -1)
        inverse = np.linalg.inv(fisher_matrix(full, weighed=flat).T)
        unit_sd = np.sqrt(np.diag(inverse @ gram @ inverse.T))[1:]
        return cls(columns[[0, 2]], gram, unit_sd)


def _trusted(reference: Complex, band: Band, noise_sd: float) -> Complex:
    """Fade a noisy reference out where its noise outweighs its signal.

    The derivative for the shift is weighted by time, so that the noise at the end of a reference would
    dominate it: estimates would scatter more and their SD would seem smaller than it is. The fading is
    smooth, or it would smear residual water into the window.
    """
    power = (np.abs(band.weighed(reference)) ** 2).sum(axis=0)
    width = max(1, round(_SMOOTH_S / band.dwelltime_s))
    smooth = uniform_filter1d(power, width, mode="nearest")
    noise = 2 * noise_sd**2 * band.inside.mean() * len(reference)
    top = int(np.argmax(smooth[: len(smooth) // 2]))
    # What the noise was estimated from may be quieter than the window (filters, motion): the floor says.
    level = max(_OVER * noise, _ABOVE_FLOOR * float(smooth[top:].min()))
    below = np.flatnonzero(smooth[top:] < level)
    if not len(below):
        return reference
    t = np.arange(len(power)) / max(top + below[0], width)
    faded: Complex = reference * np.exp(-((t / _FADE) ** 4))
    return faded


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
    found = capture(fids, reference, band, reference_noise_sd)
    learned = with_learned_baseline(fids, reference, band, found)
    return refine(fids, reference, learned, found.shift_hz, reference_noise_sd)


def capture(fids: Complex, reference: Complex, band: Band, reference_noise_sd: float = 0.0) -> Registration:
    """Do what :func:`gn` does, but take the whole smooth baseline out, as a first registration must."""
    template = _Template.of(reference, band, reference_noise_sd)
    return _refine(fids, template, band, _capture(fids, template, band))


def refine(
    fids: Complex, reference: Complex, band: Band, start_hz: Real, reference_noise_sd: float = 0.0
) -> Registration:
    """Do what :func:`gn` does from known starting shifts, of shape (transient,), in Hz."""
    return _refine(fids, _Template.of(reference, band, reference_noise_sd), band, start_hz)


def with_learned_baseline(fids: Complex, reference: Complex, band: Band, found: Registration) -> Band:
    """Return the band with as much smooth baseline taken out as the registered transients show.

    To take it out costs information: of simulated brain at 3 T without any water, 40 % more SD of the shift
    and twice the SD of the phase. What the transients leave over their common reference tells whether, and
    in which polynomial, there is more than noise.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    reference : ndarray, complex, shape (coil, time)
    band : Band
    found : Registration
        Of these transients to this reference.

    Returns
    -------
    Band
    """
    if fids.shape[0] * fids.shape[1] < _FEWEST_TO_LEARN or not band.baseline.shape[1]:
        return band
    corrected = correct(fids, found.shift_hz[:, None], found.phase_rad[:, None], band.dwelltime_s)
    known = band.inside_bins(reference)
    sharp = band.inside_bins(corrected)
    scale = (sharp * known.conj()).sum(axis=(1, 2)).real / (np.abs(known) ** 2).sum()
    left = fid_to_spectrum(corrected - scale[:, None, None] * reference)[..., band.inside]
    smooth = left @ band.baseline.conj()
    sharp_power = (np.abs(left) ** 2).sum(axis=(1, 2)) - (np.abs(smooth) ** 2).sum(axis=(1, 2))
    noise_power = sharp_power / (left[0].size - smooth[0].size)
    ratio = np.abs(smooth) ** 2 / np.maximum(noise_power, np.finfo(float).tiny)[:, None, None]
    excess = ratio.mean(axis=(0, 1)) - 1
    chance = 2 / math.sqrt(ratio.shape[0] * ratio.shape[1])  # two SDs of that mean if there is only noise
    more = np.where(excess > chance, excess, 0.0)
    return replace(band, share=more / (1 + more))


def _products(fids: Complex, columns: Complex) -> Complex:
    """Return conj(column) times data, summed over coils: shape (column, transient, time)."""
    products: Complex
    if fids.shape[1] == 1:
        products = columns[:, 0].conj()[:, None, :] * fids[:, 0]
    else:
        products = np.einsum("kcn,bcn->kbn", columns.conj(), fids)
    return products


def _blocks(products: Complex, width: int) -> Complex:
    """Cut time into blocks of equal width, padded with zeros: shape (..., block, width)."""
    n = products.shape[-1]
    padding = [(0, 0)] * (products.ndim - 1) + [(0, -n % width)]
    return np.pad(products, padding).reshape(*products.shape[:-1], -1, width)


def _capture(fids: Complex, template: _Template, band: Band) -> Real:
    """Find the shift, in whole bins, at which the window correlates best with the reference.

    The correlation is divided by the energy that the moved window holds, both without smooth baseline, or
    strong water entering the window would win by its size.
    """
    spectra = fid_to_spectrum(fids)
    n = spectra.shape[-1]
    most = max(1, round(band.max_shift_hz * band.dwelltime_s * n))
    moves = np.arange(-most, most + 1)
    low, high = np.flatnonzero(band.inside)[[0, -1]]
    around = np.take(spectra, np.arange(low - most, high + most + 1) % n, axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(around, high - low + 1, axis=-1)
    power = np.cumsum(np.abs(around) ** 2, axis=-1)
    energy = (
        power[..., high - low :]
        - np.concatenate([np.zeros_like(power[..., :1]), power], axis=-1)[..., : len(moves)]
    )
    energy = (energy - (np.abs(windows @ band.baseline) ** 2).sum(axis=-1)).sum(axis=1)
    reference = band.inside_bins(template.columns[0]).conj()
    correlation = np.abs((windows @ reference[..., None])[..., 0].sum(axis=1)) ** 2
    best = np.argmax(correlation / np.maximum(energy, np.finfo(float).tiny), axis=-1)
    found: Real = moves[best] / (n * band.dwelltime_s)
    return found


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
        turned = series * np.exp(-2j * math.pi * shift_hz[:, None] * middle)
        summed: Complex = turned.sum(axis=-1)
        return summed

    gram = template.gram
    more_hz = np.zeros(n_transients)
    products = inner(more_hz)
    phase_rad = np.angle(products[0])
    amplitude = np.abs(products[0]) / gram[0, 0]
    settled = np.zeros(n_transients, dtype=bool)
    for _ in range(_ITERATIONS):
        turned = products * np.exp(-1j * phase_rad)
        gradient = (
            np.stack([turned[0].real, turned[0].imag, turned[1].real], axis=-1) - amplitude[:, None] * gram[0]
        )
        step = np.linalg.solve(gram, gradient.T).T
        safe = np.maximum(amplitude, np.finfo(float).tiny)
        step_hz = np.clip(step[:, 2] / safe, -_MAX_STEP_HZ, _MAX_STEP_HZ)
        step_hz[settled] = 0  # done is done, or a result would depend on the company it was computed in
        more_hz = more_hz + step_hz
        before, products = phase_rad, inner(more_hz)
        phase_rad = np.angle(products[0])
        amplitude = np.abs(products[0]) / gram[0, 0]
        turned_by = np.abs(np.angle(np.exp(1j * (phase_rad - before))))
        settled |= (np.abs(step_hz) < _SETTLED_HZ) & (turned_by < _SETTLED_RAD)
        if settled.all():
            break
    shift_hz = start_hz + more_hz
    sd = _deviations(
        correct(near, more_hz[:, None], phase_rad[:, None], band.dwelltime_s), amplitude, template, band
    )
    inside = np.abs(shift_hz) < band.max_shift_hz
    return Registration(shift_hz, phase_rad, sd[:, 1], sd[:, 0], settled & inside)


def _deviations(corrected: Complex, amplitude: Real, template: _Template, band: Band) -> Real:
    """Return the SDs of phase (rad) and shift (Hz), shape (transient, 2), from residual and Fisher matrix.

    With J the derivatives for (a, phase, shift), G their faded twins and s the noise SD a channel in the
    window, the covariance is s^2 (G^T J)^-1 G^T G (J^T G)^-1: the Fisher matrix's inverse where nothing is
    faded (Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 3.9 and 6).
    """
    residual = band.inside_bins(corrected) - amplitude[:, None, None] * band.inside_bins(template.columns[0])
    freedom = max(2 * (residual[0].size - residual.shape[1] * band.baseline.shape[1]) - 3, 1)
    noise_sd = np.sqrt((np.abs(residual) ** 2).sum(axis=(1, 2)) / freedom)
    scaled: Real = noise_sd[:, None] * template.unit_sd / np.maximum(amplitude, np.finfo(float).tiny)[:, None]
    return scaled
