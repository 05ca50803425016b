"""Whether the likelihood supports the estimates of a network, and what stands in their place if it does not.

A network is fast and can be wrong on data unlike those it learned from. The registration to the average, which
knows nothing but the set itself, is run beside it. Where the two differ by more than blurs an average, the
likelihood of the transient decides: if what the network says explains it worse than noise can make it, the
network's estimate is replaced.
"""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.template import power
from fsl_mrs_dl.physics import correct, phase, shift

_ALIKE_PPM = 0.0125
"""Difference of shifts in ppm that is left alone: 1.5 Hz at 3 T, which widens a line of 6 Hz by less than 4 %."""
_ALIKE_RAD = np.radians(10.0)
"""Difference of phases that is left alone: it costs 1.5 % of the signal."""
_RATIO = 11.8
"""Twice the logarithm of the likelihood ratio above which noise explains no difference of shift and phase: the chi
square of two degrees of freedom is above it in 1 of 365, as 3 SD of a normal variable (Wilks 1938,
doi:10.1214/aoms/1177732360)."""


def supported(
    fids: Complex, estimates: Registration, judge: Registration, average: Complex, band: Band
) -> tuple[Registration, Complex]:
    """Replace estimates that the likelihood does not support by those of a judge.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    estimates : Registration
        What is in question; it may differ from the judge's by one shift and phase that all share.
    judge : Registration
    average : ndarray, complex, shape (coil, time)
        What the judge's are relative to.
    band : Band

    Returns
    -------
    registration : Registration
        With ``replaced``; all relative to what ``estimates`` are.
    average : ndarray, complex, shape (coil, time)
        The same average relative to what ``estimates`` are.
    """
    offset_hz, offset_rad = _offsets(estimates, judge, band)
    own_hz = estimates.shift_hz - judge.shift_hz - offset_hz
    own_rad = _wrapped(estimates.phase_rad - judge.phase_rad - offset_rad)
    alike_hz = _ALIKE_PPM * band.spectrometer_frequency_mhz
    rows = np.flatnonzero((np.abs(own_hz) > alike_hz) | (np.abs(own_rad) > _ALIKE_RAD))
    at_judge = correct(fids[rows], judge.shift_hz[rows, None], judge.phase_rad[rows, None], band.dwelltime_s)
    nothing = np.zeros(len(rows))
    best, noise = _explained(at_judge, average, nothing, nothing, band)
    own, _ = _explained(at_judge, average, own_hz[rows], own_rad[rows], band)
    worse = rows[best - own > _RATIO * noise]
    moved = replace(
        judge, shift_hz=judge.shift_hz + offset_hz, phase_rad=_wrapped(judge.phase_rad + offset_rad)
    )
    merged = estimates.with_rows(worse, moved.rows(worse))
    replaced = np.zeros(len(fids), dtype=bool)
    replaced[worse] = True
    back = phase(shift(average, -offset_hz, band.dwelltime_s), -offset_rad)
    return replace(merged, replaced=replaced), back


def _offsets(estimates: Registration, judge: Registration, band: Band) -> tuple[float, float]:
    """Return the shift and phase by which two registrations differ as a whole: the medians."""
    difference_hz = estimates.shift_hz - judge.shift_hz
    offset_hz = float(np.median(difference_hz))
    alike = np.abs(difference_hz - offset_hz) <= _ALIKE_PPM * band.spectrometer_frequency_mhz
    # Of those that agree in shift, if any do: a wrong shift turns the phase.
    difference_rad = (estimates.phase_rad - judge.phase_rad)[alike if alike.any() else slice(None)]
    mean_rad = float(np.angle(np.exp(1j * difference_rad).sum()))
    return offset_hz, mean_rad + float(np.median(_wrapped(difference_rad - mean_rad)))


def _explained(
    fids: Complex, average: Complex, shift_hz: Real, phase_rad: Real, band: Band
) -> tuple[Real, Real]:
    """Return the power of each FID that an average explains once it is moved and turned, and the noise power.

    The window stays where it is and the average moves, so that the same data are explained at each shift. The
    scale is the best that is not negative.

    Parameters
    ----------
    fids : ndarray, complex, shape (n, coil, time)
    average : ndarray, complex, shape (coil, time)
    shift_hz, phase_rad : ndarray, float, shape (n,)
    band : Band

    Returns
    -------
    explained, noise : ndarray, float, shape (n,)
        Noise: half of the mean power that is left of a complex value, which is the square of the SD of a channel.
    """
    moved = phase(shift(average[None], shift_hz[:, None], band.dwelltime_s), phase_rad[:, None])
    model, data = band.inside_bins(moved), band.inside_bins(fids)  # transient, coil, frequency
    product = np.maximum((model.conj() * data).sum(axis=(1, 2)).real, 0.0)
    explained = product**2 / np.maximum(power(model), np.finfo(float).tiny)
    freedom = max(2 * data.shape[1] * (data.shape[2] - band.baseline.shape[1]) - 3, 1)
    left = np.maximum(power(data) - explained, 0.0)
    return explained, left / freedom


def _wrapped(phase_rad: Real) -> Real:
    """Return phases within half a turn."""
    wrapped: Real = np.angle(np.exp(1j * phase_rad))
    return wrapped
