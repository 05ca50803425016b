"""Shift and phase where the cross-correlation of a transient's spectrum with the reference's is largest."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration import Band, Registration
from fsl_mrs_dl.fit.spectral_registration import signal_norm
from fsl_mrs_dl.physics import correct, fid_to_spectrum, frequency_axis_hz, project

ZERO_FILL = 8
"""The cross-correlation is sampled this many times finer than the DFT bins."""


def corr(fids: Complex, reference: Complex, band: Band) -> Registration:
    r"""Estimate shifts and phases by cross-correlation of whole complex spectra.

    .. math:: C(\delta) = \sum_{c, f} R_c^*(f) \, Y_c(f + \delta)

    The shift is where :math:`|C|` is largest within the band's search (spectra zero-filled 8 times, then a
    parabola through three samples), the phase is the angle of :math:`C` there. Because the correlation is
    complex this is the matched filter, much better than a correlation of magnitudes or real parts.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band
        ``inside`` is not used.

    Returns
    -------
    Registration
        Relative to the reference; without SDs.

    Raises
    ------
    DataError
        If the reference is zero everywhere.
    """
    signal_norm(reference)
    searched = np.flatnonzero(np.abs(_lags_hz(reference.shape[-1], band)) <= band.max_shift_hz)
    found = np.array([_largest(fid, reference, band, searched) for fid in fids]).reshape(-1, 3)
    nan = np.full(len(fids), np.nan)
    return Registration(found[:, 0], found[:, 1], nan, nan.copy(), found[:, 2].astype(bool))


def corrf(fids: Complex, reference: Complex, band: Band) -> Registration:
    """Estimate shifts and phases by cross-correlation of complex spectra within the window of the band.

    As :func:`corr`, of what transient and reference have in the window; a line that the shift carries over
    the window's edge makes a bias.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band

    Returns
    -------
    Registration
        Relative to the reference; without SDs.

    Raises
    ------
    DataError
        If the reference is zero everywhere in the window.
    """
    return corr(project(fids, band.inside), project(reference, band.inside), band)


def _lags_hz(n_points: int, band: Band) -> Real:
    """Return the shifts at which the cross-correlation is sampled, ascending, in Hz."""
    return frequency_axis_hz(ZERO_FILL * n_points, band.dwelltime_s)


def _largest(
    fid: Complex, reference: Complex, band: Band, searched: NDArray[np.intp]
) -> tuple[float, float, bool]:
    """Return shift, phase and whether the maximum lies inside the search, for one transient."""
    # A correlation over frequency is a product over time; its transform samples C at the lags.
    product = (reference.conj() * fid).sum(axis=0)
    filled = np.pad(product, (0, (ZERO_FILL - 1) * product.size))
    height = np.abs(fid_to_spectrum(filled))
    best = int(searched[np.argmax(height[searched])])
    inside = bool(searched[0] < best < searched[-1])
    lags_hz = _lags_hz(product.size, band)
    shift_hz = float(lags_hz[best])
    if inside:
        left, top, right = height[best - 1 : best + 2]
        curvature = left - 2 * top + right
        vertex = 0.5 * (left - right) / curvature if curvature < 0 else 0.0  # in samples, within +-0.5
        shift_hz += vertex * float(lags_hz[1] - lags_hz[0])
    peak = correct(product, shift_hz, 0.0, band.dwelltime_s).sum()
    return shift_hz, float(np.angle(peak)), inside
