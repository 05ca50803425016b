"""What is left of a fit, seen through lines: noise, a foreign line, a wrong basis set."""

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.leftover import DOUBLET_HZ, Leftover, leftover

N, DT, F0 = 1024, 5e-4, 123.25
LINES = {"NAA": (2.01, 3.0, 10.0), "Cr": (3.03, 3.0, 8.0), "PCh": (3.21, 9.0, 1.5), "Tau": (3.42, 2.0, 3.0)}
OWN, GAMMA, SIGMA = np.pi, 8.0, 10.0
NOISE = 0.5
SETTINGS = FitSettings(baseline=Baseline.parse("poly, 2"))


def line(ppm: float) -> np.ndarray:
    return physics.singlet(N, DT, (ppm - 4.65) * F0, OWN, 0.0, np.zeros(1, dtype=complex))


def basis(*more: np.ndarray) -> Basis:
    fids = np.stack([h * line(ppm) for ppm, h, _ in LINES.values()] + [np.ravel(one) for one in more])
    return Basis(fids, (*LINES, *(f"X{n}" for n in range(len(more)))), DT, F0)


def spectra(n: int, rng: np.random.Generator, extra: np.ndarray | float = 0.0) -> np.ndarray:
    clean = np.array([a for *_, a in LINES.values()]) @ basis().fids + extra
    broad = physics.damp(np.tile(clean, (n, 1)), np.full(n, GAMMA), np.full(n, SIGMA), DT)
    moved = physics.phase(physics.shift(broad, rng.uniform(-3, 3, n), DT), rng.uniform(-0.5, 0.5, n))
    return physics.add_noise(moved, NOISE, rng)


def look(fids: np.ndarray, settings: FitSettings = SETTINGS) -> Leftover:
    given = basis()
    fitter = Fitter(given, settings, reference_ppm=given.reference_ppm)
    return leftover(fitter, fids, fitter(fids))


def ppm(left: Leftover) -> np.ndarray:
    return basis().reference_ppm + left.place_hz / F0


@pytest.mark.parametrize("baseline", ["off", "poly, 2", "spline, moderate"])
def test_noise_is_noise(baseline: str, rng: np.random.Generator) -> None:
    n = 200
    left = look(spectra(n, rng), FitSettings(baseline=Baseline.parse(baseline)))
    # A mean of ``looks`` squares has the variance 2 / looks; 200 of them, within 4 SD.
    assert abs(left.power.mean() - 1) < 4 * np.sqrt(2 / left.looks.mean() / n)
    assert left.power.std() < 1.3 * np.sqrt(2 / left.looks.mean())
    for level in (0.02, 0.1, 0.3):
        # Chances may be too large, as the roughness is never below one, but not too small.
        assert (left.p < level).mean() < level + 4 * np.sqrt(level / n)


def test_z_is_that_of_a_fit_that_has_the_line(rng: np.random.Generator) -> None:
    foreign = 0.6 * line(2.6)
    fids = spectra(32, rng, foreign)
    left = look(fids)
    np.testing.assert_allclose(ppm(left), 2.6, atol=1.5 / F0 / (N * DT))
    given = basis(line(2.6))
    with_it = Fitter(given, SETTINGS, reference_ppm=given.reference_ppm)(fids)
    ratio = left.z / (with_it.amplitudes[:, -1] / with_it.crlb[:, -1])
    # Not more, but for a place between two bins and the width; less where noise is rough by chance,
    # by the SD of a median of ``looks`` values: 1.17 / sqrt(looks).
    assert ratio.max() < 1.1
    assert np.median(ratio) > 1 - 1.17 / np.sqrt(left.looks.mean())
    assert (left.p < 1e-3).all()


def test_z_of_a_doublet_is_that_of_a_fit_that_has_the_doublet(rng: np.random.Generator) -> None:
    """Four bins apart, 7.8 Hz: the two lines overlap, and their products count in the energy of the doublet."""
    half = 2 / (N * DT) / F0
    pair = line(2.6 - half) + line(2.6 + half)
    fids = spectra(32, rng, 0.5 * pair)
    left = look(fids)
    given = basis(pair)
    with_it = Fitter(given, SETTINGS, reference_ppm=given.reference_ppm)(fids)
    ratio = left.z / (with_it.amplitudes[:, -1] / with_it.crlb[:, -1])
    np.testing.assert_allclose(ppm(left), 2.6, atol=1.5 / F0 / (N * DT))
    assert ratio.max() < 1.1
    assert np.median(ratio) > 1 - 1.17 / np.sqrt(left.looks.mean())


def test_a_missing_part_is_a_negative_line_and_a_doublet_is_one_line(rng: np.random.Generator) -> None:
    half = DOUBLET_HZ / 2 / F0
    doublet = look(spectra(16, rng, 3 * (line(1.31 - half) + line(1.31 + half))))
    np.testing.assert_allclose(ppm(doublet), 1.31, atol=2 / F0 / (N * DT))
    dip = look(spectra(16, rng, -3 * line(2.6)))
    np.testing.assert_allclose(ppm(dip), 2.6, atol=1.5 / F0 / (N * DT))
    assert (dip.z < -5).all()
    assert (doublet.z > 5).all()


def test_lines_of_another_shape_widen_errors_and_scale_does_not(rng: np.random.Generator) -> None:
    given, n = basis(), 32
    # Macromolecule-like lines everywhere, of which the basis set knows nothing.
    broad = sum(
        physics.damp(4 * np.ravel(line(p))[None], np.array([60.0]), np.zeros(1), DT)[0]
        for p in (1.4, 2.3, 2.6)
    )
    fids = spectra(n, rng, broad)
    left = look(fids)
    assert np.median(left.widening) > 1.5
    fitter = Fitter(given, SETTINGS, reference_ppm=given.reference_ppm)
    for scale in (1e-6, 1e6):
        other = leftover(fitter, scale * fids, fitter(scale * fids))
        np.testing.assert_allclose(other.power, left.power, rtol=1e-2)


def test_what_was_not_fitted_is_not_known(rng: np.random.Generator) -> None:
    fids = spectra(3, rng)
    fids[1] = np.nan
    left = look(fids)
    for values in vars(left).values():
        assert np.isfinite(values[[0, 2]]).all()
        assert np.isnan(values[1])


def test_a_window_narrower_than_a_doublet_is_no_obstacle(rng: np.random.Generator) -> None:
    long = physics.damp(np.pad(spectra(2, rng), ((0, 0), (0, 7 * N))), np.ones(2), np.zeros(2), DT)
    fids = np.pad(np.asarray(basis().fids), ((0, 0), (0, 7 * N)))
    given = Basis(fids[:1], ("NAA",), DT, F0)
    settings = FitSettings((1.99, 2.03), lorentzian=True, first_order_phase=False)
    fitter = Fitter(given, settings, reference_ppm=given.reference_ppm)
    left = leftover(fitter, long, fitter(long))
    assert fitter.problem.inside.sum() < DOUBLET_HZ * 8 * N * DT
    assert np.isfinite(left.power).all()
