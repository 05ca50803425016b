"""Search for a shift: a matched filter over whole bins of the spectrum, and the side lobes near by."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band
from fsl_mrs_dl.fit.registration.template import Template
from fsl_mrs_dl.physics import fid_to_spectrum, shift, spectrum_to_fid

_LEAST_SHARE = 0.01
"""Combinations of the smooth baseline of which less than this share is removed are left as they are."""
_LOBE_STEP = 0.15
"""Step between the shifts that are compared near by, in units of the shift that turns the signal by a radian at
its root mean square time: fine enough that no lobe, about a radian wide, is stepped over."""
_LOBE_STEPS = 12
"""Steps to each side: 1.8 radians, beyond the main lobe; what is farther away is the matched filter's part."""


@dataclass(frozen=True, eq=False)
class MatchedFilter:
    """Transients, and the energy that the moved window holds of each, without smooth baseline.

    The correlation is divided by this energy; otherwise strong water entering the window would win by its size.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band
        Its ``max_shift_hz`` is the largest move.
    energy : ndarray, float, shape (transient, move)
        For moves of whole bins, from the lowest to the highest.
    """

    fids: Complex
    band: Band
    energy: Real

    @classmethod
    def of(cls, fids: Complex, band: Band) -> Self:
        """Return the filter for transients, of shape (transient, coil, time), and a band."""
        n_points = fids.shape[-1]
        most = _bins(band.max_shift_hz, band)
        low, high = np.flatnonzero(band.inside)[[0, -1]]
        around = np.take(fid_to_spectrum(fids), np.arange(low - most, high + most + 1) % n_points, axis=-1)
        power = np.cumsum((around.real**2 + around.imag**2).sum(axis=1), axis=-1)
        energy = power[:, high - low :].copy()
        energy[:, 1:] -= power[:, : 2 * most]
        moves = np.arange(-most, most + 1) % n_points
        single = fids.astype(np.complex64)  # precise enough for a whole bin
        for share, smooth in zip(*_removed(band), strict=True):
            # A correlation over the spectrum is the transform of a product over time.
            removed = fft(single * smooth.conj())[..., moves]
            energy -= share * (removed.real**2 + removed.imag**2).sum(axis=1)
        return cls(fids, band, np.maximum(energy, np.finfo(float).tiny))

    def search(self, template: Template, folds: NDArray[np.integer], max_shift_hz: float) -> Real:
        """Return the shift at which the window correlates best with the reference.

        The best whole bin, refined by a parabola through it and its neighbours.

        Parameters
        ----------
        template : Template
            Of the same band, however far the search goes.
        folds : ndarray, int, shape (transient,)
            The reference of each transient.
        max_shift_hz : float
            In Hz; not more than that of the band.

        Returns
        -------
        ndarray, float, shape (transient,)
            In Hz.
        """
        return self.highest(self.likeness(template, folds, max_shift_hz))

    def likeness(self, template: Template, folds: NDArray[np.integer], max_shift_hz: float) -> Real:
        """Return the share of the moved window's energy that the reference explains.

        Parameters
        ----------
        template, folds, max_shift_hz
            As for :meth:`search`.

        Returns
        -------
        ndarray, float, shape (transient, move)
            0 to 1, for moves of whole bins from the lowest to the highest.
        """
        n_coils, n_points = self.fids.shape[1:]
        most, all_moves = _bins(max_shift_hz, self.band), self.energy.shape[1] // 2
        moves = np.arange(-most, most + 1)
        columns = template.columns[:, 0].reshape(-1, n_coils, n_points).conj().astype(np.complex64)
        correlation = fft((self.fids.astype(np.complex64) * columns[folds]).sum(axis=1))[:, moves % n_points]
        power = correlation.real**2 + correlation.imag**2
        energy = self.energy[:, all_moves - most : all_moves + most + 1]
        explained: Real = power / (template.gram[folds, 0, 0, None] * energy)
        return explained

    def highest(self, likeness: Real) -> Real:
        """Return the shift where a likeness is highest, in Hz, shape (transient,)."""
        most = likeness.shape[1] // 2
        best = np.argmax(likeness, axis=-1)
        rows = np.arange(len(likeness))
        left, top, right = (likeness[rows, np.clip(best + k, 0, 2 * most)] for k in (-1, 0, 1))
        bend = np.maximum(2 * top - left - right, np.finfo(float).tiny)
        between = np.clip(0.5 * (right - left) / bend, -0.5, 0.5)
        shift_hz: Real = (best - most + between) * self.step_hz
        return shift_hz

    def odds(self, likeness: Real) -> Real:
        r"""Return the probability of each move, all equally likely before the data.

        With scale, phase and the level of white noise unknown the likelihood is, at its highest,
        :math:`(1 - \rho^2)^{-N}`: :math:`\rho^2` the likeness, N the complex numbers in the window less those of
        its smooth baseline (Kay 1998, Fundamentals of Statistical Signal Processing II, ch. 9.4).

        Parameters
        ----------
        likeness : ndarray, float, shape (transient, move)

        Returns
        -------
        ndarray, float, shape (transient, move)
            Each transient's sum to one.
        """
        log = -self.freedom * np.log1p(-np.minimum(likeness, 1 - 1e-6))
        odds = np.exp(log - log.max(axis=1, keepdims=True))
        normalised: Real = odds / odds.sum(axis=1, keepdims=True)
        return normalised

    @property
    def freedom(self) -> int:
        """Complex numbers in the window, of all coils, less those of the smooth baseline."""
        inside, smooth = self.band.baseline.shape
        freedom: int = self.fids.shape[1] * (inside - smooth)
        return freedom

    @property
    def step_hz(self) -> float:
        """A move of one bin, in Hz."""
        step_hz: float = 1 / (self.fids.shape[-1] * self.band.dwelltime_s)
        return step_hz


def _removed(band: Band) -> tuple[Real, Complex]:
    """Return the shares of combinations of polynomials that are removed, and these combinations over time."""
    n_smooth = band.baseline.shape[1]
    shares, combination = np.ones(n_smooth), np.eye(n_smooth, dtype=np.complex128)
    if band.share is not None:
        matrix = np.diag(band.share) if band.share.ndim == 1 else band.share
        shares, combination = np.linalg.eigh((matrix + matrix.conj().T) / 2)
    spectra = np.zeros((n_smooth, len(band.inside)), dtype=np.complex128)
    spectra[:, band.inside] = (band.baseline @ combination).T
    much = shares > _LEAST_SHARE
    return shares[much], spectrum_to_fid(spectra[much]).astype(np.complex64)


def _bins(hz: float, band: Band) -> int:
    """Return a frequency in bins of the spectrum, one at least."""
    return max(1, round(hz * band.dwelltime_s * len(band.inside)))


def side_lobe_hz(corrected: Complex, template: Template, folds: NDArray[np.integer], band: Band) -> Real:
    """Return the distance to the shift near by at which each transient fits best.

    The likelihood of a shift has a main lobe, as wide as the inverse of the time for which a signal lasts, and
    lower ones beside it that noise lifts now and then. Gauss-Newton steps stay on the one where they began. Here
    the window stays and the reference moves, so that the same data are explained everywhere: the power that a
    reference r explains is abs(<W r, y>)^2 / <W r, r>.

    Parameters
    ----------
    corrected : ndarray, complex, shape (transient, coil, time)
        With the shifts undone.
    template : Template
    folds : ndarray, int, shape (transient,)
        The reference of each transient.
    band : Band

    Returns
    -------
    ndarray, float, shape (transient,)
        In Hz; zero where it is best already, to a step of the search.
    """
    n_points = corrected.shape[-1]
    turn_s = np.sqrt(np.median(template.gram[:, 2, 2] / template.gram[:, 0, 0]))  # 2 pi times the rms time
    steps = np.arange(-_LOBE_STEPS, _LOBE_STEPS + 1)
    hz = steps * _LOBE_STEP / turn_s
    flat = corrected.reshape(len(corrected), -1)
    distance_hz = np.zeros(len(corrected))
    for k, faded in enumerate(template.faded):
        rows = np.flatnonzero(folds == k)
        moved = shift(faded.reshape(1, -1, n_points), hz[:, None], band.dwelltime_s)
        columns = band.weighted(moved).reshape(len(hz), -1)
        own = (columns.conj() * moved.reshape(len(hz), -1)).sum(axis=1).real
        explained = np.abs(flat[rows] @ columns.conj().T) ** 2 / own
        best = explained.argmax(axis=1)
        elsewhere = np.abs(steps[best]) > 1
        distance_hz[rows] = np.where(elsewhere, hz[best], 0.0)
    return distance_hz
