"""What is trained and tested in each profile, and the networks, trained once and kept."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, Real
from fsl_mrs_dl.models.catalogue import CATALOGUE
from fsl_mrs_dl.models.package import CARD, load, save_package
from fsl_mrs_dl.models.quantification import QuantificationNetwork
from fsl_mrs_dl.models.quantification_inference import network_parameters
from fsl_mrs_dl.scores import r2
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.quantification import AmplitudesTraining, new_network
from fsl_mrs_dl.train.quantification_data import NoiseKind, Spectra, basis_of, simulated
from fsl_mrs_dl.train.training import DataSplit
from fsl_mrs_dl.train.writing import recipe
from tests.benchmarks.realdata import challenge_folder
from tests.benchmarks.store import NotTrainedError, Store

_CURVE = "curve.json"
_WATCHED = 256  # spectra on which the errors are followed during training


@dataclass(frozen=True)
class DqPlan:
    """One training.

    Attributes
    ----------
    label : str
        In tables.
    architecture, encoder, amplitudes, noise : str
    encoder_settings : tuple of tuple
        Names and values.
    samples, epochs, batch : int
    lr, penalty : float
    seed : int
    prior, basis : str
        ``basis`` empty: that of the tables.
    """

    label: str
    samples: int
    epochs: int
    architecture: str = "dq-nmm"
    amplitudes: str = "projected"
    encoder: str = "cnn"
    encoder_settings: tuple[tuple[str, float], ...] = ()
    noise: NoiseKind = "white"
    batch: int = 128
    lr: float = 3e-3
    penalty: float = 3.0
    seed: int = 1
    prior: str = "dq"
    basis: str = ""

    @property
    def folder(self) -> str:
        """Name of the folder that keeps the network: changes with every setting but the label."""
        identity = {key: value for key, value in asdict(self).items() if key != "label"}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.architecture}-{self.amplitudes}-{digest}"


@dataclass(frozen=True)
class DqProfile:
    """Sizes of a run: samples and epochs of the trainings, and how much is tested."""

    samples: int
    epochs: int
    published_epochs: int
    lines: tuple[int, int]
    seeds: int
    study: tuple[int, int]
    sizes: tuple[int, ...]
    penalties: tuple[float, ...]
    tested: int
    draws: int
    starts: int
    bases: int
    invivo: tuple[int, int]
    redrawn: int


PROFILES = {
    "smoke": DqProfile(128, 1, 1, (64, 1), 1, (64, 1), (64,), (3.0,), 16, 8, 4, 2, (64, 1), 2),
    "small": DqProfile(
        12000,
        20,
        20,
        (12000, 8),
        3,
        (12000, 8),
        (1000, 4000, 12000),
        (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
        300,
        256,
        40,
        10,
        (4000, 10),
        64,
    ),
    "paper": DqProfile(
        96000,
        60,
        200,
        (96000, 100),
        3,
        (24000, 100),
        (1000, 12000, 24000, 96000, 384000),
        (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
        5000,
        256,
        1000,
        10,
        (28000, 60),
        64,
    ),
}
PUBLISHED, WHITENED, PROJECTED = "as published (softplus)", "whitened", "projected"
SMALLER = (("width", 0.125), ("depth", 0.34))
SMALLEST = (("width", 0.0625), ("depth", 0.25))


def main_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    """Return the networks of the accuracy tables."""
    base = DqPlan(PROJECTED, profile.samples, profile.epochs, seed=seed)
    return [
        replace(base, label=PUBLISHED, amplitudes="softplus", epochs=profile.published_epochs, lr=1e-3),
        replace(base, label=WHITENED, amplitudes="whitened"),
        base,
        replace(base, label=f"{PROJECTED}, damped noise", noise="seed", epochs=max(1, base.epochs // 2)),
    ]


def line_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    """Return nMM, pMM and rpMM by one recipe, each with several seeds."""
    samples, epochs = profile.lines
    return [
        DqPlan(architecture, samples, epochs, architecture, seed=seed + i)
        for i in range(profile.seeds)
        for architecture in ("dq-nmm", "dq-pmm", "dq-rpmm")
    ]


def size_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    """Return one network a size of the data, all with as many steps."""
    samples, epochs = profile.study
    return [
        DqPlan(f"{size}", size, max(1, round(epochs * samples / size)), seed=seed) for size in profile.sizes
    ]


def penalty_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    """Return rpMM with each weight of the early time."""
    samples, epochs = profile.lines
    return [
        DqPlan(f"{penalty:g}", samples, epochs, "dq-rpmm", penalty=penalty, seed=seed)
        for penalty in profile.penalties
    ]


def encoder_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    """Return each encoder; Mixer and ConvNeXt narrow and shallow, as a processor needs them."""
    samples, epochs = profile.study
    base = DqPlan("cnn", samples, epochs, seed=seed)
    return [
        base,
        replace(base, label="fc", encoder="fc"),
        replace(base, label="mixer, narrow", encoder="mixer", encoder_settings=SMALLEST),
        replace(base, label="convnext, narrow", encoder="convnext", encoder_settings=SMALLER),
    ]


def invivo_plan(profile: DqProfile, seed: int) -> DqPlan:
    """Return the network of the measured spectra, at 7 T."""
    samples, epochs = profile.invivo
    return DqPlan("DQ-nMM", samples, epochs, prior="brain", basis="steam_7t_te11", seed=seed, batch=64)


def paper_hours(profile: DqProfile, seed: int, store: Store) -> float:
    """Return how long the trainings of the profile paper would take, in hours, by those of a profile.

    Each by what a spectrum and epoch of the training in its place took.

    Raises
    ------
    NotTrainedError
        If one of the profile is not there and must not be trained.
    """
    seconds = 0.0
    for plans_of in (main_plans, line_plans, size_plans, penalty_plans, encoder_plans, _invivo_plans):
        trained_here, of_paper = plans_of(profile, seed), plans_of(PROFILES["paper"], seed)
        each = [trained(plan, store).seconds / (plan.samples * plan.epochs) for plan in trained_here]
        seconds += sum(
            each[min(i, len(each) - 1)] * plan.samples * plan.epochs for i, plan in enumerate(of_paper)
        )
    return seconds / 3600


def _invivo_plans(profile: DqProfile, seed: int) -> list[DqPlan]:
    return [invivo_plan(profile, seed)]


def basis_of_tables() -> tuple[str, str]:
    """Return the challenge's basis set where it is, else a shipped one, and what to call it."""
    folder = challenge_folder()
    if folder is not None:
        return str(folder), "ISMRM 2016 fitting challenge, measured macromolecules among it"
    return "press_3t_te30", "shipped PRESS TE 30"


@cache
def basis_on_points(name: str, prior: str) -> Basis:
    """Return a basis set on the network's points; read once."""
    return basis_of(name, prior)


def basis_for(plan: DqPlan) -> Basis:
    """Return the basis set of a plan, on its points."""
    return basis_on_points(plan.basis or basis_of_tables()[0], plan.prior)


@dataclass(frozen=True, eq=False)
class TrainedDqNetwork:
    """A trained network.

    Attributes
    ----------
    network : QuantificationNetwork
    plan : DqPlan
    seconds : float
        Of training.
    steps, mean_r2, early_s : ndarray, float, shape (epoch,)
        Optimiser steps so far, mean R2 of six metabolites and t_r of rpMM on a few spectra not trained on.
    """

    network: QuantificationNetwork
    plan: DqPlan
    seconds: float
    steps: Real
    mean_r2: Real
    early_s: Real

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())


SIX = ("Cr", "GPC", "Ins", "NAA", "PCh", "Tau")


def trained(plan: DqPlan, store: Store) -> TrainedDqNetwork:
    """Return the network of a plan: from the store if it is there, else trained and put there.

    Raises
    ------
    NotTrainedError
        If it is not there and must not be trained.
    """
    home = store.folder / plan.folder
    if not list(home.glob(f"*/*/{CARD}")):
        if not store.train:
            raise NotTrainedError(plan.label)
        _train(plan, home)
    model = load(next(iter(home.glob(f"*/*/{CARD}"))).parent)
    curve = json.loads((home / _CURVE).read_text(encoding="utf-8"))
    assert isinstance(model.network, QuantificationNetwork)
    return TrainedDqNetwork(
        model.network, plan, curve["seconds"], *map(np.array, (curve["steps"], curve["r2"], curve["early_s"]))
    )


def _train(plan: DqPlan, home: Path) -> None:
    basis, rng = basis_for(plan), np.random.default_rng(plan.seed)
    n_validation = max(1, plan.samples // 10)
    counts = (plan.samples - n_validation, n_validation, _WATCHED)
    training, validation, test = (simulated(basis, plan.prior, plan.noise, n, rng) for n in counts)
    entry = CATALOGUE[plan.architecture]
    network, config = new_network(
        entry,
        training,
        plan.seed,
        encoder=plan.encoder,
        encoder_settings=dict(plan.encoder_settings),
        amplitudes=plan.amplitudes,
        penalty=plan.penalty,
        scaled=plan.prior != "dq",
    )
    an_epoch = -(-counts[0] // plan.batch)
    curve: dict[str, Any] = {"steps": [], "r2": [], "early_s": []}

    def watch(epoch: int, loss: float) -> None:
        curve["steps"].append((epoch + 1) * an_epoch)
        curve["r2"].append(mean_r2(network, test))
        curve["early_s"].append(early_s(network, test))

    started = time.monotonic()
    settings = Settings(plan.epochs, plan.batch, plan.lr, 0, plan.seed, anneal=True)
    sets = DataSplit(training, validation, test)
    kind = AmplitudesTraining(entry, resolved(entry.name, prior=plan.prior, seed=plan.seed))
    kind.fit(network, sets, settings, watch)
    curve["seconds"] = time.monotonic() - started
    how = recipe(kind.options, training.description, training.sha256, started)
    how = replace(how, command="python -m tests.benchmarks dq")
    card = kind.card(network, config, sets, how, name=plan.folder, version="1.0.0", evaluation=())
    save_package(network, card, home)
    (home / _CURVE).write_text(json.dumps(curve), encoding="utf-8")


def six_r2(network: QuantificationNetwork, test: Spectra) -> Real:
    """Return R2 of :data:`SIX`."""
    predicted = network_parameters(network, test.fids, test.basis.dwelltime_s).amplitudes
    return r2_of_six(predicted, network.names, test)


def r2_of_six(amplitudes: Real, names: tuple[str, ...], test: Spectra) -> Real:
    """Return R2 of :data:`SIX` of amplitudes whose members have these names."""
    own, place = ([every.index(name) for name in SIX] for every in (names, test.basis.names))
    values: Real = r2(amplitudes[:, own], test.amplitudes[:, place])
    return values


def mean_r2(network: QuantificationNetwork, test: Spectra) -> float:
    """Return the mean of :func:`six_r2`."""
    return float(np.mean(six_r2(network, test)))


def early_s(network: QuantificationNetwork, test: Spectra) -> float:
    """Return the mean t_r of rpMM in s, 0 of others."""
    import torch

    from fsl_mrs_dl.models.quantification_inference import channels

    if not network.regularised:
        return 0.0
    with torch.no_grad():
        results = network.modelled(channels(test.fids)).early_s
    return 0.0 if results is None else float(results.mean())
