"""Quantify many voxels in chunks, so that the memory for covariances stays small."""

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.posterior import record, sampling_for
from fsl_mrs_dl.fit.quantification.chunk import LOOK, Chunk, Common, fit_chunk, of_voxels
from fsl_mrs_dl.fit.quantification.criteria import CRITERIA, REGRESSED
from fsl_mrs_dl.fit.quantification.grade import Grade, grade
from fsl_mrs_dl.fit.quantification.measures import measures
from fsl_mrs_dl.fit.quantification.request import Request
from fsl_mrs_dl.fit.quantification.water import with_areas
from fsl_mrs_dl.fit.workers import chunks_done
from fsl_mrs_dl.io.results import EXTRA_COLUMNS, SCALINGS, Outcome, Scaled, WaterScaling
from fsl_mrs_dl.io.row_store import RowStore

CHUNK, CHUNK_AMORTISED = 64, 512
"""Voxels of a chunk: whole batches of the fit, few enough for their covariances to fit into memory; and of the
amortised estimate, which takes more at once."""


def quantify_data(data: MRSData, request: Request) -> Outcome:
    """Fit the voxels, scale the amplitudes, and grade the spectra.

    Inside :func:`fsl_mrs_dl.io.row_store.rows_in`, voxels that a run with the same key has fitted are not fitted
    again.

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
        If data and request do not match.
    """
    single = data.fid.shape[:3] == (1, 1, 1)
    kind = data.fid.dtype
    common = Common.of(data, request)
    store = RowStore(len(request.voxels), CHUNK_AMORTISED if request.amortised else CHUNK)
    slices = store.unfinished()
    chunks = (Chunk.of(data, request, request.voxels[rows]) for rows in slices)
    parallel = "off" if single or not slices else request.parallel
    hidden = True if single else None  # None: where stderr is no terminal
    with (
        tqdm(
            total=len(request.voxels),
            initial=store.n_finished,
            unit=" voxels",
            disable=hidden,
            file=sys.stderr,
        ) as bar,
        store.filling(),
        contextlib.closing(chunks_done(fit_chunk, common, chunks, parallel, request.workers)) as done,
    ):
        for rows, (part, fit, baseline) in zip(slices, done, strict=True):
            store.put(rows, {**part, "fit": fit.astype(kind), "baseline": baseline.astype(kind)})
            bar.update(rows.stop - rows.start)
    arrays = store.arrays
    drawn = arrays.pop("fit"), arrays.pop("baseline")
    ground = common.fitter.problem.background.hypotheses if request.settings.averaged else ()
    return _outcome(data, request, arrays, drawn, tuple(one.words for one in ground), single)


def _graded(
    data: MRSData, request: Request, arrays: Mapping[str, NDArray[Any]], looks: Mapping[str, Real]
) -> tuple[dict[str, Real], Grade]:
    """Return the measures behind the verdicts, and the verdicts."""
    mhz = data.spectrometer_frequency_mhz
    quality, main = measures(request.basis.names, request.sums, arrays, looks, mhz)
    return quality, grade(
        quality,
        arrays["flags"],
        doubts=request.doubts,
        main=main,
        nucleus=data.nucleus,
        criteria=REGRESSED if request.regressed else CRITERIA,
    )


def _posterior(request: Request, *, single: bool) -> dict[str, object] | None:
    """Return the record of the posterior, None where it was not drawn."""
    if not request.posterior:
        return None
    return record(averaged=request.settings.averaged, sampling=sampling_for(single=single))


def _outcome(
    data: MRSData,
    request: Request,
    arrays: dict[str, NDArray[Any]],
    drawn: tuple[Complex, Complex],
    hypotheses: tuple[str, ...],
    single: bool,
) -> Outcome:
    """Return the outcome of the arrays of all chunks; long, for it names each array once.

    Parameters
    ----------
    data : MRSData
    request : Request
    arrays : dict
        By name, see :func:`~.chunk.fit_chunk`; is emptied in part.
    drawn : tuple of ndarray, complex, shape (V, time)
        Fit and baseline.
    hypotheses : tuple of str
        Of an averaged fit.
    single : bool
        Whether the run has one voxel.
    """
    scaled = _scaled(arrays)
    water = _water(request, arrays)
    correlation = _correlation(arrays.pop("covariance")[0]) if single else None
    metabolites = arrays.pop("metabolites", None)
    spreads, looks = _named_after(arrays, "sd_of_"), _named_after(arrays, LOOK)
    quality, judged = _graded(data, request, arrays, looks)
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
        posterior=_posterior(request, single=single),
        hypotheses=hypotheses,
        verdict=judged.verdict,
        reasons=judged.reasons,
        causes=judged.causes,
        quality=quality,
        crlb_percent=arrays["crlb_percent"],
        snr=arrays["snr"],
        fwhm_hz=arrays["fwhm_hz"],
        shift_hz=arrays["shift_hz"],
        gamma=arrays["gamma"],
        sigma=arrays["sigma"],
        phase_rad=arrays["phase_rad"],
        delay_s=arrays["delay_s"],
        baseline_coefficients=arrays["baseline_coefficients"],
        noise_sd=arrays["noise_sd"],
        residual_whiteness=arrays["residual_whiteness"],
        iterations=arrays["iterations"],
        flags=arrays["flags"],
        misfit=arrays["misfit"],
        surprise=arrays["surprise"],
        widening=arrays["widening"],
        line_ppm=arrays["line_ppm"],
        line_z=arrays["line_z"],
        # Only with shifts of single members, or of an averaged fit.
        member_hz=arrays.get("member_hz"),
        member_gamma=arrays.get("member_gamma"),
        lineshape=arrays.get("lineshape"),
        broad_coefficients=arrays.get("broad_coefficients"),
        proton_signal=arrays.get("proton_signal"),
        hypothesis=arrays.get("hypothesis"),
        hypothesis_weight=arrays.get("hypothesis_weight"),
    )


def _water(request: Request, arrays: dict[str, NDArray[Any]]) -> WaterScaling | None:
    """Take the areas of water and reference out of the arrays, and return them with the scaling, if any."""
    if request.water is None:
        return None
    fractions = of_voxels(request.water.scaling.fractions, request.voxels)
    return with_areas(
        request.water.scaling, fractions, arrays.pop("water_area"), arrays.pop("reference_area")
    )


def _named_after(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Take the arrays whose names begin with a prefix, and return them under the rest of their names."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}


def _scaled(arrays: dict[str, NDArray[Any]]) -> dict[str, Scaled]:
    """Take the amounts of each scaling out of the arrays."""
    return {
        name: Scaled(
            arrays.pop(name),
            arrays.pop(f"{name}_sd"),
            unit,
            _posterior_columns(arrays, name),
            arrays.pop(f"{name}_bound", None),
        )
        for name, unit in SCALINGS.items()
        if name in arrays
    }


def _posterior_columns(arrays: dict[str, NDArray[Any]], scaling: str) -> dict[str, NDArray[Any]]:
    """Take the posterior's columns of a scaling out of the arrays."""
    return {name: arrays.pop(f"{scaling}_{name}") for name in EXTRA_COLUMNS if f"{scaling}_{name}" in arrays}


def _correlation(covariance: Real) -> Real:
    """Return the correlations of a covariance, shape (M, M); 0 for an amount without variance."""
    spread = np.sqrt(np.diagonal(covariance))
    scale = np.where(spread > 0, spread, 1)
    correlation: Real = covariance / scale[:, None] / scale
    return correlation
