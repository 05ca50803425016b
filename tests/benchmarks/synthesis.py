"""The task ``synthesis``: what generative networks can do, and what they cannot."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.evaluation.likeness import Quantifier
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.card import Card, Score, TrainingRecipe, ValidRange
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.synthesis_models import DEFAULT_MODEL
from fsl_mrs_dl.steps.synthesise import labelled_spectra, spectra_of
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.concentrations import make_sets
from fsl_mrs_dl.train.synthesis_data import LabelledSpectra, training_basis
from fsl_mrs_dl.train.synthesis_evaluation import N_PATHS, N_REQUESTS, InterpolationPath, path_between, scores
from fsl_mrs_dl.train.training import DataSplit
from fsl_mrs_dl.train.trainings import training_of
from tests.benchmarks.synthesis_figures import (
    application_picture,
    embedding_picture,
    path_picture,
    reconstruction_picture,
)
from tests.benchmarks.synthesis_gain import GainSize, gain_tables
from tests.benchmarks.synthesis_likeness import likeness_table
from tests.benchmarks.synthesis_measured import measured_tables
from tests.benchmarks.synthesis_regions import region_table
from tests.benchmarks.synthesis_subjects import simulated_subjects, trained
from tests.benchmarks.synthesis_transfer import transfer_table
from tests.benchmarks.synthesis_transients import (
    amount_table,
    application,
    application_table,
    gaba_words,
    ways_of,
)
from tests.benchmarks.table import Page, Picture, Table

_SEED_MODEL = "synthesise-cvae-press-pcr-naa-1h-3t"
_SEED = ("PCr", "NAA")
_BASIS = "press_3t_te30"
_TARGETS = {
    "NRMSE of reconstruction": "< 5 small, < 2 paper",
    "R2 of fitted on requested": "> 0.95",
    "monotone paths": "1",
    "phase path, largest error at an end": "< 5",
    "linewidth path, largest error at an end": "< 1",
    "largest change of a concentration": "< 5",
}


@dataclass(frozen=True)
class SynthesisProfile:
    """How much a profile does."""

    samples: int
    epochs: int
    subjects: int
    transients: int
    vae_epochs: int
    numbers: tuple[int, ...]
    repeats: int
    spectra: int
    real: bool
    splits: int = 5
    gain: GainSize | None = None
    requests: int = N_REQUESTS
    paths: int = N_PATHS


_SIZES = {
    "smoke": SynthesisProfile(200, 1, 2, 16, 1, (4, 16), 1, 200, False, 1, None, 4, 2),
    "small": SynthesisProfile(
        6000, 60, 8, 160, 40, (10, 20, 40, 80, 160), 5, 10000, True, 5, GainSize(1500, 20, 5, 500)
    ),
    # The trainings of the paper; judged as in small.
    "paper": SynthesisProfile(
        24000, 200, 48, 160, 100, (10, 20, 40, 80, 160), 5, 10000, True, 5, GainSize(1500, 20, 5, 500)
    ),
}


def run(profile: str, seed: int) -> Page:
    """Measure generative networks on simulated subjects and, where they are at hand, on measured transients."""
    size = _SIZES[profile]
    rng = np.random.default_rng(seed)
    spent: dict[str, float] = {}
    networks = _networks(size, profile, seed, spent)
    cvaes = {
        name: (network, make_sets(_BASIS, metabolites, max(size.samples // 12, 20), seed + 1).test)
        for name, (network, metabolites) in networks.items()
    }
    tables, pictures = _cvae(size, seed, networks, cvaes)
    of_vae = _vae(size, rng, seed, cvaes, spent)
    measured = measured_tables(size.real, size.splits, size.repeats, rng, seed)
    for sample, drawn in (of_vae, measured):
        tables += sample
        pictures += drawn
    if size.gain is not None:
        tables += gain_tables(DEFAULT_MODEL, size.gain, seed)
    return Page("Synthesis", _METHOD, tables, f"{_REMARKS}\n\n{_sizes_in_words(profile, spent)}", pictures)


_METHOD = (
    "A cVAE makes spectra from concentrations; they are judged by a fit with the same basis set. VAEs are "
    "trained on aligned ON and OFF transients of semi-synthetic subjects (MEGA-PRESS, 3 T, drift and "
    "residual water). The last subject is left out of the training. There are two kinds. A VAE of `whole "
    "spectra` is fully connected as published, with the repairs of noise and of amounts. A VAE of "
    "`deviations`, the default, keeps the average of the parents and learns how each transient deviates from "
    "it. Half of the transients are the parents of synthetic ones; the synthetic ones are compared with the "
    "other half. Features are the complex spectra from 0.5 to 4.2 ppm, summed over windows of 0.3 ppm. Rows "
    "named `real transients` compare the two real halves: no method can do better."
)
_REMARKS = (
    "Synthetic copies add no information to an average. A VAE of deviations shows this directly: the average "
    "of a subset and its copies has no smaller error against the full set than the subset alone. A VAE of "
    "whole spectra replaces each transient by one that resembles the subjects of its training; the row "
    "`reconstruction` does so without any copies. This removes noise and adds a bias: with few transients "
    "the average comes closer to the full set, with many it moves away, and it is wrong about anything the "
    "training did not contain. Height over noise rises for the same reason, most without the repair of "
    "noise. It does not measure information."
)


def _cvae(
    size: SynthesisProfile,
    seed: int,
    networks: dict[str, tuple[SynthesisNetwork, tuple[str, ...] | None]],
    cvaes: dict[str, tuple[SynthesisNetwork, LabelledSpectra]],
) -> tuple[list[Table], list[Picture]]:
    columns, rows = ["measure", "target"], {}
    pictures: list[Picture] = []
    results: dict[str, tuple[Score, ...]] = {}
    for name, (network, metabolites) in networks.items():
        results[name] = scores(network, cvaes[name][1], seed, n_requests=size.requests, n_paths=size.paths)
        columns += [name, "mixing spectra, or fit of simulated ones"]
        if metabolites and not pictures:
            basis = training_basis(_BASIS, metabolites)
            ours, mixed = _ways(network, basis, size, seed)
            pictures.append(path_picture(ours, mixed, basis))
    units = {score.metric: score.unit for scored in results.values() for score in scored}
    names = [score.metric for score in max(results.values(), key=len)]
    names += [score.metric for scored in results.values() for score in scored if score.metric not in names]
    for metric in dict.fromkeys(names):
        target = next((text for key, text in _TARGETS.items() if key in metric), "")
        rows[metric] = [f"{metric} ({units[metric]})", target]
        for scored in results.values():
            one = next((score for score in scored if score.metric == metric), None)
            rows[metric] += ["", ""] if one is None else [_number(one.value), _number(one.baseline)]
    table = Table(
        "cVAE: each measure is the mean or the extreme over the cases that its card describes.",
        columns,
        list(rows.values()),
    )
    first = next(iter(networks.values()))[0]
    quick = _speed(
        size, {name: network for name, (network, _) in networks.items() if network.kind == "physics"}
    )
    return [table, transfer_table(first, _SEED, size.samples // 3, seed), quick], pictures


def _ways(
    network: SynthesisNetwork, basis: Basis, size: SynthesisProfile, seed: int
) -> tuple[list[InterpolationPath], list[InterpolationPath]]:
    """Return ways through the latent space, and by mixing spectra."""
    ours, mixed = (
        [
            path_between(network, basis, kind, np.random.default_rng(seed), latent=latent, n_paths=size.paths)
            for kind in ("phase", "linewidth")
        ]
        for latent in (True, False)
    )
    return ours, mixed


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _trained(sets: DataSplit[LabelledSpectra], decoder: str, epochs: int, seed: int) -> SynthesisNetwork:
    more: dict[str, Any] = {
        "epochs": epochs,
        "batch": 128,
        "lr": 2e-3,
        "patience": 0,
        "seed": seed,
        "decoder": decoder,
    }
    training = training_of(resolved("cvae", **more))
    network, _ = training.begin(sets)
    training.fit(network, sets, training.settings)
    assert isinstance(network, SynthesisNetwork)
    return network


def _networks(
    size: SynthesisProfile, profile: str, seed: int, spent: dict[str, float]
) -> dict[str, tuple[SynthesisNetwork, tuple[str, ...] | None]]:
    """Return the shipped networks, or quick ones for a smoke test, and one of the other decoder."""
    sets = make_sets(_BASIS, _SEED, size.samples, seed)
    began = time.perf_counter()
    plain = _trained(sets, "spectrum", size.epochs, seed)
    spent["cVAE"] = time.perf_counter() - began
    networks: dict[str, tuple[SynthesisNetwork, tuple[str, ...] | None]] = {}
    if profile == "smoke":
        networks["PCr+NAA, physics"] = (_trained(sets, "physics", size.epochs, seed), _SEED)
    else:
        for label, name, metabolites in (
            ("PCr+NAA, physics", _SEED_MODEL, _SEED),
            ("all metabolites, physics", DEFAULT_MODEL, None),
        ):
            try:
                network = load(name).network
            except ModelError:
                continue
            assert isinstance(network, SynthesisNetwork)
            networks[label] = (network, metabolites)
    networks["PCr+NAA, spectrum"] = (plain, _SEED)
    return networks


def _speed(size: SynthesisProfile, networks: dict[str, SynthesisNetwork]) -> Table:
    rows = []
    for name, network in networks.items():
        rng = np.random.default_rng(0)
        low, high = network.lowest.numpy(), network.highest.numpy()
        amounts = rng.uniform(low, high, (size.spectra, len(low)))
        moved = network.on_points(1024, 5e-4)
        began = time.perf_counter()
        fids = spectra_of(moved, amounts, 1024, 5e-4, rng)
        in_memory = time.perf_counter() - began
        broken = str(int((~np.isfinite(fids).all(axis=1)).sum()))
        data = MRSData(np.zeros((1, 1, 1, 1024), np.complex64), 5e-4, network.spectrometer_frequency_mhz)
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            simulated = labelled_spectra(moved, _bare_card(), data, size.spectra, (), None, rng, seed=0)
            nifti.write(simulated, Path(folder) / "made.nii")
        written = time.perf_counter() - began
        of = f"{name}, {len(low)} metabolites"
        rows.append([of, "in memory", f"{in_memory:.2f}", "< 2 for 10 000", broken])
        rows.append(
            [of, "made and written, uncompressed NIfTI-MRS", f"{written:.2f}", "< 10 for 10 000", broken]
        )
    caption = (
        f"Speed: {size.spectra} spectra of 1024 points, {threads()} threads; their accuracy stands above. "
        "Not finite: spectra with a value that is not a number."
    )
    return Table(caption, ("network", "what", "s", "target (s)", "not finite"), rows)


def threads() -> int:
    """Return how many threads PyTorch uses."""
    import torch

    return torch.get_num_threads()


def _bare_card() -> Card:
    """Return a card that says nothing, for networks that come from no package."""
    valid = ValidRange("1H", (0.0, 1e4), (0.0, 1.0), (0.0, 1e4))
    recipe = TrainingRecipe("", 0, "", "", 0.0)
    return Card("speed", "0", "synthesise", "cvae", {}, (), (), valid, recipe, (), "", "")


def _vae(
    size: SynthesisProfile,
    rng: np.random.Generator,
    seed: int,
    cvaes: dict[str, tuple[SynthesisNetwork, LabelledSpectra]],
    spent: dict[str, float],
) -> tuple[list[Table], list[Picture]]:
    subjects = simulated_subjects(size.subjects, size.transients, rng)
    learned = [one.data for one in subjects[:-1]]
    began = time.perf_counter()
    ours = trained(learned, size.vae_epochs, seed)
    published = trained(learned, size.vae_epochs, seed, "spectrum")
    spent["VAE"] = time.perf_counter() - began
    shown = [subjects[0], subjects[-1]]
    regions = region_table(cvaes, {"deviations": ours, "whole spectra": published}, shown)
    caption = (
        f"Likeness, semi-synthetic: {subjects[-1].name} was not seen in training, {subjects[0].name} was. "
        f"Means over {size.splits} random splits of {size.transients} transients of each condition into "
        "halves; the interval is that of one split. Targets: C2ST at most 0.60, precision and recall over "
        "0.6 small, 0.8 paper, noise within 5 %, nearest near 1."
    )
    tables = likeness_table(caption, lambda parents: ours, published, shown, size.splits, rng)
    amounts = amount_table(ways_of(ours, published), subjects, rng)
    judge = Quantifier(read_basis(shipped_basis("mega-press_3t_te68_diff")), subjects[-1].data)
    steps = application(
        lambda subset: ways_of(ours, published), subjects[-1], size.numbers, size.repeats, rng, judge=judge
    )
    caption = (
        f"Application, semi-synthetic subject that was not seen: subsets of n of {size.transients} "
        f"transients of each condition, alone and augmented to {size.transients}, against the average of "
        f"all; means over {size.repeats} subsets. GABA+: root mean square deviation of the fit of DIFF from "
        f"that of the full set.{gaba_words(subjects[-1], judge)}"
    )
    pictures = [
        reconstruction_picture(ours, shown),
        embedding_picture(ours, shown, rng),
        application_picture(steps, "application", "Semi-synthetic subject"),
    ]
    return [regions, tables, amounts, application_table(steps, caption, ("ON", "OFF", "DIFF"))], pictures


def _sizes_in_words(profile: str, spent: dict[str, float]) -> str:
    """Return how large the trainings of the page were, and how long those of the profile paper would take."""
    size, paper = _SIZES[profile], _SIZES["paper"]
    text = (
        f"Trained: the cVAE on {size.samples} spectra x {size.epochs} epochs in {spent['cVAE'] / 60:.1f} "
        f"minutes, the two VAEs on {size.subjects - 1} subjects x {2 * size.transients} transients x "
        f"{size.vae_epochs} epochs in {spent['VAE'] / 60:.1f} minutes."
    )
    if size == paper:
        return text
    longer = {
        "cVAE": paper.samples * paper.epochs / (size.samples * size.epochs),
        "VAE": (paper.subjects - 1)
        * paper.transients
        * paper.vae_epochs
        / ((size.subjects - 1) * size.transients * size.vae_epochs),
    }
    hours = sum(spent[name] * longer[name] for name in longer) / 3600
    return f"{text} The trainings of the profile `paper` would take {hours:.2g} hours, by these."
