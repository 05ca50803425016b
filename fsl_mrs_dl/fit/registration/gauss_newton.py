"""Gauss-Newton registration: shift and phase of transients at the Cramer-Rao bound of a ppm window.

The model of a transient is its reference, scaled, turned and shifted, plus white noise, y = a exp(i phi + 2 pi i f
t) r. The estimates are applied to the *data*, so that the window stays where the reference has its signal, and
what moves in from outside (residual water, lipid) is not fitted. In that corrected frame the derivatives of the
model do not depend on the estimates: they are computed once for each reference, and an iteration costs two inner
products for each transient.

:func:`gn` registers to a given reference, :func:`register_to_average` to the average of the set itself. Both are
short recipes over a :class:`~.set_registration.SetRegistration`, which holds everything between the steps.
"""

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.consensus import check_places, most_alike, search_consensus, start_at
from fsl_mrs_dl.fit.registration.set_registration import SetRegistration

_ROUGH_SD = 0.3
"""In SDs of a shift: rounds before the baseline is learned stop at a change below this."""
_CONVERGED_SD = 0.05
"""In SDs of a shift: below this, noise moves the estimates more than further rounds do."""
_EXTRA_ROUNDS = 2
"""Rounds of weighting and settling where much of the signal is late: the better the alignment, the more of the
late signal adds up."""


def gn(
    fids: Complex,
    reference: Complex,
    band: Band,
    reference_noise_sd: float = 0.0,
    start_hz: Real | None = None,
) -> Registration:
    """Register transients to a reference by a matched-filter search and damped Gauss-Newton steps.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band
    reference_noise_sd : float
        Noise of the reference, a channel; signal below it is not trusted. 0 = noise-free.
    start_hz : ndarray, float, shape (transient,), optional
        Shifts to start from instead of the search, in Hz.

    Returns
    -------
    Registration
        With SDs from the Fisher matrix of the window and the noise of the residual in the window.

    Raises
    ------
    DataError
        If the reference has no signal in the window.
    """
    work = SetRegistration.of(fids, band, band.max_shift_hz)
    slow_reference = work.at_rate(reference)
    work.compare_with(slow_reference, reference_noise_sd)
    work.register_all(work.search() if start_hz is None else start_hz)
    work.learn_baseline(slow_reference)
    work.compare_with(slow_reference, reference_noise_sd)
    work.register_all(work.estimates.shift_hz, side_lobes=True)
    work.finish_with(reference, reference_noise_sd)
    return work.estimates


def register_to_average(
    fids: Complex, band: Band, start_hz: Real | None = None
) -> tuple[Registration, Complex]:
    """Register transients to the average of the registered transients, iterated until nothing moves.

    A transient is registered to an average that does not hold it (the set is cut into folds), or its own
    noise would hold it where it is. Each counts in the average by the noise of its own residual, so
    that a bad one hardly enters. The set keeps its mean shift and phase: the deviations from them are estimated.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to unit noise a channel.
    band : Band
    start_hz : ndarray, float, shape (transient,), optional
        Shifts to start from instead of the search, in Hz; one that all share does not matter.

    Returns
    -------
    registration : Registration
        Against the final average.
    reference : ndarray, complex, shape (coil, time)
        The final average of all, at the mean shift and phase of the set.

    Raises
    ------
    DataError
        If the average has no signal in the window.
    """
    if len(fids) == 1:
        return Registration.without_sd(np.zeros(1), np.zeros(1)), fids[0]
    # The first reference may lie at one end of the set and another transient at the other end.
    wide_hz = 2 * band.max_shift_hz
    work = SetRegistration.of(fids, band, wide_hz)
    if start_hz is None:
        search_consensus(work, wide_hz)
    else:
        start_at(work, start_hz)
    work.register_to_averages(_ROUGH_SD)
    late = work.learn_from_average()
    work.register_to_averages(_CONVERGED_SD)
    for _ in range(_EXTRA_ROUNDS if late else 0):
        work.weigh_average()
        work.register_to_averages(_CONVERGED_SD)
    moved, certain = check_places(work, move=start_hz is None)
    if moved:
        work.register_to_averages(_CONVERGED_SD)
    work.doubt(~certain)
    average = work.finish_with_average()
    return work.estimates, average


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
    work = SetRegistration.of(fids, band, 0.0)
    return np.asarray(fids[most_alike(work.fids, work.band)[0]])
