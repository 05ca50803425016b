"""Measure the width and chemical shift of a singlet."""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_axis, singlet
from fsl_mrs_dl.scores.spectra import noise_sd

PEAK_HEIGHT = 5.0
"""Height in noise SDs above which there is a line: one of 50 noise bins reaches it once in 5 000 spectra."""


class Peak(NamedTuple):
    """A fitted singlet; NaN throughout if no line stands above the noise.

    Attributes
    ----------
    fwhm_hz : float
        Full width at half maximum, in Hz.
    centre_ppm : float
        In ppm.
    fwhm_hz_sd : float
        Standard deviation of the width from the Fisher matrix, in Hz.
    phase_rad : float
        Phase of the line's FID at time zero, in rad; 0 is absorption.
    height_sd : float
        Magnitude at the centre, in noise SDs.
    """

    fwhm_hz: float
    centre_ppm: float
    fwhm_hz_sd: float
    phase_rad: float
    height_sd: float


_NO_PEAK = Peak(*5 * (math.nan,))


def voigt_fwhm_hz(gamma: Any, sigma: Any) -> Any:
    r"""Return the width of a Voigt line, in Hz.

    .. math:: w = 0.5346 \, w_L + \sqrt{0.2166 \, w_L^2 + w_G^2}, \quad
              w_L = \gamma / \pi, \quad w_G = 2 \sigma \sqrt{\ln 2} / \pi

    Parameters
    ----------
    gamma, sigma : float or ndarray
        As in :func:`fsl_mrs_dl.physics.damp`, in rad/s.

    References
    ----------
    Olivero and Longbothum 1977, doi:10.1016/0022-4073(77)90161-3; off by 0.02 % at most.
    """
    return _width(gamma / math.pi, 2 * sigma * math.sqrt(math.log(2)) / math.pi)


def _width(lorentz: Any, gauss: Any) -> Any:
    return 0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2)


def peak_linewidth_hz(
    fid: Complex,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    reference_ppm: float,
    centre_ppm: float,
    *,
    search_ppm: float = 0.06,
    half_width_ppm: float = 0.1,
) -> Peak:
    """Measure width and chemical shift of a singlet by a fit of one line on a sloping baseline.

    A Voigt line of free complex amplitude and a complex straight line are fitted to the complex bins around the
    highest one near ``centre_ppm``; the linear parameters are solved exactly (variable projection). The phase of
    the spectrum does not matter.

    Parameters
    ----------
    fid : ndarray, complex, shape (time,)
        An averaged FID.
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    reference_ppm : float
        Chemical shift at zero frequency, in ppm.
    centre_ppm : float
        Expected chemical shift, in ppm: creatine 3.03, NAA 2.01, choline 3.2.
    search_ppm : float
        Largest distance of the highest bin from there, in ppm.
    half_width_ppm : float
        Half width of the fitted range around that bin, in ppm.

    Returns
    -------
    Peak
        NaN if the line is lower than :data:`PEAK_HEIGHT` noise SDs, wider than the fitted range, or if the SD of
        its width exceeds half of the width.
    """
    fid = np.asarray(fid, dtype=np.complex128)
    ppm = ppm_axis(fid.size, dwelltime_s, spectrometer_frequency_mhz, reference_ppm)
    spectrum = fid_to_spectrum(fid)
    near = np.flatnonzero(np.abs(ppm - centre_ppm) <= search_ppm)
    if not near.size or not np.isfinite(spectrum).all():
        return _NO_PEAK
    top = near[np.argmax(np.abs(spectrum[near]))]
    reach = max(math.ceil(half_width_ppm * spectrometer_frequency_mhz * dwelltime_s * fid.size), 6)
    inside = slice(max(top - reach, 0), top + reach + 1)
    # A simulation without noise still has rounding errors, and a line must be higher than those.
    noise = max(float(noise_sd(fid, ppm)), np.finfo(np.float64).eps * float(np.abs(spectrum).max()))
    if noise == 0:
        return _NO_PEAK
    offset_hz = (ppm[top] - reference_ppm) * spectrometer_frequency_mhz
    fit = _LineFit(fid.size, dwelltime_s, inside, spectrum[inside] / noise)
    peak = fit.solve(offset_hz)
    return peak._replace(centre_ppm=reference_ppm + peak.centre_ppm / spectrometer_frequency_mhz)


class _LineFit:
    """Fit of a Voigt line and a complex straight line to some bins, in units of the noise."""

    def __init__(self, n_points: int, dwelltime_s: float, inside: slice, bins: Complex) -> None:
        self.n_points, self.dwelltime_s, self.inside, self.bins = n_points, dwelltime_s, inside, bins
        self.straight = np.stack([np.ones(bins.size), np.linspace(-1, 1, bins.size)], axis=1)
        self.span_hz = bins.size / (n_points * dwelltime_s)

    def columns(self, parameters: Real) -> Complex:
        """Return line and baseline, shape (bin, 3), for (offset, Lorentzian and Gaussian width), in Hz."""
        offset, lorentz, gauss = parameters
        like = np.empty(1, dtype=np.complex128)
        gamma, sigma = math.pi * lorentz, math.pi * gauss / (2 * math.sqrt(math.log(2)))
        line = fid_to_spectrum(singlet(self.n_points, self.dwelltime_s, offset, gamma, sigma, like))
        return np.column_stack([line[self.inside], self.straight])

    def residual(self, parameters: Real) -> Real:
        """Return the residual with the best amplitudes for these parameters, shape (2 bins,)."""
        columns = self.columns(parameters)
        rest = self.bins - columns @ np.linalg.lstsq(columns, self.bins, rcond=None)[0]
        return np.concatenate([rest.real, rest.imag])

    def solve(self, offset_hz: float) -> Peak:
        """Return the line, its centre in Hz from the carrier; NaN if there is none."""
        step = self.span_hz / self.bins.size
        lower, upper = [offset_hz - 3 * step, 0, 0], [offset_hz + 3 * step, self.span_hz, self.span_hz]
        start = [offset_hz, self.span_hz / 8, self.span_hz / 8]
        solution = least_squares(self.residual, start, bounds=(lower, upper), x_scale=[step, step, step])
        offset, lorentz, gauss = solution.x
        columns = self.columns(solution.x)
        amplitude = np.linalg.lstsq(columns, self.bins, rcond=None)[0][0]
        width = _width(lorentz, gauss)
        height = float(np.abs(amplitude) * np.abs(columns[:, 0]).max())
        if height < PEAK_HEIGHT or not 0 < width <= self.span_hz:
            return _NO_PEAK
        root = width - 0.5346 * lorentz
        gradient = np.array([0, 0.5346 + 0.2166 * lorentz / root, gauss / root])
        variance = gradient @ np.linalg.pinv(solution.jac.T @ solution.jac) @ gradient
        width_sd = math.sqrt(max(variance, 0))
        if width_sd > width / 2:
            return _NO_PEAK
        return Peak(float(width), float(offset), width_sd, float(np.angle(amplitude)), height)
