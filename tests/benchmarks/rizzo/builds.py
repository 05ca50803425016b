"""All twenty-four networks: they build, learn a step, are saved, loaded, and agree; sizes and hours."""

import time
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load, save
from torch.utils.flop_counter import FlopCounterMode

from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.regression_inference import features_of
from fsl_mrs_dl.models.rizzo.table import CONFIGS
from tests.benchmarks.rizzo.plan import Plan
from tests.benchmarks.rizzo.spectra import World, simulate
from tests.benchmarks.rizzo.trainings import config_of, labels, new_network

PUBLISHED_EXAMPLES = 200 * 18_000
"""Spectra that a network of the paper learns from at most, each 200 times."""
PUBLISHED_STEPS = PUBLISHED_EXAMPLES // 50
"""Training steps of the paper at most, in batches of 50."""
_BATCH = 50  # spectra in a published step


@dataclass(frozen=True)
class Built:
    """What one network did.

    Attributes
    ----------
    parameters : int
    flops : float
        Of one spectrum forward.
    before, after : float
        Loss of the batch before and after a step of Adam.
    agrees : bool
        Whether outputs after saving and loading are the same.
    hours : float
        What the paper's steps would take here, from the time of the step.
    """

    parameters: int
    flops: float
    before: float
    after: float
    agrees: bool
    hours: float


def flops_of(name: str) -> float:
    """Return the floating-point operations of one spectrum forward, at the published input."""
    with torch.device("meta"):
        network: Any = CATALOGUE[name].build(**config_of(Plan(name, 0, 1))).eval()
    inputs = torch.zeros(1, *network.transform.shape, device="meta")
    with FlopCounterMode(display=False) as counter:
        network.body(inputs)
    return float(counter.get_total_flops())


def build(name: str, n: int, seed: int) -> Built:
    """Try a network of the published size on n spectra."""
    plan = Plan(name, n, 1, seed=seed, lr=CONFIGS[name].lr)
    spectra = simulate(World(), n, [21, seed])
    network: Any = new_network(plan)
    features = features_of(network, spectra.fids)[0]
    truths = torch.from_numpy(labels(spectra)).float()
    network.standardise(features, truths)
    # Plain descent by a step short enough to lower any loss that has a slope: the first thousandth of the loss.
    network.eval()
    before = network.loss(features, truths)
    before.backward()
    slopes: list[Any] = [p for p in network.parameters() if p.grad is not None]
    square = sum(float((p.grad.double() ** 2).sum()) for p in slopes)
    with torch.no_grad():
        for p in slopes:
            p -= 1e-3 * before.item() / square * p.grad
        after = float(network.loss(features, truths))
    network.zero_grad()
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.lr)
    started = time.process_time()
    network.loss(features, truths).backward()
    optimiser.step()
    seconds = time.process_time() - started
    network.eval()
    content = save({key: value.contiguous() for key, value in network.state_dict().items()})
    again = new_network(plan)
    again.load_state_dict(load(content))
    with torch.no_grad():
        agrees = bool(torch.equal(again.eval()(features), network(features)))
    return Built(
        sum(p.numel() for p in network.parameters()),
        flops_of(name),
        before.item(),
        after,
        agrees,
        seconds / n * _BATCH * PUBLISHED_STEPS / 3600,
    )
