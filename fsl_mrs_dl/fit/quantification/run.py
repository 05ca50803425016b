"""Quantification of many voxels, a chunk at a time, so that memory does not grow with the covariances."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import FLAGS, Basis, Complex, MRSData, Real
from fsl_mrs_dl.fit.lcm import FitResult, FitSettings, Fitter, curves, fitter_for
from fsl_mrs_dl.fit.lcm.leftover import leftover
from fsl_mrs_dl.fit.lcm.nuisance import nuisance_sd
from fsl_mrs_dl.fit.posterior import (
    Draws,
    draw,
    keys_of,
    record,
    sampling_for,
    summarise,
    summarise_ratios,
    weak_prior,
)
from fsl_mrs_dl.fit.quantification.amounts import combination, combined, percent, ratios
from fsl_mrs_dl.fit.quantification.grade import grade
from fsl_mrs_dl.fit.quantification.measures import look, measures
from fsl_mrs_dl.fit.quantification.quality import QualityBand, line_quality
from fsl_mrs_dl.fit.quantification.verdict import judge
from fsl_mrs_dl.fit.quantification.water import (
    WaterPlan,
    reference_area,
    water_area,
    water_factors,
    with_areas,
)
from fsl_mrs_dl.io.results import EXTRA_COLUMNS, SCALINGS, Outcome, Scaled
from fsl_mrs_dl.io.scratch import let_go, new_array
from fsl_mrs_dl.physics.member_sizes import excess
from fsl_mrs_dl.scores import noise_sd, voigt_fwhm_hz

CHUNK = 64
"""Voxels that are fitted together: enough for batched algebra, few enough to stay out of fresh memory."""
_LOOK = "look_"  # prefix of what a verdict stands on, among what is kept of a chunk


@dataclass(frozen=True, eq=False)
class Request:
    """What is fitted, and what is made of it.

    Attributes
    ----------
    basis : Basis
        At the points of the data, with the chosen members.
    settings : FitSettings
        With one group a member.
    sums : tuple of tuple of str
    internal_reference : tuple of str
        Empty: no ratios.
    voxels : ndarray, int, shape (V, 3)
    water : WaterPlan or None
    notes : tuple of str
    posterior : bool
        Whether the posterior is drawn too.
    fitter : Fitter or None
        What fits; None: the fit from its own starts.
    doubts : tuple of str
        Sentences that make every result usable at best, whatever the fit says.
    """

    basis: Basis
    settings: FitSettings
    sums: tuple[tuple[str, ...], ...]
    internal_reference: tuple[str, ...]
    voxels: NDArray[np.intp]
    water: WaterPlan | None = None
    notes: tuple[str, ...] = ()
    posterior: bool = True
    fitter: Fitter | None = None
    doubts: tuple[str, ...] = ()


def quantify_data(data: MRSData, request: Request) -> Outcome:
    """Fit the voxels and scale what was found.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    request : Request

    Returns
    -------
    Outcome

    Raises
    ------
    MRSDLError
        If data and request do not fit each other.
    """
    single = data.fid.shape[:3] == (1, 1, 1)
    shape = (len(request.voxels), data.n_points)
    kind = data.fid.dtype
    fit, baseline = new_array(shape, kind), new_array(shape, kind)
    band = QualityBand.of(data, request.voxels, request.settings.ppmlim)
    found: dict[str, NDArray[Any]] = {}
    fitter = request.fitter or fitter_for(request.basis, request.settings, reference_ppm=data.reference_ppm)
    starts = range(0, len(request.voxels), CHUNK)
    with tqdm(
        total=len(request.voxels), unit="voxel", disable=None if not single else True, file=sys.stderr
    ) as bar:
        for start in starts:
            rows = slice(start, start + CHUNK)
            part, fit[rows], baseline[rows] = _chunk(
                data, request, fitter, band, request.voxels[rows], single
            )
            for key, values in part.items():
                if not start:
                    found[key] = new_array((len(request.voxels), *values.shape[1:]), values.dtype)
                found[key][rows] = values
            let_go(fit, baseline, *found.values())
            bar.update(len(request.voxels[rows]))
    ground = fitter.problem.background.hypotheses if request.settings.averaged else ()
    return _outcome(data, request, found, (fit, baseline), tuple(one.words for one in ground), single)


def _chunk(
    data: MRSData,
    request: Request,
    fitter: Fitter,
    band: QualityBand,
    voxels: NDArray[np.intp],
    single: bool,
) -> tuple[dict[str, NDArray[Any]], Complex, Complex]:
    """Fit some voxels, and keep of the fit what is reported."""
    basis, settings = request.basis, request.settings
    place = tuple(voxels.T)
    fids = data.fid[place].astype(np.complex128)
    result = fitter(fids)
    drawn = curves(result, basis, settings, reference_ppm=data.reference_ppm)
    left = leftover(fitter, fids, result)
    wider = left.widening if result.average is None else result.average.widening
    part: dict[str, NDArray[Any]] = dict(_scalings(request, voxels, result, data.reference_ppm))
    if request.posterior:
        prior = weak_prior(basis.names, result, excess(np.asarray(basis.fids)))
        sampling = sampling_for(single=single)
        draws = draw(fitter, fids, result, prior, widening=wider, keys=keys_of(fids), sampling=sampling)
        part |= _beliefs(request, part, draws, prior.variance(len(basis.names)))
    part["snr"], part["fwhm_hz"] = _quality(band, fids, result, drawn.metabolites)
    for name in ("shift_hz", "gamma", "sigma", "phase_rad", "delay_s", "noise_sd", "residual_whiteness"):
        part[name] = getattr(result, name)
    if result.member_hz.shape[1]:
        part["member_hz"] = result.member_hz
    if result.average is None:
        part["baseline_coefficients"] = result.baseline
    else:
        part |= _of_average(result, fitter)
    part["iterations"] = result.iterations
    noise = _noise_sd(band, fids, result)
    seen = look(data, basis.names, band, fids, result, drawn, noise)
    part |= {f"{_LOOK}{name}": values for name, values in vars(seen).items()}
    bins = sum(run.stop - run.start for run in band.noise)
    verdict = judge(result, left, seen, noise, bins)
    part["misfit"], part["surprise"], part["widening"] = verdict.misfit, verdict.surprise, wider
    part["line_ppm"] = data.reference_ppm + left.place_hz / data.spectrometer_frequency_mhz
    part["line_z"] = left.z
    bits = {token: np.int16(1 << flag.bit) for token, flag in FLAGS.items()}
    part["flags"] = np.array([bits.get(token, 0) for token in result.flag], dtype=np.int16) | verdict.bits
    if single:
        part["metabolites"], part["covariance"] = drawn.metabolites, result.covariance
        part |= {f"sd_of_{name}": values for name, values in nuisance_sd(result).items()}
    return part, drawn.fit, drawn.baseline


def _of_average(result: FitResult, fitter: Fitter) -> dict[str, NDArray[Any]]:
    """Return what draws the curves of an averaged fit, and its hypotheses."""
    assert result.average is not None
    assert fitter.problem.window_of is not None
    return {
        "baseline_coefficients": result.baseline[:, :0],  # it has no few coefficients, and a file of its own
        "broad_coefficients": result.broad,
        "member_gamma": result.member_gamma,
        "lineshape": result.lineshape,
        "proton_signal": result.unit * fitter.problem.window_of.proton,
        "hypothesis": result.average.index,
        "hypothesis_weight": result.average.weight,
    }


def _scalings(
    request: Request, voxels: NDArray[np.intp], result: FitResult, reference_ppm: float
) -> dict[str, Real]:
    """Return value and SD of each scaling, and the areas behind the water's."""
    names = request.basis.names
    matrix = combination(names, request.sums)
    part: dict[str, Real] = {}
    part["raw"], part["raw_sd"] = combined(result.amplitudes, result.covariance, matrix)
    part["crlb_percent"] = percent(part["raw"], part["raw_sd"])
    within = None if result.average is None else result.average.within
    if within is not None:
        part["raw_bound"] = combined(result.amplitudes, within, matrix)[1]
    if request.internal_reference:
        weights = np.array([float(name in request.internal_reference) for name in names])
        part["internal"], part["internal_sd"] = ratios(result.amplitudes, result.covariance, matrix, weights)
        if within is not None:
            part["internal_bound"] = ratios(result.amplitudes, within, matrix, weights)[1]
    if request.water is not None:
        plan, water_data = request.water.scaling, request.water.data
        # SVS of many voxels' worth of water does not exist: the grids are the same, see the step.
        water = water_area(water_data, water_data.fid[tuple(voxels.T)].astype(np.complex128))
        found, unit = reference_area(result, request.basis, request.settings.groups, plan, reference_ppm)
        molal, molar = water_factors(plan, water, unit, _of_voxels(plan.fractions, voxels))
        for name, factor in (("molality", molal), ("molarity", molar)):
            part[name] = part["raw"] * factor[:, None]
            part[f"{name}_sd"] = part["raw_sd"] * factor[:, None]
            if "raw_bound" in part:
                part[f"{name}_bound"] = part["raw_bound"] * factor[:, None]
        part["water_area"], part["reference_area"] = water, found
    return part


def _beliefs(
    request: Request, part: Mapping[str, Real], draws: Draws, variance: Real
) -> dict[str, NDArray[Any]]:
    """Return the posterior's columns of each scaling, named after it."""
    names = request.basis.names
    matrix = combination(names, request.sums)
    weights = np.array([float(name in request.internal_reference) for name in names])
    values, below = draws.along(matrix, weights)
    raw = summarise(values, variance @ (matrix**2).T)
    told: dict[str, Mapping[str, Real]] = {"raw": raw.columns()}
    if "internal" in part:
        told["internal"] = summarise_ratios(values, below, raw.shrinkage).columns()
    for scaling in ("molality", "molarity"):
        if scaling in part:
            # The SDs are scaled as the values are, and are not zero.
            told[scaling] = raw.columns(part[f"{scaling}_sd"] / part["raw_sd"])
    return {f"{scaling}_{name}": values for scaling, all_ in told.items() for name, values in all_.items()}


def _of_voxels(fractions: Mapping[str, Real] | None, voxels: NDArray[np.intp]) -> Mapping[str, Real] | None:
    """Return tissue fractions of some voxels from those of the grid."""
    if fractions is None:
        return None
    return {tissue: values[tuple(voxels.T)] for tissue, values in fractions.items()}


def _noise_sd(band: QualityBand, fids: Complex, result: FitResult) -> Real:
    """Return the noise outside of the signal, (S,); 1 where nothing was fitted."""
    good = np.isfinite(result.noise_sd)
    noise = np.ones(len(fids))
    if good.any():
        noise[good] = noise_sd(fids[good], band.ppm, region=band.noise)
    return noise


def _quality(band: QualityBand, fids: Complex, result: FitResult, members: Complex) -> tuple[Real, Real]:
    good = np.isfinite(result.phase_rad)
    snr = np.full(result.amplitudes.shape, np.nan)
    fwhm = snr.copy()
    if good.any():
        expected = voigt_fwhm_hz(result.gamma[good], result.sigma[good]).max(axis=1)
        # Phase and delay count from the first group's shift.
        turned = result.phase_rad - 2 * np.pi * result.delay_s * result.shift_hz[:, 0]
        snr[good], fwhm[good] = line_quality(
            band, fids[good], members[good], turned[good], result.delay_s[good], expected
        )
    return snr, fwhm


def _extra(found: dict[str, NDArray[Any]], scaling: str) -> dict[str, NDArray[Any]]:
    """Take the posterior's columns of a scaling."""
    return {name: found.pop(f"{scaling}_{name}") for name in EXTRA_COLUMNS if f"{scaling}_{name}" in found}


def _outcome(
    data: MRSData,
    request: Request,
    found: dict[str, NDArray[Any]],
    drawn: tuple[Complex, Complex],
    hypotheses: tuple[str, ...],
    single: bool,
) -> Outcome:
    scaled = {
        name: Scaled(
            found.pop(name),
            found.pop(f"{name}_sd"),
            unit,
            _extra(found, name),
            found.pop(f"{name}_bound", None),
        )
        for name, unit in SCALINGS.items()
        if name in found
    }
    water = None
    if request.water is not None:
        fractions = _of_voxels(request.water.scaling.fractions, request.voxels)
        water = with_areas(
            request.water.scaling, fractions, found.pop("water_area"), found.pop("reference_area")
        )
    correlation = None
    if single:
        covariance = found.pop("covariance")[0]
        spread = np.sqrt(np.diagonal(covariance))
        correlation = covariance / np.where(spread > 0, spread, 1)[:, None] / np.where(spread > 0, spread, 1)
    metabolites = found.pop("metabolites", None)
    nuisances = [name for name in found if name.startswith("sd_of_")]
    spreads = {name.removeprefix("sd_of_"): found.pop(name) for name in nuisances}
    looks = {name.removeprefix(_LOOK): found.pop(name) for name in list(found) if name.startswith(_LOOK)}
    mhz = data.spectrometer_frequency_mhz
    quality, main = measures(request.basis.names, request.sums, found, looks, mhz)
    judged = grade(quality, found["flags"], doubts=request.doubts, main=main, nucleus=data.nucleus)
    return Outcome(
        members=request.basis.names,
        sums=request.sums,
        internal_reference=request.internal_reference,
        groups=request.settings.groups,
        grid=data.fid.shape[:3],
        voxels=request.voxels,
        scaled=scaled,
        fit=drawn[0],
        baseline=drawn[1],
        metabolites=metabolites,
        correlation=correlation,
        nuisance_sd=spreads or None,
        basis=request.basis,
        ppmlim=request.settings.ppmlim or (float(data.ppm_axis[0]), float(data.ppm_axis[-1])),
        water=water,
        notes=request.notes,
        doubts=request.doubts,
        posterior=record(averaged=request.settings.averaged, sampling=sampling_for(single=single))
        if request.posterior
        else None,
        hypotheses=hypotheses,
        verdict=judged.verdict,
        reasons=judged.reasons,
        causes=judged.causes,
        quality=quality,
        **found,
    )
