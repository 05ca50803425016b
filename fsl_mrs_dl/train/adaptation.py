"""Test-time adaptation: a few steps without labels on the very spectra that are to be quantified."""

import copy
from dataclasses import dataclass

import torch

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.models.inputs import on_network_points
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import channels
from fsl_mrs_dl.train.loop import Settings, fit

_LEARNING_RATE = 3e-4
"""A tenth of the default of ``train``: the network has learned, and is to move little."""
_BATCH = 64
"""Spectra a step, the default of ``train``."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """A network trained on the data themselves, and its loss on them (mean square) before and after."""

    network: QuantificationNetwork
    before: float
    after: float

    @property
    def summary(self) -> str:
        """The loss before and after, in a sentence."""
        change = 100 * (self.after / self.before - 1)
        return f"adapted to the data: loss {self.before:.5g} before, {self.after:.5g} after ({change:+.2f} %)"


def adapt(
    network: QuantificationNetwork, fids: Complex, dwelltime_s: float, passes: int, seed: int = 0
) -> Adapted:
    """Train a copy of a network on spectra, without labels.

    The weights are those of the best epoch, so the loss on these spectra does not rise by more than rounding. That
    does not show that the amplitudes are better: only a known truth can.

    Parameters
    ----------
    network : QuantificationNetwork
        It is not changed.
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
    outcome = fit(
        adapted, (inputs,), (inputs,), Settings(passes, _BATCH, _LEARNING_RATE, 0, seed, anneal=True)
    )
    if not outcome.best < before:
        return Adapted(network, before, before)
    return Adapted(adapted, before, outcome.best)
