"""The linear half of the fit over a background with a Gaussian prior, at given parameters."""

from dataclasses import dataclass, replace
from functools import partial
from math import pi

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import quarter_turn, split
from fsl_mrs_dl.fit.lcm.linear import ROUNDING
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, linear_half
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.fit.lcm.tabulated import LARGEST_GAMMA, LARGEST_SPREAD, Tables
from fsl_mrs_dl.physics import damp

_LEAST_CURVATURE = 1e-20  # over the largest: a parameter without any signal has none


@dataclass(frozen=True, eq=False)
class Place:
    """The model of S spectra at given parameters, as real vectors of the window (N = 2 inside).

    Attributes
    ----------
    columns : ndarray, float, shape (S, M, N)
        Members.
    by_time, by_square : ndarray, float, shape (S, M, N)
        The same, each FID times t and t^2, for derivatives by shifts and widths.
    inner : ndarray, float, shape (S, M, r)
        Products of the members with the axes of the hypothesis of the search.
    data : ndarray, float, shape (S, N)
        In the corrected frame.
    """

    columns: Real
    by_time: Real
    by_square: Real
    inner: Real
    data: Real


@dataclass(frozen=True, eq=False)
class Projection:
    """The hypothesis of a search, and the products of its axes with the tables of a problem.

    Attributes
    ----------
    under : int
        The hypothesis.
    rows : ndarray, float, shape (r, N)
        Its axes as vectors of the window.
    tables : Tables or None
        Of the problem; None where members do not share one lineshape.
    table : ndarray, float, shape (R, M r)
        Products of the tables with the axes.
    """

    under: int
    rows: Real
    tables: Tables | None
    table: Real

    @classmethod
    def of(cls, problem: Problem, under: int, tables: Tables | None) -> "Projection":
        """Multiply the tables of a problem with the axes of a hypothesis."""
        rows = problem.background.rows_of(under)
        if tables is None:
            return cls(under, rows, None, np.zeros((0, 0)))
        windows = tables.table.reshape(-1, rows.shape[1]) @ rows.T
        return cls(under, rows, tables, np.ascontiguousarray(windows.reshape(len(tables.table), -1)))

    def members(self, at: Parameters) -> tuple[Real, Real, Real, Real]:
        """Return the first four arrays of a :class:`Place`."""
        assert self.tables is not None
        moments = self.tables.moments(at)
        inner = (moments @ self.table).reshape(len(moments), len(self.tables.problem.basis), -1)
        return (*self.tables.columns(moments), inner)


def background_evaluator(problem: Problem, projection: Projection) -> Evaluate:
    """Return a function that solves the linear half of a problem with a background.

    Parameters
    ----------
    problem : Problem
    projection : Projection
        Of the hypothesis of the search.
    """
    return partial(_evaluate, problem, projection)


def place(problem: Problem, projection: Projection, fids: Complex, at: Parameters) -> Place:
    """Return members and data at given parameters: from tables where these reach, else computed."""
    data = split(problem.corrected(fids, at))
    if projection.tables is None or at.lineshape.shape[1] or at.member_hz.shape[1]:
        return Place(*_explicit(problem, projection, at), data)
    out = (at.gamma[:, 0] > LARGEST_GAMMA) | (at.spread[:, 0] > LARGEST_SPREAD)
    if not out.any():
        return Place(*projection.members(at), data)
    if out.all():
        return Place(*_explicit(problem, projection, at), data)
    inner = projection.members(at.take(np.flatnonzero(~out)))
    outer = _explicit(problem, projection, at.take(np.flatnonzero(out)))

    def both(part: int) -> Real:
        values = np.empty((len(fids), *inner[part].shape[1:]), dtype=inner[part].dtype)
        values[~out], values[out] = inner[part], outer[part]
        return values

    return Place(both(0), both(1), both(2), both(3), data)


def _explicit(problem: Problem, projection: Projection, at: Parameters) -> tuple[Real, Real, Real, Real]:
    """Return the first four arrays of a :class:`Place`, computed without tables."""
    members = np.broadcast_to(problem.members(at), (len(at.gamma), *problem.basis.shape))
    powers = (members * problem.time_s**power for power in range(3))
    columns, by_time, by_square = (split(problem.window(values)) for values in powers)
    return columns, by_time, by_square, columns @ projection.rows.T


def slopes(problem: Problem, here: Place, at: Parameters, amplitudes: Real) -> Real:
    """Return derivatives of the model by the non-linear parameters, in the order of :meth:`Problem.jacobian`.

    Returns
    -------
    ndarray, float, shape (S, 3 G + 2 [+ L], N)
        Those by shares beside the line come last, if there are any.
    """
    group = np.array(problem.groups) == np.arange(problem.n_groups)[:, None]
    each = amplitudes[:, None] * group  # (S, G, M)
    total = amplitudes[:, None] @ here.columns
    by_time, by_square = (each.astype(one.dtype) @ one for one in (here.by_time, here.by_square))
    frequency = np.tile(problem.frequency_hz[problem.inside], 2)
    turned = quarter_turn(total)
    moved = 2 * pi * quarter_turn(by_time)
    parts = [moved, -by_time, -by_square, turned, 2 * pi * frequency * turned]
    if at.lineshape.shape[1]:
        parts.append(lineshape_slopes(problem, at, amplitudes))
    return np.concatenate(parts, axis=1)


def lineshape_slopes(problem: Problem, at: Parameters, amplitudes: Real) -> Real:
    """Return derivatives of the model by the shares of the lineshape beside the line, (S, L, N)."""
    none = replace(at, lineshape=at.lineshape[:, :0])
    if problem.n_groups == 1:
        whole = amplitudes.astype(np.complex128) @ problem.basis
        total = damp(whole, at.gamma[:, 0], np.sqrt(at.spread[:, 0]), problem.dwelltime_s)
    else:
        total = np.einsum("sm,smn->sn", amplitudes, problem.members(none))
    return split(problem.window(total[:, None] * problem.lineshape_curves(at)))


def lineshape_gain(
    problem: Problem, projection: Projection, fids: Complex, at: Parameters, state: State
) -> Real:
    """Return the gain in log likelihood by lines beside the Voigt line, to first order.

    Parameters
    ----------
    problem : Problem
    projection : Projection
        Of the hypothesis of the search.
    fids : ndarray, complex, shape (S, time)
    at : Parameters
        At the end of a fit without such shares.
    state : State
        At these parameters.

    Returns
    -------
    ndarray, float, shape (S,)
    """
    ground = problem.background
    share = ground.share(projection.under, at.noise)
    here = place(problem, projection, fids, at)
    shared = slopes(problem, here, at, state.amplitudes)
    shared[:, ~problem.free] = 0.0
    by_shares = lineshape_slopes(problem, at, state.amplitudes)
    vectors = np.concatenate([here.columns, shared, by_shares], axis=1)
    known = Weighed.of(vectors, projection.rows)
    residual = here.data - (state.amplitudes[:, None] @ here.columns)[:, 0]
    left = Weighed.of(residual[:, None], projection.rows)
    gram, slope = known.dot(known, share), known.dot(left, share)[..., 0]
    first = here.columns.shape[1] + shared.shape[1]
    held = np.concatenate(
        [state.free, np.ones((len(fids), vectors.shape[1] - state.free.shape[1]), bool)], axis=1
    )
    index = np.arange(gram.shape[-1])
    diagonal = gram[:, index, index]
    # A parameter without signal has no derivative: its size is set far below the largest.
    size = np.sqrt(np.maximum(diagonal, _LEAST_CURVATURE * diagonal.max(axis=1, keepdims=True)))
    gram = np.where(held[:, :, None] & held[:, None], gram / (size[:, :, None] * size[:, None]), 0.0)
    gram[:, index, index] = 1 + 1e-9
    gram[:, index[first:], index[first:]] += (at.noise[:, None] / problem.settings.lineshape_sd**2) / size[
        :, first:
    ] ** 2
    slope = np.where(held, slope / size, 0.0)
    rest = slice(0, first)
    with_all = (slope * np.linalg.solve(gram, slope[..., None])[..., 0]).sum(axis=1)
    without = (slope[:, rest] * np.linalg.solve(gram[:, rest, rest], slope[:, rest, None])[..., 0]).sum(
        axis=1
    )
    gain: Real = (with_all - without) / at.noise / 2
    return gain


@dataclass(frozen=True, eq=False)
class Weighed:
    """Vectors and their products with the background's axes, for products with the background taken out.

    Attributes
    ----------
    vectors : ndarray, float, shape (S, n, N)
    inner : ndarray, float, shape (S, n, r)
    """

    vectors: Real
    inner: Real

    @classmethod
    def of(cls, vectors: Real, rows: Real) -> "Weighed":
        """Return vectors with their products with rows (r, N)."""
        return cls(vectors, vectors @ rows.T)

    def dot(self, other: "Weighed", share: Real) -> Real:
        """Return the products with other vectors, the background taken out.

        Parameters
        ----------
        other : Weighed
            Of m vectors.
        share : ndarray, float, shape (S, r)
            Part of each axis that belongs to the background.

        Returns
        -------
        ndarray, float, shape (S, n, m)
        """
        shares = self.inner * share[:, None]
        products: Real = self.vectors @ np.swapaxes(other.vectors, 1, 2) - shares @ np.swapaxes(
            other.inner, 1, 2
        )
        return products


def _evaluate(
    problem: Problem, projection: Projection, fids: Complex, at: Parameters, amplitudes: Real | None = None
) -> State:
    """Solve the linear half at given parameters, and compute derivatives; see :func:`.newton.evaluate`."""
    share = problem.background.share(projection.under, at.noise)
    here = place(problem, projection, fids, at)
    members = Weighed(here.columns, here.inner)
    data = Weighed.of(here.data[:, None], projection.rows)
    gram = members.dot(members, share)
    right = members.dot(data, share)[..., 0]
    amplitudes, free = linear_half(problem, gram, right, amplitudes)
    by = Weighed.of(slopes(problem, here, at, amplitudes), projection.rows)
    coupling = members.dot(by, share)
    fitted = (gram @ amplitudes[..., None])[..., 0]
    energy = data.dot(data, share)[:, 0, 0]
    objective = energy - (amplitudes * (2 * right - fitted)).sum(axis=1)
    objective = np.maximum(objective, ROUNDING * (here.data**2).sum(axis=1))
    gradient = by.dot(data, share)[..., 0] - (amplitudes[:, None] @ coupling)[:, 0]
    state = State(amplitudes, free, objective, gram, coupling, by.dot(by, share), gradient, right - fitted)
    return _with_expected(problem, state, at)


def rate_weight(away: Real) -> Real:
    """Return the weight of the prior of Lorentzian rates, over that of a Gaussian.

    The density is that of Cauchy, (1 + x^2 / 2)^-1. Its quadratic bound at x has this weight.

    Parameters
    ----------
    away : ndarray, float
        Distance x from the middle, in SDs of the Gaussian that has the same curvature there.
    """
    weight: Real = 1 / (1 + away**2 / 2)
    return weight


def _with_expected(problem: Problem, state: State, at: Parameters) -> State:
    """Add the priors of delay, Lorentzian rates and shares beside the line to a state, in place."""
    weight = at.noise / problem.settings.delay_sd_s**2
    delay, g = 3 * problem.n_groups + 1, problem.n_groups
    usual, spread = problem.settings.gamma_expected
    away = (at.gamma - usual) / spread
    firm = at.noise[:, None] * rate_weight(away) / spread**2
    rates = np.arange(g, 2 * g)
    state.curvature[:, rates, rates] += firm
    state.gradient[:, rates] -= firm * (at.gamma - usual)
    state.objective[:] += (2 * at.noise[:, None] * np.log1p(away**2 / 2)).sum(axis=1)
    state.curvature[:, delay, delay] += weight
    state.gradient[:, delay] -= weight * at.delay_s
    state.objective[:] += weight * at.delay_s**2
    if at.lineshape.shape[1]:
        rest = np.arange(delay + 1, state.curvature.shape[1])
        stiff = at.noise / problem.settings.lineshape_sd**2
        state.curvature[:, rest, rest] += stiff[:, None]
        state.gradient[:, rest] -= stiff[:, None] * at.lineshape
        state.objective[:] += stiff * (at.lineshape**2).sum(axis=1)
    return state
