"""A network's estimate is kept where the likelihood supports it, and replaced where it does not."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import REPLACED, MRSData
from fsl_mrs_dl.fit.registration import (
    METHODS,
    Band,
    Method,
    Registration,
    estimate_alignment,
    flagged_transients,
)
from fsl_mrs_dl.fit.registration.support import supported

N, DT, MHZ, COUNT, SIGMA = 1024, 5e-4, 123.25, 24, 0.1
LIKE = np.zeros(1, dtype=complex)
PPM = physics.ppm_axis(N, DT, MHZ, 4.65)
BAND = Band(DT, MHZ, PPM, physics.ppm_window(PPM, (1.8, 4.2)), 43.0)
OFFSET_HZ, OFFSET_RAD = 4.0, np.radians(50.0)


def brain():
    hz = (np.array([2.008, 3.027, 3.21, 3.55]) - 4.65) * MHZ
    return np.array([3.0, 2.0, 1.2, 0.7]) @ physics.singlet(N, DT, hz, np.pi * 5, 0.0, LIKE)


@pytest.fixture
def scan(rng):
    """Return transients of one coil in units of their noise, and their truth."""
    shift_hz, phase_rad = rng.uniform(-10, 10, COUNT), rng.uniform(-3, 3, COUNT)
    fids = physics.phase(physics.shift(np.repeat(brain()[None], COUNT, axis=0), shift_hz, DT), phase_rad)
    noisy = physics.add_noise(fids, SIGMA, rng)[:, None] / SIGMA
    return noisy, shift_hz, phase_rad


def exact(shift_hz, phase_rad):
    return Registration.without_sd(shift_hz.copy(), phase_rad.copy())


def of_network(shift_hz, phase_rad):
    """Return the truth as a network says it that was trained relative to something else."""
    return exact(shift_hz + OFFSET_HZ, phase_rad + OFFSET_RAD)


def checked(scan, said, judge=None):
    fids, shift_hz, phase_rad = scan
    return supported(fids, said, judge or exact(shift_hz, phase_rad), brain()[None] / SIGMA, BAND)


def test_right_estimates_stay_as_they_are(scan):
    said = of_network(*scan[1:])
    result, _ = checked(scan, said)
    assert not result.replaced.any()
    np.testing.assert_array_equal(result.shift_hz, said.shift_hz)


@pytest.mark.parametrize(("hz", "degrees"), [(15.0, 0.0), (-5.0, 0.0), (0.0, 40.0), (0.0, 180.0)])
def test_wrong_ones_become_the_judge_s_in_the_network_s_frame(scan, hz, degrees):
    _, shift_hz, phase_rad = scan
    said = of_network(shift_hz, phase_rad)
    wrong = np.zeros(COUNT, dtype=bool)
    wrong[[3, 11]] = True
    said.shift_hz[wrong] += hz
    said.phase_rad[wrong] += np.radians(degrees)
    result, _ = checked(scan, said)
    np.testing.assert_array_equal(result.replaced, wrong)
    np.testing.assert_allclose(result.shift_hz, shift_hz + OFFSET_HZ, atol=1e-6)
    error = np.angle(np.exp(1j * (result.phase_rad - phase_rad - OFFSET_RAD)))
    np.testing.assert_allclose(error, 0.0, atol=1e-6)


def test_a_judge_that_is_wrong_is_not_followed(scan):
    """Where the network explains the transient better than the judge, it stays."""
    _, shift_hz, phase_rad = scan
    judge = exact(shift_hz, phase_rad)
    judge.shift_hz[5] += 20.0
    result, _ = checked(scan, of_network(shift_hz, phase_rad), judge)
    assert not result.replaced.any()


def test_what_noise_can_explain_is_left(scan, rng):
    """Transients of noise alone say nothing against any shift."""
    fids, shift_hz, phase_rad = scan
    noise = physics.add_noise(np.zeros_like(fids), 1.0, rng)
    said = of_network(shift_hz, phase_rad)
    said.shift_hz[::2] += rng.uniform(2.0, 20.0, COUNT // 2)
    result, _ = checked((noise, shift_hz, phase_rad), said)
    # A difference of power that two draws of noise make: the ratio is above 11.8 in less than 1 of 100.
    assert result.replaced.sum() <= 2


def test_the_average_moves_into_the_network_s_frame(scan):
    """A transient is the average moved by its estimate, in both frames."""
    _, shift_hz, phase_rad = scan
    result, average = checked(scan, of_network(shift_hz, phase_rad))
    moved = physics.phase(physics.shift(average, result.shift_hz[:1], DT), result.phase_rad[:1])
    expected = physics.phase(physics.shift(brain()[None] / SIGMA, shift_hz[:1], DT), phase_rad[:1])
    np.testing.assert_allclose(moved, expected, atol=1e-8)


def test_align_flags_what_it_replaced_and_still_uses_it(scan):
    """Without the check the same method keeps its mistake."""
    fids, shift_hz, phase_rad = scan
    data = MRSData(fids[:, 0].T[None, None, None], DT, MHZ, dim_tags=("DIM_DYN",))

    def register(fids, reference, band):
        said = of_network(shift_hz, phase_rad)
        said.shift_hz[7] += 12.0
        return said

    method = Method(register, checked=True)
    error = {}
    for each in (method, replace(method, checked=False)):
        results = estimate_alignment(data, dim="DIM_DYN", limits_ppm=(1.8, 4.2), method=each)
        error[each.checked] = results.shift_hz.ravel() - shift_hz - OFFSET_HZ
        assert list(np.flatnonzero(results.flag.ravel() == REPLACED)) == ([7] if each.checked else [])
        if each.checked:
            assert 7 not in flagged_transients(data, results, "DIM_DYN")
    # Bound of 0.1 noise over 3 + 2 + 1.2 of signal at 5 Hz: gn reaches it, see test_gauss_newton.
    assert abs(error[True][7]) < 1.0
    assert error[False][7] == pytest.approx(12.0)
    assert not METHODS["gn"].checked
