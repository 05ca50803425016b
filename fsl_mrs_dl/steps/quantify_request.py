"""The request of ``quantify``: spectra, model, water and network, with what the data say against them."""

from dataclasses import dataclass
from typing import Literal

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.posterior import WEAK
from fsl_mrs_dl.fit.quantification import Request, background_record
from fsl_mrs_dl.steps import quantify_notes as notes
from fsl_mrs_dl.steps.quantify_fit_model import FitModel
from fsl_mrs_dl.steps.quantify_fitters import RegressionFitter
from fsl_mrs_dl.steps.quantify_networks import ChosenFitter, NetworkOptions, fitter_of
from fsl_mrs_dl.steps.quantify_spectra import ScanSpectra
from fsl_mrs_dl.steps.quantify_water import Water


@dataclass(frozen=True)
class RunOptions:
    """Options of ``quantify`` that say what is computed, and where; see there.

    Attributes
    ----------
    no_posterior : bool
    parallel : {"off", "local", "cluster"}
    parallel_workers : int or None
    """

    no_posterior: bool = False
    parallel: Literal["off", "local", "cluster"] = "off"
    parallel_workers: int | None = None


def request_of(
    spectra: ScanSpectra, model: FitModel, water: Water, network: NetworkOptions, run: RunOptions
) -> tuple[Request, dict[str, object]]:
    """Return the request, and all options as they were resolved.

    Parameters
    ----------
    spectra : ScanSpectra
    model : FitModel
    water : Water
    network : NetworkOptions
        The options of networks.
    run : RunOptions

    Raises
    ------
    OptionError
        If options do not go together.
    ModelError
        If there is no such network, or data or basis set are not those it was trained for.
    """
    chosen = fitter_of(network, spectra.data, spectra.voxels, model.basis, model.settings)
    if (network.method != "lcm" or network.model is not None) and run.parallel != "off":
        raise OptionError("--parallel is for the fit alone; leave it or the network (--method, --model) out.")
    if run.parallel_workers is not None and run.parallel_workers < 1:
        raise OptionError(f"--parallel_workers is {run.parallel_workers}; 1 or more are needed.")
    posterior = not (run.no_posterior or chosen.pure)
    request = Request(
        basis=model.basis,
        settings=model.settings,
        sums=model.sums,
        internal_reference=model.internal_reference,
        voxels=spectra.voxels,
        water=water.plan,
        posterior=posterior,
        fitter=chosen.fitter if run.parallel == "off" else None,  # each process makes its own
        notes=_notes(spectra, model, water, chosen),
        doubts=(*model.agreement.doubts, *model.doubts),
        regressed=isinstance(chosen.fitter, RegressionFitter),
        amortised=network.method == "amortised",
        parallel=run.parallel,
        workers=run.parallel_workers,
    )
    settled = {
        **model.settled,
        **water.settled,
        **(background_record(model.settings) if model.settings.averaged else {}),
        "prior": WEAK if posterior else "none",
        **chosen.settled,
    }
    return request, settled


def _notes(spectra: ScanSpectra, model: FitModel, water: Water, chosen: ChosenFitter) -> tuple[str, ...]:
    """Return the notes for the record of the results, in their order; warnings are logged too."""
    data, voxels = spectra.data, spectra.voxels
    alone = notes.water_alone(data, voxels)
    orientation = alone or notes.orientation(
        data, voxels, spectra.window_ppm, spectra.options.conj_fid, model.basis
    )
    foreign = notes.foreign(
        data,
        voxels,
        spectra.window_ppm,
        model.stiff,
        None if water.plan is None else water.plan.data,
        alone=bool(alone),
    )
    return (
        *orientation,
        *model.notes,
        *(f"WARNING: {doubt}" for doubt in model.agreement.doubts),
        *model.agreement.notes,
        *spectra.measured.notes,
        *water.notes,
        *foreign,
        *chosen.notes,
        *model.basis.notes,
    )
