"""Task ``scale``: MRSI and a study on one process and on two, killed and resumed, with the numbers compared."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import on_points
from fsl_mrs_dl.simulate.shipped import shipped_basis
from tests.benchmarks.mrsi import BASIS, DWELLTIME_S, POINTS, simulate_grid
from tests.benchmarks.table import Page, Table

_POLL_S = 0.2  # between two looks at the memory of the processes


@dataclass(frozen=True)
class ScaleProfile:
    """What a profile runs: grid of MRSI; people, transients and coils of the study; kills of it."""

    grid: tuple[int, int, int]
    people: int
    transients: int
    coils: int
    kills: int


SIZES = {
    "smoke": ScaleProfile((8, 8, 2), 2, 4, 2, 1),
    "small": ScaleProfile((64, 64, 2), 20, 64, 8, 10),
    "paper": ScaleProfile((64, 64, 39), 20, 64, 8, 10),
}


@dataclass(frozen=True)
class Ran:
    """A command that ran: wall time in s, and the largest memory of all its processes together, in GB."""

    seconds: float
    peak_gb: float


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`."""
    size, rng = SIZES[profile], np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = [_mrsi(folder, size, rng), _study(folder, size, rng)]
    return Page("Many voxels, many scans, several cores", _METHOD, tables)


_METHOD = """\
The whole commands with their defaults, posterior and reports among them, from the start of the process to its end.
*Memory*: that of all processes of the command together, looked at five times a second. `--parallel local`: on
processes that dask starts, whose start counts. *Same*: every map, or the table, holds the same numbers as that of
one process. *Killed*: by SIGKILL at moments drawn uniformly between the start and half of the time that a whole
run takes, and started again each time with the same command; then run to its end."""


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "fsl_mrs_dl", *map(str, words)]


def _ran(command: Sequence[str], limit_s: float | None = None) -> Ran:
    """Run a command and watch its memory; kill it and what it started after a time, if one is given."""
    import psutil

    started, peak = time.perf_counter(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(one.memory_info().rss for one in family if one.is_running()))
            if limit_s is not None and time.perf_counter() - started > limit_s:
                for one in family:
                    one.kill()
        except psutil.NoSuchProcess:
            continue
        time.sleep(_POLL_S)
    if limit_s is None and process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(time.perf_counter() - started, peak / 1e9)


def _workers(n: int) -> list[str]:
    return [] if n == 1 else ["--parallel", "local", "--parallel-workers", str(n)]


def _mrsi(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Fit a grid on one process and on two."""
    basis = read_basis(shipped_basis(BASIS))
    basis = on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz)
    n = int(np.prod(size.grid))
    fids = simulate_grid(basis, n, rng)[1].reshape(*size.grid, POINTS)
    data = MRSData(fids, DWELLTIME_S, basis.spectrometer_frequency_mhz, affine=np.diag([5.0, 5.0, 5.0, 1.0]))
    nifti.write(data, folder / "grid.nii.gz")
    ran = {}
    for workers in (1, 2):
        words = ["--data", folder / "grid.nii.gz", "--basis", BASIS, "--output", folder / f"maps{workers}"]
        ran[workers] = _ran(_command("quantify", *words, *_workers(workers)))
    same = _same_maps(folder / "maps1", folder / "maps2")
    grid = " x ".join(map(str, size.grid))
    rows = [
        [
            f"{grid} x {POINTS}",
            str(workers),
            f"{one.seconds:.0f}",
            f"{n / one.seconds:.1f}",
            f"{ran[1].seconds / one.seconds:.2f}",
            f"{one.peak_gb:.2f}",
            "-" if workers == 1 else f"{same[0]} of {same[1]} maps",
        ]
        for workers, one in ran.items()
    ]
    columns = ["MRSI", "processes", "wall (s)", "voxels/s", "speed-up", "memory (GB)", "same"]
    return Table("`quantify` of MRSI.", columns, rows)


def _same_maps(one: Path, other: Path) -> tuple[int, int]:
    """Return how many maps of two folders hold the same numbers, and of how many."""
    names = sorted(path.relative_to(one) for path in one.rglob("*.nii.gz"))
    same = [
        np.array_equal(
            np.asarray(nib.load(one / name).dataobj),
            np.asarray(nib.load(other / name).dataobj),
            equal_nan=True,
        )
        for name in names
    ]
    return sum(same), len(names)


def _study(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Process simulated people on one process, on two, and killed and resumed."""
    for person in tqdm(range(size.people), desc="simulate", leave=False, disable=None):
        words = ["--output", folder / "raw", "--filename", f"P{person + 1:02}_act", "--seed", person]
        more = ["--transients", size.transients, "--coils", size.coils, "--points", 1024, "--dwelltime", 5e-4]
        _ran(
            _command(
                "simulate", *map(str, [*words, *more, "--basis", BASIS, "--eddy_hz", 2, "--water_reference"])
            )
        )
        (folder / "raw" / f"P{person + 1:02}_act_wref.nii.gz").rename(
            folder / "raw" / f"P{person + 1:02}_ref.nii.gz"
        )

    def command(out: str, workers: int = 1) -> list[str]:
        words = ["--input", folder / "raw", "--output", folder / out, "--basis", BASIS, "--tree", "plain"]
        return _command("study", *words, *_workers(workers))

    ran = {"1": _ran(command("one")), "2": _ran(command("two", 2))}
    for _ in tqdm(range(size.kills), desc="kill", leave=False, disable=None):
        _ran(command("killed"), limit_s=float(rng.uniform(0, ran["1"].seconds / 2)))
    ran[f"1, killed {size.kills} times, the last run"] = _ran(command("killed"))
    whole = (folder / "one" / "study.csv").read_bytes()
    outs = ["one", "two", "killed"]
    rows = [
        [
            f"{size.people} x {size.transients} transients x {size.coils} coils",
            kind,
            f"{one.seconds:.0f}",
            f"{ran['1'].seconds / one.seconds:.2f}",
            f"{one.peak_gb:.2f}",
            "-" if out == "one" else ("yes" if (folder / out / "study.csv").read_bytes() == whole else "no"),
        ]
        for out, (kind, one) in zip(outs, ran.items(), strict=True)
    ]
    columns = ["scans", "processes", "wall (s)", "speed-up", "memory (GB)", "same"]
    return Table("`study` of raw scans with their water references.", columns, rows)
