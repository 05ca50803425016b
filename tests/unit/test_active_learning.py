"""The query of active learning: spectra are drawn in proportion to their error, each at most once."""

import numpy as np
import pytest

from fsl_mrs_dl.train.query import query


def test_spectra_are_drawn_in_proportion_to_their_square_error(rng):
    """Of two kinds, one with twice the error, one drawn at a time: four of five draws are of that kind."""
    errors = np.repeat([[2.0], [1.0]], 10, axis=0)
    draws = np.array([query(errors, 1, rng)[0] for _ in range(4000)])
    share = np.mean(draws < 10)
    assert share == pytest.approx(0.8, abs=4 * np.sqrt(0.8 * 0.2 / 4000))


def test_no_spectrum_is_drawn_twice_and_all_are_drawn_at_last(rng):
    errors = rng.standard_normal((30, 4))
    some = query(errors, 12, rng)
    assert len(set(some)) == 12
    assert query(errors, 30, rng).tolist() == list(range(30))


def test_a_spectrum_without_error_is_drawn_last(rng):
    errors = np.ones((20, 3))
    errors[7] = 0
    assert 7 not in query(errors, 19, rng)
