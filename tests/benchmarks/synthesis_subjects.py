"""Scans for the task synthesis: semi-synthetic or measured, aligned, and networks trained on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.evaluation.likeness import Sample, samples_of
from fsl_mrs_dl.io.transient_sets import set_scale
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.models.synthesis_deviations import DeviationNetwork
from fsl_mrs_dl.steps.align import align, corrected_fids
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.synthesis_transients import TransientCollection, joined_sets, subject, transients_of
from fsl_mrs_dl.train.trainings import training_of
from fsl_mrs_dl.train.transients import SplitTransients

CONDITIONS = ("ON", "OFF")
Generative = SynthesisNetwork | DeviationNetwork


@dataclass(frozen=True, eq=False)
class Subject:
    """One scan, its transients aligned, ON and OFF.

    Attributes
    ----------
    name : str
    data : MRSData
    on, off : Sample
    clean : tuple of ndarray, complex, shape (transient, time), or None
        ON and OFF without noise, moved by the same shifts and phases; of a simulated scan.
    """

    name: str
    data: MRSData
    on: Sample
    off: Sample
    clean: tuple[Complex, Complex] | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """``ON`` and ``OFF``; of a scan without editing the empty word."""
        return CONDITIONS if self.on is not self.off else ("",)

    def condition(self, name: str) -> Sample:
        """Return the transients of ``ON`` or ``OFF``."""
        return self.on if name == "ON" else self.off


def aligned(name: str, data: MRSData, clean: Complex | None = None) -> Subject:
    """Return a scan after ``align``; one without DIM_EDIT is both ON and OFF."""
    alignment = align(data)
    parts = samples_of(replace(alignment.data, name=name))
    true = None
    if clean is not None and alignment.estimates is not None:
        moved = corrected_fids(data.with_fid(clean), alignment.estimates)
        noiseless = samples_of(alignment.data.with_fid(moved))
        true = (noiseless[0].fids, noiseless[-1].fids)
    return Subject(name, alignment.data, parts[0], parts[-1], true)


def simulated_subjects(n: int, n_transients: int, rng: np.random.Generator) -> list[Subject]:
    """Return semi-synthetic subjects, aligned."""
    simulated = (subject(n_transients, rng) for _ in range(n))
    return [aligned(f"subject {i + 1}", one.data, one.clean) for i, one in enumerate(simulated)]


def trained(subjects: Sequence[MRSData], epochs: int, seed: int, decoder: str = "physics") -> Generative:
    """Return a VAE trained on the transients of some subjects."""
    batch = 128 if decoder == "physics" else 64
    return _trained(transients_of(subjects), epochs, seed, batch, decoder)


def trained_on(samples: Mapping[str, Sample], epochs: int, seed: int) -> Generative:
    """Return a VAE of deviations trained on no more than the transients given, a sample a condition."""
    several = list(samples.values())
    parts = [sample.fids / set_scale(sample.fids) for sample in several]
    return _trained(joined_sets(parts, several[0].data, ""), epochs, seed, 128, "physics")


def _trained(transients: TransientCollection, epochs: int, seed: int, batch: int, decoder: str) -> Generative:
    more: dict[str, Any] = {
        "epochs": epochs,
        "seed": seed,
        "batch": batch,
        "decoder": decoder,
        "lr": 2e-3,
        "patience": 0,
    }
    training = training_of(resolved("vae", **more))
    sets = SplitTransients.of(transients, seed)
    network, _ = training.begin(sets)
    training.fit(network, sets, training.settings)
    assert isinstance(network, Generative)
    return network


def split_in_halves(one: Subject, rng: np.random.Generator) -> dict[str, tuple[Sample, Sample]]:
    """Return of each condition one half of the transients, drawn by lot, and the other half."""
    parts = {}
    for name in one.conditions:
        sample = one.condition(name)
        order = rng.permutation(len(sample.fids))
        first, second = np.array_split(order, 2)
        parts[name] = (replace(sample, fids=sample.fids[first]), replace(sample, fids=sample.fids[second]))
    return parts
