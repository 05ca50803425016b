"""The step ``quantify``."""

import logging
from pathlib import Path
from typing import Annotated, Literal

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.models.catalogue import choices, methods
from fsl_mrs_dl.steps.registry import StepResult, step

logger = logging.getLogger(__name__)


@step(
    method="Quantification",
    report="quantify_page",
    fits=True,
    first=("basis", "h2o", "tissue_frac", "internal_ref", "baseline", "mask"),
)
def quantify(
    data: MRSData,
    *,
    basis: Basis,
    h2o: MRSData | None = None,
    mask: Path | None = None,
    ppmlim: tuple[float, float] | None = None,
    baseline: str = "auto",
    ignore: tuple[str, ...] | None = None,
    keep: tuple[str, ...] | None = None,
    add_MM: bool = False,
    add_lipids: bool = False,
    combine: tuple[tuple[str, ...], ...] | None = None,
    metab_groups: tuple[str, ...] | None = None,
    lorentzian: bool = False,
    metab_shift_ppm: float | None = None,
    internal_ref: tuple[str, ...] | None = None,
    wref_metabolite: tuple[str, ...] | None = None,
    ref_protons: int | None = None,
    ref_int_limits: tuple[float, float] | None = None,
    h2o_scale: float = 1.0,
    tissue_frac: tuple[str, ...] | None = None,
    TE: float | None = None,
    TR: float | None = None,
    t1_values: Path | None = None,
    t2_values: Path | None = None,
    t1: Path | None = None,
    conj_fid: bool | None = None,
    conj_basis: bool | None = None,
    basis_centre_ppm: float | None = None,
    field_tolerance: float = 0.05,
    points: int | None = None,
    no_posterior: bool = False,
    method: Annotated[str, choices(methods("quantify"))] = "lcm",
    model: str | None = None,
    refine: int | None = None,
    adapt: int = 0,
    allow_mismatch: bool = False,
    parallel: Literal["off", "local", "cluster"] = "off",
    parallel_workers: int | None = None,
) -> StepResult:
    """Quantify metabolites by a linear-combination fit.

    Fits a basis set to one spectrum (SVS) or to each voxel (MRSI) by maximum likelihood. The parameters are
    amplitudes at or above zero, a shift and a Voigt line for each group of metabolites, and zero- and first-order
    phase. Macromolecules, lipid and baseline are averaged over, or one fixed baseline is fitted. Each amount gets
    a Cramer-Rao bound and a posterior interval, each spectrum a verdict. Amplitudes become ratios to an internal
    reference and, with a water reference, concentrations. Results have the layout of FSL-MRS.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    basis : Basis
        Basis set: a folder of FSL-MRS JSON files, an LCModel .BASIS file, a folder of another known format, or
        the name of a shipped set such as press_3t_te30.
    h2o : MRSData
        Water reference without water suppression, on the grid of the data. One FID a voxel, or transients, which
        are averaged. Its own header says its echo and repetition time.
    mask : Path
        NIfTI image of the voxels to fit, those that are not 0 (MRSI only). Its voxels must be those of the
        data; its axes may be turned. Voxels without signal are never fitted.
    ppmlim : tuple of float
        Limits of the fit in ppm. Default: 0.2 4.2 for 1H.
    baseline : str
        auto: average over macromolecules, lipid and smooth baselines, weighted by the data; SDs and intervals
        include the cost of this choice. One member MM replaces MM09 to MM20 of the basis set. Fixed baselines
        keep the macromolecules of the basis set: off (a constant); 'poly, N'; 'spline, S' with S very-stiff,
        stiff, moderate, flexible, very-flexible, or an effective dimension above 2. FSL-MRS uses 'poly, 2'.
    ignore : tuple of str
        Metabolites of the basis set to leave out. They are not checked either.
    keep : tuple of str
        Metabolites of the basis set to fit; all others are left out.
    add_MM : bool
        Add the default macromolecules (MM09, MM12, MM14, MM17, MM20) to a basis set that has none. For fixed
        baselines; --baseline auto has its own.
    add_lipids : bool
        Add the default lipids (Lip09, Lip13, Lip20) to a basis set that has none, for tumours and for voxels
        near fat. --baseline auto considers lipid anyway; this flag also reports its amounts.
    combine : tuple of tuple of str
        Metabolites to report as a sum; may be given several times. Cr+PCr, NAA+NAAG, Glu+Gln and GPC+PCh are
        always reported where the basis set has both.
    metab_groups : tuple of str
        Metabolites that get a shift and a line of their own (A+B share one); or one number for each metabolite;
        or separate_all. Default: all metabolites share one.
    lorentzian : bool
        Fit Lorentzian lines instead of Voigt lines.
    metab_shift_ppm : float
        Expected size (SD, in ppm) of a small shift of each single metabolite, caused by temperature or pH. 0: no
        such shifts. Default: 0.004 with --baseline auto, else 0.
    internal_ref : tuple of str
        Metabolites whose sum is the internal reference. Default: Cr PCr.
    wref_metabolite : tuple of str
        Metabolites whose fitted signal is compared with the water signal. Default: Cr PCr, or NAA.
    ref_protons : int
        Number of protons of that signal. Known for Cr, PCr and NAA.
    ref_int_limits : tuple of float
        Limits of that signal in ppm. Known for Cr, PCr and NAA.
    h2o_scale : float
        Extra factor for water-scaled concentrations.
    tissue_frac : tuple of str
        Volume fractions of WM, GM and CSF: three numbers, or a JSON file with these keys (SVS), or three NIfTI
        images (MRSI). Default: the voxel counts as pure water.
    TE : float
        Echo time in ms; 0 for an FID without echo. Used for water scaling, for the expected size of
        macromolecules, and to check the basis set. Default: EchoTime of the header. It also counts for the
        water reference, unless the header of that says another one.
    TR : float
        Repetition time in s, for water scaling. Default: RepetitionTime of the header, as for --TE.
    t1_values : Path
        JSON file of T1 in s, with the keys H2O_WM, H2O_GM, H2O_CSF and METAB. Known for 1.5, 3 and 7 T.
    t2_values : Path
        JSON file of T2 in s, with the same keys. Known for 1.5, 3 and 7 T.
    t1 : Path
        Structural image. The report draws the voxel on it.
    conj_fid : bool
        Conjugate the data and the water reference. Default (and --no_conj_fid): leave them; the record warns if
        they look conjugated.
    conj_basis : bool
        Conjugate the basis set (--no_conj_basis: never). Default: decided from the methyl lines of its Cr, PCr
        and NAA.
    basis_centre_ppm : float
        Chemical shift at the centre of the spectra of the basis set, in ppm. Default: from its files, checked
        by the methyl lines of its Cr, PCr and NAA.
    field_tolerance : float
        Largest relative difference between the field of the basis set and of the data. Couplings are wrong by
        the same share, which the record says. Scanners of one nominal field differ by up to 4 %; above that,
        the result is usable at best.
    points : int
        Fit only this many points of each FID. Default: as many as the basis set has, if that is at least a
        third of them.
    no_posterior : bool
        Do not compute posterior means and intervals. With a fixed baseline they take about as long as the fit.
    method : str
        How amplitudes are estimated. amortised: for MRSI of many voxels, with any basis set; estimate and interval
        take a small part of the fit's time, and what it does not reach is fitted. Another network must have been
        trained with the basis set.
    model : str
        Model package: a name, with @version or without, or a path. With lcm: the network that starts the fit,
        for example quantify-start-1h; by default none. With a network as method: the network; by default the
        newest for basis set and field.
    refine : int
        Iterations of the fit after a network. Default: with lcm until it converges, with another method 0 (the
        network alone).
    adapt : int
        First train the network on these data, for this many passes and without labels. The loss before and
        after is printed.
    allow_mismatch : bool
        Also use a model outside its valid range, and a basis set whose echo time differs by more than 10 ms or
        whose editing differs from that of the data. This is recorded, and the result is usable at best.
    parallel : str
        Where the voxels of MRSI are fitted: off: here; local: on several cores; cluster: by the dask scheduler
        that DASK_SCHEDULER_ADDRESS names (extra pipeline). The numbers are the same.
    parallel_workers : int
        Processes for --parallel local. Default: as many as there are cores.

    Returns
    -------
    StepResult
        The fit as data, and the outcome.

    Raises
    ------
    DataError
        If data, basis, water or images do not fit each other, the basis set is of another scan (echo time,
        editing, field, nucleus), or a voxel has several spectra.
    OptionError
        If an option makes no sense for them.
    ModelError
        If there is no such model, or data or basis set are not those it was trained for.

    Examples
    --------
    fsl_mrs_dl quantify --data metab.nii.gz --basis press_3t_te30 --h2o wref.nii.gz --output fit --report
    """
    from fsl_mrs_dl.fit import quantification
    from fsl_mrs_dl.steps.quantify_basis import named_basis
    from fsl_mrs_dl.steps.quantify_fit_model import BasisOptions, FitModel, ModelOptions
    from fsl_mrs_dl.steps.quantify_networks import NetworkOptions, fits_alone, method_of
    from fsl_mrs_dl.steps.quantify_request import RunOptions, request_of
    from fsl_mrs_dl.steps.quantify_spectra import ScanSpectra, SpectraOptions
    from fsl_mrs_dl.steps.quantify_water import Water, WaterOptions

    method = method_of(method, model)
    basis = named_basis(basis, keep, ignore)
    spectra = ScanSpectra.of(
        data,
        basis,
        SpectraOptions(mask=mask, ppmlim=ppmlim, points=points, conj_fid=conj_fid, TE=TE, TR=TR, t1=t1),
    )
    fit_model = FitModel.of(
        spectra,
        basis,
        BasisOptions(
            keep=keep,
            ignore=ignore,
            add_macromolecules=add_MM,
            add_lipids=add_lipids,
            conj_basis=conj_basis,
            basis_centre_ppm=basis_centre_ppm,
            field_tolerance=field_tolerance,
            allow_mismatch=allow_mismatch,
        ),
        ModelOptions(
            method="lcm" if fits_alone(method, refine) else method,
            baseline=baseline,
            lorentzian=lorentzian,
            metab_shift_ppm=metab_shift_ppm,
            metab_groups=metab_groups,
            combine=combine,
            internal_ref=internal_ref,
        ),
    )
    water = Water.of(
        h2o,
        spectra,
        fit_model,
        WaterOptions(
            wref_metabolite=wref_metabolite,
            ref_protons=ref_protons,
            ref_int_limits=ref_int_limits,
            h2o_scale=h2o_scale,
            tissue_frac=tissue_frac,
            t1_values=t1_values,
            t2_values=t2_values,
        ),
    )
    request, settled = request_of(
        spectra,
        fit_model,
        water,
        NetworkOptions(method=method, model=model, refine=refine, adapt=adapt, allow_mismatch=allow_mismatch),
        RunOptions(no_posterior=no_posterior, parallel=parallel, parallel_workers=parallel_workers),
    )
    outcome = quantification.quantify_data(spectra.data, request)
    # A note stands in the results; the verdict says what it comes to.
    if flags := quantification.flags_in_words(outcome.flags & quantification.SERIOUS, outcome.line):
        logger.warning("%s.", flags)
    for sentence in quantification.empty_results(outcome):
        logger.warning("%s.", sentence)
    fit = spectra.data.with_fid(outcome.on_grid(outcome.fit))
    return StepResult(fit, settled=settled, outcome=outcome, fitted=spectra.data)
