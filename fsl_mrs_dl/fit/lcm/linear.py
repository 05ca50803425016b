"""The linear half of the fit, batched: amplitudes by least squares, on request not below zero."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real

ROUNDING = 1e-12
"""Share of the energy of data below which a residual is only rounding."""
_ITERATIONS = 60
"""Largest number of iterations of the active-set method: more than the members of a usual basis set."""
_RIDGE = 1e-12
"""Ridge over the mean diagonal of the Gram matrix: far below the noise of data, above rounding."""
_LEAST_GAIN = 1e-10
"""Gradient over the largest one below which freeing an amplitude does not matter: rounding."""
_EXCHANGES = 8
"""Largest number of exchanges before the active-set method takes over; two or three are usual."""


def solve_amplitudes(gram: Real, right: Real, *, non_negative: bool) -> tuple[Real, NDArray[np.bool_]]:
    """Minimise a^T G a / 2 - c^T a for each spectrum, over all a or over a >= 0.

    Parameters
    ----------
    gram : ndarray, float, shape (S, M, M)
    right : ndarray, float, shape (S, M)
    non_negative : bool

    Returns
    -------
    amplitudes : ndarray, float, shape (S, M)
    free : ndarray, bool, shape (S, M)
        False for amplitudes that are held at zero.
    """
    size = gram.shape[-1]
    # Two equal members of a basis would divide by zero; a ridge far below rounding of the data prevents it.
    gram = gram + _RIDGE * np.trace(gram, axis1=1, axis2=2)[:, None, None] / size * np.eye(size)
    free = np.ones(right.shape, dtype=bool)
    amplitudes = _solve(gram, right, free)
    if not non_negative:
        return amplitudes, free
    todo = np.flatnonzero((amplitudes < 0).any(axis=1))
    if len(todo):
        amplitudes[todo], free[todo], done = _exchange(gram[todo], right[todo], amplitudes[todo] > 0)
        rest = todo[~done]
        if len(rest):
            amplitudes[rest], free[rest] = _active_set(gram[rest], right[rest])
    return amplitudes, free


def _solve(gram: Real, right: Real, free: NDArray[np.bool_]) -> Real:
    """Solve for the free amplitudes; the others are zero."""
    both = free[:, :, None] & free[:, None, :]
    held = np.where(both, gram, 0.0)
    index = np.arange(gram.shape[-1])
    held[:, index, index] += ~free
    solved: Real = np.linalg.solve(held, np.where(free, right, 0.0)[..., None])[..., 0]
    return solved


def _exchange(
    gram: Real, right: Real, free: NDArray[np.bool_]
) -> tuple[Real, NDArray[np.bool_], NDArray[np.bool_]]:
    """Free and hold amplitudes, all at once, until the signs are right (Kim and Park 2011, doi:10.1137/110821172).

    From the signs of the unconstrained solution this takes two or three exchanges. It may also cycle: the last
    value returned tells for each spectrum whether it has ended.
    """
    scale = np.sqrt(np.einsum("smm->sm", gram))
    least = _LEAST_GAIN * np.abs(right / scale).max(axis=1, keepdims=True)
    amplitudes = np.zeros_like(right)
    rows = np.arange(len(right))
    for _ in range(_EXCHANGES):
        amplitudes[rows] = _solve(gram[rows], right[rows], free[rows])
        gain = (right[rows] - np.einsum("smk,sk->sm", gram[rows], amplitudes[rows])) / scale[rows]
        wrong = np.where(free[rows], amplitudes[rows] <= 0, gain > least[rows])
        free[rows] ^= wrong
        rows = rows[wrong.any(axis=1)]
        if not len(rows):
            break
    done = np.ones(len(right), dtype=bool)
    done[rows] = False
    return amplitudes, free, done


def _active_set(gram: Real, right: Real) -> tuple[Real, NDArray[np.bool_]]:
    """Solve by Lawson and Hanson's algorithm (Solving Least Squares Problems, ch. 23), all spectra at once."""
    n, size = right.shape
    scale = np.sqrt(np.einsum("smm->sm", gram))
    free = np.zeros((n, size), dtype=bool)
    amplitudes = np.zeros((n, size))
    running = np.ones(n, dtype=bool)
    for _ in range(_ITERATIONS):
        gain = np.where(free, -np.inf, (right - np.einsum("smk,sk->sm", gram, amplitudes)) / scale)
        best = gain.argmax(axis=1)
        largest = np.abs(right / scale).max(axis=1)
        running &= gain[np.arange(n), best] > _LEAST_GAIN * largest
        rows = np.flatnonzero(running)
        if not len(rows):
            break
        free[rows, best[rows]] = True
        amplitudes[rows], free[rows] = _inside(gram[rows], right[rows], amplitudes[rows], free[rows])
    return amplitudes, free


def _inside(
    gram: Real, right: Real, amplitudes: Real, free: NDArray[np.bool_]
) -> tuple[Real, NDArray[np.bool_]]:
    """Move from the amplitudes to the solution of the free ones, and hold those that would fall below zero."""
    for _ in range(_ITERATIONS):
        solution = _solve(gram, right, free)
        falling = free & (solution <= 0)
        rows = np.flatnonzero(falling.any(axis=1))
        if not len(rows):
            return solution, free
        step = np.where(falling, amplitudes / np.maximum(amplitudes - solution, 1e-300), np.inf)
        alpha = np.minimum(step.min(axis=1), 1.0)
        amplitudes = amplitudes + alpha[:, None] * (solution - amplitudes)
        first = step <= alpha[:, None] * (1 + 1e-12)
        free = free & ~(falling & first)
        amplitudes = np.where(free, np.maximum(amplitudes, 0.0), 0.0)
    return amplitudes, free
