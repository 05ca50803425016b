"""The start network beside matched filters: failures, iterations, errors and speed, one package for all."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit.lcm import Baseline, FitResult, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.problem import Parameters
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.simulate.shipped import RECIPES, shipped_basis
from fsl_mrs_dl.steps.quantify_fitters import StartedFitter
from fsl_mrs_dl.train.start import NAME
from fsl_mrs_dl.train.start_data import Scene, scene
from tests.benchmarks.dq.plans import DqProfile
from tests.benchmarks.table import NOT_RUN, Table

SETTINGS = FitSettings(baseline=Baseline.parse("spline, 10"))
SNR_F = (20.0, 100.0)  # range: a weak voxel of MRSI to a good single voxel
FAILED_PPM = 0.025  # 3 Hz at 3 T, half a linewidth: from there a fit finds other lines
_SEED = 31  # of the test spectra


@dataclass(frozen=True)
class _StartCell:
    failed: NDArray[np.bool_]
    rmse: Real
    iterations: float
    per_s: float


def starts_table(profile: DqProfile, seed: int) -> Table:
    """Return a row for each basis set and start: failures, and RMSE over that of the fit from the truth."""
    lines = []
    try:
        model: Any = load(NAME)
    except ModelError:
        model = None
    for i, name in enumerate(list(RECIPES)[: profile.bases]):
        basis = read_basis(shipped_basis(name))
        simulated = scene(
            basis, profile.starts, np.random.default_rng([_SEED, seed, i]), snr_f=SNR_F, smooth=0.05
        )
        fitter = Fitter(simulated.basis, SETTINGS, reference_ppm=simulated.basis.reference_ppm)
        truth = _cell(fitter, simulated, _truth(simulated))
        cells: list[tuple[str, _StartCell | None]] = [
            ("truth", truth),
            ("matched filters", _cell(fitter, simulated, None)),
        ]
        if model is None:
            cells.append(("network", None))
        else:
            started = StartedFitter(
                simulated.basis, SETTINGS, reference_ppm=simulated.basis.reference_ppm, model=model
            )
            cells.append(("network", _cell(started, simulated, None)))
        lines += [_line(name, label, cell, truth) for label, cell in cells]
    columns = ["basis set", "start", "n", "failures", "RMSE / from the truth", "iterations", "spectra/s"]
    caption = (
        "The fit from three starts (window 0.2 to 4.2 ppm, spline of 10, Voigt lines, first-order phase): "
        "shift within +-0.2 ppm, any phase, SNR_f 20 to 100, macromolecules broader than metabolites, smooth "
        f"baseline. A failure is a shift that is wrong by more than {FAILED_PPM:g} ppm. The RMSE of each "
        "amplitude is divided by that of the fit from the truth, in the spectra in which neither fit failed; "
        "the ratios are averaged over the members."
    )
    return Table(caption, columns, lines)


def _truth(simulated: Scene) -> Parameters:
    shift_hz, gamma, spread = (
        value[:, None].copy() for value in (simulated.shift_hz, simulated.gamma, simulated.sigma**2)
    )
    return Parameters.shared(shift_hz, gamma, spread, simulated.phase_rad, simulated.delay_s)


def _cell(fitter: Fitter, simulated: Scene, start: Parameters | None) -> _StartCell:
    few = None if start is None else start.take(np.arange(4))
    fitter(simulated.fids[:4], few)
    began = time.perf_counter()
    fit: FitResult = fitter(simulated.fids, start)
    seconds = time.perf_counter() - began
    mhz = simulated.basis.spectrometer_frequency_mhz
    failed = ~(np.abs(fit.shift_hz[:, 0] - simulated.shift_hz) < FAILED_PPM * mhz)
    return _StartCell(
        failed,
        fit.amplitudes - simulated.amplitudes,
        float(fit.iterations.mean()),
        len(simulated.fids) / seconds,
    )


def _line(name: str, label: str, cell: _StartCell | None, truth: _StartCell) -> list[str]:
    if cell is None:
        return [name, label, *[NOT_RUN] * 5]
    both = ~cell.failed & ~truth.failed
    # Each member over its own error from the truth, then the mean: no member outweighs the others.
    ratio = np.sqrt(np.nanmean(cell.rmse[both] ** 2, axis=0) / np.nanmean(truth.rmse[both] ** 2, axis=0))
    n = len(cell.failed)
    return [
        name,
        label,
        str(n),
        f"{int(cell.failed.sum())} ({100 * cell.failed.mean():.1f} %)",
        f"{np.nanmean(ratio):.3f}",
        f"{cell.iterations:.1f}",
        f"{cell.per_s:.0f}",
    ]
