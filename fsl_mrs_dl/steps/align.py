"""The step ``align``."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, Estimates, MRSData
from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.models.catalogue import choices, methods
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.steps.average import average as average_step
from fsl_mrs_dl.steps.registry import StepResult, step


@step(
    method="Frequency and phase correction",
    report="align_page",
    first=("ppm", "method", "reference", "reject", "average", "dim"),
)
def align(
    data: MRSData,
    *,
    dim: str = "DIM_DYN",
    reference: MRSData | None = None,
    ppm: tuple[float, float] | None = None,
    method: Annotated[str, choices(methods("align"))] = "gn",
    model: str | None = None,
    allow_mismatch: bool = False,
    refer: bool | None = None,
    reject: bool = False,
    apply: Path | None = None,
    average: bool = False,
    parallel: Literal["off", "local", "cluster"] = "off",
    parallel_workers: int | None = None,
) -> StepResult:
    """Correct the frequency and phase of transients.

    Estimates one shift and one phase for each transient; its coils share them. Each voxel and each further
    dimension is aligned separately. Edit conditions are first aligned within themselves, then to each other. The
    estimates and their standard deviations are written beside the data and can be applied again.

    Parameters
    ----------
    data : MRSData
    dim : str
        NIfTI-MRS tag of the dimension to align across.
    reference : MRSData
        Align to this FID (one, or one for each coil). Transients of a reference are first aligned and averaged.
        Default: the average of the aligned transients (gn) or one transient (sr, srf, corr, corrf). crr and
        crrf need none.
    ppm : tuple of float
        Limits of the alignment window in ppm. Default: 1.8 4.2 for 1H, the whole band for other nuclei.
    method : str
        How shift and phase are estimated.
    model : str
        Model package of a network: a name, with @version or without, or a path. Default: the newest for method,
        nucleus and field. With gn: start from the shifts of this network.
    allow_mismatch : bool
        Also use a model outside its valid range.
    refer : bool
        Move creatine, NAA and choline of the average to 3.03, 2.01 and 3.21 ppm, for 1H (--no_refer: never).
        Default: yes, unless --reference is given. crr and crrf place creatine by themselves.
    reject : bool
        Leave flagged transients out of the result. A transient that is flagged in one coil, voxel or condition
        is left out of all.
    apply : Path
        Apply the estimates of this N_align.csv, written by an earlier run, instead of estimating.
    average : bool
        Also average over the dimension.
    parallel : str
        Where voxels and edit conditions are registered: off: here; local: on several cores; cluster: by the dask
        scheduler that DASK_SCHEDULER_ADDRESS names (extra pipeline). The numbers are the same.
    parallel_workers : int
        Processes for --parallel local. Default: as many as there are cores.

    Returns
    -------
    StepResult
        The corrected data and the estimates.

    Raises
    ------
    DataError
        If a dimension is missing, window, reference or table do not fit the data, or all transients would be
        rejected.
    OptionError
        If ``apply`` comes together with ``reference`` or ``refer``, or ``model`` with a method that has no use
        for it.
    ModelError
        If there is no such model, or the data lie outside its valid range.

    Examples
    --------
    fsl_mrs_dl align --file metab.nii.gz --output aligned --average -r
    """
    settled: dict[str, object] = {}
    messages: tuple[str, ...] = ()
    if apply is None:
        if reference is not None and (n := _size(reference, dim)) > 1:
            reference = align(reference, dim=dim, ppm=ppm, refer=False, average=True).data
            settled["reference_was"] = f"aligned and averaged over {n} of {dim}"
            messages = (f"The reference {reference.name or 'given'} was {settled['reference_was']}.",)
        estimates, resolved = _estimate(
            data,
            dim,
            reference,
            ppm,
            method,
            model,
            allow_mismatch=allow_mismatch,
            refer=refer,
            processes=(parallel, parallel_workers),
        )
        settled |= resolved
    else:
        if reference is not None or refer:
            raise OptionError(
                "--apply replays a table, --reference and --refer are for estimating; give one of them."
            )
        data.axis(dim)
        settled["method"] = "replay"
        shape = data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :]
        estimates = read_estimates(apply, data.dim_tags, shape)
        _refuse_beyond(estimates, data, apply)
    corrected = data.with_fid(corrected_fids(data, estimates))
    if reject:
        from fsl_mrs_dl.fit.registration import drop_transients, flagged_transients

        rejected = flagged_transients(data, estimates, dim)
        corrected = drop_transients(corrected, dim, rejected)
        settled["rejected"] = tuple(int(i) for i in rejected)
    after = ((average_step, {"dim": dim}),) if average else ()
    return StepResult(corrected, estimates=estimates, settled=settled, then=after, messages=messages)


def _refuse_beyond(estimates: Estimates, data: MRSData, table: Path) -> None:
    """Refuse replayed shifts that are larger than half the bandwidth: no line is that far off.

    Raises
    ------
    DataError
        If one is.
    """
    limit_hz = 0.5 / data.dwelltime_s
    largest = float(np.abs(estimates.shift_hz).max(initial=0.0))
    if largest > limit_hz:
        raise DataError(
            f"{table} has a shift of {largest:.6g} Hz; half the bandwidth of {data.name or 'the data'}, "
            f"{limit_hz:.6g} Hz, is the limit. Is it the table of another scan, or in another unit?"
        )


def _size(data: MRSData, dim: str) -> int:
    """Return how many FIDs there are along a dimension, 1 where there is no such dimension."""
    return int(data.fid.shape[data.axis(dim)]) if dim in data.dim_tags else 1


def _estimate(
    data: MRSData,
    dim: str,
    reference: MRSData | None,
    ppm: tuple[float, float] | None,
    method: str,
    model: str | None,
    *,
    allow_mismatch: bool,
    refer: bool | None,
    processes: tuple[str, int | None],
) -> tuple[Estimates, dict[str, object]]:
    """Return the estimates, and the options as they were resolved."""
    from fsl_mrs_dl.fit.registration import estimate_alignment, set_ppm_axis
    from fsl_mrs_dl.steps.align_models import method_of

    nucleus = NUCLEI.get(data.nucleus)
    window = ppm or (nucleus.ppm_window if nucleus else None)
    chosen, of_model = method_of(method, model, data, allow_mismatch=allow_mismatch)
    parallel, workers = processes
    if of_model and parallel != "off":
        raise OptionError("--parallel is for methods without a network; leave it or the network out.")
    if workers is not None and workers < 1:
        raise OptionError(f"--parallel_workers is {workers}; 1 or more are needed.")
    settled: dict[str, object] = {"ppm": window or "whole band", **of_model}
    estimates = estimate_alignment(
        data,
        dim=dim,
        limits_ppm=window,
        method=chosen,
        reference=reference,
        parallel=parallel,
        workers=workers,
    )
    if refer is None:
        refer = data.nucleus == "1H" and reference is None and not chosen.absolute
    settled["refer"] = refer
    if refer:
        aligned = data.with_fid(corrected_fids(data, estimates))
        estimates, settled["axis"] = set_ppm_axis(aligned, estimates, dim)
    return estimates, settled


def corrected_fids(data: MRSData, estimates: Estimates) -> Complex:
    """Return the FIDs with estimated shift and phase undone, in NIfTI-MRS order."""
    fids = np.moveaxis(data.fid, TIME_AXIS, -1)
    return np.moveaxis(
        correct(fids, estimates.shift_hz, estimates.phase_rad, data.dwelltime_s), -1, TIME_AXIS
    )
