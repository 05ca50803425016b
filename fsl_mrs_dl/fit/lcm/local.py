"""The likelihood around a point, as a quadratic in all parameters at once: the basis of intervals."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.lcm.newton import Evaluate, State, limits, unflat
from fsl_mrs_dl.fit.lcm.problem import Problem


def n_parameters(problem: Problem) -> int:
    """Return Q, the number of amplitudes and non-linear parameters, fitted or not."""
    own = len(problem.basis) if problem.settings.member_shift_hz else 0
    return len(problem.basis) + len(problem.free) + own


def bounds(problem: Problem) -> tuple[Real, Real, NDArray[np.bool_]]:
    """Return the lower and upper bounds of the Q parameters, and which of them are fitted.

    Amplitudes have the lower bound 0 if they are non-negative, else none.
    """
    members = len(problem.basis)
    low, high, free = limits(problem, n_parameters(problem) - members - len(problem.free))
    least = np.full(members, 0.0 if problem.settings.non_negative else -np.inf)
    most, ones = np.full(members, np.inf), np.ones(members, dtype=bool)
    return np.r_[least, low], np.r_[most, high], np.r_[ones, free]


def information(problem: Problem, state: State, noise: Real, scale: Real) -> tuple[Real, Real]:
    """Return the Fisher matrix and the gradient of the log likelihood at a state.

    Parameters
    ----------
    problem : Problem
    state : State
        Of data that were divided by their norm.
    noise : ndarray, float, shape (S,)
        Noise SD of a channel of these data.
    scale : ndarray, float, shape (S,)
        Amplitude in units of data over basis, over that of the state.

    Returns
    -------
    information : ndarray, float, shape (S, Q, Q)
        See :class:`~fsl_mrs_dl.fit.lcm.result.FitResult`.
    score : ndarray, float, shape (S, Q)
    """
    n_own = state.curvature.shape[1] - len(problem.free)
    fitted = np.concatenate([problem.free, np.ones(n_own, dtype=bool)])
    coupling = np.where(fitted, state.coupling, 0.0) / scale[:, None, None]
    curvature = np.where(fitted[:, None] & fitted, state.curvature, 0.0)
    upper = np.concatenate([state.gram / scale[:, None, None] ** 2, coupling], axis=2)
    lower = np.concatenate([np.swapaxes(coupling, 1, 2), curvature], axis=2)
    slopes = np.concatenate([state.slack / scale[:, None], np.where(fitted, state.gradient, 0.0)], axis=1)
    variance = noise[:, None] ** 2
    return np.concatenate([upper, lower], axis=1) / variance[..., None], slopes / variance


def expand(
    problem: Problem, evaluator: Evaluate, fids: Complex, parameters: Real, noise_sd: Real
) -> tuple[Real, Real]:
    """Return Fisher matrix and gradient at any point.

    Parameters
    ----------
    problem : Problem
    evaluator : Evaluate
    fids : ndarray, complex, shape (S, time)
    parameters : ndarray, float, shape (S, Q)
        Amplitudes and the rest, within their bounds.
    noise_sd : ndarray, float, shape (S,)
        Of one channel of the data.

    Returns
    -------
    information, score
        As of :func:`information`.
    """
    size: Real = np.linalg.norm(fids, axis=1)
    scale = size / problem.scale
    members = len(problem.basis)
    at = unflat(problem, parameters[:, members:], (noise_sd / size) ** 2)
    state = evaluator(fids / size[:, None], at, parameters[:, :members] / scale[:, None])
    return information(problem, state, noise_sd / size, scale)
