"""Tables of accuracy: networks, fits, bounds, and the order of nMM, pMM and rpMM."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.fit.lcm import FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.problem import Parameters
from fsl_mrs_dl.models.quantification_inference import NetworkParameters, network_parameters
from fsl_mrs_dl.physics import damp
from fsl_mrs_dl.scores import mape, r2
from fsl_mrs_dl.train.quantification_data import NoiseKind, Spectra, simulated
from fsl_mrs_dl.train.quantification_evaluation import bounds
from tests.benchmarks.dq.plans import (
    DqProfile,
    TrainedDqNetwork,
    basis_of_tables,
    basis_on_points,
    main_plans,
    trained,
)
from tests.benchmarks.dq.rivals import OF_DAMPED_NOISE, RIVALS
from tests.benchmarks.store import NotTrainedError, Store
from tests.benchmarks.table import Table

SHOWN = ("Cr", "GPC", "Glu", "Ins", "NAA", "NAAG", "PCh", "PCr", "Tau")
REFINED = "projected, then 3 iterations of the fit"
_TEST_SEED = 900  # of the test set, so that it is not among the spectra of training
_PUBLISHED_R2 = dict(zip(SHOWN, (0.88, 0.67, 0.68, 0.71, 0.98, 0.46, 0.62, 0.54, 0.66), strict=True))
FLOOR = 1.06
"""Largest loss over that of the true parameters, which is the variance of the noise: 6 % are left to a network."""


@dataclass(frozen=True, eq=False)
class Row:
    """What one method found in the test set."""

    name: str
    amplitudes: Real
    ms: float
    trained: TrainedDqNetwork | None = None
    parameters: NetworkParameters | None = None


def test_set(profile: DqProfile, noise: NoiseKind, seed: int) -> Spectra:
    """Return the spectra that all methods are judged by."""
    basis = basis_on_points(basis_of_tables()[0], "dq")
    return simulated(basis, "dq", noise, profile.tested, np.random.default_rng([_TEST_SEED, seed]))


def network_row(name: str, one: TrainedDqNetwork, test: Spectra) -> Row:
    """Run a network."""
    network_parameters(one.network, test.fids[:8], test.basis.dwelltime_s)  # warm
    started = time.perf_counter()
    predicted = network_parameters(one.network, test.fids, test.basis.dwelltime_s)
    ms = 1e3 * (time.perf_counter() - started) / len(test.fids)
    return Row(name, predicted.amplitudes, ms, one, predicted)


def refined_row(one: Row, test: Spectra) -> Row:
    """Hand a network's parameters to the fit for three iterations."""
    estimated = one.parameters
    assert estimated is not None
    settings = FitSettings(
        None, lorentzian=True, first_order_phase=False, non_negative=False, max_iterations=3
    )
    fitter = Fitter(test.basis, settings, reference_ppm=test.basis.reference_ppm)
    zero = np.zeros(len(test.fids))
    shape = (estimated.shift_hz[:, None], estimated.gamma[:, None], 0 * estimated.gamma[:, None])
    place = Parameters.shared(*shape, estimated.phase_rad, zero)
    started = time.perf_counter()
    fitted = fitter(test.fids, place)
    return Row(REFINED, fitted.amplitudes, one.ms + 1e3 * (time.perf_counter() - started) / len(zero))


def undamped_row(one: Row, test: Spectra) -> Row:
    """Solve for the amplitudes once a network's damping is undone, which makes damped noise white."""
    estimated, trained_one = one.parameters, one.trained
    assert estimated is not None
    assert trained_one is not None
    started = time.perf_counter()
    fids = damp(test.fids, -estimated.gamma, 0 * estimated.gamma, test.basis.dwelltime_s)
    shift_hz, phase_rad, none = (
        torch.from_numpy(v.astype(np.float32))
        for v in (estimated.shift_hz, estimated.phase_rad, 0 * estimated.gamma)
    )
    amplitudes = trained_one.network.least_squares(
        torch.from_numpy(fids.astype(np.complex64)), shift_hz, none, none, phase_rad
    )
    ms = one.ms + 1e3 * (time.perf_counter() - started) / len(fids)
    return Row(f"{one.name}, undamped by its own damping", amplitudes.numpy(), ms)


def rows_of(profile: DqProfile, seed: int, store: Store, noise: NoiseKind, test: Spectra) -> list[Row]:
    """Run the networks trained with one kind of noise, and the fits."""
    plans = [plan for plan in main_plans(profile, seed) if plan.noise == noise]
    rows = []
    for plan in plans:
        with contextlib.suppress(NotTrainedError):
            rows.append(network_row(plan.label, trained(plan, store), test))
    if rows:
        rows.append(refined_row(rows[-1], test))
        if noise == "seed":
            rows.append(undamped_row(rows[0], test))
    for name, rival in (RIVALS | (OF_DAMPED_NOISE if noise == "seed" else {})).items():
        rival(_few(test))
        started = time.perf_counter()
        results = rival(test)
        rows.append(Row(name, results, 1e3 * (time.perf_counter() - started) / len(test.fids)))
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
    thresholds = {"NAA": 0.85, "Cr": 0.70, "GPC": 0.35, "PCh": 0.35}
    lines = []
    for row in rows:
        if row.trained is None:
            continue
        place = [test.basis.names.index(name) for name in thresholds]
        values = r2(row.amplitudes[:, place], test.amplitudes[:, place])
        loss = float(_loss(row, test))
        met = all(v >= w for v, w in zip(values, thresholds.values(), strict=True)) and loss <= FLOOR
        lines.append([row.name, *(f"{v:.2f}" for v in values), f"{loss:.3f}", "yes" if met else "**no**"])
    columns = [
        "network",
        *(f"{name} >= {least}" for name, least in thresholds.items()),
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
