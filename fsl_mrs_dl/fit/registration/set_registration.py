"""The state of a registration: one set of transients, and everything that its steps hand to each other.

A recipe of :mod:`~.gauss_newton` calls the methods of :class:`SetRegistration` in turn. Each method reads and
replaces attributes of the object; nothing else is passed from step to step.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.registration.averages import FoldAverages, centred
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.baseline import with_learned_baseline
from fsl_mrs_dl.fit.registration.decimation import Decimation, shifted_back
from fsl_mrs_dl.fit.registration.search import MatchedFilter, side_lobe_hz
from fsl_mrs_dl.fit.registration.template import Template

_ITERATIONS = 12
"""Most Gauss-Newton steps of a transient: 12 that only halve the error bring it from a bin (1 Hz) below 1 mHz."""
_ROUNDS = 8
"""Most rounds of registering the folds to each other's averages."""
_CONVERGED_HZ = 1e-4
"""A step below this, in Hz, is the last: a 100th of the SD of a very good scan (0.01 Hz)."""
_LAST_STEP_SD = 2.0
"""A last step above this, in SDs of the shift, says that the iterations were not at an end."""


@dataclass(eq=False)
class SetRegistration:
    """One set of transients while it is registered.

    Attributes
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        At the rate of the window, or as measured where ``decimation`` is None.
    band : Band
        Of ``fids``, with the share of the smooth baseline that is removed so far.
    whole_fids, whole_band
        The same as measured.
    decimation : Decimation or None
        From the measured rate to that of the window.
    template : Template
        The references that the transients are compared with.
    folds : ndarray, int, shape (transient,)
        Which of these references each transient is compared with; transients of one fold share one.
    trust : ndarray, float, shape (time,), or None
        Share of the power of the averages that is signal, at each time; None: known from their noise alone.
    estimates : Registration
        The newest. Phases hold at the first point of ``fids``, and after the last step at time zero.
    """

    fids: Complex
    band: Band
    whole_fids: Complex
    whole_band: Band
    decimation: Decimation | None = None
    trust: Real | None = None
    template: Template = field(init=False)
    folds: NDArray[np.integer] = field(init=False)
    estimates: Registration = field(init=False)

    @classmethod
    def of(cls, fids: Complex, band: Band, search_hz: float) -> "SetRegistration":
        """Begin the registration of a set, at the rate of its window where that saves enough.

        Parameters
        ----------
        fids : ndarray, complex, shape (transient, coil, time)
        band : Band
        search_hz : float
            How far from the window the search goes, in Hz.
        """
        decimation = Decimation.of(band, search_hz)
        if decimation is None:
            return cls(fids, band, fids, band)
        return cls(decimation.fids(fids), decimation.band, fids, band, decimation)

    def at_rate(self, reference: Complex) -> Complex:
        """Return a measured reference, shape (coil, time), at the rate of :attr:`fids`."""
        return reference if self.decimation is None else self.decimation.fids(reference[None])[0]

    # What the transients are compared with.

    def compare_with(self, reference: Complex, noise_sd: float = 0.0) -> None:
        """Compare all transients with one reference from now on.

        Parameters
        ----------
        reference : ndarray, complex, shape (coil, time)
            At the rate of :attr:`fids`.
        noise_sd : float
            Its noise, a channel; signal below it is not trusted. 0 = noise-free.

        Raises
        ------
        DataError
            If the reference has no signal in the window.
        """
        self.template = Template.of(reference[None], self.band, np.array([noise_sd]))
        self.folds = np.zeros(len(self.fids), dtype=int)

    def compare_with_averages(self) -> FoldAverages:
        """From now on compare each transient with the average of the other folds; centre the estimates."""
        averages = FoldAverages.of(self.fids, self.estimates, self.band.dwelltime_s)
        self.estimates, self.folds = averages.estimates, averages.folds
        self.template = averages.template(self.band, self.trust)
        return averages

    # Steps.

    def search(self) -> Real:
        """Return the shifts at which a matched filter finds the reference, shape (transient,), in Hz."""
        searcher = MatchedFilter.of(self.fids, self.band)
        return searcher.search(self.template, self.folds, self.band.max_shift_hz)

    def register_all(self, start_hz: Real, *, side_lobes: bool = False) -> None:
        """Take Gauss-Newton steps to the template from starting shifts, shape (transient,), in Hz.

        Parameters
        ----------
        start_hz : ndarray, float, shape (transient,)
        side_lobes : bool
            Whether transients that fit better on another lobe of the likelihood start once more, from there.
        """
        shift_hz, converged = self.iterate(start_hz)
        if side_lobes:
            corrected = shifted_back(self.fids, shift_hz, self.band.dwelltime_s)
            lobe_hz = side_lobe_hz(corrected, self.template, self.folds, self.band)
            rows = np.flatnonzero(lobe_hz)
            if len(rows):
                shift_hz[rows], converged[rows] = self.iterate((shift_hz + lobe_hz)[rows], rows)
        self.estimates = self.evaluate(shift_hz, converged)

    def learn_baseline(self, reference: Complex) -> None:
        """Remove from now on as much smooth baseline as the registered transients show; see :mod:`~.baseline`.

        Parameters
        ----------
        reference : ndarray, complex, shape (coil, time)
            What :attr:`estimates` are relative to, at the rate of :attr:`fids`.
        """
        self.band = with_learned_baseline(self.fids, reference, self.band, self.estimates)

    def learn_from_average(self) -> bool:
        """Learn the baseline and the trust from the average of all; return whether much of the signal is late."""
        averages = FoldAverages.of(self.fids, self.estimates, self.band.dwelltime_s)
        self.band = with_learned_baseline(self.fids, averages.average, self.band, averages.estimates)
        self.trust, late = averages.trust(self.band)
        return late

    def weigh_average(self) -> None:
        """Measure again how much of the average is signal."""
        averages = FoldAverages.of(self.fids, self.estimates, self.band.dwelltime_s)
        self.trust, _ = averages.trust(self.band)

    def register_to_averages(self, tolerance_sd: float) -> None:
        """Register each fold to the average of the others until no shift changes by more than noise changes it.

        Parameters
        ----------
        tolerance_sd : float
            Largest change of a round at which it ends, in SDs of the shift.
        """
        for _ in range(_ROUNDS):
            averages = self.compare_with_averages()
            step = self.template.step(self.template.products(averages.corrected, self.folds), self.folds)
            self.estimates = replace(
                self.estimates,
                shift_hz=self.estimates.shift_hz + step.shift_hz,
                phase_rad=step.phase_rad + step.turn_rad,
            )
            change = np.abs(step.shift_hz - step.shift_hz.mean())
            if (change < tolerance_sd * self.estimates.shift_hz_sd).all():
                break
        self.estimates = self.evaluate(self.estimates.shift_hz, change < self.estimates.shift_hz_sd)

    def doubt(self, rows: NDArray[np.bool_]) -> None:
        """Note that some transients, mask of shape (transient,), have not converged."""
        self.estimates = replace(self.estimates, converged=self.estimates.converged & ~rows)

    def finish_with(self, reference: Complex, noise_sd: float) -> None:
        """Take a last step on the whole FIDs to a measured reference, shape (coil, time)."""
        if self.decimation is None:
            return
        band = replace(self.whole_band, share=self.band.share)
        template = Template.of(reference[None], band, np.array([noise_sd]))
        corrected = shifted_back(self.whole_fids, self.estimates.shift_hz, band.dwelltime_s)
        self._last_step(corrected, template)

    def finish_with_average(self) -> Complex:
        """Take a last step on the whole FIDs to their average; return it, shape (coil, time)."""
        if self.decimation is None:
            averages = FoldAverages.of(self.whole_fids, self.estimates, self.whole_band.dwelltime_s)
            self.estimates = averages.estimates
            return averages.average
        assert self.trust is not None
        # In single precision, whose rounding is a 10^-7th of the signal: for water of an SNR of 10 000 a 1000th
        # of the noise.
        averages = FoldAverages.of(
            self.whole_fids.astype(np.complex64),
            self.decimation.at_zero(self.estimates),
            self.whole_band.dwelltime_s,
        )
        self.estimates = averages.estimates
        trust = self.decimation.at_whole_times(self.trust, self.whole_fids.shape[-1])
        template = averages.template(replace(self.whole_band, share=self.band.share), trust)
        self._last_step(averages.corrected, template)
        self.estimates, _ = centred(self.estimates)
        return averages.average

    # Gauss-Newton.

    def iterate(
        self, start_hz: Real, rows: NDArray[np.integer] | None = None, tolerance_hz: float = _CONVERGED_HZ
    ) -> tuple[Real, NDArray[np.bool_]]:
        """Take Gauss-Newton steps to the template from starting shifts until they converge.

        Parameters
        ----------
        start_hz : ndarray, float, shape (n,)
        rows : ndarray, int, shape (n,), optional
            The transients that are moved; all by default.
        tolerance_hz : float
            A step below this, in Hz, is the last.

        Returns
        -------
        shift_hz : ndarray, float, shape (n,)
        converged : ndarray, bool, shape (n,)
        """
        fids = self.fids if rows is None else self.fids[rows]
        folds = self.folds if rows is None else self.folds[rows]
        shift_hz = start_hz.astype(np.float64)
        active = np.arange(len(fids))
        for _ in range(_ITERATIONS):
            corrected = shifted_back(fids, shift_hz[active], self.band.dwelltime_s)
            step_hz = self.template.step(self.template.products(corrected, folds), folds).shift_hz
            shift_hz[active] += step_hz
            # A converged transient stays as it is, or its result would depend on the others of the call.
            moving = np.abs(step_hz) >= tolerance_hz
            if not moving.all():
                active, fids, folds = active[moving], fids[moving], folds[moving]
            if not len(active):
                break
        converged = np.ones(len(shift_hz), dtype=bool)
        converged[active] = False
        return shift_hz, converged

    def evaluate(
        self, shift_hz: Real, converged: NDArray[np.bool_], rows: NDArray[np.integer] | None = None
    ) -> Registration:
        """Return the best phases and all SDs at given shifts.

        Parameters
        ----------
        shift_hz : ndarray, float, shape (n,)
        converged : ndarray, bool, shape (n,)
            Whether the iterations ended; a shift outside of the search has not converged either.
        rows : ndarray, int, shape (n,), optional
            The transients meant; all by default.
        """
        fids = self.fids if rows is None else self.fids[rows]
        folds = self.folds if rows is None else self.folds[rows]
        corrected = shifted_back(fids, shift_hz, self.band.dwelltime_s)
        best = self.template.step(self.template.products(corrected, folds), folds)
        sd = self.template.deviations(corrected, best, folds, self.band)
        inside = np.abs(shift_hz) < self.band.max_shift_hz
        return Registration(
            shift_hz=shift_hz,
            phase_rad=best.phase_rad,
            shift_hz_sd=sd[:, 1],
            phase_rad_sd=sd[:, 0],
            converged=converged & inside,
        )

    def _last_step(self, corrected: Complex, template: Template) -> None:
        """Take one step on whole FIDs from the estimates of decimated ones.

        The SD of the shift stays: it comes from the residual in the window.

        Parameters
        ----------
        corrected : ndarray, complex, shape (transient, coil, time)
            The whole transients with the estimated shifts undone.
        template : Template
            Of whole references.
        """
        before = self.estimates
        step = template.step(template.products(corrected, self.folds), self.folds)
        shift_hz = before.shift_hz + step.shift_hz
        phase_per_shift = (template.unit_sd[:, 0] / template.unit_sd[:, 1])[self.folds]
        ended = ~(np.abs(step.shift_hz) > np.maximum(_LAST_STEP_SD * before.shift_hz_sd, _CONVERGED_HZ))
        inside = np.abs(shift_hz) < self.whole_band.max_shift_hz
        self.estimates = Registration(
            shift_hz=shift_hz,
            phase_rad=step.phase_rad + step.turn_rad,
            shift_hz_sd=before.shift_hz_sd,
            phase_rad_sd=before.shift_hz_sd * phase_per_shift,
            converged=before.converged & ended & inside,
        )
