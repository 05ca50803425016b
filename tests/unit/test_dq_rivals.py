"""Estimators that know that noise was damped with the signal."""

import numpy as np
import pytest

from fsl_mrs_dl.train.quantification_data import basis_of, simulated
from fsl_mrs_dl.train.quantification_evaluation import bounds
from tests.benchmarks.dq.rivals import maximum_likelihood, undamped, undamped_mean

N = 100


@pytest.fixture(scope="module")
def spectra():
    return simulated(basis_of("press_3t_te30", "dq"), "dq", "seed", N, np.random.default_rng(8))


def test_undamped_first_a_fit_is_efficient_and_else_it_is_not(spectra):
    """RMS of error over bound, mean over members: 1 within the scatter of 100 spectra."""
    bound = np.sqrt(bounds(spectra, n=N).efficient)
    known, plain = (
        np.sqrt(np.mean((estimate(spectra) - spectra.amplitudes) ** 2, axis=0)) / bound
        for estimate in (undamped, maximum_likelihood)
    )
    scatter = 1 / np.sqrt(2 * N)
    assert abs(known.mean() - 1) < 3 * scatter
    # The same spectra: were neither better, a member would favour each as often.
    assert (plain > known).mean() > 0.75


def test_who_knows_the_ranges_too_is_between_both_bounds(spectra):
    some = spectra.take(64)
    reached = bounds(some, n=64)
    error = np.mean((undamped_mean(some) - some.amplitudes) ** 2, axis=0)
    assert error.mean() < reached.efficient.mean()
    assert (error / reached.bayes).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 64))
