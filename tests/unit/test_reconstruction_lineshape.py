"""The measured lineshape of a reconstruction: of a water reference, or of the lines of the data."""

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.physics import add_noise, eddy_current_phase


class TestLineshape:
    def test_water_gives_decay_and_eddy_current(self, rng: np.random.Generator) -> None:
        n, dt = 2048, 5e-4
        t = np.arange(n) * dt
        like = np.zeros(1, complex)
        eddy = eddy_current_phase(n, dt, np.array(8.0), np.array(0.05), like)
        shape = np.exp(-15 * t - (20 * t) ** 2 + 1j * eddy)
        water = add_noise(1e4 * np.exp(2j * np.pi * 13 * t + 0.7j) * shape, 1.0, rng)
        decay, width, lorentz = sparse.water_decay(water, dt)
        # exp(-15 t) is a line of 15 / pi Hz.
        assert lorentz == pytest.approx(15 / np.pi, rel=0.1)
        assert width > lorentz
        head = t < 0.06  # water falls to a twentieth at 0.075 s
        # What a straight line takes of the eddy-current phase is frequency and phase, of no lineshape.
        relation = decay[head] / shape[head]
        angle = np.unwrap(np.angle(relation))
        line = np.polyval(np.polyfit(t[head], angle, 1), t[head])
        np.testing.assert_allclose(np.abs(relation), 1, atol=0.05)
        # A mean over 2 ms of a phase that turns by 8 Hz is off by up to 2 pi 8 / 2 ms / 2 = 0.025 at the end.
        np.testing.assert_allclose(angle, line, atol=0.03)
        assert np.abs(decay[-1]) < 1e-3

    def test_water_is_reduced_to_the_width_of_the_lines(self) -> None:
        n, dt = 2048, 5e-4
        water = 1e4 * sparse.lorentzian(n, dt, 9.0)[None]
        kept, reduced, beyond = (sparse.of_water(water, dt, hz) for hz in (12.0, 6.0, None))
        assert (kept.fwhm_hz, beyond.fwhm_hz) == (pytest.approx(9, rel=1e-3), pytest.approx(9, rel=1e-3))
        assert reduced.fwhm_hz == pytest.approx(6, rel=1e-3)
        np.testing.assert_allclose(
            np.abs(reduced.decay[0, 0]), np.abs(sparse.lorentzian(n, dt, 6.0)), atol=0.01
        )

    def test_width_of_the_lines(self, rng: np.random.Generator) -> None:
        n, dt, f0 = 2048, 5e-4, 123.2
        t = np.arange(n) * dt
        hz = (np.array([2.01, 3.03, 3.2]) - 4.65) * f0
        fids = np.exp(2j * np.pi * np.outer(hz, t)).sum(axis=0) * np.exp(-7 * np.pi * t)
        fids = add_noise(np.broadcast_to(fids, (4, n)), 0.05, rng)
        data = MRSData(fids.T[None, None, None], dt, f0, dim_tags=("DIM_DYN",))
        assert sparse.of_lines(data, fids, np.full(4, 0.05)).fwhm_hz == pytest.approx(7, rel=0.05)
        carbon = MRSData(fids.T[None, None, None], dt, f0, nucleus="31P", dim_tags=("DIM_DYN",))
        assert sparse.of_lines(carbon, fids, np.full(4, 0.05)).fwhm_hz == pytest.approx(7, rel=0.1)
