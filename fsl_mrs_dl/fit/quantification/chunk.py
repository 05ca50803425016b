"""Quantify one chunk of voxels: fit, scalings, posterior and quality."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import FLAGS, Complex, MRSData, Real
from fsl_mrs_dl.fit.amortised import with_moments, without_draws
from fsl_mrs_dl.fit.lcm import FitResult, Fitter, curves, fitter_for
from fsl_mrs_dl.fit.lcm.leftover import leftover
from fsl_mrs_dl.fit.lcm.nuisance import nuisance_sd
from fsl_mrs_dl.fit.posterior import (
    Draws,
    draw,
    keys_of,
    sampling_for,
    summarise,
    summarise_ratios,
    weak_prior,
)
from fsl_mrs_dl.fit.quantification.amounts import combination, combined, percent, ratios
from fsl_mrs_dl.fit.quantification.fit_flags import flag_fits
from fsl_mrs_dl.fit.quantification.measures import measure_appearance
from fsl_mrs_dl.fit.quantification.quality import QualityBand, line_quality
from fsl_mrs_dl.fit.quantification.request import Request
from fsl_mrs_dl.fit.quantification.water import reference_area, water_area, water_factors
from fsl_mrs_dl.physics.member_sizes import excess
from fsl_mrs_dl.scores import noise_sd, voigt_fwhm_hz

_FITTERS: dict[str, Fitter] = {}  # the fitter of this process's current run, by its token
LOOK = "look_"
"""Prefix of the names of appearance measures among the arrays of a chunk."""


@dataclass(eq=False)
class Common:
    """Everything that all chunks of a run share; small enough to be sent to another process.

    Attributes
    ----------
    like : MRSData
        One voxel of the data, for the axes.
    request : Request
        Without voxels, and with one voxel of the water.
    band : QualityBand
    single : bool
        Whether the run has one voxel; its result then has more arrays.
    token : str
        Name of the run: a process uses it to find its fitter again.
    """

    like: MRSData
    request: Request
    band: QualityBand
    single: bool
    token: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, data: MRSData, request: Request) -> "Common":
        """Return the common part of a run's chunks."""
        band = QualityBand.of(data, request.voxels, request.settings.ppmlim)
        water = request.water
        if water is not None:
            scaling = replace(water.scaling, fractions=None)
            water = replace(water, data=_one_voxel(water.data), scaling=scaling)
        request = replace(request, voxels=request.voxels[:0], water=water)
        return cls(_one_voxel(data), request, band, data.fid.shape[:3] == (1, 1, 1))

    @property
    def fitter(self) -> Fitter:
        """The fitter; built once in each process."""
        if self.request.fitter is not None:
            return self.request.fitter
        if self.token not in _FITTERS:
            _FITTERS.clear()
            basis, settings = self.request.basis, self.request.settings
            _FITTERS[self.token] = fitter_for(basis, settings, reference_ppm=self.like.reference_ppm)
        return _FITTERS[self.token]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some voxels of a run.

    Attributes
    ----------
    fids : ndarray, complex, shape (V, time)
    water : ndarray, complex, shape (V, time), or None
    fractions : mapping of str to ndarray, float, shape (V,), or None
        Of the tissues.
    """

    fids: Complex
    water: Complex | None = None
    fractions: Mapping[str, Real] | None = None

    @classmethod
    def of(cls, data: MRSData, request: Request, voxels: NDArray[np.intp]) -> "Chunk":
        """Return some voxels."""
        place = tuple(voxels.T)
        if request.water is None:
            return cls(data.fid[place])
        fractions = of_voxels(request.water.scaling.fractions, voxels)
        return cls(data.fid[place], request.water.data.fid[place], fractions)


def of_voxels(fractions: Mapping[str, Real] | None, voxels: NDArray[np.intp]) -> Mapping[str, Real] | None:
    """Return tissue fractions of some voxels from those of the grid."""
    if fractions is None:
        return None
    return {tissue: values[tuple(voxels.T)] for tissue, values in fractions.items()}


def _one_voxel(data: MRSData) -> MRSData:
    return data.with_fid(data.fid[:1, :1, :1].copy())


def fit_chunk(common: Common, chunk: Chunk) -> tuple[dict[str, NDArray[Any]], Complex, Complex]:
    """Fit some voxels, and return the arrays of the result.

    Parameters
    ----------
    common : Common
    chunk : Chunk

    Returns
    -------
    part : dict
        By name; one row for each voxel.
    fit, baseline : ndarray, complex, shape (V, time)
    """
    request, data, band, fitter = common.request, common.like, common.band, common.fitter
    basis, settings = request.basis, request.settings
    fids = chunk.fids.astype(np.complex128)
    result = fitter(fids)
    drawn = curves(result, basis, settings, reference_ppm=data.reference_ppm)
    left = leftover(fitter, fids, result)
    wider = left.widening if result.average is None else result.average.widening
    part: dict[str, NDArray[Any]] = dict(_scalings(request, chunk, result, data.reference_ppm))
    if request.posterior:
        prior = weak_prior(basis.names, result, excess(np.asarray(basis.fids)))
        sampling = sampling_for(single=common.single)
        some = without_draws(result, request.reference_weights)
        draws = draw(fitter, fids, some, prior, widening=wider, keys=keys_of(fids), sampling=sampling)
        part |= _posterior_columns(request, part, result, draws, prior.variance(len(basis.names)))
    removed = settings.removed_noise_sd
    part["snr"], part["fwhm_hz"] = _quality(band, fids, result, drawn.metabolites, removed)
    for name in ("shift_hz", "gamma", "sigma", "phase_rad", "delay_s", "noise_sd", "residual_whiteness"):
        part[name] = getattr(result, name)
    if result.member_hz.shape[1]:
        part["member_hz"] = result.member_hz
    if result.average is None:
        part["baseline_coefficients"] = result.baseline
    else:
        part |= _of_average(result, fitter)
    part["iterations"] = result.iterations
    noise = np.hypot(_noise_sd(band, fids, result), removed)
    look = measure_appearance(data, basis.names, band, fids, result, drawn, noise)
    part |= {f"{LOOK}{name}": values for name, values in vars(look).items()}
    bins = sum(run.stop - run.start for run in band.noise)
    fit_flags = flag_fits(result, left, look, noise, bins)
    part["misfit"], part["surprise"], part["widening"] = fit_flags.misfit, fit_flags.surprise, wider
    part["line_ppm"] = data.reference_ppm + left.place_hz / data.spectrometer_frequency_mhz
    part["line_z"] = left.z
    bits = {token: np.int16(1 << flag.bit) for token, flag in FLAGS.items()}
    part["flags"] = np.array([bits.get(token, 0) for token in result.flag], dtype=np.int16) | fit_flags.bits
    if common.single:
        part["metabolites"], part["covariance"] = drawn.metabolites, result.covariance
        part |= {f"sd_of_{name}": values for name, values in nuisance_sd(result).items()}
    return part, drawn.fit, drawn.baseline


def _of_average(result: FitResult, fitter: Fitter) -> dict[str, NDArray[Any]]:
    """Return the arrays behind the curves of an averaged fit, and its hypotheses."""
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


def _scalings(request: Request, chunk: Chunk, result: FitResult, reference_ppm: float) -> dict[str, Real]:
    """Return value and SD of each scaling, and the areas behind the water's."""
    names = request.basis.names
    matrix = combination(names, request.sums)
    part: dict[str, Real] = {}
    part["raw"], part["raw_sd"] = combined(result.amplitudes, result.covariance, matrix)
    part["crlb_percent"] = percent(part["raw"], part["raw_sd"])
    # Amplitudes without any bound are of unknown uncertainty, which is not a large one.
    part["crlb_percent"][np.isnan(result.crlb).all(axis=1)] = np.nan
    within = None if result.average is None else result.average.within
    if within is not None:
        part["raw_bound"] = combined(result.amplitudes, within, matrix)[1]
    if request.internal_reference:
        weights = request.reference_weights
        part["internal"], part["internal_sd"] = ratios(result.amplitudes, result.covariance, matrix, weights)
        if within is not None:
            part["internal_bound"] = ratios(result.amplitudes, within, matrix, weights)[1]
    if request.water is not None:
        plan, water_data = request.water.scaling, request.water.data
        # Data and water reference are on the same grid; the step checks it.
        assert chunk.water is not None
        water = water_area(water_data, chunk.water.astype(np.complex128))
        reference, unit = reference_area(result, request.basis, request.settings.groups, plan, reference_ppm)
        molal, molar = water_factors(plan, water, unit, chunk.fractions)
        for name, factor in (("molality", molal), ("molarity", molar)):
            part[name] = part["raw"] * factor[:, None]
            part[f"{name}_sd"] = part["raw_sd"] * factor[:, None]
            if "raw_bound" in part:
                part[f"{name}_bound"] = part["raw_bound"] * factor[:, None]
        part["water_area"], part["reference_area"] = water, reference
    return part


def _posterior_columns(
    request: Request, part: Mapping[str, Real], result: FitResult, draws: Draws, variance: Real
) -> dict[str, NDArray[Any]]:
    """Return the posterior's columns of each scaling, named after it."""
    matrix, weights = combination(request.basis.names, request.sums), request.reference_weights
    values, below = draws.along(matrix, weights)
    prior = variance @ (matrix**2).T
    raw = with_moments(summarise(values, prior), result, matrix, prior)
    columns: dict[str, Mapping[str, Real]] = {"raw": raw.columns()}
    if "internal" in part:
        internal = summarise_ratios(values, below, raw.shrinkage)
        columns["internal"] = with_moments(internal, result, matrix, prior, weights).columns()
    for scaling in ("molality", "molarity"):
        if scaling in part:
            # SDs have the factor of the values, and are not zero.
            columns[scaling] = raw.columns(part[f"{scaling}_sd"] / part["raw_sd"])
    return {f"{scaling}_{name}": values for scaling, all_ in columns.items() for name, values in all_.items()}


def _noise_sd(band: QualityBand, fids: Complex, result: FitResult) -> Real:
    """Return the noise SD outside of the signal, (S,); 1 for spectra that were not fitted."""
    good = np.isfinite(result.noise_sd)
    noise = np.ones(len(fids))
    if good.any():
        noise[good] = noise_sd(fids[good], band.ppm, region=band.noise)
    return noise


def _quality(
    band: QualityBand, fids: Complex, result: FitResult, members: Complex, removed: float
) -> tuple[Real, Real]:
    good = np.isfinite(result.phase_rad)
    snr = np.full(result.amplitudes.shape, np.nan)
    fwhm = snr.copy()
    if good.any():
        expected = voigt_fwhm_hz(result.gamma[good], result.sigma[good]).max(axis=1)
        # Phase and delay count from the first group's shift.
        turned = result.phase_rad - 2 * np.pi * result.delay_s * result.shift_hz[:, 0]
        snr[good], fwhm[good] = line_quality(
            band, fids[good], members[good], turned[good], result.delay_s[good], expected, removed
        )
    return snr, fwhm
