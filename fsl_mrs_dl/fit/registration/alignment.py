"""From MRSData to estimates: which FIDs are registered together, to what, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, Estimates, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration.average_reference import first_reference, register_to_average
from fsl_mrs_dl.fit.registration.band import Band, Registration, weigh_coils
from fsl_mrs_dl.fit.registration.decimation import decimated
from fsl_mrs_dl.fit.registration.gauss_newton import at, gn
from fsl_mrs_dl.fit.registration.matched_filter import MatchedFilter
from fsl_mrs_dl.fit.registration.methods import METHODS, Method
from fsl_mrs_dl.fit.registration.template import Template
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.scores import noise_sd

CAPTURE_PPM = 0.35
"""Half-width of the search for a shift: +-45 Hz at 3 T, +-104 Hz at 7 T."""
EDIT_WINDOW_PPM = (2.9, 3.35)
"""Where ON and OFF of an edited 1H set agree best: creatine CH3 and choline."""
_LOW_SNR_PPM = 0.025
"""An SD above this (3 Hz at 3 T) is a failed estimate whatever its value."""
_ENOUGH_FOR_NOISE = 16
_FEWEST_TO_COMPARE = 8
_UNLIKE_SD = 3.0
_LEAST_HELD = 5.0  # SDs: noise alone, searched over a window, shows less than four
_COIL = "DIM_COIL"
_EDIT = "DIM_EDIT"


@dataclass(frozen=True, eq=False)
class _Layout:
    """FIDs as (problem, transient, coil, time), and the way back to NIfTI-MRS order.

    ``others`` names the dimensions that make the problems: voxels and everything but transient and coil.
    """

    fids: Complex
    others: tuple[str, ...]
    others_shape: tuple[int, ...]
    order: tuple[int, ...]
    n_coils: int

    @classmethod
    def of(cls, data: MRSData, dim: str) -> "_Layout":
        data.axis(dim)
        names = ("x", "y", "z", *data.dim_tags)
        last = [dim] + ([_COIL] if _COIL in names else [])
        others = tuple(name for name in names if name not in last)
        order = tuple(names.index(name) for name in (*others, *last))
        fids = np.moveaxis(data.fid, TIME_AXIS, -1).transpose(*order, len(names))
        others_shape = fids.shape[: len(others)]
        n_coils = fids.shape[-2] if _COIL in names else 1
        shaped = fids.reshape(int(np.prod(others_shape)), -1, n_coils, data.n_points)
        return cls(shaped, others, others_shape, order, n_coils)

    def back(self, per_transient: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return values of shape (problem, transient) for every FID, in NIfTI-MRS order without time."""
        repeated = np.repeat(per_transient[:, :, None], self.n_coils, axis=2)
        ordered = repeated.reshape([shape[axis] for axis in self.order])
        return np.ascontiguousarray(ordered.transpose(np.argsort(self.order)))


def estimate_alignment(
    data: MRSData,
    *,
    dim: str,
    limits_ppm: tuple[float, float] | None,
    method: str | Method,
    reference: MRSData | None = None,
    progress: Callable[..., Any] = tqdm,
) -> Estimates:
    """Estimate one shift and one phase a transient, shared by its coils.

    Every voxel and every index of the other dimensions is a set of its own. Edit conditions are registered
    each to its own reference, and then each condition's average to that of the first, by creatine and
    choline for 1H: the relative shift and phase so found are part of the estimates.

    Parameters
    ----------
    data : MRSData
    dim : str
        Tag of the dimension of the transients.
    limits_ppm : tuple of float or None
        Alignment window, in ppm; None = the whole band.
    method : str or Method
        Key of :data:`fsl_mrs_dl.fit.registration.methods.METHODS`, or a method that is not of this room.
    reference : MRSData, optional
        One FID (or one a coil) to register to.
    progress : callable
        Wraps the loop over sets; silent where standard error is not a terminal.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        If a dimension is missing, or the window or the reference does not fit the data.
    """
    chosen = METHODS[method] if isinstance(method, str) else method
    layout = _Layout.of(data, dim)
    band = Band.of(data, limits_ppm, CAPTURE_PPM * data.spectrometer_frequency_mhz)
    given = None if reference is None else _reference_fid(reference, data, layout.n_coils)
    n_problems, n_transients = layout.fids.shape[:2]
    values = np.full((5, n_problems, n_transients), np.nan)
    values[[0, 1, 4]] = 0.0
    flags = np.full((n_problems, n_transients), "", dtype="<U16")
    averages: list[Complex | None] = [None] * n_problems
    many = n_problems > 1
    for p in progress(
        range(n_problems), desc="align", unit="set", leave=False, disable=None if many else True
    ):
        fids: Complex = np.ascontiguousarray(layout.fids[p], dtype=np.complex128)
        flags[p] = _bad_fids(fids)
        good = flags[p] == ""
        if not good.any():
            continue
        fids = fids if good.all() else fids[good]
        noise = _coil_noise(fids, data)
        fids = weigh_coils(fids, noise)
        target = None if given is None else weigh_coils(given, noise)
        found, averages[p] = _register(fids, target, band, chosen)
        values[:4, p, good] = found.shift_hz, found.phase_rad, found.shift_hz_sd, found.phase_rad_sd
        flags[p, good] = _flags(fids, found, band, chosen)
    if _EDIT in layout.others and given is None and not chosen.absolute:
        _join_conditions(values, averages, layout, data, band)
    shape = data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :]
    shift_hz, phase_rad, shift_sd, phase_sd, reference_hz = (layout.back(v, shape) for v in values)
    return Estimates(shift_hz, phase_rad, shift_sd, phase_sd, reference_hz, layout.back(flags, shape))


def _register(
    fids: Complex, target: Complex | None, band: Band, chosen: Method
) -> tuple[Registration, Complex]:
    """Register one set; return also its average, or what stands for it."""
    iterates = target is None and chosen.iterates
    if iterates and chosen.start is None:
        return register_to_average(fids, band)
    reference = first_reference(fids, band) if target is None else target
    start_hz = None if chosen.start is None else chosen.start(fids, reference, band)
    if iterates:
        return register_to_average(fids, band, start_hz)
    if chosen.register is gn:
        return gn(fids, reference, band, 1.0, start_hz), reference
    return chosen.register(fids, reference, band), reference


def _bad_fids(fids: Complex) -> NDArray[np.str_]:
    """Return flags of shape (transient,): a transient with a coil that is not finite, or all zero."""
    of_coils = fid_flags(fids)
    zero = np.where((of_coils == "zero").all(axis=1), "zero", "")
    return np.where((of_coils == "nonfinite").any(axis=1), "nonfinite", zero).astype("<U16")


def _coil_noise(fids: Complex, data: MRSData) -> Real:
    """Return the noise SD of each coil; infinite for a dead coil, so that it counts nothing."""
    some = fids[:: -(-len(fids) // _ENOUGH_FOR_NOISE)]
    sd = np.median(noise_sd(some, data.ppm_axis, data.nucleus), axis=0)
    return np.where(sd > 0, sd, np.inf if (sd > 0).any() else 1.0)


def _flags(fids: Complex, found: Registration, band: Band, chosen: Method) -> NDArray[np.str_]:
    """Return a token for each transient of a set that cannot be used as it is."""
    limit_hz = _LOW_SNR_PPM * band.spectrometer_frequency_mhz
    edge = np.abs(found.shift_hz) >= band.max_shift_hz
    unlike = _unlike(fids, found, band, limit_hz, chosen)
    tokens = np.where(unlike, "unlike", "")
    tokens = np.where(~found.converged, "no_convergence", tokens)
    tokens = np.where(found.shift_hz_sd > limit_hz, "low_snr", tokens)
    return np.where(edge, "out_of_range", tokens).astype("<U16")


def _unlike(
    fids: Complex, found: Registration, band: Band, limit_hz: float, chosen: Method
) -> NDArray[np.bool_]:
    """Tell which transients are not like the average of the others after correction.

    Those of ``gn`` are where a multiple of the usual residual is left; those of a method that gives no such
    measure where another shift would make them more like the average, or where they hardly hold it at all.
    """
    if len(fids) < _FEWEST_TO_COMPARE:
        return np.zeros(len(fids), dtype=bool)
    if chosen.register is gn:
        unlike: NDArray[np.bool_] = found.shift_hz_sd > _UNLIKE_SD * np.nanmedian(found.shift_hz_sd)
        return unlike
    _, low, of_low = decimated(fids, band, band.max_shift_hz)
    phase_rad = found.phase_rad - 2 * np.pi * found.shift_hz * of_low.delay_s  # at the first point
    aligned = correct(low, found.shift_hz[:, None], phase_rad[:, None], of_low.dwelltime_s)
    sound = np.abs(found.shift_hz) < band.max_shift_hz
    average = aligned[sound].mean(axis=0) if sound.any() else aligned.mean(axis=0)
    template = Template.of(average[None], of_low, np.zeros(1))
    which = np.zeros(len(fids), dtype=int)
    left_hz = MatchedFilter.of(aligned, of_low).search(template, which, band.max_shift_hz)
    held = at(aligned, template, which, of_low, np.zeros(len(fids)), np.ones(len(fids), dtype=bool))
    # The SD of the phase is that of the amplitude over the amplitude.
    return (np.abs(left_hz - np.median(left_hz)) > limit_hz) | (held.phase_rad_sd > 1 / _LEAST_HELD)


def _join_conditions(
    values: Real, averages: list[Complex | None], layout: _Layout, data: MRSData, band: Band
) -> None:
    """Add to each edit condition the shift and phase of its average against the first condition's."""
    limits = EDIT_WINDOW_PPM if data.nucleus == "1H" and data.nucleus in NUCLEI else None
    window = Band.of(data, limits, band.max_shift_hz)
    problems = np.moveaxis(
        np.arange(len(averages)).reshape(layout.others_shape), layout.others.index(_EDIT), -1
    ).reshape(-1, layout.others_shape[layout.others.index(_EDIT)])
    for conditions in problems:
        first = averages[conditions[0]]
        for p in conditions[1:]:
            other = averages[p]
            if first is None or other is None:
                continue
            offset = gn(other[None], first, window)
            values[0, p] += offset.shift_hz[0]
            values[4, p] = offset.shift_hz[0]
            # Some scanners store ON and OFF half a turn apart; a later addition or subtraction counts on it.
            values[1, p] += np.angle(np.exp(2j * offset.phase_rad[0])) / 2


def _reference_fid(reference: MRSData, data: MRSData, n_coils: int) -> Complex:
    """Return a given reference as (coil, time).

    Raises
    ------
    DataError
        If it is not one FID, or one a coil, of the data's points, dwell time and nucleus.
    """
    name = reference.name or "The reference"
    same = np.isclose(reference.dwelltime_s, data.dwelltime_s, rtol=1e-4)
    if reference.n_points != data.n_points or not same or reference.nucleus != data.nucleus:
        has, needs = (f"{d.n_points} points of {d.dwelltime_s:g} s ({d.nucleus})" for d in (reference, data))
        raise DataError(f"{name} has {has}, the data {needs}; give a reference of the same acquisition.")
    fids = np.moveaxis(reference.fid, TIME_AXIS, -1).reshape(-1, data.n_points)
    if len(fids) not in (1, n_coils) or (len(fids) > 1 and reference.dim_tags != (_COIL,)):
        needs = f"one, or one for each of the {n_coils} coils" if n_coils > 1 else "one"
        raise DataError(f"{name} holds {len(fids)} FIDs; needed is {needs}. Average it first.")
    if (fid_flags(fids) == "nonfinite").any() or (fid_flags(fids) == "zero").all():
        raise DataError(f"{name} is not finite or zero everywhere; give another reference.")
    return np.broadcast_to(fids, (n_coils, data.n_points)).astype(np.complex128)
