"""Residual water of a spectrum: its place, searched by its height and by the metabolites, and its signal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.fit.registration.ppm_axis import landmark_shift
from fsl_mrs_dl.physics import damp, fid_to_spectrum
from fsl_mrs_dl.physics.hsvd import band_signal
from fsl_mrs_dl.physics.landmarks import SINGLETS_PPM

WATER_PLACE_PPM: Mapping[str, float] = MappingProxyType({"1H": 4.65, "2H": 4.8})
"""Place of water on a right axis, in ppm; FSL-MRS's constants."""
SEARCH_PPM = 0.8
"""Half-width of the search for water, in ppm: the axis of a carrier left on another line, of GE or of a bad
shim."""
WIDE_PPM, NARROW_PPM = 0.3, 0.15
"""Half-widths of the band of water, in ppm. Strong residual water is a bundle of lines of an uneven shim, 0.5 ppm
wide in averaged scans of the brain; of weak water only the line itself is clear of its surroundings (FSL-MRS's
band)."""
_FILTER_PPM = 0.03
"""Width (FWHM) of the filter, in ppm: a line of the brain at 3 T, whose own shape makes it highest over the
noise."""
_METABOLITES_PPM = (-3.0, -0.75)
"""Region of the metabolites relative to water, in ppm: from 1.65 ppm, beside the lipids, to 3.9 ppm, off the tail
of water."""
_STRONG = 1.5
"""Height of strong water over the highest metabolite: no metabolite line of its region is as high."""
_CERTAIN = 4.0
"""Height over the highest metabolite from which on the place of the metabolites is not needed."""
_ABOVE_NOISE = 6.0
"""Least height over the RMS of the noise: of 2048 points of noise alone, the highest is 4 times the RMS."""
_STANDS_OUT = 2.0
"""Least height of weak water over the median of its surroundings."""
_BESIDE_PPM = (0.2, 0.45)
"""Surroundings of weak water: distances from it, in ppm."""
_AT_LANDMARK_PPM = 0.06
"""Half-width of the place of a landmark, in ppm: two lines of the brain at 3 T."""
_LEAST_LANDMARK = 0.12
"""Least height of a landmark over the highest of the three; NAA of a tumour is a quarter of its choline."""
_FROM_EXPECTED_PPM = 0.25
"""Largest distance of water from its place beside the metabolites, in ppm: it moves by 0.01 ppm a kelvin, and with
the shim."""


@dataclass(frozen=True)
class WaterLine:
    """Residual water of one FID.

    Attributes
    ----------
    ppm : float
        Of its highest point.
    height : float
        Times that of the highest metabolite.
    band_ppm : tuple of float
        Between which its lines have their frequencies.
    """

    ppm: float
    height: float
    band_ppm: tuple[float, float]


def find_water(
    data: MRSData, fids: Complex, progress: Callable[..., Any] = tqdm, *, weak: bool = True
) -> list[WaterLine | None]:
    """Find the residual water of each FID.

    Strong water is the highest line within 0.8 ppm of its place, half as high again as any metabolite. Weak water
    is the line that is clear of its surroundings at the place that the metabolites show (Cr, NAA and Cho, searched
    together), or else where the other FIDs have their water.

    Parameters
    ----------
    data : MRSData
        Gives axis and nucleus.
    fids : ndarray, complex, shape (F, time)
        Finite, not zero.
    progress : callable
        Wraps the loop over FIDs; silent where standard error is not a terminal.
    weak : bool
        Whether to look for weak water too.

    Returns
    -------
    list of Water or None
        None where no water stands out.
    """
    place = WATER_PLACE_PPM[data.nucleus]
    region = np.abs(data.ppm_axis - place) < SEARCH_PPM
    if not region.any():
        return [None] * len(fids)
    waters = [_strong(data, fid, region, place) for fid in fids]
    if not weak:
        return waters
    offsets = [water.ppm - place for water in waters if water is not None]
    common = float(np.median(offsets)) if offsets else 0.0
    missing = [row for row, water in enumerate(waters) if water is None]
    quiet = True if len(missing) == 1 else None
    for row in progress(missing, desc="find water", unit="FID", leave=False, disable=quiet):
        moved = _axis_offset(data, fids[row])
        waters[row] = _weak(data, fids[row], place + (common if moved is None else moved))
    return waters


def lines_between(data: MRSData, fid: Complex, band_ppm: tuple[float, float]) -> Complex:
    """Return the part of an FID whose lines have their frequency in a band (HSVD, 20 lines).

    Parameters
    ----------
    data : MRSData
        Gives the axis.
    fid : ndarray, complex, shape (time,)
    band_ppm : tuple of float

    Returns
    -------
    ndarray, complex128, shape (time,)
    """
    low, high = ((edge - data.reference_ppm) * data.spectrometer_frequency_mhz for edge in band_ppm)
    return band_signal(fid, data.dwelltime_s, (low, high))


def water_over_rest(data: MRSData, fid: Complex) -> float:
    """Return the height of water over the highest line of the metabolites' region once water is removed.

    HSVD leaves a hundredth of the unsuppressed water of a brain there, more than its metabolites: unlike
    :attr:`WaterLine.height`, which water's own tail limits, this tells suppressed from unsuppressed water.

    Parameters
    ----------
    data : MRSData
        Gives axis and nucleus.
    fid : ndarray, complex, shape (time,)

    Returns
    -------
    float
        0 where there is no water.
    """
    (water,) = find_water(data, fid[None])
    if water is None:
        return 0.0
    return over_rest(data, water, fid, fid - lines_between(data, fid, water.band_ppm))


def over_rest(data: MRSData, water: WaterLine, fid: Complex, dry: Complex) -> float:
    """Return the height of water in an FID over the highest line of the metabolites' region without it."""
    apart = data.ppm_axis - water.ppm
    region = (apart > _METABOLITES_PPM[0]) & (apart < _METABOLITES_PPM[1])
    left = _height(data, dry)[region].max(initial=0.0)
    return float(_height(data, fid)[np.abs(apart).argmin()] / max(left, 1e-300))


def _height(data: MRSData, fid: Complex) -> Real:
    """Return the magnitude spectrum, filtered to the width of a line of the brain."""
    gamma = np.pi * _FILTER_PPM * data.spectrometer_frequency_mhz
    height: Real = np.abs(fid_to_spectrum(damp(fid, gamma, 0.0, data.dwelltime_s)))
    return height


def _strong(data: MRSData, fid: Complex, region: NDArray[np.bool_], place: float) -> WaterLine | None:
    """Return the highest line about the place of water, if it is no metabolite."""
    height = _height(data, fid)
    water = _highest(data, height, region, WIDE_PPM)
    if water is None or water.height < _STRONG:
        return None
    if water.height < _CERTAIN:
        moved = _axis_offset(data, fid)
        if moved is not None and abs(water.ppm - place - moved) > _FROM_EXPECTED_PPM:
            return None
    return water


def _weak(data: MRSData, fid: Complex, expected: float) -> WaterLine | None:
    """Return the line that stands out about where water is expected."""
    height = _height(data, fid)
    water = _highest(data, height, np.abs(data.ppm_axis - expected) < NARROW_PPM, NARROW_PPM)
    if water is None:
        return None
    apart = np.abs(data.ppm_axis - water.ppm)
    beside = height[(apart > _BESIDE_PPM[0]) & (apart < _BESIDE_PPM[1])]
    stands_out = not len(beside) or height[apart.argmin()] > _STANDS_OUT * np.median(beside)
    return water if stands_out else None


def _highest(data: MRSData, height: Real, region: NDArray[np.bool_], half_width: float) -> WaterLine | None:
    """Return the highest point of a region as water, if it is a peak above the noise and no flank of another."""
    if not region.any():
        return None
    top = int(np.where(region, height, -1.0).argmax())
    flank = height[max(top - 1, 0) : top + 2].max() > height[top]
    if flank or height[top] < _ABOVE_NOISE * _noise(height):
        return None
    ppm = float(data.ppm_axis[top])
    apart = data.ppm_axis - ppm
    metabolites = height[(apart > _METABOLITES_PPM[0]) & (apart < _METABOLITES_PPM[1])].max(initial=0.0)
    return WaterLine(ppm, float(height[top] / max(metabolites, 1e-300)), (ppm - half_width, ppm + half_width))


def _noise(height: Real) -> float:
    """Return the RMS of a magnitude spectrum's noise, from the quieter half of the band."""
    # The median of the lower half of |noise|^2 is its first quartile, -ln(3/4) of the mean.
    return float(np.sqrt(np.sort(height**2)[len(height) // 4] / -np.log(0.75)))


def _axis_offset(data: MRSData, fid: Complex) -> float | None:
    """Return how far downfield of their places the metabolites lie, in ppm; None if that is not certain.

    Three lines may lie as Cr, NAA and Cho do and be none, above all in the difference of an edited pair: then one
    is far lower than the others.
    """
    moved_hz = landmark_shift(fid[None], data, search_ppm=SEARCH_PPM)
    if moved_hz is None:
        return None
    moved = moved_hz / data.spectrometer_frequency_mhz
    ppm, height = data.ppm_axis - moved, _height(data, fid)
    near = (np.abs(ppm - place) < _AT_LANDMARK_PPM for place in SINGLETS_PPM.values())
    lines = [height[inside].max(initial=0.0) for inside in near]  # a band may hold no point of one
    return moved if min(lines) > _LEAST_LANDMARK * max(lines) else None
