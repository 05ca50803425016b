"""Registration of transients to their own average: a reference without the noise of a single transient."""

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.gauss_newton import capture, refine, with_learned_baseline
from fsl_mrs_dl.fit.registration import Band, Registration
from fsl_mrs_dl.physics import correct

_FOLDS = 8
_ROUNDS = 5
_SETTLED_SD = 0.05  # of an SD: further rounds would move nothing that noise does not move more
_MOST_WEIGHT = 4.0


def first_reference(fids: Complex, band: Band) -> Complex:
    """Return the transient that is most like the others, whatever its shift and phase.

    The magnitude of the windowed FID does not depend on phase and hardly on shift; the transient nearest to
    the point-wise median is taken, so that one with motion, lipid or a spurious echo is not.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band

    Returns
    -------
    ndarray, complex, shape (coil, time)
    """
    magnitude = np.abs(band.weighed(fids))
    distance = ((magnitude - np.median(magnitude, axis=0)) ** 2).sum(axis=(1, 2))
    chosen: Complex = fids[int(np.argmin(distance))]
    return chosen


def register_to_average(fids: Complex, band: Band) -> tuple[Registration, Complex]:
    """Register transients to the average of the registered transients, iterated until nothing moves.

    A transient is registered to an average that does not hold it (the set is cut into folds), or its own
    noise would hold it where it is. Each counts in the average by the noise that its own residual shows, so
    that a bad one hardly enters. The set keeps its mean shift and phase: what is estimated is the deviation.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to unit noise a channel.
    band : Band

    Returns
    -------
    registration : Registration
        Against the final average.
    reference : ndarray, complex, shape (coil, time)
        The final average of all, at the mean shift and phase of the set.
    """
    n = len(fids)
    if n == 1:
        still = Registration(
            np.zeros(1), np.zeros(1), np.full(1, np.nan), np.full(1, np.nan), np.ones(1, dtype=bool)
        )
        return still, fids[0]
    # The first transient may lie at one end of the set and another at the other end.
    wide = replace(band, max_shift_hz=2 * band.max_shift_hz)
    found = capture(fids, first_reference(fids, band), wide, reference_noise_sd=1.0)
    folds = np.arange(n) % min(n, _FOLDS)
    found = _settle(fids, found, folds, band, search=True)
    reference, found = _average(fids, found, band)
    learned = with_learned_baseline(fids, reference, band, found)
    found = _settle(fids, found, folds, learned, search=False)
    reference, found = _average(fids, found, band)
    return found, reference


def _settle(
    fids: Complex, found: Registration, folds: NDArray[np.integer], band: Band, *, search: bool
) -> Registration:
    """Register each fold to the average of the others until nothing moves that noise does not move more."""
    for round_ in range(_ROUNDS):
        found, weight = _centred(found)
        before = found.shift_hz
        searching = search and round_ == 0
        found = _cross_register(fids, found, weight, folds, band, search=searching)
        moved = np.abs(found.shift_hz - found.shift_hz.mean() - before + before.mean())
        if not searching and (moved < _SETTLED_SD * found.shift_hz_sd).all():
            break
    return found


def _average(fids: Complex, found: Registration, band: Band) -> tuple[Complex, Registration]:
    """Return the weighted average at the set's mean shift and phase, and the estimates against it."""
    found, weight = _centred(found)
    corrected = correct(fids, found.shift_hz[:, None], found.phase_rad[:, None], band.dwelltime_s)
    return np.tensordot(weight.astype(np.complex128), corrected, axes=(0, 0)), found


def _cross_register(
    fids: Complex, found: Registration, weight: Real, folds: NDArray[np.integer], band: Band, *, search: bool
) -> Registration:
    """Register each fold to the weighted average of the other folds."""
    corrected = correct(fids, found.shift_hz[:, None], found.phase_rad[:, None], band.dwelltime_s)
    names = np.unique(folds)
    sums = np.stack([np.tensordot(weight[folds == k], corrected[folds == k], axes=(0, 0)) for k in names])
    parts = []
    for k in names:
        here, others = folds == k, weight[folds != k]
        reference = (sums.sum(axis=0) - sums[k]) / others.sum()
        noise_sd = float(np.sqrt((others**2).sum()) / others.sum())
        if search:
            parts.append(capture(fids[here], reference, band, noise_sd))
        else:
            parts.append(refine(fids[here], reference, band, found.shift_hz[here], noise_sd))
    order = np.argsort(np.concatenate([np.flatnonzero(folds == k) for k in names]))
    together = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts])[order] for f in fields(Registration)
    }
    return Registration(**together)


def _centred(found: Registration) -> tuple[Registration, Real]:
    """Return the estimates as deviations from the set's weighted mean, and the weights."""
    weight = _weights(found.shift_hz_sd)
    shift_hz = found.shift_hz - weight @ found.shift_hz
    phase_rad = found.phase_rad - np.angle(weight @ np.exp(1j * found.phase_rad))
    return replace(found, shift_hz=shift_hz, phase_rad=phase_rad), weight


def _weights(sd: Real) -> Real:
    """Return weights 1 / variance, none above four times the median, that sum to one."""
    information = 1 / np.maximum(sd, np.finfo(float).tiny) ** 2
    clipped = np.minimum(information, _MOST_WEIGHT * np.median(information))
    weights: Real = clipped / clipped.sum()
    return weights
