"""Networks in ``quantify``: the use of :mod:`fsl_mrs_dl.models` in the fit.

A network starts the fit, or estimates everything. Then the fit computes curves and bounds from the parameters of
the network, as it does from its own.
"""

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter, fitter_for
from fsl_mrs_dl.fit.lcm.linear import solve_amplitudes
from fsl_mrs_dl.fit.lcm.problem import LARGEST_RATE, Parameters
from fsl_mrs_dl.fit.lcm.start import starts
from fsl_mrs_dl.fit.quantification import water_height
from fsl_mrs_dl.models.catalogue import CATALOGUE, methods
from fsl_mrs_dl.models.package import Model, find, load, package_name, read_card
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.steps.quantify_members import in_ppm, same_members

logger = logging.getLogger(__name__)

REGRESSOR_NOTE = (
    "amplitudes by {name}, a regressor: they have no Cramer-Rao bound and no interval, and are drawn towards "
    "those it was trained on; shift, phase and lineshape are the fit's, the residual is that of the model at "
    "these amplitudes"
)
REFINED_NOTE = (
    "--refine after a regressor: the result is that of the fit alone, for a regressor gives no line and no phase "
    "to start from"
)


@dataclass(frozen=True)
class NetworkOptions:
    """Options of ``quantify`` for networks.

    Attributes
    ----------
    method : str
        ``lcm`` or a network, see :func:`fsl_mrs_dl.models.catalogue.methods`.
    model : str or None
    refine : int or None
        Iterations of the fit after a network; 0: none. None: as many as the fit needs for ``lcm``, none after a
        network of amplitudes.
    adapt : int
        Passes of training over the data first.
    allow_mismatch : bool
    """

    method: str = "lcm"
    model: str | None = None
    refine: int | None = None
    adapt: int = 0
    allow_mismatch: bool = False


@dataclass(frozen=True, eq=False)
class ChosenFitter:
    """The fit to use.

    Attributes
    ----------
    fitter : Fitter
    settled : dict
        The model, for the record.
    notes : tuple of str
    pure : bool
        Whether a network alone gives the amplitudes.
    """

    fitter: Fitter
    settled: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pure: bool = False


def method_of(method: str, model: str | None) -> str:
    """Return the method of a request: where a package of amplitudes is named and no method, the package's."""
    if method != "lcm" or model is None:
        return method
    architecture = read_card(find(model)).architecture
    return architecture if architecture in methods("quantify") else method


def fits_alone(method: str, refine: int | None) -> bool:
    """Return whether the fit alone makes the result: without a network of amplitudes, or after a regressor."""
    return method == "lcm" or bool(refine and CATALOGUE[method].labels)


def fitter_of(
    options: NetworkOptions, data: MRSData, voxels: NDArray[np.intp], basis: Basis, settings: FitSettings
) -> ChosenFitter:
    """Return the fit for a method.

    Parameters
    ----------
    options : NetworkOptions
    data : MRSData
    voxels : ndarray, int, shape (V, 3)
        Where the spectra to be fitted lie.
    basis : Basis
        At the points of the data.
    settings : FitSettings

    Returns
    -------
    ChosenFitter

    Raises
    ------
    OptionError
        If options do not go together.
    ModelError
        If there is no such model, it is of another task, basis set or valid range.
    """
    reference_ppm = data.reference_ppm
    if options.refine is not None and options.refine < 0:
        raise OptionError(f"--refine is {options.refine}; 0 or more iterations are needed.")
    if options.adapt < 0:
        raise OptionError(f"--adapt is {options.adapt}; 0 or more passes are needed.")
    if options.method == "lcm" and options.adapt:
        raise OptionError("--adapt is for networks that give amplitudes; choose --method dq-nmm.")
    if options.refine:
        settings = replace(settings, max_iterations=options.refine)
    if options.method == "lcm" and options.model is None:
        if options.refine is not None:
            raise OptionError("--refine is for a start by a network; give --model, or leave it out.")
        return ChosenFitter(fitter_for(basis, settings, reference_ppm=reference_ppm))
    architecture = "start" if options.method == "lcm" else options.method
    model = _loaded(options, architecture, data, basis)
    settled: dict[str, object] = {
        "method": options.method,
        "model": model.card.full_name,
        "package_sha256": model.card.package_sha256,
    }
    if mismatch := model.card.check(data, allow_mismatch=options.allow_mismatch):
        settled["mismatch"] = "; ".join(mismatch)
    if architecture == "start":
        started = StartedFitter(basis, settings, reference_ppm=reference_ppm, model=model)
        return ChosenFitter(started, settled, (f"started by {model.card.full_name}",))
    regressor = CATALOGUE[architecture].labels
    if regressor and options.adapt:
        raise OptionError(f"--adapt trains without labels, which {architecture} cannot; leave it out.")
    if regressor and options.refine:
        settled["refine"] = options.refine
        alone = fitter_for(basis, settings, reference_ppm=reference_ppm)
        return ChosenFitter(alone, settled, (REFINED_NOTE,))
    fitter, notes = _network_fitter(options, model, basis, settings, reference_ppm)
    if abs(fitter.field - 1) > FIELD_TOLERANCE:
        notes.append(
            f"read in ppm by a network of another frequency, {100 * (1 / fitter.field - 1):+.1f} %: the couplings "
            "that it has learned are off by as much"
        )
    fids = data.fid[tuple(voxels.T)]  # a copy, which many voxels need not have for nothing
    if (height := water_height(data, fids)) > 1:
        notes.append(
            f"WARNING: residual water is {height:.1f} times as high as the metabolites, and the network was "
            "trained without water: remove it first (fsl_mrs_dl remove)"
        )
        logger.warning("%s.", notes[-1].removeprefix("WARNING: "))
    if options.adapt and isinstance(fitter, NetworkFitter):
        notes.append(fitter.adapt(fids, options.adapt))
        logger.warning("%s", notes[-1])
    settled["refine"] = options.refine or 0
    return ChosenFitter(fitter, settled, tuple(notes), pure=not options.refine)


def _network_fitter(
    options: NetworkOptions, model: Model, basis: Basis, settings: FitSettings, reference_ppm: float
) -> tuple["NetworkFitter | RegressionFitter", list[str]]:
    """Return the fitter of a network that gives amplitudes, and what the results say of it."""
    name, refine = model.card.full_name, bool(options.refine)
    if CATALOGUE[options.method].labels:
        regression = RegressionFitter(basis, settings, reference_ppm=reference_ppm, model=model)
        return regression, [REGRESSOR_NOTE.format(name=name)]
    fitter = NetworkFitter(basis, settings, reference_ppm=reference_ppm, model=model, refine=refine)
    if refine:
        return fitter, [f"started by {name}"]
    bounds = "a network gives no SD: bounds are those of the fit at the network's parameters"
    return fitter, [f"amplitudes by {name}", bounds]


def _loaded(options: NetworkOptions, architecture: str, data: MRSData, basis: Basis) -> Model:
    """Return the model of the options, or the one for the basis set."""
    name = options.model
    if name is None:
        which = f"{architecture}-{basis.name.split('_')[0]}" if basis.name else architecture
        name = package_name("quantify", which, data.nucleus, data.spectrometer_frequency_mhz)
    model = load(name)
    card = model.card
    if (card.task, card.architecture) != ("quantify", architecture):
        raise ModelError(
            f"{card.full_name} is a {card.architecture} for {card.task}; --method {options.method} needs a "
            f"{architecture} for quantify."
        )
    return model


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
        from fsl_mrs_dl.train.adaptation import adapt

        good = fids[fid_flags(fids) == ""]
        network_dwelltime_s = self.basis.dwelltime_s * self.field
        adapted = adapt(self._network, registered(self, good)[0], network_dwelltime_s, passes)
        self._network = adapted.network
        return adapted.summary

    def __call__(self, fids: Complex, start: Parameters | None = None) -> FitResult:
        """Quantify spectra; see :class:`Fitter`."""
        from fsl_mrs_dl.models.quantification_inference import network_parameters

        fids = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
        flags = fid_flags(fids)
        good = np.flatnonzero(flags == "")
        if not len(good):
            return super().__call__(fids)
        near, coarse = registered(self, fids[good])
        solve: Callable[[Real, Real], Any] = partial(solve_amplitudes, non_negative=True)
        mhz = self.basis.spectrometer_frequency_mhz
        estimated = network_parameters(
            self._network, near, self.basis.dwelltime_s, solve, spectrometer_frequency_mhz=mhz
        )
        ones = np.ones((1, self.problem.n_groups))
        place = replace(
            coarse,
            shift_hz=coarse.shift_hz + estimated.shift_hz[:, None],
            gamma=np.minimum(estimated.gamma, LARGEST_RATE)[:, None] * ones,
            spread=estimated.sigma[:, None] ** 2 * ones,
            phase_rad=coarse.phase_rad + estimated.phase_rad,
        )
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
