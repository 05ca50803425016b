r"""The weight of sparsity, :math:`\lambda`: by the noise, by the data, or as a share of the largest useful one."""

from collections.abc import Iterator

import numpy as np
from scipy.special import chdtri  # not scipy.stats, which takes long to import

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.reconstruction.operators import Operator
from fsl_mrs_dl.fit.reconstruction.passes import two_passes
from fsl_mrs_dl.fit.reconstruction.solver import Solution

RATIOS = np.geomspace(0.7, 0.007, 16)
"""Shares of the largest useful penalty, from a nearly empty solution to one that follows the noise of a spectrum
of SNR_f 100; neighbours differ by a factor of 1.36."""
SHARES = np.geomspace(3.0, 0.1, 12)
"""Shares of the universal penalty among which the data choose; neighbours differ by a factor of 1.36."""
NOISE_SHARE = 0.8
"""Share of the universal penalty that ``noise`` takes: where the error of reconstructed FIDs is lowest for SNR_f
of 5 to 30 (benchmark ``reconstruct``)."""
NETWORK_REACH = 1.25
"""Factor by which a network may change the penalty of the noise. The best penalty of spectra of the brain differs
by an SD of 0.15 in its logarithm (benchmark ``reconstruct``); more is an error, of spectra it does not know."""
_PATH_ITERATIONS, _PATH_GAP = 100, 0.01
"""Iterations, and duality gap over half the energy of noise, of a step of a path: a neighbour is a good start."""
_PROBE = 0.1  # size of the disturbance that measures the freedom of a solution, in noise SDs


def universal_penalty(operator: Operator, noise_sd: Real, n_fids: int = 1) -> Real:
    r"""Return the penalty that noise alone does not exceed, shape (set,).

    .. math:: \lambda = \sigma \|a\| \sqrt{\chi^2_{2 T} (1 - 1 / M)}, \quad
              \text{for one FID } \sigma \|a\| \sqrt{2 \ln M}

    (Donoho and Johnstone 1994, doi:10.1093/biomet/81.3.425, for complex data and T FIDs that share a support.)

    Parameters
    ----------
    operator : Operator
    noise_sd : ndarray, float, shape (set,)
        Of the real, or imaginary, channel.
    n_fids : int
        FIDs of a set, T.
    """
    quantile = chdtri(2 * n_fids, 1 / operator.n_atoms)
    norm = operator.norms.max(axis=(1, 2))
    penalty: Real = np.asarray(noise_sd) * norm * np.sqrt(quantile)
    return penalty


def noise_penalty(operator: Operator, noise_sd: Real, n_fids: int = 1) -> Real:
    """Return the penalty of the least error in simulations, a little below the universal one, shape (set,)."""
    return NOISE_SHARE * universal_penalty(operator, noise_sd, n_fids)


def near_noise(penalty: Real, noise: Real) -> Real:
    """Return a network's penalty, kept within :data:`NETWORK_REACH` of what the noise says, shape (set,)."""
    return np.clip(penalty, noise / NETWORK_REACH, noise * NETWORK_REACH)


def path(operator: Operator, fids: Complex, penalties: Real) -> Iterator[Solution]:
    """Yield the solutions of decreasing penalties, each pass started from the same pass of the one before.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
    penalties : ndarray, float, shape (step, set)
    """
    starts = None
    for penalty in penalties:
        first, second = two_passes(
            operator, fids, penalty, iterations=_PATH_ITERATIONS, gap=_PATH_GAP, starts=starts
        )
        starts = first.amplitudes, second.amplitudes
        yield second


def residual_energy(operator: Operator, fids: Complex, solution: Solution) -> Real:
    """Return the squared norm of what a solution leaves of the data, shape (set,)."""
    left = np.abs(fids - operator.forward(solution.amplitudes)) ** 2
    energy: Real = left.sum(axis=(1, 2), dtype=np.float64)
    return energy


def discrepancy_penalty(operator: Operator, fids: Complex, noise_sd: Real, n_measured: int) -> Real:
    r"""Return the largest penalty whose residual is not larger than the noise, shape (set,).

    The discrepancy principle of Morozov 1966: :math:`\|y - A s\|^2 \le 2 \sigma^2 N T`.

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
    noise_sd : ndarray, float, shape (set,)
    n_measured : int
        Points of an FID that were measured, N.
    """
    target = 2 * noise_sd**2 * n_measured * fids.shape[1]
    unit = universal_penalty(operator, noise_sd, fids.shape[1])
    steps = path(operator, fids, SHARES[:, None] * unit)
    left = np.stack([residual_energy(operator, fids, step) for step in steps])
    chosen = np.empty(len(fids))
    for row, curve in enumerate(np.minimum.accumulate(left, axis=0).T):
        # The residual falls with the penalty; np.interp wants it to rise, and holds the ends.
        chosen[row] = np.interp(-target[row], -curve, np.log(SHARES))
    penalty: Real = np.exp(chosen) * unit
    return penalty


def sure_penalty(operator: Operator, fids: Complex, noise_sd: Real, rng: np.random.Generator) -> Real:
    r"""Return the penalty of the smallest unbiased estimate of the error, shape (set,).

    .. math:: \|y - A \hat s\|^2 + 2 \sigma^2 \, \mathrm{df}, \quad
              \mathrm{df} \approx \mathrm{Re}\, b^H (A \hat s(y + \epsilon b) - A \hat s(y)) / \epsilon

    with white noise b of unit variance a channel (Ramani et al. 2008, doi:10.1109/TIP.2008.2001404).

    Parameters
    ----------
    operator : Operator
    fids : ndarray, complex, shape (set, FID, time)
    noise_sd : ndarray, float, shape (set,)
    rng : numpy.random.Generator
    """
    probe = rng.standard_normal(fids.shape) + 1j * rng.standard_normal(fids.shape)
    size = (_PROBE * noise_sd)[:, None, None]
    disturbed = (fids + size * probe).astype(fids.dtype)
    penalties = SHARES[:, None] * universal_penalty(operator, noise_sd, fids.shape[1])
    risks = []
    both = zip(path(operator, fids, penalties), path(operator, disturbed, penalties), strict=True)
    for solution, moved in both:
        difference = operator.forward(moved.amplitudes) - operator.forward(solution.amplitudes)
        freedom = np.einsum("gft,gft->g", probe.conj(), difference).real / size[:, 0, 0]
        risks.append(residual_energy(operator, fids, solution) + 2 * noise_sd**2 * freedom)
    penalty: Real = lowest(np.stack(risks), SHARES) * penalties[0] / SHARES[0]
    return penalty


def lowest(curves: Real, places: Real) -> Real:
    """Return where each curve is lowest, by a parabola in the logarithm about its lowest point.

    Parameters
    ----------
    curves : ndarray, float, shape (place, set)
    places : ndarray, float, shape (place,)
        Evenly spaced in their logarithm.

    Returns
    -------
    ndarray, float, shape (set,)
    """
    index = curves.argmin(axis=0)
    inner = np.clip(index, 1, len(curves) - 2)
    rows = np.arange(curves.shape[1])
    before, here, after = (curves[inner + step, rows] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend > 0, (before - after) / np.where(bend > 0, 2 * bend, 1), 0)
    position = np.where(index == inner, inner + np.clip(shift, -1, 1), index)
    logs: Real = np.interp(position, np.arange(len(places)), np.log(places))
    return np.exp(logs)
