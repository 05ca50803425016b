"""Repeat the evaluation on the card of a network, from the command on the card alone."""

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.package import Model
from fsl_mrs_dl.train.command import options_of
from fsl_mrs_dl.train.trainings import training_of

_RELATIVE = 0.01
"""Of a score: rounding differs between machines."""
_ABSOLUTE = 1e-3
"""In the unit of a score, for scores near zero."""


def check_scores(model: Model) -> str:
    """Simulate the test set of a card again, measure, and return a summary.

    The random numbers are the same, so the values must be, but for rounding on another machine (1 %).

    Parameters
    ----------
    model : Model

    Returns
    -------
    str

    Raises
    ------
    ModelError
        If a value on the card differs from the one measured.
    """
    options = options_of(model.card.recipe.command)
    if options["data"] or options.get("signal"):
        return "its scores are of files that are not part of it, and were not measured again"
    # Synthetic examples are of the training set alone, and their package may not be here.
    training = training_of({**options, "augment_with": None})
    sets = training.make_sets()
    again = training.scores(model.network, sets)
    same = sets.training.sha256 == model.card.recipe.data_sha256
    note = "" if same else " (another machine: the training data differ in rounding)"
    for old, new in zip(model.card.evaluation, again, strict=True):
        if abs(old.value - new.value) > _RELATIVE * abs(old.value) + _ABSOLUTE:
            raise ModelError(
                f"{model.card.full_name}: the card says {old.metric} {old.value:.4g} {old.unit}, measured "
                f"again {new.value:.4g}. Do not use it; train it again or report it."
            )
    return f"{len(again)} scores are as on the card{note}"
