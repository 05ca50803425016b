"""The search for training settings, Bayesian with early ends (Hyperband); the only user of Optuna.

The published ranges (Shamaei et al 2023, doi:10.1002/mrm.29498): learning rate 1e-6 to 1e-1, depth 3 to 6,
batch, batch normalisation.
"""

from collections.abc import Callable
from typing import Any

from fsl_mrs_dl.extras import require

Trial = Callable[[dict[str, Any], Callable[[int, float], None]], float]
"""From choices (``lr, batch, depth, batch_norm``) and a report of each epoch to the validation loss."""

_BATCHES = (16, 32, 64, 128)
"""Transients a step; powers of two about the default of 64."""


def search(trial_loss: Trial, n_trials: int, epochs: int, seed: int) -> dict[str, Any]:
    """Return the choices with the least validation loss.

    Parameters
    ----------
    trial_loss : callable
        Trains with some choices, reports each epoch, returns the loss.
    n_trials, epochs, seed : int

    Returns
    -------
    dict
        ``lr, batch, depth, batch_norm``.

    Raises
    ------
    MissingDependencyError
        If Optuna is not installed.
    """
    optuna = require("optuna", "The search for settings")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        choices = {
            "lr": trial.suggest_float("lr", 1e-6, 1e-1, log=True),
            "batch": trial.suggest_categorical("batch", _BATCHES),
            "depth": trial.suggest_int("depth", 3, 6),
            "batch_norm": trial.suggest_categorical("batch_norm", (False, True)),
        }

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
    return dict(study.best_params)
