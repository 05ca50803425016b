"""Test-time adaptation: a few steps without labels on the very spectra that are to be quantified."""

import copy
from dataclasses import dataclass

import torch

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.train.loop import Settings, fit

_LR, _BATCH = 3e-4, 64


@dataclass(frozen=True, eq=False)
class Adapted:
    """A network that has seen the data, and its loss on them before and after."""

    network: QuantificationNetwork
    before: float
    after: float

    @property
    def said(self) -> str:
        """The gain or loss, in words."""
        change = 100 * (self.after / self.before - 1)
        return f"adapted to the data: loss {self.before:.5g} before, {self.after:.5g} after ({change:+.2f} %)"


def adapt(
    network: QuantificationNetwork, fids: Complex, dwelltime_s: float, passes: int, seed: int = 0
) -> Adapted:
    """Train a copy of a network on spectra, without labels.

    The best epoch is kept, so the loss on these spectra cannot rise by more than rounding; whether the amplitudes
    gain is another matter, which only a truth can tell.

    Parameters
    ----------
    network : QuantificationNetwork
        Is left as it is.
    fids : ndarray, complex, shape (S, time)
        Finite and not zero.
    dwelltime_s : float
        In s.
    passes : int
        Over the spectra.
    seed : int

    Returns
    -------
    Adapted
    """
    rows = on_network_points(fids, dwelltime_s, network.n_points, network.dwelltime_s)
    if network.scaled:
        rows = rows / abs(rows).max(axis=1, keepdims=True)
    inputs = channels(rows)
    adapted = copy.deepcopy(network)
    with torch.no_grad():
        before = float(network.loss(inputs))
    outcome = fit(adapted, (inputs,), (inputs,), Settings(passes, _BATCH, _LR, 0, seed, anneal=True))
    if not outcome.best < before:
        return Adapted(network, before, before)
    return Adapted(adapted, before, outcome.best)
