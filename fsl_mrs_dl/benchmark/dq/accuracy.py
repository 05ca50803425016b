"""Tables of accuracy: networks, fits, bounds, and the order of nMM, pMM and rpMM."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.benchmark.dq.plans import (
    SIX,
    NotTrainedError,
    Plan,
    Profile,
    Store,
    Trained,
    basis_of_tables,
    basis_on_points,
    line_plans,
    main_plans,
    six_r2,
    trained,
)
from fsl_mrs_dl.benchmark.dq.rivals import RIVALS
from fsl_mrs_dl.benchmark.table import Table
from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.problem import Parameters
from fsl_mrs_dl.models.quantification_inference import NetworkParameters, network_parameters
from fsl_mrs_dl.scores import mape, r2
from fsl_mrs_dl.train.quantification_data import NoiseKind, Spectra, simulated
from fsl_mrs_dl.train.quantification_evaluation import bounds

SHOWN = ("Cr", "GPC", "Glu", "Ins", "NAA", "NAAG", "PCh", "PCr", "Tau")
REFINED = "projected, then 3 iterations of the fit"
_TEST_SEED = 900
_PUBLISHED_R2 = dict(zip(SHOWN, (0.88, 0.67, 0.68, 0.71, 0.98, 0.46, 0.62, 0.54, 0.66), strict=True))
FLOOR = 1.06


@dataclass(frozen=True, eq=False)
class Row:
    """What one method found in the test set."""

    name: str
    amplitudes: Real
    ms: float
    trained: Trained | None = None
    parameters: NetworkParameters | None = None


def test_set(profile: Profile, noise: NoiseKind, seed: int) -> Spectra:
    """Return the spectra that all methods are judged by."""
    basis = basis_on_points(basis_of_tables()[0], "dq")
    return simulated(basis, "dq", noise, profile.tested, np.random.default_rng([_TEST_SEED, seed]))


def network_row(name: str, one: Trained, test: Spectra) -> Row:
    """Run a network."""
    network_parameters(one.network, test.fids[:8], test.basis.dwelltime_s)  # warm
    started = time.perf_counter()
    found = network_parameters(one.network, test.fids, test.basis.dwelltime_s)
    ms = 1e3 * (time.perf_counter() - started) / len(test.fids)
    return Row(name, found.amplitudes, ms, one, found)


def refined_row(one: Row, test: Spectra) -> Row:
    """Hand a network's parameters to the fit for three iterations."""
    said = one.parameters
    assert said is not None
    settings = FitSettings(
        None, lorentzian=True, first_order_phase=False, non_negative=False, max_iterations=3
    )
    fitter = Fitter(test.basis, settings, reference_ppm=test.basis.reference_ppm)
    zero = np.zeros(len(test.fids))
    shape = (said.shift_hz[:, None], said.gamma[:, None], 0 * said.gamma[:, None])
    place = Parameters(*shape, said.phase_rad, zero, np.zeros((len(zero), 0)), zero)
    started = time.perf_counter()
    found = fitter(test.fids, place)
    return Row(REFINED, found.amplitudes, one.ms + 1e3 * (time.perf_counter() - started) / len(zero))


def rows_of(profile: Profile, seed: int, store: Store, noise: NoiseKind, test: Spectra) -> list[Row]:
    """Run the networks trained with one kind of noise, and the fits."""
    plans = [plan for plan in main_plans(profile, seed) if plan.noise == noise]
    rows = []
    for plan in plans:
        with contextlib.suppress(NotTrainedError):
            rows.append(network_row(plan.label, trained(plan, store), test))
    if rows:
        rows.append(refined_row(rows[-1], test))
    for name, rival in RIVALS.items():
        rival(_few(test))
        started = time.perf_counter()
        found = rival(test)
        rows.append(Row(name, found, 1e3 * (time.perf_counter() - started) / len(test.fids)))
    mean = np.tile(np.mean(test.expected.amplitudes, axis=1), (len(test.fids), 1))
    rows.append(Row("training mean", mean, 0.0))
    return rows


def _few(test: Spectra) -> Spectra:
    return test.take(4)


def r2_table(rows: Sequence[Row], test: Spectra, noise: str) -> Table:
    """Return R2 of the shown metabolites, the bounds last."""
    shown = [name for name in SHOWN if name in test.basis.names]
    place = [test.basis.names.index(name) for name in shown]
    lines = []
    for row in rows:
        values = r2(row.amplitudes[:, place], test.amplitudes[:, place])
        lines.append([row.name, *(f"{value:.2f}" for value in values), _loss(row, test), f"{row.ms:.2f}"])
    reached = bounds(test)
    for name, values in (("bound, efficient", reached.r2_efficient), ("bound, Bayes", reached.r2_bayes)):
        lines.append([name, *(f"{values[m]:.2f}" for m in place), "1", "-"])
    if test.noise == "seed":
        published = [f"{_PUBLISHED_R2[name]:.2f}" for name in shown]
        lines.append(["*printed in the publication, of 128 other spectra*", *published, "-", "-"])
    caption = (
        f"R2 with {noise} noise, {len(test.fids)} spectra. Loss: mean square residual over that of the noise."
    )
    return Table(caption, ["method", *shown, "loss / floor", "ms a spectrum"], lines)


def mape_table(rows: Sequence[Row], test: Spectra, noise: str) -> Table:
    """Return the mean absolute error in per cent of the truth."""
    shown = [name for name in SHOWN if name in test.basis.names]
    place = [test.basis.names.index(name) for name in shown]
    lines = [
        [row.name, *(f"{v:.1f}" for v in mape(row.amplitudes[:, place], test.amplitudes[:, place]))]
        for row in rows
    ]
    return Table(f"MAPE in % with {noise} noise, the same spectra.", ["method", *shown], lines)


def training_table(rows: Sequence[Row]) -> Table:
    """Return what the trainings took."""
    lines = [
        [
            row.name,
            str(row.trained.plan.samples),
            str(row.trained.plan.epochs),
            str(row.trained.n_parameters),
            f"{row.trained.seconds:.0f}",
        ]
        for row in rows
        if row.trained is not None
    ]
    return Table(
        "The trainings.",
        ["network", "signals", "epochs", "parameters", "seconds, one thread, shared machine"],
        lines,
    )


def thresholds_table(rows: Sequence[Row], test: Spectra) -> Table:
    """Return the specified thresholds and whether networks meet them."""
    wanted = {"NAA": 0.85, "Cr": 0.70, "GPC": 0.35, "PCh": 0.35}
    lines = []
    for row in rows:
        if row.trained is None:
            continue
        place = [test.basis.names.index(name) for name in wanted]
        values = r2(row.amplitudes[:, place], test.amplitudes[:, place])
        loss = float(_loss(row, test))
        met = all(v >= w for v, w in zip(values, wanted.values(), strict=True)) and loss <= FLOOR
        lines.append([row.name, *(f"{v:.2f}" for v in values), f"{loss:.3f}", "yes" if met else "**no**"])
    columns = [
        "network",
        *(f"{name} >= {least}" for name, least in wanted.items()),
        f"loss <= {FLOOR}",
        "met",
    ]
    return Table("Thresholds of the small profile.", columns, lines)


def _loss(row: Row, test: Spectra) -> str:
    if row.parameters is None:
        return "-"
    floor = test.noise_sd**2 if test.noise == "white" else _damped_floor(test)
    return f"{float(np.mean(row.parameters.loss) / np.mean(floor)):.3f}"


def _damped_floor(test: Spectra) -> Real:
    t = np.arange(1, test.fids.shape[1]) * test.basis.dwelltime_s
    floor: Real = test.noise_sd**2 * np.exp(-2 * test.gamma[:, None] * t).mean(axis=1)
    return floor


def order_table(profile: Profile, seed: int, store: Store, test: Spectra) -> Table:
    """Return nMM, pMM and rpMM by one recipe: mean and SD over seeds."""
    found: dict[str, list[Real]] = {}
    early: list[float] = []
    plan: Plan
    for plan in line_plans(profile, seed):
        one = trained(plan, store)
        found.setdefault(plan.architecture, []).append(six_r2(one.network, test))
        if plan.architecture == "dq-rpmm":
            early.append(float(one.early_s[-1]))
    lines = []
    for name, several in found.items():
        every = np.array(several)
        whole = every.mean(axis=1)
        cells = [f"{m:.2f} +- {s:.2f}" for m, s in zip(every.mean(axis=0), every.std(axis=0), strict=True)]
        lines.append([name, *cells, f"{whole.mean():.2f} +- {whole.std():.2f}"])
    ratio = np.mean(found["dq-rpmm"], axis=0) / np.mean(found["dq-pmm"], axis=0)
    lines.append(
        [
            "rpMM / pMM",
            *(f"{v:.2f}" for v in ratio),
            f"{np.mean(found['dq-rpmm']) / np.mean(found['dq-pmm']):.2f}",
        ]
    )
    ends = f" t_r of rpMM ends at {1e3 * np.mean(early):.1f} ms." if early else ""
    samples, epochs = profile.lines
    caption = (
        f"R2 of nMM, pMM and rpMM by one recipe ({samples} signals, {epochs} epochs, whitened amplitudes), mean "
        f"and SD over {profile.seeds} seeds.{ends}"
    )
    return Table(caption, ["network", *SIX, "mean"], lines)
