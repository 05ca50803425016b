"""The linear half of the fit, batched: amplitudes by least squares, kept at or above zero where asked."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real

ROUNDING = 1e-12
"""Share of the energy of data below which a residual is the rounding of what it is a difference of."""
_ROUNDS = 60
_RIDGE = 1e-12
_NO_GAIN = 1e-10
_EXCHANGES = 8


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
        Which are not held at zero.
    """
    size = gram.shape[-1]
    # A ridge far below rounding of the data keeps two equal members of a basis from dividing by zero.
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
    """Solve for the free amplitudes, the others zero."""
    both = free[:, :, None] & free[:, None, :]
    held = np.where(both, gram, 0.0)
    index = np.arange(gram.shape[-1])
    held[:, index, index] += ~free
    solved: Real = np.linalg.solve(held, np.where(free, right, 0.0)[..., None])[..., 0]
    return solved


def _exchange(
    gram: Real, right: Real, free: NDArray[np.bool_]
) -> tuple[Real, NDArray[np.bool_], NDArray[np.bool_]]:
    """Free and hold all that should be, at once, until nothing should (Kim and Park 2011, doi:10.1137/110821172).

    From the signs of the unconstrained solution this takes two or three rounds; where it has not ended after
    a few, it may go round in circles, and the last value says so.
    """
    scale = np.sqrt(np.einsum("smm->sm", gram))
    least = _NO_GAIN * np.abs(right / scale).max(axis=1, keepdims=True)
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
    """Lawson and Hanson's algorithm (Solving Least Squares Problems, ch. 23), all spectra in step."""
    n, size = right.shape
    scale = np.sqrt(np.einsum("smm->sm", gram))
    free = np.zeros((n, size), dtype=bool)
    amplitudes = np.zeros((n, size))
    running = np.ones(n, dtype=bool)
    for _ in range(_ROUNDS):
        gain = np.where(free, -np.inf, (right - np.einsum("smk,sk->sm", gram, amplitudes)) / scale)
        best = gain.argmax(axis=1)
        largest = np.abs(right / scale).max(axis=1)
        running &= gain[np.arange(n), best] > _NO_GAIN * largest
        rows = np.flatnonzero(running)
        if not len(rows):
            break
        free[rows, best[rows]] = True
        amplitudes[rows], free[rows] = _inside(gram[rows], right[rows], amplitudes[rows], free[rows])
    return amplitudes, free


def _inside(
    gram: Real, right: Real, amplitudes: Real, free: NDArray[np.bool_]
) -> tuple[Real, NDArray[np.bool_]]:
    """Go from the amplitudes towards the solution of the free ones, dropping those that would fall below zero."""
    for _ in range(_ROUNDS):
        wanted = _solve(gram, right, free)
        falling = free & (wanted <= 0)
        rows = np.flatnonzero(falling.any(axis=1))
        if not len(rows):
            return wanted, free
        step = np.where(falling, amplitudes / np.maximum(amplitudes - wanted, 1e-300), np.inf)
        alpha = np.minimum(step.min(axis=1), 1.0)
        amplitudes = amplitudes + alpha[:, None] * (wanted - amplitudes)
        first = step <= alpha[:, None] * (1 + 1e-12)
        free = free & ~(falling & first)
        amplitudes = np.where(free, np.maximum(amplitudes, 0.0), 0.0)
    return amplitudes, free
