"""The calibration of a penalty: the error at every penalty, and the factor that makes it least."""

from collections.abc import Callable

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.reconstruction import RATIOS
from fsl_mrs_dl.train.reconstruction_data import ReconstructionExamples, error_curves

_LOG_FACTORS = (-1.5, 1.5)  # about the factor that makes the median that of the oracle
_POWERS = (0.0, 1.0)  # of the independent bins: from no effect to that of a sum over them
_TOLERANCE = 5e-3  # of a logarithm of a penalty: the error is flat within a tenth


def curves_of(part: ReconstructionExamples) -> Real:
    """Return the error of each example's FID at :data:`RATIOS`, shape (ratio, example)."""
    return np.concatenate([error_curves(scan) for scan in part.scans], axis=1)


def error_at(curves: Real, ratio: Real) -> Real:
    """Return the error of each FID at its own penalty, by interpolation in the logarithm; shape (FID,)."""
    order = np.argsort(RATIOS)
    places = np.log(RATIOS[order])
    rows = [np.interp(np.log(r), places, curve[order]) for r, curve in zip(ratio, curves.T, strict=True)]
    return np.array(rows)


def rms_error(curves: Real, ratio: Real) -> float:
    """Return the root mean square of the errors at given penalties."""
    return float(np.sqrt(np.mean(error_at(curves, ratio) ** 2)))


def mean_loss(curves: Real, ratio: Real) -> float:
    """Return the mean logarithm of the error over the least one: every spectrum counts alike, noisy or clean."""
    return float(np.mean(np.log(error_at(curves, ratio) / curves.min(axis=0))))


def oracle_ratio(curves: Real) -> Real:
    """Return the ratio of the least error of each FID, shape (FID,)."""
    ratio: Real = RATIOS[curves.argmin(axis=0)]
    return ratio


def best_alpha(variance: Real, curves: Real) -> float:
    """Return the factor of the least mean loss, by golden search over its logarithm.

    Parameters
    ----------
    variance : ndarray, float, shape (FID,)
        Mean posterior variance.
    curves : ndarray, float, shape (ratio, FID)
    """
    scale = float(np.median(oracle_ratio(curves)) / np.median(variance))

    def loss(log_factor: float) -> float:
        return mean_loss(curves, np.exp(log_factor) * scale * variance)

    return float(np.exp(golden_search(loss, *_LOG_FACTORS)[0]) * scale)


def best_factors(variance: Real, independent: Real, curves: Real) -> tuple[float, float]:
    """Return factor, and power of the independent bins of a spectrum, of the least mean loss.

    Parameters
    ----------
    variance, independent : ndarray, float, shape (FID,)
        Mean posterior variance, and bins over the points of the grid.
    curves : ndarray, float, shape (ratio, FID)
    """

    def loss(power: float) -> float:
        weighed = variance * independent**power
        return mean_loss(curves, best_alpha(weighed, curves) * weighed)

    beta = golden_search(loss, *_POWERS)[0]
    return best_alpha(variance * independent**beta, curves), beta


def golden_search(function: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Find the minimum of a function with one minimum between two limits; return its place and its value.

    Parameters
    ----------
    function : callable
    low, high : float
    """
    share = (np.sqrt(5) - 1) / 2
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > _TOLERANCE:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = function(right)
    return (float(left), at_left) if at_left < at_right else (float(right), at_right)
