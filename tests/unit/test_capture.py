"""The carrier's offset: found wherever it may be, and said where it may not."""

import numpy as np

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, fit_spectra
from fsl_mrs_dl.fit.lcm.problem import Problem
from fsl_mrs_dl.fit.lcm.start import starts

N, DT, F0, REF = 1024, 4e-4, 127.7, 4.65
LINES = {
    "NAA": [(2.008, 3.0), (2.67, 1.0), (2.49, 1.0)],
    "Cr": [(3.027, 3.0), (3.913, 2.0)],
    "PCh": [(3.208, 9.0)],
}
TRUTH = np.array([10.0, 8.0, 1.5])
SETTINGS = FitSettings(baseline=Baseline.parse("poly, 2"), lorentzian=True, first_order_phase=False)


def line(ppm: float, gamma: float) -> np.ndarray:
    return physics.singlet(N, DT, (ppm - REF) * F0, gamma, 0.0, np.zeros(1, dtype=complex))


def basis() -> Basis:
    fids = [sum(height * line(ppm, 6.0) for ppm, height in lines) for lines in LINES.values()]
    return Basis(np.stack(fids), tuple(LINES), DT, F0)


def brain(shift_hz: np.ndarray, rng: np.random.Generator, sigma: float = 1.0) -> np.ndarray:
    whole = TRUTH @ np.asarray(basis().fids) * np.exp(-15.0 * DT * np.arange(N))
    whole = whole + 100 * line(4.65, 30.0)  # residual water
    return physics.add_noise(physics.shift(np.tile(whole, (len(shift_hz), 1)), shift_hz, DT), sigma, rng)


def test_offsets_to_half_a_ppm_change_nothing(rng: np.random.Generator) -> None:
    offsets = np.repeat(np.arange(-60.0, 61.0, 10.0), 4)
    found = fit_spectra(brain(offsets, rng), basis(), SETTINGS, reference_ppm=REF)
    assert (found.flag == "").all()
    assert np.abs(found.shift_hz[:, 0] - offsets).max() < 1
    # The water's tail is a bias that all offsets share; what is left are errors of the size of the bound.
    off = (found.amplitudes - np.median(found.amplitudes, axis=0)) / found.crlb
    assert np.abs(off).max() < 5


def test_offset_beyond_is_said(rng: np.random.Generator) -> None:
    found = fit_spectra(brain(np.array([-100.0, 100.0]), rng), basis(), SETTINGS, reference_ppm=REF)
    assert (found.flag == "out_of_range").all()


def test_lipid_that_passes_for_naa_is_said(rng: np.random.Generator) -> None:
    """A line at 1.3 ppm, some twenty times as high as NAA, looks like NAA moved by 0.7 ppm."""
    fids = brain(np.zeros(4), rng) + 600 * line(1.3, 40.0)
    found = fit_spectra(fids, basis(), SETTINGS, reference_ppm=REF)
    assert (found.flag == "out_of_range").all()


def test_lipid_as_strong_as_the_brain_moves_nothing(rng: np.random.Generator) -> None:
    """A broad and a narrow line at 1.3 ppm, each three times as high at the first point as NAA."""
    offsets = np.repeat(np.arange(-40.0, 41.0, 20.0), 4)
    fat = 100 * (line(1.3, 30.0) + line(1.28, 90.0)) + 40 * line(0.9, 60.0)
    fids = brain(offsets, rng) + physics.shift(np.tile(fat, (len(offsets), 1)), offsets, DT)
    found, _, _ = starts(Problem.of(basis(), SETTINGS, REF), basis(), fids, 1)
    # The place of the whole spectrum, to a bin of the first 0.2 s.
    assert np.abs(found[-1].shift_hz[:, 0] - offsets).max() < 5
