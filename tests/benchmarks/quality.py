"""How good measured transients are: what task ``invivo`` tables, and ``python -m tests.benchmarks.quality``.

Nothing here needs a truth; every measure compares one file with another of the same scan.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window
from fsl_mrs_dl.scores import Peak, noise_sd, peak_linewidth_hz, similarity_index
from tests.benchmarks.rivals import difference

LINES_PPM = {"Cr": 3.03, "Cho": 3.2, "NAA": 2.01}
HELD_OUT_PPM = (3.1, 4.2)  # judges what was aligned by 1.8 to 3.1 ppm
WATER_PPM = (4.5, 4.8)  # where a program removes water
_SEARCH_PPM = 0.08  # on each side of a line: less than half the way from creatine to choline
_WATER_SEARCH_PPM = 0.3  # on each side of water, which has no neighbours
_ORDER = 3  # of the polynomial that is taken out of a window, so that only lines are left


def fids(data: MRSData) -> Complex:
    """Return the FIDs of the first voxel by condition.

    Parameters
    ----------
    data : MRSData
        Coils combined.

    Returns
    -------
    ndarray, complex, shape (condition, transient, time)
    """
    ordered = np.moveaxis(data.fid[0, 0, 0], 0, -1).astype(np.complex128)
    if "DIM_DYN" in data.dim_tags:
        ordered = np.moveaxis(ordered, data.dim_tags.index("DIM_DYN"), -2)
    else:
        ordered = ordered[..., None, :]
    shaped: Complex = ordered.reshape(-1, *ordered.shape[-2:])
    return shaped


def line(data: MRSData, name: str, condition: int = 0) -> Peak:
    """Return a line of a condition's average; see :func:`fsl_mrs_dl.scores.peak_linewidth_hz`."""
    return _peak(data, fids(data)[condition].mean(axis=0), LINES_PPM[name], _SEARCH_PPM)


def _peak(data: MRSData, fid: Complex, ppm: float, search_ppm: float) -> Peak:
    axes = (data.dwelltime_s, data.spectrometer_frequency_mhz, data.reference_ppm)
    return peak_linewidth_hz(fid, *axes, ppm, search_ppm=search_ppm)


def similarity(data: MRSData, limits_ppm: tuple[float, float], *, lines: bool = False) -> Real:
    """Return the similarity index of each condition in a window, shape (condition,).

    Parameters
    ----------
    data : MRSData
    limits_ppm : tuple of float
    lines : bool
        Of the lines alone: a complex cubic is taken off each transient first. Else the tail of the residual
        water, many times the metabolites in energy, decides.
    """
    index: Real = similarity_index(_window(data, limits_ppm, lines))
    return index


def highest_similarity(data: MRSData, limits_ppm: tuple[float, float], *, lines: bool = False) -> Real:
    r"""Return the similarity index of transients that differ by their noise alone, shape (condition,).

    With E the mean energy of a transient in the window and N that of its noise, two transients of one signal
    have the similarity 1 - N / E, and one with itself has 1:
    :math:`(1 + (n - 1)(1 - N / E)) / n`.
    """
    spectra = _window(data, limits_ppm, lines)
    energy = (np.abs(spectra) ** 2).sum(axis=-1).mean(axis=-1)
    variance = 2 * (noise_sd(fids(data), data.ppm_axis) ** 2).mean(axis=-1)
    noise = variance * (spectra.shape[-1] - (_ORDER + 1 if lines else 0))
    n = spectra.shape[-2]
    highest: Real = (1 + (n - 1) * (1 - noise / energy)) / n
    return highest


def _window(data: MRSData, limits_ppm: tuple[float, float], lines: bool) -> Complex:
    spectra: Complex = fid_to_spectrum(fids(data))[..., ppm_window(data.ppm_axis, limits_ppm)]
    if not lines:
        return spectra
    smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, spectra.shape[-1]), _ORDER + 1))
    rest: Complex = spectra - (spectra @ smooth) @ smooth.T
    return rest


def water_scatter(data: MRSData) -> tuple[Real, Real]:
    """Return how far the water of the transients scatters: SD of its place (Hz) and phase (rad).

    Water lies outside of the alignment window, so that it tells, without a truth, how well transients were
    aligned; its own place is known to hundredths of a Hz. Each of shape (condition,).
    """
    peaks = [[_peak(data, fid, 4.65, _WATER_SEARCH_PPM) for fid in row] for row in fids(data)]
    places = np.array([[peak.centre_ppm for peak in row] for row in peaks])
    turns = np.exp(1j * np.array([[peak.phase_rad for peak in row] for row in peaks]))
    about_mean = np.angle(turns * turns.mean(axis=-1, keepdims=True).conj())
    return np.std(places, axis=-1) * data.spectrometer_frequency_mhz, np.std(about_mean, axis=-1)


def choline_left(data: MRSData) -> float:
    """Return what the difference of two edit conditions holds of choline, as a part of the second's line.

    The RMS within 0.06 ppm of the line, less a straight line, in the difference over that in the second
    condition. Editing at 1.9 ppm does not touch choline, so that alignment leaves none.
    """
    first, second = fids(data).mean(axis=1)
    inside = ppm_window(data.ppm_axis, (1.8, 4.2))
    spectra = [fid_to_spectrum(fid) for fid in (first, second)]
    sign = -1 if np.vdot(spectra[0][inside], spectra[1][inside]).real >= 0 else 1
    centre = line(data, "Cho", 1).centre_ppm
    near = ppm_window(data.ppm_axis, (centre - 0.06, centre + 0.06))
    straight, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, int(near.sum())), 2))

    def rms(spectrum: Complex) -> float:
        bins = spectrum[near]
        return float(np.linalg.norm(bins - straight @ (straight.T @ bins)))

    return rms(spectra[0] + sign * spectra[1]) / rms(spectra[1])


def energy(data: MRSData, limits_ppm: tuple[float, float]) -> float:
    """Return the energy of the averages between two chemical shifts."""
    inside = ppm_window(data.ppm_axis, limits_ppm)
    return float((np.abs(fid_to_spectrum(fids(data).mean(axis=1))[..., inside]) ** 2).sum())


def width(peak: Peak) -> str:
    """Return a linewidth with its SD, or a dash where there is no line."""
    return f"{peak.fwhm_hz:.2f} ± {peak.fwhm_hz_sd:.2f}" if peak.fwhm_hz > 0 else "-"


def describe(data: MRSData) -> list[str]:
    """Return lines of text: linewidths, height of NAA and similarity of each condition of a file."""
    parts = []
    for n, (raw, lines) in enumerate(
        zip(similarity(data, HELD_OUT_PPM), similarity(data, HELD_OUT_PPM, lines=True), strict=True)
    ):
        creatine, naa = line(data, "Cr", n), line(data, "NAA", n)
        facts = [f"Cr {width(creatine)} Hz"] if creatine.fwhm_hz > 0 else ["no Cr"]
        facts.append(f"NAA {width(naa)} Hz, height {naa.height_sd:.1f}" if naa.fwhm_hz > 0 else "no NAA")
        if fids(data).shape[1] > 1:
            facts.append("SI {:g}-{:g} ppm {:.4f}, of the lines {:.4f}".format(*HELD_OUT_PPM, raw, lines))
        parts.append(f"condition {n}: {', '.join(facts)}")
    return parts


def main(paths: Sequence[str]) -> None:
    """Print the measures of some files, by edit condition, and how far each differs from the first."""
    first: MRSData | None = None
    for path in paths:
        data = nifti.read(Path(path))
        facts = ["energy {:g}-{:g} ppm {:.4g}".format(*WATER_PPM, energy(data, WATER_PPM))]
        if first is not None and first.fid.shape == data.fid.shape:
            facts.append(f"relative difference from the first file {difference(first, data):.2g}")
        print("\n  ".join([path, *describe(data), ", ".join(facts)]))  # noqa: T201
        first = first or data


if __name__ == "__main__":
    main(sys.argv[1:])
