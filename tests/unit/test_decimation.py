"""FIDs at the rate of a window hold what the whole ones hold there."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.fit.registration import METHODS, Band, estimate_alignment, gn, register_to_average
from fsl_mrs_dl.fit.registration.decimation import Decimation
from fsl_mrs_dl.fit.registration.set_registration import SetRegistration

F0 = 127.7
LIKE = np.zeros(1, dtype=complex)
POSITIONS, HEIGHTS = np.array([2.008, 2.35, 3.027, 3.2, 3.56, 3.913]), np.array([3, 1, 1.8, 1, 0.8, 1.2])


def band(n: int, dt: float, f0: float = F0, limits: tuple[float, float] | None = (1.8, 4.2)) -> Band:
    ppm = physics.ppm_axis(n, dt, f0, 4.65)
    return Band(dt, f0, ppm, physics.ppm_window(ppm, limits), 0.35 * f0)


def brain(n: int, dt: float, f0: float = F0, gamma: float = 15.0) -> np.ndarray:
    lines = physics.singlet(n, dt, (POSITIONS - 4.65) * f0, gamma, 8.0, LIKE)
    return (HEIGHTS[:, None] * lines).sum(axis=0)[None]


@pytest.mark.parametrize(("n", "dt"), [(2048, 2.5e-4), (1024, 4e-4), (4096, 1.667e-4), (1980, 2.272e-4)])
def test_shift_and_phase_come_through(n: int, dt: float, rng: np.random.Generator) -> None:
    here, fid = band(n, dt), brain(n, dt)
    decimation = Decimation.of(here, here.max_shift_hz)
    assert decimation is not None
    assert len(decimation.bins) < 0.6 * n
    shift_hz, phase_rad = rng.uniform(-40, 40, 20), rng.uniform(-3, 3, 20)
    fids = physics.phase(physics.shift(np.repeat(fid, 20, axis=0), shift_hz, dt), phase_rad)[:, None]
    work = SetRegistration.of(fids, here, here.max_shift_hz)
    work.compare_with(work.at_rate(fid))
    work.register_all(work.search())
    found = decimation.at_zero(work.estimates)
    # No noise: what is left is what the edges smear over the ends, a thousandth of a linewidth.
    np.testing.assert_allclose(found.shift_hz, shift_hz, atol=5e-3)
    np.testing.assert_allclose(np.angle(np.exp(1j * (found.phase_rad - phase_rad))), 0, atol=2e-3)


def test_a_line_that_has_not_decayed_is_registered_exactly(rng: np.random.Generator) -> None:
    n, dt = 2048, 2.5e-4
    fid = brain(n, dt, gamma=3.0)  # 1 Hz: a fifth of it is left at the end
    shift_hz = rng.uniform(-20, 20, 12)
    fids = physics.shift(np.repeat(fid, 12, axis=0), shift_hz, dt)[:, None]
    np.testing.assert_allclose(gn(fids, fid, band(n, dt)).shift_hz, shift_hz, atol=1e-4)


@pytest.mark.parametrize(("n", "dt", "limits"), [(512, 2.5e-4, (1.8, 4.2)), (2048, 2.5e-4, None)])
def test_what_would_save_little_is_left_whole(
    n: int, dt: float, limits: tuple[float, float] | None, rng: np.random.Generator
) -> None:
    here = band(n, dt, limits=limits)
    assert Decimation.of(here, here.max_shift_hz) is None
    shift_hz = rng.uniform(-10, 10, 12)
    fids = physics.shift(np.repeat(brain(n, dt), 12, axis=0), shift_hz, dt)[:, None]
    found, _ = register_to_average(physics.add_noise(fids, 0.02, rng) / 0.02, here)
    error = found.shift_hz - shift_hz
    assert np.abs(error - error.mean()).max() < 5 * found.shift_hz_sd.max()


def test_whole_and_decimated_have_the_same_precision(rng: np.random.Generator) -> None:
    n, dt, count = 2048, 2.5e-4, 300
    here, fid = band(n, dt), brain(n, dt)
    shift_hz = rng.uniform(-20, 20, count)
    fids = physics.add_noise(physics.shift(np.repeat(fid, count, axis=0), shift_hz, dt)[:, None], 0.4, rng)
    plain = replace(here, share=np.zeros(here.baseline.shape[1]))
    sets = SetRegistration(fids, plain, fids, plain), SetRegistration.of(fids, plain, here.max_shift_hz)
    assert sets[1].decimation is not None
    for work in sets:
        work.compare_with(work.at_rate(fid))
        work.register_all(shift_hz, side_lobes=True)
    whole, low = (work.estimates for work in sets)
    ratio = np.std(low.shift_hz - shift_hz) / np.std(whole.shift_hz - shift_hz)
    # An SD from 300 draws has a relative SD of 0.04, less for the common noise.
    assert ratio == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(low.shift_hz_sd, whole.shift_hz_sd, rtol=0.1)


def test_given_shifts_are_where_it_starts(rng: np.random.Generator) -> None:
    n, dt, count = 2048, 2.5e-4, 24
    shift_hz = rng.uniform(-15, 15, count)
    fids = physics.shift(np.repeat(brain(n, dt), count, axis=0), shift_hz, dt)
    data = MRSData(physics.add_noise(fids, 0.2, rng).T[None, None, None], dt, F0, dim_tags=("DIM_DYN",))

    def estimated(offsets: np.ndarray) -> np.ndarray:
        method = replace(METHODS["gn"], start=lambda fids, reference, band: shift_hz + offsets)
        found = estimate_alignment(data, dim="DIM_DYN", limits_ppm=(1.8, 4.2), method=method)
        error = found.shift_hz.ravel() - shift_hz
        return error - np.median(error)

    near = estimated(3.0 + rng.uniform(-1, 1, count))
    assert np.abs(near).max() < 1.0
    # Between creatine and choline (24 Hz) there is no way back: it does start there, and does not search.
    far = estimated(np.where(np.arange(count) == 5, 24.0, 0.0))
    assert abs(far[5]) > 10
