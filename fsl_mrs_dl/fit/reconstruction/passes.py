"""Two passes of the sparse problem: the second weighs the penalty of an atom by what the first found there."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.reconstruction.operators import Operator
from fsl_mrs_dl.fit.reconstruction.solver import GAP, ITERATIONS, Solution, magnitude, solve

_FIRST_GAP, _FIRST_ITERATIONS = 0.01, 100
"""Duality gap of the first pass, over half the energy of noise, and most iterations: it only has to find where
signal is. With 1000 in place of 100, results of averages of SNR_f 150 to 300 move by 0.3 to 0.8 % of the noise."""


def two_passes(
    operator: Operator,
    fids: Complex,
    penalty: Real,
    *,
    iterations: int = ITERATIONS,
    gap: float = GAP,
    starts: tuple[Complex, Complex] | None = None,
) -> tuple[Solution, Solution]:
    r"""Solve the sparse problem, and again with weights from its solution.

    .. math:: w_k = \frac{\lambda}{\lambda + q_k}, \quad
              q_k = \sum_j \frac{|\langle a_k, a_j \rangle|^2}{\|a_k\| \|a_j\|} |\hat s_j|

    One pass shrinks strong lines as much as noise, and splits a line among neighbours. In the second the penalty
    of an atom is smaller, the more signal q the first pass has at its place (Zou 2006,
    doi:10.1198/016214506000000735; Candes et al. 2008, doi:10.1007/s00041-008-9045-x): strong lines keep their
    height, and what is weak and alone is left out.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
        In units of their noise.
    penalty : ndarray, float, shape (set,)
        Of both passes.
    iterations : int
        At most, in the second pass; the first has half as many, and not more than 100.
    gap : float
        See :func:`~.solver.solve`; of the second pass.
    starts : tuple of ndarray, complex, shape (set, FID, atom), optional
        Amplitudes that each pass starts from. If not given, zero, and the result of the first.

    Returns
    -------
    first, second : Solution
    """
    penalty = np.broadcast_to(np.asarray(penalty, dtype=np.float64), fids.shape[:1])
    at_first, at_second = starts if starts is not None else (None, None)
    few = min(max(iterations // 2, 1), _FIRST_ITERATIONS)
    first = solve(operator, fids, penalty, iterations=few, gap=max(gap, _FIRST_GAP), start=at_first)
    weights = weights_after(operator, first.amplitudes, penalty)
    at_second = first.amplitudes if at_second is None else at_second
    return first, solve(
        operator, fids, penalty, weights=weights, iterations=iterations, gap=gap, start=at_second
    )


def weights_after(operator: Operator, amplitudes: Complex, penalty: Real) -> Real:
    """Return the weight of each atom after a first pass, above 0 and at most 1; shape (set, 1, atom).

    Parameters
    ----------
    operator : Operator
    amplitudes : ndarray, complex, shape (set, FID, atom)
    penalty : ndarray, float, shape (set,)
    """
    signal = operator.neighbourhood(magnitude(amplitudes))
    least = penalty[:, None, None]
    weights: Real = (least / (least + signal)).astype(amplitudes.real.dtype)
    return weights
