"""Run time against the number of points, and the large case."""

import os
import time

import numpy as np

from fsl_mrs_dl.fit import reconstruction as sparse
from tests.benchmarks.table import NOT_RUN, Table

LARGE = (2048, 1024)
"""Points and FIDs of the case that must take less than 20 s on two cores."""
ITERATIONS = 200
"""Of the rows without a stop: what the time of the large case is asked for."""
_WIDTH_HZ, _BAND_HZ = 8.0, 2000.0  # of the lines and of the receiver: a scan of the brain at 3 T


def speed_table(points: tuple[int, ...], n_fids: int, large: int, seed: int) -> Table:
    """Time the solver, without its stop, on noise and a few lines.

    Parameters
    ----------
    points : tuple of int
    n_fids : int
        Of the rows of growing points.
    large : int
        FIDs of the large case; fewer are told as not run.
    seed : int
    """
    rows = [_row(n, n_fids, oversampling, seed) for oversampling in (1, 2) for n in points]
    if large < LARGE[1]:
        rows.append([str(LARGE[0]), "1", str(LARGE[1]), *[NOT_RUN] * 4])
    else:
        rows.append(_row(*LARGE, 1, seed))
        rows.append(_row(*LARGE, 1, seed, stops=True))
    columns = [
        "points",
        "frequencies a bin",
        "FIDs",
        "iterations",
        "wall (s)",
        "processor (s)",
        "processor, us an FID and iteration",
    ]
    caption = (
        f"{ITERATIONS} iterations without a stop (last row: both passes of `reconstruct` with their stop, mean "
        f"number of iterations), single precision, {len(os.sched_getaffinity(0))} cores; "
        "processor time is of all cores together, and does not grow where others use the machine."
    )
    return Table(caption, columns, rows)


def _row(n_points: int, n_fids: int, oversampling: int, seed: int, *, stops: bool = False) -> list[str]:
    rng = np.random.default_rng([seed, n_points])
    t = np.arange(n_points) / _BAND_HZ
    decay = sparse.lorentzian(n_points, 1 / _BAND_HZ, _WIDTH_HZ)[None, None].astype(np.complex64)
    fid = np.exp(2j * np.pi * np.outer([-320.0, -200.0, 50.0], t)).sum(axis=0) * decay[0, 0]
    noise = rng.standard_normal((2, n_fids, n_points))
    fids = (3 * fid + noise[0] + 1j * noise[1]).astype(np.complex64)[:, None]
    broad = sparse.broad_decay(_WIDTH_HZ, 1 / _BAND_HZ, n_points)
    operator = sparse.GridOperator(decay, decay, oversampling, broad)
    penalty = np.broadcast_to(sparse.noise_penalty(operator, np.ones(1)), n_fids)
    started, busy = time.perf_counter(), time.process_time()
    if stops:
        both = sparse.two_passes(operator, fids, penalty)
        iterations = sum(float(np.mean(part.iterations)) for part in both)
    else:
        sparse.solve(operator, fids, penalty, iterations=ITERATIONS, gap=0)
        iterations = ITERATIONS
    wall, processor = time.perf_counter() - started, time.process_time() - busy
    each = 1e6 * processor / n_fids / iterations
    cells = [str(n_points), str(oversampling), str(n_fids), f"{iterations:.0f}"]
    return [*cells, f"{wall:.2f}", f"{processor:.2f}", f"{each:.0f}"]
