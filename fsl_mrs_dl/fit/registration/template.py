"""The information of a reference about shift and phase: its derivatives under the weight of a window."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.fisher import crlb, fisher_matrix
from fsl_mrs_dl.fit.registration.band import Band
from fsl_mrs_dl.physics import fid_to_spectrum, time_axis

_ABOVE_FLOOR = 4.0
"""Signal of a reference ends where its power falls below this multiple of the smallest power of its course."""
_ABOVE_NOISE = 2.0
"""Or below this multiple of its noise: the smoothed power of pure noise stays below twice its mean."""
_FADE = 0.8
"""Time constant of the fading, in units of the end of the signal: exp(-(1 / 0.8)^4) is 0.09 there."""
_MAX_STEP_HZ = 2.0
"""Longest Gauss-Newton step, in Hz: about half a line of the brain, within which the model is linear."""
_SMOOTH_S = 20e-3
"""Width of the moving mean over power, in s: longer than the beats between the lines of a window."""


@dataclass(frozen=True, eq=False)
class Template:
    """The derivatives of some references, weighted by the band, and their Gram matrices.

    Attributes
    ----------
    faded : ndarray, complex, shape (reference, coil x time)
        The references, faded out where they are not trusted.
    columns : ndarray, complex, shape (reference, 2, coil x time)
        W r for the scale and W (2 pi i t r) for the shift, of the faded reference; that for the phase is i W r.
    gram : ndarray, float, shape (reference, 3, 3)
        Of (scale, phase, shift) under W.
    inverse : ndarray, float, shape (reference, 3, 3)
        Of ``gram``.
    covariance : ndarray, float, shape (reference, 3, 3)
        Of the estimates of (scale, phase, shift) at scale 1 and unit noise a channel.
    """

    faded: Complex
    columns: Complex
    gram: Real
    inverse: Real
    covariance: Real

    @classmethod
    def of(cls, references: Complex, band: Band, noise_sd: Real, trust: Real | None = None) -> Self:
        """Return the template of references.

        Parameters
        ----------
        references : ndarray, complex, shape (reference, coil, time)
        band : Band
        noise_sd : ndarray, float, shape (reference,)
            Noise of each reference, a channel; signal below it is not trusted. 0 = noise-free.
        trust : ndarray, float, shape (time,), optional
            Share of signal in the references' power, where that is known better than from their noise.

        Raises
        ------
        DataError
            If a reference has no signal in the window.
        """
        n = len(references)
        full = np.moveaxis(registration_derivatives(references, band.dwelltime_s), 0, 1)
        factors = fade(references, band, noise_sd) if trust is None else trust[None]
        faded = full * factors[:, None, None, :]
        columns = band.weighted(faded).reshape(n, 3, -1)
        gram = fisher_matrix(faded.reshape(n, 3, -1), weighted=columns)
        if not (gram[:, 0, 0] > 0).all():
            raise DataError(
                "The reference has no signal in the alignment window; choose another window (--ppm)."
            )
        inverse = np.linalg.inv(gram)
        # Faded columns weight the data; the model that was not faded tells how far a step then moves.
        crossed = fisher_matrix(full.reshape(n, 3, -1), weighted=columns)
        # The noise of a reference is in both, and is no information.
        crossed = crossed - _noise_information(factors, band, noise_sd, references.shape[1])
        steps = np.linalg.inv(np.swapaxes(crossed, -1, -2))
        covariance = steps @ gram @ np.swapaxes(steps, -1, -2)
        return cls(faded.reshape(n, 3, -1)[:, 0], columns[:, [0, 2]], gram, inverse, covariance)

    @property
    def unit_sd(self) -> Real:
        """SDs of (phase, shift) at scale 1 and unit noise a channel, shape (reference, 2)."""
        deviations: Real = np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))[:, 1:]
        return deviations

    def products(self, fids: Complex, folds: NDArray[np.integer]) -> Complex:
        """Return the inner products of columns and data, shape (transient, 2).

        Parameters
        ----------
        fids : ndarray, complex, shape (transient, coil, time)
        folds : ndarray, int, shape (transient,)
            The reference of each transient.
        """
        flat = fids.reshape(len(fids), -1)
        products = np.empty((len(fids), 2), dtype=np.complex128)
        for k, columns in enumerate(self.columns):
            rows = folds == k
            products[rows] = (flat if rows.all() else flat[rows]) @ columns.conj().T.astype(flat.dtype)
        return products

    def step(self, products: Complex, folds: NDArray[np.integer]) -> "GaussNewtonStep":
        """Return the best scale and phase by these products, and the Gauss-Newton step from there.

        Scale and phase are solved for, given the shift; the rest of the gradient is that for the shift.
        """
        gram, inverse = self.gram[folds], self.inverse[folds]
        phase_rad = np.angle(products[:, 0])
        amplitude = np.abs(products[:, 0]) / gram[:, 0, 0]
        slope = (products[:, 1] * np.exp(-1j * phase_rad)).real - amplitude * gram[:, 0, 2]
        relative = slope / np.maximum(amplitude, np.finfo(float).tiny)
        step_hz = np.clip(inverse[:, 2, 2] * relative, -_MAX_STEP_HZ, _MAX_STEP_HZ)
        return GaussNewtonStep(phase_rad, amplitude, step_hz, step_hz * inverse[:, 1, 2] / inverse[:, 2, 2])

    def deviations(
        self, corrected: Complex, best: "GaussNewtonStep", folds: NDArray[np.integer], band: Band
    ) -> Real:
        """Return the SDs of phase (rad) and shift (Hz), shape (transient, 2), from residual and Fisher matrix.

        With J the derivatives for (scale, phase, shift), G their faded twins and s the noise SD a channel in the
        window, the covariance is s^2 (G^T J)^-1 G^T G (J^T G)^-1: the Fisher matrix's inverse where nothing is
        faded (Kay 1993, Fundamentals of Statistical Signal Processing I, ch. 3.9 and 6).

        Parameters
        ----------
        corrected : ndarray, complex, shape (transient, coil, time)
            With the shifts undone.
        best : GaussNewtonStep
            Scale and phase of each.
        folds : ndarray, int, shape (transient,)
        band : Band
        """
        references = self.columns[:, 0].reshape(-1, *corrected.shape[1:])
        known = band.inside_bins(references).reshape(len(self.gram), -1)
        bins = fid_to_spectrum(corrected)[..., band.inside]
        # The power without the baseline less that of the model, term by term: no array of residuals is made.
        residual = power(bins) - power(bins @ band.baseline.conj())
        flat = bins.reshape(len(bins), -1)
        likeness = np.empty(len(bins))
        for k, reference in enumerate(known):
            rows = folds == k
            likeness[rows] = (flat[rows] @ reference.conj() * np.exp(-1j * best.phase_rad[rows])).real
        own = (np.abs(known) ** 2).sum(axis=1)[folds]
        residual = residual - 2 * best.amplitude * likeness + best.amplitude**2 * own
        freedom = max(2 * (bins[0].size - bins.shape[1] * band.baseline.shape[1]) - 3, 1)
        noise_sd = np.sqrt(np.maximum(residual, 0.0) / freedom)
        amplitude = np.maximum(best.amplitude, np.finfo(float).tiny)
        scaled: Real = (noise_sd / amplitude)[:, None] * self.unit_sd[folds]
        return scaled


@dataclass(frozen=True, eq=False)
class GaussNewtonStep:
    """Scale and phase of transients against a template, and the step from there; each of shape (transient,).

    Attributes
    ----------
    phase_rad, amplitude : ndarray, float
        The best at the present shift.
    shift_hz, turn_rad : ndarray, float
        What a Gauss-Newton step adds to shift and phase.
    """

    phase_rad: Real
    amplitude: Real
    shift_hz: Real
    turn_rad: Real


def power(spectra: Complex) -> Real:
    """Return the sum of squares of each transient, shape (transient,), of an array (transient, coil, sample)."""
    squares: Real = (spectra.real**2 + spectra.imag**2).sum(axis=(1, 2))
    return squares


def _noise_information(factors: Real, band: Band, noise_sd: Real, n_coils: int) -> Real:
    """Return the mean Fisher matrix that white noise in the references adds, shape (reference, 3, 3)."""
    times = np.arange(factors.shape[-1]) * band.dwelltime_s
    removed = len(band.inside) - band.inside.sum() + _removed_points(band)
    power_per_point = 2 * noise_sd**2 * (1 - removed / len(band.inside)) * n_coils
    turns = 2 * np.pi * times
    zeroth, first, second = (power_per_point * (factors @ turns**order) for order in range(3))
    nothing = np.zeros_like(zeroth)
    rows = [(zeroth, nothing, nothing), (nothing, zeroth, first), (nothing, first, second)]
    return np.moveaxis(np.array(rows), -1, 0)


def _removed_points(band: Band) -> float:
    """Return how many complex numbers of the window are removed with the smooth baseline."""
    if band.share is None:
        return float(band.baseline.shape[1])
    return float((band.share if band.share.ndim == 1 else np.diagonal(band.share)).real.sum())


def fade(references: Complex, band: Band, noise_sd: Real) -> Real:
    """Return factors that fade references out where their noise outweighs the signal, shape (reference, time).

    The derivative for the shift is weighted by time, so that the noise at the end of a reference would
    dominate it: estimates would scatter more and their SD would seem smaller than it is. The fading is
    smooth, or it would smear residual water into the window.

    Parameters
    ----------
    references : ndarray, complex, shape (reference, coil, time)
    band : Band
    noise_sd : ndarray, float, shape (reference,)
        A channel; 0 = noise-free, which is not faded.
    """
    n_coils, n_points = references.shape[1:]
    factors = np.ones((len(references), n_points))
    if not noise_sd.any():
        return factors
    width = max(1, round(_SMOOTH_S / band.dwelltime_s))
    since = np.maximum(np.arange(n_points) * band.dwelltime_s - band.delay_s, 0.0)
    windowed = (np.abs(band.weighted(references)) ** 2).sum(axis=1)
    for k, smooth in enumerate(uniform_filter1d(windowed, width, axis=-1, mode="nearest")):
        noise = 2 * noise_sd[k] ** 2 * band.inside.mean() * n_coils
        top = int(np.argmax(smooth[: n_points // 2]))
        # The noise may have been estimated where it is quieter than in the window (filters, motion): then the
        # floor of the power counts.
        level = max(_ABOVE_NOISE * noise, _ABOVE_FLOOR * float(smooth[top:].min()))
        below = np.flatnonzero(smooth[top:] < level)
        if noise_sd[k] > 0 and len(below):
            factors[k] = np.exp(-((since / max(since[top + below[0]], _SMOOTH_S) / _FADE) ** 4))
    return factors


def registration_derivatives(fid: Complex, dwelltime_s: float) -> Complex:
    """Return the derivatives of a exp(i phi + 2 pi i f t) r(t) at a = 1, phi = f = 0.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        r(t).
    dwelltime_s : float
        In s.

    Returns
    -------
    ndarray, complex, shape (3, coil, time)
        For scale, phase (rad) and shift (Hz).
    """
    t = time_axis(fid.shape[-1], dwelltime_s, fid)
    return np.stack([fid, 1j * fid, 2j * math.pi * t * fid])


def registration_crlb(fid: Complex, band: Band, noise_sd: float) -> tuple[float, float]:
    """Return the bounds of shift (Hz) and phase (rad) of one transient whose reference is known.

    Parameters
    ----------
    fid : ndarray, complex, shape (coil, time)
        The transient without noise.
    band : Band
        Its window, and the weight of its smooth baseline.
    noise_sd : float
        A channel.

    Returns
    -------
    shift_hz, phase_rad : float
    """
    columns = registration_derivatives(fid, band.dwelltime_s)
    fisher = fisher_matrix(columns.reshape(3, -1), noise_sd, band.weighted(columns).reshape(3, -1))
    _, phase_rad, shift_hz = crlb(fisher)
    return float(shift_hz), float(phase_rad)
