"""From MRSData to estimates: which FIDs are registered together, to what, and in which order.

Reading order of the package, each file calling only those after it: ``alignment``, :mod:`~.sets`,
:mod:`~.flags`, :mod:`~.methods`, :mod:`~.support`, :mod:`~.gauss_newton`, :mod:`~.consensus`,
:mod:`~.set_registration`, :mod:`~.search`, :mod:`~.baseline`, :mod:`~.averages`, :mod:`~.template`,
:mod:`~.decimation`, :mod:`~.band`.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.flags import flags_of
from fsl_mrs_dl.fit.registration.gauss_newton import first_reference, gn, register_to_average
from fsl_mrs_dl.fit.registration.methods import METHODS, Method
from fsl_mrs_dl.fit.registration.sets import Layout, bad_fids, coil_noise, reference_fids
from fsl_mrs_dl.fit.registration.support import supported
from fsl_mrs_dl.fit.workers import chunks_done

CAPTURE_PPM = 0.35
"""Half-width of the search for a shift, in ppm: +-45 Hz at 3 T, +-104 Hz at 7 T, more than a head moves a line and
less than the distance from creatine to NAA."""
EDIT_WINDOW_PPM = (2.9, 3.35)
"""Where ON and OFF of an edited 1H set agree best, in ppm: creatine CH3 and choline."""
_EDIT = "DIM_EDIT"


@dataclass(frozen=True, eq=False)
class _CommonOfSets:
    """Settings that all sets of a file share; other processes get them once.

    Attributes
    ----------
    band : Band
    method : Method
    target : ndarray, complex, shape (coil, time), or None
        The reference, if one is given.
    axes : MRSData
        The axes of the data, with one FID of zeros.
    """

    band: Band
    method: Method
    target: Complex | None
    axes: MRSData


@dataclass(frozen=True, eq=False)
class _SetEstimates:
    """Estimates of one set.

    Attributes
    ----------
    values : ndarray, float, shape (4, transient)
        Shift and phase, in Hz and rad, and their SDs; 0 and NaN where a transient is bad.
    flags : ndarray, str, shape (transient,)
    average : ndarray, complex, shape (coil, time), or None
        Of the registered transients, or the reference; None where all are bad.
    """

    values: Real
    flags: NDArray[np.str_]
    average: Complex | None


def estimate_alignment(
    data: MRSData,
    *,
    dim: str,
    limits_ppm: tuple[float, float] | None,
    method: str | Method,
    reference: MRSData | None = None,
    progress: Callable[..., Any] = tqdm,
    parallel: str = "off",
    workers: int | None = None,
) -> Estimates:
    """Estimate one shift and one phase for each transient, shared by its coils.

    Every voxel and every index of the other dimensions is a set of its own. Each edit condition is registered
    to its own reference, and then its average to that of the first condition, by creatine and choline for 1H. The
    relative shifts and phases of the conditions are part of the estimates.

    Parameters
    ----------
    data : MRSData
    dim : str
        Tag of the dimension of the transients.
    limits_ppm : tuple of float or None
        Alignment window, in ppm; None = the whole band.
    method : str or Method
        Key of :data:`~.methods.METHODS`, or a method of another room.
    reference : MRSData, optional
        One FID (or one for each coil) to register to.
    progress : callable
        Wraps the loop over sets; silent where standard error is not a terminal.
    parallel, workers
        Where the sets are registered, see :func:`~fsl_mrs_dl.fit.workers.chunks_done`. The estimates are the same.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        If a dimension is missing, or the window or the reference does not fit the data.
    """
    if isinstance(method, str):
        method = METHODS[method]
    layout = Layout.of(data, dim)
    band = Band.of(data, limits_ppm, CAPTURE_PPM * data.spectrometer_frequency_mhz)
    target = None if reference is None else reference_fids(reference, data, layout.n_coils)
    n_sets, n_transients = layout.fids.shape[:2]
    values = np.full((5, n_sets, n_transients), np.nan)  # shift, phase, their SDs, shift of the condition
    values[[0, 1, 4]] = 0.0
    flags = np.full((n_sets, n_transients), "", dtype="<U16")
    averages: list[Complex | None] = [None] * n_sets
    silent = None if n_sets > 1 else True
    task = _CommonOfSets(band, method, target, _axes_of(data))
    where = "off" if n_sets == 1 else parallel
    with contextlib.closing(chunks_done(_estimate_set, task, layout.fids, where, workers)) as results:
        bar = progress(results, total=n_sets, desc="align", unit="set", leave=False, disable=silent)
        for i, result in enumerate(bar):
            values[:4, i], flags[i], averages[i] = result.values, result.flags, result.average
    if _EDIT in layout.others and target is None and not method.absolute:
        _join_conditions(values, averages, layout, data, band)
    shape = data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :]
    return Estimates(
        shift_hz=layout.restored(values[0], shape),
        phase_rad=layout.restored(values[1], shape),
        shift_hz_sd=layout.restored(values[2], shape),
        phase_rad_sd=layout.restored(values[3], shape),
        reference_shift_hz=layout.restored(values[4], shape),
        flag=layout.restored(flags, shape),
    )


def _axes_of(data: MRSData) -> MRSData:
    """Return data with the same axes and one FID of zeros, which is cheap to send to another process."""
    fid = np.zeros((1, 1, 1, data.n_points), dtype=data.fid.dtype)
    return replace(data, fid=fid, dim_tags=(), dim_headers={}, processing=(), nifti_header=None)


def _estimate_set(task: _CommonOfSets, fids: Complex) -> _SetEstimates:
    """Estimate shift and phase of one set.

    Parameters
    ----------
    task : _CommonOfSets
    fids : ndarray, complex, shape (transient, coil, time)
    """
    fids = np.ascontiguousarray(fids, dtype=np.complex128)
    flags = bad_fids(fids)
    values = np.full((4, len(fids)), np.nan)
    values[:2] = 0.0
    good = flags == ""
    if not good.any():
        return _SetEstimates(values, flags, None)
    fids = fids if good.all() else fids[good]
    noise_sd = coil_noise(fids, task.axes)[:, None]
    fids = fids / noise_sd  # each coil counts by its information
    target = None if task.target is None else task.target / noise_sd
    estimates, average = _register(fids, target, task.band, task.method)
    values[0, good], values[1, good] = estimates.shift_hz, estimates.phase_rad
    values[2, good], values[3, good] = estimates.shift_hz_sd, estimates.phase_rad_sd
    flags[good] = flags_of(fids, estimates, task.band, task.method)
    return _SetEstimates(values, flags, average)


def _register(
    fids: Complex, target: Complex | None, band: Band, method: Method
) -> tuple[Registration, Complex]:
    """Register one set to its target, or to itself; return also its average, or the reference in its place.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    target : ndarray, complex, shape (coil, time), or None
    band : Band
    method : Method
    """
    iterates = target is None and method.iterates
    if iterates and method.start is None:
        return register_to_average(fids, band)
    reference = first_reference(fids, band) if target is None else target
    start_hz = None if method.start is None else method.start(fids, reference, band)
    if iterates:
        return register_to_average(fids, band, start_hz)
    if method.register is gn:
        return gn(fids, reference, band, 1.0, start_hz), reference
    estimates = method.register(fids, reference, band)
    if not method.checked or len(fids) == 1:
        return estimates, reference
    judge = (gn(fids, target, band), target) if target is not None else register_to_average(fids, band)
    return supported(fids, estimates, *judge, band)


def _join_conditions(
    values: Real, averages: list[Complex | None], layout: Layout, data: MRSData, band: Band
) -> None:
    """Add to each edit condition the shift and phase of its average against the first condition's.

    Parameters
    ----------
    values : ndarray, float, shape (5, set, transient)
        Shift, phase, their SDs, shift of the condition; changed in place.
    averages : list of ndarray or None
        Of each set, shape (coil, time); None where all its FIDs are bad.
    layout : Layout
    data : MRSData
    band : Band
    """
    limits_ppm = EDIT_WINDOW_PPM if data.nucleus == "1H" and data.nucleus in NUCLEI else None
    window = Band.of(data, limits_ppm, band.max_shift_hz)
    axis = layout.others.index(_EDIT)
    sets = np.moveaxis(np.arange(len(averages)).reshape(layout.others_shape), axis, -1)
    for conditions in sets.reshape(-1, layout.others_shape[axis]):
        first = averages[conditions[0]]
        for i in conditions[1:]:
            other = averages[i]
            if first is None or other is None:
                continue
            offset = gn(other[None], first, window)
            values[0, i] += offset.shift_hz[0]
            values[4, i] = offset.shift_hz[0]
            # Some scanners store ON and OFF half a turn apart; a later addition or subtraction relies on it.
            values[1, i] += np.angle(np.exp(2j * offset.phase_rad[0])) / 2
