"""Averages of registered transients: of all, and of all folds but one."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.decimation import moved_back
from fsl_mrs_dl.fit.registration.template import Template, faded_out

_FOLDS = 8
_MOST_WEIGHT = 4.0
_MOST_NOISE = 0.4
_LATE_S = 0.1
_MATTERS = 0.2
_FADED = 0.1


@dataclass(frozen=True, eq=False)
class Moved:
    """Transients moved back by what was found, and the averages they make.

    Attributes
    ----------
    near : ndarray, complex, shape (transient, coil, time)
        Phases are as they were.
    found : Registration
    weight : ndarray, float, shape (transient,)
        Of each in the averages; they sum to one.
    """

    near: Complex
    found: Registration
    weight: Real

    @classmethod
    def of(cls, fids: Complex, found: Registration, band: Band) -> "Moved":
        """Return transients, shape (transient, coil, time), moved back by what was found of them."""
        found, weight = centred(found)
        return cls(moved_back(fids, found.shift_hz, band.dwelltime_s), found, weight)

    @property
    def folds(self) -> NDArray[np.integer]:
        """The fold of each transient; neighbours in time are in different ones."""
        return np.arange(len(self.near)) % min(len(self.near), _FOLDS)

    @cached_property
    def _sums(self) -> Complex:
        """Weighted sums over folds, shape (fold, coil, time)."""
        shares = np.zeros((self.folds.max() + 1, len(self.near)), dtype=np.complex128)
        shares[self.folds, np.arange(len(self.near))] = self.weight * np.exp(-1j * self.found.phase_rad)
        sums = shares.astype(self.near.dtype) @ self.near.reshape(len(self.near), -1)
        return sums.reshape(-1, *self.near.shape[1:]).astype(np.complex128)

    @property
    def average(self) -> Complex:
        """The weighted average of all, shape (coil, time)."""
        average: Complex = self._sums.sum(axis=0)
        return average

    def trust(self, band: Band) -> tuple[Real, bool]:
        """Return how much of an average's power is signal, point by point, shape (time,), and if much is late.

        First as far as the average stands clear of its noise. Folds agree in signal and differ in noise,
        whatever its level: where what comes later is reproducible, it counts by what their scatter leaves of its
        power (the weight of least squared error, Wiener's). More trust would lock transients to each other's
        noise.
        """
        noise_sd = np.sqrt((self.weight**2).sum(keepdims=True))
        clear = faded_out(self.average[None], band, noise_sd)[0]
        later = np.flatnonzero(clear < _FADED)
        width = max(1, round(_LATE_S / band.dwelltime_s))
        if len(later) < width:
            return clear, False
        n = self.folds.max() + 1
        total = np.bincount(self.folds, self.weight)
        tails = np.concatenate([self._sums / total[:, None, None], self.average[None]])
        tails[..., : later[0]] = 0  # the window would spread the start over negative times, which are the end
        seen = band.weighed(tails)[..., later[0] :]
        # A fold is compared with the average of the others.
        scatter = (np.abs(seen[:-1] - seen[:-1].mean(axis=0)) ** 2).sum(axis=(0, 1)) / (n - 1) ** 2
        noise, power = (
            uniform_filter1d(x, width, mode="nearest") for x in (scatter, (np.abs(seen[-1]) ** 2).sum(axis=0))
        )
        rest = noise / np.maximum(power, np.finfo(float).tiny)
        reproducible = rest < _MOST_NOISE
        if not reproducible.any():
            return clear, False
        trusted = clear.copy()
        trusted[later[0] :] = np.where(reproducible, 1 - rest, clear[later[0] :])
        smooth = uniform_filter1d(trusted, max(1, width // 5), mode="nearest")
        # What a shift is known by: power times time squared.
        since = np.arange(len(clear)) * band.dwelltime_s - band.delay_s
        early = (np.abs(band.weighed(self.average)) ** 2).sum(axis=0)[: later[0]] @ since[: later[0]] ** 2
        late = np.where(reproducible, power - noise, 0.0) @ since[later[0] :] ** 2
        return smooth, bool(late > _MATTERS * early)

    def template(self, band: Band, trust: Real | None = None) -> Template:
        """Return the template of the averages of all folds but one."""
        belongs = self.folds == np.arange(self.folds.max() + 1)[:, None]
        others = np.where(belongs, 0.0, self.weight)
        total = others.sum(axis=1)
        references = (self.average - self._sums) / total[:, None, None]
        return Template.of(references, band, np.sqrt((others**2).sum(axis=1)) / total, trust)


def centred(found: Registration) -> tuple[Registration, Real]:
    """Return the estimates as deviations from the set's weighted mean, and the weights."""
    weight = _weights(found.shift_hz_sd)
    shift_hz = found.shift_hz - weight @ found.shift_hz
    phase_rad = found.phase_rad - np.angle(weight @ np.exp(1j * found.phase_rad))
    return replace(found, shift_hz=shift_hz, phase_rad=phase_rad), weight


def _weights(sd: Real) -> Real:
    """Return weights 1 / variance, none above four times the median, that sum to one."""
    information = 1 / np.maximum(sd, np.finfo(float).tiny) ** 2
    clipped = np.minimum(information, _MOST_WEIGHT * np.median(information))
    weights: Real = clipped / clipped.sum()
    return weights
