"""Prepare an alignment for display: one voxel, coils combined, transients by condition, before and after."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, TIME_AXIS, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.physics import fid_to_spectrum, phase, ppm_axis, ppm_window, spectrum_to_fid
from fsl_mrs_dl.physics.coils import coil_products, combine, sensitivities
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM
from fsl_mrs_dl.scores import Peak, noise_sd, peak_linewidth_hz, phase_difference, similarity_index

SHOWN_1H_PPM = (0.2, 4.2)
"""Range of a figure of 1H, in ppm: metabolites and lipids, without water."""
SINGLETS_1H = {"Creatine": METHYLS_PPM["Cr"], "NAA": METHYLS_PPM["NAA"]}
"""Lines whose width is shown, with their chemical shift in ppm."""
_PHASING_PPM = 0.08  # half width of the highest line, over which its phase is averaged
_SEARCH_PPM = 0.08
"""Alignment keeps the mean shift of a scan, which may be several hundredths of a ppm."""
_ZERO_FILLING = 4  # factor; a curve then looks smooth


class AlignResult(Protocol):
    """Result of ``align`` for a page; a ``StepResult`` is one."""

    @property
    def data(self) -> MRSData:
        """The result, averaged or not."""

    @property
    def aligned(self) -> MRSData | None:
        """The transients before a final averaging, if there was one."""

    @property
    def estimates(self) -> Estimates | None:
        """Shift and phase of the input's FIDs."""

    @property
    def settled(self) -> Mapping[str, Any]:
        """Settings that the step chose: ``rejected`` (indices), ``axis`` (a sentence)."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Transients of one voxel, on the DFT bins of the file.

    Attributes
    ----------
    spectra : ndarray, complex, shape (condition, transient, frequency)
    usable : ndarray, bool, shape (condition, transient)
        False where the FID is not finite, or zero everywhere.
    """

    spectra: Complex
    usable: NDArray[np.bool_]

    @property
    def average(self) -> Complex:
        """Mean of the usable transients, shape (condition, frequency)."""
        total = np.where(self.usable[..., None], self.spectra, 0).sum(axis=1)
        mean: Complex = total / np.maximum(self.usable.sum(axis=1), 1)[:, None]
        return mean

    def similarity(self, inside: NDArray[np.bool_]) -> Real:
        """Return the similarity index of each condition, shape (condition,); NaN without usable transients."""
        indices = [
            similarity_index(spectra[usable][:, inside]) if usable.any() else np.nan
            for spectra, usable in zip(self.spectra, self.usable, strict=True)
        ]
        return np.array(indices, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class AlignView:
    """Data of the figures of an alignment.

    Attributes
    ----------
    before, after : Stack
        With one common phase correction, so that the highest singlet of the corrected average is in absorption.
    ppm : ndarray, float, shape (frequency,)
    inside, shown : ndarray, bool, shape (frequency,)
        The alignment window, and the range of the figures.
    conditions : tuple of str
        Names along the first axis; one empty name if there is only one condition.
    estimates : Estimates
        Arrays of shape (condition, transient); phases wrapped about their circular mean.
    voxel : tuple of int
        The voxel shown.
    notes : tuple of str
        Sentences on the voxel, coils and phase that are shown.
    data : MRSData
        The input, for its axes and header.
    """

    before: Stack
    after: Stack
    ppm: Real
    inside: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    conditions: tuple[str, ...]
    estimates: Estimates
    voxel: tuple[int, int, int]
    notes: tuple[str, ...]
    data: MRSData

    @property
    def edit_sign(self) -> int:
        """Factor of the second edit condition in the difference spectrum; 0 if there are not exactly two.

        Usually -1. It is 1 where the scanner turns the receiver by 180 degrees for one condition: then the sum of
        the two FIDs is the difference of their spectra.
        """
        if "DIM_EDIT" not in self.data.dim_tags or len(self.conditions) != 2:
            return 0
        return -1 if self.signs[1] > 0 else 1

    @property
    def signs(self) -> Real:
        """1 for each condition with the sign of the first, -1 for the others; shape (condition,)."""
        averages = self.after.average[:, self.inside]
        signs: Real = np.where((averages @ averages[0].conj()).real < 0, -1.0, 1.0)
        return signs

    def curve(self, spectrum: Complex) -> tuple[Real, Real]:
        """Return chemical shifts and real part of spectra to draw as a line, zero-filled four times."""
        n = self.ppm.size
        fid = spectrum_to_fid(spectrum)
        filled = fid_to_spectrum(np.concatenate([fid, *[np.zeros_like(fid)] * (_ZERO_FILLING - 1)], axis=-1))
        axes = (self.data.dwelltime_s, self.data.spectrometer_frequency_mhz, self.data.reference_ppm)
        ppm = ppm_axis(_ZERO_FILLING * n, *axes)
        low, high = self.ppm[self.shown][[0, -1]]
        shown = ppm_window(ppm, (low, high))
        return ppm[shown], math.sqrt(_ZERO_FILLING) * filled.real[..., shown]

    def linewidths(self, stack: Stack) -> dict[tuple[str, str], Peak]:
        """Return the singlets of the averages by (condition, name)."""
        singlets = [_singlets(average, self.data) for average in stack.average]
        pairs = zip(self.conditions, singlets, strict=True)
        return {(condition, name): peak for condition, peaks in pairs for name, peak in peaks.items()}


def view_alignment(
    before: MRSData, result: AlignResult, dim: str = "DIM_DYN", limits_ppm: tuple[float, float] | None = None
) -> AlignView:
    """Prepare an alignment for display.

    Parameters
    ----------
    before : MRSData
        The step's input.
    result : AlignResult
    dim : str
        Tag of the aligned dimension.
    limits_ppm : tuple of float, optional
        The alignment window; the nucleus's by default.

    Returns
    -------
    AlignView
    """
    nucleus = NUCLEI.get(before.nucleus)
    inside = ppm_window(before.ppm_axis, limits_ppm or (nucleus.ppm_window if nucleus else None))
    shown = np.ones_like(inside)
    if before.nucleus == "1H":
        edges = [*SHOWN_1H_PPM, *(before.ppm_axis[inside][[0, -1]] if limits_ppm else ())]
        shown = ppm_window(before.ppm_axis, (min(edges), max(edges)))
    voxel, notes = _strongest_voxel(before, inside)
    after = result.data if result.aligned is None else result.aligned
    rejected = tuple(result.settled.get("rejected", ()))
    ordered = [_in_order(data, voxel, dim) for data in (before, after)]
    ordered[1] = _with_gaps(ordered[1], rejected)
    stacks, combined = _combined(ordered, before)
    turn = _display_phase(stacks[1].average[0], before, inside)
    stacks = [Stack(phase(stack.spectra, -turn), stack.usable) for stack in stacks]
    notes += [
        *_rejection_note(rejected),
        *combined,
        f"All spectra are turned by {-np.degrees(turn):.0f} degrees for display.",
    ]
    return AlignView(
        before=stacks[0],
        after=stacks[1],
        ppm=before.ppm_axis,
        inside=inside,
        shown=shown,
        conditions=_condition_names(before, dim),
        estimates=voxel_estimates(before, result.estimates, voxel, dim),
        voxel=voxel,
        notes=tuple(notes),
        data=before,
    )


def _singlets(average: Complex, data: MRSData) -> dict[str, Peak]:
    """Return the fitted singlets of an averaged spectrum by name."""
    if data.nucleus != "1H":
        return {}
    where = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm)
    fid = spectrum_to_fid(average)
    return {
        name: peak_linewidth_hz(fid, *where, centre, search_ppm=_SEARCH_PPM)
        for name, centre in SINGLETS_1H.items()
    }


def _strongest_voxel(data: MRSData, inside: NDArray[np.bool_]) -> tuple[tuple[int, int, int], list[str]]:
    """Return the voxel with most signal in the window, and a note if there was a choice."""
    if np.prod(data.fid.shape[:3]) == 1:
        return (0, 0, 0), []
    first = data.fid.reshape(*data.fid.shape[:4], -1)[..., 0]
    energy = np.nan_to_num(np.sum(np.abs(fid_to_spectrum(first)[..., inside]) ** 2, axis=-1))
    x, y, z = (int(i) for i in np.unravel_index(np.argmax(energy), energy.shape))
    return (x, y, z), [f"Shown is voxel ({x}, {y}, {z}), the one with most signal in the window (0-based)."]


def _in_order(data: MRSData, voxel: tuple[int, int, int], dim: str) -> Complex:
    """Return the FIDs of a voxel, shape (condition, transient, coil, time)."""
    fids = np.moveaxis(data.fid[voxel], 0, -1)
    return _by_condition(fids, data.dim_tags, dim, n_trailing=1)


def _with_gaps(fids: Complex, rejected: tuple[int, ...]) -> Complex:
    """Return FIDs, (condition, transient, coil, time), with zeros for transients that were left out."""
    whole = np.zeros((fids.shape[0], fids.shape[1] + len(rejected), *fids.shape[2:]), dtype=fids.dtype)
    whole[:, np.setdiff1d(np.arange(whole.shape[1]), rejected)] = fids
    return whole


def _rejection_note(rejected: tuple[int, ...]) -> list[str]:
    if not rejected:
        return []
    if len(rejected) == 1:
        return [f"Transient {rejected[0]} is left out of the result (0-based)."]
    names = f"{', '.join(map(str, rejected[:-1]))} and {rejected[-1]}"
    return [f"Transients {names} are left out of the result (0-based)."]


def _by_condition(array: NDArray[Any], tags: tuple[str, ...], dim: str, n_trailing: int) -> NDArray[Any]:
    """Sort axes named by tags into (condition, transient, coil, *trailing)."""
    array = array.reshape(*array.shape, *([1] * (2 - len({dim, "DIM_COIL"} & set(tags)))))
    axes = list(range(array.ndim))
    trailing = axes[len(tags) : len(tags) + n_trailing]
    spare = axes[len(tags) + n_trailing :]
    transient = tags.index(dim) if dim in tags else spare.pop()
    coil = tags.index("DIM_COIL") if "DIM_COIL" in tags else spare.pop()
    conditions = [axis for axis in axes[: len(tags)] if axis not in (transient, coil)]
    array = array.transpose(*conditions, transient, coil, *trailing)
    return array.reshape(-1, *array.shape[len(conditions) :])


def _combined(ordered: list[Complex], before: MRSData) -> tuple[list[Stack], list[str]]:
    """Combine coils by the weights of the uncorrected FIDs and return spectra."""
    usable = [np.isfinite(fids).all(axis=-1) & (fids != 0).any(axis=-1) for fids in ordered]
    if ordered[0].shape[2] == 1:
        pairs = zip(ordered, usable, strict=True)
        return [Stack(fid_to_spectrum(fids[:, :, 0]), good[:, :, 0]) for fids, good in pairs], []
    n_coils = ordered[0].shape[2]
    flat, mask = ordered[0].reshape(-1, n_coils, before.n_points), usable[0].reshape(-1, n_coils)
    sd = np.array([_coil_noise(flat[mask[:, c], c], before) for c in range(n_coils)])
    covariance = np.diag(sd**2).astype(np.complex128)
    sensitivity = sensitivities(coil_products(flat, mask), covariance)
    stacks = []
    for fids, good in zip(ordered, usable, strict=True):
        one = combine(fids.reshape(-1, *fids.shape[2:]), good.reshape(-1, n_coils), sensitivity, covariance)
        spectra = fid_to_spectrum(one.reshape(*fids.shape[:2], -1))
        stacks.append(Stack(spectra, good.any(axis=-1) & (spectra != 0).any(axis=-1)))
    return stacks, [f"Shown is the noise-weighted combination of {n_coils} coils (first singular vector)."]


def _coil_noise(fids: Complex, data: MRSData) -> float:
    """Return the noise SD of a coil, its weight; 1 without usable FIDs or noise."""
    if not len(fids):
        return 1.0
    return float(np.median(noise_sd(fids, data.ppm_axis, data.nucleus))) or 1.0


def _display_phase(average: Complex, data: MRSData, inside: NDArray[np.bool_]) -> float:
    """Return the phase of the highest fitted singlet, or else of the sum over the highest bins."""
    peaks = [peak for peak in _singlets(average, data).values() if peak.height_sd > 0]
    if peaks:
        return max(peaks, key=lambda peak: peak.height_sd).phase_rad
    ppm = data.ppm_axis
    top = ppm[np.argmax(np.where(inside, np.abs(average), -1))]
    return float(np.angle(average[np.abs(ppm - top) <= _PHASING_PPM].sum()))


def _condition_names(data: MRSData, dim: str) -> tuple[str, ...]:
    tags = [tag for tag in data.dim_tags if tag not in (dim, "DIM_COIL")]
    each = []
    for tag in tags:
        size = data.fid.shape[data.axis(tag)]
        values = (data.dim_headers.get(tag, {}).get("header") or {}).get("EditCondition")
        if isinstance(values, list) and len(values) == size and all(isinstance(name, str) for name in values):
            each.append(list(values))
        else:
            each.append([f"{tag} {i}" for i in range(size)])
    names = tuple(", ".join(parts) for parts in itertools.product(*each))
    return names if len(names) > 1 else ("",)


def voxel_estimates(
    data: MRSData, estimates: Estimates | None, voxel: tuple[int, int, int], dim: str
) -> Estimates:
    """Return the estimates of one voxel, of shape (condition, transient), phases about their mean."""
    if estimates is None:
        estimates = Estimates.empty(data.fid.shape[:TIME_AXIS] + data.fid.shape[TIME_AXIS + 1 :])

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        return _by_condition(values[voxel], data.dim_tags, dim, n_trailing=0)

    # All coils have the same estimate, except a broken one, which has none: take the first that is not flagged.
    sound = np.argmax(ordered(estimates.usable), axis=-1)[..., None]

    def of_transient(values: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(ordered(values), sound, axis=-1)[..., 0]

    phase_rad = of_transient(estimates.phase_rad)
    middle = np.angle(np.nansum(np.exp(1j * phase_rad), axis=1, keepdims=True))
    return Estimates(
        shift_hz=of_transient(estimates.shift_hz),
        phase_rad=middle + phase_difference(phase_rad, middle),
        shift_hz_sd=of_transient(estimates.shift_hz_sd),
        phase_rad_sd=of_transient(estimates.phase_rad_sd),
        reference_shift_hz=of_transient(estimates.reference_shift_hz),
        flag=of_transient(estimates.flag),
    )
