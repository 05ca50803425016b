"""Tables of single studies: water line and gain, training sets, clipped test sets, no noise."""

from collections.abc import Sequence

import numpy as np

from fsl_mrs_dl.data import Real
from tests.benchmarks.rizzo import words
from tests.benchmarks.rizzo.answers import Answer, Run
from tests.benchmarks.rizzo.plans import LARGER, QUERY, SETS
from tests.benchmarks.rizzo.scores import Scores, difference, group, interval, scores
from tests.benchmarks.rizzo.spectra import CLIPS, GROUPS, NAMES, WEIGHTED, clipped
from tests.benchmarks.table import Table

_ALL = "all"
_PAPER_CLIPS = {
    "20 to 80 %": ("+4.5", "-10", "-24"),
    "40 to 60 %": ("+4", "-37.5", "-36"),
    "20 to 80 %, SNR > 20": ("+15.4", "-45.4", "-36.2"),
}
_NOISELESS = ("NAA", "GSH", "Lac")


def worlds(run: Run) -> dict[str, dict[int, Scores] | None]:
    """Return the scores of the trainings with and without water by seed, each on test spectra of its own world."""
    by_world: dict[str, dict[int, Scores] | None] = {}
    for name, plans in run.plans.worlds().items():
        answer = run.answer(name, plans)
        truth = run.test(plans[0].world).concentrations
        by_world[name] = dict(zip(answer.seeds, answer.scores(truth), strict=True)) if answer else None
    return by_world


def water_table(run: Run, caption: str) -> Table:
    """Return the scores with and without a water line, at one gain and at a random one."""
    rows, every = [], worlds(run)
    for name, by_seed in every.items():
        if by_seed is None:
            rows.append([name])
            continue
        several = list(by_seed.values())
        cells = [interval([group(getattr(s, what), _ALL) for s in several]) for what in ("a", "r2")]
        cells.append(interval([group(s.percent, _ALL) for s in several], 1))
        cells += [interval([group(s.concise, g) for s in several]) for g in GROUPS]
        rows.append([name, str(len(several)), *cells])
    for gain in ("one gain", "random gain"):
        gains = paired(every[f"{gain}, water"], every[f"{gain}, no water"])
        if gains is None:
            rows.append([f"*{gain}: with less without*"])
            continue
        cells = [interval(gains[what]) for what in ("a", "r2")]
        cells.append(interval(gains["percent"], 1))
        rows.append([f"*{gain}: with less without*", str(len(gains["a"])), *cells, "", "", ""])
    columns = ["spectra", "trainings", "a", "R2", "sigma %", *(f"a R2, {g}" for g in GROUPS)]
    return Table.filled(caption, columns, rows)


def paired(one: dict[int, Scores] | None, other: dict[int, Scores] | None) -> dict[str, Real] | None:
    """Return differences of scores seed by seed, mean over metabolites; None: one of them is missing."""
    both = sorted(set(one or ()) & set(other or ()))
    if one is None or other is None or not both:
        return None
    return {
        what: np.array(
            [group(getattr(one[k], what), _ALL) - group(getattr(other[k], what), _ALL) for k in both]
        )
        for what in ("a", "r2", "percent", "concise")
    }


def sets(run: Run) -> dict[str, Answer | None]:
    """Return what the trainings on each set give for the test spectra."""
    return {name: run.answer(name, plans) for name, plans in run.plans.sets().items()}


def targeted(name: str) -> tuple[str, ...]:
    """Return the metabolites that a set is weighted for; all, where it is for none."""
    return WEIGHTED.get(name, NAMES)


def gains(run: Run, every: dict[str, Answer | None], name: str, members: Sequence[str]) -> Real | None:
    """Return by how much a R2 of some metabolites is above that of the uniform set, training by training."""
    one, uniform = every[name], every["uniform"]
    if one is None or uniform is None:
        return None
    rows = [NAMES.index(m) for m in members]
    by_seed = dict(zip(uniform.seeds, uniform.values, strict=True))
    pairs = [(a, by_seed[k]) for k, a in zip(one.seeds, one.values, strict=True) if k in by_seed]
    each = [scores(a, run.truth).concise[rows] - scores(b, run.truth).concise[rows] for a, b in pairs]
    return np.array([one.mean() for one in each])


def set_table(run: Run, caption: str) -> Table:
    """Return the scores on each training set, and the gain over the uniform one."""
    every, rows = sets(run), []
    for name in ("uniform", LARGER, *SETS, QUERY):
        answer = every[name]
        if answer is None:
            rows.append([name])
            continue
        several = answer.scores(run.truth)
        cells = [interval([group(s.concise, g) for s in several]) for g in GROUPS]
        cells.append(interval([group(s.percent, _ALL) for s in several], 1))
        more = ["", "", ""]
        if name != "uniform":
            whole, own = (gains(run, every, name, which) for which in (NAMES, targeted(name)))
            assert whole is not None
            assert own is not None
            more = [interval(whole), interval(own) if name in WEIGHTED else "", difference(whole)]
        rows.append([name, str(len(several)), *cells, *more])
    columns = ["set", "trainings", *(f"a R2, {g}" for g in GROUPS), "sigma %"]
    columns += ["gain of a R2, all", "of those it is weighted for", "is it better?"]
    return Table.filled(caption, columns, rows)


def clip_changes(run: Run, name: str) -> dict[str, Real] | None:
    """Return the changes of a, q and sigma by clipping the test range, in per cent, a value a training."""
    answer = run.answers.get(run.plans.strong)
    if answer is None:
        return None
    changes: dict[str, list[float]] = {"a": [], "q": [], "sigma": []}
    for values in answer.values:
        whole = scores(values, run.truth)
        each: dict[str, list[float]] = {"a": [], "q": [], "sigma": []}
        for m, metabolite in enumerate(NAMES):
            rows = clipped(run.test(), name, metabolite)
            part = scores(values[rows], run.truth[rows])
            for what in each:
                before, after = abs(getattr(whole, what)[m]), abs(getattr(part, what)[m])
                each[what].append(100 * (after / before - 1))
        for what, several in each.items():
            changes[what].append(float(np.median(several)))
    return {what: np.array(several) for what, several in changes.items()}


def clip_table(run: Run, caption: str) -> Table:
    """Return what clipping the range of the test spectra does to the scores of the single-study network."""
    rows = []
    for name in CLIPS:
        changes = clip_changes(run, name)
        paper = _PAPER_CLIPS.get(name, ("", "", ""))
        if changes is None:
            rows.append([name])
            continue
        inside = np.mean([clipped(run.test(), name, m).sum() for m in NAMES])
        cells = [interval(changes[what], 1) for what in ("a", "q", "sigma")]
        rows.append([name, f"{inside:.0f}", *cells, *paper])
    columns = ["test spectra", "of them, a metabolite", "a, change in %", "|q|, change in %"]
    columns += ["sigma, change in %", *(f"*paper: {what}*" for what in ("a", "q", "sigma"))]
    return Table.filled(caption, columns, rows)


def noiseless_table(run: Run) -> Table:
    """Return the scores without noise, in training and test, beside those with it."""
    rows = []
    for label, plans in (("with noise", run.plans.repeats()[:1]), ("without noise", run.plans.noiseless())):
        there = run.networks(plans)
        if not there:
            rows.append([label])
            continue
        test = run.test(there[0].plan.world)
        s = scores(run.estimates(there[0]), test.concentrations)
        cells = [f"{group(s.concise, g):.3f}" for g in GROUPS]
        for name in _NOISELESS:
            m = NAMES.index(name)
            cells.append(f"{s.a[m]:.2f} / {s.r2[m]:.2f} / {s.sigma[m]:.3f}")
        rows.append([label, *cells])
    columns = ["spectra", *(f"a R2, {g}" for g in GROUPS), *(f"{n}: a / R2 / sigma" for n in _NOISELESS)]
    return Table.filled(words.NOISELESS, columns, rows)
