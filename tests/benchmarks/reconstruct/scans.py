"""Many FIDs of one scan: transients that are averaged, and voxels of MRSI: is a fit after denoising better."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.fit import reconstruction as sparse
from fsl_mrs_dl.fit.lcm import Fitter
from fsl_mrs_dl.fit.reconstruction.partners import low_rank
from fsl_mrs_dl.physics import add_noise, basis_sum, phase
from fsl_mrs_dl.physics.lines import gamma_from_fwhm
from tests.benchmarks.reconstruct.measures import amounts
from tests.benchmarks.reconstruct.methods import by_noise, largest
from tests.benchmarks.reconstruct.repeats import Errors, gain
from tests.benchmarks.reconstruct.sets import DWELLTIME_S, NAMES, POINTS, Draw, draw, middle, study_basis
from tests.benchmarks.table import Table

TRANSIENTS, AVERAGE_SNR_F = 16, 20.0
"""Transients of a scan, and the SNR_f of their average."""
SIDE, VOXEL_SNR_F = 8, 10.0
"""Voxels along an edge of the MRSI, and their median SNR_f."""
_BASIS_WIDTH_HZ = 2.0  # of the lines of the shipped basis set, in Hz
_RAW = "raw data"


def transient_errors(n: int, fit: Fitter, seed: int) -> dict[str, Errors]:
    """Fit the average of aligned transients after each way of denoising them."""
    rng = np.random.default_rng([seed, 4])
    parts: dict[str, list[Real]] = {}
    for _ in range(n):
        one = draw(1, rng, snr_f=AVERAGE_SNR_F / np.sqrt(TRANSIENTS), amplitudes=middle())
        fids = add_noise(np.repeat(one.clean, TRANSIENTS, axis=0), np.ones(TRANSIENTS), rng)
        scan = Draw(
            fids,
            np.repeat(one.clean, TRANSIENTS, axis=0),
            *(np.repeat(v, TRANSIENTS, axis=0) for v in (one.sd, one.width_hz, one.snr_f, one.amplitudes)),
        )
        averages = {name: way(scan).mean(axis=0) for name, way in _TRANSIENT_WAYS.items()}
        averages["average, then sparse"] = _sparse_average(scan)
        for name, average in averages.items():
            result = amounts(fit(average[None].astype(np.complex128) * one.sd[0]))
            parts.setdefault(name, []).append(result - one.amplitudes)
    return {name: Errors(np.concatenate(errors)) for name, errors in parts.items()}


def _raw(scan: Draw) -> Complex:
    return scan.fids


def _together(scan: Draw) -> Any:
    """Return transients that share their lines."""
    operator = scan.take(slice(0, 1)).operator(None)
    fids = scan.fids[None].astype(np.complex64)
    penalty = sparse.noise_penalty(operator, np.ones(1), len(scan.fids))
    return operator.restored(sparse.two_passes(operator, fids, penalty)[1].amplitudes)[0]


def _apart(scan: Draw) -> Any:
    """Return transients reconstructed each by itself."""
    operator = scan.take(slice(0, 1)).operator(None)
    fids = scan.fids[:, None].astype(np.complex64)
    penalty = sparse.noise_penalty(operator, np.ones(len(fids)))
    amplitudes = sparse.two_passes(operator, fids, np.broadcast_to(penalty, len(fids)))[1].amplitudes
    return operator.restored(amplitudes)[:, 0]


def _low_rank(scan: Draw) -> Complex:
    return low_rank(scan.fids)[0]


def _sparse_average(scan: Draw) -> Any:
    """Return the reconstruction of the average."""
    n = len(scan.fids)
    one = scan.take(slice(0, 1))
    operator = one.operator(None)
    fids = scan.fids.mean(axis=0)[None, None].astype(np.complex64)
    penalty = sparse.noise_penalty(operator, np.full(1, 1 / np.sqrt(n)))
    return operator.restored(sparse.two_passes(operator, fids, penalty)[1].amplitudes)[0, 0]


_TRANSIENT_WAYS: Mapping[str, Callable[[Draw], Complex]] = {
    _RAW: _raw,
    "sparse, shared lines, then averaged": _together,
    "sparse, each by itself, then averaged": _apart,
    "low rank (MP-PCA), then averaged": _low_rank,
}


def mrsi(rng: np.random.Generator) -> Draw:
    """Simulate the voxels of a slab: amplitudes that vary smoothly, shift and width of each."""
    basis = study_basis()
    n = SIDE**2
    x, y = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2)
    waves = np.stack([np.ones(n), x.ravel(), y.ravel(), (x * y).ravel()])
    amplitudes = middle() * (1 + 0.2 * waves.T @ rng.uniform(-1, 1, (4, len(NAMES))))
    width_hz, shift_hz = rng.uniform(8, 14, n), (waves.T @ rng.uniform(-3, 3, 4)).reshape(-1, 1)
    clean = basis_sum(
        np.asarray(basis.fids, dtype=np.complex128),
        amplitudes,
        shift_hz,
        gamma_from_fwhm(width_hz - _BASIS_WIDTH_HZ)[:, None],
        np.zeros((n, 1)),
        DWELLTIME_S,
    )
    clean = phase(clean, rng.uniform(-0.5, 0.5, n))
    heights = np.abs(np.fft.fft(clean, axis=1, norm="ortho")).max(axis=1)
    sd = float(np.median(heights)) / VOXEL_SNR_F
    fids = add_noise(clean, np.full(n, sd), rng)
    return Draw(fids / sd, clean / sd, np.full(n, sd), width_hz, heights / sd, amplitudes)


def mrsi_errors(n: int, fit: Fitter, seed: int) -> dict[str, Errors]:
    """Fit every voxel of several slabs after each way of denoising them."""
    rng = np.random.default_rng([seed, 5])
    parts: dict[str, list[Real]] = {}
    for _ in range(n):
        slab = mrsi(rng)
        operator = slab.operator(None)
        penalty = by_noise(sparse.NOISE_SHARE)(slab) * largest(slab)
        alone = sparse.two_passes(operator, slab.fids[:, None].astype(np.complex64), penalty)[1].amplitudes
        ways = {
            _RAW: slab.fids,
            "sparse, each voxel": operator.restored(alone)[:, 0],
            "low rank (MP-PCA) over voxels": low_rank(slab.fids)[0],
        }
        for name, result in ways.items():
            fitted = amounts(fit(np.asarray(result, dtype=np.complex128) * slab.sd[:, None]))
            parts.setdefault(name, []).append(fitted - slab.amplitudes)
    return {name: Errors(np.concatenate(errors)) for name, errors in parts.items()}


def scan_table(transients: Mapping[str, Errors], voxels: Mapping[str, Errors], seed: int) -> Table:
    """Return the gain in the RMSE of a fit, with its interval, and each metabolite's."""
    rows = []
    for words, results in (("transients", transients), ("MRSI", voxels)):
        raw = results[_RAW]
        for name, result in results.items():
            if name == _RAW:
                cells = ["1", *["1"] * len(NAMES)]
            else:
                ratio, low, high = gain(result, raw, seed)
                cells = [f"{ratio:.3f} ({low:.3f} to {high:.3f})"]
                cells += [f"{r:.2f}" for r in result.rmse / raw.rmse]
            rows.append([words, name, str(len(result.errors)), *cells, str(result.failures)])
    columns = ["scan", "before the fit", "fits", "RMSE over raw's", *NAMES, "failures"]
    caption = (
        f"{TRANSIENTS} aligned transients of {POINTS} points whose average has SNR_f {AVERAGE_SNR_F:g}, fitted "
        f"after averaging; and voxels of a slab of {SIDE} x {SIDE} with a median SNR_f of {VOXEL_SNR_F:g}, each "
        "fitted, width and shift of their own, amplitudes that vary smoothly. Interval: 95 %, bootstrap."
    )
    return Table(caption, columns, rows)
