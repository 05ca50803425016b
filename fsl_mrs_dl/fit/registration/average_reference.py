"""Registration of transients to their own average: a reference without the noise of a single transient."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.averages import Moved, centred
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.consensus import checked, most_alike, started, together
from fsl_mrs_dl.fit.registration.decimation import decimated
from fsl_mrs_dl.fit.registration.gauss_newton import at, last_step, with_learned_baseline
from fsl_mrs_dl.fit.registration.matched_filter import MatchedFilter

_ROUNDS = 8
_SETTLED_SD = 0.05  # of an SD: further rounds would move nothing that noise does not move more
_AGAIN = 2
_ROUGHLY_SD = 0.3  # before the baseline is learnt


def first_reference(fids: Complex, band: Band) -> Complex:
    """Return the transient that is most like the others, see :func:`~.consensus.most_alike`.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band

    Returns
    -------
    ndarray, complex, shape (coil, time)
    """
    _, low, low_band = decimated(fids, band, 0.0)
    return np.asarray(fids[most_alike(low, low_band)[0]])


def register_to_average(
    fids: Complex, band: Band, start_hz: Real | None = None
) -> tuple[Registration, Complex]:
    """Register transients to the average of the registered transients, iterated until nothing moves.

    A transient is registered to an average that does not hold it (the set is cut into folds), or its own
    noise would hold it where it is. Each counts in the average by the noise that its own residual shows, so
    that a bad one hardly enters. The set keeps its mean shift and phase: what is estimated is the deviation.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to unit noise a channel.
    band : Band
    start_hz : ndarray, float, shape (transient,), optional
        Shifts to start from in place of the search, in Hz; one that all share does not matter.

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
    wide_hz = 2 * band.max_shift_hz
    decimation, low, low_band = decimated(fids, band, wide_hz)
    wide = MatchedFilter.of(low, replace(low_band, max_shift_hz=wide_hz))
    found = together(wide, low_band) if start_hz is None else started(wide, low_band, start_hz)
    found = _settle(low, found, low_band, settled_sd=_ROUGHLY_SD)
    moved = Moved.of(low, found, low_band)
    learned = with_learned_baseline(low, moved.average, low_band, moved.found)
    trust, late = moved.trust(learned)
    found = _settle(low, found, learned, trust)
    for _ in range(_AGAIN if late else 0):  # the better the alignment, the more of the late signal adds up
        trust, _ = Moved.of(low, found, low_band).trust(learned)
        found = _settle(low, found, learned, trust)
    before = found
    found, sure = checked(low, found, learned, trust, moves=start_hz is None)
    if (found.shift_hz != centred(before)[0].shift_hz).any():
        found = _settle(low, found, learned, trust)
    found = replace(found, converged=found.converged & sure)
    if decimation is None:
        last = Moved.of(fids, found, band)
        return last.found, last.average
    # In single precision, whose rounding is a 10^-7th of the signal: for water of an SNR of 10 000 a 1000th of
    # the noise.
    last = Moved.of(fids.astype(np.complex64), decimation.at_zero(found), band)
    template = last.template(replace(band, share=learned.share), decimation.undone(trust, fids.shape[-1]))
    found, _ = centred(last_step(last.near, template, last.folds, band, last.found))
    return found, last.average


def _settle(
    fids: Complex,
    found: Registration,
    band: Band,
    trust: Real | None = None,
    settled_sd: float = _SETTLED_SD,
) -> Registration:
    """Register each fold to the average of the others until nothing moves that noise does not move more."""
    for _ in range(_ROUNDS):
        moved = Moved.of(fids, found, band)
        template = moved.template(band, trust)
        step = template.step(template.products(moved.near, moved.folds), moved.folds)
        shift_hz = moved.found.shift_hz + step.shift_hz
        found = replace(moved.found, shift_hz=shift_hz, phase_rad=step.phase_rad + step.turn_rad)
        change = np.abs(step.shift_hz - step.shift_hz.mean())
        if (change < settled_sd * found.shift_hz_sd).all():
            break
    return at(fids, template, moved.folds, band, found.shift_hz, change < found.shift_hz_sd)
