"""The search for training settings, Bayesian with early ends (Hyperband); the only user of Optuna."""

from collections.abc import Callable
from typing import Any

from fsl_mrs_dl.extras import require

Trial = Callable[[dict[str, Any], Callable[[int, float], None]], float]
"""From choices and a report of each epoch to the validation loss."""
Space = Callable[[Any], dict[str, Any]]
"""From a trial of Optuna to its choices: options of ``train`` by name."""

_BATCHES = (16, 32, 64, 128)
"""Transients a step; powers of two about the default of 64."""


def registration_space(trial: Any) -> dict[str, Any]:
    """Return ``lr, batch, depth, batch_norm`` within published ranges (doi:10.1002/mrm.29498)."""
    return {
        "lr": trial.suggest_float("lr", 1e-6, 1e-1, log=True),
        "batch": trial.suggest_categorical("batch", _BATCHES),
        "depth": trial.suggest_int("depth", 3, 6),
        "batch_norm": trial.suggest_categorical("batch_norm", (False, True)),
    }


def compared_space(n_widths: int, n_kernels: int, *, dropout: bool) -> Space:
    """Return ``lr``, and those of ``widths, kernels, dropout`` that a network has, within published ranges.

    Channels of 20 to 400, odd kernels of 3 to 11, dropout of 0.05 to 0.5, learning rate 2e-6 to 2e-2 (Rizzo et
    al. 2023, doi:10.1002/mrm.29561, text S1 and public code).
    """

    def space(trial: Any) -> dict[str, Any]:
        choices: dict[str, Any] = {"lr": trial.suggest_float("lr", 2e-6, 2e-2, log=True)}
        if n_widths:
            choices["widths"] = tuple(
                trial.suggest_int(f"width {k + 1}", 20, 400, step=10) for k in range(n_widths)
            )
        if n_kernels:
            choices["kernels"] = tuple(
                trial.suggest_int(f"kernel {k + 1}", 3, 11, step=2) for k in range(n_kernels)
            )
        if dropout:
            choices["dropout"] = trial.suggest_float("dropout", 0.05, 0.5)
        return choices

    return space


def search(
    trial_loss: Trial, n_trials: int, epochs: int, seed: int, space: Space = registration_space
) -> dict[str, Any]:
    """Return the choices with the least validation loss.

    Parameters
    ----------
    trial_loss : callable
        Trains with some choices, reports each epoch, returns the loss.
    n_trials, epochs, seed : int
    space : callable
        Draws the choices of a trial.

    Returns
    -------
    dict
        As ``space`` returns them.

    Raises
    ------
    MissingDependencyError
        If Optuna is not installed.
    """
    optuna = require("optuna", "The search for settings")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        choices = space(trial)
        trial.set_user_attr("choices", choices)

        def report(epoch: int, loss: float) -> None:
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        return trial_loss(choices, report)

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(max_resource=max(epochs, 1)),
    )
    study.optimize(objective, n_trials=n_trials)
    return dict(study.best_trial.user_attrs["choices"])
