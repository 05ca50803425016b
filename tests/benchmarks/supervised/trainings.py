"""Networks of the studies: planned, trained once, and kept."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.regression import TARGETS, RegressionNetwork
from fsl_mrs_dl.models.regression_crelu import CReLUNetwork
from fsl_mrs_dl.models.regression_inference import features_of, regressed
from fsl_mrs_dl.models.regression_scalogram import ScalogramNetwork
from fsl_mrs_dl.models.regression_scattering import ScatteringNetwork
from fsl_mrs_dl.simulate.components import ComponentSignals
from fsl_mrs_dl.train.loop import INNER_STEPS, VALIDATION, Report, Settings, fit
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.supervised.sets import basis_of_study, signals

_NETWORKS: dict[str, type[Any]] = {
    "crelu": CReLUNetwork,
    "scalogram": ScalogramNetwork,
    "scattering": ScatteringNetwork,
}
_WEIGHTS, _CURVE, _CHECKPOINT = "weights.safetensors", "curve.json", "state.ckpt"
_BASIS = "basis"
"""Member of a network's weights that is not kept with them: the study says which basis set it is."""
_AT_ONCE = 4096
"""Signals that are simulated and transformed together: only features are kept."""
_TRANSFORMED = 256
"""Signals whose features a GPU computes at once: the scalograms of more take gigabytes before they are sampled."""
_TRAIN_SEED = 7
"""Of the training signals, so that they are not those of a test."""
_PATIENCE = 3
"""Epochs of 20 steps without a lower loss of validation, after which L-BFGS stops: it learns noise by heart."""
Inputs = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes
    ----------
    label : str
        In tables.
    study : str
        Key of :data:`~.sets.STUDIES`.
    architecture : str
        crelu, scalogram or scattering.
    inputs : tuple of tuple
        Settings of the transform.
    samples, epochs, batch, seed : int
        ``samples`` with the tenth that is for validation.
    lr : float
        Falls to nothing along half a cosine.
    targets : tuple of str
    signed : bool
        Of CReLU.
    basis : str
        Given instead of the study's.
    full_batch : bool
        Train by L-BFGS over all signals; ``batch`` and ``lr`` have no say.
    """

    label: str
    study: str
    architecture: str
    inputs: Inputs
    samples: int
    epochs: int
    seed: int = 1
    batch: int = 100
    lr: float = 1e-3
    targets: tuple[str, ...] = TARGETS[:1]
    signed: bool = False
    basis: str = ""
    full_batch: bool = False

    @property
    def folder(self) -> str:
        """Name of the folder that keeps the network: of all settings but the label that are not the default."""
        default = {one.name: one.default for one in fields(self)}
        settings = {
            key: value for key, value in asdict(self).items() if key != "label" and value != default[key]
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]
        return f"{self.architecture}-{digest}"

    @property
    def steps(self) -> int:
        """Training steps."""
        if self.full_batch:
            return self.epochs * INNER_STEPS
        return self.epochs * -(-round(self.samples * (1 - VALIDATION)) // self.batch)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Attributes
    ----------
    network : RegressionNetwork
    plan : Plan
    losses : sequence of float
    feature_seconds, training_seconds : float
        Of one core, or of the clock where a GPU did it: of simulation and features, and of training.
    machine : str
        The GPU, or ``one core``.
    """

    network: RegressionNetwork
    plan: Plan
    losses: Sequence[float]
    feature_seconds: float
    training_seconds: float
    machine: str


def trained(plan: Plan, store: Store) -> Trained:
    """Return the network of a plan, from the store or trained now.

    Raises
    ------
    NotTrainedError
        If it is not there and must not be trained.
    """
    home = store.folder / plan.folder
    network = new_network(plan)
    if not (home / _CURVE).exists():
        if not store.train:
            raise NotTrainedError(plan.label)
        home.mkdir(parents=True, exist_ok=True)
        record = train(network, plan, home)
        weights = {key: value.contiguous() for key, value in network.state_dict().items() if key != _BASIS}
        save_file(weights, home / _WEIGHTS)
        (home / _CURVE).write_text(json.dumps(record))
    network.load_state_dict({_BASIS: network.basis, **load_file(home / _WEIGHTS)})
    record = json.loads((home / _CURVE).read_text())
    return Trained(
        network.eval(), plan, record["losses"], record["features"], record["training"], record["machine"]
    )


def train(network: RegressionNetwork, plan: Plan, home: Path, report: Report | None = None) -> dict[str, Any]:
    """Train a network, with a state in a folder from which it goes on, and return how that went."""
    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu else time.process_time
    started = clock()
    features, truths = examples(network, plan)
    network.standardise(features, truths)
    ready = clock()
    n = max(1, round(VALIDATION * plan.samples))
    patience = _PATIENCE if plan.full_batch else 0  # a rate that falls along a cosine has its end planned
    settings = Settings(
        plan.epochs, plan.batch, plan.lr, patience, plan.seed, anneal=True, full_batch=plan.full_batch
    )
    parts = (features[n:], truths[n:]), (features[:n], truths[:n])
    outcome = fit(network, *parts, settings, report, home / _CHECKPOINT)
    return {
        "plan": asdict(plan),
        "losses": outcome.losses,
        "features": ready - started,
        "training": clock() - ready,
        "machine": torch.cuda.get_device_name() if gpu else "one core",
    }


def new_network(plan: Plan) -> RegressionNetwork:
    """Return the network of a plan with random weights of its seed."""
    basis = basis_of_study(plan.study, plan.basis)
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        network: RegressionNetwork = _NETWORKS[plan.architecture](
            basis.names,
            basis.fids.shape[1],
            basis.dwelltime_s,
            basis.spectrometer_frequency_mhz,
            dict(plan.inputs),
            targets=plan.targets,
            **({"signed": True} if plan.signed else {}),
        )
    network.set_basis(basis)
    return network


def examples(network: RegressionNetwork, plan: Plan) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features and truths of a plan's signals, those for validation first; on the GPU if there is one."""
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    like = torch.empty(0, dtype=torch.complex64, device=place) if place.type == "cuda" else None
    features = torch.empty((plan.samples, *network.transform.shape), device=place)
    truths = torch.empty((plan.samples, len(plan.targets) * len(network.names)), device=place)
    for first in range(0, plan.samples, _AT_ONCE):
        n = min(_AT_ONCE, plan.samples - first)
        part = signals(plan.study, n, [_TRAIN_SEED, plan.seed, first], plan.basis, like=like)
        truth = np.concatenate([getattr(part, name) for name in plan.targets], axis=1)
        truths[first : first + n] = torch.from_numpy(truth.astype(np.float32))
        if like is None:
            features[first : first + n] = features_of(network, part.fids)[0]
            continue
        for k in range(0, n, _TRANSFORMED):
            one = network.features(torch.as_tensor(part.fids[k : k + _TRANSFORMED]))
            features[first + k : first + k + len(one)] = one
    return features, truths


def estimates(one: Trained, test: ComponentSignals) -> dict[str, Real]:
    """Return what a network makes of signals, by target."""
    return regressed(one.network, features_of(one.network, test.fids)[0])
