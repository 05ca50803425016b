"""Task ``synthesis_elsewhere``: a VAE on transients of other simulators, without and with unstable water."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.evaluation.likeness import Likeness, likeness
from fsl_mrs_dl.steps.synthesis_models import new_transients
from tests.benchmarks.fpc.elsewhere import NONE, UNSTABLE, WORLDS, Elsewhere, scan
from tests.benchmarks.fpc.methods import as_data
from tests.benchmarks.one_thread import one_thread
from tests.benchmarks.synthesis_likeness import MODES
from tests.benchmarks.synthesis_subjects import Subject, aligned, split_in_halves, trained_on
from tests.benchmarks.table import Page, Table

_SIZES = {"smoke": (16, 1, 2), "small": (128, 3, None), "paper": (320, 20, None)}
"""Profile -> transients of a scan, random splits, and worlds at most."""
SNR_PEAK = 10.0
"""Highest peak of the metabolites over the noise of one transient."""
_EPOCHS = 60
"""Of a network trained on the parents alone, which are one batch."""
_COLUMNS = (
    "world",
    "water",
    "made by",
    "C2ST accuracy",
    "MMD2 beyond chance",
    "precision",
    "recall",
    "nearest parent",
    "noise SD / real",
)


def worlds() -> tuple[Elsewhere, ...]:
    """Return the worlds of the task elsewhere with unstable water, each without water before it."""
    unstable = [one for field in WORLDS.values() for one in field if one.water == UNSTABLE]
    names = [
        one.name.replace(", unstable water", "").replace(" and lipids", ", unstable lipids")
        for one in unstable
    ]
    return tuple(
        replace(one, name=name, water=water)
        for one, name in zip(unstable, names, strict=True)
        for water in (NONE, UNSTABLE)
    )


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`.

    Train on one half of each scan, make transients, and compare them with the other half.
    """
    transients, splits, most = _SIZES[profile]
    rng = np.random.default_rng([seed, 6])
    rows: list[list[str]] = []
    chosen = worlds()[:most]
    absent = []
    with one_thread():
        for world in tqdm(chosen, desc="worlds", leave=False, disable=None):
            world_scan = scan(world, SNR_PEAK, rng, n=transients)
            if world_scan is None:
                absent.append(world.name)
                continue
            subject = aligned(world.name, as_data(world_scan))
            for way, results in _compared(subject, splits, seed, rng).items():
                rows.append([world.name, world.water, way, *_cells(results)])
    method = _METHOD.format(transients=transients, splits=splits)
    lost = sorted(set(absent))
    remarks = f"No files at hand to make: {'; '.join(lost)}." if lost else ""
    return Page("Synthetic transients, elsewhere", method, [Table("## Likeness", _COLUMNS, rows)], remarks)


_METHOD = f"""\
A VAE of deviations on transients of other simulators: every world of the page [elsewhere](elsewhere.md) that has
unstable water, and the same world without water.

- A scan has {{transients}} transients, aligned; the highest peak of their metabolites is {SNR_PEAK:g} times the
  noise.
- *unstable*: five lines of water of their own in each transient, up to 30 times as high as the metabolites.
  Unstable lipids: three lines of their own in each.
- One half of a scan are the parents, on which alone the network is trained, as
  `train synthesise --architecture vae` does. Numbers are means over {{splits}} random splits into halves.
- Synthetic transients of each mode are compared with the other half, as on the page [synthesis](synthesis.md).
  *real transients*: the parents themselves beside the other half: no method can do better.
- Targets: C2ST at most 0.60, precision and recall at least 0.7, noise within 5 %, nearest near 1."""


def _compared(
    subject: Subject, splits: int, seed: int, rng: np.random.Generator
) -> dict[str, list[Likeness]]:
    results: dict[str, list[Likeness]] = {}
    for _ in range(splits):
        halves = split_in_halves(subject, rng)
        network = trained_on({name: pair[0] for name, pair in halves.items()}, _EPOCHS, seed)
        for parents, held_out in halves.values():
            floor = replace(likeness(parents, held_out, parents, rng), memory=1.0)
            results.setdefault("real transients", []).append(floor)
            for mode in MODES:
                fids = new_transients(network, parents.fids, subject.data, len(held_out.fids), mode, rng)
                measures = likeness(parents, held_out, replace(parents, fids=fids), rng)
                results.setdefault(mode, []).append(measures)
    return results


def _cells(results: Sequence[Likeness]) -> list[str]:
    beyond = sum(one.discrepancy.value > one.discrepancy.high for one in results)

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in results]))

    return [
        f"{np.mean([one.c2st.value for one in results]):.2f}",
        f"{beyond} of {len(results)}",
        *(f"{mean(name):.2f}" for name in ("precision", "recall", "memory")),
        f"{mean('noise'):.3f}",
    ]
