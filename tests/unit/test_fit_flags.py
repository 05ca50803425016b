"""Flags of fits: noise alone, signal that the model leaves, and the words for both."""

import numpy as np

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import FLAGS, Basis, MRSData
from fsl_mrs_dl.fit.lcm import FitSettings
from fsl_mrs_dl.fit.quantification import Request, flags_in_words, quantify_data
from fsl_mrs_dl.io.results import Outcome

N, DT, F0 = 1024, 4e-4, 123.25
LINES = {"NAA": (2.01, 3.0, 10.0), "Cr": (3.03, 3.0, 8.0), "PCh": (3.21, 9.0, 1.5)}
LOW, POOR = (1 << FLAGS[token].bit for token in ("low_snr", "poor_fit"))


def line(ppm: float, gamma: float) -> np.ndarray:
    return physics.singlet(N, DT, (ppm - 4.65) * F0, gamma, 0.0, np.zeros(1, dtype=complex))


BASIS = Basis(np.stack([h * line(ppm, 5.0) for ppm, h, _ in LINES.values()]), tuple(LINES), DT, F0)
CLEAN = np.array([a for _, _, a in LINES.values()]) @ np.asarray(BASIS.fids) * np.exp(-15 * DT * np.arange(N))


def judged(
    fids: np.ndarray, sigma: float, rng: np.random.Generator, window: tuple[float, float] = (0.2, 4.2)
) -> Outcome:
    noisy = physics.add_noise(fids, sigma, rng)
    data = MRSData(noisy.reshape(-1, 1, 1, fids.shape[-1]), DT, F0)
    voxels = np.argwhere(np.ones(data.fid.shape[:3], dtype=bool))
    basis = Basis(BASIS.fids[:, : fids.shape[-1]], BASIS.names, DT, F0)
    settings = FitSettings(window, lorentzian=True, first_order_phase=False, groups=(0, 0, 0))
    return quantify_data(data, Request(basis, settings, (), (), voxels))


def test_right_fits_pass_at_any_snr_and_noise_does_not(rng: np.random.Generator) -> None:
    n = 128
    for sigma in (0.1, 1.0, 8.0):
        found = judged(np.tile(CLEAN, (n, 1)), sigma, rng)
        assert ((found.flags & POOR) == 0).all()
        assert ((found.flags & LOW) == 0).all()
        # The residual of a right model: excess zero on average, so as many below as above within 4 SD.
        assert abs((found.misfit > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(n)
    nothing = judged(np.zeros((n, N), dtype=complex), 1.0, rng)
    assert ((nothing.flags & LOW) > 0).all()
    assert ((nothing.flags & POOR) == 0).all()


def test_too_few_points_are_said(rng: np.random.Generator) -> None:
    found = judged(np.tile(CLEAN[:32], (4, 1)), 0.1, rng, window=(1.0, 4.0))
    assert ((found.flags & LOW) > 0).all()


def test_misfit_is_that_of_the_foreign_line_and_does_not_grow_with_the_snr(rng: np.random.Generator) -> None:
    foreign = 60 * line(2.6, 20.0)
    size = np.linalg.norm(foreign) / np.linalg.norm(CLEAN)
    for sigma in (0.1, 1.0):
        found = judged(np.tile(CLEAN + foreign, (8, 1)), sigma, rng)
        assert ((found.flags & POOR) > 0).all()
        np.testing.assert_allclose(found.misfit, size, rtol=0.2)  # some of it is fitted, some is fit
    small = judged(np.tile(CLEAN + foreign / 10, (8, 1)), 0.1, rng)
    assert ((small.flags & POOR) == 0).all()


def test_flags_in_words() -> None:
    assert flags_in_words(np.zeros(3, dtype=np.int16)) == ""
    said = flags_in_words(np.array([0, LOW, LOW | POOR, 4], dtype=np.int16))
    assert said.startswith("3 of 4 voxels flagged: 1 no_convergence, 2 low_snr, 1 poor_fit")
    assert FLAGS["poor_fit"].meaning in flags_in_words(np.array([POOR], dtype=np.int16))
