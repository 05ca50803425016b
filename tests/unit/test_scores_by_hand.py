"""Scores of a few numbers each, worked out by hand; two columns, so that none is summed over both."""

import numpy as np
import pytest

from fsl_mrs_dl.physics import spectrum_to_fid
from fsl_mrs_dl.scores.accuracy import cv, failures, precision_accuracy, r2, smape
from fsl_mrs_dl.scores.calibration import conformal_margin, coverage, rank_histogram, sbc_ranks, uniform_p
from fsl_mrs_dl.scores.spectra import noise_region, noise_sd, snr_cr, snr_db, snr_f

TRUTH = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]])
ESTIMATE = np.array([[2.0, 10.0], [2.0, 26.0], [5.0, 60.0]])
# Errors: 1, 0, 2 and 0, 6, 0.


def test_scatter_of_each_column():
    found = precision_accuracy(ESTIMATE, TRUTH)
    assert found.accuracy == pytest.approx([1.0, 2.0])
    assert found.precision == pytest.approx([np.sqrt(2 / 3), np.sqrt(8)])


def test_smape_of_each_column():
    # 100 x 3 / (6 + 9); 100 x 6 / (90 + 96).
    assert smape(ESTIMATE, TRUTH) == pytest.approx([20.0, 600 / 186])


def test_r2_of_each_column():
    # 1 - (1 + 0 + 4) / (1 + 0 + 1); 1 - 36 / (400 + 100 + 900).
    assert r2(ESTIMATE, TRUTH) == pytest.approx([-1.5, 1 - 36 / 1400])


def test_coefficient_of_variation_of_each_column():
    # SDs with n - 1: of 2, 2, 5 sqrt(3), mean 3; of 10, 26, 60: 25.5343 and 32.
    assert cv(ESTIMATE) == pytest.approx([np.sqrt(3) / 3, np.sqrt((22**2 + 6**2 + 28**2) / 2) / 32])


def test_failures_are_beyond_the_limit_or_not_finite():
    estimate = np.array([5.0, 5.1, -5.0, -5.1, np.nan, np.inf, 0.0])
    assert failures(estimate, 0.0, 5.0) == 4


def test_both_ends_belong_to_an_interval():
    low, high = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])
    assert coverage(low, high, np.array([1.0, 2.0, 0.999, 2.001])) == 0.5


def test_a_draw_that_equals_the_truth_is_not_below_it():
    draws = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    assert sbc_ranks(draws, np.array([[3.0]])) == [[2]]


def test_each_rank_counts_once():
    """Four ranks of 0 .. 3 in two bins: two each; of three bins of 4/3 each shares are thirds."""
    ranks = np.array([[0], [1], [2], [3]])
    assert rank_histogram(ranks, 3, 2)[:, 0] == pytest.approx([2.0, 2.0])
    assert rank_histogram(np.array([[0], [0], [1]]), 3, 3)[:, 0] == pytest.approx([2 + 1 / 3, 2 / 3, 0.0])


def test_the_chance_of_a_histogram_of_each_column():
    """Chi squared of 10, 20, 30 against 20 each: 10 with 2 degrees of freedom, exp(-5); even counts: 1."""
    found = uniform_p(np.array([[10, 7], [20, 7], [30, 7]]))
    assert found == pytest.approx([np.exp(-5.0), 1.0])
    # With 1 degree of freedom of 15 and 25: (25 + 25) / 20 = 2.5, chance 0.113846.
    assert uniform_p(np.array([[15], [25]])) == pytest.approx([0.113846], rel=1e-4)


def test_the_conformal_margin_is_one_of_the_scores():
    """Nine cases, level 0.8: the 8th smallest of nine, ceil(10 x 0.8); in widths of the interval, which are 2."""
    truth = np.arange(1.0, 10.0)  # interval -1 to 1: scores (1 - 1) / 2, .., (9 - 1) / 2
    low, high = np.full(9, -1.0), np.full(9, 1.0)
    assert conformal_margin(low, high, truth, 0.8) == pytest.approx(3.5)
    assert conformal_margin(low, high, truth, 0.9) == pytest.approx(4.0)
    two = (np.stack([v, v], axis=1) for v in (low, high, truth))
    assert (conformal_margin(*two, 0.95) == [np.inf, np.inf]).all()


def test_snr_f_of_each_spectrum_counts_128_bins():
    """Noise of SD 2 and 4 in the first 128 bins, all else silent but one peak; bin 129 is no noise."""
    spectra = np.zeros((2, 400), dtype=complex)
    spectra[0, :128] = np.tile([2.0, -2.0], 64)
    spectra[1, :128] = np.tile([4.0, -4.0], 64)
    spectra[:, 128] = 30.0
    spectra[0, 300], spectra[1, 300] = 60j, 100.0
    assert snr_f(spectra) == pytest.approx([30.0, 25.0])


def test_snr_in_decibels_of_each_signal():
    signal = np.array([[3.0, 4.0], [30.0, 40.0]], dtype=complex)
    noise = np.array([[0.3, 0.4], [0.03, 0.04]], dtype=complex)
    assert snr_db(signal, noise) == pytest.approx([20.0, 60.0])


def test_snr_of_creatine_sees_its_window_and_the_tail_of_each_fid():
    """Pure waves at 3.0 and at 2.0 ppm: of the second, which lies outside of 2.5 to 4, nothing is seen."""
    n, step = 1024, 1 / 1024
    ppm = 4.65 + (np.arange(n) - n // 2) / 127.7
    bins = [int(np.argmin(np.abs(ppm - place))) for place in (3.0, 2.0)]
    waves = np.exp(2j * np.pi * (np.array(bins)[:, None] - n // 2) * np.arange(n) * step)
    scaled = np.array([[2.0], [5.0]]) * waves
    found = snr_cr(scaled, ppm)
    tail = scaled[:, -256:].real.std(axis=1)
    assert found[0] == pytest.approx(2 * np.sqrt(n) / tail[0])
    assert found[1] < 1e-9 * found[0]


def quiet_zone(start, n=400):
    """Two FIDs of 31P whose spectra have noise of SD 5, and of SD 1 in a hundred bins from ``start`` on."""
    rng = np.random.default_rng(3)
    sd = np.full(n, 5.0)
    sd[start : start + 100] = 1.0
    return spectrum_to_fid(sd * (rng.standard_normal((2, n)) + 1j * rng.standard_normal((2, n))))


@pytest.mark.parametrize("start", [40, 148, 256])
def test_the_noise_of_other_nuclei_is_that_of_the_quietest_quarter(start):
    """Of 400 bins, 40 at each edge left out, in steps of 12: the run of 100 bins that is quiet, and its SD."""
    ppm = np.linspace(-20, 20, 400)
    fids = quiet_zone(start)
    assert noise_region(fids, ppm, "31P") == (slice(start, start + 100),)
    assert noise_sd(fids, ppm, "31P") == pytest.approx([1.0, 1.0], rel=0.25)
    broken = np.concatenate([fids, np.full((1, 400), np.nan)])
    assert noise_region(broken, ppm, "31P") == (slice(start, start + 100),)


def test_without_any_finite_spectrum_the_first_quarter_stands_for_the_noise():
    assert noise_region(np.full((2, 400), np.nan), np.linspace(-20, 20, 400), "31P") == (slice(40, 140),)


def test_too_few_cases_give_no_margin_for_any_component():
    ones = np.ones((3, 2, 4))
    found = conformal_margin(0 * ones, ones, ones, 0.9)
    assert found.shape == (2, 4)
    assert np.isinf(found).all()
