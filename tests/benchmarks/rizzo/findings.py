"""The eight findings of the paper, each confirmed or refuted by what was run, and what was asked of it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from tests.benchmarks.rizzo import learning, words
from tests.benchmarks.rizzo.answers import FREE_FIT, MODEL_FIT, Answer, Run
from tests.benchmarks.rizzo.plans import LARGER
from tests.benchmarks.rizzo.scores import (
    below_bound,
    bootstrap,
    difference,
    group,
    interval,
    monotone,
    resampled,
    scores,
    total,
)
from tests.benchmarks.rizzo.spectra import CLIPS, GROUPS, MAXIMA, NAMES, WEIGHTED
from tests.benchmarks.table import NOT_RUN, Table

_SLICES = 6
"""Groups of equally many spectra, along which errors are compared with SNR and shim."""
_PAPER = {"well": (0.80, 15.0), "medium": (0.50, 35.0)}
"""Group -> least a R2 and largest sigma in per cent of the paper's networks; for the weak it prints no limit."""
_STRONG = ("NAA", "tCho", "tCr")
"""Metabolites whose errors do not reach the plateau of the training range."""


def _water(run: Run) -> tuple[str, str]:
    every, parts, verdicts = learning.worlds(run), [], []
    for gain in ("one gain", "random gain"):
        gains = learning.paired(every[f"{gain}, water"], every[f"{gain}, no water"])
        if gains is None:
            parts.append(f"{gain}: {NOT_RUN}")
            continue
        better = {"a": gains["a"], "R2": gains["r2"], "sigma": -gains["percent"], "a R2": gains["concise"]}
        texts = [f"{name} {interval(values)}" for name, values in better.items() if name != "sigma"]
        parts.append(f"{gain}: {', '.join(texts)}, sigma {interval(gains['percent'], 1)} points")
        words_of = [f"{name} {_verdict_words(difference(values))}" for name, values in better.items()]
        verdicts.append(f"{gain}: {', '.join(words_of)}")
    return "; ".join(parts), "; ".join(verdicts) or NOT_RUN


def _verdict_words(verdict: str) -> str:
    return {"yes": "confirmed", "no, the other way": "refuted"}.get(verdict, verdict)


def _best_single(run: Run) -> tuple[str, str]:
    plans = run.plans.profile
    small = {name for name, one in plans.networks.items() if plans.published and one.widths}
    networks = {n: one for n, one in run.answers.items() if one.kind == "network" and n not in small}
    if len(networks) < 2:
        return NOT_RUN, NOT_RUN
    parts, ends = [], {}
    for name, one in networks.items():
        ends[name] = bootstrap(total, one.values[0], run.truth)
        parts.append(
            f"{name} {total(one.values[0], run.truth):.3f} ({ends[name][0]:.3f} to {ends[name][1]:.3f})"
        )
    best = max(networks, key=lambda name: total(networks[name].values[0], run.truth))
    shallow = {name for name in networks if name.startswith("shallownet")}
    if best in shallow:
        apart = all(ends[best][0] > ends[name][1] for name in networks if name not in shallow)
        return ", ".join(parts), "confirmed" if apart else "no difference seen"
    apart = all(ends[best][0] > ends[name][1] for name in shallow)
    return ", ".join(parts), f"refuted at this size: {best} is better" if apart else "no difference seen"


def _size(run: Run) -> tuple[str, str]:
    gains = learning.gains(run, learning.sets(run), LARGER, NAMES)
    if gains is None:
        return NOT_RUN, NOT_RUN
    return f"a R2 {interval(gains)} (1.6 times as many spectra)", _verdict_words(difference(gains))


def _weights(run: Run) -> tuple[str, str]:
    every, parts, verdicts = learning.sets(run), [], []
    for name in (*WEIGHTED, "SNR-w"):
        own = learning.gains(run, every, name, learning.targeted(name))
        whole = learning.gains(run, every, name, NAMES)
        if own is None or whole is None:
            parts.append(f"{name} {NOT_RUN}")
            continue
        parts.append(f"{name}: its own {interval(own)}, all {interval(whole)}")
        if name in ("fully-w", "SNR-w"):
            verdict = difference(whole)
            hurts = {"no, the other way": "hurts: confirmed", "yes": "helps: refuted"}.get(verdict, verdict)
            verdicts.append(f"{name} {hurts}")
        else:
            verdicts.append(f"{name} {difference(own)}")
    return "; ".join(parts), "; ".join(verdicts) or NOT_RUN


def _clips(run: Run) -> tuple[str, str]:
    parts, verdicts = [], []
    for name in CLIPS:
        changes = learning.clip_changes(run, name)
        if changes is None:
            return NOT_RUN, NOT_RUN
        words_of = [f"{what} {interval(values, 1)} %" for what, values in changes.items()]
        parts.append(f"{name}: {', '.join(words_of)}")
        if name != "0 to mean":
            up, down = (_verdict_words(difference(v)) for v in (changes["a"], -changes["sigma"]))
            verdicts.append(f"{name}: a {up}, sigma {down}")
    return "; ".join(parts), "; ".join(verdicts)


def _ensembles(run: Run) -> tuple[str, str]:
    n = run.n_members
    names = [f"ShallowEns-{n}n", "HybridEns-2n", f"HybridEns-{2 * n}n"]
    there = [name for name in names if name in run.ensembles]
    if len(there) < len(names):
        return NOT_RUN, NOT_RUN
    ends = {name: bootstrap(total, run.ensembles[name].values[0], run.truth) for name in names}
    value = {name: total(run.ensembles[name].values[0], run.truth) for name in names}
    parts = [f"{name} {value[name]:.3f} ({ends[name][0]:.3f} to {ends[name][1]:.3f})" for name in names]
    same, pair, every = names
    mixed, grows = _above(ends[pair], ends[same]), _above(ends[every], ends[pair])
    return ", ".join(parts), f"hybrid above one kind: {mixed}; grows with members: {grows}"


def _above(one: tuple[float, float], other: tuple[float, float]) -> str:
    """Say whether one interval lies above another."""
    if one[0] > other[1]:
        return "confirmed"
    return "refuted" if one[1] < other[0] else "no difference seen"


def _noise(run: Run) -> tuple[str, str]:
    answer = run.answers.get(run.best)
    if answer is None:
        return NOT_RUN, NOT_RUN
    test, errors = run.test(), answer.values[0] - run.truth
    strong = errors[:, [NAMES.index(name) for name in _STRONG]]
    parts, verdicts = [], []
    for label, axis, expected in (("SNR", test.snr, -1.0), ("shim", test.shim_hz, 0.0)):

        def power(rows: NDArray[np.intp], axis: Real = axis) -> float:
            slices = np.array_split(rows[np.argsort(axis[rows])], _SLICES)
            middles = np.log([axis[part].mean() for part in slices])
            spread = [0.5 * np.log((strong[part] ** 2).mean(axis=0)) for part in slices]
            return float(np.polyfit(middles, np.mean(spread, axis=1), 1)[0])

        low, high = resampled(power, len(errors))
        value = power(np.arange(len(errors)))
        parts.append(
            f"RMSE of {', '.join(_STRONG)} as {label} to the power {value:+.2f} ({low:+.2f} to {high:+.2f})"
        )
        verdicts.append("confirmed" if low <= expected <= high else "refuted")
    return f"{answer.name}: {'; '.join(parts)}", f"as 1/SNR: {verdicts[0]}; flat in shim: {verdicts[1]}"


def _mean_regression(run: Run) -> tuple[str, str]:
    answer = run.answers.get(run.best)
    if answer is None:
        return NOT_RUN, NOT_RUN
    bound = np.sqrt((run.bounds**2).mean(axis=0))
    network, fit = (scores(one.values[0], run.truth) for one in (answer, run.answers[MODEL_FIT]))
    free = scores(run.answers[FREE_FIT].values[0], run.truth)
    rank = monotone(network.a, bound)
    lower = below_bound(network.sigma, run.bounds)
    weak = GROUPS["weak"]
    below = [name for name in weak if lower[NAMES.index(name)]]
    wide = [name for name in weak if bound[NAMES.index(name)] > MAXIMA[name] / np.sqrt(12)]
    low, high = bootstrap(lambda e, t: group(scores(e, t).a, "weak"), answer.values[0], run.truth)
    text = (
        f"{answer.name}: Spearman of slope and CRLB {rank:.2f}; RMSE below CRLB for {len(below)} of "
        f"{len(weak)} weak ones ({', '.join(below) or 'none'}), of {len(wide)} whose CRLB is above the "
        f"spread of their range; mean slope of the weak {group(network.a, 'weak'):.2f} "
        f"({low:.2f} to {high:.2f}), bounded fit {group(fit.a, 'weak'):.2f}, fit {group(free.a, 'weak'):.2f}"
    )
    verdicts = (rank <= -0.8, set(below) >= set(wide) and bool(below), high < group(fit.a, "weak"))
    slopes, errors, biased = ("confirmed" if met else "refuted" for met in verdicts)
    return (
        text,
        f"slopes fall: {slopes}; RMSE below CRLB where that is wide: {errors}; fit less biased: {biased}",
    )


_FINDINGS: tuple[tuple[str, Callable[[Run], tuple[str, str]]], ...] = (
    ("1. A water line raises a and R2 and lowers sigma", _water),
    ("2. Shallow networks over two-channel spectrograms are the best single ones (a R2, all)", _best_single),
    ("3. More spectra (25 000 to 40 000) help moderately", _size),
    ("4. GABA-w and sI-w gain little (below 6 %); fully-w and SNR-w hurt (gain of a R2)", _weights),
    ("5. Clipping the range of the test spectra flatters the scores", _clips),
    ("6. A hybrid ensemble beats one of a kind, and grows with its members (a R2, all)", _ensembles),
    ("7. Errors go as 1/SNR and do not depend on the shim", _noise),
    (
        "8. Slopes fall as the bound rises; weak metabolites have an RMSE below it; the fit is less biased",
        _mean_regression,
    ),
)


def findings_table(run: Run) -> Table:
    """Return the eight findings with numbers and intervals."""
    rows = [[name, *judge(run)] for name, judge in _FINDINGS]
    return Table(words.FINDINGS, ["finding of the paper", "here", "verdict"], rows)


def orderings_table(run: Run) -> Table:
    """Return what was asked of ``small``, with its value."""
    rows: list[list[str]] = []
    bound = np.sqrt((run.bounds**2).mean(axis=0))
    for name in dict.fromkeys((run.plans.strong, *run.plans.profile.repeated)):
        answer = run.answers.get(name)
        if answer is None:
            rows.append([f"{name}: a R2 of the well group above 0.6"])
            continue
        s = scores(answer.values[0], run.truth)
        well, medium, weak = (group(s.concise, g) for g in GROUPS)
        rows.append([f"{name}: a R2 of the well group above 0.6", f"{well:.3f}", _yes(well > 0.6)])
        order = f"{well:.3f}, {medium:.3f}, {weak:.3f}"
        rows.append([f"{name}: well above medium above weak", order, _yes(well > medium > weak)])
        rank = monotone(s.a, bound)
        rows.append([f"{name}: Spearman of slope and CRLB at most -0.8", f"{rank:.2f}", _yes(rank <= -0.8)])
    rows.append(_stacking_row(run, "HybridEns-2n"))
    rows.append(_water_row(run))
    if run.plans.profile.published and run.best in run.answers:
        rows += _published_rows(run)
    return Table.filled(words.ORDERINGS, ["asked", "value", "met"], rows)


def _published_rows(run: Run) -> list[list[str]]:
    """Return whether the best network is as good as the paper's, and every ensemble as its members."""
    s, rows = scores(run.answers[run.best].values[0], run.truth), []
    for label, (least, most) in _PAPER.items():
        value, error = group(s.concise, label), group(s.percent, label)
        rows.append([f"{run.best}: a R2 of {label} at least {least:g}", f"{value:.3f}", _yes(value >= least)])
        rows.append([f"{run.best}: sigma of {label} at most {most:g} %", f"{error:.1f}", _yes(error <= most)])
    for name in run.members:
        members = [total(run.estimates(one), run.truth) for one in run.members[name]]
        own = total(run.ensembles[name].values[0], run.truth)
        text = f"{own:.3f}, members up to {max(members):.3f}"
        rows.append([f"{name} at least as good as every member (a R2, all)", text, _yes(own >= max(members))])
    return rows


def _stacking_row(run: Run, name: str) -> list[str]:
    criterion = "stacking of 2 at least as good as its better member (a R2, all)"
    ensemble: Answer | None = run.ensembles.get(name)
    if ensemble is None:
        return [criterion]
    best = max(total(run.estimates(one), run.truth) for one in run.members[name])
    own = total(ensemble.values[0], run.truth)
    return [criterion, f"{own:.3f}, member {best:.3f}", _yes(own >= best)]


def _water_row(run: Run) -> list[str]:
    criterion = "water better than none at a random gain, every seed (a R2, all)"
    every = learning.worlds(run)
    gains = learning.paired(every["random gain, water"], every["random gain, no water"])
    if gains is None:
        return [criterion]
    return [criterion, interval(gains["concise"]), _yes(bool((gains["concise"] > 0).all()))]


def _yes(met: bool) -> str:
    return "yes" if met else "NO"
