"""Networks of the study: planned, trained once, kept, and asked for concentrations."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.regression import RegressionNetwork
from fsl_mrs_dl.models.regression_inference import features_of, regressed
from fsl_mrs_dl.models.rizzo.network import inputs_of
from fsl_mrs_dl.models.rizzo.table import CONFIGS
from fsl_mrs_dl.train.loop import VALIDATION, Settings, fit
from fsl_mrs_dl.train.query import query
from tests.benchmarks.rizzo.spectra import (
    DWELLTIME_S,
    NAMES,
    POINTS,
    WATER_MM,
    StudySpectra,
    World,
    simulate,
    study_basis,
    test_set,
    training_set,
)

_WEIGHTS, _CURVE = "weights.safetensors", "curve.json"
_POOL = 3
"""Spectra of the pool for each one that the query loop takes from it."""


class NotTrainedError(Exception):
    """A network that is to be taken from the store is not there."""


@dataclass(frozen=True)
class Image:
    """Sizes of the inputs: bins of the 1D spectrum; of the spectrogram bins before under-sampling, hop, frames."""

    spectrum: int = 1024
    bins: int = 1024
    hop: int = 24
    frames: int = 32


@dataclass(frozen=True)
class Plan:
    """One training.

    Attributes
    ----------
    architecture : str
        A regressor of the catalogue.
    samples, epochs, batch, seed : int
        ``samples`` with the tenth that is for validation.
    lr : float
        Falls to nothing along half a cosine.
    widths, kernels : tuple of int
        Instead of the published ones; empty: those.
    image : Image
    kind : str
        Of the training set, see :func:`~.spectra.training_set`; ``query``: a fifth of the spectra is asked for by
        a network that was trained on the others.
    world : World
    fold : tuple of int or None
        (k, K): leave out the k-th of K parts of the training spectra.
    """

    architecture: str
    samples: int
    epochs: int
    seed: int = 1
    batch: int = 50
    lr: float = 2e-3
    widths: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    image: Image = field(default_factory=Image)
    kind: str = "uniform"
    world: World = field(default_factory=World)
    fold: tuple[int, int] | None = None

    @property
    def folder(self) -> str:
        """Name of the folder that keeps the network."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:10]
        return f"{self.architecture}-{digest}"

    @property
    def learned(self) -> int:
        """Spectra to learn from."""
        n = self.samples - n_validation(self.samples)
        return n if self.fold is None else n - len(fold_rows(n, self.fold))

    @property
    def steps(self) -> int:
        """Training steps."""
        return self.epochs * -(-self.learned // self.batch)


def n_validation(samples: int) -> int:
    """Return how many of the spectra, the first ones, are for validation."""
    return max(1, round(VALIDATION * samples))


def fold_rows(n: int, fold: tuple[int, int]) -> Any:
    """Return the rows of n that a fold leaves out."""
    return np.array_split(np.arange(n), fold[1])[fold[0]]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network; ``seconds`` of the processor."""

    network: RegressionNetwork
    plan: Plan
    losses: Sequence[float]
    seconds: float


@dataclass(frozen=True)
class Store:
    """Folder that keeps networks, and whether missing ones are trained."""

    folder: Path
    train: bool = True

    def array(self, name: str, make: Callable[[], Real]) -> Real:
        """Return an array that is kept under a name, made now if it is not there."""
        file = self.folder / f"{name}.npy"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(file, make())
        values: Real = np.load(file)
        return values


def output_names(world: World) -> tuple[str, ...]:
    """Return the names of the outputs: with water, where it is in the spectra."""
    return (*NAMES, "Water") if world.water else NAMES


def config_of(plan: Plan) -> dict[str, Any]:
    """Return the config of a plan's network, as a card would have it."""
    names = output_names(plan.world)
    axes = (POINTS, DWELLTIME_S, study_basis().spectrometer_frequency_mhz)
    entry = CATALOGUE[plan.architecture]
    sizes = {"widths": plan.widths or None, "kernels": plan.kernels or None}
    inputs: dict[str, Any]
    if plan.architecture in CONFIGS:
        reads, image = CONFIGS[plan.architecture].reads, plan.image
        changes: dict[str, Any] = (
            {"bins": image.spectrum}
            if reads.startswith("1D")
            else {"bins": image.bins, "hop": image.hop, "frames": image.frames}
        )
        inputs = inputs_of(reads, *axes, **changes)
    else:
        kind: Any = entry.kind
        inputs, sizes = kind.inputs_for(*axes), {}
        if "ppm" in inputs:
            inputs["ppm"] = [0.0, 4.7]
    return {
        "names": names,
        "n_points": POINTS,
        "dwelltime_s": DWELLTIME_S,
        "spectrometer_frequency_mhz": axes[2],
        "inputs": inputs,
        **sizes,
    }


def new_network(plan: Plan) -> RegressionNetwork:
    """Return a network with random weights of the seed."""
    basis, names = study_basis(), output_names(plan.world)
    with torch.random.fork_rng():
        torch.manual_seed(plan.seed)
        network: Any = CATALOGUE[plan.architecture].build(**config_of(plan))
    rows = [basis.names.index(name) for name in names]
    network.set_basis(replace(basis, fids=np.asarray(basis.fids)[rows], names=names))
    ready: RegressionNetwork = network
    return ready


def labels(spectra: StudySpectra) -> Real:
    """Return what networks learn: signal sizes with water among them, else concentrations."""
    if not spectra.world.water:
        return spectra.concentrations
    water = np.full((len(spectra.fids), 1), WATER_MM)
    sizes: Real = spectra.gain[:, None] * np.concatenate([spectra.concentrations, water], axis=1)
    return sizes


@cache
def _judged(world: World, n: int, seed: int) -> StudySpectra:
    return test_set(world, n, seed)


def judging(world: World, n: int, seed: int) -> StudySpectra:
    """Return the test spectra of a world; made once."""
    return _judged(world, n, seed)


_features: dict[object, torch.Tensor] = {}


def features(network: RegressionNetwork, spectra: StudySpectra, key: object = None) -> torch.Tensor:
    """Return the features of spectra; with a key those of one input are kept, for the spectra are the same."""
    if key is None:
        return features_of(network, spectra.fids)[0]
    whole = (repr(network.transform), key)
    if whole not in _features:
        if len(_features) > 8:
            _features.pop(next(iter(_features)))
        _features[whole] = features_of(network, spectra.fids)[0]
    return _features[whole]


def concentrations(outputs: Real, world: World) -> Real:
    """Return concentrations in mM of outputs: over the output of water, where there is one."""
    if not world.water:
        return outputs
    relative: Real = outputs[:, : len(NAMES)] / outputs[:, len(NAMES) :] * WATER_MM
    return relative


def estimates(one: Trained, spectra: StudySpectra, key: object = None) -> Real:
    """Return the concentrations that a network gives, in mM, shape (S, 16)."""
    outputs = regressed(one.network, features(one.network, spectra, key))["amplitudes"]
    return concentrations(outputs, one.plan.world)


@cache
def _set(kind: str, world: World, samples: int, seed: int) -> StudySpectra:
    return training_set(kind, world, samples, seed)


def examples(network: RegressionNetwork, plan: Plan, spectra: StudySpectra) -> tuple[Any, Any]:
    """Return features and labels of the spectra to learn from, and of those for validation."""
    key = (plan.kind, plan.world, plan.samples, plan.seed) if plan.kind != "query" else None
    values = features(network, spectra, key)
    truths = torch.from_numpy(labels(spectra).astype(np.float32))
    n = n_validation(plan.samples)
    learned, stopped = (values[n:], truths[n:]), (values[:n], truths[:n])
    if plan.fold is not None:
        out = fold_rows(len(learned[0]), plan.fold)
        rest = np.setdiff1d(np.arange(len(learned[0])), out)
        learned = (learned[0][rest], learned[1][rest])
    return learned, stopped


def trained(plan: Plan, store: Store) -> Trained:
    """Return the network of a plan, from the store or trained now.

    Raises
    ------
    NotTrainedError
        If it is not there and must not be trained.
    """
    home, network = store.folder / plan.folder, new_network(plan)
    if (home / _CURVE).exists():
        network.load_state_dict(load_file(home / _WEIGHTS))
        record = json.loads((home / _CURVE).read_text())
        return Trained(network.eval(), plan, record["losses"], record["seconds"])
    if not store.train:
        raise NotTrainedError(plan.folder)
    spectra = _queried(plan, store) if plan.kind == "query" else shuffled(plan)
    started = time.process_time()
    learned, stopped = examples(network, plan, spectra)
    network.standardise(*learned)
    full = CATALOGUE[plan.architecture].training == "full-batch regression"
    settings = Settings(plan.epochs, plan.batch, plan.lr, 0, plan.seed, anneal=True, full_batch=full)
    curve = fit(network, learned, stopped, settings)
    seconds = time.process_time() - started
    home.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, home / _WEIGHTS)
    record = {"plan": asdict(plan), "losses": curve.losses, "seconds": seconds}
    (home / _CURVE).write_text(json.dumps(record))
    return Trained(network, plan, curve.losses, seconds)


def shuffled(plan: Plan) -> StudySpectra:
    """Return the training spectra of a plan in a random order, so that validation has some of each kind."""
    spectra = _set(plan.kind, plan.world, plan.samples, plan.seed)
    return spectra.rows(np.random.default_rng([11, plan.seed]).permutation(plan.samples))


def _queried(plan: Plan, store: Store) -> StudySpectra:
    """Return four fifths of uniform spectra, and those of a pool that a network trained on them was worst at."""
    n = plan.samples // 5
    first = replace(plan, kind="uniform", samples=plan.samples - n)
    learned = trained(first, store)
    pool = simulate(plan.world, _POOL * n, [12, plan.seed])
    outputs = regressed(learned.network, features(learned.network, pool))["amplitudes"]
    rng = np.random.default_rng([13, plan.seed])
    both = shuffled(first) + pool.rows(query((outputs - labels(pool)) / labels(pool).max(axis=0), n, rng))
    return both.rows(np.random.default_rng([11, plan.seed]).permutation(plan.samples))
