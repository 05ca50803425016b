"""Averages of registered transients: of all, and of all folds but one."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.decimation import shifted_back
from fsl_mrs_dl.fit.registration.template import Template, fade

_FOLDS = 8
"""Folds of a set. Each average lacks an eighth of the transients, which costs 6 % of its SNR."""
_MAX_WEIGHT = 4.0
"""Largest weight of a transient, as a multiple of the median: an SD that is underestimated must not rule."""
_MAX_NOISE = 0.4
"""Largest share of noise in the power of an average, at one time, at which the signal counts as reproducible."""
_LATE_S = 0.1
"""Width of the moving mean over late signal, in s: shorter than the decay of late signal, with many points."""
_LATE_INFORMATION = 0.2
"""Late signal is much if it adds this share to what the early signal tells about the shift."""
_FADED = 0.1
"""Weight of a reference, 0 to 1, below which its signal counts as late."""


@dataclass(frozen=True, eq=False)
class FoldAverages:
    """Transients with their shifts undone, and the averages over folds that they make.

    Attributes
    ----------
    corrected : ndarray, complex, shape (transient, coil, time)
        With the shifts undone and the phases as measured.
    estimates : Registration
        The shifts that were undone, and the phases.
    weight : ndarray, float, shape (transient,)
        Of each in the averages; they sum to one.
    """

    corrected: Complex
    estimates: Registration
    weight: Real

    @classmethod
    def of(cls, fids: Complex, estimates: Registration, dwelltime_s: float) -> "FoldAverages":
        """Return the averages of transients, shape (transient, coil, time), at centred estimates."""
        estimates, weight = centred(estimates)
        return cls(shifted_back(fids, estimates.shift_hz, dwelltime_s), estimates, weight)

    @property
    def folds(self) -> NDArray[np.integer]:
        """The fold of each transient; neighbours in time are in different ones."""
        return np.arange(len(self.corrected)) % min(len(self.corrected), _FOLDS)

    @cached_property
    def _sums(self) -> Complex:
        """Weighted sums over folds, shape (fold, coil, time)."""
        n = len(self.corrected)
        shares = np.zeros((self.folds.max() + 1, n), dtype=np.complex128)
        shares[self.folds, np.arange(n)] = self.weight * np.exp(-1j * self.estimates.phase_rad)
        sums = shares.astype(self.corrected.dtype) @ self.corrected.reshape(n, -1)
        return sums.reshape(-1, *self.corrected.shape[1:]).astype(np.complex128)

    @property
    def average(self) -> Complex:
        """The weighted average of all, shape (coil, time)."""
        average: Complex = self._sums.sum(axis=0)
        return average

    def template(self, band: Band, trust: Real | None = None) -> Template:
        """Return the template of the averages of all folds but one."""
        belongs = self.folds == np.arange(self.folds.max() + 1)[:, None]
        others = np.where(belongs, 0.0, self.weight)
        total = others.sum(axis=1)
        references = (self.average - self._sums) / total[:, None, None]
        return Template.of(references, band, np.sqrt((others**2).sum(axis=1)) / total, trust)

    def trust(self, band: Band) -> tuple[Real, bool]:
        """Return the share of signal in the power of the average at each time, and whether much of it is late.

        Early points of the FID are trusted where the average exceeds its noise. Late points are weighted by the
        part of their power that is the same in all folds: signal is the same, noise is not (Wiener's filter, which
        has the least squared error). With larger weights transients would be aligned to each other's noise.

        Parameters
        ----------
        band : Band

        Returns
        -------
        trust : ndarray, float, shape (time,)
            0 to 1.
        late : bool
            Whether late signal tells a fifth as much about the shift as early signal.
        """
        noise_sd = np.sqrt((self.weight**2).sum(keepdims=True))
        clear = fade(self.average[None], band, noise_sd)[0]
        later = np.flatnonzero(clear < _FADED)
        width = max(1, round(_LATE_S / band.dwelltime_s))
        if len(later) < width:
            return clear, False
        start = int(later[0])
        noise, power = self._late_power(band, start, width)
        rest = noise / np.maximum(power, np.finfo(float).tiny)
        reproducible = rest < _MAX_NOISE
        if not reproducible.any():
            return clear, False
        trusted = clear.copy()
        trusted[start:] = np.where(reproducible, 1 - rest, clear[start:])
        smooth = uniform_filter1d(trusted, max(1, width // 5), mode="nearest")
        # The information about a shift: power times time squared.
        since = np.arange(len(clear)) * band.dwelltime_s - band.delay_s
        early = (np.abs(band.weighted(self.average)) ** 2).sum(axis=0)[:start] @ since[:start] ** 2
        late = np.where(reproducible, power - noise, 0.0) @ since[start:] ** 2
        return smooth, bool(late > _LATE_INFORMATION * early)

    def _late_power(self, band: Band, start: int, width: int) -> tuple[Real, Real]:
        """Return moving means of the power of noise and average, from a late point on; shape (late time,) each."""
        n = self.folds.max() + 1
        total = np.bincount(self.folds, self.weight)
        tails = np.concatenate([self._sums / total[:, None, None], self.average[None]])
        tails[..., :start] = 0  # the window would spread the start over negative times, which are the end
        windowed = band.weighted(tails)[..., start:]
        # A fold is compared with the average of the others.
        scatter = (np.abs(windowed[:-1] - windowed[:-1].mean(axis=0)) ** 2).sum(axis=(0, 1)) / (n - 1) ** 2
        power = (np.abs(windowed[-1]) ** 2).sum(axis=0)
        return (
            uniform_filter1d(scatter, width, mode="nearest"),
            uniform_filter1d(power, width, mode="nearest"),
        )


def centred(estimates: Registration) -> tuple[Registration, Real]:
    """Return the estimates as deviations from the set's weighted mean, and the weights, shape (transient,)."""
    weight = _weights(estimates.shift_hz_sd)
    shift_hz = estimates.shift_hz - weight @ estimates.shift_hz
    phase_rad = estimates.phase_rad - np.angle(weight @ np.exp(1j * estimates.phase_rad))
    return replace(estimates, shift_hz=shift_hz, phase_rad=phase_rad), weight


def _weights(sd: Real) -> Real:
    """Return weights 1 / variance, none above four times the median, that sum to one."""
    information = 1 / np.maximum(sd, np.finfo(float).tiny) ** 2
    clipped = np.minimum(information, _MAX_WEIGHT * np.median(information))
    weights: Real = clipped / clipped.sum()
    return weights
