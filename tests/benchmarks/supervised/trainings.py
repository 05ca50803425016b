"""Networks of the studies: planned, trained once, and kept."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
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
from fsl_mrs_dl.train.loop import INNER_STEPS, VALIDATION, Settings, fit
from tests.benchmarks.supervised.sets import basis_of_study, signals

_NETWORKS: dict[str, type[Any]] = {
    "crelu": CReLUNetwork,
    "scalogram": ScalogramNetwork,
    "scattering": ScatteringNetwork,
}
_WEIGHTS, _CURVE, _CHECKPOINT = "weights.safetensors", "curve.json", "state.ckpt"
_AT_ONCE = 512
"""Signals that are simulated and transformed together: only features are kept."""
_TRAIN_SEED = 7
"""Of the training signals, so that they are not those of a test."""
_PATIENCE = 3
"""Epochs of 20 steps without a lower loss of validation, after which L-BFGS stops: it learns noise by heart."""
Inputs = tuple[tuple[str, object], ...]


class NotTrainedError(Exception):
    """A network that is to be taken from the store is not there."""


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
    """A trained network; ``seconds`` are of the processor: of features and of training."""

    network: RegressionNetwork
    plan: Plan
    losses: Sequence[float]
    feature_seconds: float
    training_seconds: float


@dataclass(frozen=True)
class Store:
    """Folder that keeps networks and answers of slow methods, and whether missing networks are trained."""

    folder: Path
    train: bool = True

    def answer(self, key: Sequence[object], make: Callable[[], Real]) -> Real:
        """Return an array that is kept under a key, made now if it is not there."""
        digest = hashlib.sha256(repr(tuple(key)).encode()).hexdigest()[:10]
        file = self.folder / f"answer-{digest}.npy"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(file, make())
        values: Real = np.load(file)
        return values


def trained(plan: Plan, store: Store) -> Trained:
    """Return the network of a plan, from the store or trained now.

    Raises
    ------
    NotTrainedError
        If it is not there and must not be trained.
    """
    home = store.folder / plan.folder
    network = _network(plan)
    if (home / _CURVE).exists():
        network.load_state_dict(load_file(home / _WEIGHTS))
        record = json.loads((home / _CURVE).read_text())
        return Trained(network.eval(), plan, record["losses"], record["features"], record["training"])
    if not store.train:
        raise NotTrainedError(plan.label)
    home.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    features, truths = examples(network, plan)
    network.standardise(features, truths)
    ready = time.process_time()
    n = max(1, round(VALIDATION * plan.samples))
    patience = _PATIENCE if plan.full_batch else 0  # a rate that falls along a cosine has its end planned
    settings = Settings(
        plan.epochs, plan.batch, plan.lr, patience, plan.seed, anneal=True, full_batch=plan.full_batch
    )
    parts = (features[n:], truths[n:]), (features[:n], truths[:n])
    outcome = fit(network, *parts, settings, checkpoint=home / _CHECKPOINT)
    record = {
        "plan": asdict(plan),
        "losses": outcome.losses,
        "features": ready - started,
        "training": time.process_time() - ready,
    }
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, home / _WEIGHTS)
    (home / _CURVE).write_text(json.dumps(record))
    return Trained(network, plan, outcome.losses, record["features"], record["training"])


def _network(plan: Plan) -> RegressionNetwork:
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
    """Return features and truths of a plan's signals, those for validation first."""
    features, truths = [], []
    for first in range(0, plan.samples, _AT_ONCE):
        n = min(_AT_ONCE, plan.samples - first)
        part = signals(plan.study, n, [_TRAIN_SEED, plan.seed, first], plan.basis)
        features.append(features_of(network, part.fids)[0])
        truths.append(np.concatenate([getattr(part, name) for name in plan.targets], axis=1))
    return torch.cat(features), torch.from_numpy(np.concatenate(truths).astype(np.float32))


def estimates(one: Trained, test: ComponentSignals) -> dict[str, Real]:
    """Return what a network makes of signals, by target."""
    return regressed(one.network, features_of(one.network, test.fids)[0])
