"""Tables of the task synthesis: how like real transients the synthetic ones are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.evaluation.likeness import Likeness, Sample, likeness
from fsl_mrs_dl.models.synthesis_modes import Mode
from fsl_mrs_dl.scores.synthesis import Interval
from fsl_mrs_dl.steps.synthesis_models import new_transients
from tests.benchmarks.synthesis_subjects import Generative, Subject, split_in_halves
from tests.benchmarks.table import Table

MODES: tuple[Mode, ...] = ("random", "interpolate", "hybrid")
_COLUMNS = (
    "subject",
    "condition",
    "made by",
    "C2ST accuracy (95 %)",
    "MMD2 beyond chance",
    "precision",
    "recall",
    "nearest parent",
    "noise SD / real",
    "noise power, worst quarter (%)",
    "kurtosis real / made",
)
Maker = Callable[[Mapping[str, Sample]], Generative]
"""Returns the network for parents, a sample a condition: one that is there, or one trained on them."""


def likeness_table(
    caption: str,
    ours: Maker,
    published: Generative | None,
    subjects: Sequence[Subject],
    splits: int,
    rng: np.random.Generator,
) -> Table:
    """Return how synthetic transients of each subject, condition and mode compare with held-out real ones.

    Parameters
    ----------
    caption : str
    ours : callable
        The network of deviations for some parents.
    published : SynthesisNetwork or None
        The network of whole spectra, to stand beside.
    subjects : sequence of Subject
    splits : int
        How often parents and held-out ones are drawn by lot; numbers are means over these.
    rng : numpy.random.Generator
    """
    results: dict[tuple[str, str, str], list[Likeness]] = {}
    for one in subjects:
        for _ in range(splits):
            halves = split_in_halves(one, rng)
            network = ours({name: pair[0] for name, pair in halves.items()})
            for condition, (parents, held_out) in halves.items():
                floor = likeness(parents, held_out, parents, rng)
                results.setdefault((one.name, condition, "real transients"), []).append(
                    replace(floor, memory=1.0)
                )
                simulated = _sample_of(network, published, parents, one.data, len(held_out.fids), rng)
                for way, sample in simulated.items():
                    measures = likeness(parents, held_out, sample, rng)
                    results.setdefault((one.name, condition, way), []).append(measures)
    return Table(caption, _COLUMNS, [[*key, *_likeness_cells(values)] for key, values in results.items()])


def _sample_of(
    network: Generative,
    published: Generative | None,
    parents: Sample,
    data: MRSData,
    n: int,
    rng: np.random.Generator,
) -> dict[str, Sample]:
    """Return synthetic transients by each way, under its name."""

    def decode(which: Generative, mode: Mode, *, noise: bool = True) -> Sample:
        return replace(parents, fids=new_transients(which, parents.fids, data, n, mode, rng, noise=noise))

    samples: dict[str, Sample] = {mode: decode(network, mode) for mode in MODES}
    samples["hybrid, no noise"] = decode(network, "hybrid", noise=False)
    if published is not None:
        samples["hybrid of whole spectra, both repairs"] = decode(published, "hybrid")
        samples["hybrid of whole spectra, no noise"] = decode(published, "hybrid", noise=False)
    return samples


def _likeness_cells(results: Sequence[Likeness]) -> list[str]:
    """Return means over splits; the interval stays that of one split, for splits share their transients."""
    accuracy = float(np.mean([one.c2st.value for one in results]))
    half = float(np.mean([one.c2st.high - one.c2st.value for one in results]))
    beyond = sum(one.discrepancy.value > one.discrepancy.high for one in results)
    quarters = np.mean([one.quarters for one in results], axis=0)

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in results]))

    real, simulated = np.mean([one.kurtosis for one in results], axis=0)
    return [
        str(Interval(accuracy, accuracy - half, accuracy + half)),
        f"{beyond} of {len(results)}",
        f"{mean('precision'):.2f}",
        f"{mean('recall'):.2f}",
        f"{mean('memory'):.2f}",
        f"{mean('noise'):.3f}",
        f"{100 * float(np.abs(quarters - 1).max()):.1f}",
        f"{real:.2f} / {simulated:.2f}",
    ]
