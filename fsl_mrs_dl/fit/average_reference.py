"""Registration of transients to their own average: a reference without the noise of a single transient."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.capture import MatchedFilter
from fsl_mrs_dl.fit.decimation import Decimation, moved_back
from fsl_mrs_dl.fit.gauss_newton import at, iterate, last_step, with_learned_baseline
from fsl_mrs_dl.fit.registration import Band, Registration
from fsl_mrs_dl.fit.template import Template, faded_out

_FOLDS = 8
_ROUNDS = 8
_SETTLED_SD = 0.05  # of an SD: further rounds would move nothing that noise does not move more
_MOST_WEIGHT = 4.0
_MOST_NOISE = 0.4
_LATE_S = 0.1
_AGAIN = 2
_MATTERS = 0.2
_FADED = 0.1
_ROUGHLY_SD = 0.3  # before the baseline is learnt
_ROUGHLY_HZ = 0.05  # as near as the first rounds need


def first_reference(fids: Complex, band: Band) -> Complex:
    """Return the transient that is most like the others, whatever its shift and phase.

    The magnitude of the windowed FID does not depend on phase and hardly on shift; the transient nearest to
    the point-wise median is taken, so that one with motion, lipid or a spurious echo is not.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
    band : Band

    Returns
    -------
    ndarray, complex, shape (coil, time)
    """
    decimation = Decimation.of(band, 0.0)
    if decimation is not None:
        return np.asarray(fids[_most_alike(decimation.fids(fids), decimation.band)])
    return np.asarray(fids[_most_alike(fids, band)])


def _most_alike(fids: Complex, band: Band) -> int:
    magnitude = np.abs(band.weighed(fids))[..., : fids.shape[-1] // 2]  # the rest is mostly noise
    distance = ((magnitude - np.median(magnitude, axis=0)) ** 2).sum(axis=(1, 2))
    return int(np.argmin(distance))


def register_to_average(
    fids: Complex, band: Band, start_hz: Real | None = None
) -> tuple[Registration, Complex]:
    """Register transients to the average of the registered transients, iterated until nothing moves.

    A transient is registered to an average that does not hold it (the set is cut into folds), or its own
    noise would hold it where it is. Each counts in the average by the noise that its own residual shows, so
    that a bad one hardly enters. The set keeps its mean shift and phase: what is estimated is the deviation.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils weighted to unit noise a channel.
    band : Band
    start_hz : ndarray, float, shape (transient,), optional
        Shifts to start from in place of the search, in Hz; one that all share does not matter.

    Returns
    -------
    registration : Registration
        Against the final average.
    reference : ndarray, complex, shape (coil, time)
        The final average of all, at the mean shift and phase of the set.
    """
    n = len(fids)
    if n == 1:
        still = Registration(
            np.zeros(1), np.zeros(1), np.full(1, np.nan), np.full(1, np.nan), np.ones(1, dtype=bool)
        )
        return still, fids[0]
    # The first transient may lie at one end of the set and another at the other end.
    wide_hz = 2 * band.max_shift_hz
    decimation = Decimation.of(band, wide_hz)
    low = fids if decimation is None else decimation.fids(fids)
    low_band = band if decimation is None else decimation.band
    finder = MatchedFilter.of(low, replace(low_band, max_shift_hz=wide_hz))
    found = _roughly(finder, start_hz)
    if start_hz is None:
        found = _searched_again(finder, found, band.max_shift_hz)
    found = _settle(low, found, low_band, settled_sd=_ROUGHLY_SD)
    moved = _Moved.of(low, found, low_band)
    learned = with_learned_baseline(low, moved.average, low_band, moved.found)
    trust, late = moved.trust(learned)
    found = _settle(low, found, learned, trust)
    for _ in range(_AGAIN if late else 0):  # the better the alignment, the more of the late signal adds up
        trust, _ = _Moved.of(low, found, low_band).trust(learned)
        found = _settle(low, found, learned, trust)
    if decimation is None:
        last = _Moved.of(fids, found, band)
        return last.found, last.average
    # In single precision, whose rounding is a 10^-7th of the signal: for water of an SNR of 10 000 a 1000th of
    # the noise.
    last = _Moved.of(fids.astype(np.complex64), decimation.at_zero(found), band)
    template = last.template(replace(band, share=learned.share), decimation.undone(trust, fids.shape[-1]))
    found, _ = _centred(last_step(last.near, template, last.folds, band, last.found))
    return found, last.average


@dataclass(frozen=True, eq=False)
class _Moved:
    """Transients moved back to the mean shift of the set by what was found, and the averages they make."""

    near: Complex
    found: Registration
    weight: Real

    @classmethod
    def of(cls, fids: Complex, found: Registration, band: Band) -> "_Moved":
        found, weight = _centred(found)
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


def _roughly(finder: MatchedFilter, start_hz: Real | None) -> Registration:
    """Register all to the transient that is most like the others, which has all the noise of one."""
    fids, band = finder.fids, finder.band
    chosen = _most_alike(fids, band)
    template = Template.of(fids[chosen][None], band, np.ones(1))
    which = np.zeros(len(fids), dtype=int)
    if start_hz is None:
        start_hz = finder.search(template, which, band.max_shift_hz)
    else:
        start_hz = start_hz - start_hz[chosen]
    return at(fids, template, which, band, *iterate(fids, template, which, band, start_hz, _ROUGHLY_HZ))


def _searched_again(finder: MatchedFilter, found: Registration, max_shift_hz: float) -> Registration:
    """Search each fold against the average of the others, which a noisy transient may have missed."""
    fids, band = finder.fids, finder.band
    moved = _Moved.of(fids, found, band)
    template = moved.template(band)
    start_hz = finder.search(template, moved.folds, max_shift_hz)
    shift_hz, _ = iterate(fids, template, moved.folds, band, start_hz, _ROUGHLY_HZ)
    near = moved_back(fids, shift_hz, band.dwelltime_s)
    step = template.step(template.products(near, moved.folds), moved.folds)
    return replace(moved.found, shift_hz=shift_hz, phase_rad=step.phase_rad)


def _settle(
    fids: Complex,
    found: Registration,
    band: Band,
    trust: Real | None = None,
    settled_sd: float = _SETTLED_SD,
) -> Registration:
    """Register each fold to the average of the others until nothing moves that noise does not move more."""
    for _ in range(_ROUNDS):
        moved = _Moved.of(fids, found, band)
        template = moved.template(band, trust)
        step = template.step(template.products(moved.near, moved.folds), moved.folds)
        shift_hz = moved.found.shift_hz + step.shift_hz
        found = replace(moved.found, shift_hz=shift_hz, phase_rad=step.phase_rad + step.turn_rad)
        change = np.abs(step.shift_hz - step.shift_hz.mean())
        if (change < settled_sd * found.shift_hz_sd).all():
            break
    return at(fids, template, moved.folds, band, found.shift_hz, change < found.shift_hz_sd)


def _centred(found: Registration) -> tuple[Registration, Real]:
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
