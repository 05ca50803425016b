"""Networks in ``quantify``: the use of :mod:`fsl_mrs_dl.models` in the fit.

A network starts the fit, or estimates everything. Then the fit computes curves and bounds from the parameters of
the network, as it does from its own.
"""

import logging
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter, fitter_for
from fsl_mrs_dl.fit.quantification import water_height
from fsl_mrs_dl.models.catalogue import CATALOGUE, methods
from fsl_mrs_dl.models.package import Model, find, load, package_name, read_card
from fsl_mrs_dl.physics.basis import FIELD_TOLERANCE
from fsl_mrs_dl.steps.quantify_amortised import AmortisedFitter
from fsl_mrs_dl.steps.quantify_fitters import (
    AveragedNetworkFitter,
    NetworkFitter,
    RegressionFitter,
    StartedFitter,
)

logger = logging.getLogger(__name__)

START_PACKAGE = "quantify-start-1h"
"""The package that starts a fit where none is named."""
WITH_START = ("lcm", "amortised")
"""Methods whose network gives a start, not amplitudes."""
AMORTISED_NOTE = (
    "amortised: started by {name}, then two steps and one linear model over fewer backgrounds than the fit's; "
    "voxels that it does not reach have the flag replaced, and the whole fit"
)
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
        Whether a network alone gives the amplitudes, which then have no posterior.
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
    return method in WITH_START or bool(refine and CATALOGUE[method].labels)


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
    if options.method == "amortised" and options.refine is not None:
        raise OptionError("--refine is for a fit after a network; leave it out, or take --method lcm.")
    if options.method in WITH_START and options.adapt:
        raise OptionError("--adapt is for networks that give amplitudes; choose --method dq-nmm.")
    if options.refine:
        settings = replace(settings, max_iterations=options.refine)
    if options.method == "lcm" and options.model is None:
        if options.refine is not None:
            raise OptionError("--refine is for a start by a network; give --model, or leave it out.")
        return ChosenFitter(fitter_for(basis, settings, reference_ppm=reference_ppm))
    architecture = "start" if options.method in WITH_START else options.method
    model = _loaded(options, architecture, data, basis)
    settled: dict[str, object] = {
        "method": options.method,
        "model": model.card.full_name,
        "package_sha256": model.card.package_sha256,
    }
    if mismatch := model.card.check(data, allow_mismatch=options.allow_mismatch):
        settled["mismatch"] = "; ".join(mismatch)
    if options.method == "amortised":
        many = AmortisedFitter(basis, settings, reference_ppm=reference_ppm, model=model)
        return ChosenFitter(many, settled, (AMORTISED_NOTE.format(name=model.card.full_name),))
    if architecture == "start":
        started = StartedFitter(basis, settings, reference_ppm=reference_ppm, model=model)
        return ChosenFitter(started, settled, (f"started by {model.card.full_name}",))
    regressor = CATALOGUE[architecture].labels
    if regressor and options.adapt:
        raise OptionError(f"--adapt trains without labels, which {architecture} cannot; leave it out.")
    if regressor and options.refine:
        settled["refine"] = options.refine
        logger.warning(REFINED_NOTE)
        alone = fitter_for(basis, settings, reference_ppm=reference_ppm)
        return ChosenFitter(alone, settled, (REFINED_NOTE,))
    fitter, notes = _network_fitter(options, model, basis, settings, reference_ppm)
    if abs(fitter.field - 1) > FIELD_TOLERANCE:
        notes.append(
            f"read in ppm by a network of another frequency, {100 * (1 / fitter.field - 1):+.1f} %: the couplings "
            "that it has learned are off by as much"
        )
    fids = data.fid[tuple(voxels.T)]  # a copy, which many voxels need not have for nothing
    if not settings.averaged and (height := water_height(data, fids)) > 1:
        notes.append(
            f"WARNING: residual water is {height:.1f} times as high as the metabolites, and the network was "
            "trained without water: remove it first (fsl_mrs_dl remove)"
        )
        logger.warning("%s.", notes[-1].removeprefix("WARNING: "))
    if options.adapt and not isinstance(fitter, RegressionFitter):
        notes.append(fitter.adapt(fids, options.adapt))
        logger.warning("%s", notes[-1])
    settled["refine"] = options.refine or 0
    return ChosenFitter(fitter, settled, tuple(notes), pure=not (options.refine or settings.averaged))


def _network_fitter(
    options: NetworkOptions, model: Model, basis: Basis, settings: FitSettings, reference_ppm: float
) -> tuple[NetworkFitter | AveragedNetworkFitter | RegressionFitter, list[str]]:
    """Return the fitter of a network that gives amplitudes, and what the results say of it."""
    name, refine = model.card.full_name, bool(options.refine)
    if CATALOGUE[options.method].labels:
        regression = RegressionFitter(basis, settings, reference_ppm=reference_ppm, model=model)
        return regression, [REGRESSOR_NOTE.format(name=name)]
    kind = AveragedNetworkFitter if settings.averaged else NetworkFitter
    fitter = kind(basis, settings, reference_ppm=reference_ppm, model=model, refine=refine)
    if refine:
        return fitter, [f"started by {name}"]
    if settings.averaged:
        around = "without a search; amplitudes around them, over the same backgrounds as the fit's"
        return fitter, [f"shift, width and phase by {name}, {around}"]
    bounds = "a network gives no SD: bounds are those of the fit at the network's parameters"
    return fitter, [f"amplitudes by {name}", bounds]


def _loaded(options: NetworkOptions, architecture: str, data: MRSData, basis: Basis) -> Model:
    """Return the model of the options, or the one for the basis set."""
    name = options.model
    if name is None and architecture == "start":
        name = START_PACKAGE
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
