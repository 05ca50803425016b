"""Measure signals that should not be in a spectrum: echoes, lipid, water, and signal in the mirror image."""

from itertools import pairwise
from math import pi
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit.quantification.filtered_spectra import FilteredSpectra, gaussian, ratio
from fsl_mrs_dl.physics import fid_to_spectrum, spectrum_to_fid
from fsl_mrs_dl.physics.lines import WILSON_2011, gaussian_lines

_WATER_PPM, _WATER_REACH_PPM = 4.7, 0.4
"""Chemical shift of water and half-width of its region, in ppm: wide enough for an axis that is a little off."""
_BESIDE_WATER_PPM = (1.8, 3.4)
"""Region in ppm from NAA to choline, where neither lipid nor the tail of water is narrow."""
_LIPID_PPM = (0.45, 1.85)
"""Region of lipid in ppm: the lines at 0.9 and 1.3 ppm, up to NAA."""
_LIPID_ORDER = 2
"""Order of the polynomial baseline in that region: over 1.4 ppm a baseline bends little."""
_LIPID_BINS = 2 * (_LIPID_ORDER + 1) + 3
"""Smallest number of bins there: one for each pattern and coefficient of the baseline."""
_MM = ("MM09", "MM12", "MM14", "MM17")
_LIPID = ("Lip09", "Lip13")
_ECHO_EDGES_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""Edges of the intervals of the FID, in s; an echo is 10 to 40 ms wide (Kyathanahally 2018,
doi:10.1002/mrm.27096)."""
_LEAST_EDGES = 3  # smallest number of edges: two intervals to compare
_GROWTH = 1.4
"""Growth of the signal beside metabolites from one interval to the next, from which it is an echo. In measured
brains it is at most 1.1."""
_GROWTH_OF_ALL = 1.5
"""The same for the whole FID: in measured brains at most 1.05, and 1.25 where lines 10 Hz apart beat."""
_FIRST_S = 5e-3
"""Length of an FID's start, in s: one point would suffer from the edges of the window."""


class Echo(NamedTuple):
    """Signal that grows again; each of shape (S,).

    Attributes
    ----------
    size : ndarray, float
        Over the first point of the metabolites.
    ppm : ndarray, float
        Chemical shift of the highest point of its spectrum.
    """

    size: Real
    ppm: Real


class BesideWindow(NamedTuple):
    """Signals beside the fit window; each of shape (S,), see :class:`~.appearance.Appearance`.

    Attributes
    ----------
    water, mirror, signal : ndarray, float
    """

    water: Real
    mirror: Real
    signal: Real


def echo(view: FilteredSpectra) -> Echo:
    """Find echoes: signal that grows again in the FID, beside the metabolites or with them.

    NaN if the FIDs are too short.
    """
    edges = [edge for edge in _ECHO_EDGES_S if edge < view.time_s[-1]]
    if len(edges) < _LEAST_EDGES:
        unknown = np.full(len(view.rest), np.nan)
        return Echo(unknown, unknown)
    spans = [(view.time_s >= a) & (view.time_s < b) for a, b in pairwise(edges)]
    ramp = np.clip(np.minimum(view.band.ppm - 0.4, 4.2 - view.band.ppm) / 0.2, 0.0, 1.0)
    window = np.sin(pi / 2 * ramp) ** 2
    rest, own, whole = (
        spectrum_to_fid(fid_to_spectrum(fids) * window)
        for fids in (view.rest, view.fitted.metabolites, view.fitted.fids)
    )
    first = np.abs(own[:, : max(1, int(_FIRST_S / view.band.dwelltime_s))]).max(axis=1)
    sizes, places = [], []
    # The metabolites of a fit may describe a strong echo; then it is in the whole data.
    for fids, growth in ((rest, _GROWTH), (whole, _GROWTH_OF_ALL)):
        size, interval = _grown(view, fids, spans, window, growth)
        sizes.append(ratio(size, first))
        height = [
            np.abs(fid_to_spectrum(fid * spans[span])) for fid, span in zip(fids, interval, strict=True)
        ]
        places.append(view.band.ppm[np.argmax(height, axis=1)] - view.fitted.shift_hz / view.mhz)
    larger = np.argmax(sizes, axis=0)
    rows = np.arange(len(larger))
    return Echo(size=np.array(sizes)[larger, rows], ppm=np.array(places)[larger, rows])


def _grown(
    view: FilteredSpectra, fids: Complex, spans: list[NDArray[np.bool_]], window: Real, growth: float
) -> tuple[Real, NDArray[np.intp]]:
    """Return the RMS of the interval that grows most over the one before, 0 if below ``growth``; and its index."""
    noise = 2 * view.fitted.noise_sd[:, None] ** 2 * (window**2).mean()
    power = np.stack([(np.abs(fids[:, span]) ** 2).mean(axis=1) for span in spans], axis=1)
    count = np.array([max(span.sum() * (window**2).mean(), 1.0) for span in spans])
    sure = np.maximum(power - noise * (1 + 3 / np.sqrt(count)), 0.0)
    grown = np.sqrt(ratio(sure[:, 1:], power[:, :-1]))
    interval, rows = grown.argmax(axis=1), np.arange(len(grown))
    # An echo may grow over several intervals.
    later = np.where(np.arange(sure.shape[1]) > interval[:, None], sure, -1.0)
    peak = later.argmax(axis=1)
    return np.where(grown[rows, interval] > growth, np.sqrt(sure[rows, peak]), 0.0), peak


def lipid(view: FilteredSpectra) -> Real:
    """Return the height of lipid over that of the metabolites, (S,): least squares with a smooth background.

    NaN if the band of the data ends before lipid.
    """
    fitted, ppm = view.fitted, view.band.ppm
    centred = view.rest * np.exp(-2j * pi * fitted.shift_hz[:, None] * view.time_s)
    inside = (ppm > _LIPID_PPM[0]) & (ppm < _LIPID_PPM[1])
    if ppm[0] > _LIPID_PPM[0] or inside.sum() < _LIPID_BINS:
        return np.full(len(view.rest), np.nan)
    weight = gaussian(np.array(0.05 * view.mhz), view.time_s)
    bins = (fid_to_spectrum(centred * weight) * view.straight)[:, inside]
    reference = float(ppm[0] - view.band.frequency_hz[0] / view.mhz)
    patterns = []
    for names in (_MM, _LIPID):
        lines = [line for line in WILSON_2011 if line.signal in names]
        fids = gaussian_lines(lines, len(view.time_s), view.band.dwelltime_s, view.mhz, view.rest, reference)
        patterns.append(fid_to_spectrum(np.asarray(fids).sum(axis=0) * weight)[inside])
    broad, lipid = patterns
    x = np.linspace(-1, 1, int(inside.sum()))
    curves = [x**k for k in range(_LIPID_ORDER + 1)]
    columns = [broad, lipid, 1j * lipid, *curves, *(1j * c for c in curves)]
    design = np.concatenate([np.real(columns), np.imag(columns)], axis=1).T
    values = np.linalg.lstsq(design, np.concatenate([bins.real, bins.imag], axis=1).T, rcond=None)[0]
    tall = np.hypot(values[1], values[2]) * np.abs(lipid).max()
    return ratio(tall, view.height)


def beside_window(view: FilteredSpectra) -> BesideWindow:
    """Return the height of the water, structure in the mirror image, and the highest line that is not water."""
    ppm = view.band.ppm
    there = np.abs(ppm - _WATER_PPM) < _WATER_REACH_PPM
    between = (ppm > _BESIDE_WATER_PPM[0]) & (ppm < _BESIDE_WATER_PPM[1])
    tall = np.abs(view.spectra(view.fitted.fids, view.matched)[:, there]).max(axis=1, initial=0.0)
    noise = np.sqrt(2) * view.noise(view.narrow)
    narrow = np.abs(view.spectra(view.fitted.fids, view.narrow))
    highest = narrow[:, between].max(axis=1, initial=0.0)
    carrier = float(ppm[0] - view.band.frequency_hz[0] / view.mhz)
    turned = view.within(2 * carrier - ppm)
    inside, mirror = (
        view.above((narrow[:, side] ** 2).mean(axis=1) / 2, view.narrow) for side in (view.core, turned)
    )
    return BesideWindow(
        water=ratio(tall, highest),
        mirror=np.sqrt(ratio(mirror, inside)),
        signal=ratio(narrow[:, ~there].max(axis=1, initial=0.0), noise),
    )
