"""Draw from Gaussians that are truncated to a box, many of them at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fsl_mrs_dl.data import Real

_RIDGE = 1e-9
"""Ridge over a variable's own precision, so that rounding of an uninformed one does not make it negative."""
_PARALLEL = 1e-9  # change of a scaled variable along a line, below which the line does not reach its bound
_FAR = 30.0  # distance in SDs beyond which a tail is exponential to better than one part in 500


@dataclass(frozen=True)
class Sampling:
    """Number of draws.

    Attributes
    ----------
    chains : int
        For each Gaussian; all start at the same point.
    burn_in : int
        Sweeps before the first draw.
    recorded : int
        Sweeps after them; the last point of each is a draw.
    seed : int
    oblique : int
        After the burn-in, one sweep in so many goes along the eigenvectors too, which takes twice as long as the
        axes; sweeps of the burn-in always do.
    """

    chains: int = 48
    burn_in: int = 1
    recorded: int = 4
    seed: int = 0
    oblique: int = 1


def sample_box(
    precision: Real,
    pull: Real,
    low: Real,
    high: Real,
    start: Real,
    sampling: Sampling,
    keys: NDArray[np.integer],
) -> Real:
    r"""Draw from :math:`p(x) \propto \exp(-x^T \Lambda x / 2 + h^T x)` for x within a box.

    Gibbs sampling along lines: a sweep goes once along each axis, and an oblique sweep before that once along each
    eigenvector of the precision plus that of a Gaussian of the box's size. Axes move well if the box is narrower
    than the Gaussian, eigenvectors if the Gaussian is narrow and oblique. Along a line the density is a
    univariate truncated Gaussian, drawn exactly by inversion (Geweke 1991, in Computing Science and
    Statistics 23, 571; lines other than axes: Belisle, Romeijn and Smith 1993, doi:10.1287/moor.18.2.255).

    The uniform numbers are stratified over the chains. Those of a Gaussian follow from the seed and its key alone,
    so that its draws do not depend on the other Gaussians of the batch, nor on the scale of x.

    Parameters
    ----------
    precision : ndarray, float, shape (S, n, n)
    pull : ndarray, float, shape (S, n)
        h; the Gaussian's mean is at :math:`\Lambda^{-1} h`, which need not exist in a box.
    low, high : ndarray, float, shape (S, n)
        May be infinite if the precision is positive there.
    start : ndarray, float, shape (S, n)
        Moved into the box.
    sampling : Sampling
    keys : ndarray, int, shape (S,)
        Not negative; Gaussians with the same key have the same random numbers.

    Returns
    -------
    ndarray, float, shape (S, chains * recorded, n)
    """
    scale = _scale(precision, low, high)
    precision = precision * scale[:, :, None] * scale[:, None, :]
    index = np.arange(precision.shape[-1])
    # Absent members have no information, and rounding may make it negative: they are nearly uniform in the box.
    diagonal = precision[:, index, index]
    precision[:, index, index] = np.maximum(diagonal * (1 + _RIDGE), _RIDGE)
    low, high = low / scale, high / scale
    oblique = _oblique(precision, low, high)  # (S, line, n)
    sharp = np.maximum(np.einsum("sln,snk,slk->sl", oblique, precision, oblique, optimize=True), _RIDGE)
    # Variables first and chains last: sums over variables then run along the chains.
    lines, moved, rows = (_chains_last(v) for v in (oblique, oblique @ precision, precision))
    x = np.repeat(np.clip(start / scale, low, high).T[..., None], sampling.chains, axis=2)
    slope = (pull * scale).T[..., None] - np.einsum("nks,ksc->nsc", rows[..., 0], x)
    low, high = low.T[..., None], high.T[..., None]
    n, sweeps = len(index), sampling.burn_in + sampling.recorded
    rng = np.random.default_rng(sampling.seed)
    turns = np.stack([np.random.default_rng([sampling.seed, key]).random((sweeps, 2 * n)) for key in keys])
    draws = np.empty((len(keys), sampling.recorded, sampling.chains, n))
    for sweep in range(sweeps):
        common = _stratified(2 * n, sampling.chains, rng)
        # Each Gaussian's numbers are the common ones plus an offset modulo 1: still uniform and stratified.
        uniforms = (common[:, None] + turns[:, sweep].T[..., None]) % 1
        turn = sweep < sampling.burn_in or (sweep - sampling.burn_in + 1) % sampling.oblique == 0
        for line in range(n) if turn else ():
            _along_line(x, slope, lines[line], moved[line], sharp[:, line], low, high, uniforms[line])
        for axis in range(n):
            _along_axis(x, slope, rows[axis], axis, low[axis], high[axis], uniforms[n + axis])
        np.clip(x, low, high, out=x)
        if sweep >= sampling.burn_in:
            draws[:, sweep - sampling.burn_in] = np.moveaxis(x, 0, -1) * scale[:, None]
    return draws.reshape(len(keys), -1, n)


def _scale(precision: Real, low: Real, high: Real) -> Real:
    """Return a scale of each variable: its SD if the others are known, or the box if that is narrower."""
    diagonal = np.einsum("snn->sn", precision)
    with np.errstate(divide="ignore"):
        wide = np.where(diagonal > 0, 1 / np.sqrt(np.maximum(diagonal, 1e-300)), np.inf)
    size = np.minimum(wide, high - low)
    return np.where(np.isfinite(size) & (size > 0), size, 1.0)


def _oblique(precision: Real, low: Real, high: Real) -> Real:
    """Return the eigenvectors of the precision plus that of a Gaussian of the box's size, as rows."""
    with np.errstate(divide="ignore"):
        box = np.where(np.isfinite(high - low), 12 / (high - low) ** 2, 0.0)
    index = np.arange(precision.shape[-1])
    both = precision.copy()
    both[:, index, index] += box
    vectors = np.linalg.eigh(both)[1]
    return np.ascontiguousarray(np.swapaxes(vectors, 1, 2))


def _chains_last(values: Real) -> Real:
    """Return (S, a, n) as (a, n, S, 1)."""
    return np.ascontiguousarray(np.moveaxis(values, 0, -1))[..., None]


def _stratified(n: int, chains: int, rng: np.random.Generator) -> Real:
    """Draw uniform numbers, (n, chains); the chains of a row are in different equal parts of [0, 1)."""
    order = rng.permuted(np.broadcast_to(np.arange(chains), (n, chains)), axis=1)
    return (order + rng.random((n, chains))) / chains


def _along_line(
    x: Real, slope: Real, line: Real, moved: Real, sharp: Real, low: Real, high: Real, u: Real
) -> None:
    """Move every chain, (n, S, C), along a line of its Gaussian, (n, S, 1); in place."""
    crossing = np.abs(line) > _PARALLEL
    inverse = 1 / np.where(crossing, line, 1.0)
    behind = np.where(crossing, np.where(line > 0, low, high), -np.inf)
    ahead = np.where(crossing, np.where(line > 0, high, low), np.inf)
    # The chain is at 0, which is inside except for rounding.
    least = np.minimum(((behind - x) * inverse).max(axis=0), 0)
    most = np.maximum(((ahead - x) * inverse).min(axis=0), 0)
    middle = (slope * line).sum(axis=0) / sharp[:, None]
    step = truncated_normal(middle, 1 / np.sqrt(sharp)[:, None], least, most, u)
    x += step * line
    slope -= step * moved


def _along_axis(x: Real, slope: Real, row: Real, axis: int, low: Real, high: Real, u: Real) -> None:
    """Move every chain along an axis; in place."""
    sharp = row[axis]
    there = truncated_normal(x[axis] + slope[axis] / sharp, 1 / np.sqrt(sharp), low, high, u)
    slope -= (there - x[axis]) * row
    x[axis] = there


def truncated_normal(middle: Real, sd: Real, low: Real, high: Real, u: Real) -> Real:
    """Return quantiles of truncated normal distributions.

    Parameters
    ----------
    middle, sd : ndarray, float
        Of the distribution before truncation.
    low, high : ndarray, float
    u : ndarray, float
        Probability, in [0, 1). All arrays broadcast.

    Returns
    -------
    ndarray, float
    """
    a, b = (low - middle) / sd, (high - middle) / sd
    # Compute in the lower tail, where small numbers are exact; u is mirrored with it.
    upper = a + b > 0
    a, b = np.where(upper, -b, a), np.where(upper, -a, b)
    below = ndtr(a)
    mass = ndtr(b) - below
    v = np.where(upper, 1 - u, u)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z = ndtri(below + v * mass)
        far = b < -_FAR
        if far.any():
            # The density increases as exp(|b| z) towards b.
            reach = np.abs(b) * (b - a)
            tail = b + np.log(v + (1 - v) * np.exp(-reach)) / np.abs(b)
            z = np.where(far, tail, z)
    z = np.clip(z, a, b)
    quantile: Real = np.clip(middle + sd * np.where(upper, -z, z), low, high)
    return quantile
