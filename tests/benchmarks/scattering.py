"""Task ``scattering``: fixed wavelet features and a small network, beside a CNN, a linear map and a fit."""

import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.regression_inference import features_of
from fsl_mrs_dl.models.transforms import Scattering
from fsl_mrs_dl.simulate.components import ComponentSignals
from fsl_mrs_dl.train.loop import VALIDATION
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.supervised import words
from tests.benchmarks.supervised.answers import (
    Answer,
    bar_picture,
    beats,
    component_table,
    difference,
    interval,
)
from tests.benchmarks.supervised.classical import mean_amplitudes
from tests.benchmarks.supervised.plans import (
    CNN,
    COMPARED,
    SCATTERED,
    SCATTERING,
    ScatteringProfile,
    cnn_plan,
    scattering_plan,
    scattering_seeds,
)
from tests.benchmarks.supervised.published import SCATTERING_MEANS
from tests.benchmarks.supervised.sets import STUDIES, challenge_basis, judging_signals
from tests.benchmarks.supervised.time_domain import fit_components
from tests.benchmarks.supervised.trainings import Plan, Trained, estimates, examples, trained
from tests.benchmarks.table import NOT_RUN, Page, Picture, Table

LINEAR, FIT, MEAN = "linear, on scattering", "fit, few points first", "training mean"
_WEIGHTS = (1e-1, 1.0, 1e1, 1e2, 1e3)
"""Of the ridge, in units of the variance of a standardised feature."""
_FEW_POINTS = (64, 128, 256, 512, 1024)
"""Of the fit from no shift: 10 Hz are less than a sixth of a turn in 64 points of 0.25 ms."""
_GOALS = {"small": {"DSS2": 2.5, "DSS3": 3.0, "DSS5": 5.5}, "paper": {"DSS1": 20.0}}
"""Mean SMAPE in % that was asked of the scattering network; of ``paper`` also 1.15 times the published ones."""
_WIDER = 1.15
"""Factor on the published means: the basis set and the macromolecules are not those of the publication."""
_DRAWN = 1000
"""Sets of amplitudes whose mean stands for that of the training."""
_STEPS = (
    ("DSS3", "DSS2", "a common phase"),
    ("DSS4", "DSS2", "a phase of each"),
    ("DSS5", "DSS3", "noise"),
    ("DSS6", "DSS5", "macromolecules"),
    ("DSS7", "DSS6", "their change"),
)
_SHOWN = ("DSS1", "DSS2", "DSS3", "DSS5")
"""Data sets whose components have a table."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A data set: its test signals, and what every method answered."""

    test: ComponentSignals
    answers: dict[str, Answer]
    networks: dict[str, list[Trained]]


def run(
    profile: str,
    seed: int,
    models: Path | None = None,
    trained_only: bool = False,
    basis: str = "",
    share: float = 1.0,
) -> Page:
    """Run the task; parameters as of :func:`tests.benchmarks.hatami.run`."""
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only, basis, share)
    size, store = SCATTERING[profile].shared(share), Store(models, train=not trained_only)
    judged = {study: judge(size, study, seed, store, basis) for study in size.studies}
    tables = [
        _summary(judged, profile),
        _comparisons(judged),
        _times(judged),
        _costs(judged),
        *(_components(study, one) for study, one in judged.items() if study in _SHOWN),
    ]
    paths = Scattering().n_paths
    method = words.SCATTERING_METHOD.format(basis=challenge_basis(basis)[1], paths=paths)
    method += words.how_much(profile, share)
    no_skill = next(
        (float(one.answers[MEAN].means(one.test.amplitudes)[0]) for s, one in judged.items() if s != "DSS1"),
        0.0,
    )
    pictures = _pictures(judged, no_skill)
    remarks = words.SCATTERING_REMARKS.format(no_skill=no_skill)
    return Page("Wavelet scattering and a small network", method, tables, remarks, pictures)


def _pictures(judged: dict[str, Judged], no_skill: float) -> list[Picture]:
    """Draw the mean SMAPE of each data set beside the published one, and the SMAPE of each metabolite."""
    shown = [one for study, one in judged.items() if study != "DSS1" and SCATTERED in one.answers]
    if not shown:
        return []
    studies = [study for study, one in judged.items() if one in shown]
    errors = [one.answers[SCATTERED].smape(one.test.amplitudes) for one in shown]
    means = {
        "scattering network": np.array([error.mean() for error in errors]),
        "printed": np.array([SCATTERING_MEANS[study] for study in studies]),
    }
    names, each = shown[0].test.basis.names, dict(zip(studies, errors, strict=True))
    caption = words.SCATTERING_MEANS_PICTURE
    return [
        bar_picture("means", caption, studies, means, "Mean SMAPE (%)", line=("no skill", no_skill)),
        bar_picture("smape", words.SCATTERING_SMAPE_PICTURE, names, each, "SMAPE (%)"),
    ]


def judge(size: ScatteringProfile, study: str, seed: int, store: Store, basis: str) -> Judged:
    """Run every method on a data set."""
    test = judging_signals(study, size.tested, seed, basis)
    seeds = scattering_seeds(size, study, seed)
    plans = {SCATTERED: [scattering_plan(size.scale, study, k, basis) for k in seeds]}
    if study in size.cnn_studies:
        own = basis if study == "DSS1" else ""
        plans[CNN] = [cnn_plan(study, size.cnn, k, own) for k in seeds]
    networks = {label: _there(some, store) for label, some in plans.items()}
    answers = {
        label: Answer(label, tuple(estimates(one, test)["amplitudes"] for one in some))
        for label, some in networks.items()
        if some
    }
    answers[MEAN] = Answer(MEAN, (_mean(study, test, seed),))
    if networks[SCATTERED] and study in COMPARED:
        key = (LINEAR, networks[SCATTERED][0].plan.folder, size.tested, seed)
        answers[LINEAR] = Answer(LINEAR, (store.answer(key, partial(_linear, networks[SCATTERED][0], test)),))
    if study in ("DSS1", "DSS2"):
        fit = partial(_fitted, test.take(size.fitted))
        answers[FIT] = Answer(FIT, (store.answer((FIT, study, size.fitted, seed, basis), fit),))
    return Judged(test, answers, networks)


def _mean(study: str, test: ComponentSignals, seed: int) -> Real:
    """Return the mean of amplitudes of the prior, for every signal."""
    shape = (_DRAWN, len(test.basis.names))
    drawn: Real = STUDIES[study].prior.amplitude.draw(shape, np.random.default_rng(seed))
    return mean_amplitudes(drawn, len(test.fids))


def _fitted(few: ComponentSignals) -> Real:
    return fit_components(few, with_prior=True, points=_FEW_POINTS).amplitudes


def _there(plans: Sequence[Plan], store: Store) -> list[Trained]:
    networks = []
    for plan in plans:
        with contextlib.suppress(NotTrainedError):
            networks.append(trained(plan, store))
    return networks


def _linear(one: Trained, test: ComponentSignals) -> Real:
    """Return the amplitudes of the best ridge regression on a network's features."""
    network, plan = one.network, one.plan
    features, truths = (one.cpu() for one in examples(network, plan))

    def standardised(values: torch.Tensor) -> torch.Tensor:
        scaled = ((values - network.feature_mean) / network.feature_sd).flatten(1).double()
        return torch.cat([scaled, torch.ones(len(scaled), 1, dtype=torch.float64)], dim=1)

    n = max(1, round(VALIDATION * plan.samples))
    x, y = standardised(features), truths.double()
    x_validation, y_validation, x, y = x[:n], y[:n], x[n:], y[n:]
    mean = y.mean(dim=0)
    gram, right = x.T @ x, x.T @ (y - mean)
    best, weights = np.inf, torch.zeros_like(right)
    for weight in _WEIGHTS:
        solved = torch.linalg.solve(gram + weight * torch.eye(len(gram), dtype=gram.dtype), right)
        error = float(((x_validation @ solved + mean - y_validation) ** 2).mean())
        if error < best:
            best, weights = error, solved
    amplitudes: Real = (standardised(features_of(network, test.fids)[0]) @ weights + mean).numpy()
    return amplitudes


def _summary(judged: dict[str, Judged], profile: str) -> Table:
    rows = []
    for study, one in judged.items():
        truth = one.test.amplitudes
        cells = []
        for name in (SCATTERED, LINEAR, CNN, FIT, MEAN):
            answer = one.answers.get(name)
            cells.append(NOT_RUN if answer is None else interval(answer.means(truth)))
        published = SCATTERING_MEANS.get(study)
        goal = _GOALS.get(profile, {}).get(study)
        if profile == "paper" and published is not None:
            goal = _WIDER * published
        cells += ["" if value is None else f"{value:.2f}" for value in (goal, published)]
        rows.append([study, *cells])
    columns = [
        "data set",
        SCATTERED,
        LINEAR,
        CNN,
        FIT,
        f"{MEAN} (no skill)",
        f"asked of `{profile}`",
        "*printed*",
    ]
    return Table(words.SCATTERING_SUMMARY, columns, rows)


def _comparisons(judged: dict[str, Judged]) -> Table:
    rows = []
    for study, one in judged.items():
        for other in (CNN, LINEAR):
            if SCATTERED in one.answers and other in one.answers:
                first, second = one.answers[SCATTERED], one.answers[other]
                if other == CNN:  # as many seeds of the one as of the other
                    n = min(len(first.amplitudes), len(second.amplitudes))
                    first, second = (Answer(some.name, some.amplitudes[:n]) for some in (first, second))
                apart = difference(first, second, one.test.amplitudes)
                rows.append([study, f"scattering against {other}", interval(apart), beats(apart)])
    columns = ["data set", "which", "difference of mean SMAPE", "does scattering beat it?"]
    return Table.filled(words.SCATTERING_COMPARISONS, columns, rows or [[NOT_RUN]])


def _times(judged: dict[str, Judged]) -> Table:
    """Return how long trainings took, seed by seed, with the accuracy that they reached."""
    rows = []
    for study, one in judged.items():
        small, large = one.networks.get(SCATTERED), one.networks.get(CNN)
        if not small or not large:
            continue
        features, training = _seconds(small, "feature_seconds"), _seconds(small, "training_seconds")
        whole = _seconds(large, "feature_seconds") + _seconds(large, "training_seconds")
        spent = [f"{seconds.mean():.0f}" for seconds in (features, training, whole)]
        ratios = [interval(whole / (features + training)), interval(whole / training)]
        errors = [interval(one.answers[label].means(one.test.amplitudes)) for label in (SCATTERED, CNN)]
        rows.append([study, small[0].machine, *spent, *ratios, *errors])
    columns = ["data set", "machine", "simulation and features", "scattering network", "CNN, all", "ratio"]
    columns += ["ratio once features are there", "mean SMAPE, scattering", "mean SMAPE, CNN"]
    return Table.filled(words.SCATTERING_TIMES, columns, rows or [[NOT_RUN]])


def _seconds(networks: Sequence[Trained], name: str) -> Real:
    """Return seconds of each training, shape (seed,)."""
    return np.array([getattr(one, name) for one in networks])


def _costs(judged: dict[str, Judged]) -> Table:
    rows = []
    for study, before, what in _STEPS:
        pair = [judged[name] for name in (study, before) if name in judged]
        if len(pair) == 2 and all(SCATTERED in one.answers for one in pair):
            means = [one.answers[SCATTERED].means(one.test.amplitudes).mean() for one in pair]
            printed = SCATTERING_MEANS[study] / SCATTERING_MEANS[before]
            rows.append([f"{study} over {before}", what, f"{means[0] / means[1]:.2f}", f"{printed:.2f}"])
    columns = ["data sets", "what is added", "ratio", "*printed*"]
    return Table.filled(words.SCATTERING_STEPS, columns, rows or [[NOT_RUN]])


def _components(study: str, judged: Judged) -> Table:
    n = min(len(one.amplitudes[0]) for one in judged.answers.values())
    answers = [one.take(n) for one in judged.answers.values()]
    truth = judged.test.amplitudes[:n]
    caption = f"**{study}.** {words.SCATTERING_COMPONENTS} {n} signals that all methods share."
    return component_table(caption, judged.test.basis.names, truth, answers, {}, ())
