"""Networks of the study: trained once, kept, and asked for concentrations."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, lru_cache
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
from fsl_mrs_dl.train.loop import Settings, fit
from fsl_mrs_dl.train.query import query
from tests.benchmarks.rizzo.plan import Plan, fold_rows, n_validation
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
from tests.benchmarks.store import NotTrainedError, Store

_WEIGHTS, _CURVE = "weights.safetensors", "curve.json"
_POOL = 3
"""Spectra of the pool for each one that the query loop takes from it."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    Attributes
    ----------
    plan : Plan
    losses : sequence of float
        Validation loss of each epoch.
    seconds : float
    machine : str
        GPU or ``CPU``.
    home : Path
        Folder that keeps it.
    """

    plan: Plan
    losses: Sequence[float]
    seconds: float
    machine: str
    home: Path

    @cached_property
    def network(self) -> RegressionNetwork:
        """The network, on the GPU if there is one.

        Raises
        ------
        NotTrainedError
            If the weights are not in the store.
        """
        if not (self.home / _WEIGHTS).exists():
            raise NotTrainedError(f"{self.home.name}, whose weights are not there")
        network = new_network(self.plan)
        network.load_state_dict(load_file(self.home / _WEIGHTS))
        return near(network).eval()


def near(network: RegressionNetwork) -> RegressionNetwork:
    """Return a network on the GPU, if there is one."""
    return network.cuda() if torch.cuda.is_available() else network


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


@lru_cache(maxsize=4)
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
    home = store.folder / plan.folder
    if (home / _CURVE).exists():
        record = json.loads((home / _CURVE).read_text())
        return Trained(plan, record["losses"], record["seconds"], record["machine"], home)
    if not store.train:
        raise NotTrainedError(plan.folder)
    spectra = _queried(plan, store) if plan.kind == "query" else shuffled(plan)
    started, network = time.perf_counter(), near(new_network(plan))
    learned, stopped = examples(network, plan, spectra)
    network.standardise(*learned)
    full = CATALOGUE[plan.architecture].training == "full-batch regression"
    settings = Settings(plan.epochs, plan.batch, plan.lr, 0, plan.seed, anneal=True, full_batch=full)
    curve = fit(network, learned, stopped, settings)
    seconds = time.perf_counter() - started
    machine = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    home.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, home / _WEIGHTS)
    record = {"plan": asdict(plan), "losses": curve.losses, "seconds": seconds, "machine": machine}
    (home / _CURVE).write_text(json.dumps(record))
    return Trained(plan, curve.losses, seconds, machine, home)


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
