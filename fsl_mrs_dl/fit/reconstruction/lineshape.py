"""The measured lineshape: from a water reference, or from the width of the lines."""

import math
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import fid_to_spectrum
from fsl_mrs_dl.physics.landmarks import SINGLETS_PPM
from fsl_mrs_dl.scores.linewidth import Peak, peak_linewidth_hz, voigt_fwhm_hz

WATER = "water reference"
_LEAST_SHARE = 0.05  # of water's first points: below it, its decay is continued as an exponential
_SMOOTH_S = (
    2e-3  # eddy currents and decay are smooth on this scale; noise of the reference is averaged over it
)
_LOOKED_AT = 8  # FIDs whose lines are measured: each takes three fits of 20 ms
_BESIDE_HZ = 20.0  # to either side of the highest line; lines of metabolites are 2 to 15 Hz wide
_TINY = 1e-300  # instead of a noise SD of zero, which only zeros have: the order of the FIDs stays defined


@dataclass(frozen=True, eq=False)
class Lineshape:
    """Decay that all lines of an FID share.

    Attributes
    ----------
    decay : ndarray, complex, shape (set or 1, 1, time)
        1 at time zero.
    fwhm_hz : float
        Median.
    source : str
        Where it comes from, for the record.
    """

    decay: Complex
    fwhm_hz: float
    source: str


def lorentzian(n_points: int, dwelltime_s: float, fwhm_hz: float) -> Complex:
    """Return the decay of a Lorentzian line, shape (time,)."""
    decay: Complex = np.exp(-math.pi * fwhm_hz * dwelltime_s * np.arange(n_points)).astype(np.complex128)
    return decay


def water_decay(fid: Complex, dwelltime_s: float) -> tuple[Complex, float, float]:
    """Return the decay and the eddy-current phase of a water reference, without its frequency and phase.

    Parameters
    ----------
    fid : ndarray, complex, shape (time,)
        One averaged FID, nothing but water.
    dwelltime_s : float
        In s.

    Returns
    -------
    decay : ndarray, complex, shape (time,)
        1 at time zero.
    fwhm_hz, lorentzian_hz : float
        Width, and the Lorentzian part of it.

    Raises
    ------
    DataError
        If it does not decay as water does.
    """
    width = max(1, round(_SMOOTH_S / dwelltime_s))
    n = fid.size
    t = np.arange(n) * dwelltime_s
    head = slice(0, max(4, width))
    size = np.abs(fid)
    below = np.flatnonzero(_smooth(size, width) < _LEAST_SHARE * size[head].mean())
    end = int(below[0]) if below.size else n
    if end < 8:
        raise DataError(
            f"The water reference decays within {end} points; a water signal without suppression is needed."
        )
    weight = size[:end] ** 2
    # Decay and phase: a parabola and a line in time, weighted by what the noise leaves of them.
    (_, gamma, sigma_squared) = np.linalg.lstsq(
        np.sqrt(weight)[:, None] * np.stack([np.ones(end), -t[:end], -(t[:end] ** 2)], axis=1),
        np.sqrt(weight) * np.log(size[:end]),
        rcond=None,
    )[0]
    gamma, sigma_squared = max(gamma, 0.0), max(sigma_squared, 0.0)
    angle = np.unwrap(np.angle(fid[:end]))
    line = np.polynomial.polynomial.polyfit(t[:end], angle, 1, w=np.sqrt(weight))
    turned = fid[:end] * np.exp(-1j * (line[0] + line[1] * t[:end]))
    model = np.exp(-gamma * t - sigma_squared * t**2)
    shape = _smooth(turned / model[:end], width)
    shape = shape / shape[0]
    # Beyond the end the reference is noise: its last phase and deviation from the model stay.
    whole = np.concatenate([shape, np.full(n - end, shape[-1])]) * model
    fwhm = float(voigt_fwhm_hz(gamma, math.sqrt(sigma_squared)))
    return whole, fwhm, float(gamma / math.pi)


def of_water(fids: Complex, dwelltime_s: float, lines_hz: float | None = None) -> Lineshape:
    """Return the lineshape of each set from its own water reference.

    Water relaxes faster than metabolites do. Where their lines are narrower, its Lorentzian part is reduced to
    their width, as far as it goes; field distribution and eddy currents are those of water.

    Parameters
    ----------
    fids : ndarray, complex, shape (set or 1, time)
        Where a set has no usable reference, the mean of the others stands in.
    dwelltime_s : float
        In s.
    lines_hz : float, optional
        Width of the lines of the data, in Hz.

    Raises
    ------
    DataError
        If none decays as water does.
    """
    shapes: list[tuple[Complex, float, float] | None] = []
    reason = DataError("The water reference is empty.")
    for fid in fids:
        try:
            shapes.append(water_decay(fid, dwelltime_s) if fid_flags(fid) == "" else None)
        except DataError as error:
            reason = error
            shapes.append(None)
    measured_shapes = [shape for shape in shapes if shape is not None]
    if not measured_shapes:
        raise reason
    mean = np.mean([decay for decay, _, _ in measured_shapes], axis=0)
    decay = np.stack([mean if shape is None else shape[0] for shape in shapes])
    width, lorentz = (float(np.median([shape[i] for shape in measured_shapes])) for i in (1, 2))
    less = 0.0 if lines_hz is None else min(max(width - lines_hz, 0.0), lorentz)
    decay = decay / lorentzian(decay.shape[-1], dwelltime_s, less)
    return Lineshape(decay[:, None], width - less, WATER)


def _smooth(values: Complex | Real, width: int) -> Complex | Real:
    """Return a running mean over ``width`` points; at the ends over those that there are."""
    if width < 2:
        return values
    kernel = np.ones(width)
    count = np.convolve(np.ones(values.size), kernel, mode="same")
    mean: Complex | Real = np.convolve(values, kernel, mode="same") / count
    return mean


def of_lines(data: MRSData, fids: Complex, noise_sd: Real) -> Lineshape:
    """Return a Lorentzian decay of the width that the lines of the data have.

    The median of the widths in the average of the FIDs and in the strongest of them: for 1H of NAA, creatine and
    choline; else, and for other nuclei, of the highest line.

    Parameters
    ----------
    data : MRSData
        Gives the axis.
    fids : ndarray, complex, shape (FID, time)
        Finite; not all zero.
    noise_sd : ndarray, float, shape (FID,)

    Raises
    ------
    DataError
        If no line can be measured.
    """
    strongest = np.argsort(-np.abs(fids[:, :16]).sum(axis=1) / np.maximum(noise_sd, _TINY))[:_LOOKED_AT]
    some = [fids.mean(axis=0), *fids[strongest]]
    place = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm)
    lines = [(fid, ppm) for fid in some for ppm in SINGLETS_PPM.values()] if data.nucleus == "1H" else []
    widths = [_width(peak_linewidth_hz(fid, *place, ppm)) for fid, ppm in lines]
    source = "NAA, creatine and choline"
    if not np.isfinite(widths).any():
        apart = _BESIDE_HZ / data.spectrometer_frequency_mhz
        source = "highest line"
        for fid in some:
            top = data.ppm_axis[int(np.abs(fid_to_spectrum(fid)).argmax())]
            peak = peak_linewidth_hz(fid, *place, float(top), search_ppm=apart / 10, half_width_ppm=apart)
            widths.append(_width(peak))
    if not np.isfinite(widths).any():
        raise DataError(
            f"No line of {data.name or 'the data'} stands above the noise, so that its width is not known; give "
            "a water reference (--reference)."
        )
    width = float(np.nanmedian(widths))
    decay = lorentzian(data.n_points, data.dwelltime_s, width)
    return Lineshape(decay[None, None], width, source)


def _width(peak: Peak) -> float:
    """Return the width of a line in Hz, NaN where there is none."""
    return peak.fwhm_hz if peak.fwhm_hz > 0 else math.nan
