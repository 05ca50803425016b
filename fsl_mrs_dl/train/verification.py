"""Measures again what a card says of a registration network, from the command on the card alone."""

import math
import shlex

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.package import Model
from fsl_mrs_dl.train.evaluation import scores

_RELATIVE = 0.01
_ABSOLUTE = 1e-3


def check_scores(model: Model) -> str:
    """Simulate the test set of a card again, measure, and return in words what was found.

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
        If a value on the card is not the one found.
    """
    arguments = _arguments(model.card.recipe.command)
    if "data" in arguments or "signal" in arguments:
        return "its scores are of files that are not part of it, and were not measured again"
    from fsl_mrs_dl.train.registration import make_sets
    from fsl_mrs_dl.train.registration_data import Spread

    valid = model.card.valid
    spread = Spread(valid.shift_hz[1], math.radians(valid.phase_deg[1]), float(arguments["nuisance"]))
    sets = make_sets(
        None, arguments["prior"], None, spread, int(arguments["samples"]), int(arguments["seed"])
    )
    if sets.training.sha256 != model.card.recipe.data_sha256:
        note = " (another machine: the training data differ in rounding)"
    else:
        note = ""
    found = scores(model.network, sets.test)  # type: ignore[arg-type]
    for said, again in zip(model.card.evaluation, found, strict=True):
        if abs(said.value - again.value) > _RELATIVE * abs(said.value) + _ABSOLUTE:
            raise ModelError(
                f"{model.card.full_name}: the card says {said.metric} {said.value:.4g} {said.unit}, measured "
                f"again {again.value:.4g}. Do not use it; train it again or report it."
            )
    return f"{len(found)} scores are as on the card{note}"


def _arguments(command: str) -> dict[str, str]:
    words = shlex.split(command)[3:]
    return {
        word.removeprefix("--"): after
        for word, after in zip(words, [*words[1:], ""], strict=True)
        if word.startswith("--")
    }
