"""Search the residual of a fit for lines of the fitted shape: one that no member describes, or many."""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import ndtri, stdtr  # not scipy.stats, whose import takes longer than many a fit

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import joined
from fsl_mrs_dl.fit.lcm.engine import Fitter
from fsl_mrs_dl.fit.lcm.local import bounds
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.fit.lcm.result import FitResult
from fsl_mrs_dl.physics import damp

DOUBLET_HZ = 7.0
"""Splitting of the doublet that is looked for beside the singlet: the coupling of lactate, alanine, threonine."""
_OWN_HZ = 1.0  # Lorentzian width of the lines of a usual basis set, in Hz
_LEAST_ENERGY = 0.1  # share of a line's energy that the fitted parameters must not be able to describe
_MEDIAN = ndtri(0.75)  # median of the magnitude of a standard normal variable
_CHUNK = 32  # spectra at once: their members fit the cache
_LEAST_LEFT = (
    0.01  # smallest share of the residual's energy without its highest line, so that noise stays above 0
)


@dataclass(frozen=True, eq=False)
class Leftover:
    """Lines in the residuals of S fits; NaN for spectra that were not fitted.

    Attributes
    ----------
    place_hz : ndarray, float, shape (S,)
        Place of the highest line, in the frame of the basis set (the fitted shift undone).
    z : ndarray, float, shape (S,)
        Its amplitude over the SD of that amplitude; negative where the fit is too high.
    p : ndarray, float, shape (S,)
        Probability that noise has a line as high anywhere in the window.
    power : ndarray, float, shape (S,)
        Mean square amplitude of a line over all places in the window, over its variance in white noise with as
        large a residual: 1 if only white noise is left.
    looks : ndarray, float, shape (S,)
        Number of independent values in that mean.
    """

    place_hz: Real
    z: Real
    p: Real
    power: Real
    looks: Real

    @classmethod
    def unknown(cls, n: int) -> "Leftover":
        """Return the leftover of n spectra before the search: NaN."""
        return cls(
            place_hz=np.full(n, np.nan),
            z=np.full(n, np.nan),
            p=np.full(n, np.nan),
            power=np.full(n, np.nan),
            looks=np.full(n, np.nan),
        )

    def put(self, rows: NDArray[np.integer], part: "Leftover") -> None:
        """Replace some rows by those of another result."""
        self.place_hz[rows] = part.place_hz
        self.z[rows] = part.z
        self.p[rows] = part.p
        self.power[rows] = part.power
        self.looks[rows] = part.looks

    @property
    def widening(self) -> Real:
        r"""Factor of errors over those in white noise, :math:`\max(1, \sqrt{\text{power}})`, (S,).

        Errors of the basis set look like lines, and the fit takes a part of them for metabolites. The residual
        shows only the other part. This factor assumes that both parts have the same power. The Cramér-Rao bound,
        which is for white noise, would spread them over the whole window and be too small.
        """
        wider: Real = np.sqrt(np.maximum(self.power, 1.0))
        return wider


def leftover(fitter: Fitter, fids: Complex, result: FitResult) -> Leftover:
    r"""Look for lines in residuals, with a matched filter.

    A line :math:`u_f` of the fitted shape, in phase, at the frequency f has in the residual r the amplitude

    .. math:: \frac{\langle r, u_f \rangle}{d_f}, \quad d_f = |u_f|^2 - c_f^T A^{-1} c_f, \quad
              z_f = \frac{\langle r, u_f \rangle}{\hat\sigma \sqrt{d_f}},

    where :math:`c_f` are its products with the derivatives of the model by all fitted parameters and A is their
    Gram matrix: d is the energy of the line that these parameters cannot describe. Products are real and are those
    of the window under the baseline's weight. Doublets are searched in the same way.

    If the model is right, z is a Gaussian field of unit variance, and the height of its highest peak has a known
    distribution (mean number of upcrossings, Worsley 1994, doi:10.2307/1427576, of t fields, because sigma is
    that of the residual without the line). If the residual is rough everywhere, a line must stand out of that:
    z is divided by the median size of the field over that of a Gaussian one, if that ratio is above 1.

    Parameters
    ----------
    fitter : Fitter
        The fit of the result.
    fids : ndarray, complex, shape (S, time)
    result : FitResult

    Returns
    -------
    Leftover
    """
    whole = Leftover.unknown(len(fids))
    known = np.flatnonzero(np.isfinite(result.information).all(axis=(1, 2)))
    for first in range(0, len(known), _CHUNK):
        rows = known[first : first + _CHUNK]
        whole.put(rows, _look(fitter.problem, fids[rows], result, rows))
    return whole


@dataclass(frozen=True, eq=False)
class _LineProducts:
    """Products of vectors with lines at F places, all real but those with the baseline's curves.

    Attributes
    ----------
    residual : ndarray, shape (S, F)
    tangents : ndarray, shape (S, Q, F)
        Of the derivatives by the fitted parameters.
    curves : ndarray, complex, shape (S, K, F)
    energy : ndarray, shape (S, F)
        Energy of the lines within the window.
    """

    residual: Real
    tangents: Real
    curves: Complex
    energy: Real

    def field(self, inverse: Real, share: Real, noise_sd: Real) -> Real:
        """Return z of each place, (S, F); NaN where the fitted parameters describe a line."""
        # A stiff baseline takes a share of a curve, and of its noise twice that share less the share's square.
        removed = 2 * share - share**2
        weighed = self.energy - (removed[..., None] * np.abs(self.curves) ** 2).sum(axis=1)
        left = weighed - (self.tangents * (inverse @ self.tangents)).sum(axis=1)
        size = np.where(left > _LEAST_ENERGY * self.energy, left, np.nan)
        field: Real = self.residual / (noise_sd[:, None] * np.sqrt(size))
        return field

    def doublet(self, apart: int, overlap: Real) -> "_LineProducts":
        """Return the products with doublets.

        Parameters
        ----------
        apart : int
            Half the splitting, in bins.
        overlap : ndarray, float, shape (S,)
            Product of the two lines.
        """

        def both(values: NDArray[Any]) -> NDArray[Any]:
            ends = [(0, 0)] * (values.ndim - 1) + [(apart, apart)]
            return np.pad(values[..., 2 * apart :] + values[..., : -2 * apart], ends)

        energy = both(self.energy)
        energy = np.where(energy > 0, energy + 2 * overlap[:, None], 0.0)
        return _LineProducts(both(self.residual), both(self.tangents), both(self.curves), energy)


def _look(problem: Problem, fids: Complex, result: FitResult, rows: NDArray[np.integer]) -> Leftover:
    """Search the residuals of some spectra for lines."""
    gamma, sigma = result.gamma[rows], result.sigma[rows]
    at = result.place.take(rows)
    amplitudes, noise = result.amplitudes[rows], result.noise_sd[rows]
    # Products of lines need fewer digits than derivatives do.
    members = problem.members(at).astype(np.complex64) * np.float32(problem.scale)
    columns = problem.window(members)
    residual = problem.corrected(fids, at) - np.einsum("sm,smk->sk", amplitudes, columns)
    jacobian = problem.jacobian(
        members, amplitudes, own_shifts=at.member_hz.shape[1] > 0 and result.average is None
    )
    parts = np.concatenate([residual[:, None], columns, jacobian], axis=1)
    if problem.settings.averaged:
        ground = problem.background
        share = ground.share(ground.first, (noise / result.unit[rows]) ** 2)
        parts = ground.left(parts, share)
        curves = joined(ground.first_rows)
    else:
        share = np.broadcast_to(problem.share, (len(rows), len(problem.share)))
        curves = problem.curves.T.astype(np.complex128)
        parts = problem.weigh(parts)
    smooth = np.broadcast_to(curves, (len(rows), *curves.shape))
    seconds = len(problem.time_s) * problem.dwelltime_s
    line = _Line.of(gamma[:, 0], sigma[:, 0], parts.shape[-1], seconds)
    products = line.through(parts).real
    variance = noise[:, None] ** 2
    low, high, _ = bounds(problem)
    values = result.parameters[rows]
    inverse = _inverse(result.information[rows] * variance[..., None], (values > low) & (values < high))
    # Zero at the end of a fit. Parameters of a network are not at the optimum: subtract what one step explains.
    step = inverse @ (result.score[rows] * variance)[..., None]
    remaining = products[:, 0] - (products[:, 1:] * step).sum(axis=1)
    through = line.through(smooth)
    if problem.settings.averaged:
        through = through.real.astype(
            np.complex64
        )  # a background has real coefficients, a baseline complex ones
    single = _LineProducts(remaining, products[:, 1:], through, line.energy(parts.shape[-1]))
    apart = max(1, round(DOUBLET_HZ / 2 * seconds))
    kinds = [single]
    if 2 * apart < parts.shape[-1]:
        kinds.append(single.doublet(apart, line.overlap(2 * apart / seconds)))
    fields = [kind.field(inverse, share, noise) for kind in kinds]
    return _highest_place(fields, line, result.freedom[rows], problem.frequency_hz[problem.inside])


@dataclass(frozen=True, eq=False)
class _Line:
    """The decay of a line of each spectrum, shape (S, P), at P times: an FFT of a little more than K bins."""

    decay: Real
    time_s: Real

    @classmethod
    def of(cls, gamma: Real, sigma: Real, bins: int, seconds: float) -> "_Line":
        n = fft.next_fast_len(bins + bins // 4)
        decay = damp(np.ones((1, n)), gamma + pi * _OWN_HZ, sigma, seconds / n)
        return cls(decay, np.arange(n) * seconds / n)

    def through(self, bins: NDArray[Any]) -> Complex:
        """Return the products of lines at each bin with vectors (S, ..., K)."""
        decay = self.decay.astype(np.float32)[:, None]
        times = fft.ifft(bins.astype(np.complex64), n=self.decay.shape[1], axis=-1, norm="ortho")
        products: Complex = fft.fft(times * decay, axis=-1)[..., : bins.shape[-1]]
        return products

    def energy(self, bins: int) -> Real:
        """Return the energy within the window of a line at each of its bins, (S, K)."""
        height = np.abs(fft.fft(self.decay, axis=-1, norm="ortho")) ** 2
        lags = np.arange(1 - bins, bins) % self.decay.shape[1]
        summed = np.cumsum(np.pad(height[:, lags], ((0, 0), (1, 0))), axis=-1)
        inside: Real = summed[:, : bins - 1 : -1] - summed[:, bins - 1 :: -1]
        return inside

    def overlap(self, apart_hz: float) -> Real:
        """Return the product of two lines, (S,)."""
        product: Real = self.decay**2 @ np.cos(2 * pi * apart_hz * self.time_s)
        return product

    def correlation(self, bins: int) -> Real:
        """Return the correlation of the products of noise with lines 0, 1, ... bins apart, (S, bins)."""
        products = fft.fft(self.decay**2, axis=-1).real[:, :bins]
        relative: Real = products / products[:, :1]
        return relative

    @property
    def roughness(self) -> Real:
        """Root of the second derivative of that correlation at 0, in 1/Hz, (S,)."""
        power = self.decay**2
        second: Real = 2 * pi * np.sqrt((power @ self.time_s**2) / power.sum(axis=1))
        return second


def _inverse(gram: Real, within: NDArray[np.bool_]) -> Real:
    """Return the inverse of the Gram matrix of the free parameters; zero for others and for those at a bound."""
    index = np.arange(gram.shape[-1])
    free = within & (gram[:, index, index] > 0)
    size = np.sqrt(np.where(free, gram[:, index, index], 1.0))
    scaled = np.where(free[:, :, None] & free[:, None], gram, 0.0) / (size[:, :, None] * size[:, None])
    scaled[:, index, index] = 1 + 1e-9
    factor = free / size
    inverse: Real = np.linalg.inv(scaled) * factor[:, :, None] * factor[:, None]
    return inverse


def _highest_place(fields: list[Real], line: _Line, freedom: Real, frequency_hz: Real) -> Leftover:
    """Return the highest place of the fields of singlets and doublets, and its probability in noise."""
    rows, width_hz = np.arange(len(freedom)), float(frequency_hz[-1] - frequency_hz[0])
    known = np.isfinite(fields[0])
    values = np.maximum(known.sum(axis=1), 1)
    power = np.where(known, fields[0], 0.0)
    power = (power**2).sum(axis=1) / values
    middle = [
        np.median(one[there]) if there.any() else 0.0
        for one, there in zip(abs(fields[0]), known, strict=True)
    ]
    rough = np.maximum(np.array(middle) / _MEDIAN, 1.0)
    best = []
    for field in fields:
        height = np.where(np.isfinite(field), field, 0.0)
        highest = np.abs(height).argmax(axis=1)
        # The residual without this line has one degree of freedom less, and is smaller.
        z = height[rows, highest]
        # If the line is nearly all of the residual, the rest is too small for an estimate of the noise.
        alone = z * np.sqrt((freedom - 1) / np.maximum(freedom - z**2, _LEAST_LEFT * freedom)) / rough
        p = stdtr(freedom - 1, -np.abs(alone))
        crossings = width_hz * line.roughness / (2 * pi) * (1 + alone**2 / (freedom - 1)) ** (1 - freedom / 2)
        best.append((2 * (p + crossings), alone, frequency_hz[highest]))
    p, z, place = (np.stack(some) for some in zip(*best, strict=True))
    first = p.argmin(axis=0)
    correlation = line.correlation(len(frequency_hz)) ** 2
    looks = values / (2 * correlation.sum(axis=1) - 1)
    return Leftover(
        place[first, rows], z[first, rows], np.minimum(len(fields) * p[first, rows], 1.0), power, looks
    )
