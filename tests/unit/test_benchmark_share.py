"""A share of a training: as many steps as it says, passes left out before examples."""

import pytest

from tests.benchmarks.share import shared


@pytest.mark.parametrize(
    ("samples", "epochs", "share", "fewer"),
    [
        (400_000, 200, 0.05, (400_000, 10)),
        (100_000, 30, 0.1, (30_000, 10)),
        (10_000, 200, 0.25, (10_000, 50)),
        (12_000, 10, 1.0, (12_000, 10)),
        (64, 1, 0.5, (32, 1)),
    ],
)
def test_a_share_leaves_out_passes_first_and_then_examples(samples, epochs, share, fewer):
    assert shared(samples, epochs, share) == fewer
    assert fewer[0] * fewer[1] == pytest.approx(share * samples * epochs)
