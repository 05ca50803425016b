"""Sparse deconvolution: alternating directions with a complex soft threshold, stopped by the duality gap."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.reconstruction.operators import GridOperator, Operator, largest_eigenvalue

ITERATIONS = 2000
"""Most iterations; a solution that meets :data:`GAP` stops before: voxels and transients after 20 to 130, averages
of SNR_f 150 to 300 after 280 to 1160."""
GAP = 0.003
"""Duality gap, over half the energy of the noise, at which a solution is good enough: what is missing to the best
solution then has at most its square root, 5 %, of the norm of the noise."""
_CHECK = 10  # iterations between two looks at the gap, which costs one iteration
_BLOCK = 32  # FIDs at once: 32 x 4096 atoms of single precision are 1 MB, which stays in the cache
_FIRST_RIDGE = 0.01  # over the largest eigenvalue of A^H A; spectra of SNR_f 10 to 200 end at 0.001 to 0.04
_BALANCED = 100  # iterations in which the ridge still changes; from then on convergence is proven
_LATE = 10.0
"""Factor by which the ridge is reduced after that. Balanced, the residuals are small together; the gap closes last
where a feasible dual point is far, and that one is nearer with a smaller ridge: three averages of SNR_f 150 to 300
took 1270 to over 2000 iterations with 1, 260 to 920 with 10, 360 to over 2000 with 30."""
_NEAR = 1.0  # gap below which that is done: less than the noise is missing; beside huge lines it takes longer
_LARGEST_CHANGE = 5.0  # of the ridge at once, so that no single step upsets it
_RELAXATION = 1.7  # of each step; 1.5 to 1.8 is usual (Boyd et al. 2011, section 3.4.3)


@dataclass(frozen=True, eq=False)
class Solution:
    """Sparse amplitudes of FIDs.

    Attributes
    ----------
    amplitudes : ndarray, complex, shape (set, FID, atom)
    gap : ndarray, float, shape (set,)
        Duality gap over half the energy of noise of unit SD: how far the objective can be above its minimum.
    iterations : ndarray, int, shape (set,)
    """

    amplitudes: Complex
    gap: Real
    iterations: NDArray[np.integer]


def shrink(amplitudes: Complex, threshold: Real) -> Complex:
    r"""Return the complex soft threshold of sets, :math:`S_k(z) = z \max(1 - k / |z|, 0)`.

    The magnitude is that of all FIDs of a set together, so that they share one support (Yuan and Lin 2006,
    doi:10.1111/j.1467-9868.2005.00532.x). The phase is kept.

    Parameters
    ----------
    amplitudes : ndarray, complex, shape (set, FID, atom)
    threshold : ndarray, float, shape (set or 1, 1, 1)

    Returns
    -------
    ndarray, complex, shape of ``amplitudes``
    """
    size = magnitude(amplitudes)
    tiny = np.finfo(size.dtype).tiny
    factor = np.maximum(1 - threshold / np.maximum(size, tiny), 0)
    return amplitudes * factor.astype(size.dtype, copy=False)


def magnitude(amplitudes: Complex) -> Real:
    """Return the joint magnitude of the FIDs of a set, shape (set, 1, atom)."""
    if amplitudes.shape[1] == 1:
        return np.abs(amplitudes)
    joint: Real = np.linalg.norm(amplitudes, axis=1, keepdims=True)
    return joint


def largest_penalty(operator: Operator, fids: Complex) -> Real:
    """Return the smallest penalty for which every amplitude is zero, max |A^H y|, shape (set,)."""
    largest: Real = magnitude(operator.adjoint(fids)).max(axis=(1, 2))
    return largest


def largest_line(operator: GridOperator, fids: Complex) -> Real:
    """Return the largest |A^H y| among lines that are not broad, the unit of a network; shape (set,)."""
    largest: Real = magnitude(operator.lines(fids)).max(axis=(1, 2))
    return largest


def duality_gap(
    operator: Operator,
    fids: Complex,
    amplitudes: Complex,
    penalty: Real,
    weights: Real | float = 1.0,
    dual: Complex | None = None,
) -> tuple[Real, Real]:
    r"""Return the objective, and the largest value that it is known to be above.

    A residual r, scaled by c until :math:`\max |A^H c r| \le \lambda w`, is a feasible point of the dual problem
    :math:`\max_u \frac12 \|y\|^2 - \frac12 \|y - u\|^2` (Kim et al. 2007, doi:10.1109/JSTSP.2007.910971, eq. 10).
    Their difference is the duality gap.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
    amplitudes : ndarray, complex, shape (set, FID, atom)
    penalty : ndarray, float, shape (set,)
    weights : ndarray, float, shape (set, 1, atom), or 1
        Of the penalty, for each atom.
    dual : ndarray, complex, shape (set, FID, time), optional
        The residual to scale; that of the amplitudes if not given.

    Returns
    -------
    objective, bound : ndarray, float, shape (set,)
    """
    residual = fids - operator.forward(amplitudes)
    size = (weights * magnitude(amplitudes)).sum(axis=(1, 2), dtype=np.float64)
    objective = _energy(residual) / 2 + penalty * size
    dual = residual if dual is None else dual
    correlation = (magnitude(operator.adjoint(dual)) / weights).max(axis=(1, 2)).astype(np.float64)
    energy = _energy(dual)
    with_data = np.einsum("gft,gft->g", dual.conj(), fids).real.astype(np.float64)
    limit = penalty / np.maximum(correlation, np.finfo(np.float64).tiny)
    scale = np.clip(with_data / np.maximum(energy, np.finfo(np.float64).tiny), -limit, limit)
    bound: Real = scale * with_data - scale**2 * energy / 2
    return objective, bound


def _energy(fids: Complex) -> Real:
    """Return the squared norm of each set, shape (set,)."""
    energy: Real = np.einsum("gft,gft->g", fids.conj(), fids).real.astype(np.float64)
    return energy


def solve(
    operator: Operator,
    fids: Complex,
    penalty: Real,
    *,
    weights: Real | None = None,
    iterations: int = ITERATIONS,
    gap: float = GAP,
    start: Complex | None = None,
    threads: int | None = None,
) -> Solution:
    r"""Minimise :math:`\frac12 \|y - A s\|^2 + \lambda \sum_k w_k |s_k|` for many sets of FIDs.

    Alternating directions (Boyd et al. 2011, doi:10.1561/2200000016, section 6.4), which need fewer
    iterations than FISTA, at two transforms each as well: the ridge regression in each has a closed form.
    The ridge is chosen for each set by balancing its residuals (section 3.4.1, with the relative residuals of
    Wohlberg 2017, arXiv:1704.06209). A set stops by itself and gets the same result alone as among others.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
        In units of their noise. The FIDs of a set share their support; a set of one FID is the usual case. Single
        precision is enough and twice as quick.
    penalty : ndarray, float, shape (set,)
    weights : ndarray, float, shape (set, 1, atom), optional
        Of the penalty, for each atom, above 0. One if not given.
    iterations : int
        At most.
    gap : float
        Stop at this duality gap, over half the energy of noise of unit SD; 0 = never.
    start : ndarray, complex, shape (set, FID, atom), optional
        Zero if not given.
    threads : int, optional
        As many as there are cores if not given.

    Returns
    -------
    Solution
    """
    penalty = np.broadcast_to(np.asarray(penalty, dtype=np.float64), fids.shape[:1])
    n_shapes = len(operator.norms)
    lipschitz = largest_eigenvalue(operator, n_shapes)
    size = max(1, _BLOCK // fids.shape[1])
    blocks = [slice(first, first + size) for first in range(0, len(fids), size)]

    def work(sets: slice) -> Solution:
        part = _Problem(
            operator.take(sets),
            fids[sets],
            penalty[sets],
            np.ones((1, 1, 1)) if weights is None else weights[sets],
        )
        ridge = _FIRST_RIDGE * (lipschitz if n_shapes == 1 else lipschitz[sets])
        return _solve(part, ridge, iterations, gap, None if start is None else start[sets])

    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        parts = list(pool.map(work, blocks))
    joined = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("amplitudes", "gap", "iterations")
    )
    return Solution(*joined)


@dataclass(frozen=True, eq=False)
class _Problem:
    """The sets that have not stopped: operator, FIDs, penalty and weights."""

    operator: Operator
    fids: Complex
    penalty: Real
    weights: Real

    def take(self, chosen: NDArray[np.bool_]) -> "_Problem":
        """Return some of the sets."""
        parts = (_rows(part, chosen) for part in (self.fids, self.penalty, self.weights))
        return _Problem(self.operator.take(np.flatnonzero(chosen)), *parts)


@dataclass(frozen=True, eq=False)
class _State:
    """Where the iteration stands.

    ``smooth`` minimises the misfit with a ridge, ``sparse`` the penalty; ``scaled`` is the multiplier of their
    difference over the ridge.
    """

    sets: NDArray[np.intp]
    ridge: Real
    smooth: Complex
    sparse: Complex
    scaled: Complex
    bound: Real

    def take(self, chosen: NDArray[np.bool_]) -> "_State":
        """Return the state of some of the sets."""
        return _State(*(_rows(part, chosen) for part in vars(self).values()))


def _rows(values: Any, chosen: NDArray[np.bool_]) -> Any:
    """Return the rows of some sets; an array of one row is shared by all sets."""
    return values[chosen] if len(values) == len(chosen) else values


def _begun(problem: _Problem, ridge: Real, start: Complex | None) -> _State:
    """Return the state before the first iteration."""
    n, fids, operator = len(problem.fids), problem.fids, problem.operator
    shape = (n, fids.shape[1], operator.n_atoms)
    sparse = np.zeros(shape, dtype=fids.dtype) if start is None else start.astype(fids.dtype)
    ridge = np.broadcast_to(ridge, (n, 1, 1)).astype(sparse.real.dtype)
    scaled = np.zeros_like(sparse)
    if start is not None:  # at the solution, the multiplier is what the residual has of each atom
        scaled = operator.adjoint(fids - operator.forward(sparse)) / ridge
    return _State(np.arange(n), ridge, sparse, sparse, scaled, np.full(n, -np.inf))


def _solve(problem: _Problem, ridge: Real, iterations: int, gap: float, start: Complex | None) -> Solution:
    n, half_energy = len(problem.fids), problem.fids[0].size
    state = _begun(problem, ridge, start)
    amplitudes, gaps, counts = np.empty_like(state.sparse), np.full(n, np.inf), np.zeros(n, dtype=int)
    for i in range(1, iterations + 1):
        before = state.sparse
        state = _advanced(problem, state)
        if i % _CHECK and i != iterations:
            continue
        objective, bound = duality_gap(
            problem.operator,
            problem.fids,
            state.sparse,
            problem.penalty,
            problem.weights,
            problem.fids - problem.operator.forward(state.smooth),
        )
        state = replace(state, bound=np.maximum(state.bound, bound))  # any feasible point is a bound
        gaps[state.sets] = (objective - state.bound) / half_energy
        amplitudes[state.sets], counts[state.sets] = state.sparse, i
        going = gaps[state.sets] > gap
        if not going.any():
            break
        if i <= _BALANCED:
            late = (i == _BALANCED) & (gaps[state.sets] < _NEAR)
            state = _balanced(state, before, np.where(late, _LATE, 1.0)[:, None, None])
        if not going.all():
            problem, state = problem.take(going), state.take(going)
    return Solution(amplitudes, gaps, counts)


def _advanced(problem: _Problem, state: _State) -> _State:
    """Return the state one iteration later."""
    real = state.ridge.dtype
    smooth = problem.operator.near(state.sparse - state.scaled, problem.fids, state.ridge)
    ahead = state.scaled + state.sparse
    ahead += real.type(_RELAXATION) * (smooth - state.sparse)
    threshold = problem.penalty[:, None, None] * problem.weights / state.ridge
    sparse = shrink(ahead, threshold.astype(real))
    return replace(state, smooth=smooth, sparse=sparse, scaled=ahead - sparse)


def _balanced(state: _State, before: Complex, less: Real) -> _State:
    """Return the state with the ridge that makes its two relative residuals equal, over ``less`` (set, 1, 1)."""
    tiny = np.finfo(state.ridge.dtype).tiny

    def norm(part: Complex) -> Real:
        size: Real = np.linalg.norm(part, axis=(1, 2), keepdims=True)
        return np.maximum(size, tiny)

    apart = norm(state.smooth - state.sparse) / np.maximum(norm(state.smooth), norm(state.sparse))
    moved = norm(state.sparse - before) / norm(state.scaled)
    moved = np.clip(moved, apart / _LARGEST_CHANGE**2, apart * _LARGEST_CHANGE**2)
    change = (np.sqrt(np.maximum(apart, tiny) / np.maximum(moved, tiny)) / less).astype(state.ridge.dtype)
    return replace(state, ridge=state.ridge * change, scaled=state.scaled / change)
