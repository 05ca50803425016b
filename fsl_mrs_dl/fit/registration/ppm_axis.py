"""Where the ppm axis stands: creatine, N-acetylaspartate and choline of an average, found together."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import TIME_AXIS, Complex, Estimates, MRSData, Real
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM

LANDMARKS_PPM: Mapping[str, float] = MappingProxyType(
    {"Cr": METHYLS_PPM["Cr"], "NAA": METHYLS_PPM["NAA"], "Cho": 3.210}
)
"""Methyl singlets; of choline the mean of GPC (3.212) and PCh (3.208), of the same table."""
SEARCH_PPM = 0.3
"""How far the axis may be off."""
_ZERO_FILL = 8
_WIDTHS_PPM = (0.02, 0.04, 0.08)  # FWHM of the filters: 2.5, 5 and 10 Hz at 3 T
_BROADER = 4.0  # what is this much broader than the filter is taken off
_LEAST_SNR = 6.0
_APART_PPM = 0.05
_RIVAL = 0.8


def referenced(aligned: MRSData, estimates: Estimates, dim: str) -> tuple[Estimates, str]:
    """Return estimates that also bring the landmarks to their places, and what was done in words.

    Edit conditions share what is found in those that hold all landmarks (of MEGA-PRESS: OFF); every voxel and
    every index of the other dimensions is referenced for itself.

    Parameters
    ----------
    aligned : MRSData
        The data with the estimates taken away.
    estimates : Estimates
    dim : str
        Tag of the dimension of the transients.

    Returns
    -------
    estimates : Estimates
        With the same number added to ``shift_hz`` and ``reference_shift_hz`` of all FIDs of a set.
    said : str
    """
    names = ("x", "y", "z", *aligned.dim_tags)
    sets = [name for name in names if name not in (dim, "DIM_COIL", "DIM_EDIT")]
    inner = [name for name in ("DIM_EDIT", "DIM_COIL", dim) if name in names]
    order = [names.index(name) for name in (*sets, *inner)]
    fids = np.moveaxis(aligned.fid, TIME_AXIS, -1).transpose(*order, len(names))
    usable = (estimates.flag == "").transpose(order)
    moved_hz = np.zeros(estimates.shift_hz.shape)
    ordered = moved_hz.transpose(order)
    found = []
    kept = {name: fids.shape[len(sets) + i] for i, name in enumerate(inner)}
    for index in np.ndindex(fids.shape[: len(sets)]):
        shape = (kept.get("DIM_EDIT", 1), kept.get("DIM_COIL", 1), kept[dim])
        one, good = fids[index].reshape(*shape, -1), usable[index].reshape(shape)
        if not good.any():
            continue
        sums = np.where(good[..., None], one, 0).sum(axis=2, dtype=np.complex128)
        shifts = [hz for hz in (landmark_shift(average, aligned) for average in sums) if hz is not None]
        found.append(bool(shifts))
        ordered[index] = np.mean(shifts) if shifts else 0.0
    together = replace(
        estimates,
        shift_hz=estimates.shift_hz + moved_hz,
        reference_shift_hz=estimates.reference_shift_hz + moved_hz,
    )
    return together, _said(found, moved_hz[moved_hz != 0])


def _said(found: list[bool], moved_hz: Real) -> str:
    names = "Cr NAA Cho"
    if not any(found):
        return f"{names} not found with confidence: the ppm axis is as it was"
    hz = f"{np.median(moved_hz):+.2f} Hz" if moved_hz.size else "0 Hz"
    if len(found) == 1:
        return f"{names} stood {hz} from their places"
    missed = len(found) - sum(found)
    return (
        f"{names} stood {hz} (median) from their places and were not found in {missed} of {len(found)} sets"
    )


def landmark_shift(average: Complex, data: MRSData, search_ppm: float = SEARCH_PPM) -> float | None:
    r"""Return by how much the lines of an average stand downfield of where they belong.

    A filter of a linewidth is run over the spectrum,

    .. math:: F(f) = \sum_t y(t) (e^{-\gamma t} - e^{-4 \gamma t}) e^{-2 \pi i f t}

    which is high where a line is and blind to what is broad. Sought is the shift at which the places of creatine,
    N-acetylaspartate and choline are *all* high, in one phase (the geometric mean of the three is highest); at
    the end lines weigh by their height. Nothing is returned unless all three stand clear of the noise and no
    other shift comes near, nor for data that do not reach these lines.

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
    places_hz = (np.array(list(LANDMARKS_PPM.values())) - data.reference_ppm) * mhz
    if (np.abs(places_hz) + search_ppm * mhz).max() > 0.5 / data.dwelltime_s:
        return None
    places = np.round(places_hz / step_hz).astype(int)
    moves = np.arange(-most, most + 1)
    best: tuple[float, float] | None = None
    for width_ppm in _WIDTHS_PPM:
        filtered = _filtered(_together(average), width_ppm * mhz, data.dwelltime_s, n_filled)
        around = filtered[(places[:, None] + moves) % n_filled]
        found = _highest(around, _noise(filtered), round(_APART_PPM * mhz / step_hz))
        if found is not None and (best is None or found[0] > best[0]):
            rounded_hz = _mean_by_height(places * step_hz - places_hz, around[:, round(found[1] + most)])
            best = found[0], found[1] * step_hz + rounded_hz
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
