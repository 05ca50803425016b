"""Which registered transients cannot be used as they are."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import REPLACED, Complex
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.gauss_newton import gn
from fsl_mrs_dl.fit.registration.methods import Method
from fsl_mrs_dl.fit.registration.set_registration import SetRegistration
from fsl_mrs_dl.physics import correct

_LOW_SNR_PPM = 0.025
"""Largest SD of a shift, in ppm (3 Hz at 3 T): above it an estimate has failed whatever its value."""
_FEWEST_TO_COMPARE = 8
"""Fewest transients of a set that say what is usual among them."""
_UNLIKE_SD = 3.0
"""Largest SD of a shift, as a multiple of the median of the set: the residual of a transient holds more than
noise."""
_LEAST_HELD_SD = 5.0
"""A transient is ``unlike`` if its match with the average is below this many SDs of the noise. Noise alone, at the
best shift of a window, reaches less than four."""


def flags_of(fids: Complex, estimates: Registration, band: Band, method: Method) -> NDArray[np.str_]:
    """Return a flag for each transient of a set, shape (transient,); empty for a usable one.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    estimates : Registration
    band : Band
    method : Method
        That gave the estimates.

    Returns
    -------
    ndarray, str
        ``out_of_range``, ``low_snr``, ``no_convergence``, ``unlike``, ``replaced``, or empty; of several the
        first.
    """
    limit_hz = _LOW_SNR_PPM * band.spectrometer_frequency_mhz
    edge = np.abs(estimates.shift_hz) >= band.max_shift_hz
    flags = (
        np.full(len(fids), "") if estimates.replaced is None else np.where(estimates.replaced, REPLACED, "")
    )
    flags = np.where(_unlike(fids, estimates, band, limit_hz, method), "unlike", flags)
    flags = np.where(~estimates.converged, "no_convergence", flags)
    flags = np.where(estimates.shift_hz_sd > limit_hz, "low_snr", flags)
    return np.where(edge, "out_of_range", flags).astype("<U16")


def _unlike(
    fids: Complex, estimates: Registration, band: Band, limit_hz: float, method: Method
) -> NDArray[np.bool_]:
    """Return which transients are not like the average of the others after correction, shape (transient,).

    With ``gn`` a multiple of the usual residual tells. Other methods give no such measure: there a transient is
    unlike if another shift would make it more like the average, or if it hardly holds the average at all.
    """
    n = len(fids)
    if n < _FEWEST_TO_COMPARE:
        return np.zeros(n, dtype=bool)
    if method.register is gn:
        unlike: NDArray[np.bool_] = estimates.shift_hz_sd > _UNLIKE_SD * np.nanmedian(estimates.shift_hz_sd)
        return unlike
    work = SetRegistration.of(fids, band, band.max_shift_hz)
    at_first_point = estimates.phase_rad - 2 * np.pi * estimates.shift_hz * work.band.delay_s
    work.fids = correct(
        work.fids, estimates.shift_hz[:, None], at_first_point[:, None], work.band.dwelltime_s
    )
    in_range = np.abs(estimates.shift_hz) < band.max_shift_hz
    average = work.fids[in_range].mean(axis=0) if in_range.any() else work.fids.mean(axis=0)
    work.compare_with(average)
    remaining_hz = work.search()
    # The SD of the phase is that of the amplitude over the amplitude.
    phase_rad_sd = work.evaluate(np.zeros(n), np.ones(n, dtype=bool)).phase_rad_sd
    return (np.abs(remaining_hz - np.median(remaining_hz)) > limit_hz) | (phase_rad_sd > 1 / _LEAST_HELD_SD)
