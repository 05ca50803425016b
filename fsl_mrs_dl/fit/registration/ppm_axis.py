"""Set the ppm axis by creatine, N-acetylaspartate and choline of an average, searched together."""

from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.physics.landmarks import SINGLETS_PPM

SEARCH_PPM = 0.3
"""Largest error of the chemical-shift axis, in ppm, by a carrier set by hand and the shim."""
_ZERO_FILL = 8
"""The spectrum is sampled this many times finer than the DFT bins."""
_WIDTHS_PPM = (0.02, 0.04, 0.08)
"""Widths (FWHM) of the filters, in ppm: 2.5, 5 and 10 Hz at 3 T."""
_BROADER = 4.0
"""Lines this many times broader than the filter are removed: macromolecules and the foot of water."""
_LEAST_SNR = 6.0
"""Least height of each landmark, in SDs of the noise: among thousands of points noise reaches 4."""
_APART_PPM = 0.05
"""Two shifts closer than this, in ppm, are one: about the width of a line."""
_RIVAL = 0.8
"""Highest score of another shift, relative to the best, at which the best is certain."""


def set_ppm_axis(aligned: MRSData, estimates: Estimates, dim: str) -> tuple[Estimates, str]:
    """Return estimates that also move the landmarks to their places, and a sentence for the record.

    Edit conditions share the shift of those that hold all landmarks (of MEGA-PRESS: OFF); every voxel and
    every index of the other dimensions has a shift of its own.

    Parameters
    ----------
    aligned : MRSData
        The data, corrected by the estimates.
    estimates : Estimates
    dim : str
        Tag of the dimension of the transients.

    Returns
    -------
    estimates : Estimates
        With the same number added to ``shift_hz`` and ``reference_shift_hz`` of all FIDs of a set.
    sentence : str
    """
    names = ("x", "y", "z", *aligned.dim_tags)
    sets = [name for name in names if name not in (dim, "DIM_COIL", "DIM_EDIT")]
    inner = [name for name in ("DIM_EDIT", "DIM_COIL", dim) if name in names]
    order = [names.index(name) for name in (*sets, *inner)]
    fids = np.moveaxis(aligned.fid, TIME_AXIS, -1).transpose(*order, len(names))
    usable = (estimates.flag == "").transpose(order)
    moved_hz = np.zeros(estimates.shift_hz.shape)
    ordered = moved_hz.transpose(order)
    has_landmarks = []  # in each set: whether there are landmarks
    sizes = {name: fids.shape[len(sets) + i] for i, name in enumerate(inner)}
    for index in np.ndindex(fids.shape[: len(sets)]):
        shape = (sizes.get("DIM_EDIT", 1), sizes.get("DIM_COIL", 1), sizes[dim])
        transients, good = fids[index].reshape(*shape, -1), usable[index].reshape(shape)
        if not good.any():
            continue
        sums = np.where(good[..., None], transients, 0).sum(axis=2, dtype=np.complex128)
        shifts = [hz for hz in (landmark_shift(average, aligned) for average in sums) if hz is not None]
        has_landmarks.append(bool(shifts))
        ordered[index] = np.mean(shifts) if shifts else 0.0
    moved = replace(
        estimates,
        shift_hz=estimates.shift_hz + moved_hz,
        reference_shift_hz=estimates.reference_shift_hz + moved_hz,
    )
    return moved, _sentence(has_landmarks, moved_hz[moved_hz != 0])


def _sentence(has_landmarks: list[bool], moved_hz: Real) -> str:
    """Return the sentence for the record.

    Parameters
    ----------
    has_landmarks : list of bool
        Whether each set has landmarks.
    moved_hz : ndarray, float
        Shifts of all FIDs that were moved, in Hz.
    """
    names = "Cr NAA Cho"
    if not any(has_landmarks):
        return f"{names} not found with confidence: the ppm axis is as it was"
    hz = f"{np.median(moved_hz):+.2f} Hz" if moved_hz.size else "0 Hz"
    if len(has_landmarks) == 1:
        return f"{names} stood {hz} from their places"
    n_sets = len(has_landmarks)
    missed = n_sets - sum(has_landmarks)
    return f"{names} stood {hz} (median) from their places and were not found in {missed} of {n_sets} sets"


def landmark_shift(average: Complex, data: MRSData, search_ppm: float = SEARCH_PPM) -> float | None:
    r"""Return how far downfield of their places the lines of an average lie.

    The spectrum is filtered to a linewidth,

    .. math:: F(f) = \sum_t y(t) (e^{-\gamma t} - e^{-4 \gamma t}) e^{-2 \pi i f t}

    which is high where there is a line and blind to broad signals. The result is the shift at which the places of
    creatine, N-acetylaspartate and choline are *all* high, in one phase (the geometric mean of the three is
    highest); at the end lines count by their height. The result is None unless all three are clear of the noise
    and no other shift scores nearly as high, and for data that do not reach these lines.

    Parameters
    ----------
    average : ndarray, complex, shape (coil, time)
        Aligned transients, averaged.
    data : MRSData
        Gives the axis.
    search_ppm : float
        How far the lines may be off.

    Returns
    -------
    float or None
        In Hz; None where the landmarks are not found with confidence.
    """
    if data.nucleus != "1H" or not average.any():
        return None
    n_filled = _ZERO_FILL * average.shape[-1]
    step_hz = 1 / (n_filled * data.dwelltime_s)
    mhz = data.spectrometer_frequency_mhz
    most = round(search_ppm * mhz / step_hz)
    places_hz = (np.array(list(SINGLETS_PPM.values())) - data.reference_ppm) * mhz
    if (np.abs(places_hz) + search_ppm * mhz).max() > 0.5 / data.dwelltime_s:
        return None
    places = np.round(places_hz / step_hz).astype(int)
    moves = np.arange(-most, most + 1)
    best: tuple[float, float] | None = None
    for width_ppm in _WIDTHS_PPM:
        filtered = _filtered(_together(average), width_ppm * mhz, data.dwelltime_s, n_filled)
        around = filtered[(places[:, None] + moves) % n_filled]
        peak = _highest(around, _noise(filtered), round(_APART_PPM * mhz / step_hz))
        if peak is not None and (best is None or peak[0] > best[0]):
            rounded_hz = _mean_by_height(places * step_hz - places_hz, around[:, round(peak[1] + most)])
            best = peak[0], peak[1] * step_hz + rounded_hz
    return None if best is None else float(best[1])


def _together(average: Complex) -> Complex:
    """Return the coils added up by the first singular vector, shape (time,)."""
    added: Complex = average[0]
    if len(average) > 1:
        added = np.linalg.svd(average, full_matrices=False)[0][:, 0].conj() @ average
    return added


def _filtered(fid: Complex, width_hz: float, dwelltime_s: float, n_filled: int) -> Complex:
    """Return the filtered spectrum, zero frequency first."""
    gamma = np.pi * width_hz
    narrow, broad = (damp(fid, rate, 0.0, dwelltime_s) for rate in (gamma, _BROADER * gamma))
    spectrum: Complex = np.fft.fft(narrow - broad, n_filled)
    return spectrum


def _noise(filtered: Complex) -> float:
    """Return the SD of a channel of the filtered spectrum, from the quieter half of the band."""
    power = np.sort(np.abs(filtered) ** 2)
    # The median of the lower half of |noise|^2 is its first quartile, -ln(3/4) of the mean 2 s^2.
    return float(np.sqrt(power[len(power) // 4] / (2 * np.log(4 / 3))))


def _highest(around: Complex, noise: float, apart: int) -> tuple[float, float] | None:
    """Return the score and the shift, in bins, at which all places are high; None without confidence."""
    turned = around * np.exp(-1j * np.angle(around.sum(axis=0)))
    heights = np.maximum(turned.real, 0.0)
    score = np.cbrt(heights.prod(axis=0)) / noise
    best = int(np.argmax(score))
    others = np.delete(score, slice(max(best - apart, 0), best + apart + 1))
    edge = not 0 < best < len(score) - 1
    if edge or heights[:, best].min() < _LEAST_SNR * noise or others.max(initial=0.0) > _RIVAL * score[best]:
        return None
    weight = heights[:, best] / heights[:, best].sum()
    near = np.abs(weight @ around[:, best - 1 : best + 2])
    while 0 < best < len(score) - 1 and near.argmax() != 1:
        best += int(near.argmax()) - 1
        near = np.abs(weight @ around[:, max(best - 1, 0) : best + 2])
        if len(near) < 3:
            return None
    between = 0.5 * (near[2] - near[0]) / (2 * near[1] - near[0] - near[2])
    return float(score[best]), best + float(between) - len(score) // 2


def _mean_by_height(values: Real, around: Complex) -> float:
    weight = np.abs(around)
    return float(weight @ values / weight.sum())
