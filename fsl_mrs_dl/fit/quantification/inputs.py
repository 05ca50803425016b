"""Check inputs that can be read but are of a wrong kind: warn of them, or refuse them, before and after a fit."""

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import NUCLEI, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.lcm import Baseline
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.fit.quantification.criteria import WATER_ALONE
from fsl_mrs_dl.fit.residual_water import SEARCH_PPM, WATER_PLACE_PPM, find_water, lines_between
from fsl_mrs_dl.io.results import Outcome
from fsl_mrs_dl.physics import damp, fid_to_spectrum, ppm_window
from fsl_mrs_dl.physics.hsvd import band_signal
from fsl_mrs_dl.physics.landmarks import SINGLETS_PPM

_WATER_PLACE_PPM = WATER_PLACE_PPM["1H"]
_WATER_PEAK_PPM = (_WATER_PLACE_PPM - SEARCH_PPM, _WATER_PLACE_PPM + SEARCH_PPM)
_METABOLITES_PPM = (1.5, 3.4)
"""Region of the metabolites in ppm: from below NAA to above choline, beside lipids and the tail of water."""
_LEAST_WATER = 10.0
"""Height of water over the metabolites' region, from which a scan may be a water reference. In tissue it is 500
and more."""
_MOST_SPECTRA = 64
"""Number of spectra that are checked, evenly spread over the voxels: enough for a median."""
_WATER_SPECTRA = 3
"""Number of spectra, those of the highest water, in which HSVD separates the water; HSVD of all is slow."""
_TALL = 2.0
"""Height of water over the metabolites, below which its tail is not separated: a lower one is small."""
LARGEST_TAIL = 0.1
"""Share of water in the window's energy, without the baseline, from which a warning is printed."""
_WATER_REACH_PPM = 0.6
"""Half-width of the band that HSVD takes for water, in ppm: the lines of an uneven shim lie in it."""
_MATCHED_PPM = 0.03
"""Width (FWHM) of the filter, in ppm: that of a line of the brain, which is then highest over the noise."""
_BESIDE_PPM = {"NAA": 0.2, "Cr": 0.1, "Cho": 0.1}
"""Metabolite -> distance of the places beside its methyl line at which there is no line, in ppm."""
_FAR_PPM = (-0.5, 7.5)
"""Limits in ppm, outside of which a 1H spectrum of the brain is noise alone."""
_STANDS_OUT = 1.35
"""Height of a methyl line over the spectrum beside it, from which it is a line."""
_TISSUE_WATER = 500.0
"""Smallest height of the water of tissue over NAA: 2 x 40 mol/kg of protons of water against 3 x 0.01 of NAA, of
longer T2, make about 1000 and more."""


def _some(data: MRSData, voxels: NDArray[np.intp]) -> Complex:
    """Return usable FIDs of at most 64 voxels, evenly spread, (S, time)."""
    fids: Complex = data.fid[tuple(voxels[:: max(1, len(voxels) // _MOST_SPECTRA)].T)].astype(np.complex128)
    good: Complex = fids[fid_flags(fids) == ""]
    return good


def check_water_reference(water: MRSData, voxels: NDArray[np.intp]) -> None:
    """Refuse a water reference in which water does not stand out.

    Parameters
    ----------
    water : MRSData
        One FID a voxel.
    voxels : ndarray, int, shape (V, 3)

    Raises
    ------
    OptionError
        If its highest line around 4.65 ppm is less than ten times as high as the metabolites' region.
    """
    fids = _some(water, voxels)
    if not len(fids):
        return
    height = np.abs(fid_to_spectrum(fids)).mean(axis=0)
    peak = height[ppm_window(water.ppm_axis, _WATER_PEAK_PPM)].max()
    other = height[ppm_window(water.ppm_axis, _METABOLITES_PPM)].max()
    if peak < _LEAST_WATER * other:
        raise OptionError(
            f"{water.name or 'The water reference'} has a line at 4.65 ppm {peak / max(other, 1e-300):.1f} times "
            "as high as at the metabolites; --h2o needs a scan without water suppression."
        )


def metabolites_in_water(water: MRSData, voxels: NDArray[np.intp]) -> bool:
    """Return whether a water reference looks like a scan of metabolites with weak water suppression.

    It does if, after HSVD has removed the water, NAA, creatine and choline each stand out of the spectrum beside
    them, and the water is less than 500 times as high as NAA: tissue has more. The up to three spectra of the
    highest water are checked, and more than half must agree.

    Parameters
    ----------
    water : MRSData
        One FID a voxel.
    voxels : ndarray, int, shape (V, 3)
    """
    fids = _some(water, voxels)
    near = ppm_window(water.ppm_axis, _WATER_PEAK_PPM)
    if water.nucleus != "1H" or not len(fids) or not near.any():
        return False
    heights = np.abs(fid_to_spectrum(fids))[:, near]
    rows = np.argsort(-heights.max(axis=1))[:_WATER_SPECTRA]
    places = water.ppm_axis[near][heights[rows].argmax(axis=1)]
    votes = [_shows_methyls(water, fids[row], ppm) for row, ppm in zip(rows, places, strict=True)]
    return 2 * sum(votes) > len(votes)


def looks_like_water(data: MRSData, voxels: NDArray[np.intp]) -> bool:
    """Return whether data look like water alone, by the signal that remains when HSVD removes the water.

    They do if the water is :data:`~fsl_mrs_dl.fit.quantification.criteria.WATER_ALONE` times as high as the
    highest remaining line from 1.5 to 3.4 ppm. Up to three spectra are checked, and more than half must agree.

    Parameters
    ----------
    data : MRSData
        One FID a voxel.
    voxels : ndarray, int, shape (V, 3)
    """
    fids = _some(data, voxels)
    near = ppm_window(data.ppm_axis, _WATER_PEAK_PPM)
    inside = ppm_window(data.ppm_axis, _METABOLITES_PPM)
    if data.nucleus != "1H" or not len(fids) or not near.any() or not inside.any():
        return False
    height = np.abs(fid_to_spectrum(fids))
    over = height[:, near].max(axis=1) / np.maximum(height[:, inside].max(axis=1), np.finfo(float).tiny)
    votes = []
    for row in np.argsort(-over)[:_WATER_SPECTRA]:
        if over[row] < _LEAST_WATER:
            votes.append(False)
            continue
        place = data.ppm_axis[near][height[row, near].argmax()]
        ends = (place - _WATER_REACH_PPM, place + _WATER_REACH_PPM)
        low, high = ((ppm - data.reference_ppm) * data.spectrometer_frequency_mhz for ppm in ends)
        rest = fids[row] - band_signal(fids[row], data.dwelltime_s, (low, high))
        left = np.abs(fid_to_spectrum(rest))[inside].max()
        votes.append(bool(height[row, near].max() > WATER_ALONE * left))
    return 2 * sum(votes) > len(votes)


def _shows_methyls(water: MRSData, fid: Complex, water_ppm: float) -> bool:
    """Return whether NAA, Cr and Cho stand out of a spectrum beside its water, as they do in the brain."""
    mhz, dwelltime_s = water.spectrometer_frequency_mhz, water.dwelltime_s
    ends = (water_ppm - _WATER_REACH_PPM, water_ppm + _WATER_REACH_PPM)
    low, high = ((ppm - water.reference_ppm) * mhz for ppm in ends)
    rest = fid - band_signal(fid, dwelltime_s, (low, high))
    matched = damp(np.stack([rest, fid]), np.pi * _MATCHED_PPM * mhz, 0.0, dwelltime_s)
    height, whole = np.abs(fid_to_spectrum(matched))
    ppm = water.ppm_axis - water_ppm + NUCLEI["1H"].reference_ppm
    far = height[(ppm < _FAR_PPM[0]) | (ppm > _FAR_PPM[1])]
    noise = float(np.median(far)) if len(far) else 0.0  # a narrow band has no room without signal
    peaks, beside = [], []
    for name, apart in _BESIDE_PPM.items():
        place = SINGLETS_PPM[name]
        peaks.append(height[np.abs(ppm - place) < 0.05].max(initial=0.0))
        sides = [height[np.abs(ppm - place - side) < 0.04] for side in (-apart, apart)]
        beside.append(max(np.mean([np.median(side) if len(side) else np.inf for side in sides]), noise))
    stands_out = np.array(peaks) > _STANDS_OUT * np.array(beside)
    return bool(stands_out.all() and whole.max() < _TISSUE_WATER * peaks[0])


def water_tail(
    data: MRSData, voxels: NDArray[np.intp], window: tuple[float, float], baseline: Baseline
) -> float:
    """Return the largest share of residual water in the energy of the window, without the baseline's part.

    The water is the signal that ``remove`` would remove, in the up to three spectra in which it is highest.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
    window : tuple of float
        In ppm.
    baseline : Baseline

    Returns
    -------
    float
        0 if no line of water is twice as high as the metabolites, if the window includes the place of water, or
        if the nucleus is not 1H.
    """
    fids = _some(data, voxels)
    inside = ppm_window(data.ppm_axis, window)
    if data.nucleus != "1H" or not len(fids) or max(window) > _WATER_PLACE_PPM:
        return 0.0
    waters = [
        (water, fid) for water, fid in zip(find_water(data, fids), fids, strict=True) if water is not None
    ]
    waters = sorted(waters, key=lambda each: -each[0].height)[:_WATER_SPECTRA]
    curves, share = smoother(baseline, int(inside.sum()))

    def energy(bins: Complex) -> Real:
        left: Real = np.abs(bins - (share * (bins @ curves)) @ curves.T) ** 2
        total: Real = left.sum(axis=-1)
        return total

    largest = 0.0
    for water, fid in waters:
        if water.height > _TALL:
            tail = fid_to_spectrum(lines_between(data, fid, water.band_ppm))[inside]
            rest = fid_to_spectrum(fid)[inside] - tail
            # The energy of a window may be zero.
            whole = np.maximum(energy(tail) + energy(rest), np.finfo(float).tiny)
            largest = max(largest, float(energy(tail) / whole))
    return largest


def water_height(data: MRSData, fids: Complex) -> float:
    """Return the height of residual water over the metabolites, median over spectra.

    Parameters
    ----------
    data : MRSData
        For the axis and the nucleus.
    fids : ndarray, complex, shape (V, time)

    Returns
    -------
    float
        0 if no water stands out, or the nucleus is not 1H.
    """
    fids = fids[fid_flags(fids) == ""]
    if data.nucleus != "1H" or not len(fids):
        return 0.0
    waters = find_water(data, fids[:: max(1, len(fids) // _MOST_SPECTRA)].astype(np.complex128))
    return float(np.median([0.0 if water is None else water.height for water in waters]))


def empty_results(outcome: Outcome) -> tuple[str, ...]:
    """Explain scalings without values.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    tuple of str
        One sentence for each scaling that is empty in some voxel.
    """
    reasons = {
        "internal": f"the reference {'+'.join(outcome.internal_reference)} was fitted as zero",
        "molality": "the voxel holds no tissue water (--tissue_frac), or no water was found",
        "molarity": "the voxel holds no tissue (--tissue_frac), or no water was found",
    }
    fitted = np.isfinite(outcome.noise_sd)
    sentences = []
    for scaling, reason in reasons.items():
        if scaling in outcome.scaled:
            empty = fitted & ~np.isfinite(outcome.scaled[scaling].value).any(axis=1)
            if empty.any():
                where = "" if outcome.single_voxel else f" in {int(empty.sum())} of {len(empty)} voxels"
                sentences.append(f"{scaling} is empty{where}: {reason}")
    return tuple(sentences)


def own_fit(data: MRSData) -> bool:
    """Return whether the data are the curve of a fit and not a measurement, by their processing records."""
    return any(record.get("Method") == "Quantification" for record in data.processing)
