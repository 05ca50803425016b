"""The posterior mean by a long Markov chain on the exact likelihood: what the fast posterior is held against.

Written apart from :mod:`fsl_mrs_dl.fit.posterior`: no quadratic, no marginalisation, the noise known. It shares
with it the physics and the quantiles of a truncated Gaussian.
"""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.fit.lcm import FitResult
from fsl_mrs_dl.fit.posterior.truncated import truncated_normal
from fsl_mrs_dl.physics import correct, damp
from tests.benchmarks.trust.sets import GAMMA, PHASE_RAD, SHIFT_HZ, TrustSpectra, ranges

_NODES = (
    241  # dampings at which products are tabulated: 1/16 rad/s apart, close enough to interpolate between
)
_SWEEPS = 2  # over the amplitudes between two steps of the other parameters
_STEP = (1.0, 0.4)  # of the three non-linear parameters together, in SDs; taken in turn


@dataclass(frozen=True, eq=False)
class _Exact:
    """The likelihood of spectra at any shift, damping and phase.

    ``grams`` are the products of members under a damping, on a grid of it; between nodes they are linear, which
    at this spacing errs by 1e-5.
    """

    fids: Complex
    basis: Complex
    dwelltime_s: float
    variance: float
    grams: Real

    @classmethod
    def of(cls, fids: Complex, basis: Basis, noise_sd: float) -> "_Exact":
        members = np.asarray(basis.fids, dtype=np.complex128)
        damped = (damp(members, g, 0.0, basis.dwelltime_s) for g in np.linspace(0, GAMMA, _NODES))
        grams = np.stack([(one.conj() @ one.T).real for one in damped])
        return cls(fids, members, basis.dwelltime_s, noise_sd**2, grams)

    def products(self, at: Real) -> tuple[Real, Real]:
        """Return Gram matrices (S, M, M) and products with the data (S, M) at shift, damping, phase (S, 3)."""
        shift_hz, gamma, phase_rad = at.T
        place = np.clip(gamma / GAMMA * (_NODES - 1), 0, _NODES - 1)
        below = np.minimum(place.astype(int), _NODES - 2)
        share = (place - below)[:, None, None]
        gram = (1 - share) * self.grams[below] + share * self.grams[below + 1]
        straight = correct(self.fids, shift_hz, phase_rad, self.dwelltime_s)
        damped = damp(straight, gamma, 0.0 * gamma, self.dwelltime_s)
        right: Real = (damped @ self.basis.conj().T).real
        return gram, right

    def log_likelihood(self, amplitudes: Real, gram: Real, right: Real) -> Real:
        """Return it but for what is the same everywhere."""
        quadratic = np.einsum("sm,smk,sk->s", amplitudes, gram, amplitudes)
        values: Real = ((amplitudes * right).sum(axis=1) - quadratic / 2) / self.variance
        return values


def long_chain(
    spectra: TrustSpectra,
    basis: Basis,
    noise_sd: float,
    fitted: FitResult,
    steps: int,
    rng: np.random.Generator,
) -> tuple[Real, Real]:
    """Return posterior means by two chains of each spectrum.

    Metropolis steps of shift, damping and phase, in turn with the amplitudes that follow them and without, and
    Gibbs sweeps over the amplitudes; the first third of the steps is left out.

    Parameters
    ----------
    spectra : TrustSpectra
    basis : Basis
    noise_sd : float
        Of a channel, the true one.
    fitted : FitResult
        Gives the start and the size of the steps.
    steps : int
    rng : numpy.random.Generator

    Returns
    -------
    means : ndarray, float, shape (2, S, M)
    spread : ndarray, float, shape (S, M)
        SD of the posterior.
    """
    n, members = spectra.amplitudes.shape
    low, high = ranges(basis)
    exact = _Exact.of(np.tile(spectra.fids, (2, 1)), basis, noise_sd)
    walk, follow = _proposals(fitted, low, high)
    walk, follow = np.tile(walk, (2, 1, 1)), np.tile(follow, (2, 1, 1))
    at = np.tile(fitted.parameters[:, [members, members + 1, members + 3]], (2, 1))
    reach = np.array([SHIFT_HZ, GAMMA, PHASE_RAD])
    least, most = np.array([-SHIFT_HZ, 0.0, -PHASE_RAD]), reach
    at = np.clip(at, least + 1e-3 * reach, most - 1e-3 * reach)
    amplitudes = np.repeat(((low + high) / 2)[None], 2 * n, axis=0)
    gram, right = exact.products(at)
    sums, squares, count = np.zeros((2 * n, members)), np.zeros((2 * n, members)), 0
    for step in tqdm(range(steps), desc="long chain", leave=False, disable=None):
        for _ in range(_SWEEPS):
            _gibbs(amplitudes, gram, right, exact.variance, low, high, rng)
        size = _STEP[step // 2 % len(_STEP)]
        moved = at + size * (walk @ rng.standard_normal((2 * n, 3, 1)))[..., 0]
        with_it = amplitudes + (step % 2) * (follow @ (moved - at)[..., None])[..., 0]
        allowed = ((moved > least) & (moved < most)).all(axis=1) & ((with_it >= low) & (with_it <= high)).all(
            axis=1
        )
        tried = exact.products(np.clip(moved, least, most))
        gain = exact.log_likelihood(with_it, *tried) - exact.log_likelihood(amplitudes, gram, right)
        taken = allowed & (np.log(rng.random(2 * n)) < gain)
        at[taken], amplitudes[taken] = moved[taken], with_it[taken]
        gram[taken], right[taken] = tried[0][taken], tried[1][taken]
        if step >= steps // 3:
            sums, squares, count = sums + amplitudes, squares + amplitudes**2, count + 1
    means = (sums / count).reshape(2, n, members)
    spread = np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0)).reshape(2, n, members)
    return means, spread.mean(axis=0)


def _gibbs(
    amplitudes: Real,
    gram: Real,
    right: Real,
    variance: float,
    low: Real,
    high: Real,
    rng: np.random.Generator,
) -> None:
    """Draw each amplitude given all others; in place."""
    uniforms = rng.random(amplitudes.T.shape)
    for m, u in enumerate(uniforms):
        sharp = gram[:, m, m]
        slope = right[:, m] - np.einsum("sk,sk->s", gram[:, m], amplitudes)
        middle = amplitudes[:, m] + slope / sharp
        amplitudes[:, m] = truncated_normal(middle, np.sqrt(variance / sharp), low[m], high[m], u)


def _proposals(fitted: FitResult, low: Real, high: Real) -> tuple[Real, Real]:
    """Return the size of steps of shift, damping and phase, and how the amplitudes follow them."""
    members = len(low)
    non_linear = [members, members + 1, members + 3]
    matrix = fitted.information
    own = matrix[:, :members, :members] + np.diag(12 / (high - low) ** 2)
    across = matrix[:, :members][:, :, non_linear]
    follow = -np.linalg.solve(own, across)
    left = matrix[:, non_linear][:, :, non_linear] + np.swapaxes(across, 1, 2) @ follow
    return np.linalg.cholesky(np.linalg.inv(left)), follow
