"""What a fit has left, seen through lines of the fitted shape: one line that no member describes, or many."""

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.stats import norm
from scipy.stats import t as student

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.background import joined
from fsl_mrs_dl.fit.lcm.engine import Fitter
from fsl_mrs_dl.fit.lcm.local import bounds
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.fit.lcm.result import FitResult
from fsl_mrs_dl.physics import damp

DOUBLET_HZ = 7.0
"""Splitting of the doublet that is looked for beside the singlet: the coupling of lactate, alanine, threonine."""
_OWN_HZ = 1.0  # Lorentzian width that lines of a basis set have by themselves
_SEEN = 0.1  # share of a line's energy that must be left when all that was fitted follows it
_MEDIAN = norm.ppf(0.75)
_CHUNK = 32
_LEAST_LEFT = 0.01  # share of the energy of a residual that its highest line leaves


@dataclass(frozen=True, eq=False)
class Leftover:
    """What the residuals of S fits look like through lines; NaN for spectra that were not fitted.

    Attributes
    ----------
    place_hz : ndarray, float, shape (S,)
        Where the line that stands out most lies, in the frame of the basis set (the fitted shift undone).
    z : ndarray, float, shape (S,)
        Its amplitude over the SD of that amplitude; negative where the fit is too high.
    p : ndarray, float, shape (S,)
        Chance that noise shows one as high anywhere in the window.
    power : ndarray, float, shape (S,)
        Mean square of the amplitude of a line anywhere in the window, over its variance in white noise that
        leaves as large a residual: 1 where nothing but white noise is left.
    looks : ndarray, float, shape (S,)
        How many independent values that is a mean of.
    """

    place_hz: Real
    z: Real
    p: Real
    power: Real
    looks: Real

    @classmethod
    def unknown(cls, n: int) -> "Leftover":
        """Return what is known of n spectra before they are looked at: NaN."""
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
        r"""How much larger errors are than white noise makes them, :math:`\max(1, \sqrt{\text{power}})`, (S,).

        What the basis set has wrong looks like lines, and what was fitted takes up its share of it unseen. It is
        assumed to be as large among the directions that were fitted as among those that were left; a bound in
        white noise spreads it over all the points of the window instead.
        """
        wider: Real = np.sqrt(np.maximum(self.power, 1.0))
        return wider


def leftover(fitter: Fitter, fids: Complex, result: FitResult) -> Leftover:
    r"""Look for lines in residuals, with a matched filter.

    A line :math:`u_f` of the fitted shape, in phase, at the frequency f has in the residual r the amplitude

    .. math:: \frac{\langle r, u_f \rangle}{d_f}, \quad d_f = |u_f|^2 - c_f^T A^{-1} c_f, \quad
              z_f = \frac{\langle r, u_f \rangle}{\hat\sigma \sqrt{d_f}},

    :math:`c_f` being its products with the derivatives of the model by everything that was fitted and A their
    Gram matrix, so that d is what is left of a line when all that follows it. Products are real and those of
    the window under the baseline's weight. A doublet is looked for in the same way.

    Of a right model z is a Gaussian field of unit variance, and the height of its highest peak has a known
    distribution (mean number of upcrossings, Worsley 1994, doi:10.2307/1427576, of t fields, as sigma is the
    residual's own without that line). Where the residual is rough everywhere a line must stand out of that:
    z is divided by the median size of the field over that of a Gaussian one, if that is larger.

    Parameters
    ----------
    fitter : Fitter
        That made the result.
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
class _Seen:
    """Products with templates at F places, all real but those with the baseline's curves.

    Attributes
    ----------
    residual : ndarray, shape (S, F)
    tangents : ndarray, shape (S, Q, F)
    curves : ndarray, complex, shape (S, K, F)
    energy : ndarray, shape (S, F)
        Of the templates within the window.
    """

    residual: Real
    tangents: Real
    curves: Complex
    energy: Real

    def field(self, inverse: Real, share: Real, noise_sd: Real) -> Real:
        """Return z of each place, (S, F); NaN where what was fitted describes a line there."""
        # A stiff baseline takes a share of a curve, and of its noise twice that share less the share's square.
        taken = 2 * share - share**2
        weighed = self.energy - (taken[..., None] * np.abs(self.curves) ** 2).sum(axis=1)
        left = weighed - (self.tangents * (inverse @ self.tangents)).sum(axis=1)
        size = np.where(left > _SEEN * self.energy, left, np.nan)
        field: Real = self.residual / (noise_sd[:, None] * np.sqrt(size))
        return field

    def doublet(self, apart: int, overlap: Real) -> "_Seen":
        """Return what two lines see that stand 2 ``apart`` bins from each other; overlap: of the two, (S,)."""

        def both(seen: NDArray[Any]) -> NDArray[Any]:
            ends = [(0, 0)] * (seen.ndim - 1) + [(apart, apart)]
            return np.pad(seen[..., 2 * apart :] + seen[..., : -2 * apart], ends)

        energy = both(self.energy)
        energy = np.where(energy > 0, energy + 2 * overlap[:, None], 0.0)
        return _Seen(both(self.residual), both(self.tangents), both(self.curves), energy)


def _look(problem: Problem, fids: Complex, result: FitResult, rows: NDArray[np.integer]) -> Leftover:
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
    seen = line.through(parts).real
    variance = noise[:, None] ** 2
    low, high, _ = bounds(problem)
    values = result.parameters[rows]
    inverse = _inverse(result.information[rows] * variance[..., None], (values > low) & (values < high))
    # Nothing where the fit has settled; a network's parameters leave what a step would take.
    step = inverse @ (result.score[rows] * variance)[..., None]
    unseen = seen[:, 0] - (seen[:, 1:] * step).sum(axis=1)
    through = line.through(smooth)
    if problem.settings.averaged:
        through = through.real.astype(
            np.complex64
        )  # a background has real coefficients, a baseline complex ones
    single = _Seen(unseen, seen[:, 1:], through, line.energy(parts.shape[-1]))
    apart = max(1, round(DOUBLET_HZ / 2 * seconds))
    kinds = [single]
    if 2 * apart < parts.shape[-1]:
        kinds.append(single.doublet(apart, line.overlap(2 * apart / seconds)))
    fields = [kind.field(inverse, share, noise) for kind in kinds]
    return _verdict(fields, line, result.freedom[rows], problem.frequency_hz[problem.inside])


@dataclass(frozen=True, eq=False)
class _Line:
    """A line of each spectrum as its decay, shape (S, P), at P times: a circle of a little more than K bins."""

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
        found: Complex = fft.fft(times * decay, axis=-1)[..., : bins.shape[-1]]
        return found

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
        found = fft.fft(self.decay**2, axis=-1).real[:, :bins]
        relative: Real = found / found[:, :1]
        return relative

    @property
    def roughness(self) -> Real:
        """Root of the second derivative of that correlation at 0, in 1/Hz, (S,)."""
        power = self.decay**2
        second: Real = 2 * pi * np.sqrt((power @ self.time_s**2) / power.sum(axis=1))
        return second


def _inverse(gram: Real, within: NDArray[np.bool_]) -> Real:
    """Return the inverse of the Gram matrix of what could move; zero for the rest, also what is at its bound."""
    index = np.arange(gram.shape[-1])
    free = within & (gram[:, index, index] > 0)
    size = np.sqrt(np.where(free, gram[:, index, index], 1.0))
    scaled = np.where(free[:, :, None] & free[:, None], gram, 0.0) / (size[:, :, None] * size[:, None])
    scaled[:, index, index] = 1 + 1e-9
    factor = free / size
    inverse: Real = np.linalg.inv(scaled) * factor[:, :, None] * factor[:, None]
    return inverse


def _verdict(fields: list[Real], line: _Line, freedom: Real, frequency_hz: Real) -> Leftover:
    """Return the highest place of the fields of singlets and doublets, and what chance makes of it."""
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
        at = np.abs(height).argmax(axis=1)
        # The residual without this line has one degree of freedom less, and is smaller.
        z = height[rows, at]
        # Where that line is nearly all of it, what is left says no more of the noise.
        alone = z * np.sqrt((freedom - 1) / np.maximum(freedom - z**2, _LEAST_LEFT * freedom)) / rough
        p = student.sf(np.abs(alone), freedom - 1)
        crossings = width_hz * line.roughness / (2 * pi) * (1 + alone**2 / (freedom - 1)) ** (1 - freedom / 2)
        best.append((2 * (p + crossings), alone, frequency_hz[at]))
    p, z, place = (np.stack(some) for some in zip(*best, strict=True))
    first = p.argmin(axis=0)
    correlation = line.correlation(len(frequency_hz)) ** 2
    looks = values / (2 * correlation.sum(axis=1) - 1)
    return Leftover(
        place[first, rows], z[first, rows], np.minimum(len(fields) * p[first, rows], 1.0), power, looks
    )
