"""Scatter of a regressor's answers, which some take for their uncertainty: dropout, and members of an ensemble.

Neither knows the noise of a spectrum but through the network. The calibration table of the study says how often
the intervals hold the truth.
"""

import torch
from torch import Tensor, nn

from fsl_mrs_dl.models.regression import RegressionNetwork

_DROPS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)


@torch.no_grad()
def dropout_draws(network: RegressionNetwork, features: Tensor, n_draws: int, seed: int) -> Tensor:
    """Return answers with dropout left on (Gal and Ghahramani 2016, arXiv:1506.02142).

    Parameters
    ----------
    network : RegressionNetwork
        With dropout among its layers; all else stays in evaluation mode.
    features : Tensor, float32, shape (batch, ...)
    n_draws, seed : int

    Returns
    -------
    Tensor, float32, shape (batch, n_draws, output)

    Raises
    ------
    ValueError
        If the network has no dropout.
    """
    drops = [module for module in network.modules() if isinstance(module, _DROPS)]
    if not drops:
        raise ValueError(f"{type(network).__name__} has no dropout; its answers do not scatter")
    network.eval()
    try:
        for module in drops:
            module.train()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return torch.stack([network(features) for _ in range(n_draws)], dim=1)
    finally:
        network.eval()
