"""Creatine referencing: shift and phase of one Lorentzian line fitted at the methyl singlet of creatine.

These estimates are *absolute*: a shift from 3.027 ppm and the phase of the line itself, whatever the position
and phase of the reference. The line is the published model of the "CrR" rival (Shamaei et al. 2023,
doi:10.1002/mrm.29498), without its network.
"""

import math

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration.band import Band, Registration
from fsl_mrs_dl.fit.registration.classical.spectral_registration import (
    LeastSquaresFit,
    View,
    registration,
    signal_norm,
    solve,
)
from fsl_mrs_dl.physics import damp, fid_to_spectrum, phase, ppm_window, singlet, time_axis
from fsl_mrs_dl.physics.landmarks import METHYLS_PPM

CREATINE_PPM = METHYLS_PPM["Cr"]

WINDOW_PPM = (2.5, 3.5)
"""Where the windowed fit looks, in ppm."""

BROAD_RATE = 500.0
"""Damping in 1/s that leaves the broad background of an FID; Shamaei et al. 2023, doi:10.1002/mrm.29498."""

_START_FWHM_HZ = 8.0
"""Width of the line at the start, in Hz: of a brain at 3 T."""
_FWHM_BOUNDS_HZ = (0.2, 60.0)
"""Range of the width, in Hz: from below that of a phantom to that of a shim that has failed."""
_LEAST_SNR = 5.0
"""Least amplitude of a line, in SDs: below it a fit of noise is taken for a line."""


def crr(fids: Complex, reference: Complex, band: Band) -> Registration:
    r"""Estimate absolute shifts and phases by a fit of the creatine line in the time domain.

    .. math:: \min_{a, \phi, f, \gamma} \sum_t \left| (1 - e^{-\lambda t})
        \left( y(t) - a e^{i \phi} e^{2 \pi i (f_{Cr} + f) t - \gamma t} \right) \right|^2, \lambda = 500 / s

    The factor removes the broad part :math:`y e^{-\lambda t}`. It stands before the line too, which the
    published decoder lacks: otherwise the fitted line would have to imitate a gap that it does not have.
    Coils are first added with the sensitivities of :func:`sensitivities`.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
        Gives the relative sensitivities of the coils, nothing else.
    band : Band
        ``inside`` is not used.

    Returns
    -------
    Registration
        **Absolute**: shift of the line from 3.027 ppm, and its phase (in the coil that sees it best), not
        relative to the reference. Not converged where no line stands above the residual. The SDs count all
        that the line does not explain, other lines too, as white noise.

    Raises
    ------
    DataError
        If the reference is zero everywhere.
    """
    return _refer(fids, reference, band, lambda fid: fid)


def crrf(fids: Complex, reference: Complex, band: Band) -> Registration:
    """Estimate absolute shifts and phases by a fit of the creatine line in the bins of 2.5 to 3.5 ppm.

    As :func:`crr`, in the spectrum and only where both 2.5 to 3.5 ppm and the window of the band are.

    Parameters
    ----------
    fids : ndarray, complex, shape (transient, coil, time)
        Coils scaled to equal noise.
    reference : ndarray, complex, shape (coil, time)
        Gives the relative sensitivities of the coils, nothing else.
    band : Band

    Returns
    -------
    Registration
        **Absolute**, as :func:`crr`.

    Raises
    ------
    DataError
        If the window leaves out creatine, or the reference is zero everywhere in it.
    """
    inside = _creatine_bins(band)
    return _refer(fids, reference, band, lambda fid: fid_to_spectrum(fid)[..., inside])


def sensitivities(reference: Complex, band: Band) -> Complex:
    """Return the relative complex sensitivities of the coils: those of the reference around creatine.

    The first left singular vector of the reference's spectrum from 2.5 to 3.5 ppm, which is the best estimate
    in white noise. Its phase is fixed so that the strongest coil is real and positive, thus 1 for one coil.

    Parameters
    ----------
    reference : ndarray, complex, shape (coil, time)
    band : Band

    Returns
    -------
    ndarray, complex, shape (coil,)
        Of norm 1.

    Raises
    ------
    DataError
        If the reference is zero everywhere around creatine, or the spectrum does not reach there.
    """
    spectrum = fid_to_spectrum(reference)[:, ppm_window(band.ppm, WINDOW_PPM)]
    signal_norm(spectrum)
    vector = np.linalg.svd(spectrum, full_matrices=False)[0][:, 0]
    strongest = vector[np.argmax(np.abs(vector))]
    relative: Complex = vector * (np.abs(strongest) / strongest)
    return relative


def _creatine_bins(band: Band) -> NDArray[np.bool_]:
    """Return which bins the windowed fit uses, shape (frequency,)."""
    inside = ppm_window(band.ppm, WINDOW_PPM) & band.inside
    used = band.ppm[inside]
    if used.size < 4 or not used[0] < CREATINE_PPM < used[-1]:
        low, high = band.ppm[band.inside][[0, -1]]
        raise DataError(
            f"The window {low:.2f} to {high:.2f} ppm leaves out creatine at {CREATINE_PPM:g} ppm, to which "
            "this method refers. Choose a wider window (--ppm) or another method (--method)."
        )
    return inside


def _refer(fids: Complex, reference: Complex, band: Band, look: View) -> Registration:
    """Fit the creatine line, without the broad part, to each transient."""
    weights = sensitivities(reference, band).conj()

    def view(fid: Complex) -> Complex:
        return look(fid - damp(fid, BROAD_RATE, 0.0, band.dwelltime_s))

    scale = signal_norm(view(weights @ reference))
    solutions = [_fit_line(weights @ fid / scale, band, view) for fid in fids]
    return registration(solutions, phase_at=1, shift_at=2)


def _fit_line(fid: Complex, band: Band, view: View) -> LeastSquaresFit:
    """Fit amplitude, phase, shift and damping of the creatine line to one FID, shape (time,)."""
    dwelltime_s, n_points = band.dwelltime_s, fid.size
    # The middle bin of the ppm axis is at 0 Hz.
    creatine_hz = (CREATINE_PPM - band.ppm[n_points // 2]) * band.spectrometer_frequency_mhz
    time = time_axis(n_points, dwelltime_s, fid)
    data = view(fid)

    def model(parameters: Real) -> tuple[Complex, Complex]:
        amplitude, phase_rad, shift_hz, gamma = parameters
        line = phase(singlet(n_points, dwelltime_s, creatine_hz + shift_hz, gamma, 0.0, fid), phase_rad)
        moved = amplitude * line
        columns = np.stack([line, 1j * moved, 2j * math.pi * time * moved, -time * moved])
        return view(moved), view(columns)

    start_gamma = math.pi * _START_FWHM_HZ
    unit, _ = model(np.array([1.0, 0.0, 0.0, start_gamma]))
    height = np.vdot(unit, data) / np.vdot(unit, unit).real
    start = np.array([np.abs(height), np.angle(height), 0.0, start_gamma])
    low, high = (math.pi * fwhm_hz for fwhm_hz in _FWHM_BOUNDS_HZ)
    lowest = np.array([-np.inf, -np.inf, -band.max_shift_hz, low])
    highest = np.array([np.inf, np.inf, band.max_shift_hz, high])
    step = np.array([max(start[0], 1e-6), 1.0, 2.0, 10.0])
    return _upright(solve(data, model, start, lowest, highest, step))


def _upright(solution: LeastSquaresFit) -> LeastSquaresFit:
    """Return the same line with a positive amplitude, converged only if it stands above the residual."""
    parameters = solution.parameters.copy()
    if parameters[0] < 0:
        parameters[0] *= -1
        parameters[1] += math.pi
    visible = bool(parameters[0] > _LEAST_SNR * solution.sd[0])
    return LeastSquaresFit(parameters, solution.sd, solution.converged and visible)
