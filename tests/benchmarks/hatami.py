"""Task ``hatami``: 21 amplitudes by convolutions over the spectrum, beside fits, a forest, the mean and bounds."""

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.simulate.components import ComponentSignals
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.supervised import words
from tests.benchmarks.supervised.answers import (
    Answer,
    beats,
    component_table,
    curve_picture,
    difference,
    interval,
    mean_row,
    scatter_picture,
)
from tests.benchmarks.supervised.classical import forest_amplitudes, mean_amplitudes
from tests.benchmarks.supervised.plans import (
    BAND_PPM,
    CNN,
    HATAMI,
    PUBLISHED_STEPS,
    HatamiProfile,
    hatami_plans,
    signed_plans,
    size_plans,
    start_plan,
)
from tests.benchmarks.supervised.posterior import Sampling, posterior_draws
from tests.benchmarks.supervised.published import HATAMI_TABLES
from tests.benchmarks.supervised.sets import challenge_basis, judging_signals, signals
from tests.benchmarks.supervised.time_domain import (
    Components,
    amplitude_bounds,
    as_smape,
    fit_components,
    ranges,
)
from tests.benchmarks.supervised.trainings import Plan, Trained, estimates, trained
from tests.benchmarks.table import NOT_RUN, Page, Picture, Table

STUDIES = ("noise-free", "SNR_t0 10")
PHYSICAL = ("noise-free, physical damping", "SNR_t0 10, physical damping")
QUEST, FOLLOWED = "QUEST-like fit", "fit, few points first"
REFINED, FOREST, MEAN = "CNN, then the fit", "random forest", "training mean"
POSTERIOR = "posterior median, sampled"
SIGNED = f"{CNN}, signed"
_FEW_POINTS = (64, 128, 256, 512, 1024)
"""Of the fit from no shift: 10 Hz are a sixth of a turn in 64 points of 0.25 ms."""
_MORE_POINTS = (256, 512, 1024)
"""After a network, whose shifts are off by a few Hz: half a turn in 256 points of 0.25 ms is 8 Hz."""
_BOUNDED = 48
"""Signals whose bounds are computed: their mean is known to a few per cent."""
_SHOWN = ("Mac", "sIns", "GPC", "NAA", "Glu", "Asp")
_NO_SKILL = 25.0
"""SMAPE in % of the constant 0.5 for amplitudes uniform in [0, 1]."""


@dataclass(frozen=True)
class Run:
    """What a run of the task needs everywhere."""

    profile: HatamiProfile
    seed: int
    store: Store
    basis: str

    def trained(self, plans: Sequence[Plan]) -> list[Trained]:
        """Return the networks of plans that are there or can be trained."""
        networks = []
        for plan in plans:
            with contextlib.suppress(NotTrainedError):
                networks.append(trained(plan, self.store))
        return networks


@dataclass(frozen=True, eq=False)
class Judged:
    """A study: its test signals, and what every method answered to the first of them."""

    test: ComponentSignals
    few: ComponentSignals
    answers: dict[str, Answer]
    networks: list[Trained]


def run(
    profile: str,
    seed: int,
    models: Path | None = None,
    trained_only: bool = False,
    basis: str = "",
    share: float = 1.0,
) -> Page:
    """Run the task.

    Parameters
    ----------
    profile : {"smoke", "small", "paper"}
    seed : int
    models : Path, optional
        Folder that keeps the networks; one that is there already is not trained again.
    trained_only : bool
        Train nothing: what is not there prints ``not run``.
    basis : str
        File, folder or shipped set instead of the challenge's basis set.
    share : float
        Of the training steps of the profile.
    """
    if models is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(profile, seed, Path(folder), trained_only, basis, share)
    this = Run(HATAMI[profile].shared(share), seed, Store(models, train=not trained_only), basis)
    judged = {study: judge(this, study) for study in STUDIES}
    physical = {study: judge(this, study, whole=False) for study in PHYSICAL}
    sizes = {study: this.trained(size_plans(this.profile, study, seed, basis)) for study in STUDIES}
    tables = [
        *(_components(study, one) for study, one in judged.items()),
        _means({**judged, **physical}),
        _comparisons(judged),
        _sizes(sizes, judged),
        _trainings({**judged, **physical}),
    ]
    forest, sampling = this.profile.forest, this.profile.sampling
    settings = {"few": this.profile.fitted, "trees": forest.trees, "grown": forest.samples}
    settings |= {"chains": sampling.chains, "sweeps": sampling.sweeps}
    method = words.HATAMI_METHOD.format(
        basis=challenge_basis(basis)[1], rate=this.profile.scale.lr, **settings
    )
    method += words.how_much(profile, share)
    return Page(
        "A convolutional network on the spectrum",
        method,
        tables,
        words.HATAMI_REMARKS,
        _pictures(judged, sizes),
    )


def judge(this: Run, study: str, *, whole: bool = True) -> Judged:
    """Run every method on a study; not ``whole``: the network and one fit alone."""
    size, seed = this.profile, this.seed
    test = judging_signals(study, size.tested, seed, this.basis)
    few = test.take(size.fitted)
    answers: dict[str, Answer] = {}
    plans = hatami_plans(size, study, seed, this.basis)
    networks = this.trained(plans if whole else plans[:1])
    if networks:
        answers[CNN] = Answer(CNN, tuple(estimates(one, test)["amplitudes"] for one in networks))
    fits: dict[str, tuple[str, Callable[[], Real]]] = {
        FOLLOWED: ("", partial(_fitted, few, with_prior=True, points=_FEW_POINTS))
    }
    if whole:
        fits[QUEST] = ("", partial(_fitted, few))
        for one in this.trained([start_plan(size, study, seed, this.basis)]):
            start = _start(one, few)
            refined = partial(_fitted, few, start, with_prior=True, points=_MORE_POINTS)
            fits[REFINED] = (one.plan.folder, refined)
        signed = signed_plans(size, study, seed, this.basis) if study == STUDIES[0] else []
        if there := this.trained(signed):
            answers[SIGNED] = Answer(SIGNED, tuple(estimates(one, test)["amplitudes"] for one in there))
        learned, answers[FOREST] = _forest(this, study, test)
        answers[MEAN] = Answer(MEAN, (mean_amplitudes(learned, len(test.fids)),))
    if whole and few.prior.noise is not None:
        fits[POSTERIOR] = (str(size.sampling), partial(_sampled, few, size.sampling, seed))
    for name, (settings, fit) in fits.items():
        key = (name, study, size.fitted, seed, this.basis, settings)
        answers[name] = Answer(name, (this.store.answer(key, fit),))
    return Judged(test, few, answers, networks)


def _fitted(
    few: ComponentSignals,
    start: Components | None = None,
    *,
    with_prior: bool = False,
    points: tuple[int, ...] = (),
) -> Real:
    return fit_components(few, start, with_prior=with_prior, points=points).amplitudes


def _sampled(few: ComponentSignals, sampling: Sampling, seed: int) -> Real:
    median: Real = np.median(posterior_draws(few, sampling, seed), axis=(0, 1))
    return median


def _forest(this: Run, study: str, test: ComponentSignals) -> tuple[Real, Answer]:
    """Return the mean of the training amplitudes, and the answer of a random forest trained on as many signals."""
    size, seed, forest = this.profile, this.seed, this.profile.forest

    def both() -> Real:
        learned = signals(study, forest.samples, [seed], this.basis)
        guess = forest_amplitudes(learned, test, BAND_PPM, forest, seed)
        return np.concatenate([learned.amplitudes.mean(axis=0, keepdims=True), guess])

    rows = this.store.answer((FOREST, study, forest, size.tested, seed, this.basis), both)
    return rows[:1], Answer(FOREST, (rows[1:],))


def _start(one: Trained, few: ComponentSignals) -> Components:
    """Return what the network gives, within the ranges, as the start of a fit."""
    parameters = estimates(one, few)
    stacked = np.concatenate([parameters[name] for name in one.plan.targets], axis=1)
    return Components.of(np.clip(stacked, *ranges(few)))


def _components(study: str, judged: Judged) -> Table:
    few, names = judged.few, judged.few.basis.names
    efficient, bayes = amplitude_bounds(few, min(_BOUNDED, len(few.fids)))
    order = (QUEST, FOREST, CNN, FOLLOWED, REFINED, POSTERIOR, MEAN)
    answers = [judged.answers[name].take(len(few.fids)) for name in order if name in judged.answers]
    beside: dict[str, Real] = {
        "bound, efficient": as_smape(efficient, few),
        "bound, Bayes": as_smape(bayes, few),
    }
    for program, column in HATAMI_TABLES[study].items():
        beside[f"*printed: {program}*"] = np.array([column.get(name, np.nan) for name in names])
    caption = (
        f"**{study}.** SMAPE in % of each component, {len(few.fids)} signals that all methods share; wins and "
        f"ranks of QUEST-like fit, forest and CNN, as in the publication. {_NO_SKILL:g}: no skill."
    )
    return component_table(caption, names, few.amplitudes, answers, beside, (QUEST, FOREST, CNN))


def _means(judged: dict[str, Judged]) -> Table:
    truths = {study: one.test.amplitudes for study, one in judged.items()}
    rows = []
    for name in (CNN, SIGNED, FOLLOWED, REFINED, POSTERIOR, QUEST, FOREST, MEAN):
        rows.append(mean_row(name, {study: one.answers.get(name) for study, one in judged.items()}, truths))
    goals = {"asked of `small`": ("14.5", "21"), "asked of `paper`": ("6.4", "19.5")}
    goals["asked of network and fit"] = ("1", "15")
    rows += [[f"*{name}*", *values, "", ""] for name, values in goals.items()]
    rows.append(["*no skill*", *[f"{_NO_SKILL:g}"] * len(judged)])
    return Table(words.HATAMI_MEANS, ["method", *judged], rows)


def _comparisons(judged: dict[str, Judged]) -> Table:
    rows = []
    for study, one in judged.items():
        for other in (QUEST, FOREST, FOLLOWED, REFINED, POSTERIOR, SIGNED):
            if CNN not in one.answers or other not in one.answers:
                continue
            n = min(len(answer.amplitudes[0]) for answer in (one.answers[CNN], one.answers[other]))
            both = (one.answers[CNN].take(n), one.answers[other].take(n))
            apart = difference(*both, one.test.amplitudes)
            rows.append([study, f"CNN against {other}", str(n), interval(apart), beats(apart)])
    columns = ["study", "which", "signals", "difference of mean SMAPE", "does the CNN beat it?"]
    return Table.filled(words.HATAMI_COMPARISONS, columns, rows or [[NOT_RUN]])


def _sizes(sizes: dict[str, list[Trained]], judged: dict[str, Judged]) -> Table:
    rows = []
    for study, networks in sizes.items():
        for one in networks:
            answer = Answer("", (estimates(one, judged[study].test)["amplitudes"],))
            error = interval(answer.means(judged[study].test.amplitudes))
            rows.append([study, one.plan.label, str(one.plan.epochs), str(one.plan.steps), error])
    columns = ["study", "signals", "epochs", "steps", "mean SMAPE"]
    return Table.filled(words.HATAMI_SIZES, columns, rows or [[NOT_RUN]])


def _trainings(judged: dict[str, Judged]) -> Table:
    rows = []
    for study, one in judged.items():
        for network in one.networks:
            plan = network.plan
            share = f"{100 * plan.steps / PUBLISHED_STEPS:.2g} %"
            spent = network.feature_seconds + network.training_seconds
            sizes = [str(value) for value in (plan.samples, plan.epochs, plan.batch, plan.steps)]
            rows.append([study, str(plan.seed), *sizes, share, f"{spent:.0f}", network.machine])
    columns = ["study", "seed", "signals", "epochs", "batch", "steps", "of the published steps", "seconds"]
    return Table.filled(words.HATAMI_TRAININGS, [*columns, "of"], rows or [[NOT_RUN]])


def _pictures(judged: dict[str, Judged], sizes: dict[str, list[Trained]]) -> list[Picture]:
    pictures = []
    for key, (study, one) in zip(("clean", "noisy"), judged.items(), strict=True):
        answers = [one.answers[name] for name in (CNN, FOLLOWED) if name in one.answers]
        caption = words.HATAMI_SCATTER.format(study=study)
        truth = one.test.amplitudes
        pictures.append(
            scatter_picture(f"scatter-{key}", caption, _SHOWN, one.test.basis.names, truth, answers)
        )
    curves = {}
    for study, networks in sizes.items():
        if networks:
            test = judged[study].test
            errors = [
                Answer("", (estimates(one, test)["amplitudes"],)).means(test.amplitudes)[0]
                for one in networks
            ]
            curves[study] = ([one.plan.samples for one in networks], errors)
    if not any(len(x) > 1 for x, _ in curves.values()):
        return pictures
    caption = "Mean SMAPE of the CNN over the number of training signals."
    pictures.append(curve_picture("sizes", caption, curves, ("Training signals", "Mean SMAPE (%)")))
    return pictures
