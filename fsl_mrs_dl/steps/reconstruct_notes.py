"""Warnings of ``reconstruct`` about its input: water, filtered or denoised FIDs, frequencies that differ."""

from typing import TYPE_CHECKING

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.steps.removed_noise import is_denoised

if TYPE_CHECKING:
    from fsl_mrs_dl.fit.reconstruction import Sets

_LOOKED_AT = 8  # FIDs, the strongest, which take a second at most
_STRONG_WATER = 2.0
"""Height of water over the highest metabolite from which on its tails lie under the metabolites."""
_TAIL = 8  # the last eighth of an FID, where little signal is left
_LEAST_TAIL = 0.5
"""Noise of the last points over that of the spectrum below which it was filtered: white noise has 1 within 5 %."""
_LEAST_HEIGHT = 6.0  # over the noise: of 2048 points of noise alone, the highest is 4 times the RMS
_APART = 0.5  # of the width of a line: transients that differ more do not have the same lines


def input_notes(data: MRSData, sets: "Sets", fwhm_hz: float) -> list[str]:
    """Return warnings about the input, one text each; empty if there are none.

    Parameters
    ----------
    data : MRSData
    sets : Sets
        Its FIDs, in units of the noise.
    fwhm_hz : float
        Width of the lines.
    """
    strongest = np.argsort(-np.where(sets.usable, np.abs(sets.fids[:, :, :16]).sum(axis=-1), 0), axis=None)
    rows = [row for row in strongest[:_LOOKED_AT] if sets.usable.ravel()[row]]
    fids = sets.fids.reshape(-1, data.n_points)[rows].astype(np.complex128)
    notes = [
        _denoised(data),
        _filtered(fids[:, : sets.n_measured]),
        _water(data, fids),
        _unaligned(data, sets, fwhm_hz),
    ]
    return [f"WARNING: {note}" for note in notes if note]


def _denoised(data: MRSData) -> str:
    if not is_denoised(data):
        return ""
    return (
        "these FIDs are denoised already. Their noise is what is left of it, so that too many lines pass; give "
        "the file from before that."
    )


def _filtered(fids: Complex) -> str:
    """Warn of FIDs whose noise falls towards their end (filtered); noise in units of that of the spectrum."""
    tail = fids[:, -fids.shape[1] // _TAIL :]
    level = float(np.median(np.sqrt((np.abs(tail) ** 2).mean(axis=1) / 2)))
    if level >= _LEAST_TAIL:
        return ""
    return (
        f"the noise of the last points is {100 * level:.0f} % of that of the spectrum: the FIDs were apodised, or "
        "have no noise. The penalty assumes white noise; give FIDs without a filter."
    )


def _water(data: MRSData, fids: Complex) -> str:
    """Warn of residual water."""
    from fsl_mrs_dl.fit.residual_water import WATER_PLACE_PPM, find_water

    if data.nucleus not in WATER_PLACE_PPM:
        return ""
    waters = [water for water in find_water(data, fids) if water is not None and water.height > _STRONG_WATER]
    if not waters:
        return ""
    height, ppm = (float(np.median([getattr(water, name) for water in waters])) for name in ("height", "ppm"))
    return (
        f"residual water at {ppm:.2f} ppm is {height:.3g} times as high as the highest metabolite, and many lines "
        "are spent on its tails. Run `remove` before."
    )


def _unaligned(data: MRSData, sets: "Sets", fwhm_hz: float) -> str:
    """Warn of a set of FIDs whose highest lines are at different frequencies (not aligned)."""
    if sets.shape[-1] == 1:
        return ""
    size = np.where(sets.usable, np.abs(sets.fids[:, :, :16]).sum(axis=-1), 0)
    row = int(size.sum(axis=1).argmax())
    places = _places_hz(sets.fids[row][sets.usable[row]], data.dwelltime_s, fwhm_hz)
    if len(places) < 2:
        return ""
    low, high = np.quantile(places, [0.1, 0.9])
    if high - low <= _APART * fwhm_hz:
        return ""
    return (
        f"the highest lines of the FIDs along {sets.dim} are {high - low:.1f} Hz apart (10th to 90th percentile), "
        f"and lines are {fwhm_hz:.1f} Hz wide: FIDs that share lines must be aligned. Run `align` first."
    )


def _places_hz(fids: Complex, dwelltime_s: float, fwhm_hz: float) -> Real:
    """Return the frequency of the highest line of each FID that has one, under the matched filter."""
    n = fids.shape[-1]
    weight = np.exp(-np.pi * fwhm_hz * dwelltime_s * np.arange(n))
    height = np.abs(np.fft.fft(fids * weight, 4 * n, axis=-1)) / np.linalg.norm(weight)
    hz = np.fft.fftfreq(4 * n, dwelltime_s)[height.argmax(axis=-1)]
    places: Real = hz[height.max(axis=-1) / np.sqrt(2) > _LEAST_HEIGHT]
    return places
