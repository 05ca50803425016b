"""Fits in the manner of published programs, by this package's fit and its settings."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter
from fsl_mrs_dl.fit.posterior import Resolved, draw
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.train.quantification_data import Spectra
from fsl_mrs_dl.train.quantification_evaluation import metabolites, plain_fit

TRUNCATED = 80
"""Points, 20 ms of 0.25 ms."""
_OWN_SHIFT_HZ = 0.5
"""Expected size, in Hz, of the shift that a QUEST-like fit leaves to each metabolite: a tenth of a linewidth."""
_BELOW, _ABOVE = -0.5, 2.5
"""Bounds of an amplitude over the mean of its range: those that FiTAID sets for areas."""
_GROWN = 5.0
"""Rate in 1/s by which members are grown, so that a fit, whose dampings are positive, can find none left."""
_UNDAMPED = 2  # fits, one with the damping of the other; a third changes nothing


def maximum_likelihood(spectra: Spectra) -> Real:
    """Return the fit of the model that made the spectra, amplitudes of either sign."""
    return plain_fit(spectra, non_negative=False).amplitudes


def quest_like(spectra: Spectra) -> Real:
    """Return a fit with a small shift of each member of its own, as QUEST allows them."""
    return plain_fit(spectra, non_negative=False, member_shift_hz=_OWN_SHIFT_HZ).amplitudes


def subtract_like(spectra: Spectra) -> Real:
    """Return a fit of metabolites alone to what follows the first points, where macromolecules have decayed."""
    basis, rows = spectra.basis, metabolites(spectra.basis.names)
    late = replace(
        basis,
        fids=np.asarray(basis.fids)[rows, TRUNCATED:],
        names=tuple(basis.names[m] for m in rows),
    )
    settings = FitSettings(ppmlim=None, lorentzian=True, first_order_phase=False, non_negative=False)
    # Damping counts from the first point that is fitted: amplitudes of the basis at time zero are larger by it.
    fit_result = Fitter(late, settings, reference_ppm=late.reference_ppm)(spectra.fids[:, TRUNCATED:])
    grown = np.exp(fit_result.gamma[:, :1] * TRUNCATED * basis.dwelltime_s)
    amplitudes = np.full(spectra.amplitudes.shape, np.nan)
    amplitudes[:, rows] = fit_result.amplitudes * grown
    return amplitudes


def bounded(spectra: Spectra) -> Real:
    """Return amplitudes within -0.5 to 2.5 times the mean of their ranges, as FiTAID bounds areas.

    The quadratic about the maximum-likelihood estimate is minimised within the bounds.
    """
    fit: FitResult = plain_fit(spectra, non_negative=False)
    mean = np.mean(spectra.expected.amplitudes, axis=1)
    amplitudes = fit.amplitudes.copy()
    for row, (value, covariance) in enumerate(zip(fit.amplitudes, fit.covariance, strict=True)):
        low, high = _BELOW * mean, _ABOVE * mean
        if ((value > low) & (value < high)).all():
            continue
        upper = np.linalg.cholesky(np.linalg.inv(covariance)).T
        amplitudes[row] = lsq_linear(upper, upper @ value, (low, high)).x
    return amplitudes


def undamped(spectra: Spectra) -> Real:
    """Return the fit of an estimator that knows that the noise was damped with the signal.

    Undone, a damping leaves white noise, for which least squares are the likelihood. The damping is that of the
    plain fit, and then again of what was fitted.
    """
    return _undamped(spectra)[2].amplitudes


def undamped_mean(spectra: Spectra) -> Real:
    """Return the posterior mean of an estimator that knows the ranges of the amplitudes too."""
    fitter, fids, fit = _undamped(spectra)
    n, q = fit.parameters.shape
    low, high = np.full((n, q), -np.inf), np.full((n, q), np.inf)
    ranges = np.array(spectra.expected.amplitudes)
    low[:, : len(ranges)], high[:, : len(ranges)] = ranges.T
    mean: Real = draw(fitter, fids, fit, Resolved(low, high, np.zeros((n, q)))).amplitudes.mean(axis=1)
    return mean


def _undamped(spectra: Spectra) -> tuple[Fitter, Complex, FitResult]:
    """Return a fit, what it fitted and what it found; its dampings are too large by what members were grown."""
    basis = spectra.basis
    grown = replace(basis, fids=damp(np.asarray(basis.fids), -_GROWN, 0.0, basis.dwelltime_s))
    settings = FitSettings(ppmlim=None, lorentzian=True, first_order_phase=False, non_negative=False)
    fitter = Fitter(grown, settings, reference_ppm=basis.reference_ppm)
    gamma = plain_fit(spectra, non_negative=False).gamma[:, 0]
    for _ in range(_UNDAMPED):
        fids = damp(spectra.fids.astype(np.complex128), -gamma, 0 * gamma, basis.dwelltime_s)
        fit_result = fitter(fids)
        gamma = gamma + fit_result.gamma[:, 0] - _GROWN
    return fitter, fids, fit_result


RIVALS: dict[str, Callable[[Spectra], Real]] = {
    "fit, maximum likelihood": maximum_likelihood,
    "fit, QUEST-like": quest_like,
    "fit, Subtract-like": subtract_like,
    "fit, bounded areas": bounded,
}
OF_DAMPED_NOISE: dict[str, Callable[[Spectra], Real]] = {
    "fit, noise known to be damped": undamped,
    "*posterior mean*, noise and ranges known": undamped_mean,
}
