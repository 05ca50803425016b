"""Solve many small systems of equations at once, on any array library."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace

Array = Any

TINY = 1e-300
"""Smallest divisor: far below any energy or amplitude."""


def inverse_size(diagonal: Array) -> Array:
    """Return one over the root of a diagonal; 1 for parameters without information."""
    xp = array_namespace(diagonal)
    return 1 / xp.sqrt(xp.where(diagonal > TINY, diagonal, xp.ones_like(diagonal)))


def of_unit_diagonal(matrix: Array, size: Array, ridge: float) -> Array:
    """Return matrices scaled by the :func:`inverse_size` of their diagonals, with a ridge, shape (S, n, n)."""
    scaled = matrix * (size[:, :, None] * size[:, None, :])
    # A parameter without information has a diagonal of zero, and is its own.
    none = 1 - array_namespace(matrix).linalg.diagonal(scaled)
    return scaled + (ridge + none)[:, :, None] * eye_of(matrix)


def eye_of(matrix: Array) -> Array:
    """Return the unit matrix of the size and kind of matrices, shape (n, n)."""
    xp = array_namespace(matrix)
    return xp.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


def cholesky(matrix: Array) -> tuple[Array, Array]:
    """Return Cholesky factors, and which of the matrices have one; the others get the unit matrix.

    Where the library stops at the first matrix without a factor, the batch is halved until that is alone, so that
    a spectrum never depends on its neighbours.

    Parameters
    ----------
    matrix : Array, float, shape (S, n, n)

    Returns
    -------
    factor : Array, float, shape (S, n, n)
    sound : Array, bool, shape (S,)
    """
    xp = array_namespace(matrix)
    eye = eye_of(matrix)
    sound = xp.all(xp.isfinite(xp.reshape(matrix, (matrix.shape[0], -1))), axis=1)
    matrix = xp.where(sound[:, None, None], matrix, eye)
    error = getattr(xp.linalg, "LinAlgError", np.linalg.LinAlgError)
    try:
        return xp.linalg.cholesky(matrix), sound
    except error:
        if matrix.shape[0] == 1:
            return xp.broadcast_to(eye, matrix.shape), xp.zeros_like(sound)
        half = matrix.shape[0] // 2
        parts = cholesky(matrix[:half]), cholesky(matrix[half:])
        factor, whole = (xp.concat([one[k] for one in parts], axis=0) for k in (0, 1))
        return factor, sound & whole


def solve_lower(lower: Array, right: Array) -> Array:
    """Solve L x = b for lower triangles L, shape (S, n)."""
    return _triangular(lower, right, upper=False)


def solve_upper(lower: Array, right: Array) -> Array:
    """Solve L^T x = b for lower triangles L, shape (S, n)."""
    return _triangular(lower.mT, right, upper=True)


def _triangular(matrix: Array, right: Array, *, upper: bool) -> Array:
    """Solve for triangles; by any matrix's method where the library has none of their own."""
    xp = array_namespace(matrix)
    if not hasattr(xp.linalg, "solve_triangular"):
        return solve(matrix, right)
    return xp.linalg.solve_triangular(matrix, right[..., None], upper=upper)[..., 0]


def dot(matrix: Array, vector: Array) -> Array:
    """Return products of matrices (S, n, m) and vectors (S, m), shape (S, n)."""
    return (matrix @ vector[..., None])[..., 0]


def solve(matrix: Array, right: Array) -> Array:
    """Solve systems of equations with one right side each, shape (S, n)."""
    xp = array_namespace(matrix)
    return xp.linalg.solve(matrix, right[..., None])[..., 0]
