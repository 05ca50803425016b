"""Task ``speed``: ms a spectrum, accuracy, coverage and failures of each way to quantify MRSI, in one run."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from fsl_mrs_dl import fslmrs
from fsl_mrs_dl.data import FLAGS, REPLACED, MRSData, Real
from fsl_mrs_dl.physics import add_noise, fid_to_spectrum
from fsl_mrs_dl.physics.resample import resample
from fsl_mrs_dl.steps.quantify import quantify
from tests.benchmarks.one_thread import one_thread
from tests.benchmarks.speed_batch import measure
from tests.benchmarks.table import Page, Table, fslmrs_words
from tests.benchmarks.worlds.design import worlds
from tests.benchmarks.worlds.judged import true_ratios
from tests.benchmarks.worlds.settings import CREATINES, by_fsl_mrs, prior_without, shipped
from tests.benchmarks.worlds.spins import DWELLTIME_S
from tests.benchmarks.worlds.world import World, WorldSample, make

POINTS, MRSI_DWELLTIME_S = 512, 7e-4
"""Sampling of the spectra: 0.36 s at 1430 Hz, as MRSI is sampled."""
SNR_F = (15.0, 30.0)
"""Range of the SNR_f, as of MRSI."""
FIT, AMORTISED, RIVAL = "fit + posterior", "amortised", "FSL-MRS, Newton, poly 2"
SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {FIT: {}, AMORTISED: {"method": "amortised"}, "`--no_posterior`": {"no_posterior": True}}
)
"""Name -> keyword arguments of ``quantify``."""
NAMES = ("NAA+NAAG", "GPC+PCh", "Ins", "Glu+Gln")
"""Ratios to total creatine whose errors are shown."""
WORLDS = (
    "centre",
    "MM povazan_2015",
    "MM none",
    "shim",
    "wide",
    "spins press_15_15",
    "lipid",
    "water",
    "combination 3",
)
"""Worlds of the tables: one of each kind of difference between a spectrum and its model."""
_FAILED = ("nonfinite", "zero", "no_convergence", "out_of_range")


@dataclass(frozen=True)
class SpeedProfile:
    """Number of spectra a world, number that FSL-MRS fits, names of the worlds, and seconds of each timing."""

    spectra: int
    rival: int
    worlds: Sequence[str]
    seconds: float


PROFILES = {
    "smoke": SpeedProfile(3, 1, WORLDS[:1], 0.5),
    "small": SpeedProfile(24, 2, ("centre", "MM povazan_2015", "wide", "water"), 5.0),
    "paper": SpeedProfile(200, 20, WORLDS, 60.0),
}


@dataclass(frozen=True, eq=False)
class Answers:
    """What one way makes of the spectra of one world.

    Attributes
    ----------
    error : mapping of str to ndarray, float, shape (n,)
        Absolute error of each of :data:`NAMES`, over the mean of the truth.
    covered : ndarray, bool, shape (n, metabolite)
        Whether 95 % intervals hold the truth; no column where there are none.
    failed, replaced : ndarray, bool, shape (n,)
    verdict : ndarray, int, shape (n,)
    milliseconds : float
        Processor time of a spectrum.
    """

    error: Mapping[str, Real]
    covered: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    replaced: NDArray[np.bool_]
    verdict: NDArray[np.integer]
    milliseconds: float


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    chosen = PROFILES[profile]
    answers: dict[str, dict[str, Answers]] = {}
    with one_thread():
        for world in tqdm(worlds("small"), desc="worlds", leave=False, disable=None):
            if world.name in chosen.worlds and world.there():
                answers[world.name] = _of_world(world, chosen, seed)
        device = [measure(POINTS, 8e-4, 128, chosen.seconds)]
        if device[0]["device"].startswith("CPU"):
            device.append({"device": "GPU"})
    tables = [_summary(answers), _by_world(answers), _device_table(device)]
    return Page("The time of MRSI, and what it costs in accuracy", _METHOD, tables, fslmrs_words())


_METHOD = f"""\
Spectra of {POINTS} points of {MRSI_DWELLTIME_S * 1e3:g} ms and an SNR_f of {SNR_F[0]:g} to {SNR_F[1]:g} from
[worlds](worlds.md) that neither the fit nor the network was made for: other macromolecules (those that the prior
must not know are taken out of it), spin simulations, lineshapes, lipid, residual water. All ways quantify the same
spectra, through the Python function of the command `quantify`. Errors are those of ratios to total creatine, over
the mean of the truth: of the posterior mean, or of the estimate where there is no posterior. ms is processor time
of one thread for a spectrum, with curves, quality measures and verdict. *Sent back* are the voxels that `--method
amortised` gives to the whole fit."""


def mrsi_like(simulated: WorldSample, rng: np.random.Generator) -> MRSData:
    """Return the spectra of a world at the points and the SNR of MRSI."""
    clean, own = (
        resample(fids, DWELLTIME_S, POINTS, MRSI_DWELLTIME_S)
        for fids in (simulated.clean, simulated.metabolites)
    )
    height, n = np.abs(fid_to_spectrum(own)).max(axis=1), len(clean)
    snr_f = np.exp(rng.uniform(np.log(SNR_F[0]), np.log(SNR_F[1]), n))
    noisy = add_noise(clean, height / snr_f, rng).reshape(n, 1, 1, POINTS)
    return MRSData(noisy, MRSI_DWELLTIME_S, simulated.data.spectrometer_frequency_mhz)


def _of_world(world: World, chosen: SpeedProfile, seed: int) -> dict[str, Answers]:
    """Return what each way makes of the spectra of a world."""
    rng = np.random.default_rng([seed, *world.name.encode()])
    simulated = make(world, chosen.spectra, rng)
    data, truth = mrsi_like(simulated, rng), true_ratios(simulated.truth)
    answers = {name: _ours(data, world, truth, options) for name, options in SETTINGS.items()}
    if fslmrs.available():
        n = chosen.rival
        first = data.with_fid(data.fid[:n])
        started = time.process_time()
        ratios = by_fsl_mrs(first, world.fitted, "poly, 2")
        spent = time.process_time() - started
        none = np.zeros((n, 0), dtype=bool)
        answers[RIVAL] = Answers(
            {name: _error(ratios.likelihood[name], truth[name][:n]) for name in NAMES},
            none,
            ratios.failed,
            np.zeros(n, dtype=bool),
            np.zeros(n, dtype=int),
            1e3 * spent / n,
        )
    return answers


def _ours(data: MRSData, world: World, truth: Mapping[str, Real], options: Mapping[str, Any]) -> Answers:
    """Return what one setting of ``quantify`` makes of spectra."""
    basis, n = shipped(world.fitted), data.fid.shape[0]
    with prior_without(world.mm):
        quantify(data.with_fid(data.fid[:2]), basis=basis, **options)  # what is computed once
        started = time.process_time()
        result = quantify(data, basis=basis, **options).outcome
        spent = time.process_time() - started
    assert result is not None
    assert result.verdict is not None
    scaled = result.scaled["internal"]
    values = scaled.extra.get("posterior_mean", scaled.value)
    single = [name for name in truth if "+" not in name]
    covered = np.zeros((n, 0), dtype=bool)
    if scaled.extra:
        at = [result.column(name) for name in single]
        low, high = (scaled.extra[f"ci95_{end}"][:, at] for end in ("low", "high"))
        true = np.stack([truth[name] for name in single], axis=1)
        covered = (low <= true) & (true <= high)
    failed = sum(1 << FLAGS[token].bit for token in _FAILED)
    unusable = ~np.isfinite(scaled.value[:, [result.column(name) for name in CREATINES]]).all(axis=1)
    return Answers(
        {name: _error(values[:, result.column(name)], truth[name]) for name in NAMES},
        covered,
        unusable | (result.flags & failed != 0),
        result.flags & (1 << FLAGS[REPLACED].bit) != 0,
        result.verdict,
        1e3 * spent / n,
    )


def _error(values: Real, truth: Real) -> Real:
    """Return absolute errors over the mean of the truth; of what has no value all of it."""
    error: Real = np.abs(np.where(np.isfinite(values), values, 0.0) - truth) / truth.mean()
    return error


def _summary(answers: Mapping[str, Mapping[str, Answers]]) -> Table:
    """Return one row for each way, over all worlds."""
    columns = ["way", "n", "ms", *(f"{name}, error %" for name in NAMES), "error / fit's", "95 % covers"]
    columns += ["failures", "sent back", "same verdict"]
    caption = "All worlds together. *Error / fit's*: on the same spectra, mean of the four ratios."
    rows = []
    for way in (*SETTINGS, RIVAL):
        here = {world: ways for world, ways in answers.items() if way in ways}
        if not here:
            rows.append([way])
            continue
        each = [ways[way] for ways in here.values()]
        n = sum(len(one.failed) for one in each)
        error = [np.concatenate([one.error[name] for one in each]).mean() for name in NAMES]
        fits = [
            np.concatenate([ways[FIT].error[name][: len(ways[way].failed)] for ways in here.values()]).mean()
            for name in NAMES
        ]
        covered = [one.covered for one in each if one.covered.shape[1]]
        alike = np.concatenate(
            [ways[FIT].verdict[: len(ways[way].failed)] == ways[way].verdict for ways in here.values()]
        )
        ours = way in SETTINGS
        rows.append(
            [
                way,
                str(n),
                f"{np.mean([one.milliseconds for one in each]):.1f}",
                *(f"{100 * value:.1f}" for value in error),
                f"{np.mean([a / b for a, b in zip(error, fits, strict=True)]):.2f}",
                f"{100 * np.mean([one.mean() for one in covered]):.1f} %" if covered else "-",
                f"{100 * np.concatenate([one.failed for one in each]).mean():.1f} %",
                f"{100 * np.concatenate([one.replaced for one in each]).mean():.1f} %" if ours else "-",
                f"{100 * alike.mean():.0f} %" if ours else "-",
            ]
        )
    return Table.filled(caption, columns, rows)


def _by_world(answers: Mapping[str, Mapping[str, Answers]]) -> Table:
    """Return error, coverage and share sent back in each world, of the fit and of the amortised estimate."""
    columns = ["world", "error %, fit", "amortised", "ratio", "95 % covers, fit", "amortised", "sent back"]
    caption = "Each world: mean error of the four ratios."
    rows = []
    for name in answers:
        both = [answers[name][way] for way in (FIT, AMORTISED)]
        error = [float(np.mean([one.error[ratio].mean() for ratio in NAMES])) for one in both]
        covered = [f"{100 * one.covered.mean():.1f} %" for one in both]
        back = f"{100 * both[1].replaced.mean():.0f} %"
        rows.append(
            [name, *(f"{100 * value:.1f}" for value in error), f"{error[1] / error[0]:.2f}", *covered, back]
        )
    return Table.filled(caption, columns, rows)


def _device_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return voxels a second of start, estimate and intervals alone."""
    columns = [
        "device",
        "points",
        "voxels at once",
        "voxels/s",
        "ms a voxel",
        "start",
        "estimate",
        "intervals",
    ]
    caption = (
        "Start, estimate and intervals alone, of voxels in memory: without curves, quality measures and verdict. "
        f"PyTorch {torch.__version__}. On a CPU processor time of one thread, on a GPU wall time."
    )
    return Table.filled(
        caption,
        columns,
        [
            [row["device"]]
            if "points" not in row
            else [
                row["device"],
                str(row["points"]),
                str(row["batch"]),
                str(row["voxels_per_s"]),
                f"{row['ms_per_voxel']:.3f}",
                *(f"{100 * row[f'{part}_share']:.0f} %" for part in ("start", "estimate", "intervals")),
            ]
            for row in rows
        ],
    )
