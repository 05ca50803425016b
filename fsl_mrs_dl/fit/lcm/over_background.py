"""The linear half of the fit over a background of Gaussian prior, at given parameters."""

from dataclasses import dataclass
from functools import partial
from math import pi

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import quarter_turn, split
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, linear_half
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.fit.lcm.tabulated import LARGEST_GAMMA, LARGEST_SPREAD, Tables


@dataclass(frozen=True, eq=False)
class Place:
    """The model of S spectra at given parameters, as real vectors of the window (N = 2 inside).

    Attributes
    ----------
    columns : ndarray, float, shape (S, M, N)
        Members.
    by_time : ndarray, float, shape (S, M, N)
        The same, each FID times t: what shifts and widths of single members need.
    data : ndarray, float, shape (S, N)
        In the corrected frame.
    """

    columns: Real
    by_time: Real
    data: Real


def background_evaluator(problem: Problem) -> Evaluate:
    """Return what solves the linear half of a problem with a background.

    Parameters
    ----------
    problem : Problem
    """
    tables = Tables.of(problem) if problem.n_groups == 1 else None
    return partial(_evaluate, problem, tables)


def place(problem: Problem, tables: Tables | None, fids: Complex, at: Parameters) -> Place:
    """Return members and data at given parameters."""
    data = split(problem.corrected(fids, at))
    if tables is not None and within(at):
        return Place(*tables.columns(at), data)
    members = np.broadcast_to(problem.members(at), (len(fids), *problem.basis.shape))
    return Place(split(problem.window(members)), split(problem.window(problem.time_s * members)), data)


def within(at: Parameters) -> bool:
    """Return whether the tables reach all spectra."""
    return bool((at.gamma.max() <= LARGEST_GAMMA) and (at.spread.max() <= LARGEST_SPREAD))


def slopes(problem: Problem, tables: Tables | None, here: Place, at: Parameters, amplitudes: Real) -> Real:
    """Return derivatives of the model by the non-linear parameters, in the order of :meth:`Problem.jacobian`.

    Returns
    -------
    ndarray, float, shape (S, 3 G + 2, N)
    """
    if tables is None or not within(at):
        members = np.broadcast_to(problem.members(at), (len(amplitudes), *problem.basis.shape))
        return split(problem.jacobian(members, amplitudes, own_shifts=False))
    total = (amplitudes[:, None] @ here.columns)[:, 0]
    by_t = (amplitudes[:, None].astype(here.by_time.dtype) @ here.by_time)[:, 0]
    by_tt = tables.second(at, amplitudes)
    frequency = np.tile(problem.frequency_hz[problem.inside], 2)
    turned = quarter_turn(total)
    return np.stack([2 * pi * quarter_turn(by_t), -by_t, -by_tt, turned, 2 * pi * frequency * turned], axis=1)


@dataclass(frozen=True, eq=False)
class Weighed:
    """Vectors, and what the background's axes see of them; products are those that the background leaves.

    Attributes
    ----------
    vectors : ndarray, float, shape (S, n, N)
    seen : ndarray, float, shape (S, n, r)
    """

    vectors: Real
    seen: Real

    @classmethod
    def of(cls, vectors: Real, rows: Real) -> "Weighed":
        """Return vectors with what the rows (r, N) see of them."""
        return cls(vectors, vectors @ rows.T)

    def dot(self, other: "Weighed", share: Real) -> Real:
        """Return products (S, n, m); share: of each axis that is background, (S, r)."""
        seen = self.seen * share[:, None]
        products: Real = self.vectors @ np.swapaxes(other.vectors, 1, 2) - seen @ np.swapaxes(other.seen, 1, 2)
        return products


def _evaluate(
    problem: Problem, tables: Tables | None, fids: Complex, at: Parameters, amplitudes: Real | None = None
) -> State:
    """Solve the linear half at given parameters, and take derivatives; see :func:`.newton.evaluate`."""
    ground = problem.background
    share = ground.share(ground.first, at.noise)
    here = place(problem, tables, fids, at)
    members = Weighed.of(here.columns, ground.first_rows)
    data = Weighed.of(here.data[:, None], ground.first_rows)
    gram = members.dot(members, share)
    right = members.dot(data, share)[..., 0]
    amplitudes, free = linear_half(problem, gram, right, amplitudes)
    by = Weighed.of(slopes(problem, tables, here, at, amplitudes), ground.first_rows)
    coupling = members.dot(by, share)
    fitted = (gram @ amplitudes[..., None])[..., 0]
    energy = data.dot(data, share)[:, 0, 0]
    objective = energy - (amplitudes * (2 * right - fitted)).sum(axis=1)
    gradient = by.dot(data, share)[..., 0] - (amplitudes[:, None] @ coupling)[:, 0]
    state = State(
        amplitudes, free, objective, gram, coupling, by.dot(by, share), gradient, right - fitted
    )
    return _with_delay_prior(problem, state, at)


def _with_delay_prior(problem: Problem, state: State, at: Parameters) -> State:
    """Add what a delay costs to a state, in place of its arrays."""
    weight = at.noise / problem.settings.delay_sd_s**2
    delay = 3 * problem.n_groups + 1
    state.curvature[:, delay, delay] += weight
    state.gradient[:, delay] -= weight * at.delay_s
    state.objective[:] += weight * at.delay_s**2
    return state
