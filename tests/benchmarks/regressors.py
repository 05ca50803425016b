"""Task ``regressors``: trained regressors and the fit, on spectra like the training's and in other worlds."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import VERDICTS, MRSData, Real
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.steps.quantify import quantify
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.quantification import basis_package_name
from fsl_mrs_dl.train.quantification_data import basis_of, ranges_of, simulated
from fsl_mrs_dl.train.training import run as train
from fsl_mrs_dl.train.trainings import training_of
from tests.benchmarks.supervised import words
from tests.benchmarks.table import NOT_RUN, Page, Table
from tests.benchmarks.worlds.design import worlds
from tests.benchmarks.worlds.judged import LIKELIHOOD, MEAN, SettingScore, score
from tests.benchmarks.worlds.settings import CREATINES, SUMS, Ratios, prior_without, shipped
from tests.benchmarks.worlds.world import make

BASIS = "press_3t_te30"
AS_TRAINED = "as in training"
DEFAULT, STIFF, DUMMY = "fit, default", "fit, poly, 2", "training mean"
_WORLDS = (
    "centre",
    "MM birch_2017",
    "MM consensus_7t",
    "MM none",
    "shim",
    "eddy",
    "own shifts",
    "lipid",
    "low SNR",
)
_GOOD = VERDICTS["good"].code


@dataclass(frozen=True)
class Profile:
    """Sizes of a run: spectra a world, and of each network samples and epochs."""

    spectra: int
    samples: int
    epochs: Mapping[str, int]


PROFILES = {
    "smoke": Profile(4, 60, {"crelu": 1, "scalogram": 1, "scattering": 1}),
    "small": Profile(20, 6000, {"crelu": 20, "scalogram": 8, "scattering": 30}),
    "paper": Profile(500, 96_000, {"crelu": 60, "scalogram": 60, "scattering": 100}),
}


@dataclass(frozen=True, eq=False)
class Scene:
    """Spectra with their truth, and the table of macromolecules that a prior must not know."""

    data: MRSData
    truth: Mapping[str, Real]
    without_mm: str = ""


def run(profile: str, seed: int, models: Path | None = None, trained_only: bool = False) -> Page:
    """Run the task; parameters as of :func:`tests.benchmarks.hatami.run`."""
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only)
    size = PROFILES[profile]
    packages = {name: _package(name, size, seed, models, trained_only) for name in regressors()}
    scenes = {AS_TRAINED: _as_trained(size.spectra, seed)}
    names = _WORLDS[:2] if profile == "smoke" else _WORLDS
    for world in (one for one in worlds("small") if one.name in names and one.there()):
        built = make(world, size.spectra, np.random.default_rng([seed, *world.name.encode()]))
        scenes[world.name] = Scene(built.data, built.truth, world.mm)
    results = {name: _judge(scene, packages) for name, scene in scenes.items()}
    methods = [DEFAULT, STIFF, *packages, DUMMY]
    tables = [
        _table(words.REGRESSORS_ALL, methods, results, lambda one: f"{_leading(one[0].error):.4f}"),
        _table(words.REGRESSORS_STRONG, methods, results, lambda one: f"{_leading(one[0].strong):.4f}"),
        _table(
            words.REGRESSORS_GOOD, methods, results, lambda one: "" if one[1] is None else f"{one[1]:.0f} %"
        ),
        _trainings(packages),
    ]
    method = words.REGRESSORS_METHOD.format(n=size.spectra, basis=BASIS, samples=size.samples)
    if profile != "paper":
        method += f" The profile `paper` was {NOT_RUN}."
    return Page("Regressors outside their training", method, tables, words.REGRESSORS_REMARKS)


def regressors() -> tuple[str, ...]:
    """Return the networks that give amplitudes alone."""
    return tuple(name for name, entry in architectures("quantify").items() if "regression" in entry.training)


def _package(name: str, size: Profile, seed: int, models: Path, trained_only: bool) -> Path | None:
    """Return the package of a network, trained if it is not there."""
    home = models / f"{size.samples}-{size.epochs[name]}-{seed}"
    folder = home / basis_package_name(name, basis_of(BASIS, "brain"))
    if not folder.is_dir():
        if trained_only:
            return None
        options: dict[str, Any] = {"basis": BASIS, "samples": size.samples, "epochs": size.epochs[name]}
        training = training_of(resolved(name, **options, seed=seed, lr=1e-3, patience=0))
        train(training, home, time.monotonic(), overwrite=False)
    return folder


def _as_trained(n: int, seed: int) -> Scene:
    """Return spectra of the prior that the networks learn from."""
    basis = basis_of(BASIS, "brain")
    spectra = simulated(basis, "brain", "white", n, np.random.default_rng([seed, 77]))
    fids = spectra.fids.reshape(n, 1, 1, -1)
    data = MRSData(fids, basis.dwelltime_s, basis.spectrometer_frequency_mhz, name=AS_TRAINED)
    truth = {
        name: spectra.amplitudes[:, m]
        for m, name in enumerate(basis.names)
        if not name.upper().startswith("MM")
    }
    return Scene(data, truth)


def _judge(scene: Scene, packages: Mapping[str, Path | None]) -> dict[str, tuple[SettingScore, float | None]]:
    """Return the score of every method on a scene, and in how many per cent its verdict is good."""
    options: dict[str, dict[str, Any]] = {DEFAULT: {}, STIFF: {"baseline": "poly, 2"}}
    options |= {name: {"model": f"{path.parent}/{path.name}"} for name, path in packages.items() if path}
    judged: dict[str, tuple[SettingScore, float | None]] = {}
    for name, more in options.items():
        started = time.perf_counter()
        with prior_without(scene.without_mm):
            outcome = quantify(scene.data, basis=shipped(BASIS), **more).outcome
        assert outcome is not None
        scaled = outcome.scaled["internal"]
        mean = scaled.extra.get("posterior_mean")
        unusable = np.asarray(~np.isfinite(scaled.value).all(axis=1))
        ratios = Ratios(
            _columns(outcome.names, scaled.value),
            {} if mean is None else _columns(outcome.names, mean),
            {},
            outcome.flags != 0,
            unusable,
            time.perf_counter() - started,
        )
        good = float(100 * np.mean(outcome.verdict == _GOOD))
        judged[name] = (score(ratios, scene.truth), good)
    return judged | {DUMMY: (score(_dummy(scene), scene.truth), None)}


def _columns(names: Sequence[str], values: Real) -> dict[str, Real]:
    finite = np.where(np.isfinite(values), values, 0.0)
    return {name: finite[:, m] for m, name in enumerate(names)}


def _dummy(scene: Scene) -> Ratios:
    """Return the ratios of the middles of the training's ranges, for every spectrum."""
    middle = {name: sum(span) / 2 for name, span in ranges_of(basis_of(BASIS, "brain"), "brain").items()}
    creatine = sum(middle[name] for name in CREATINES)
    n = len(scene.data.fid)
    ratios = {name: np.full(n, middle.get(name, 0.0) / creatine) for name in scene.truth}
    sums = {"+".join(parts): np.sum([ratios[part] for part in parts], axis=0) for parts in SUMS}
    none = np.zeros(n, dtype=bool)
    return Ratios(ratios | sums, {}, {}, none, none, 0.0)


def _leading(errors: Mapping[str, float]) -> float:
    return errors.get(MEAN, errors[LIKELIHOOD])


def _table(
    caption: str, methods: Sequence[str], results: Mapping[str, Mapping[str, Any]], cell: Any
) -> Table:
    rows = []
    for scene, by_method in results.items():
        cells = [cell(by_method[name]) if name in by_method else NOT_RUN for name in methods]
        rows.append([scene, *cells])
    return Table(caption, ["spectra", *methods], rows)


def _trainings(packages: Mapping[str, Path | None]) -> Table:
    """Return how each network was trained, from its card, and its mean R2 beside the fit's and the bound."""
    from fsl_mrs_dl.models.package import find, read_card

    rows = []
    for name, path in packages.items():
        if path is None:
            rows.append([name])
            continue
        card = read_card(find(path))
        fit = [one for one in card.evaluation if one.bound_name == "efficient"]
        bayes = [one.bound for one in card.evaluation if one.bound_name == "Bayes" and one.bound is not None]
        cells = [
            np.mean([one.value for one in fit]),
            np.mean([one.baseline or 0.0 for one in fit]),
            np.mean(bayes),
        ]
        rows.append([name, f"{60 * card.recipe.hours:.1f}", *(f"{value:.3f}" for value in cells)])
    columns = ["network", "minutes", "mean R2", "of the fit", "Bayesian bound"]
    return Table.filled(words.REGRESSORS_TRAININGS, columns, rows)
