"""What networks, ensembles and fits give for the test spectra: concentrations in mM."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.regression_inference import regressed
from fsl_mrs_dl.models.regression_spread import dropout_draws
from fsl_mrs_dl.models.rizzo.stacking import StackedNetwork
from fsl_mrs_dl.train.loop import Settings, fit
from tests.benchmarks.rizzo.fits import Fitted, bounds_mm, fitted
from tests.benchmarks.rizzo.plan import Plan, fold_rows, n_validation
from tests.benchmarks.rizzo.plans import Plans
from tests.benchmarks.rizzo.scores import Scores, scores, total
from tests.benchmarks.rizzo.spectra import MAXIMA, StudySpectra, World
from tests.benchmarks.rizzo.trainings import (
    Trained,
    concentrations,
    config_of,
    estimates,
    features,
    judging,
    labels,
    shuffled,
    trained,
)
from tests.benchmarks.store import NotTrainedError, Store

MODEL_FIT, FREE_FIT = "model fit, bounded", "model fit"
POSTERIOR, MEAN = "model fit, posterior mean", "training mean"
_LR = 2e-4  # of the stacking network, as published


@dataclass(frozen=True, eq=False)
class Answer:
    """Concentrations of the test spectra by one method, once for each training.

    Attributes
    ----------
    name : str
    values : tuple of ndarray, float, shape (S, 16)
    seeds : tuple of int
        Of the trainings; empty where there is none.
    kind : {"network", "ensemble", "fit", "mean"}
    """

    name: str
    values: tuple[Real, ...]
    seeds: tuple[int, ...] = ()
    kind: str = "network"

    def scores(self, truth: Real) -> list[Scores]:
        """Return the scores of each training."""
        return [scores(one, truth) for one in self.values]


@dataclass(frozen=True, eq=False)
class Run:
    """What a run of the task needs everywhere."""

    plans: Plans
    store: Store
    seed: int

    def network(self, plan: Plan) -> Trained | None:
        """Return the network of a plan, if it is there or can be trained."""
        with contextlib.suppress(NotTrainedError):
            return trained(plan, self.store)
        return None

    def networks(self, plans: Sequence[Plan]) -> list[Trained]:
        """Return those that are there or can be trained."""
        return [one for plan in plans if (one := self.network(plan)) is not None]

    def test(self, world: World | None = None) -> StudySpectra:
        """Return the test spectra of a world; by default those of the study."""
        return judging(world or World(), self.plans.profile.tested, self.seed)

    @property
    def truth(self) -> Real:
        """True concentrations of the test spectra of the study."""
        return self.test().concentrations

    def answer(self, name: str, plans: Sequence[Plan]) -> Answer | None:
        """Return what the networks of plans give on test spectra of their own world; None: none is there."""
        there = self.networks(plans)
        if not there:
            return None
        return Answer(name, tuple(map(self.estimates, there)), tuple(one.plan.seed for one in there))

    def estimates(self, one: Trained) -> Real:
        """Return the concentrations that a network gives for the test spectra of its world; kept in the store."""
        world = one.plan.world

        def make() -> Real:
            return estimates(one, self.test(world), ("test", world)).astype(np.float32)

        return self.store.array(f"{one.plan.folder}/{self._judged('answers')}", make)

    def dropped(self, one: Trained, n: int) -> Real:
        """Return n answers with dropout on for the test spectra of the study, shape (S, n, 16); kept."""

        def make() -> Real:
            values = features(one.network, self.test(), ("test", World()))
            draws = (
                dropout_draws(one.network, values.to(one.network.basis.device), n, self.seed).cpu().numpy()
            )
            flat = concentrations(draws.reshape(-1, draws.shape[2]).astype(float), World())
            return flat.reshape(*draws.shape[:2], -1).astype(np.float32)

        return self.store.array(f"{one.plan.folder}/{self._judged(f'dropout-{n}')}", make)

    def _judged(self, what: str) -> str:
        return f"{what}-{self.plans.profile.tested}-{self.seed}"

    @cached_property
    def fits(self) -> Fitted:
        """The model fits of the test spectra; kept in the store."""

        def make() -> Real:
            one = fitted(self.test(), self.seed)
            return np.stack([one.bounded, one.free, one.posterior])

        return Fitted(*self.store.array(self._judged("fits"), make))

    @cached_property
    def bounds(self) -> Real:
        """Cramer-Rao bounds of the test spectra in mM, shape (S, 16)."""
        return bounds_mm(self.test())

    @cached_property
    def answers(self) -> Mapping[str, Answer]:
        """What every method gives for the test spectra of the study, networks first."""
        every: dict[str, Answer] = {}
        for name in self.plans.profile.networks:
            if (one := self.answer(name, self.plans.seeds(name))) is not None:
                every[name] = one
        every |= self.ensembles
        n = len(self.truth)
        every[MODEL_FIT] = Answer(MODEL_FIT, (self.fits.bounded,), kind="fit")
        every[FREE_FIT] = Answer(FREE_FIT, (self.fits.free,), kind="fit")
        every[POSTERIOR] = Answer(POSTERIOR, (self.fits.posterior,), kind="fit")
        middle = np.array(list(MAXIMA.values())) / 2
        every[MEAN] = Answer(MEAN, (np.tile(middle, (n, 1)),), kind="mean")
        return every

    @cached_property
    def best(self) -> str:
        """The network of the highest mean a R2 in its first training; else that of single studies."""
        networks = [one for one in self.answers.values() if one.kind == "network"]
        if not networks:
            return self.plans.shallow
        return max(networks, key=lambda one: total(one.values[0], self.truth)).name

    @cached_property
    def n_members(self) -> int:
        """Members of one kind that an ensemble can have: as many as there are of both."""
        return min(len(self.networks(self.plans.seeds(name))) for name in self.plans.profile.repeated)

    @cached_property
    def members(self) -> dict[str, list[Trained]]:
        """The members of each ensemble that is complete."""
        profile, plans = self.plans.profile, self.plans
        some = {name: self.networks(plans.seeds(name)) for name in profile.repeated}
        first, other = (some[name] for name in profile.repeated)
        n = self.n_members
        first, other = first[: max(n, 1)], other[: max(n, 1)]
        every = {
            f"ShallowEns-{n}n": first if len(first) == n > 1 else [],
            "HybridEns-2n": [*first[:1], *other[:1]] if first and other else [],
            f"HybridEns-{2 * n}n": [*first, *other] if len(first) == len(other) == n > 1 else [],
        }
        return {name: several for name, several in every.items() if several}

    @cached_property
    def ensembles(self) -> Mapping[str, Answer]:
        """What ensembles give: stacked, stacked on outputs for spectra that members did not learn, averaged."""
        every = {}
        for name, several in self.members.items():
            every[name] = Answer(name, (self._stacked(several),), kind="ensemble")
            mean = np.mean([self.estimates(one) for one in several], axis=0)
            every[f"{name}, mean"] = Answer(f"{name}, mean", (mean,), kind="ensemble")
        folds = [self.networks(one) for one in self.plans.folds()]
        pair = self.members.get("HybridEns-2n")
        if pair and all(len(one) == len(pair) for one in folds):
            name = "HybridEns-2n, out of fold"
            every[name] = Answer(name, (self._stacked(pair, folds),), kind="ensemble")
        return every

    def _stacked(self, members: list[Trained], folds: list[list[Trained]] | None = None) -> Real:
        """Return the concentrations of a stacking network over members; kept in the store."""
        digest = "-".join(one.plan.folder[-6:] for one in members)
        file = f"stacked-{'folds' if folds else 'all'}-{self.plans.profile.stacking}-{digest}"
        return self.store.array(file, lambda: self._stack(members, folds))

    def _stack(self, members: list[Trained], folds: list[list[Trained]] | None) -> Real:
        """Train a stacking network and return its concentrations of the test spectra."""
        plan = members[0].plan
        spectra = shuffled(plan)
        inputs = _outputs(members, spectra, (plan.kind, plan.world, plan.samples, plan.seed))
        n = n_validation(plan.samples)
        if folds is not None:
            for k, several in enumerate(folds):
                rows = n + fold_rows(plan.samples - n, (k, len(folds)))
                inputs[rows] = _outputs(several, spectra.rows(rows), None)
        truths = torch.from_numpy(labels(spectra).astype(np.float32))
        config = config_of(plan)
        axes = {
            key: config[key] for key in ("names", "n_points", "dwelltime_s", "spectrometer_frequency_mhz")
        }
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            network = StackedNetwork(
                **axes,
                members=[
                    {"architecture": one.plan.architecture, "config": config_of(one.plan)} for one in members
                ],
            )
        network.standardise(inputs[n:], truths[n:])
        settings = Settings(self.plans.profile.stacking, plan.batch, 10 * _LR, 10, self.seed, anneal=True)
        fit(network, (inputs[n:], truths[n:]), (inputs[:n], truths[:n]), settings)
        test = _outputs(members, self.test(), ("test", World()))
        return concentrations(regressed(network, test)["amplitudes"], plan.world)


def _outputs(members: Sequence[Trained], spectra: StudySpectra, key: object) -> torch.Tensor:
    """Return the outputs of members over their largest label, shape (S, member, output)."""
    outputs = []
    for one in members:
        values = regressed(one.network, features(one.network, spectra, key))["amplitudes"]
        outputs.append(torch.from_numpy(values.astype(np.float32)) / one.network.target_sd.cpu())
    return torch.stack(outputs, dim=1)
