"""Tables of the comparison: networks, ensembles and fits; bounds and shrinkage; SNR."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.rizzo.table import CONFIGS, READS
from fsl_mrs_dl.scores import rmse
from tests.benchmarks.rizzo import words
from tests.benchmarks.rizzo.answers import MODEL_FIT, POSTERIOR, Run
from tests.benchmarks.rizzo.builds import PUBLISHED_EXAMPLES, PUBLISHED_STEPS, Built, build
from tests.benchmarks.rizzo.calibration import SNR_GROUPS
from tests.benchmarks.rizzo.plan import Plan
from tests.benchmarks.rizzo.scores import RANGES, below_bound, group, interval, monotone, scores, total
from tests.benchmarks.rizzo.spectra import GROUPS, NAMES
from tests.benchmarks.table import NOT_RUN, Table

_PAPER = {
    "*paper, networks*": ("> 0.80", "0.50 to 0.75", "< 0.40", "< 15", "20 to 35", "> 35"),
    "*paper, model fit*": ("> 0.95", "0.75 to 0.90", "< 0.65", "< 10", "15 to 35", "> 35"),
}
"""What the paper prints: a R2 of the three groups, sigma of the three groups in per cent."""
SHOWN = ("NAA", "tCho", "Glu", "NAAG", "GSH", "sI", "Asp", "Lac", "GABA")


def builds(profile_name: str, run: Run) -> dict[str, Built]:
    """Try all twenty-four networks; in ``smoke`` one of each kind of input."""
    names = list(CONFIGS)
    if profile_name == "smoke":
        names = [next(n for n in names if CONFIGS[n].reads == form) for form in list(READS)[:1]]
    n = run.plans.profile.steps_timed

    def row(name: str) -> Real:
        one = build(name, n, run.seed)
        return np.array([one.parameters, one.flops, one.before, one.after, one.agrees, one.hours])

    built = {}
    for name in names:
        values = run.store.array(f"built-{name}-{n}-{run.seed}", partial(row, name)).tolist()
        parameters, flops, before, after, agrees, hours = values
        built[name] = Built(int(parameters), flops, before, after, bool(agrees), hours)
    return built


def build_table(every: Mapping[str, Built], run: Run) -> Table:
    """Return the table of all twenty-four networks."""
    rows = []
    for name, config in CONFIGS.items():
        one = every.get(name)
        if one is None:
            rows.append([name, config.reads])
            continue
        size = "smaller" if run.plans.profile.networks.get(name, Plan(name, 0, 0)).widths else "as published"
        in_study = size if name in run.answers else "no"
        cells = [f"{one.parameters:,}".replace(",", " "), f"{one.flops / 1e6:.0f}"]
        cells += [f"{one.before:.4f}", f"{one.after:.4f}", "yes" if one.agrees else "NO", f"{one.hours:.1f}"]
        rows.append([name, config.reads, *cells, in_study])
    columns = ["network", "reads", "parameters", "MFLOP a spectrum", "loss", "after a step"]
    columns += ["saved and loaded agrees", "hours of a processor as published", "size of that trained below"]
    return Table.filled(words.BUILDS, columns, rows)


def group_table(run: Run) -> Table:
    """Return a R2, sigma and slope of the three groups for every method, and what the paper prints."""
    rows = []
    for name, one in run.answers.items():
        every = one.scores(run.truth)
        cells = [interval([group(s.concise, g) for s in every], 2) for g in GROUPS]
        cells += [interval([group(s.percent, g) for s in every], 1) for g in GROUPS]
        cells += [interval([group(s.a, g) for s in every], 2) for g in GROUPS]
        rows.append([name, str(len(every)), *cells])
    for name in run.plans.profile.networks:
        if name not in run.answers:
            rows.append([name])
    rows += [[name, "", *values, "", "", ""] for name, values in _PAPER.items()]
    columns = ["method", "trainings"]
    columns += [f"{what}, {g}" for what in ("a R2", "sigma %", "a") for g in GROUPS]
    return Table.filled(words.GROUPS_CAPTION, columns, rows)


def metabolite_table(run: Run) -> Table:
    """Return a, q, R2 and sigma of every metabolite for a few methods, and the bound."""
    some = [name for name in (run.best, *run.plans.profile.repeated, best_ensemble(run)) if name]
    some = [name for name in dict.fromkeys([*some, MODEL_FIT]) if name in run.answers]
    several = {name: scores(run.answers[name].values[0], run.truth) for name in some}
    bound = np.sqrt((run.bounds**2).mean(axis=0))
    rows = []
    for label, members in GROUPS.items():
        for name in members:
            m = NAMES.index(name)
            cells = [
                f"{s.a[m]:.2f} / {s.q[m]:+.2f} / {s.r2[m]:.2f} / {s.sigma[m]:.2f}" for s in several.values()
            ]
            rows.append([name, label, f"{RANGES[m]:g}", *cells, f"{bound[m]:.2f}"])
    return Table(words.METABOLITES, ["metabolite", "group", "range", *some, "CRLB"], rows)


def wins(run: Run) -> str:
    """Say for which metabolites a network or an ensemble has a smaller RMSE than the fits."""
    learned = [one for one in run.answers.values() if one.kind in ("network", "ensemble")]
    if not learned:
        return f"Networks: {NOT_RUN}."
    least = np.min([s.sigma for one in learned for s in one.scores(run.truth)], axis=0)
    parts = []
    for name in (MODEL_FIT, POSTERIOR):
        fit = scores(run.answers[name].values[0], run.truth).sigma
        better = [m for k, m in enumerate(NAMES) if least[k] < fit[k]]
        parts.append(f"than the {name} for {len(better)} of {len(NAMES)} ({', '.join(better) or 'none'})")
    return f"The best of all networks and ensembles has a smaller RMSE {', and '.join(parts)}."


def best_ensemble(run: Run) -> str:
    """Return the ensemble of the highest mean a R2; empty: there is none."""
    if not run.ensembles:
        return ""
    truth = run.truth
    return max(run.ensembles, key=lambda name: group(run.ensembles[name].scores(truth)[0].concise, "all"))


def shrinkage_table(run: Run) -> Table:
    """Return slopes, Spearman's correlation with the bound, and where the RMSE lies below the bound."""
    bound = np.sqrt((run.bounds**2).mean(axis=0))
    rows = []
    for name, one in run.answers.items():
        s = one.scores(run.truth)[0]
        lower = below_bound(s.sigma, run.bounds)
        below = [m for m in NAMES if lower[NAMES.index(m)]]
        correlation = "" if one.kind == "mean" else f"{monotone(s.a, bound):.2f}"
        by_group = [f"{sum(m in below for m in members)} of {len(members)}" for members in GROUPS.values()]
        ratio = [f"{group(s.sigma / bound, g):.2f}" for g in GROUPS]
        rows.append([name, correlation, *by_group, *ratio, ", ".join(below) or "none"])
    columns = ["method", "Spearman of slope and CRLB", *(f"below, {g}" for g in GROUPS)]
    columns += [*(f"RMSE / CRLB, {g}" for g in GROUPS), "RMSE < CRLB: shrinkage"]
    return Table(words.SHRINKAGE, columns, rows)


def snr_table(run: Run) -> Table:
    """Return RMSE of a network and of the fit, and the bound, by SNR group, for the shown metabolites."""
    snr, columns = run.test().snr, ["metabolite"]
    methods = snr_methods(run)
    rows = [[name] for name in SHOWN]
    for label in SNR_GROUPS:
        columns += [f"{name}, {label}" for name in (*methods, "CRLB")]
    for row, name in zip(rows, SHOWN, strict=True):
        for values in snr_values(run, name, snr).values():
            row += [f"{value:.2f}" for value in values]
    return Table(words.SNR_GROUPS_CAPTION, columns, rows)


def snr_methods(run: Run) -> list[str]:
    """Return the methods of the tables and pictures by SNR."""
    return [name for name in (run.best, MODEL_FIT) if name in run.answers]


def snr_values(run: Run, name: str, snr: Real) -> dict[str, list[float]]:
    """Return, for each SNR group, the RMSE of the methods and the bound's root mean square, in mM."""
    m, values = NAMES.index(name), {}
    for label, (low, high) in SNR_GROUPS.items():
        rows = (snr >= low) & (snr < high)
        each = [
            float(rmse(run.answers[one].values[0][rows, m], run.truth[rows, m])) for one in snr_methods(run)
        ]
        values[label] = [*each, float(np.sqrt((run.bounds[rows, m] ** 2).mean()))]
    return values


def ensemble_table(run: Run) -> Table:
    """Return every ensemble beside its members, and whether it is as good as each of them."""
    truth, rows = run.truth, []
    for name, answer in run.ensembles.items():
        members = run.members[name.split(",")[0]]
        each = [total(run.estimates(one), truth) for one in members]
        own = answer.scores(truth)[0]
        mean = group(own.concise, "all")
        cells = [f"{group(own.concise, g):.3f}" for g in GROUPS]
        cells += [f"{group(own.percent, g):.1f}" for g in GROUPS]
        verdict = "yes" if mean >= max(each) else f"no, {sum(e > mean for e in each)} are better"
        rows.append([name, str(len(members)), *cells, f"{mean:.3f}", f"{max(each):.3f}", verdict])
    n = run.n_members
    expected = [f"ShallowEns-{n}n", "HybridEns-2n", "HybridEns-2n, out of fold", f"HybridEns-{2 * n}n"]
    rows += [[name] for name in expected if name not in run.ensembles]
    columns = ["ensemble", "members", *(f"a R2, {g}" for g in GROUPS), *(f"sigma %, {g}" for g in GROUPS)]
    columns += ["a R2, all", "best member", "at least every member"]
    return Table.filled(words.ENSEMBLES, columns, rows)


def training_table(run: Run) -> Table:
    """Return what each training took, and its share of the published steps."""
    rows: list[list[str]] = []
    for plan in dict.fromkeys(run.plans):
        one = run.network(plan)
        what = ", ".join(
            [
                plan.kind,
                *(["no water"] if not plan.world.water else []),
                *(["random gain"] if plan.world.gain else []),
                *(["no noise"] if not plan.world.noise else []),
                *([f"without part {plan.fold[0] + 1} of {plan.fold[1]}"] if plan.fold else []),
            ]
        )
        row = [run.plans.name_of(plan), what, *map(str, (plan.seed, plan.learned, plan.epochs, plan.steps))]
        row.append(f"{100 * plan.steps / PUBLISHED_STEPS:.2g} %")
        row.append(f"{100 * plan.epochs * plan.learned / PUBLISHED_EXAMPLES:.2g} %")
        rows.append([*row, *([one.machine, f"{one.seconds:.0f}", f"{min(one.losses):.4f}"] if one else [])])
    columns = ["network", "set", "seed", "spectra", "epochs", "steps", "of the paper's steps"]
    columns += ["of the paper's examples", "on", "seconds", "validation loss"]
    return Table.filled(words.TRAININGS, columns, rows or [[NOT_RUN]])
