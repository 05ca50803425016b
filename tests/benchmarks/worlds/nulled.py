"""Macromolecules of one head as lines, from its metabolite-nulled spectrum."""

import numpy as np
from scipy.optimize import nnls

from fsl_mrs_dl.physics import correct, fid_to_spectrum, first_order_phase, ppm_axis, ppm_window
from fsl_mrs_dl.physics.lines import GaussianLine, gaussian_lines
from tests.benchmarks.quantify_cases import WINDOW_PPM, QuantifyCase, shipped, with_measured_mm
from tests.benchmarks.realdata import in_vivo
from tests.benchmarks.worlds.broad import METHYL_PROTONS

_STEP_PPM, _WIDTHS_PPM = 0.05, (0.08, 0.13, 0.2, 0.3)
"""Grid of the lines that are tried; the narrowest is wider than any line of a metabolite."""
_LEAST = 1e-3  # of the largest line; smaller ones are noise
_EMPTY_PPM = (-1.0, 0.0)  # where a spectrum has no signal, so that its level there is zero
CREATINE_PROTONS = 5  # of CH3 and CH2


def nulled_lines() -> tuple[GaussianLine, ...] | None:
    """Return Gaussian lines that add up to the nulled spectrum of ``sub-01``; None where it is absent.

    Its water and what was left of metabolites are taken off, and it has the phase of the spectrum with
    metabolites (:func:`~tests.benchmarks.quantify_cases.with_measured_mm`). Lines of a grid of places and
    widths are fitted by non-negative least squares, which frees them of noise, and with them a complex constant:
    the first point, which receivers distort.
    """
    measured = with_measured_mm(_case())
    if measured is None or measured[0].basis is None:
        return None
    basis = measured[0].basis
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
    columns, spectrum = fid_to_spectrum(fids)[:, inside], fid_to_spectrum(fid)[inside]
    constant = float(np.abs(columns).max()) * np.array([1, -1, 1j, -1j])[:, None]
    matrix = np.concatenate([columns, np.repeat(constant, columns.shape[1], axis=1)])
    split = np.concatenate([matrix.real, matrix.imag], axis=1).T
    area = nnls(split, np.concatenate([spectrum.real, spectrum.imag]))[0][: len(tried)]
    return tuple(
        GaussianLine("MM", line.ppm, float(value), line.fwhm_ppm)
        for line, value in zip(tried, area, strict=True)
        if value > _LEAST * area.max()
    )


def size_in_vivo(limits: tuple[float, float]) -> float | None:
    """Return the area of the macromolecules of ``sub-01`` over that of the methyl group of total creatine.

    Of the spectrum with metabolites, TE 30, with the shift, phase and delay of its fit taken out and a level of
    zero in 0 to -1 ppm: its area within limits less that of the fitted metabolites there, over three times the
    fitted amplitude of creatine. The fit has the nulled spectrum as macromolecules and a moderate spline.

    Parameters
    ----------
    limits : tuple of float
        In ppm.

    Returns
    -------
    float or None
        None where a file is absent.
    """
    measured = with_measured_mm(_case())
    if measured is None:
        return None
    data, outcome = measured[0].fit("spline, moderate", metab_groups=("Mac",))
    shift_hz, phase_rad = outcome.shift_hz[0, 0], outcome.phase_rad[0]
    assert outcome.metabolites is not None
    fids = np.vstack([data.fid[0, 0, 0], outcome.metabolites[0]]).astype(np.complex128)
    fids = correct(fids, shift_hz, phase_rad, data.dwelltime_s)
    spectra = fid_to_spectrum(first_order_phase(fids, -outcome.delay_s[0], data.dwelltime_s)).real
    spectra -= spectra[:, ppm_window(data.ppm_axis, _EMPTY_PPM)].mean(axis=1, keepdims=True)
    # A line of amplitude 1 has, above its foot, an area of sqrt(n) / 2 in channels of the orthonormal transform.
    area = 2 * spectra[:, ppm_window(data.ppm_axis, limits)].sum(axis=1) / np.sqrt(data.n_points)
    metabolites = sum(area[1 + m] for m, name in enumerate(outcome.members) if name != "Mac")
    raw = outcome.scaled["raw"].value[0]
    basis = outcome.basis
    protons = np.abs(basis.fids[basis.names.index("Cr"), 0]) / CREATINE_PROTONS
    return float((area[0] - metabolites) / (METHYL_PROTONS * protons * raw[outcome.column("Cr+PCr")]))


def _case() -> QuantifyCase:
    return QuantifyCase("", "", in_vivo("press_3t", "sub-01_press.nii.gz"), shipped("press_3t_te30"))
