"""Errors of estimates; an error is estimate minus truth.

Metrics reduce the first axis: arrays of shape (case, component) give one number for each component.
"""

from typing import Any, NamedTuple

import numpy as np

from fsl_mrs_dl.io.results import wrap


def phase_difference(a: Any, b: Any) -> Any:
    """Return the phase ``a - b`` in (-pi, pi], in rad; shapes broadcast."""
    return wrap(np.asarray(a) - np.asarray(b))


class Scatter(NamedTuple):
    """Precision = standard deviation of the errors about their mean; accuracy = their mean."""

    precision: Any
    accuracy: Any


def precision_accuracy(estimate: Any, truth: Any) -> Scatter:
    """Return the SD and the mean of the errors, in the unit of the estimate.

    The mean error of a shift or phase depends on the reference; an average loses signal by the SD. Wrap phases
    first: ``precision_accuracy(phase_difference(estimate, truth), 0)``.
    """
    error = np.asarray(estimate) - np.asarray(truth)
    return Scatter(np.std(error, axis=0), np.mean(error, axis=0))


def failures(estimate: Any, truth: Any, limit_hz: float) -> int:
    """Count the shifts that are off by more than a limit, in Hz, or not finite."""
    error = np.abs(np.asarray(estimate) - np.asarray(truth))
    return int(np.sum(~(error <= limit_hz)))


def smape(estimate: Any, truth: Any) -> Any:
    r"""Return the symmetric mean absolute percentage error, :math:`100 \sum |a - e| / \sum (a + e)`, in %.

    A constant answer 0.5 to truths uniform in [0, 1] scores 25 (Hatami 2018, arXiv:1806.07237).
    """
    estimate, truth = np.asarray(estimate), np.asarray(truth)
    return 100 * np.sum(np.abs(truth - estimate), axis=0) / np.sum(truth + estimate, axis=0)


def mape(estimate: Any, truth: Any) -> Any:
    r"""Return the mean absolute percentage error, :math:`\frac{100}{N} \sum |a - e| / |a|`, in %."""
    estimate, truth = np.asarray(estimate), np.asarray(truth)
    return 100 * np.mean(np.abs(truth - estimate) / np.abs(truth), axis=0)


def r2(estimate: Any, truth: Any) -> Any:
    r"""Return R2, :math:`1 - \sum (a - e)^2 / \sum (a - \bar a)^2`; it can be negative."""
    estimate, truth = np.asarray(estimate), np.asarray(truth)
    return 1 - np.sum((truth - estimate) ** 2, axis=0) / np.sum((truth - truth.mean(axis=0)) ** 2, axis=0)


def mae(estimate: Any, truth: Any) -> Any:
    """Return the mean absolute error."""
    return np.mean(np.abs(np.asarray(estimate) - np.asarray(truth)), axis=0)


def rmse(estimate: Any, truth: Any) -> Any:
    """Return the root mean square error."""
    return np.sqrt(np.mean((np.asarray(estimate) - np.asarray(truth)) ** 2, axis=0))


def bias(estimate: Any, truth: Any) -> Any:
    """Return the mean error."""
    return np.mean(np.asarray(estimate) - np.asarray(truth), axis=0)


def cv(estimate: Any) -> Any:
    """Return the coefficient of variation of repeated estimates, SD (n - 1) over mean."""
    estimate = np.asarray(estimate)
    return np.std(estimate, axis=0, ddof=1) / np.mean(estimate, axis=0)


def slope(estimate: Any, truth: Any) -> Any:
    """Return the slope of the regression of estimate (y) on truth (x); below 1, estimates shrink to their mean."""
    estimate, truth = np.asarray(estimate), np.asarray(truth)
    x = truth - truth.mean(axis=0)
    return np.sum(x * estimate, axis=0) / np.sum(x**2, axis=0)
