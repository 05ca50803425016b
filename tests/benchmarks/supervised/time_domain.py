"""A time-domain fit with amplitude, shift and damping of every component, and the bounds of such estimates.

In the manner of QUEST (Ratiney et al. 2005, doi:10.1002/nbm.895): nonlinear least squares of all points of
the FID by damped Gauss-Newton steps, every parameter within limits. It stands for the program's idea, not for
the program.
"""

from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.simulate.components import ComponentSignals
from fsl_mrs_dl.simulate.distributions import Uniform

_BATCH = 16
"""Signals at once: their damped components stay in the cache."""
_STEPS, _DAMPING, _LARGEST_DAMPING = 60, 1e-2, 1e8
"""Steps at most; damping at first and at last, in units of the curvature: a step damped by 1e8 moves nothing."""
_SETTLED = 1e-9
"""Relative fall of the objective below which a fit has settled."""
_NOISELESS = 1e-4
"""SD of the noise over the first point that is assumed where there is none, to weigh a prior."""


@dataclass(frozen=True, eq=False)
class Components:
    """Parameters of S signals of M components, shape (S, M): data over basis, Hz, rad/s."""

    amplitudes: Real
    shift_hz: Real
    gamma: Real

    @property
    def stacked(self) -> Real:
        """All of them, shape (S, 3 M)."""
        return np.concatenate([self.amplitudes, self.shift_hz, self.gamma], axis=1)

    @classmethod
    def of(cls, stacked: Real) -> "Components":
        """Undo :attr:`stacked`."""
        return cls(*np.split(stacked, 3, axis=1))


def ranges(signals: ComponentSignals) -> Real:
    """Return low and high ends of amplitude, shift and damping of every component, shape (2, 3 M)."""
    prior, m = signals.prior, len(signals.basis.names)
    spans = []
    for one in (prior.amplitude, prior.shift_hz, prior.gamma):
        assert isinstance(one, Uniform)
        spans.append((one.low, one.high))
    return np.repeat(np.array(spans), m, axis=0).T


def fit_components(
    signals: ComponentSignals,
    start: Components | None = None,
    *,
    with_prior: bool = False,
    points: tuple[int, ...] = (),
) -> Components:
    """Fit signals by least squares within the ranges that they were drawn from.

    Parameters
    ----------
    signals : ComponentSignals
        Of zero phase, without broad signal.
    start : Components, optional
        Default: no shift, mean damping, amplitudes of least squares.
    with_prior : bool
        Also weigh a Gaussian prior of each range's mean and variance against the noise: the most probable values
        instead of the likeliest.
    points : tuple of int
        First fit only so many points, one number after the other, and then all of them: few points do not tell
        shifts apart, and so have fewer wrong minima.

    Returns
    -------
    Components
    """
    low, high = ranges(signals)
    begun = _blind(signals) if start is None else start.stacked
    sd = np.maximum(signals.noise_sigma, _NOISELESS * np.abs(signals.fids[:, 0]))
    fitted = np.empty_like(begun)
    for first in tqdm(range(0, len(begun), _BATCH), desc="time-domain fits", leave=False, disable=None):
        rows = slice(first, first + _BATCH)
        precision = 12 / (high - low) ** 2 if with_prior else np.zeros(len(low))
        place = begun[rows]
        for n in (*points, signals.fids.shape[1]):
            place = _minimise(_cut(signals, n), signals.fids[rows, :n], place, sd[rows], precision)
        fitted[rows] = place
    return Components.of(fitted)


def _cut(signals: ComponentSignals, n: int) -> ComponentSignals:
    """Return the basis set and the priors for the first n points."""
    return replace(signals, basis=replace(signals.basis, fids=np.asarray(signals.basis.fids)[:, :n]))


def _blind(signals: ComponentSignals) -> Real:
    low, high = ranges(signals)
    middle = np.tile((low + high) / 2, (len(signals.fids), 1))
    m = len(signals.basis.names)
    members = _members(signals, middle[:1])[0]
    gram, right = members.conj() @ members.T, signals.fids.astype(np.complex128) @ members.conj().T
    middle[:, :m] = np.linalg.solve(gram.real, right.real.T).T
    begun: Real = np.clip(middle, low, high)
    return begun


def _members(signals: ComponentSignals, theta: Real) -> Complex:
    """Return the components, shifted and damped, without amplitudes; shape (S, M, time)."""
    _, shift_hz, gamma = np.split(theta, 3, axis=1)
    fids = np.asarray(signals.basis.fids, dtype=np.complex128)
    axes = fids.shape[1], signals.basis.dwelltime_s
    members: Complex = fids * singlet(*axes, shift_hz, gamma, 0 * gamma, fids)
    return members


def _normal(signals: ComponentSignals, theta: Real, members: Complex, residual: Complex | None) -> Real:
    """Return products of the derivatives with each other, and with a residual in a last column if given.

    Shape (S, 3 M, 3 M) or (S, 3 M, 3 M + 1). A derivative by shift or damping is the component itself times its
    amplitude and a power of time: three products of components hold all.
    """
    a = np.split(theta, 3, axis=1)[0]
    t = np.arange(members.shape[2]) * signals.basis.dwelltime_s
    m = members.shape[1]
    adjoint = members.conj().swapaxes(1, 2)
    # gram[k][m, n] = sum_t conj(x_m) t^k x_n
    gram = [np.swapaxes((members * t**k) @ adjoint, 1, 2) for k in range(3)]
    turn = np.array([1.0, 2j * np.pi, -1.0])
    power = np.array([0, 1, 1])
    weight = np.stack([np.ones_like(a), a, a], axis=1)
    size = 3 * m
    normal = np.empty((len(a), size, size + (residual is not None)))
    for i in range(3):
        for j in range(3):
            block = turn[i].conj() * turn[j] * gram[power[i] + power[j]]
            block = weight[:, i, :, None] * block * weight[:, j, None, :]
            normal[:, i * m : (i + 1) * m, j * m : (j + 1) * m] = block.real
    if residual is not None:
        for i in range(3):
            right = (members.conj() @ (residual * t ** power[i])[..., None])[..., 0]
            normal[:, i * m : (i + 1) * m, -1] = (turn[i].conj() * weight[:, i] * right).real
    return normal


def _minimise(signals: ComponentSignals, fids: Complex, theta: Real, sd: Real, precision: Real) -> Real:
    low, high = ranges(signals)
    middle = (low + high) / 2
    fids = fids.astype(np.complex128)
    damping = np.full(len(theta), _DAMPING)

    def objective(place: Real) -> tuple[Real, Complex, Complex]:
        members = _members(signals, place)
        amplitudes = np.split(place, 3, axis=1)[0]
        residual = fids - np.einsum("sm,smt->st", amplitudes, members)
        cost = (np.abs(residual) ** 2).sum(axis=1) / sd**2 + (precision * (place - middle) ** 2).sum(axis=1)
        return cost, members, residual

    cost, members, residual = objective(theta)
    index = np.arange(theta.shape[1])
    for _ in range(_STEPS):
        normal = _normal(signals, theta, members, residual) / sd[:, None, None] ** 2
        slope = normal[..., -1] - precision * (theta - middle)
        curvature = normal[..., :-1]
        curvature[:, index, index] += precision
        held = ((theta <= low) & (slope < 0)) | ((theta >= high) & (slope > 0))
        diagonal = curvature[:, index, index].copy()
        curvature[:, index, index] += damping[:, None] * diagonal + 1e-300
        curvature = np.where(held[:, :, None] | held[:, None, :], 0.0, curvature)
        curvature[:, index, index] += held
        step = np.linalg.solve(curvature, np.where(held, 0.0, slope)[..., None])[..., 0]
        tried = np.clip(theta + step, low, high)
        new_cost, new_members, new_residual = objective(tried)
        better = new_cost < cost
        fallen = np.where(better, (cost - new_cost) / cost, 0.0)
        damping = np.where(better, damping / 5, damping * 4)
        theta = np.where(better[:, None], tried, theta)
        cost = np.where(better, new_cost, cost)
        members = np.where(better[:, None, None], new_members, members)
        residual = np.where(better[:, None], new_residual, residual)
        if ((better & (fallen < _SETTLED)) | (damping > _LARGEST_DAMPING)).all():
            break
    return theta


def amplitude_bounds(signals: ComponentSignals, n: int) -> tuple[Real, Real]:
    """Return the mean variance of each amplitude's bound over the first signals, shape (M,).

    Parameters
    ----------
    signals : ComponentSignals
    n : int

    Returns
    -------
    efficient : ndarray
        Of an unbiased estimator, shift and damping of every component unknown too.
    bayes : ndarray
        Of one that knows the ranges; Gaussians of the same variance.
    """
    some = signals.take(n)
    theta = Components(some.amplitudes, some.shift_hz, some.gamma).stacked
    low, high = ranges(some)
    precision = np.diag(12 / (high - low) ** 2)
    sd = np.maximum(some.noise_sigma, _NOISELESS * np.abs(some.fids[:, 0]))
    m = len(some.basis.names)
    variances: list[list[Real]] = [[], []]
    for row in range(len(theta)):
        place = theta[row : row + 1]
        fisher = _normal(some, place, _members(some, place), None)[0] / sd[row] ** 2
        for known, into in enumerate(variances):
            inverse = np.linalg.pinv(fisher + known * precision, rcond=1e-15, hermitian=True)
            into.append(np.diagonal(inverse)[:m])
    efficient, bayes = np.mean(variances, axis=1)
    return efficient, bayes


def as_smape(variance: Real, signals: ComponentSignals) -> Real:
    """Return the SMAPE in per cent of unbiased Gaussian errors of a variance, shape (M,)."""
    amplitude = signals.prior.amplitude
    assert isinstance(amplitude, Uniform)
    mean = (amplitude.low + amplitude.high) / 2
    value: Real = 100 * np.sqrt(2 / np.pi) * np.sqrt(variance) / (2 * mean)
    return value
