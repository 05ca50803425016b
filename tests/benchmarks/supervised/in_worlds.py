"""What regressors, fits, a forest and the mean of the training make of spectra of known truth."""

import contextlib
import hashlib
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import VERDICTS, MRSData, Real
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.fit.lcm import FitSettings
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.regression import RegressionNetwork
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.steps.quantify_fitters import RegressionFitter
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.quantification import basis_package_name
from fsl_mrs_dl.train.quantification_data import basis_of, ranges_of
from fsl_mrs_dl.train.regression import examples_of
from fsl_mrs_dl.train.training import run as train
from fsl_mrs_dl.train.trainings import training_of
from tests.benchmarks.store import Store
from tests.benchmarks.supervised.classical import with_forest
from tests.benchmarks.supervised.scenes import BASIS, PRIOR, Scene
from tests.benchmarks.worlds.judged import LIKELIHOOD, MEAN, SettingScore, score
from tests.benchmarks.worlds.settings import CREATINES, SUMS, Ratios, prior_without, shipped

DEFAULT, FIXED, FOREST, DUMMY = "fit, default", "fit, poly, 2", "random forest", "training mean"
_GOOD = VERDICTS["good"].code


@dataclass(frozen=True)
class Outcome:
    """How near one method comes to the truth of a scene.

    Attributes
    ----------
    error, strong : float
        Mean absolute error of ratios to total creatine, of all metabolites and of those that studies report; of
        the default fit that of the posterior mean.
    good : float or None
        Spectra that are called good, in per cent.
    """

    error: float
    strong: float
    good: float | None = None


@dataclass(frozen=True)
class Training:
    """How the regressors are trained: spectra, epochs of each network, trees of the forest, seeds."""

    samples: int
    epochs: Mapping[str, int]
    usual_epochs: int
    trees: int
    seeds: Sequence[int]


@dataclass(frozen=True)
class Judge:
    """A method with one seed: its name for the store, and what it makes of a scene."""

    key: tuple[object, ...]
    of: Callable[[Scene], Outcome]

    def outcome(self, name: str, scene: Scene, store: Store) -> Outcome:
        """Return the outcome of a scene, from the store if it is there."""
        n = len(scene.data.fid)

        def numbers() -> Real:
            one = self.of(scene)
            return np.array([one.error, one.strong, np.nan if one.good is None else one.good])

        error, strong, good = store.answer(
            (name, n, hashlib.sha256(scene.data.fid.tobytes()).hexdigest(), *self.key), numbers
        )
        return Outcome(float(error), float(strong), None if np.isnan(good) else float(good))


def regressors() -> tuple[str, ...]:
    """Return the networks that give amplitudes alone."""
    return tuple(name for name, entry in architectures("quantify").items() if "regression" in entry.training)


def packages(name: str, chosen: Training, models: Path, trained_only: bool) -> list[Path]:
    """Return the packages of a network, one a seed, trained if they are not there and may be."""
    epochs = chosen.epochs.get(name, chosen.usual_epochs)
    folders = []
    for seed in chosen.seeds:
        home = models / f"{chosen.samples}-{epochs}-{seed}"
        folder = home / basis_package_name(name, basis_of(BASIS, PRIOR))
        if not folder.is_dir() and not trained_only:
            options: dict[str, Any] = {"basis": BASIS, "samples": chosen.samples, "epochs": epochs}
            training = training_of(resolved(name, **options, seed=seed, lr=1e-3, patience=0))
            with contextlib.redirect_stdout(io.StringIO()):
                train(training, home, time.monotonic(), overwrite=False)
        if any(folder.glob("*/card.json")):
            folders.append(folder)
    return folders


def forest_of(package: Path, chosen: Training, seed: int) -> Callable[[Scene], Outcome]:
    """Return what a forest makes of scenes, over the input of a package and the spectra that it learned from.

    It grows when it is first asked.
    """

    @cache
    def forest() -> RegressionNetwork:
        model: Any = load(str(package))
        options: dict[str, Any] = {"basis": BASIS, "samples": chosen.samples, "seed": seed}
        sets: Any = training_of(resolved(model.card.architecture, **options)).make_sets()
        examples = examples_of(model.network, sets.training)
        return with_forest(model.network, *examples, chosen.trees, seed)

    return lambda scene: by_forest(scene, forest())


def by_quantify(scene: Scene, **options: Any) -> Outcome:
    """Return what ``quantify`` makes of a scene with some options."""
    with prior_without(scene.without_mm):
        outcome = quantify(scene.data, basis=shipped(BASIS), **options).outcome
    assert outcome is not None
    scaled = outcome.scaled["internal"]
    mean = scaled.extra.get("posterior_mean")
    several = [_columns(outcome.names, values) for values in (scaled.value, mean) if values is not None]
    good = float(100 * np.mean(outcome.verdict == _GOOD))
    return _outcome(scene, several[0], several[1] if len(several) > 1 else {}, good)


def by_forest(scene: Scene, network: RegressionNetwork) -> Outcome:
    """Return what a forest makes of a scene, registered as ``quantify --model`` registers."""
    data: MRSData = scene.data
    basis = basis_for(data, shipped(BASIS))
    model: Any = SimpleNamespace(network=network, card=SimpleNamespace(full_name=FOREST))
    fitter = RegressionFitter(basis, FitSettings(), reference_ppm=data.reference_ppm, model=model)
    amplitudes = fitter(data.fid.reshape(-1, data.n_points)).amplitudes
    amount = _columns(basis.names, amplitudes)
    creatine = np.sum([amount[name] for name in CREATINES], axis=0)
    whole = np.where(creatine > 0, creatine, np.inf)
    return _outcome(scene, _with_sums({name: value / whole for name, value in amount.items()}))


def by_mean(scene: Scene) -> Outcome:
    """Return how near the middles of the training's ranges are, for every spectrum."""
    middle = {name: sum(span) / 2 for name, span in ranges_of(basis_of(BASIS, PRIOR), PRIOR).items()}
    creatine = sum(middle[name] for name in CREATINES)
    n = len(scene.data.fid)
    ratios = {name: np.full(n, middle.get(name, 0.0) / creatine) for name in scene.truth}
    return _outcome(scene, _with_sums(ratios))


def _with_sums(ratios: Mapping[str, Real]) -> dict[str, Real]:
    sums = {"+".join(parts): np.sum([ratios[part] for part in parts], axis=0) for parts in SUMS}
    return {**ratios, **sums}


def _columns(names: Sequence[str], values: Real) -> dict[str, Real]:
    finite = np.where(np.isfinite(values), values, 0.0)
    return {name: finite[:, m] for m, name in enumerate(names)}


def _outcome(
    scene: Scene,
    ratios: Mapping[str, Real],
    mean: Mapping[str, Real] | None = None,
    good: float | None = None,
) -> Outcome:
    none = np.zeros(len(scene.data.fid), dtype=bool)
    result: SettingScore = score(Ratios(ratios, mean or {}, {}, none, none, 0.0), scene.truth)
    leading = MEAN if mean else LIKELIHOOD
    return Outcome(result.error[leading], result.strong[leading], good)
