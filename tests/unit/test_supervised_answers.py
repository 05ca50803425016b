"""How the studies of regressors judge: intervals and verdicts by hand, ranks, and the forest."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl.models.regression_crelu import CReLUNetwork
from fsl_mrs_dl.scores import r2
from tests.benchmarks.supervised.answers import (
    Answer,
    beats,
    component_table,
    difference,
    half_width,
    interval,
)
from tests.benchmarks.supervised.classical import with_forest

T_OF_TWO = 4.3027
"""Student's t with two degrees of freedom, 97.5 %, from a printed table."""


def test_an_interval_is_students_t_times_the_standard_error():
    """1, 2, 3: mean 2, SD 1, standard error 1 / sqrt(3)."""
    assert half_width(np.array([1.0, 2.0, 3.0])) == pytest.approx(T_OF_TWO / np.sqrt(3), rel=1e-4)
    assert interval([1.0, 2.0, 3.0]) == "2.00 +- 2.48"
    assert interval([2.0]) == "2.00"
    assert interval([0.1234], 3) == "0.123"


@pytest.mark.parametrize(
    ("differences", "word"),
    [
        ([-1.0, -1.1, -0.9], "yes"),  # -1 +- 0.25
        ([1.0, 1.1, 0.9], "no, the other way"),
        ([-1.0, 1.0, 0.5], "no difference seen"),
        ([-1.0, -1.0], "too few seeds to say"),
    ],
)
def test_one_beats_another_where_the_interval_of_three_seeds_leaves_zero_out(differences, word):
    assert beats(np.array(differences)) == word


def test_a_difference_is_that_of_the_means_seed_by_seed():
    """SMAPE of (1, 1) against (1, 3): 100 x 2 / 6 of the second component, 0 of the first."""
    truth = np.array([[1.0, 3.0], [1.0, 3.0]])
    wrong, right = np.ones((2, 2)), truth
    one, other = Answer("one", (wrong, right)), Answer("other", (right,))
    assert other.means(truth) == pytest.approx([0.0])
    assert difference(one, other, truth) == pytest.approx([25.0, 0.0])


def test_wins_and_ranks_are_of_those_that_compete():
    truth = np.tile([1.0, 1.0, 1.0], (4, 1))
    methods = [
        Answer(name, (truth + np.array(by),))
        for name, by in {"a": [0.1, 0.1, 0.3], "b": [0.2, 0.2, 0.1]}.items()
    ]
    methods.append(Answer("bound", (truth,)))
    table = component_table("", ["x", "y", "z"], truth, methods, {}, ("a", "b"))
    *_, wins, ranks = table.rows
    assert wins[1:] == ["2", "1", ""]
    assert ranks[1:] == ["1.33", "1.67", ""]


def test_a_forest_in_the_place_of_layers_gives_amplitudes_in_their_unit(rng):
    """Some points of the spectrum are an amplitude, all else is noise: the forest reads it in its unit."""
    axes = (512, 2.5e-4, 123.2)
    network = CReLUNetwork(("NAA", "Cr"), *axes, CReLUNetwork.inputs_for(*axes))
    amplitude = rng.uniform(1.0, 3.0, (400, 2))
    features = rng.standard_normal((400, *network.transform.shape)) * 0.1
    features[:, :, :20] += amplitude[..., None]
    tensors = [torch.from_numpy(values.astype(np.float32)) for values in (features, amplitude)]
    forest = with_forest(network, tensors[0][:300], tensors[1][:300], trees=20, seed=1)
    assert (r2(forest(tensors[0][300:]).numpy(), amplitude[300:]) > 0.9).all()
    # The network it came from is as it was.
    assert any(isinstance(layer, torch.nn.Conv1d) for layer in network.body)
