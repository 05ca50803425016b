"""Pieces of the posterior against Gaussians whose conditionals and scalings are known."""

import numpy as np
import pytest
from scipy.stats import truncnorm

from fsl_mrs_dl.fit.posterior import Posterior, Sampling, keys_of
from fsl_mrs_dl.fit.posterior.estimate import _draw_about
from fsl_mrs_dl.fit.posterior.truncated import truncated_normal


def test_a_scaling_multiplies_amounts_and_their_ends_but_not_the_shrinkage():
    ends = {"ci68_low": np.array([[1.0, 5.0]]), "ci68_high": np.array([[3.0, 9.0]])}
    posterior = Posterior(np.array([[2.0, 7.0]]), np.array([[1.0, 2.0]]), ends, np.array([[0.1, 0.9]]))
    columns = posterior.columns(np.array([[2.0]]))
    assert {name: values[0].tolist() for name, values in columns.items()} == {
        "posterior_mean": [4.0, 14.0],
        "posterior_sd": [2.0, 4.0],
        "ci68_low": [2.0, 10.0],
        "ci68_high": [6.0, 18.0],
        "shrinkage": [0.1, 0.9],
    }


@pytest.mark.parametrize(("low", "high"), [(40.0, 40.01), (40.0, 40.1), (-35.2, -35.1)])
def test_quantiles_of_a_short_piece_of_a_far_tail(low, high):
    """The density falls by exp(-40 x) there: within 0.01 SD it is nearly uniform, within 0.1 SD it falls by 55."""
    u = np.linspace(0.0, 0.99, 12)
    quantiles = truncated_normal(np.float64(0.0), np.float64(1.0), np.float64(low), np.float64(high), u)
    np.testing.assert_allclose(quantiles, truncnorm.ppf(u, low, high), rtol=0, atol=0.005 * (high - low))


def test_a_parameter_without_bounds_is_integrated_out():
    """Two bounded parameters and a free one, all correlated, about a place that is not the maximum.

    With bounds too far to matter, the bounded ones have the marginal of the joint Gaussian, and the free one
    follows their mean as the conditional says.
    """
    precision = np.array([[4.0, 1.0, -1.5], [1.0, 3.0, 0.8], [-1.5, 0.8, 2.0]])
    gradient, rate, place = np.array([2.0, -1.0, 3.0]), np.array([0.0, 0.5, 0.0]), np.array([7.0, -4.0, 1.5])
    bounded, free = np.array([True, True, False]), np.array([False, False, True])
    far = np.full((1, 3), 50.0)
    (matrix, pull, low, high, points), others = _draw_about(
        (precision[None], gradient[None]),
        place[None],
        (place - far, place + far, rate[None]),
        bounded,
        free,
        Sampling(chains=8, burn_in=1, recorded=4),
        np.zeros(1, dtype=int),
    )
    middle = place + np.linalg.solve(precision, gradient - rate)
    marginal = np.linalg.inv(np.linalg.inv(precision)[:2, :2])
    np.testing.assert_allclose(matrix[0], marginal, rtol=1e-9)
    np.testing.assert_allclose(pull[0], marginal @ middle[:2], rtol=1e-9)
    np.testing.assert_allclose((low[0], high[0]), (place[:2] - 50, place[:2] + 50))
    drawn = points[0].mean(axis=0)
    assert np.abs(drawn - middle[:2]).max() < 4 * np.sqrt(np.linalg.inv(precision).diagonal()[:2].max() / 8)
    follows = middle[2] - precision[2, :2] @ (drawn - middle[:2]) / precision[2, 2]
    np.testing.assert_allclose(others[0, 0], follows, rtol=1e-9)


def test_random_numbers_of_a_spectrum_do_not_depend_on_its_neighbours(rng):
    fids = rng.normal(size=(3, 16)) + 1j * rng.normal(size=(3, 16))
    fids[1] *= 1000
    keys = keys_of(fids)
    assert len(set(keys)) == 3
    assert [keys_of(fid[None])[0] for fid in fids] == keys.tolist()
    assert keys_of(1e-7 * fids[::-1]).tolist() == keys[::-1].tolist()
