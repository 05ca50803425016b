import math

import numpy as np
import pytest

from fsl_mrs_dl import physics, scores

DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM, N_POINTS = 0.25e-3, 127.7, 4.65, 2048
LIKE = np.empty(1, dtype=np.complex128)
PPM = physics.ppm_axis(N_POINTS, DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM)
GEOMETRY = (DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM)


def line(centre_ppm, lorentz_hz, gauss_hz=0.0):
    """A singlet of unit amplitude with given widths (FWHM)."""
    sigma = math.pi * gauss_hz / (2 * math.sqrt(math.log(2)))
    offset_hz = (centre_ppm - REFERENCE_PPM) * FREQUENCY_MHZ
    return physics.singlet(N_POINTS, DWELLTIME_S, offset_hz, math.pi * lorentz_hz, sigma, LIKE)


def noise(rng, shape, sigma=1.0):
    return physics.add_noise(np.zeros(shape, dtype=np.complex128), sigma, rng)


class TestSimilarity:
    def test_identical_spectra_have_index_one(self, rng):
        spectra = np.repeat(noise(rng, (1, 50)), 7, axis=0)
        assert scores.similarity_index(spectra) == pytest.approx(1)
        np.testing.assert_allclose(scores.similarity_matrix(spectra), 1)

    def test_noise_has_index_one_over_n(self, rng):
        n, bins, repeats = 16, 60, 400
        index = scores.similarity_index(noise(rng, (repeats, n, bins)))
        # Off-diagonal entries have mean 0 and variance 1 / (2 bins); n (n - 1) / 2 of them count twice.
        sd = math.sqrt(2 * n * (n - 1) / (2 * bins)) / n**2 / math.sqrt(repeats)
        assert index.mean() == pytest.approx(1 / n, abs=5 * sd)

    def test_index_is_the_mean_of_the_matrix(self, rng):
        spectra = noise(rng, (3, 9, 40)) + 0.5
        np.testing.assert_allclose(
            scores.similarity_index(spectra), scores.similarity_matrix(spectra).mean(axis=(-1, -2))
        )

    def test_it_sees_a_phase_and_not_a_scale(self, rng):
        spectrum = noise(rng, 40)
        matrix = scores.similarity_matrix(
            np.stack([spectrum, 3 * spectrum, spectrum * np.exp(1j * np.pi / 3)])
        )
        assert matrix[0, 1] == pytest.approx(1)
        assert matrix[0, 2] == pytest.approx(0.5)

    def test_an_empty_spectrum_is_similar_to_none(self, rng):
        spectra = np.stack([noise(rng, 40), np.zeros(40)])
        assert scores.similarity_matrix(spectra)[1] == pytest.approx(0)


class TestNoise:
    def test_sigma_is_recovered_beside_strong_lines(self, rng):
        clean = 300 * line(4.7, 6) + 20 * line(2.01, 4) + 50 * line(1.3, 40)
        found = scores.noise_sd(physics.add_noise(np.repeat(clean[None], 100, axis=0), 1.0, rng), PPM)
        inner = (PPM[0] + 0.1 * np.ptp(PPM) <= PPM) & (PPM[-1] - 0.1 * np.ptp(PPM) >= PPM)
        bins = np.sum(inner & ((PPM < -0.5) | (PPM > 9.5)))
        sd = 0.72 / math.sqrt(bins)
        assert found.mean() == pytest.approx(
            1, abs=5 * sd / math.sqrt(100) + 0.005
        )  # + bias of a finite median
        assert found.std() < 1.3 * sd

    def test_edges_damped_by_a_filter_do_not_count(self, rng):
        spectra = physics.fid_to_spectrum(noise(rng, (50, N_POINTS)))
        edge = np.minimum(np.arange(N_POINTS), np.arange(N_POINTS)[::-1]) < 0.08 * N_POINTS
        found = scores.noise_sd(physics.spectrum_to_fid(np.where(edge, 0.01 * spectra, spectra)), PPM)
        assert found.mean() == pytest.approx(1, abs=0.02)

    @pytest.mark.parametrize("nucleus", ["1H", "31P"])
    def test_a_narrow_band_gives_its_quietest_part(self, rng, nucleus):
        ppm = physics.ppm_axis(512, 0.8e-3, FREQUENCY_MHZ, REFERENCE_PPM)
        fids = physics.add_noise(np.repeat(50 * line(3.03, 5)[None, :512], 100, axis=0), 1.0, rng)
        # The band now is 3 times narrower, so the line's place in it is another; it fills a few bins still.
        assert scores.noise_sd(fids, ppm, nucleus).mean() == pytest.approx(1, abs=0.05)

    def test_shape_and_broken_fids(self, rng):
        fids = noise(rng, (2, 3, N_POINTS))
        fids[1, 2, 5] = np.nan
        found = scores.noise_sd(fids, PPM)
        assert found.shape == (2, 3)
        np.testing.assert_array_equal(np.isnan(found), [[False] * 3, [False, False, True]])

    def test_very_short_fids(self, rng):
        ppm = physics.ppm_axis(32, DWELLTIME_S, FREQUENCY_MHZ, REFERENCE_PPM)
        assert 0.2 < scores.noise_sd(noise(rng, 32), ppm) < 3


class TestSNR:
    def test_each_definition(self, rng):
        fid = line(3.03, 5) * 40 + noise(rng, N_POINTS)
        spectrum = physics.fid_to_spectrum(fid)
        peak = np.abs(spectrum).max()
        assert scores.snr_t0(fid, 2.0) == pytest.approx(abs(fid[0]) / 2)
        # An SD of n values is known to 1 / sqrt(2 n).
        assert scores.snr_f(spectrum) == pytest.approx(peak, rel=4 / math.sqrt(256))
        assert scores.snr_cr(fid, PPM) == pytest.approx(peak, rel=4 / math.sqrt(512))
        assert scores.snr_db(np.full(8, 10 + 0j), np.ones(8) + 0j) == pytest.approx(20)


class TestLinewidth:
    @pytest.mark.parametrize(("lorentz", "gauss"), [(8, 0), (0, 8), (4, 6), (2, 2), (12, 4)])
    @pytest.mark.parametrize("phase", [0.0, 2.5])
    def test_width_and_place_of_a_voigt_line(self, rng, lorentz, gauss, phase):
        fid = physics.phase(line(3.03, lorentz, gauss), phase) + noise(rng, N_POINTS, 0.005)
        peak = scores.peak_linewidth_hz(fid, *GEOMETRY, 3.03)
        expected = 0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss**2)
        # 4 SD of the fit's own Fisher matrix, and the 0.02 % of the width formula.
        assert peak.fwhm_hz == pytest.approx(expected, abs=4 * peak.fwhm_hz_sd + 2e-4 * expected)
        assert peak.fwhm_hz_sd < 0.05 * expected
        assert peak.centre_ppm == pytest.approx(3.03, abs=0.002)
        assert scores.phase_difference(peak.phase_rad, phase) == pytest.approx(0, abs=0.1)

    def test_noiseless_line_is_exact(self):
        assert scores.peak_linewidth_hz(line(2.01, 8), *GEOMETRY, 2.01).fwhm_hz == pytest.approx(8, rel=1e-3)

    def test_stated_sd_is_the_spread(self, rng):
        peaks = [
            scores.peak_linewidth_hz(line(3.03, 4, 4) + noise(rng, N_POINTS, 0.02), *GEOMETRY, 3.03)
            for _ in range(40)
        ]
        spread = np.std([peak.fwhm_hz for peak in peaks])
        # The spread of 40 values is known to 1 / sqrt(78); sigma itself to a few per cent.
        assert spread == pytest.approx(np.mean([peak.fwhm_hz_sd for peak in peaks]), rel=4 / math.sqrt(78))

    def test_neighbour_and_residual_water_do_little(self, rng):
        fid = line(3.03, 3, 4) + 0.3 * line(3.2, 3, 4) + 30 * line(4.7, 8) + noise(rng, N_POINTS, 0.002)
        alone = scores.peak_linewidth_hz(line(3.03, 3, 4), *GEOMETRY, 3.03)
        assert scores.peak_linewidth_hz(fid, *GEOMETRY, 3.03).fwhm_hz == pytest.approx(
            alone.fwhm_hz, rel=0.05
        )

    def test_no_line_gives_nan(self, rng):
        for fid in (noise(rng, N_POINTS), np.zeros(N_POINTS, dtype=complex), np.full(N_POINTS, np.nan + 0j)):
            assert all(math.isnan(value) for value in scores.peak_linewidth_hz(fid, *GEOMETRY, 3.03))
        assert math.isnan(scores.peak_linewidth_hz(line(3.03, 5), *GEOMETRY, 50.0).fwhm_hz)

    def test_single_precision(self, rng):
        fid = (line(3.03, 5) + noise(rng, N_POINTS, 0.005)).astype(np.complex64)
        assert scores.peak_linewidth_hz(fid, *GEOMETRY, 3.03).fwhm_hz == pytest.approx(5, rel=0.05)


class TestAccuracy:
    def test_phases_wrap_at_half_a_turn(self):
        np.testing.assert_allclose(scores.phase_difference([3.1, -3.1, 1.0], [-3.1, 3.1, 0.5]),
                                   [6.2 - 2 * np.pi, 2 * np.pi - 6.2, 0.5])  # fmt: skip
        assert abs(scores.phase_difference(np.pi, 0.0)) == pytest.approx(np.pi)
        assert scores.phase_difference(4 * np.pi, 0.0) == pytest.approx(0)

    def test_precision_is_blind_to_an_offset(self):
        found = scores.precision_accuracy(np.array([3.0, 5.0]), np.array([1.0, 1.0]))
        assert found == (1.0, 3.0)

    def test_failures_count_what_is_off_or_not_finite(self):
        assert scores.failures([0.0, 3.0, np.nan, -4.0], [0.0, 0.0, 0.0, -3.5], limit_hz=1.0) == 2

    def test_metrics_by_hand(self):
        estimate, truth = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 5.0])
        assert scores.smape(estimate, truth) == pytest.approx(100 * 2 / 16)
        assert scores.mape(estimate, truth) == pytest.approx(100 / 3 * (1 / 3 + 1 / 5))
        assert scores.mae(estimate, truth) == pytest.approx(2 / 3)
        assert scores.rmse(estimate, truth) == pytest.approx(math.sqrt(2 / 3))
        assert scores.bias(estimate, truth) == pytest.approx(-2 / 3)
        assert scores.r2(estimate, truth) == pytest.approx(1 - 2 / 8)
        assert scores.slope(estimate, truth) == pytest.approx(6 / 8)
        assert scores.cv(np.array([1.0, 2.0, 3.0])) == pytest.approx(0.5)

    def test_the_constant_answer_scores_25(self, rng):
        n = 20_000
        # The mean of |a - 0.5| is 1/4, its SD 1/sqrt(48); the denominator adds the SD of a, 1/sqrt(12), / 4.
        sd = 100 * math.hypot(1 / math.sqrt(48), 0.25 / math.sqrt(12)) / math.sqrt(n)
        assert scores.smape(np.full(n, 0.5), rng.random(n)) == pytest.approx(25, abs=5 * sd)

    def test_one_number_a_component(self, rng):
        truth = rng.random((50, 3))
        metrics = (scores.smape, scores.mape, scores.r2, scores.mae, scores.rmse, scores.bias, scores.slope)
        for metric in metrics:
            assert metric(truth * 1.1, truth).shape == (3,)
        np.testing.assert_allclose(scores.slope(1.1 * truth, truth), 1.1)
