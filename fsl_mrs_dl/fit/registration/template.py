"""What a reference tells about shift and phase: its derivatives under the weight of a window."""

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
from fsl_mrs_dl.physics import time_axis

_ABOVE_FLOOR = 4.0
_FADE = 0.8  # exp(-(t / 0.8)^4) is 0.09 where the noise takes over
_OVER = 2.0  # the smoothed power of pure noise stays below twice its mean
_MAX_STEP_HZ = 2.0
_SMOOTH_S = 20e-3  # longer than the beats between the lines of a window


@dataclass(frozen=True, eq=False)
class Template:
    """The derivatives of some references, weighed by the band, and their Gram matrices.

    Attributes
    ----------
    faded : ndarray, complex, shape (reference, coil x time)
        The references, as far as they are trusted.
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
            Noise of each reference, a channel; what lies below it is not trusted. 0 = noise-free.
        trust : ndarray, float, shape (time,), optional
            How much of the references' power is signal, where that is known better than from their noise.

        Raises
        ------
        DataError
            If a reference has no signal in the window.
        """
        n = len(references)
        full = np.moveaxis(registration_derivatives(references, band.dwelltime_s), 0, 1)
        fade = faded_out(references, band, noise_sd) if trust is None else trust[None]
        faded = full * fade[:, None, None, :]
        columns = band.weighed(faded).reshape(n, 3, -1)
        gram = fisher_matrix(faded.reshape(n, 3, -1), weighed=columns)
        if not (gram[:, 0, 0] > 0).all():
            raise DataError(
                "The reference has no signal in the alignment window; choose another window (--ppm)."
            )
        inverse = np.linalg.inv(gram)
        # Faded columns weigh the data; what a step then moves is told by the model that was not faded.
        moved = fisher_matrix(full.reshape(n, 3, -1), weighed=columns)
        # The noise of a reference is in both, and is no information.
        moved = moved - _of_noise(fade, band, noise_sd, references.shape[1])
        moves = np.linalg.inv(np.swapaxes(moved, -1, -2))
        covariance = moves @ gram @ np.swapaxes(moves, -1, -2)
        return cls(faded.reshape(n, 3, -1)[:, 0], columns[:, [0, 2]], gram, inverse, covariance)

    @property
    def unit_sd(self) -> Real:
        """SDs of (phase, shift) at scale 1 and unit noise a channel, shape (reference, 2)."""
        deviations: Real = np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))[:, 1:]
        return deviations

    def products(self, fids: Complex, which: NDArray[np.integer]) -> Complex:
        """Return the inner products of columns and data, shape (transient, 2).

        Parameters
        ----------
        fids : ndarray, complex, shape (transient, coil, time)
        which : ndarray, int, shape (transient,)
            The reference of each transient.
        """
        flat = fids.reshape(len(fids), -1)
        products = np.empty((len(fids), 2), dtype=np.complex128)
        for k, columns in enumerate(self.columns):
            mine = which == k
            products[mine] = (flat if mine.all() else flat[mine]) @ columns.conj().T.astype(flat.dtype)
        return products

    def step(self, products: Complex, which: NDArray[np.integer]) -> "Step":
        """Return where the data are by these products, and the Gauss-Newton step from there.

        Scale and phase are solved for, given the shift; what is left of the gradient is that for the shift.
        """
        gram, inverse = self.gram[which], self.inverse[which]
        phase_rad = np.angle(products[:, 0])
        amplitude = np.abs(products[:, 0]) / gram[:, 0, 0]
        slope = (products[:, 1] * np.exp(-1j * phase_rad)).real - amplitude * gram[:, 0, 2]
        relative = slope / np.maximum(amplitude, np.finfo(float).tiny)
        step_hz = np.clip(inverse[:, 2, 2] * relative, -_MAX_STEP_HZ, _MAX_STEP_HZ)
        return Step(phase_rad, amplitude, step_hz, step_hz * inverse[:, 1, 2] / inverse[:, 2, 2])


@dataclass(frozen=True, eq=False)
class Step:
    """Where transients are against a template, and how far they are to be moved; each of shape (transient,).

    Attributes
    ----------
    phase_rad, amplitude : ndarray, float
        The best for the shift as it is.
    shift_hz, turn_rad : ndarray, float
        What a Gauss-Newton step adds to shift and phase.
    """

    phase_rad: Real
    amplitude: Real
    shift_hz: Real
    turn_rad: Real


def _of_noise(fade: Real, band: Band, noise_sd: Real, n_coils: int) -> Real:
    """Return what white noise in references adds, on average, to the Fisher matrix, (reference, 3, 3)."""
    times = np.arange(fade.shape[-1]) * band.dwelltime_s
    taken = len(band.inside) - band.inside.sum() + _smooth(band)
    each = 2 * noise_sd**2 * (1 - taken / len(band.inside)) * n_coils
    turns = 2 * np.pi * times
    zeroth, first, second = (each * (fade @ turns**power) for power in range(3))
    nothing = np.zeros_like(zeroth)
    rows = [(zeroth, nothing, nothing), (nothing, zeroth, first), (nothing, first, second)]
    return np.moveaxis(np.array(rows), -1, 0)


def _smooth(band: Band) -> float:
    """Return how many complex numbers of the window are taken out with the smooth baseline."""
    if band.share is None:
        return float(band.baseline.shape[1])
    return float((band.share if band.share.ndim == 1 else np.diagonal(band.share)).real.sum())


def faded_out(references: Complex, band: Band, noise_sd: Real) -> Real:
    """Return factors that fade noisy references out where the noise outweighs the signal, (reference, time).

    The derivative for the shift is weighted by time, so that the noise at the end of a reference would
    dominate it: estimates would scatter more and their SD would seem smaller than it is. The fading is
    smooth, or it would smear residual water into the window.
    """
    n_coils, n_points = references.shape[1:]
    fade = np.ones((len(references), n_points))
    if not noise_sd.any():
        return fade
    width = max(1, round(_SMOOTH_S / band.dwelltime_s))
    since = np.maximum(np.arange(n_points) * band.dwelltime_s - band.delay_s, 0.0)
    power = (np.abs(band.weighed(references)) ** 2).sum(axis=1)
    for k, smooth in enumerate(uniform_filter1d(power, width, axis=-1, mode="nearest")):
        noise = 2 * noise_sd[k] ** 2 * band.inside.mean() * n_coils
        top = int(np.argmax(smooth[: n_points // 2]))
        # What the noise was estimated from may be quieter than the window (filters, motion): the floor says.
        level = max(_OVER * noise, _ABOVE_FLOOR * float(smooth[top:].min()))
        below = np.flatnonzero(smooth[top:] < level)
        if noise_sd[k] > 0 and len(below):
            fade[k] = np.exp(-((since / max(since[top + below[0]], _SMOOTH_S) / _FADE) ** 4))
    return fade


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
    fisher = fisher_matrix(columns.reshape(3, -1), noise_sd, band.weighed(columns).reshape(3, -1))
    _, phase_rad, shift_hz = crlb(fisher)
    return float(shift_hz), float(phase_rad)
