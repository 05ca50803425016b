"""Fits in the manner of published programs, by this package's fit and its settings."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter
from fsl_mrs_dl.train.quantification_data import Spectra
from fsl_mrs_dl.train.quantification_evaluation import metabolites, plain_fit

TRUNCATED = 80
"""Points, 20 ms of 0.25 ms."""
_OWN_SHIFT_HZ = 0.5
_BELOW, _ABOVE = -0.5, 2.5


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
    found = Fitter(late, settings, reference_ppm=late.reference_ppm)(spectra.fids[:, TRUNCATED:])
    grown = np.exp(found.gamma[:, :1] * TRUNCATED * basis.dwelltime_s)
    amplitudes = np.full(spectra.amplitudes.shape, np.nan)
    amplitudes[:, rows] = found.amplitudes * grown
    return amplitudes


def bounded(spectra: Spectra) -> Real:
    """Return amplitudes within -0.5 to 2.5 times the mean of their ranges, as FiTAID bounds areas.

    The quadratic about the maximum-likelihood estimate is minimised within the bounds.
    """
    found: FitResult = plain_fit(spectra, non_negative=False)
    mean = np.mean(spectra.expected.amplitudes, axis=1)
    amplitudes = found.amplitudes.copy()
    for row, (value, covariance) in enumerate(zip(found.amplitudes, found.covariance, strict=True)):
        low, high = _BELOW * mean, _ABOVE * mean
        if ((value > low) & (value < high)).all():
            continue
        upper = np.linalg.cholesky(np.linalg.inv(covariance)).T
        amplitudes[row] = lsq_linear(upper, upper @ value, (low, high)).x
    return amplitudes


RIVALS: Mapping[str, Callable[[Spectra], Real]] = {
    "fit, maximum likelihood": maximum_likelihood,
    "fit, QUEST-like": quest_like,
    "fit, Subtract-like": subtract_like,
    "fit, bounded areas": bounded,
}
