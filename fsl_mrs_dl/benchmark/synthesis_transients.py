"""The VAE of transients: likeness, amounts, and what augmentation does to an average."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl_mrs_dl.benchmark.synthesis_compare import (
    Likeness,
    Quality,
    Quantifier,
    Sample,
    agreement,
    likeness,
    quality,
    samples_of,
)
from fsl_mrs_dl.benchmark.table import Table
from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.models.synthesis_modes import Mode
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.align import align
from fsl_mrs_dl.steps.synthesis_models import new_transients, reconstruct_transients
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.synthesis_command import train_vae
from fsl_mrs_dl.train.synthesis_transients import subject, transients_of

MODES: tuple[Mode, ...] = ("random", "interpolate", "hybrid")
CONDITIONS = ("ON", "OFF")
STRONG = (("NAA", "NAAG"), ("Cr", "PCr"), ("GPC", "PCh"), ("Ins",), ("Glu", "Gln"))
GABA = ("GABA", "MM3co")
REPAIRS = {"none": (False, False), "noise": (True, False), "amounts": (False, True), "both": (True, True)}


@dataclass(frozen=True, eq=False)
class Subject:
    """One scan, its transients aligned, ON and OFF.

    Attributes
    ----------
    name : str
    data : MRSData
    on, off : Sample
    """

    name: str
    data: MRSData
    on: Sample
    off: Sample

    def condition(self, name: str) -> Sample:
        """Return the transients of ``ON`` or ``OFF``."""
        return self.on if name == "ON" else self.off


def aligned(name: str, data: MRSData) -> Subject:
    """Return a scan after ``align``; one without DIM_EDIT is both ON and OFF."""
    moved = align(data).data
    parts = samples_of(replace(moved, name=name))
    return Subject(name, moved, parts[0], parts[-1])


def simulated_subjects(n: int, n_transients: int, rng: np.random.Generator) -> list[Subject]:
    """Return semi-synthetic subjects, aligned."""
    return [aligned(f"subject {i + 1}", subject(n_transients, rng).data) for i in range(n)]


def trained(subjects: Sequence[MRSData], epochs: int, seed: int) -> SynthesisNetwork:
    """Return a VAE trained on the transients of some subjects."""
    network, _, _ = train_vae(transients_of(subjects), Settings(epochs, 64, 2e-3, 0, seed, anneal=True))
    return network


def halves(sample: Sample) -> tuple[Sample, Sample]:
    """Return every other transient, and the others."""
    return replace(sample, fids=sample.fids[::2]), replace(sample, fids=sample.fids[1::2])


def likeness_rows(
    network: SynthesisNetwork, subjects: Sequence[Subject], rng: np.random.Generator
) -> Iterator[list[str]]:
    """Yield how synthetic transients of each subject, condition and mode compare with held-out real ones."""
    for one in subjects:
        for condition in CONDITIONS if one.on is not one.off else ("",):
            parents, held_out = halves(one.condition(condition))
            floor = likeness(parents, held_out, parents, rng)
            yield [one.name, condition, "real transients", *_told(replace(floor, memory=1.0))]
            for mode in MODES:
                for noise in (True, False) if mode == "hybrid" else (True,):
                    n = len(held_out.fids)
                    fids = new_transients(network, parents.fids, one.data, n, mode, rng, noise=noise)
                    found = likeness(parents, held_out, replace(parents, fids=fids), rng)
                    yield [one.name, condition, mode + ("" if noise else ", no noise repair"), *_told(found)]


def _told(found: Likeness) -> list[str]:
    beyond = "yes" if found.discrepancy.value > found.discrepancy.high else "no"
    return [
        str(found.c2st),
        f"{found.discrepancy.value:.4f} ({beyond})",
        f"{found.precision:.2f}",
        f"{found.recall:.2f}",
        f"{found.memory:.2f}",
        f"{found.noise:.3f}",
        f"{100 * found.spectrum:.1f}",
        f"{found.kurtosis[0]:.2f} / {found.kurtosis[1]:.2f}",
    ]


LIKENESS_COLUMNS = (
    "subject",
    "condition",
    "made by",
    "C2ST accuracy (95 %)",
    "MMD2 (beyond chance)",
    "precision",
    "recall",
    "nearest parent",
    "noise SD / real",
    "noise power, worst quarter (%)",
    "kurtosis real / made",
)


def amount_table(
    network: SynthesisNetwork, subjects: Sequence[Subject], rng: np.random.Generator, *, amounts: bool
) -> Table:
    """Return bias and agreement of the strong five, fitted on averages of OFF, one a subject."""
    judge = Quantifier(read_basis(shipped_basis("mega-press_3t_te68_off")), subjects[0].data)
    real, made = [], []
    for one in subjects:
        fids = one.off.fids
        real.append(one.off.average)
        made.append(
            new_transients(network, fids, one.data, len(fids), "hybrid", rng, amounts=amounts).mean(axis=0)
        )
    true, sd = judge.amounts(np.array(real), STRONG)
    got, _ = judge.amounts(np.array(made), STRONG)
    rows = []
    for i, members in enumerate(STRONG):
        found = agreement(true[:, i], got[:, i])
        crlb = 100 * float(np.mean(sd[:, i]) / np.mean(true[:, i]))
        spread = f"{found.bias.low:.1f} to {found.bias.high:.1f}"
        rows.append(
            ["+".join(members), f"{found.bias.value:+.2f}", spread, f"{found.ccc:.3f}", f"{crlb:.1f}"]
        )
    repaired = "with" if amounts else "without"
    return Table(
        f"Amounts: averages of synthetic transients of OFF beside those of real ones, {len(subjects)} subjects, "
        f"{repaired} the repair of amounts; fit of both with the shipped basis set.",
        ("sum", "bias (%)", "limits of agreement (%)", "concordance", "CRLB of the real one (%)"),
        rows,
    )


@dataclass(frozen=True, eq=False)
class Step:
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


def application(
    network: SynthesisNetwork,
    one: Subject,
    numbers: Sequence[int],
    repeats: int,
    rng: np.random.Generator,
    *,
    judge: Quantifier | None,
) -> list[Step]:
    """Augment subsets to the full number, and compare their averages with the full set's.

    Returns
    -------
    list of Step
        For each number: the plain average of the subset, then the augmented one with each repair.
    """
    full = {name: one.condition(name).average for name in CONDITIONS}
    full["DIFF"] = full["ON"] - full["OFF"]
    reference = float(judge.amounts(full["DIFF"][None], (GABA,))[0][0, 0]) if judge else float("nan")
    total = min(len(one.on.fids), len(one.off.fids))
    steps = []
    for n in numbers:
        averages: dict[str, list[dict[str, Complex]]] = {}
        for _ in range(repeats if n < total else 1):
            chosen = {name: rng.permutation(total)[:n] for name in CONDITIONS}
            subset = {name: one.condition(name).fids[rows] for name, rows in chosen.items()}
            averages.setdefault("subset alone", []).append({k: v.mean(axis=0) for k, v in subset.items()})
            if n == total:
                continue
            decoded = {
                k: reconstruct_transients(network, v, one.data)[0].mean(axis=0) for k, v in subset.items()
            }
            averages.setdefault("reconstruction of the subset", []).append(decoded)
            for repair, (noise, amounts) in REPAIRS.items():
                made = {
                    name: np.concatenate(
                        [
                            fids,
                            new_transients(
                                network,
                                fids,
                                one.data,
                                total - n,
                                "hybrid",
                                rng,
                                noise=noise,
                                amounts=amounts,
                            ),
                        ]
                    ).mean(axis=0)
                    for name, fids in subset.items()
                }
                averages.setdefault(f"augmented, repair: {repair}", []).append(made)
        for way, several in averages.items():
            steps.append(_step(n, way, several, full, reference, one.data, judge))
    return steps


def _step(
    n: int,
    way: str,
    averages: Sequence[dict[str, Complex]],
    full: dict[str, Complex],
    reference: float,
    data: MRSData,
    judge: Quantifier | None,
) -> Step:
    qualities = {}
    differences = [made["ON"] - made["OFF"] for made in averages]
    alike = full["ON"] is full["OFF"] or np.array_equal(full["ON"], full["OFF"])
    for name in CONDITIONS[:1] if alike else (*CONDITIONS, "DIFF"):
        each = differences if name == "DIFF" else [made[name] for made in averages]
        found = np.array([list(vars(quality(fid, full[name], data)).values()) for fid in each])
        # The difference has no creatine, and no width of it.
        qualities[name] = Quality(*(_mean(column) for column in found.T))
    gaba = float("nan")
    if judge is not None:
        amounts: Real = judge.amounts(np.array(differences), (GABA,))[0][:, 0]
        gaba = 100 * float(np.sqrt(np.mean((amounts / reference - 1) ** 2)))
    return Step(n, way, qualities, gaba)


def _mean(values: Real) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def application_table(steps: Sequence[Step], caption: str, conditions: Sequence[str]) -> Table:
    """Return the table of an application test."""
    rows = []
    for step in steps:
        for name in conditions:
            q = step.qualities[name]
            gaba = f"{step.gaba:.1f}" if name == "DIFF" and np.isfinite(step.gaba) else ""
            numbers = (
                f"{q.snr:.0f}",
                f"{q.fwhm_hz:.2f}" if np.isfinite(q.fwhm_hz) else "",
                f"{q.shape:.4f}",
                f"{100 * q.error:.1f}",
            )
            rows.append([str(step.n), step.way, name, *numbers, gaba])
    columns = ("n", "average of", "condition", "height / noise SD", "FWHM Cr (Hz)", "shape score")
    return Table(caption, (*columns, "error against the full set (%)", "GABA+ error (%)"), rows)
