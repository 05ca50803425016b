"""Measures again what a card says of a network, from the command on the card alone."""

import math
import shlex
from typing import Any

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card import Score
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
    if model.card.task == "align":
        found, sha256 = _of_align(model, arguments)
    elif model.card.task == "synthesise":
        found, sha256 = _of_synthesise(model, arguments)
    elif model.card.architecture == "start":
        found, sha256 = _of_start(model, arguments)
    else:
        found, sha256 = _of_quantify(model, arguments)
    same = sha256 == model.card.recipe.data_sha256
    note = "" if same else " (another machine: the training data differ in rounding)"
    for said, again in zip(model.card.evaluation, found, strict=True):
        if abs(said.value - again.value) > _RELATIVE * abs(said.value) + _ABSOLUTE:
            raise ModelError(
                f"{model.card.full_name}: the card says {said.metric} {said.value:.4g} {said.unit}, measured "
                f"again {again.value:.4g}. Do not use it; train it again or report it."
            )
    return f"{len(found)} scores are as on the card{note}"


Found = tuple[tuple[Score, ...], str]
"""Scores, and the checksum of the training data."""


def _of_align(model: Model, arguments: dict[str, str]) -> Found:
    from fsl_mrs_dl.train.registration import make_sets
    from fsl_mrs_dl.train.registration_data import Spread

    valid = model.card.valid
    spread = Spread(valid.shift_hz[1], math.radians(valid.phase_deg[1]), float(arguments["nuisance"]))
    sets = make_sets(
        None, arguments["prior"], None, spread, int(arguments["samples"]), int(arguments["seed"])
    )
    return scores(model.network, sets.test), sets.training.sha256  # type: ignore[arg-type]


def _of_synthesise(model: Model, arguments: dict[str, str]) -> Found:
    from fsl_mrs_dl.train import synthesis_evaluation
    from fsl_mrs_dl.train.synthesis_command import make_sets, own_or_simulated

    seed, network = int(arguments["seed"]), model.network
    if model.card.architecture == "vae":
        transients = own_or_simulated(None, seed)
        return synthesis_evaluation.transient_scores(network, transients), transients.sha256  # type: ignore[arg-type]
    names: Any = network.names if "metabolites" in arguments else None
    sets = make_sets(arguments["basis"], names, int(arguments["samples"]), seed)
    return synthesis_evaluation.scores(network, sets.test, seed), sets.training.sha256  # type: ignore[arg-type]


def _of_start(model: Model, arguments: dict[str, str]) -> Found:
    from fsl_mrs_dl.train.start import sets, start_scores

    training, _, test = sets(int(arguments["samples"]), int(arguments["seed"]))
    return start_scores(model.network, test), training.sha256  # type: ignore[arg-type]


def _of_quantify(model: Model, arguments: dict[str, str]) -> Found:
    from fsl_mrs_dl.train import quantification, quantification_evaluation
    from fsl_mrs_dl.train.quantification_data import basis_of

    basis = basis_of(arguments["basis"], arguments["prior"])
    noise: Any = arguments["noise"]
    sets = quantification.make_sets(
        None, basis, arguments["prior"], noise, int(arguments["samples"]), int(arguments["seed"])
    )
    network: Any = model.network
    return quantification_evaluation.scores(network, sets.test), sets.training.sha256


def _arguments(command: str) -> dict[str, str]:
    words = shlex.split(command)[3:]
    return {
        word.removeprefix("--"): after
        for word, after in zip(words, [*words[1:], ""], strict=True)
        if word.startswith("--")
    }
