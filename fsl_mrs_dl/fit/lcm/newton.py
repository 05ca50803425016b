"""The non-linear half of the fit: damped Gauss-Newton steps after variable projection, in batches."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm.linear import solve_amplitudes
from fsl_mrs_dl.fit.lcm.problem import LARGEST_RATE, Parameters, Problem

CONVERGED_SD = 0.01
"""Step, in SDs of its parameter, that ends a search: it moves no amplitude by more than 1 % of its bound."""
_DAMPING = 1e-3
"""First damping, over the curvature of each parameter."""
_LEVEL = 3e-5
"""Increase of the objective, over the residual energy, that a step may make: a tenth of an SD, as the edge of the
window moves over the data and changes the objective."""
_LARGEST_DAMPING = 1e8
"""Damping at which a spectrum counts as converged: steps are far below rounding."""


@dataclass(frozen=True, eq=False)
class State:
    """Amplitudes, objective and derivatives of a batch of spectra at given parameters.

    Attributes
    ----------
    amplitudes, free : ndarray, shape (S, M)
    objective : ndarray, float, shape (S,)
        Residual energy under the baseline's weight.
    gram : ndarray, float, shape (S, M, M)
    coupling : ndarray, float, shape (S, M, P)
        Products of members with the derivatives by the P non-linear parameters.
    curvature : ndarray, float, shape (S, P, P)
    gradient : ndarray, float, shape (S, P)
        Negative gradient of half the objective.
    slack : ndarray, float, shape (S, M)
        The same by the amplitudes. If they are solved for: negative for those held at zero, else zero.
    """

    amplitudes: Real
    free: NDArray[np.bool_]
    objective: Real
    gram: Real
    coupling: Real
    curvature: Real
    gradient: Real
    slack: Real

    def take(self, rows: NDArray[np.integer]) -> "State":
        """Return some rows."""
        return State(
            amplitudes=self.amplitudes[rows],
            free=self.free[rows],
            objective=self.objective[rows],
            gram=self.gram[rows],
            coupling=self.coupling[rows],
            curvature=self.curvature[rows],
            gradient=self.gradient[rows],
            slack=self.slack[rows],
        )

    def put(self, rows: NDArray[np.integer], other: "State", where: NDArray[np.bool_]) -> None:
        """Replace some rows by those of another state."""
        for name, value in vars(self).items():
            value[rows[where]] = getattr(other, name)[where]


def evaluate(problem: Problem, fids: Complex, at: Parameters, amplitudes: Real | None = None) -> State:
    """Solve the linear half at given parameters, and compute derivatives.

    Parameters
    ----------
    problem : Problem
    fids : ndarray, complex, shape (S, time)
    at : Parameters
    amplitudes : ndarray, float, shape (S, M), optional
        Amplitudes for the derivatives; by default the solution.

    Returns
    -------
    State
    """
    members = problem.members(at)
    data = problem.corrected(fids, at)
    columns = problem.window(members)
    gram = real_products(columns, problem.weigh(columns))
    weighed_data = problem.weigh(data)
    right = np.einsum("smk,sk->sm", columns.conj(), weighed_data).real
    amplitudes, free = linear_half(problem, gram, right, amplitudes)
    residual = data - np.einsum("sm,smk->sk", amplitudes, columns)
    weighed = problem.weigh(residual)
    objective = np.einsum("sk,sk->s", residual.conj(), weighed).real
    own = at.member_hz.shape[1] > 0
    jacobian = problem.jacobian(members, amplitudes, own_shifts=own)
    gradient = np.einsum("spk,sk->sp", jacobian.conj(), weighed).real
    weighed_jacobian = problem.weigh(jacobian)
    coupling = real_products(columns, weighed_jacobian)
    curvature = real_products(jacobian, weighed_jacobian)
    slack = right - np.einsum("smk,sk->sm", gram, amplitudes)
    state = State(amplitudes, free, objective, gram, coupling, curvature, gradient, slack)
    return stiffened(problem, state, at) if own else state


def linear_half(
    problem: Problem, gram: Real, right: Real, amplitudes: Real | None
) -> tuple[Real, NDArray[np.bool_]]:
    """Solve for the amplitudes unless they are passed; return them, and which of them are free."""
    if amplitudes is not None:
        return amplitudes, np.ones(amplitudes.shape, dtype=bool)
    return solve_amplitudes(gram, right, non_negative=problem.settings.non_negative)


def stiffened(problem: Problem, state: State, at: Parameters) -> State:
    """Add the prior of the members' own shifts to a state."""
    n_own = at.member_hz.shape[1]
    stiffness = at.noise / problem.settings.member_shift_hz**2
    last = np.arange(state.curvature.shape[1] - n_own, state.curvature.shape[1])
    curvature, gradient = state.curvature.copy(), state.gradient.copy()
    curvature[:, last, last] += stiffness[:, None]
    gradient[:, last] -= stiffness[:, None] * at.member_hz
    objective = state.objective + stiffness * (at.member_hz**2).sum(axis=1)
    return replace(state, objective=objective, curvature=curvature, gradient=gradient)


def real_products(left: Complex, right: Complex) -> Real:
    """Return the real inner products of two sets of rows, (S, a, b), by one real matrix product."""
    split_left = np.concatenate([left.real, left.imag], axis=-1)
    split_right = np.concatenate([right.real, right.imag], axis=-1)
    products: Real = split_left @ np.swapaxes(split_right, -1, -2)
    return products


class Evaluate(Protocol):
    """:func:`evaluate` for one problem."""

    def __call__(self, fids: Complex, at: Parameters, amplitudes: Real | None = None) -> State:
        """Return the state."""


def minimise(
    problem: Problem,
    evaluator: Evaluate,
    fids: Complex,
    start: Parameters,
    tolerance_sd: float = CONVERGED_SD,
) -> tuple[Parameters, State, NDArray[np.integer], NDArray[np.bool_]]:
    """Minimise the objective from a start, each spectrum with its own damping.

    Parameters
    ----------
    problem : Problem
    evaluator : callable
        :func:`evaluate` for this problem, or a faster function with the same results.
    fids : ndarray, complex, shape (S, time)
    start : Parameters
    tolerance_sd : float
        The search ends at a step smaller than this many SDs of every parameter.

    Returns
    -------
    at : Parameters
    state : State
        At those parameters.
    iterations : ndarray, int, shape (S,)
    converged : ndarray, bool, shape (S,)
    """
    at = _flat(start)
    state = evaluator(fids, start)
    n = len(fids)
    damping = np.full(n, _DAMPING)
    iterations = np.zeros(n, dtype=int)
    converged = np.zeros(n, dtype=bool)
    for _ in range(problem.settings.max_iterations):
        rows = np.flatnonzero(~converged)
        if not len(rows):
            break
        step, small = _step(problem, state, at, rows, damping[rows], tolerance_sd)
        trial = at[rows] + step
        tried = evaluator(fids[rows], unflat(problem, trial, start.noise[rows]))
        better = tried.objective <= state.objective[rows] * (1 + _LEVEL)
        state.put(rows, tried, better)
        at[rows[better]] = trial[better]
        damping[rows] = np.where(better, damping[rows] / 10, damping[rows] * 10)
        iterations[rows] += 1
        converged[rows] = small | (damping[rows] > _LARGEST_DAMPING)
    return unflat(problem, at, start.noise), state, iterations, converged


def _flat(at: Parameters) -> Real:
    single = [at.member_hz, at.lineshape]
    return np.concatenate(
        [at.shift_hz, at.gamma, at.spread, at.phase_rad[:, None], at.delay_s[:, None], *single], axis=1
    )


def unflat(problem: Problem, flat: Real, noise: Real) -> Parameters:
    """Return parameters from their values in the order of :func:`limits`."""
    g = problem.n_groups
    shift_hz, gamma, spread, phase_rad, delay_s, rest = np.split(
        flat, [g, 2 * g, 3 * g, 3 * g + 1, 3 * g + 2], axis=1
    )
    none = rest[:, :0]
    member_hz, lineshape = (none, rest) if problem.settings.averaged else (rest, none)
    return Parameters(
        shift_hz, gamma, spread, phase_rad[:, 0], delay_s[:, 0], member_hz, none, lineshape, noise
    )


def limits(problem: Problem, n_own: int) -> tuple[Real, Real, NDArray[np.bool_]]:
    """Return the bounds of the non-linear parameters and which are fitted, in the order of the Jacobian."""
    g = problem.n_groups
    free = np.full(2 + n_own, np.inf)
    low = np.concatenate([np.full(g, -np.inf), np.zeros(2 * g), -free])
    high = np.concatenate([np.full(g, np.inf), np.full(g, LARGEST_RATE), np.full(g, LARGEST_RATE**2), free])
    return low, high, np.concatenate([problem.free, np.ones(n_own, dtype=bool)])


def _step(
    problem: Problem,
    state: State,
    at: Real,
    rows: NDArray[np.integer],
    damping: Real,
    tolerance_sd: float,
) -> tuple[Real, NDArray[np.bool_]]:
    """Return the damped step of each row within its bounds, and whether it is too small to matter."""
    gradient = state.gradient[rows]
    curvature = reduced_curvature(state, rows)
    low, high, fitted = limits(problem, at.shape[1] - len(problem.free))
    stuck = ((at[rows] <= low) & (gradient < 0)) | ((at[rows] >= high) & (gradient > 0)) | ~fitted
    index = np.arange(len(low))
    curvature = np.where(stuck[:, :, None] | stuck[:, None, :], 0.0, curvature)
    curvature[:, index, index] += stuck
    diagonal = np.maximum(curvature[:, index, index], 1e-300)
    size = np.sqrt(diagonal)
    scaled = curvature / (size[:, :, None] * size[:, None, :])
    scaled[:, index, index] += damping[:, None] + 1e-12
    full = np.linalg.solve(scaled, (np.where(stuck, 0.0, gradient) / size)[..., None])[..., 0] / size
    step = np.clip(at[rows] + full, low, high) - at[rows]
    noise = np.sqrt(state.objective[rows] / (2 * problem.inside.sum()))
    # In units of the SD that the parameter would have if the others were known: the strictest.
    small = (np.abs(step) * size < tolerance_sd * noise[:, None]).all(axis=1)
    return step, small


def reduced_curvature(state: State, rows: NDArray[np.integer]) -> Real:
    """Return the curvature with the free amplitudes solved for (Kaufman 1975, BIT 15:49), shape (s, P, P)."""
    free = state.free[rows]
    gram = np.where(free[:, :, None] & free[:, None, :], state.gram[rows], 0.0)
    index = np.arange(gram.shape[-1])
    gram[:, index, index] += np.where(free, 1e-12 * gram[:, index, index].max(axis=1, keepdims=True), 1.0)
    coupling = np.where(free[:, :, None], state.coupling[rows], 0.0)
    followed: Real = state.curvature[rows] - np.swapaxes(coupling, 1, 2) @ np.linalg.solve(gram, coupling)
    return followed
