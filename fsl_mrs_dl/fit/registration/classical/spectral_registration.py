"""Spectral registration of single transients by non-linear least squares, in the time domain or in a window.

The classical method (Near et al. 2015, doi:10.1002/mrm.25094), and the solver that creatine referencing shares.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.physics import fid_to_spectrum, phase, shift, time_axis

View = Callable[[Complex], Complex]
"""A linear map from FIDs (..., coil, time) to the samples that are compared, (..., coil, sample)."""

Model = Callable[[Real], tuple[Complex, Complex]]
"""From parameters to a model (coil, sample) and its derivatives (parameter, coil, sample)."""

_USED_SNR = 3.0
"""Least SNR of a block whose points are used."""
_LEAST_POINTS = 100
"""Fewest points that are used, so that a reference of low SNR still has a course in time."""
_BLOCK = 32
"""Points of a block: among thousands of single points of noise some always exceed an SNR of 3."""
_EDGE = 1e-3
"""Share of its range within which a parameter counts as lying at a bound."""


@dataclass(frozen=True, eq=False)
class LeastSquaresFit:
    """The result of a least-squares fit of one transient.

    Attributes
    ----------
    parameters, sd : ndarray, float, shape (parameter,)
        Values, and standard deviations from the Jacobian and the variance of the residuals.
    converged : bool
        Whether the optimiser succeeded with every parameter inside its bounds.
    """

    parameters: Real
    sd: Real
    converged: bool


def sr(fids: Complex, reference: Complex, band: Band) -> Registration:
    r"""Estimate shifts and phases by spectral registration in the time domain, over the whole band.

    .. math:: \min_{f, \phi} \sum_{c, t} | y_c(t) - e^{i (\phi + 2 \pi f t)} r_c(t) |^2

    Only the first :func:`used_points` points count. The search starts at no shift, as published, with the
    phase that is best there. A transient further away than about twice the width of the lines may end in a
    false minimum, and no result shows it.

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
        Relative to the reference. The SDs assume a noiseless reference; a noisy one makes them too small.

    Raises
    ------
    DataError
        If the reference is zero everywhere.

    References
    ----------
    Near et al. 2015, doi:10.1002/mrm.25094.
    """
    n_points = used_points(reference)
    return _register(fids, reference, band, lambda fid: fid[..., :n_points])


def srf(fids: Complex, reference: Complex, band: Band) -> Registration:
    """Estimate shifts and phases by spectral registration within the window of the band.

    As :func:`sr`, but transients and the *moved* reference are compared in the bins of the window alone.
    The reference is moved before it is cut, so that signal that crosses the window's edge makes no bias.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
    band : Band

    Returns
    -------
    Registration
        Relative to the reference. The SDs assume a noiseless reference; a noisy one makes them too small.

    Raises
    ------
    DataError
        If the reference is zero everywhere in the window.

    References
    ----------
    Near et al. 2015, doi:10.1002/mrm.25094.
    """
    return _register(fids, reference, band, lambda fid: fid_to_spectrum(fid)[..., band.inside])


def used_points(reference: Complex) -> int:
    """Return how many first points of the FIDs spectral registration uses.

    Up to the last block of 32 points in which the SNR of the reference, all coils together, is above 3; the
    noise is that of the last quarter, as in the published method's own software. At least 100 points, all if
    there are fewer.

    Parameters
    ----------
    reference : ndarray, complex, shape (coil, time)

    Returns
    -------
    int
    """
    n_coils, n_points = int(reference.shape[0]), int(reference.shape[1])
    power = (np.abs(reference) ** 2).sum(axis=0)
    floor = power[-max(n_points // 4, 1) :].mean()
    variance = floor / (2 * n_coils)
    starts = np.arange(0, n_points, _BLOCK)
    lengths = np.diff(np.append(starts, n_points))
    above = np.flatnonzero(np.add.reduceat(power, starts) / lengths - floor > _USED_SNR**2 * variance)
    end = int(starts[above[-1]]) + _BLOCK if above.size else 0
    return min(max(end, _LEAST_POINTS), n_points)


def _register(fids: Complex, reference: Complex, band: Band, view: View) -> Registration:
    """Fit shift and phase of the reference to each transient, both through a view."""
    scale = signal_norm(view(reference))
    turn = 2j * math.pi * time_axis(reference.shape[-1], band.dwelltime_s, reference)

    def model(parameters: Real) -> tuple[Complex, Complex]:
        phase_rad, shift_hz = parameters
        moved = phase(shift(reference, shift_hz, band.dwelltime_s), phase_rad) / scale
        visible = view(moved)
        return visible, np.stack([1j * visible, view(turn * moved)])

    bounds, unmoved = np.array([np.inf, band.max_shift_hz]), view(reference)
    solutions = []
    for fid in fids:
        data = view(fid) / scale
        # The best phase for no shift is known in closed form; from phase zero twice as many of the transients
        # that lie more than 13 Hz away end in a false minimum.
        start = np.array([np.angle(np.vdot(unmoved, data)), 0.0])
        solutions.append(solve(data, model, start, -bounds, bounds, np.ones(2)))
    return registration(solutions, phase_at=0, shift_at=1)


def signal_norm(samples: Complex) -> float:
    """Return the norm of the samples of a reference.

    Raises
    ------
    DataError
        If it is zero or not finite.
    """
    norm = float(np.linalg.norm(samples))
    if not (np.isfinite(norm) and norm > 0):
        raise DataError(
            f"The reference has norm {norm:g} where it is compared; transients can only be aligned to a "
            "finite signal. Choose another reference (--reference) or another window (--ppm)."
        )
    return norm


def solve(data: Complex, model: Model, start: Real, low: Real, high: Real, scale: Real) -> LeastSquaresFit:
    r"""Fit a model to one transient by non-linear least squares (trust region, SciPy).

    The SDs are the roots of the diagonal of :math:`s^2 (J^T J)^{-1}`, :math:`s^2` being the residual sum of
    squares over the degrees of freedom, real and imaginary parts counted apart.

    Parameters
    ----------
    data : ndarray, complex, shape (coil, sample)
        Of norm about 1.
    model : callable
    start, low, high, scale : ndarray, float, shape (parameter,)
        Start, bounds, and the step over which the model is about linear, each in the parameter's unit.

    Returns
    -------
    LeastSquaresFit
    """
    fit = least_squares(
        lambda parameters: _real(model(parameters)[0] - data),
        start,
        jac=lambda parameters: np.stack([_real(column) for column in model(parameters)[1]], axis=-1),
        bounds=(low, high),
        x_scale=scale,
    )
    freedom = 2 * data.size - start.size
    try:
        variance = np.diag(np.linalg.inv(fit.jac.T @ fit.jac)) * (2 * fit.cost / freedom)
    except np.linalg.LinAlgError:
        # The data do not determine some parameter, for example the width of a line of no height.
        variance = np.full(start.size, np.nan)
    sd = np.sqrt(np.where(variance >= 0, variance, np.nan))
    margin = _EDGE * np.where(np.isfinite(high - low), high - low, 0.0)
    inside = (fit.x > low + margin) & (fit.x < high - margin)
    return LeastSquaresFit(fit.x, sd, bool(fit.success and inside.all() and np.isfinite(sd).all()))


def _real(values: Complex) -> Real:
    """Return real and imaginary parts in one row, shape (2 x samples,)."""
    return np.concatenate([values.real.ravel(), values.imag.ravel()])


def registration(solutions: list[LeastSquaresFit], *, phase_at: int, shift_at: int) -> Registration:
    """Return the shifts and phases among the parameters of the solutions, phases in (-pi, pi]."""
    phases = np.array([solution.parameters[phase_at] for solution in solutions])
    return Registration(
        shift_hz=np.array([solution.parameters[shift_at] for solution in solutions]),
        phase_rad=np.angle(np.exp(1j * phases)),
        shift_hz_sd=np.array([solution.sd[shift_at] for solution in solutions]),
        phase_rad_sd=np.array([solution.sd[phase_at] for solution in solutions]),
        converged=np.array([solution.converged for solution in solutions], dtype=bool),
    )
