"""Shift and phase where the cross-correlation of a transient's spectrum with the reference's is largest."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.classical.spectral_registration import signal_norm
from fsl_mrs_dl.physics import fid_to_spectrum, frequency_axis_hz, ppm_axis, project

ZERO_FILL = 8
"""The cross-correlation is sampled this many times finer than the DFT bins: at 3 T every 0.1 Hz or less."""


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
    return _correlate(fids, reference, band, None)


def corrf(fids: Complex, reference: Complex, band: Band) -> Registration:
    """Estimate shifts and phases by cross-correlation of complex spectra within the window of the band.

    As :func:`corr`, but of the window of transient and reference alone. A line that the shift carries over
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
    # The window on the zero-filled grid: a fine bin belongs to the nearest bin of the data.
    fine = ppm_axis(
        ZERO_FILL * band.ppm.size,
        band.dwelltime_s,
        band.spectrometer_frequency_mhz,
        band.ppm[band.ppm.size // 2],
    )
    return _correlate(fids, reference, band, np.interp(fine, band.ppm, band.inside) >= 0.5)


def _correlate(
    fids: Complex, reference: Complex, band: Band, inside: NDArray[np.bool_] | None
) -> Registration:
    """Find the largest correlation of each transient; ``inside`` is a window on the zero-filled grid."""

    def prepare(fid: Complex) -> Complex:
        # Filled *before* the window: a cut spectrum rings into negative time, which the DFT puts at the end
        # of the FID, where only lags on the grid of its own bins are right.
        filled = np.pad(fid, [(0, 0), (0, (ZERO_FILL - 1) * fid.shape[-1])])
        return filled if inside is None else project(filled, inside)

    target = prepare(reference)
    signal_norm(target)
    lags_hz = frequency_axis_hz(target.shape[-1], band.dwelltime_s)
    searched = np.flatnonzero(np.abs(lags_hz) <= band.max_shift_hz)
    shift_hz, phase_rad = np.zeros((2, len(fids)))
    converged = np.zeros(len(fids), dtype=bool)
    for n, fid in enumerate(fids):
        # A correlation over frequency is a product over time, and the transform of it samples the lags.
        correlation = fid_to_spectrum((target.conj() * prepare(fid)).sum(axis=0))
        best = int(searched[np.argmax(np.abs(correlation[searched]))])
        converged[n] = searched[0] < best < searched[-1]
        around = correlation[best - 1 : best + 2] if converged[n] else correlation[[best] * 3]
        sample, peak = _vertex(around)
        shift_hz[n] = lags_hz[best] + sample * (lags_hz[1] - lags_hz[0])
        phase_rad[n] = np.angle(peak)
    return Registration.without_sd(shift_hz, phase_rad, converged)


def _vertex(around: Complex) -> tuple[float, complex]:
    """Return where a parabola through three magnitudes is highest, in samples, and the value there."""
    left, top, right = np.abs(around)
    curvature = left - 2 * top + right
    sample = float(0.5 * (left - right) / curvature) if curvature < 0 else 0.0
    slope, bend = around[2] - around[0], around[2] - 2 * around[1] + around[0]
    return sample, complex(around[1] + 0.5 * slope * sample + 0.5 * bend * sample**2)
