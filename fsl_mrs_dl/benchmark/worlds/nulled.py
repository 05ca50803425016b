"""Macromolecules of one head as lines, from its metabolite-nulled spectrum."""

import numpy as np
from scipy.optimize import nnls

from fsl_mrs_dl.benchmark.quantify_cases import WINDOW_PPM, Case, read, shipped, with_measured_mm
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, ppm_window
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines

_STEP_PPM, _WIDTHS_PPM = 0.05, (0.08, 0.13, 0.2, 0.3)
"""Grid of the lines that are tried; the narrowest is wider than any line of a metabolite."""
_SMOOTH_ORDER = 3
"""Of the complex polynomial that takes the foot of the water; it is no macromolecule."""
_LEAST = 1e-3


def nulled_lines() -> tuple[GaussianLine, ...] | None:
    """Return Gaussian lines that add up to the nulled spectrum of ``sub-01``; None where it is absent.

    Its water and what was left of metabolites are taken off, and it has the phase of the spectrum with
    metabolites (:func:`~fsl_mrs_dl.benchmark.quantify_cases.with_measured_mm`). Lines of a grid of places and
    widths are fitted by non-negative least squares with a smooth complex background, which frees them of noise.
    """
    case = Case("", "", read("press_3t", "sub-01_press.nii.gz"), shipped("press_3t_te30"))
    found = with_measured_mm(case)
    if found is None or found[0].basis is None:
        return None
    basis = found[0].basis
    fid = np.asarray(basis.fids)[basis.names.index("Mac")]
    mhz, dwelltime_s, n_points = basis.spectrometer_frequency_mhz, basis.dwelltime_s, fid.size
    tried = [
        GaussianLine("MM", float(ppm), 1.0, width)
        for ppm in np.arange(0.5, 4.2, _STEP_PPM)
        for width in _WIDTHS_PPM
    ]
    axis = ppm_axis(n_points, dwelltime_s, mhz, basis.reference_ppm)
    inside = ppm_window(axis, WINDOW_PPM)
    fids = gaussian_lines(tried, n_points, dwelltime_s, mhz, np.empty(1, np.complex128))
    columns, seen = fid_to_spectrum(fids)[:, inside], fid_to_spectrum(fid)[inside]
    powers = np.polynomial.chebyshev.chebvander(np.linspace(-1, 1, int(inside.sum())), _SMOOTH_ORDER).T
    size = float(np.abs(columns).max())
    smooth = size * np.concatenate([powers, -powers, 1j * powers, -1j * powers])
    matrix = np.concatenate([columns, smooth])
    split = np.concatenate([matrix.real, matrix.imag], axis=1).T
    area = nnls(split, np.concatenate([seen.real, seen.imag]))[0][: len(tried)]
    return tuple(
        GaussianLine("MM", line.ppm, float(value), line.fwhm_ppm)
        for line, value in zip(tried, area, strict=True)
        if value > _LEAST * area.max()
    )
