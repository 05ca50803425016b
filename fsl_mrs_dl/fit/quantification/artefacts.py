"""Signals that should not be in a spectrum: echoes, lipid, water, and what lies in the mirror image."""

from itertools import pairwise
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.seen import Seen, gaussian, ratio
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid
from fsl_mrs_dl.physics.lines import WILSON_2011, gaussian_lines

_WATER_PPM, _WATER_REACH_PPM = 4.7, 0.4
_BESIDE_WATER_PPM = (1.8, 3.4)  # from NAA to choline, where neither lipid nor the tail of water is narrow
_LIPID_PPM = (0.45, 1.85)
_LIPID_ORDER = 2
_LIPID_BINS = 2 * (_LIPID_ORDER + 1) + 3  # as many as there are patterns and coefficients of the baseline
_MM = ("MM09", "MM12", "MM14", "MM17")
_LIPID = ("Lip09", "Lip13")
_ECHO_EDGES_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""Between these the FID is compared; an echo is 10 to 40 ms wide (Kyathanahally 2018, doi:10.1002/mrm.27096)."""
_LEAST_EDGES = 3  # two intervals
_GROWTH = 1.4  # of what is beside the metabolites of brains: at most 1.1
_GROWTH_OF_ALL = 1.5  # of their whole FIDs: at most 1.05, and 1.25 where lines 10 Hz apart beat
_FIRST_S = 5e-3  # start of an FID; its first points suffer from the edges of the window


class Echo(NamedTuple):
    """Signal that grows again; each of shape (S,).

    Attributes
    ----------
    size : ndarray, float
        Over the first point of the metabolites.
    ppm : ndarray, float
        Where its spectrum is highest.
    """

    size: Real
    ppm: Real


class BesideWindow(NamedTuple):
    """What lies beside the fit window; each of shape (S,), see :class:`~.appearance.Appearance`.

    Attributes
    ----------
    water, mirror, signal : ndarray, float
    """

    water: Real
    mirror: Real
    signal: Real


def echo(seen: Seen) -> Echo:
    """Return where signal grows again that should have decayed, beside the metabolites or with them.

    NaN where the FIDs are too short.
    """
    edges = [edge for edge in _ECHO_EDGES_S if edge < seen.time_s[-1]]
    if len(edges) < _LEAST_EDGES:
        unknown = np.full(len(seen.rest), np.nan)
        return Echo(unknown, unknown)
    spans = [(seen.time_s >= a) & (seen.time_s < b) for a, b in pairwise(edges)]
    ramp = np.clip(np.minimum(seen.band.ppm - 0.4, 4.2 - seen.band.ppm) / 0.2, 0.0, 1.0)
    window = np.sin(pi / 2 * ramp) ** 2
    rest, own, whole = (
        spectrum_to_fid(fid_to_spectrum(fids) * window)
        for fids in (seen.rest, seen.fitted.metabolites, seen.fitted.fids)
    )
    first = np.abs(own[:, : max(1, int(_FIRST_S / seen.band.dwelltime_s))]).max(axis=1)
    sizes, places = [], []
    # A fit may have taken a strong echo for metabolites; then the data show it.
    for fids, growth in ((rest, _GROWTH), (whole, _GROWTH_OF_ALL)):
        size, at = _grown(seen, fids, spans, window, growth)
        sizes.append(ratio(size, first))
        height = [np.abs(fid_to_spectrum(fid * spans[span])) for fid, span in zip(fids, at, strict=True)]
        places.append(seen.band.ppm[np.argmax(height, axis=1)] - seen.fitted.shift_hz / seen.mhz)
    larger = np.argmax(sizes, axis=0)
    rows = np.arange(len(larger))
    return Echo(size=np.array(sizes)[larger, rows], ppm=np.array(places)[larger, rows])


def _grown(
    seen: Seen, fids: Complex, spans: list[NDArray[np.bool_]], window: Real, growth: float
) -> tuple[Real, NDArray[np.intp]]:
    """Return the RMS of the interval that has grown most since the one before, 0 if by less, and which it is."""
    noise = 2 * seen.fitted.noise_sd[:, None] ** 2 * (window**2).mean()
    power = np.stack([(np.abs(fids[:, span]) ** 2).mean(axis=1) for span in spans], axis=1)
    count = np.array([max(span.sum() * (window**2).mean(), 1.0) for span in spans])
    sure = np.maximum(power - noise * (1 + 3 / np.sqrt(count)), 0.0)
    grown = np.sqrt(ratio(sure[:, 1:], power[:, :-1]))
    at, rows = grown.argmax(axis=1), np.arange(len(grown))
    # It may grow over several intervals.
    later = np.where(np.arange(sure.shape[1]) > at[:, None], sure, -1.0)
    peak = later.argmax(axis=1)
    return np.where(grown[rows, at] > growth, np.sqrt(sure[rows, peak]), 0.0), peak


def lipid(seen: Seen) -> Real:
    """Return the height of lipid beside macromolecules and a smooth baseline, by least squares, shape (S,).

    NaN where the band of the data ends before lipid.
    """
    fitted, ppm = seen.fitted, seen.band.ppm
    centred = seen.rest * np.exp(-2j * pi * fitted.shift_hz[:, None] * seen.time_s)
    inside = (ppm > _LIPID_PPM[0]) & (ppm < _LIPID_PPM[1])
    if ppm[0] > _LIPID_PPM[0] or inside.sum() < _LIPID_BINS:
        return np.full(len(seen.rest), np.nan)
    weight = gaussian(np.array(0.05 * seen.mhz), seen.time_s)
    bins = (fid_to_spectrum(centred * weight) * seen.straight)[:, inside]
    reference = float(ppm[0] - seen.band.frequency_hz[0] / seen.mhz)
    patterns = []
    for names in (_MM, _LIPID):
        lines = [line for line in WILSON_2011 if line.signal in names]
        fids = gaussian_lines(lines, len(seen.time_s), seen.band.dwelltime_s, seen.mhz, seen.rest, reference)
        patterns.append(fid_to_spectrum(np.asarray(fids).sum(axis=0) * weight)[inside])
    broad, lipid = patterns
    x = np.linspace(-1, 1, int(inside.sum()))
    curves = [x**k for k in range(_LIPID_ORDER + 1)]
    columns = [broad, lipid, 1j * lipid, *curves, *(1j * c for c in curves)]
    design = np.concatenate([np.real(columns), np.imag(columns)], axis=1).T
    values = np.linalg.lstsq(design, np.concatenate([bins.real, bins.imag], axis=1).T, rcond=None)[0]
    tall = np.hypot(values[1], values[2]) * np.abs(lipid).max()
    return ratio(tall, seen.height)


def beside_window(seen: Seen) -> BesideWindow:
    """Return the height of the water, structure in the mirror image, and the highest line that is not water."""
    ppm = seen.band.ppm
    there = np.abs(ppm - _WATER_PPM) < _WATER_REACH_PPM
    between = (ppm > _BESIDE_WATER_PPM[0]) & (ppm < _BESIDE_WATER_PPM[1])
    tall = np.abs(seen.spectra(seen.fitted.fids, seen.matched)[:, there]).max(axis=1, initial=0.0)
    noise = np.sqrt(2) * seen.noise(seen.narrow)
    narrow = np.abs(seen.spectra(seen.fitted.fids, seen.narrow))
    highest = narrow[:, between].max(axis=1, initial=0.0)
    carrier = float(ppm[0] - seen.band.frequency_hz[0] / seen.mhz)
    turned = seen.within(2 * carrier - ppm)
    inside, mirror = (
        seen.above((narrow[:, side] ** 2).mean(axis=1) / 2, seen.narrow) for side in (seen.core, turned)
    )
    return BesideWindow(
        water=ratio(tall, highest),
        mirror=np.sqrt(ratio(mirror, inside)),
        signal=ratio(narrow[:, ~there].max(axis=1, initial=0.0), noise),
    )
