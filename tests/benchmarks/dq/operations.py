"""Count of the operations of a network."""

import torch
from torch import Tensor, nn


def flops(network: nn.Module, n_points: int) -> int:
    """Return the floating-point operations of one pass, two for each multiplication and addition of a layer.

    Parameters
    ----------
    network : Module
        From (batch, 2, time) to (batch, outputs); convolutions and linear layers are counted.
    n_points : int

    Returns
    -------
    int
    """
    counted = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal counted
        if isinstance(layer, nn.Conv1d):
            counted += 2 * output.numel() * layer.in_channels // layer.groups * layer.kernel_size[0]
        elif isinstance(layer, nn.Linear):
            counted += 2 * output.numel() * layer.in_features

    handles = [layer.register_forward_hook(count) for layer in network.modules()]
    try:
        with torch.no_grad():
            network(torch.zeros(1, 2, n_points))
    finally:
        for handle in handles:
            handle.remove()
    return counted
