r"""Fast evaluation of a fit in which all members share one lineshape.

A damping :math:`d(t) = e^{-\gamma t - v t^2}` is, up to rounding, a sum of a few fixed curves :math:`u_r(t)`
(singular vectors over the range of gamma and v). All that is linear in d is computed once for each u_r: the
windows of the members and of t and t^2 times them, and for the full band the Gram matrices. For each spectrum,
only the correction of shift and phases and small products remain.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import quarter_turn, split
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, evaluate, linear_half
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.physics import correct, damp

LARGEST_GAMMA, LARGEST_SPREAD = 120.0, 60.0**2
"""Range of the tables in rad/s and rad^2/s^2; spectra beyond it are evaluated without tables."""
_LEAST_SINGULAR = 1e-8
"""Singular value over the largest, above which a curve is used: the error of a damping is then below 1e-7."""
_LEAST_ENVELOPE = 1e-7
"""Smallest weight of a time, over the largest: the curves are divided by it."""


@dataclass(frozen=True, eq=False)
class _Kernel:
    """The curves u_r, shape (R, time), and the projection of a damping on them, shape (time, R)."""

    curves: Real
    project: Real


def _kernel(time_s: Real, envelope: Real, stretch: float) -> _Kernel:
    """Return curves that span d(stretch t), weighted by an envelope of the signal they multiply."""
    gammas = stretch * LARGEST_GAMMA * np.linspace(0, 1, 24) ** 2
    spreads = stretch * LARGEST_SPREAD * np.linspace(0, 1, 16) ** 2
    ones, dwelltime_s = np.ones((1, 1, len(time_s))), float(time_s[1])
    damping = damp(ones, gammas[:, None], np.sqrt(spreads), dwelltime_s).reshape(-1, len(time_s))
    _, values, directions = np.linalg.svd(damping * envelope, full_matrices=False)
    curves = directions[values > _LEAST_SINGULAR * values[0]]
    return _Kernel(curves / envelope, np.ascontiguousarray((curves * envelope).T))


def _envelope(problem: Problem) -> Real:
    """Return the size of the basis at each time over that at the first, never rising, shape (time,)."""
    largest = np.abs(problem.basis).max(axis=0)
    falling = np.maximum.accumulate(largest[::-1])[::-1]
    envelope: Real = np.maximum(falling / falling[0], _LEAST_ENVELOPE)
    return envelope


def fast_evaluator(problem: Problem) -> Evaluate | None:
    """Return a fast :func:`~fsl_mrs_dl.fit.lcm.newton.evaluate` for a problem, or None if groups differ."""
    if problem.n_groups > 1:
        return None
    if problem.inside.all() and not len(problem.share) and not problem.settings.first_order_phase:
        return partial(_with_fallback, problem, _FullBand.of(problem).evaluate)
    return partial(_with_fallback, problem, _Window.of(problem).evaluate)


def _with_fallback(
    problem: Problem, fast: Evaluate, fids: Complex, at: Parameters, amplitudes: Real | None = None
) -> State:
    """Evaluate spectra with tables, and those outside of the tables' range without."""
    if at.member_hz.shape[1]:
        return evaluate(problem, fids, at, amplitudes)
    out = (at.gamma[:, 0] > LARGEST_GAMMA) | (at.spread[:, 0] > LARGEST_SPREAD)
    if not out.any():
        return fast(fids, at, amplitudes)
    if out.all():
        return evaluate(problem, fids, at, amplitudes)
    within, beyond = (None, None) if amplitudes is None else (amplitudes[~out], amplitudes[out])
    inner = fast(fids[~out], at.take(~out), within)
    outer = evaluate(problem, fids[out], at.take(out), beyond)
    joined = {}
    for name, values in vars(inner).items():
        both = np.empty((len(fids), *values.shape[1:]), dtype=values.dtype)
        both[~out], both[out] = values, getattr(outer, name)
        joined[name] = both
    return State(**joined)


def _damping(problem: Problem, at: Parameters) -> Real:
    ones = np.ones((1, len(problem.time_s)))
    damping: Real = damp(ones, at.gamma[:, 0], np.sqrt(at.spread[:, 0]), problem.dwelltime_s)
    return damping


@dataclass(frozen=True, eq=False)
class Tables:
    """Windows of all members, tabulated over their common damping.

    ``table`` has them under each curve of the kernel, real parts before imaginary parts: shape
    (R, M * 2 * inside). ``slopes`` has the same of t and t^2 times the members, in single precision.
    """

    problem: Problem
    kernel: _Kernel
    table: Real
    slopes: Real

    @classmethod
    def of(cls, problem: Problem) -> "Tables":
        """Return the tables of a problem."""
        kernel = _kernel(problem.time_s, _envelope(problem), 1.0)
        powers = problem.time_s ** np.arange(3)[:, None]
        windows = [problem.window(powers[:, None] * problem.basis * curve) for curve in kernel.curves]
        parts = split(np.stack(windows))
        slopes = np.ascontiguousarray(np.moveaxis(parts[:, 1:], 1, 0)).reshape(2, len(parts), -1)
        whole = np.ascontiguousarray(parts[:, 0].reshape(len(parts), -1))
        return cls(problem, kernel, whole, slopes.astype(np.float32))

    def columns(self, moments: Real) -> tuple[Real, Real, Real]:
        """Return the members, and t and t^2 times the members, (S, M, 2 inside), from :meth:`moments`."""
        single = moments.astype(np.float32)
        by_time, by_square = (self._unpacked(single @ slopes) for slopes in self.slopes)
        return self._unpacked(moments @ self.table), by_time, by_square

    def moments(self, at: Parameters) -> Real:
        """Return the coefficients of the damping in the kernel's curves, (S, R)."""
        coefficients: Real = _damping(self.problem, at) @ self.kernel.project
        return coefficients

    def _unpacked(self, values: Real) -> Real:
        return values.reshape(len(values), len(self.problem.basis), -1)


@dataclass(frozen=True, eq=False)
class _Window:
    """Evaluation of a window of the spectrum, with or without a fitted baseline."""

    problem: Problem
    tables: Tables

    @classmethod
    def of(cls, problem: Problem) -> "_Window":
        return cls(problem, Tables.of(problem))

    def evaluate(self, fids: Complex, at: Parameters, amplitudes: Real | None = None) -> State:
        problem, tables = self.problem, self.tables
        columns, by_time, by_square = tables.columns(tables.moments(at))
        data = split(problem.corrected(fids, at))
        weighed = _weigh(problem, columns)
        gram = columns @ np.swapaxes(weighed, 1, 2)
        right = (weighed @ data[..., None])[..., 0]
        amplitudes, free = linear_half(problem, gram, right, amplitudes)
        total = (amplitudes[:, None] @ columns)[:, 0]
        single = amplitudes.astype(np.float32)[:, None]
        by_t, by_tt = (single @ by_time)[:, 0], (single @ by_square)[:, 0]
        frequency = np.tile(problem.frequency_hz[problem.inside], 2)
        jacobian = np.stack(
            [
                2 * math.pi * quarter_turn(by_t),
                -by_t,
                -by_tt,
                quarter_turn(total),
                2 * math.pi * frequency * quarter_turn(total),
            ],
            axis=1,
        )
        residual = data - total
        weighed_residual = _weigh(problem, residual)
        weighed_jacobian = _weigh(problem, jacobian)
        return State(
            amplitudes,
            free,
            (residual * weighed_residual).sum(axis=1),
            gram,
            columns @ np.swapaxes(weighed_jacobian, 1, 2),
            jacobian @ np.swapaxes(weighed_jacobian, 1, 2),
            (jacobian @ weighed_residual[..., None])[..., 0],
            right - (gram @ amplitudes[..., None])[..., 0],
        )


def _weigh(problem: Problem, split: Real) -> Real:
    """Apply :meth:`Problem.weigh` to real and imaginary parts."""
    if not len(problem.share):
        return split
    parts = split.reshape(*split.shape[:-1], 2, -1)
    left = parts - (problem.share * (parts @ problem.curves)) @ problem.curves.T
    return left.reshape(split.shape)


@dataclass(frozen=True, eq=False)
class _FullBand:
    """Evaluation of the whole band in white noise, in the time domain, without first-order phase.

    ``pairs`` has the products of members under each curve of the kernel of d^2, times t^0 .. t^4, real and
    imaginary parts: shape (R, 5 * 2 * M * M). ``adjoint`` multiplies data by the members, times t^0 .. t^2:
    shape (time, 3 * M).
    """

    problem: Problem
    kernel: _Kernel
    pairs: Real
    adjoint: Complex

    @classmethod
    def of(cls, problem: Problem) -> "_FullBand":
        kernel = _kernel(problem.time_s, _envelope(problem) ** 2, 2.0)
        basis, powers = problem.basis, problem.time_s ** np.arange(5)[:, None]
        pairs = np.stack([(basis.conj() * (curve * powers)[:, None]) @ basis.T for curve in kernel.curves])
        table = np.stack([pairs.real, pairs.imag], axis=2).reshape(len(pairs), -1)
        adjoint = (basis.conj() * powers[:3, None]).reshape(-1, len(problem.time_s)).T
        return cls(problem, kernel, table, np.ascontiguousarray(adjoint))

    def evaluate(self, fids: Complex, at: Parameters, amplitudes: Real | None = None) -> State:
        problem, (n, size) = self.problem, (len(fids), len(self.problem.basis))
        damping = _damping(problem, at)
        tables = (damping**2 @ self.kernel.project @ self.pairs).reshape(n, 5, 2, size, size)
        data = correct(fids, at.shift_hz[:, 0], at.phase_rad, problem.dwelltime_s) * damping
        right, right_t, right_tt = np.moveaxis((data @ self.adjoint).reshape(n, 3, size), 1, 0)
        gram = tables[:, 0, 0]
        amplitudes, free = linear_half(problem, gram, right.real, amplitudes)
        # (p, re or im, S, M)
        contracted = np.moveaxis((tables @ amplitudes[:, None, None, :, None])[..., 0], 0, 2)
        quadratic = (contracted[:, 0] * amplitudes).sum(axis=-1)
        zero = np.zeros((n, size))
        turn = 2 * math.pi
        # Re(x^H d t^p c x a) with c = 2 pi i, -1, -1 (and t^2), i: the derivatives of shift, gamma, spread, phase.
        coupling = np.stack(
            [
                -turn * contracted[1, 1],
                -contracted[1, 0],
                -contracted[2, 0],
                -contracted[0, 1],
                zero,
            ],
            axis=-1,
        )
        shifted = -turn * (-right_t.imag)
        toward = np.stack([shifted, -right_t.real, -right_tt.real, right.imag, zero], axis=-1)
        gradient = np.einsum("smk,sm->sk", toward, amplitudes) - np.einsum("smk,sm->sk", coupling, amplitudes)
        objective = (np.abs(fids) ** 2).sum(axis=1) - 2 * (right.real * amplitudes).sum(axis=1) + quadratic[0]
        slack = right.real - (gram @ amplitudes[..., None])[..., 0]
        return State(amplitudes, free, objective, gram, coupling, _curvature(quadratic), gradient, slack)


def _curvature(quadratic: Real) -> Real:
    """Return the products of the derivatives by shift, gamma, spread, phase (and delay, not fitted)."""
    q0, q1, q2, q3, q4 = quadratic
    turn = 2 * math.pi
    zero = np.zeros_like(q0)
    rows: list[list[NDArray[np.floating]]] = [
        [turn**2 * q2, zero, zero, turn * q1, zero],
        [zero, q2, q3, zero, zero],
        [zero, q3, q4, zero, zero],
        [turn * q1, zero, zero, q0, zero],
        [zero] * 5,
    ]
    return np.moveaxis(np.array(rows), -1, 0)
