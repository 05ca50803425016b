"""The band of a fitted curve is the spread of fits over repeated noise, and rests on the reported bounds."""

from dataclasses import replace

import numpy as np
import pytest
from test_lcm import REF, TRUTH, basis

from fsl_mrs_dl import physics
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, curves, fit_spectra
from fsl_mrs_dl.fit.lcm.band import band_columns
from fsl_mrs_dl.fit.lcm.engine import unscaled
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.physics import fid_to_spectrum, first_order_phase, phase, spectrum_to_fid

N_DRAWS, NOISE, DELAY_S, PHASE_RAD, SHIFT_HZ = 200, 0.5, 5e-5, 0.4, 3.7
SETTINGS = FitSettings(baseline=Baseline.parse("poly, 2"), non_negative=False)


def noiseless() -> np.ndarray:
    whole = basis()
    one = np.ones(1)
    fid = physics.basis_sum(
        np.asarray(whole.fids), TRUTH, SHIFT_HZ * one, 10.0 * one, 8.0 * one, whole.dwelltime_s
    )
    return first_order_phase(phase(fid, PHASE_RAD), DELAY_S, whole.dwelltime_s, SHIFT_HZ)


def band(settings: FitSettings, own_sd: float = 0.0) -> np.ndarray:
    """The columns of the band at the truth, in the frame of the data, with the phase of the fit."""
    whole = basis()
    problem = unscaled(Problem.of(whole, settings, REF))
    at = Parameters.shared(
        np.full((1, 1), SHIFT_HZ), np.full((1, 1), 10.0), np.full((1, 1), 64.0), *np.zeros((2, 1))
    )
    columns = band_columns(
        problem, problem.members(at)[0], TRUTH, first_hz=SHIFT_HZ, noise_sd=NOISE, own_shift_sd_hz=own_sd
    )
    turned = first_order_phase(spectrum_to_fid(columns), DELAY_S, whole.dwelltime_s, SHIFT_HZ)
    return fid_to_spectrum(phase(turned, PHASE_RAD))


def window() -> np.ndarray:
    """The bins of the fit window, in the frame of the data."""
    whole = basis()
    n, mhz = whole.fids.shape[1], whole.spectrometer_frequency_mhz
    moved = SHIFT_HZ / mhz
    return physics.ppm_window(physics.ppm_axis(n, whole.dwelltime_s, mhz, REF), (0.2 + moved, 4.2 + moved))


def test_band_is_the_spread_of_fits(rng: np.random.Generator) -> None:
    whole = basis()
    noisy = physics.add_noise(np.repeat(noiseless()[None], N_DRAWS, axis=0), NOISE, rng)
    found = fit_spectra(noisy, whole, SETTINGS, reference_ppm=REF)
    spread = fid_to_spectrum(curves(found, whole, SETTINGS, reference_ppm=REF).fit).real.std(axis=0, ddof=1)
    inside = window()
    expected = np.sqrt((band(SETTINGS).real ** 2).sum(axis=0))
    # An SD of n draws errs by 1 / sqrt(2 n); the largest of some 50 independent bins stays within 4 of those.
    assert np.abs(spread[inside] / expected[inside] - 1).max() < 4 / np.sqrt(2 * N_DRAWS)


def test_spline_and_own_shifts_are_bounded_by_what_holds_them() -> None:
    spline = replace(SETTINGS, baseline=Baseline.parse("spline, flexible"))
    mean_square = [(band(s, sd).real ** 2).sum() for s, sd in ((SETTINGS, 0), (spline, 0), (spline, 2.0))]
    assert mean_square[0] < mean_square[1] < mean_square[2]
    # The fit projects the noise of the window onto as many directions as there are free values.
    projected = (np.abs(band(SETTINGS)[:, window()]) ** 2).sum()
    assert projected == pytest.approx(NOISE**2 * (6 + 5 + 6), rel=0.05)
