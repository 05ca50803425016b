"""The classical estimators against simulated truth; tolerances from the Cramer-Rao bound and chi-square."""

import math

import numpy as np
import pytest
from scipy.stats import chi2, f

from fsl_mrs_dl import physics
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.registration import Band
from fsl_mrs_dl.fit.registration.classical import corr, corrf, crr, crrf, sr, srf
from fsl_mrs_dl.fit.registration.classical.correlation import ZERO_FILL
from fsl_mrs_dl.fit.registration.classical.creatine import sensitivities
from fsl_mrs_dl.fit.registration.classical.spectral_registration import used_points

N_POINTS, DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM = 1024, 0.5e-3, 127.7, 4.65
PPM = physics.ppm_axis(N_POINTS, DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM)
LIKE = np.zeros(N_POINTS, dtype=np.complex128)
NAA, CREATINE, CHOLINE = (2.008, 1.6, 6.0), (3.027, 1.0, 5.0), (3.2, 0.9, 7.0)
ALL = [corr, corrf, crr, crrf, sr, srf]
RARE = 1e-5  # how often a test of chance may fail although all is well


def named(methods):
    return pytest.mark.parametrize("method", methods, ids=lambda method: method.__name__)


def lines(*table):
    """FID of singlets (ppm, amplitude, FWHM in Hz), shape (time,)."""
    return sum(
        a
        * physics.singlet(
            N_POINTS, DWELLTIME_S, (ppm - REFERENCE_PPM) * FREQUENCY_MHZ, math.pi * w, 0.0, LIKE
        )
        for ppm, a, w in table
    )


def moved(fid, shift_hz, phase_deg):
    """Transients (transient, coil, time) of one FID (coil, time)."""
    shift_hz, phase_deg = np.broadcast_arrays(np.asarray(shift_hz, float), np.asarray(phase_deg, float))
    fids = np.broadcast_to(fid, (shift_hz.size, *fid.shape))
    return physics.phase(
        physics.shift(fids, shift_hz.reshape(-1, 1), DWELLTIME_S), np.deg2rad(phase_deg).reshape(-1, 1)
    )


def band(max_shift_hz=20.0, limits=(1.8, 4.2)):
    return Band(DWELLTIME_S, FREQUENCY_MHZ, PPM, physics.ppm_window(PPM, limits), max_shift_hz)


def noisy(fid, n_draws, sigma, seed, shift_hz=3.0, phase_deg=20.0):
    still = moved(fid, np.full(n_draws, shift_hz), np.full(n_draws, phase_deg))
    return physics.add_noise(still, sigma, np.random.default_rng(seed))


def bound(fid, sigma, view):
    """Cramer-Rao SDs of (phase, shift) when both are unknown, from the physics seen through ``view``."""
    time = physics.time_axis(N_POINTS, DWELLTIME_S, LIKE)
    jacobian = np.stack([view(1j * fid).ravel(), view(2j * np.pi * time * fid).ravel()])
    return np.sqrt(np.diag(np.linalg.inv((jacobian.conj() @ jacobian.T).real / sigma**2)))


TISSUE = lines(NAA, CREATINE, CHOLINE)[None]
SIGMA = float(np.abs(TISSUE[0, 0])) / 15  # SNR_t0 = 15


@named([sr, srf])
def test_noise_free_truth_is_recovered(method):
    shift_hz, phase_deg = (
        g.ravel() for g in np.meshgrid([-5.0, -1.3, 0.0, 2.1, 5.0], [-40.0, 0.0, 17.0, 40.0])
    )
    found = method(moved(TISSUE, shift_hz, phase_deg), TISSUE, band())
    np.testing.assert_allclose(found.shift_hz, shift_hz, atol=1e-3)
    np.testing.assert_allclose(np.rad2deg(found.phase_rad), phase_deg, atol=0.01)
    assert found.converged.all()


@named([corr, corrf])
def test_correlation_is_right_within_half_an_interpolated_bin(method):
    half_bin_hz = 0.5 / (ZERO_FILL * N_POINTS * DWELLTIME_S)
    # The phase at a wrong shift is wrong by the mean time of the signal's energy.
    energy = np.abs(TISSUE[0]) ** 2
    delay_s = (energy * physics.time_axis(N_POINTS, DWELLTIME_S, LIKE)).sum() / energy.sum()
    # Bins of the data are 1.95 Hz: a method that sees those alone would miss most of these.
    shift_hz = np.array([-5.0, -4.1, -1.0, 0.0, 0.9, 3.0, 5.0])
    found = method(moved(TISSUE, shift_hz, 40.0), TISSUE, band())
    np.testing.assert_allclose(found.shift_hz, shift_hz, atol=half_bin_hz)
    np.testing.assert_allclose(found.phase_rad, np.deg2rad(40.0), atol=2 * np.pi * half_bin_hz * delay_s)
    assert np.isnan(found.shift_hz_sd).all()
    assert np.isnan(found.phase_rad_sd).all()


@named([crr, crrf])
def test_creatine_referencing_is_absolute(method):
    alone = lines(CREATINE)[None]
    shift_hz, phase_deg = np.array([-5.0, 0.0, 4.0]), np.array([-40.0, 10.0, 35.0])
    elsewhere = moved(alone, 7.0, 60.0)[0]
    found = method(moved(alone, shift_hz, phase_deg), elsewhere, band())
    np.testing.assert_allclose(found.shift_hz, shift_hz, atol=1e-3)
    np.testing.assert_allclose(np.rad2deg(found.phase_rad), phase_deg, atol=0.01)
    assert found.converged.all()


@named([crr, crrf])
def test_creatine_referencing_leaves_the_broad_part_out(method):
    # Nothing is broader than a first point that stands alone, and all of it is taken away.
    alone = lines(CREATINE)[None]
    spoilt = moved(alone, 4.0, 35.0)
    spoilt[..., 0] += 10.0
    found = method(spoilt, alone, band())
    np.testing.assert_allclose(found.shift_hz, 4.0, atol=1e-3)
    np.testing.assert_allclose(np.rad2deg(found.phase_rad), 35.0, atol=0.01)


def test_sensitivities_are_those_of_the_reference():
    truth = np.array([0.3, 0.8j, -0.5])
    found = sensitivities(truth[:, None] * TISSUE, band())
    np.testing.assert_allclose(found, truth / np.linalg.norm(truth) * -1j, atol=1e-9)
    np.testing.assert_allclose(sensitivities(-1j * TISSUE, band()), [1.0], atol=1e-9)


@named(ALL)
def test_sign_of_shift_and_phase(method):
    # Against the unmoved transient, because choline pulls an absolute estimate away from creatine; what
    # remains of that pull is far below the wrong sign's 10 Hz and 60 degrees.
    found = method(moved(TISSUE, [0.0, 5.0], [0.0, 30.0]), TISSUE, band())
    assert np.diff(found.shift_hz)[0] == pytest.approx(5.0, abs=0.5)
    assert np.rad2deg(np.diff(found.phase_rad)[0]) == pytest.approx(30.0, abs=3.0)


@named([sr, srf])
def test_spread_keeps_the_cramer_rao_bound(method):
    n_draws = 200
    found = method(noisy(TISSUE, n_draws, SIGMA, seed=1), TISSUE, band())
    if method is sr:
        phase_sd, shift_sd = bound(TISSUE, SIGMA, lambda fid: fid[..., : used_points(TISSUE)])
    else:
        phase_sd, shift_sd = bound(TISSUE, SIGMA, lambda fid: physics.project(fid, band().inside))
    for estimate, claimed, sd in (
        (found.shift_hz, found.shift_hz_sd, shift_sd),
        (found.phase_rad, found.phase_rad_sd, phase_sd),
    ):
        low, high = chi2.ppf([RARE / 2, 1 - RARE / 2], n_draws - 1) / (n_draws - 1)
        assert low < estimate.var(ddof=1) / sd**2 < high
        # An SD from some 310 residuals (the window's bins) is known to 1 / sqrt(2 x 310) = 4 %, times 4.5.
        np.testing.assert_allclose(claimed, sd, rtol=0.2)
        assert claimed.mean() == pytest.approx(sd, rel=0.02)
    assert abs(found.shift_hz.mean() - 3.0) < 4.5 * shift_sd / math.sqrt(n_draws)


@named([crr, crrf])
def test_creatine_claims_the_spread_it_has(method):
    n_draws, alone = 60, lines(CREATINE)[None]
    found = method(noisy(alone, n_draws, 0.1, seed=2), alone, band())
    low, high = chi2.ppf([RARE / 2, 1 - RARE / 2], n_draws - 1) / (n_draws - 1)
    assert low < found.shift_hz.var(ddof=1) / np.mean(found.shift_hz_sd**2) < high
    assert low < found.phase_rad.var(ddof=1) / np.mean(found.phase_rad_sd**2) < high


@named(ALL)
def test_four_equal_coils_halve_the_spread(method):
    n_draws = 60
    four = TISSUE * np.exp(1j * np.array([0.0, 0.4, -0.9, 1.3]))[:, None]
    one_coil = method(noisy(TISSUE, n_draws, SIGMA, seed=3), TISSUE, band())
    four_coils = method(noisy(four, n_draws, SIGMA, seed=4), four, band())
    low, high = f.ppf([RARE / 2, 1 - RARE / 2], n_draws - 1, n_draws - 1)
    assert high < 4, "more draws are needed to tell four coils from one"
    for name in ("shift_hz", "phase_rad"):
        ratio = getattr(one_coil, name).var(ddof=1) / getattr(four_coils, name).var(ddof=1)
        assert low < ratio / 4 < high


@named(ALL)
def test_scale_of_the_data_does_not_matter(method):
    fids = noisy(TISSUE, 3, SIGMA, seed=5)
    found, tiny = method(fids, TISSUE, band()), method(fids * 1e-9, TISSUE * 1e-9, band())
    np.testing.assert_allclose(tiny.shift_hz, found.shift_hz, atol=1e-6)
    np.testing.assert_allclose(tiny.phase_rad, found.phase_rad, atol=1e-6)
    np.testing.assert_allclose(tiny.shift_hz_sd, found.shift_hz_sd, rtol=1e-4)


@named(ALL)
def test_an_estimate_at_the_edge_of_the_search_did_not_converge(method):
    found = method(
        moved(lines(CREATINE)[None], [1.0, 8.0, -8.0], 0.0), lines(CREATINE)[None], band(max_shift_hz=5)
    )
    assert found.converged.tolist() == [True, False, False]
    assert (np.abs(found.shift_hz) <= 5).all()


@named([crr, crrf])
def test_noise_is_no_creatine(method):
    n_draws = 25
    noise = noisy(np.zeros_like(TISSUE), n_draws, SIGMA, seed=6)
    assert method(noise, TISSUE, band()).converged.mean() <= 0.05
    assert method(noise + moved(TISSUE, 0.0, 0.0), TISSUE, band()).converged.all()


@named(ALL)
def test_no_transients_give_no_estimates(method):
    assert method(np.empty((0, *TISSUE.shape), dtype=np.complex128), TISSUE, band()).shift_hz.shape == (0,)


@named(ALL)
def test_a_zero_reference_is_refused(method):
    with pytest.raises(DataError, match="reference"):
        method(TISSUE[None], np.zeros_like(TISSUE), band())


def test_creatine_outside_the_window_is_refused():
    with pytest.raises(DataError, match=r"leaves out creatine at 3\.027 ppm"):
        crrf(TISSUE[None], TISSUE, band(limits=(1.8, 2.9)))


@pytest.mark.parametrize("n_coils", [1, 16])
def test_spectral_registration_stops_where_the_snr_is_three(n_coils):
    gamma, sigma = 20.0, 0.02
    fid = np.exp(-gamma * physics.time_axis(N_POINTS, DWELLTIME_S, LIKE)) * np.ones((n_coils, 1))
    noisy_fid = physics.add_noise(fid + 0j, sigma, np.random.default_rng(7))
    # All coils together have sqrt(coils) the SNR of one; blocks of 32 points.
    expected = math.log(math.sqrt(n_coils) / (3 * sigma)) / gamma / DWELLTIME_S
    assert abs(used_points(noisy_fid) - expected) <= 64
    assert used_points(noisy_fid[:, :80]) == 80
