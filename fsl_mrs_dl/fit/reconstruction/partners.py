"""Methods to compare a reconstruction with: matched filter, Tikhonov, and low rank (MP-PCA)."""

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.reconstruction.operators import GridOperator

_SMALL = (
    1e-12  # least signal energy over the noise variance; where noise explains the FIDs, the result is zero
)


def filtered(fids: Complex, operator: GridOperator) -> Complex:
    """Return FIDs under the matched filter: each point times the conjugate of the lines' decay.

    The highest SNR of a known line (Ernst and Anderson 1966, doi:10.1063/1.1719961); lines get about twice as
    wide.

    Parameters
    ----------
    fids : ndarray, complex, shape (set, FID, time)
    operator : GridOperator
        Gives the decay.
    """
    return fids * operator.decay.conj()


def tikhonov(fids: Complex, operator: GridOperator, noise_sd: Real) -> Complex:
    r"""Return FIDs of the target lineshape by regularised least squares, a Wiener filter in time.

    .. math:: \min_s \|y - A s\|^2 + \mu \|s\|^2, \quad \hat x(t) = \frac{a^*(t) y(t)}{|a(t)|^2 + \mu} w(t)

    for a grid of lines :math:`A A^H = \mathrm{diag} |a|^2`, so that there is a closed form. :math:`\mu` is the
    noise over the energy of the amplitudes that the data have beyond the noise, the best there is for lines of
    equal expected size.

    Parameters
    ----------
    fids : ndarray, complex, shape (set, FID, time)
    operator : GridOperator
    noise_sd : ndarray, float, shape (set,)
        Of a channel.
    """
    a, target = operator.decay, operator.target
    power = np.abs(a) ** 2
    weight = power.sum(axis=-1)
    # E |y|^2 = v |a|^2 + 2 sigma^2, by least squares over the points that the decay has not damped.
    noise = 2 * np.asarray(noise_sd, dtype=np.float64)[:, None] ** 2
    excess = ((np.abs(fids) ** 2) * power).sum(axis=-1) - noise * weight
    size = np.maximum(excess / (power**2).sum(axis=-1), _SMALL * noise)
    mu = (noise / size)[..., None]
    restored: Complex = a.conj() * fids / (power + mu) * target
    return restored


def low_rank(rows: Complex) -> tuple[Complex, int]:
    """Return a matrix of FIDs without the components that noise alone can explain (MP-PCA), and the rank kept.

    The noise level and the number of components follow from the Marchenko-Pastur distribution together (Veraart
    et al. 2016, doi:10.1016/j.neuroimage.2016.08.016, eq. 11 and 12); eigenvalues are not shrunk.

    Parameters
    ----------
    rows : ndarray, complex, shape (FID, time)
        Noise of one level: prewhitened, and not averaged or filtered.
    """
    n, m = sorted(rows.shape)
    left, value, right = np.linalg.svd(rows, full_matrices=False)
    power = value**2 / m
    rank = n - 1
    for p in range(n - 1):
        rest = power[p:]
        spread = (power[p] - rest[-1]) / (4 * np.sqrt((n - p) / (m - p)))
        if rest.mean() >= spread:  # the range of what is left is not wider than noise of its mean has
            rank = p
            break
    low_rank: Complex = (left[:, :rank] * value[:rank]) @ right[:rank]
    return low_rank.astype(rows.dtype), rank
