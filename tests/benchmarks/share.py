"""Trainings of fewer steps than a profile asks for, where a machine has less time."""

_LEAST_EPOCHS = 10
"""Epochs below which examples are left out rather than passes: the rate falls once an epoch, and would jump."""


def shared(samples: int, epochs: int, share: float) -> tuple[int, int]:
    """Return the numbers of examples and epochs that have a share of the steps.

    Passes are left out first, down to ten, and then examples.

    Parameters
    ----------
    samples, epochs : int
        Of the whole training.
    share : float
        In (0, 1].
    """
    fewer = min(epochs, max(_LEAST_EPOCHS, round(epochs * share)))
    return max(1, round(samples * min(1.0, share * epochs / fewer))), fewer
