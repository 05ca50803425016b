"""Task ``regressors``: regressors, a forest and the fit, on spectra like the training's and in other worlds."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.package import find, read_card
from tests.benchmarks.store import Store
from tests.benchmarks.supervised import words
from tests.benchmarks.supervised.answers import beats, interval, level_picture
from tests.benchmarks.supervised.in_worlds import (
    DEFAULT,
    DUMMY,
    FIXED,
    FOREST,
    Judge,
    Outcome,
    Training,
    by_mean,
    by_quantify,
    forest_of,
    packages,
    regressors,
)
from tests.benchmarks.supervised.scenes import AS_TRAINED, BASIS, scenes
from tests.benchmarks.table import NOT_RUN, Page, Table

_DIGITS = 3
"""Of errors, which are ratios to total creatine."""
_USUAL_EPOCHS = {"smoke": 1, "small": 20, "paper": 60}
"""Profile -> epochs of a network that has no number of its own below."""


@dataclass(frozen=True)
class Profile:
    """Sizes of a run: spectra a world, seeds, and of each network samples and epochs; trees of the forest."""

    spectra: int
    seeds: int
    samples: int
    trees: int
    epochs: Mapping[str, int]


PROFILES = {
    "smoke": Profile(4, 1, 60, 4, {}),
    "small": Profile(20, 3, 6000, 20, {"scalogram": 8, "scattering": 15}),
    "paper": Profile(500, 3, 96_000, 100, {"scattering": 100}),
}
Results = Mapping[str, Mapping[str, Sequence[Outcome]]]
"""Scene -> method -> outcomes, one a seed."""


def run(profile: str, seed: int, models: Path | None = None, trained_only: bool = False) -> Page:
    """Run the task; parameters as of :func:`tests.benchmarks.hatami.run`."""
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only)
    size = PROFILES[profile]
    seeds = range(seed, seed + size.seeds)
    chosen = Training(size.samples, size.epochs, _USUAL_EPOCHS[profile], size.trees, seeds)
    networks = {name: packages(name, chosen, models, trained_only) for name in regressors()}
    methods, store = _methods(networks, chosen), Store(models)
    results = {
        name: {
            method: [judge.outcome(name, scene, store) for judge in several]
            for method, several in methods.items()
        }
        for name, scene in scenes(profile, size.spectra, seed).items()
    }
    tables = [
        _errors(words.REGRESSORS_ALL, methods, results, lambda one: one.error),
        _errors(words.REGRESSORS_STRONG, methods, results, lambda one: one.strong),
        _comparisons([*networks, FOREST], results),
        _good(methods, results),
        _trainings(networks),
    ]
    method = words.REGRESSORS_METHOD.format(
        names=", ".join(f"`{name}`" for name in networks), n=size.spectra, basis=BASIS, samples=size.samples
    )
    if profile != "paper":
        method += f" The profile `paper` was {NOT_RUN}."
    shown = {
        method: [float(np.mean([one.error for one in by[method]])) for by in results.values()]
        for method in methods
        if next(iter(results.values()))[method]
    }
    caption = words.REGRESSORS_PICTURE
    picture = level_picture("worlds", caption, list(results), shown, "Mean absolute error of ratios to tCr")
    return Page("Regressors outside their training", method, tables, words.REGRESSORS_REMARKS, [picture])


def _methods(networks: Mapping[str, Sequence[Path]], chosen: Training) -> dict[str, list[Judge]]:
    """Return each method, one judge a seed; none where a network is not there."""
    methods = {
        DEFAULT: [Judge((DEFAULT,), by_quantify)],
        FIXED: [Judge((FIXED,), partial(by_quantify, baseline="poly, 2"))],
    }
    for name, paths in networks.items():
        methods[name] = [
            Judge((read_card(find(path)).package_sha256,), partial(by_quantify, model=str(path)))
            for path in paths
        ]
    methods[FOREST] = [
        Judge((FOREST, chosen.samples, chosen.trees, seed), forest_of(networks["crelu"][0], chosen, seed))
        for seed in chosen.seeds
        if networks["crelu"]
    ]
    methods[DUMMY] = [Judge((DUMMY,), by_mean)]
    return methods


def _errors(
    caption: str, methods: Mapping[str, object], results: Results, of: Callable[[Outcome], float]
) -> Table:
    rows = [
        [scene, *(_cell([of(one) for one in by_method[name]]) for name in methods)]
        for scene, by_method in results.items()
    ]
    rows.append(["**mean of the worlds**", *(_cell(_over_worlds(results, name, of)) for name in methods)])
    return Table(caption, ["spectra", *methods], rows)


def _cell(values: Sequence[float] | Real) -> str:
    return interval(values, _DIGITS) if len(values) else NOT_RUN


def _over_worlds(results: Results, method: str, of: Callable[[Outcome], float]) -> Real:
    """Return the mean over worlds of each seed of a method, shape (seed,)."""
    every = [
        [of(one) for one in by_method[method]] for scene, by_method in results.items() if scene != AS_TRAINED
    ]
    return np.asarray(np.mean(every, axis=0)) if every else np.zeros(0)


def _comparisons(methods: Sequence[str], results: Results) -> Table:
    """Return in how many worlds a regressor is nearer to the truth than the fit, and than the training mean."""
    rows = []
    worlds = [by_method for scene, by_method in results.items() if scene != AS_TRAINED]
    for name in methods:
        for rival in (DEFAULT, FIXED, DUMMY):
            answers = [beats(_apart(by_method, name, rival)) for by_method in worlds if by_method[name]]
            if not answers:
                rows.append([name, rival])
                continue
            own, other = (_over_worlds(results, one, lambda one: one.error) for one in (name, rival))
            counts = [str(answers.count(word)) for word in ("yes", "no difference seen", "no, the other way")]
            apart = interval(own - other.mean(), _DIGITS)
            rows.append([name, rival, str(len(answers)), *counts, apart, beats(own - other.mean())])
    columns = ["regressor", "against", "worlds", "better in", "no difference in", "worse in"]
    columns += ["difference of the mean over worlds", "is it better over all?"]
    return Table.filled(words.REGRESSORS_COMPARISONS, columns, rows)


def _apart(by_method: Mapping[str, Sequence[Outcome]], name: str, rival: str) -> Real:
    """Return by how much a method's error is above a rival's, seed by seed."""
    own, other = (np.array([one.error for one in by_method[which]]) for which in (name, rival))
    return np.asarray(own - other.mean())


def _good(methods: Mapping[str, object], results: Results) -> Table:
    judged = [name for name in methods if name not in (FOREST, DUMMY)]

    def cell(several: Sequence[Outcome]) -> str:
        return (
            f"{np.mean([one.good for one in several if one.good is not None]):.0f} %" if several else NOT_RUN
        )

    rows = [[scene, *(cell(by_method[name]) for name in judged)] for scene, by_method in results.items()]
    return Table(words.REGRESSORS_GOOD, ["spectra", *judged], rows)


def _trainings(networks: Mapping[str, Sequence[Path]]) -> Table:
    """Return how each network was trained, from its cards, and its mean R2 beside the fit's and the bound."""
    rows = []
    for name, paths in networks.items():
        if not paths:
            rows.append([name])
            continue
        cards = [read_card(find(path)) for path in paths]
        fits = [[one for one in card.evaluation if one.bound_name == "efficient"] for card in cards]
        bayes = [
            one.bound for card in cards for one in card.evaluation if one.bound_name == "Bayes" and one.bound
        ]
        minutes = f"{60 * np.mean([card.recipe.hours for card in cards]):.1f}"
        own = interval([float(np.mean([one.value for one in several])) for several in fits], _DIGITS)
        fitted = float(np.mean([one.baseline or 0.0 for several in fits for one in several]))
        rows.append([name, str(len(paths)), minutes, own, f"{fitted:.3f}", f"{np.mean(bayes):.3f}"])
    columns = ["network", "seeds", "minutes", "mean R2", "of the fit", "Bayesian bound"]
    return Table.filled(words.REGRESSORS_TRAININGS, columns, rows)
