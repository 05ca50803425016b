"""The task ``synthesis``: what generative networks can do, and what they cannot."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsl_mrs_dl.benchmark.realdata import data_folder
from fsl_mrs_dl.benchmark.synthesis_compare import Quantifier
from fsl_mrs_dl.benchmark.synthesis_figures import (
    application_picture,
    embedding_picture,
    path_picture,
    reconstruction_picture,
)
from fsl_mrs_dl.benchmark.synthesis_transfer import transfer_table
from fsl_mrs_dl.benchmark.synthesis_transients import (
    LIKENESS_COLUMNS,
    Subject,
    aligned,
    amount_table,
    application,
    application_table,
    likeness_rows,
    simulated_subjects,
    trained,
)
from fsl_mrs_dl.benchmark.table import NOT_RUN, Page, Picture, Table
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.card import Card, Recipe, Score, ValidRange
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.coilcombine import coilcombine
from fsl_mrs_dl.steps.synthesis_models import DEFAULT_MODEL
from fsl_mrs_dl.steps.synthesise import labelled_spectra, spectra_of
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.synthesis_command import make_sets, train_cvae
from fsl_mrs_dl.train.synthesis_data import training_basis
from fsl_mrs_dl.train.synthesis_evaluation import N_PATHS, N_REQUESTS, Way, path_between, scores

_SEED_MODEL = "synthesise-cvae-press-pcr-naa-1h-3t"
_SEED = ("PCr", "NAA")
_FEW_EPOCHS = 1000
"""For a scan of tens of transients, which are one batch."""
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
class Size:
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
    requests: int = N_REQUESTS
    paths: int = N_PATHS


_SIZES = {
    "smoke": Size(200, 1, 2, 16, 1, (4, 16), 1, 200, False, 4, 2),
    "small": Size(6000, 60, 8, 160, 30, (10, 20, 40, 80, 160), 5, 10000, True),
    "paper": Size(24000, 200, 48, 160, 100, (10, 20, 40, 80, 160), 20, 10000, True),
}


def run(profile: str, seed: int) -> Page:
    """Measure generative networks on simulated subjects and, where they are at hand, on measured transients."""
    size = _SIZES[profile]
    rng = np.random.default_rng(seed)
    tables, pictures = _cvae(size, profile, seed)
    for made, drawn in (_vae(size, rng, seed), _measured(size, rng, seed)):
        tables += made
        pictures += drawn
    return Page("Synthesis", _METHOD, [*tables, *_others(profile)], _REMARKS, pictures)


_METHOD = (
    "A cVAE makes spectra of concentrations; the fit judges them with the same basis set. A VAE is trained on "
    "aligned ON and OFF transients of semi-synthetic subjects (MEGA-PRESS, 3 T, drift and residual water) but for "
    "the last one, which it never saw. Of each set one half are parents of synthetic transients, the other half "
    "real ones to compare with. Features are the complex spectra from 0.5 to 4.2 ppm, summed over windows of "
    "0.3 ppm. Rows named `real transients` compare the two real halves: what is possible."
)
_REMARKS = (
    "Averaging decoded copies adds no information. The rows `reconstruction of the subset` average each transient "
    "decoded once, with no copies at all: compare the error of the augmented averages with theirs. Where both are "
    "nearer to the full set than the subset alone, it is the network that takes noise off with what it knows of "
    "other subjects; where they are farther, what it does not know of this one is missing. Height over noise "
    "rises for the same reason, most without the repair of noise, and is no measure of what is known."
)


def _cvae(size: Size, profile: str, seed: int) -> tuple[list[Table], list[Picture]]:
    columns, rows = ["measure", "target"], {}
    pictures: list[Picture] = []
    networks = _networks(size, profile, seed)
    found: dict[str, tuple[Score, ...]] = {}
    for name, (network, metabolites) in networks.items():
        sets = make_sets(_BASIS, metabolites, max(size.samples // 12, 20), seed + 1)
        found[name] = scores(network, sets.test, seed, n_requests=size.requests, n_paths=size.paths)
        columns += [name, "mixing spectra, or fit of simulated ones"]
        if metabolites and not pictures:
            basis = training_basis(_BASIS, metabolites)
            ours, mixed = _ways(network, basis, size, seed)
            pictures.append(path_picture(ours, mixed, basis))
    units = {score.metric: score.unit for scored in found.values() for score in scored}
    names = [score.metric for score in max(found.values(), key=len)]
    names += [score.metric for scored in found.values() for score in scored if score.metric not in names]
    for metric in dict.fromkeys(names):
        target = next((text for key, text in _TARGETS.items() if key in metric), "")
        rows[metric] = [f"{metric} ({units[metric]})", target]
        for scored in found.values():
            one = next((score for score in scored if score.metric == metric), None)
            rows[metric] += ["", ""] if one is None else [_number(one.value), _number(one.baseline)]
    table = Table("cVAE: means or extremes over the cases that the card names.", columns, list(rows.values()))
    first = next(iter(networks.values()))[0]
    return [table, transfer_table(first, _SEED, size.samples // 3, seed), _speed(size, first)], pictures


def _ways(network: SynthesisNetwork, basis: Basis, size: Size, seed: int) -> tuple[list[Way], list[Way]]:
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


def _networks(
    size: Size, profile: str, seed: int
) -> dict[str, tuple[SynthesisNetwork, tuple[str, ...] | None]]:
    """Return the shipped networks, or quick ones for a smoke test, and one of the other decoder."""
    settings = Settings(size.epochs, 128, 2e-3, 0, seed, anneal=True)
    sets = make_sets(_BASIS, _SEED, size.samples, seed)
    plain, _, _ = train_cvae(sets, "spectrum", settings, (512, 256, 128))
    networks: dict[str, tuple[SynthesisNetwork, tuple[str, ...] | None]] = {}
    if profile == "smoke":
        quick, _, _ = train_cvae(sets, "physics", settings)
        networks["PCr+NAA, physics"] = (quick, _SEED)
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


def _speed(size: Size, network: SynthesisNetwork) -> Table:
    rng = np.random.default_rng(0)
    low, high = network.lowest.numpy(), network.highest.numpy()
    amounts = rng.uniform(low, high, (size.spectra, len(low)))
    moved = network.on_points(1024, 5e-4)
    began = time.perf_counter()
    spectra_of(moved, amounts, 1024, 5e-4, rng)
    in_memory = time.perf_counter() - began
    data = MRSData(np.zeros((1, 1, 1, 1024), np.complex64), 5e-4, network.spectrometer_frequency_mhz)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = labelled_spectra(moved, _bare_card(), data, size.spectra, (), None, rng, seed=0)
        nifti.write(made, Path(folder) / "made.nii")
    written = time.perf_counter() - began
    rows = [
        ["in memory", f"{in_memory:.2f}", "< 2 for 10 000", "0"],
        ["made and written, uncompressed NIfTI-MRS", f"{written:.2f}", "< 10 for 10 000", "0"],
    ]
    caption = (
        f"Speed: {size.spectra} spectra of 1024 points, {len(low)} metabolites; their accuracy stands above."
    )
    return Table(caption, ("what", "s", "target (s)", "not finite"), rows)


def _bare_card() -> Card:
    """Return a card that says nothing, for networks that come from no package."""
    valid = ValidRange("1H", (0.0, 1e4), (0.0, 1.0), (0.0, 1e4))
    recipe = Recipe("", 0, "", "", 0.0)
    return Card("speed", "0", "synthesise", "cvae", {}, (), (), valid, recipe, (), "", "")


def _vae(size: Size, rng: np.random.Generator, seed: int) -> tuple[list[Table], list[Picture]]:
    subjects = simulated_subjects(size.subjects, size.transients, rng)
    network = trained([one.data for one in subjects[:-1]], size.vae_epochs, seed)
    shown = [subjects[0], subjects[-1]]
    told = Table(
        f"Likeness, semi-synthetic: {subjects[-1].name} was not seen in training, {subjects[0].name} was.",
        LIKENESS_COLUMNS,
        list(likeness_rows(network, shown, rng)),
    )
    amounts = [amount_table(network, subjects, rng, amounts=repaired) for repaired in (True, False)]
    judge = Quantifier(read_basis(shipped_basis("mega-press_3t_te68_diff")), subjects[-1].data)
    steps = application(network, subjects[-1], size.numbers, size.repeats, rng, judge=judge)
    caption = (
        f"Application, semi-synthetic subject that was not seen: subsets of n of {size.transients} transients of "
        f"each condition, alone and augmented to {size.transients}, against the average of all; means over "
        f"{size.repeats} subsets. GABA+: root mean square deviation of the fit of DIFF from that of the full set."
    )
    pictures = [
        reconstruction_picture(network, shown),
        embedding_picture(network, shown, rng),
        application_picture(steps, "application", "Semi-synthetic subject"),
    ]
    return [told, *amounts, application_table(steps, caption, ("ON", "OFF", "DIFF"))], pictures


def _measured(size: Size, rng: np.random.Generator, seed: int) -> tuple[list[Table], list[Picture]]:
    """Return the same tables of measured transients, half of which train the VAE."""
    tables: list[Table] = []
    pictures: list[Picture] = []
    for name, numbers in (("mega_press_drift_3t", (5, 10, 20)), ("steam_7t", (4, 8, 16))):
        one = _subject(name) if size.real else None
        if one is None:
            caption = f"Likeness, {name}: {NOT_RUN} (no file at hand, or profile smoke)."
            tables.append(Table(caption, ("subject",), ()))
            continue
        network = trained([one.data], _FEW_EPOCHS, seed)
        caption = f"Likeness, measured, {name}: trained on all its {len(one.on.fids)} transients a set."
        tables.append(Table(caption, LIKENESS_COLUMNS, list(likeness_rows(network, [one], rng))))
        edited = one.on is not one.off
        judge = None
        if edited:
            judge = Quantifier(read_basis(shipped_basis("mega-press_3t_te68_diff")), one.data)
        steps = application(network, one, numbers, size.repeats, rng, judge=judge)
        caption = (
            f"Application, measured, {name}: subsets of n transients of a set that the network has seen."
        )
        tables.append(application_table(steps, caption, ("ON", "OFF", "DIFF") if edited else ("ON",)))
        if edited:
            pictures.append(application_picture(steps, f"application-{name.replace('_', '-')}", name))
    return tables, pictures


def _subject(name: str) -> Subject | None:
    """Return a measured scan, coils combined and aligned, or None where it is not at hand."""
    folder = data_folder() / "invivo" / name
    path = next((p for p in (folder / "metab_raw.nii.gz", folder / "metab.nii.gz") if p.exists()), None)
    if path is None:
        return None
    data = nifti.read(path)
    if "DIM_COIL" in data.dim_tags:
        reference = nifti.read(folder / "wref_raw.nii.gz")
        data = coilcombine(data, reference=reference).data
    return aligned(name, data)


def _others(profile: str) -> list[Table]:
    rows = [[name, "this page" if name == profile else NOT_RUN] for name in _SIZES]
    return [Table("Profiles.", ("profile", "run"), rows)]
