"""The VAE of transients: amounts, and what augmentation does to an average."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.evaluation.likeness import Quality, Quantifier, Sample, agreement, quality
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.synthesis_models import new_transients, reconstruct_transients
from fsl_mrs_dl.train.synthesis_evaluation import STRONG
from tests.benchmarks.synthesis_subjects import CONDITIONS, Generative, Subject
from tests.benchmarks.table import Table

GABA = ("GABA", "MM3co")
Way = tuple[Generative, bool, bool]
"""A network, and whether noise and amounts are repaired."""


def ways_of(ours: Generative, published: Generative | None) -> dict[str, Way]:
    """Return ways to make transients under their names: ours with and without noise, the published by repair."""
    ways: dict[str, Way] = {"deviations, no noise": (ours, False, True), "deviations": (ours, True, True)}
    if published is not None:
        repairs = {
            "none": (False, False),
            "noise": (True, False),
            "amounts": (False, True),
            "both": (True, True),
        }
        ways |= {f"whole spectra, repair: {name}": (published, *which) for name, which in repairs.items()}
    return ways


def amount_table(ways: dict[str, Way], subjects: Sequence[Subject], rng: np.random.Generator) -> Table:
    """Return bias and agreement of the strong five, fitted on averages of OFF, one a subject and way."""
    judge = Quantifier(read_basis(shipped_basis("mega-press_3t_te68_off")), subjects[0].data)
    true, sd = judge.amounts(np.array([one.off.average for one in subjects]), STRONG)
    rows = []
    for way, (network, noise, amounts) in ways.items():
        simulated = [
            new_transients(
                network,
                one.off.fids,
                one.data,
                len(one.off.fids),
                "hybrid",
                rng,
                noise=noise,
                amounts=amounts,
            ).mean(axis=0)
            for one in subjects
        ]
        got, _ = judge.amounts(np.array(simulated), STRONG)
        for i, members in enumerate(STRONG):
            results = agreement(true[:, i], got[:, i])
            crlb = 100 * float(np.mean(sd[:, i]) / np.mean(true[:, i]))
            spread = f"{results.bias.low:.1f} to {results.bias.high:.1f}"
            numbers = (f"{results.bias.value:+.2f}", spread, f"{results.ccc:.3f}", f"{crlb:.1f}")
            rows.append([way, "+".join(members), *numbers])
    return Table(
        f"Amounts in averages of synthetic OFF transients beside those in averages of real ones: {len(subjects)} "
        "subjects, all fitted with the shipped basis set. Target: bias within 5 %.",
        ("made by", "sum", "bias (%)", "limits of agreement (%)", "concordance", "CRLB of the real one (%)"),
        rows,
    )


@dataclass(frozen=True, eq=False)
class AverageQuality:
    """Averages of one way at one number of transients: what they are like, means over repeats.

    Attributes
    ----------
    n : int
    way : str
    qualities : dict
        ``ON``, ``OFF`` and ``DIFF`` -> means of SNR, FWHM, shape score, error.
    gaba : float
        Relative error of GABA+ on DIFF against the full set, root mean square, in %; NaN where it was not fitted.
    """

    n: int
    way: str
    qualities: dict[str, Quality]
    gaba: float


def gaba_words(one: Subject, judge: Quantifier | None) -> str:
    """Return how well GABA+ is known of all transients: what an error against it is worth."""
    if judge is None:
        return ""
    amounts, sd = judge.amounts((one.on.average - one.off.average)[None], (GABA,))
    value, spread = float(amounts[0, 0]), float(sd[0, 0])
    if spread >= value:
        return " GABA+ of the full set is less than its CRLB: errors against it say nothing."
    return f" CRLB of GABA+ of the full set: {100 * spread / value:.0f} %."


def application(
    ways_for: Callable[[dict[str, Sample]], dict[str, Way]],
    one: Subject,
    numbers: Sequence[int],
    repeats: int,
    rng: np.random.Generator,
    *,
    judge: Quantifier | None,
) -> list[AverageQuality]:
    """Augment subsets to the full number, and compare their averages with the full set's.

    Parameters
    ----------
    ways_for : callable
        Ways to make transients of a subset, see :func:`ways_of`.
    one : Subject
    numbers : sequence of int
    repeats : int
    rng : numpy.random.Generator
    judge : Quantifier, optional
        Of GABA+ on DIFF.

    Returns
    -------
    list of AverageQuality
        For each number: the plain average of the subset, then of its reconstruction, then the augmented ones.
    """
    full = {name: one.condition(name).average for name in CONDITIONS}
    full["DIFF"] = full["ON"] - full["OFF"]
    reference = float(judge.amounts(full["DIFF"][None], (GABA,))[0][0, 0]) if judge else float("nan")
    total = min(len(one.on.fids), len(one.off.fids))
    steps = []
    for n in numbers:
        averages: dict[str, list[dict[str, Complex]]] = {}
        for _ in range(repeats if n < total else 1):
            rows = {name: rng.permutation(total)[:n] for name in CONDITIONS}
            if one.on is one.off:
                rows["OFF"] = rows["ON"]
            subset = {name: one.condition(name).fids[rows[name]] for name in CONDITIONS}
            averages.setdefault("subset alone", []).append({k: v.mean(axis=0) for k, v in subset.items()})
            if n == total:
                continue
            ways = ways_for({k: Sample(v, one.data) for k, v in subset.items()})
            for way, simulated in _augmented(ways, subset, one.data, total - n, rng).items():
                averages.setdefault(way, []).append(simulated)
        for way, several in averages.items():
            steps.append(_step(n, way, several, full, reference, one.data, judge))
    return steps


def _augmented(
    ways: dict[str, Way], subset: dict[str, Complex], data: MRSData, n: int, rng: np.random.Generator
) -> dict[str, dict[str, Complex]]:
    """Return averages of a subset with ``n`` more by each way, and of the reconstruction of the subset."""
    results = {}
    for way, (network, noise, amounts) in ways.items():
        if way.endswith("none"):
            results["whole spectra, reconstruction"] = {
                name: reconstruct_transients(network, fids, data)[0].mean(axis=0)
                for name, fids in subset.items()
            }
        more = {
            name: new_transients(network, fids, data, n, "hybrid", rng, noise=noise, amounts=amounts)
            for name, fids in subset.items()
        }
        results[way] = {k: np.concatenate([subset[k], v]).mean(axis=0) for k, v in more.items()}
    return results


def _step(
    n: int,
    way: str,
    averages: Sequence[dict[str, Complex]],
    full: dict[str, Complex],
    reference: float,
    data: MRSData,
    judge: Quantifier | None,
) -> AverageQuality:
    qualities = {}
    differences = [simulated["ON"] - simulated["OFF"] for simulated in averages]
    alike = full["ON"] is full["OFF"] or np.array_equal(full["ON"], full["OFF"])
    for name in CONDITIONS[:1] if alike else (*CONDITIONS, "DIFF"):
        each = differences if name == "DIFF" else [simulated[name] for simulated in averages]
        results = np.array([list(vars(quality(fid, full[name], data)).values()) for fid in each])
        # The difference has no creatine, and no width of it.
        qualities[name] = Quality(*(_mean(column) for column in results.T))
    gaba = float("nan")
    if judge is not None:
        amounts: Real = judge.amounts(np.array(differences), (GABA,))[0][:, 0]
        gaba = 100 * float(np.sqrt(np.mean((amounts / reference - 1) ** 2)))
    return AverageQuality(n, way, qualities, gaba)


def _mean(values: Real) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def application_table(steps: Sequence[AverageQuality], caption: str, conditions: Sequence[str]) -> Table:
    """Return the table of an application test, a row a way, the conditions side by side."""

    def each(step: AverageQuality, name: str, places: int, factor: float = 1.0) -> str:
        values = [factor * float(getattr(step.qualities[c], name)) for c in conditions]
        return " / ".join(f"{value:.{places}f}" if np.isfinite(value) else "-" for value in values)

    rows = [
        [
            str(step.n),
            step.way,
            each(step, "snr", 0),
            each(step, "fwhm_hz", 2),
            each(step, "shape", 4),
            each(step, "error", 1, 100),
            f"{step.gaba:.1f}" if np.isfinite(step.gaba) else "",
        ]
        for step in steps
    ]
    columns = (
        "n",
        "average of the subset, and of more by",
        "height / noise SD",
        "FWHM Cr (Hz)",
        "shape score",
    )
    text = f"{caption} Conditions side by side: {' / '.join(conditions)}." if len(conditions) > 1 else caption
    return Table(text, (*columns, "error against the full set (%)", "GABA+ error (%)"), rows)
