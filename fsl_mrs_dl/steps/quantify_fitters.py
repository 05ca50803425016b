"""Fits whose parameters, or whose start, a network gives."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real, fid_flags
from fsl_mrs_dl.fit.lcm import AveragedFitter, FitResult, FitSettings, Fitter, fitter_for
from fsl_mrs_dl.fit.lcm.linear import solve_amplitudes
from fsl_mrs_dl.fit.lcm.problem import LARGEST_RATE, Parameters
from fsl_mrs_dl.fit.lcm.start import starts
from fsl_mrs_dl.models.package import Model
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.steps.quantify_members import in_ppm, same_members


class StartedFitter(Fitter):
    """The fit from the start that a network gives, for any basis set."""

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float, model: Model) -> None:
        self._fit = fitter_for(basis, settings, reference_ppm=reference_ppm)
        self.basis, self.problem = basis, self._fit.problem
        self._network: Any = model.network

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Fit spectra; see :class:`Fitter`."""
        return self._fit(fids, start or self.begin(fids))

    def expand(self, fids: Complex, parameters: Real, noise_sd: Real) -> tuple[Real, Real]:
        """See :meth:`Fitter.expand`."""
        return self._fit.expand(fids, parameters, noise_sd)

    def begin(self, fids: Complex) -> Parameters:
        """Return the start of the fit that the network estimates for spectra."""
        from fsl_mrs_dl.models.quantification_start import estimate_start

        axes = (self.basis.dwelltime_s, self.basis.spectrometer_frequency_mhz)
        estimated = estimate_start(self._network, np.nan_to_num(fids), *axes)
        problem, ones = self.problem, np.ones((len(fids), self.problem.n_groups))
        broad = macromolecules(self.basis.names)
        members = np.array(problem.groups)
        of_mm = np.array([set(np.flatnonzero(members == g)) <= set(broad) for g in range(problem.n_groups)])
        gamma = estimated.gamma[:, None] + estimated.mm_gamma[:, None] * of_mm * (problem.n_groups > 1)
        spread = 0.0 if problem.settings.lorentzian else estimated.sigma**2
        return Parameters.shared(
            ones * estimated.shift_hz[:, None],
            np.minimum(gamma, LARGEST_RATE),
            ones * np.atleast_1d(spread)[:, None],
            estimated.phase_rad,
            estimated.delay_s * problem.settings.first_order_phase,
        )


class NetworkFitter(Fitter):
    """The parameters that a DQ network estimates, as a result of the fit, or as its start.

    A matched filter brings spectra into the network's range first: the network is trained for what a coarse
    registration leaves.
    """

    def __init__(
        self, basis: Basis, settings: FitSettings, *, reference_ppm: float, model: Model, refine: bool
    ) -> None:
        from fsl_mrs_dl.models.quantification_inference import field_ratio

        super().__init__(basis, settings, reference_ppm=reference_ppm)
        self._network: Any = model.network
        self._refine = refine
        self.field: float = field_ratio(self._network, basis.spectrometer_frequency_mhz)
        self._columns, self._factors = same_members(self._network, basis, model.card.full_name)
        if abs(self.field - 1) > FIELD_TOLERANCE and self._network.amplitudes == "projected":
            # Amplitudes are solved for, so the user's members can stand in, with the couplings of their field.
            self._network = copy.deepcopy(self._network)
            self._network.set_basis(in_ppm(self._network, basis, self._columns))
            self._factors = np.ones(len(self._columns))

    def adapt(self, fids: Complex, passes: int) -> str:
        """Train a copy of the network on spectra, and use it from now on; return its loss before and after."""
        self._network, summary = _adapted(self, self._network, self.field, fids, passes)
        return summary

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Quantify spectra; see :class:`Fitter`."""
        fids = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
        flags = fid_flags(fids)
        good = np.flatnonzero(flags == "")
        if not len(good):
            return super().__call__(fids)
        solve: Callable[[Real, Real], Any] = partial(solve_amplitudes, non_negative=True)
        place, estimated = _place(self, self._network, fids[good], solve)
        if self._refine:
            return super().__call__(fids, _on_rows(place, good, len(fids)))
        result = self.at(fids[good], place)
        amplitudes = result.amplitudes
        amplitudes[:, self._columns] = estimated.amplitudes[:, : len(self._columns)] * self._factors
        result = self.at(fids[good], place, amplitudes)
        if len(good) == len(fids):
            return result
        whole = super().__call__(np.where((flags == "")[:, None], 0.0, fids))
        whole.flag[:] = flags
        whole.put(good, result)
        return whole


class AveragedNetworkFitter(AveragedFitter):
    """Shift, width and phase that a DQ network estimates; amplitudes over the prior of macromolecules and lipids.

    The network takes the place of the search of :class:`~fsl_mrs_dl.fit.lcm.AveragedFitter`: around its estimates
    the model is linear, and all backgrounds are weighed as in the fit. It reads spectra whose residual water is
    projected out.
    """

    def __init__(
        self, basis: Basis, settings: FitSettings, *, reference_ppm: float, model: Model, refine: bool
    ) -> None:
        from fsl_mrs_dl.models.quantification_inference import field_ratio

        super().__init__(basis, settings, reference_ppm=reference_ppm)
        self._network: Any = model.network
        self._refine = refine
        self.field: float = field_ratio(self._network, basis.spectrometer_frequency_mhz)
        same_members(self._network, basis, model.card.full_name, averaged=True)

    def adapt(self, fids: Complex, passes: int) -> str:
        """See :meth:`NetworkFitter.adapt`."""
        self._network, summary = _adapted(self, self._network, self.field, fids, passes)
        return summary

    def _fit_chunk(self, fids: Complex, start: Parameters | None) -> FitResult:
        place, _ = _place(self, self._network, fids, dry=True)
        return super()._fit_chunk(fids, place) if self._refine else self.around(fids, place)


def _place(
    fitter: Fitter, network: Any, fids: Complex, solve: Any = None, *, dry: bool = False
) -> tuple[Parameters, Any]:
    """Return shift, widths and phase of good spectra, by a matched filter and a network, and its estimates.

    ``solve`` and ``dry`` are those of :func:`~fsl_mrs_dl.models.quantification_inference.network_parameters`.
    """
    from fsl_mrs_dl.models.quantification_inference import network_parameters

    near, coarse = registered(fitter, fids)
    mhz = fitter.basis.spectrometer_frequency_mhz
    estimated = network_parameters(
        network, near, fitter.basis.dwelltime_s, solve, spectrometer_frequency_mhz=mhz, dry=dry
    )
    ones = np.ones((1, fitter.problem.n_groups))
    place = replace(
        coarse,
        shift_hz=coarse.shift_hz + estimated.shift_hz[:, None],
        gamma=np.minimum(estimated.gamma, LARGEST_RATE)[:, None] * ones,
        spread=estimated.sigma[:, None] ** 2 * ones,
        phase_rad=coarse.phase_rad + estimated.phase_rad,
    )
    return place, estimated


def _adapted(fitter: Fitter, network: Any, field: float, fids: Complex, passes: int) -> tuple[Any, str]:
    """Train a copy of a network on good spectra; return it, and its loss before and after."""
    from fsl_mrs_dl.train.adaptation import adapt

    good = fids[fid_flags(fids) == ""]
    adapted = adapt(network, registered(fitter, good)[0], fitter.basis.dwelltime_s * field, passes)
    return adapted.network, adapted.summary


class RegressionFitter(Fitter):
    """The amplitudes of a regressor as a result of the fit, which gives shift, phase and lineshape.

    A regressor has no uncertainty: bounds and covariances are NaN. The residual is that of the linear model at its
    amplitudes.
    """

    def __init__(self, basis: Basis, settings: FitSettings, *, reference_ppm: float, model: Model) -> None:
        from fsl_mrs_dl.models.quantification_inference import field_ratio

        super().__init__(basis, settings, reference_ppm=reference_ppm)
        self._network: Any = model.network
        self.field: float = field_ratio(self._network, basis.spectrometer_frequency_mhz)
        self._columns, self._factors = same_members(self._network, basis, model.card.full_name)

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Quantify spectra; see :class:`Fitter`."""
        from fsl_mrs_dl.models.regression_inference import regression_amplitudes

        fids = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
        result = super().__call__(fids, start)
        good = np.flatnonzero(fid_flags(fids) == "")
        if len(good):
            mhz = self.basis.spectrometer_frequency_mhz
            near = registered(self, fids[good])[0]
            guess = regression_amplitudes(
                self._network, near, self.basis.dwelltime_s, spectrometer_frequency_mhz=mhz
            )
            amplitudes = result.amplitudes[good]
            amplitudes[:, self._columns] = np.maximum(guess, 0.0) * self._factors
            flags = result.flag[good]
            result.put(good, self.at(fids[good], result.place.take(good), amplitudes))
            result.flag[good] = flags
        result.crlb[:] = np.nan
        result.covariance[:] = np.nan
        return result


def registered(fitter: Fitter, fids: Complex) -> tuple[Complex, Parameters]:
    """Correct shift and phase of spectra by a matched filter; return them with shift and phase."""
    scaled = fids / np.linalg.norm(fids, axis=1, keepdims=True)
    coarse = starts(fitter.problem, fitter.basis, scaled, 1)[0][0]
    near = correct(fids, coarse.shift_hz[:, 0], coarse.phase_rad, fitter.basis.dwelltime_s)
    return near, coarse


def _on_rows(place: Parameters, rows: Any, n: int) -> Parameters:
    """Return parameters of all spectra: those of some rows, and 0 for the others."""
    return place.changed(lambda values: _spread(values, rows, n))


def _spread(value: Real, rows: Any, n: int) -> Real:
    whole = np.zeros((n, *value.shape[1:]))
    whole[rows] = value
    return whole
