"""Voxels a second of the amortised estimate on one device: start, estimate and intervals."""

import time
from typing import Any

import numpy as np
import torch

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.amortised import BatchModel, estimate, summaries
from fsl_mrs_dl.fit.lcm import AveragedFitter, fitter_for
from fsl_mrs_dl.fit.quantification.amounts import combination
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.quantification_start import mean_and_sd
from fsl_mrs_dl.physics import on_points
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify_fit_model import BasisOptions, FitModel, ModelOptions
from fsl_mrs_dl.steps.quantify_spectra import ScanSpectra, SpectraOptions
from tests.benchmarks.mrsi import BASIS, simulate_grid

_SIMULATED = 2048
"""Different voxels; larger batches repeat them."""
_SHARED = (0, 3, 4, 1, 2)
"""Columns of the network's output in the order shift, gamma, sigma, phase, delay."""


def default_fitter(basis: Basis, n_points: int, dwelltime_s: float) -> AveragedFitter:
    """Return the fit that ``quantify`` makes of data of these points with a basis set."""
    mhz = basis.spectrometer_frequency_mhz
    like = MRSData(np.ones((2, 1, 1, n_points), complex), dwelltime_s, mhz)
    none = dict.fromkeys(("mask", "ppmlim", "points", "conj_fid", "TE", "TR", "t1"))
    spectra = ScanSpectra.of(like, basis, SpectraOptions(**none))
    model = FitModel.of(spectra, basis, BasisOptions(), ModelOptions())
    fitter = fitter_for(model.basis, model.settings, reference_ppm=like.reference_ppm)
    assert isinstance(fitter, AveragedFitter)
    return fitter


@torch.no_grad()
def measure(points: int, dwelltime_s: float, batch: int, seconds: float = 5.0) -> dict[str, Any]:
    """Estimate batches of simulated voxels for some seconds, from FIDs in memory to numbers in memory.

    Parameters
    ----------
    points : int
    dwelltime_s : float
    batch : int
        Voxels at once.
    seconds : float
        How long, at least.

    Returns
    -------
    dict
        Device, voxels a second, share of doubtful voxels, and the parts of the time.
    """
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    basis = read_basis(shipped_basis(BASIS))
    fitter = default_fitter(basis, points, dwelltime_s)
    names = fitter.basis.names
    model = BatchModel.of(fitter.problem, fitter.basis).changed(lambda one: torch.as_tensor(one).to(where))
    network: Any = load("quantify-start-1h").network
    network = network.to(where)
    sums = [("NAA", "NAAG"), ("Cr", "PCr"), ("Glu", "Gln"), ("GPC", "PCh")]
    matrix = torch.as_tensor(combination(names, sums), device=where)
    creatine = torch.as_tensor([float(name in ("Cr", "PCr")) for name in names], device=where).double()
    mhz = basis.spectrometer_frequency_mhz
    sampled = on_points(basis, points, dwelltime_s, mhz)
    fids = simulate_grid(sampled, _SIMULATED, np.random.default_rng(1))[1]
    fids = np.tile(fids, (-(-batch // _SIMULATED), 1))[:batch]
    parts = dict.fromkeys(("start", "estimate", "intervals", "transfer"), 0.0)

    def timed(name: str, started: float) -> float:
        if where.type == "cuda":
            torch.cuda.synchronize()
        now = clock()
        parts[name] += now - started
        return now

    done, doubtful = -batch, 0
    while done <= 0 or sum(parts.values()) < seconds:
        if done == 0:
            parts = dict.fromkeys(parts, 0.0)  # the first batch was to warm up
        now = clock()
        some = torch.as_tensor(fids).to(where)
        now = timed("transfer", now)
        start = mean_and_sd(network, some, dwelltime_s, mhz)[0][:, list(_SHARED)]
        start[:, 2] = start[:, 2] ** 2
        now = timed("start", now)
        known = estimate(model, some, start)
        now = timed("estimate", now)
        moments = known.mean, known.covariance
        raw, ratios = summaries(*moments, matrix)[0], summaries(*moments, matrix, creatine)[0]
        now = timed("intervals", now)
        host = [value.cpu() for columns in (raw, ratios) for value in columns.values()]
        timed("transfer", now)
        assert all(bool(torch.isfinite(value[~known.doubtful.cpu()]).all()) for value in host)
        doubtful = int(known.doubtful.sum())
        done += batch
    whole = sum(parts.values())
    return {
        "device": torch.cuda.get_device_name(0) if where.type == "cuda" else "CPU, 1 thread",
        "points": points,
        "batch": batch,
        "voxels": done,
        "voxels_per_s": round(done / whole),
        "ms_per_voxel": round(1e3 * whole / done, 4),
        "doubtful": round(doubtful / batch, 4),
        **{f"{name}_share": round(value / whole, 3) for name, value in parts.items()},
    }
