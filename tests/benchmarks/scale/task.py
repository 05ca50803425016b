"""The tables of the task ``scale``."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from tqdm import tqdm

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis, write_json_basis
from fsl_mrs_dl.physics import on_points
from fsl_mrs_dl.simulate.shipped import shipped_basis
from tests.benchmarks.mrsi import BASIS, DWELLTIME_S, POINTS, simulate_grid
from tests.benchmarks.scale.running import CommandError, Ran, command, kills, parallel, ran, same_maps
from tests.benchmarks.scale.scans import big_gaba, scans, verdicts
from tests.benchmarks.table import NOT_RUN, Page, Table


@dataclass(frozen=True)
class ScaleProfile:
    """What a profile runs: grids of MRSI, of ours and of fsl_mrsi; people, transients, coils; kills of each."""

    grid: tuple[int, int, int]
    theirs: tuple[int, int, int]
    people: int
    transients: int
    coils: int
    kills: int
    measured: bool


SIZES = {
    "smoke": ScaleProfile((8, 8, 2), (2, 2, 1), 2, 4, 2, 1, measured=False),
    "small": ScaleProfile((64, 64, 1), (8, 8, 1), 20, 64, 8, 10, measured=True),
    "paper": ScaleProfile((64, 64, 39), (8, 8, 1), 20, 64, 8, 10, measured=True),
}

_METHOD = """\
The whole commands with their defaults, posterior and reports among them, from the start of the process to its end.
*Processor*: of all processes of the command together. *Memory*: of all of them together, looked at ten times a
second. *Speed-up, wall* compares wall times and is that of a user only on an idle machine; the load is above.
*Speed-up, processor*: the processor time of one process, over the part of it that a further core cannot shorten
with two: that of the process with the most, and of those that prepare and collect its work. *Same*: each map has
the same bytes, or the table is the same, as of one process. *Killed*: by SIGKILL, with all its processes, at
moments drawn uniformly between the start and a fifth of the time that a whole run takes, and started again each
time with the same command; then run to its end."""


def run(profile: str, seed: int) -> Page:
    """Run the task, a :class:`~tests.benchmarks.table.Task`; a part that fails is said, and the others are run."""
    size = SIZES[profile]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], Table]] = {
            "Studies": lambda: _studies(folder, size, np.random.default_rng((seed, 1)))
        }
        if size.measured:
            parts["Measured studies"] = lambda: _measured(folder, size, np.random.default_rng((seed, 2)))
            parts["Single scans"] = lambda: scans(folder)
        parts["MRSI"] = lambda: _mrsi(folder, size, np.random.default_rng((seed, 3)))
        parts["Beside fsl_mrsi"] = lambda: _beside(folder, size, np.random.default_rng((seed, 4)))
        tables = []
        for title, part in tqdm(parts.items(), desc="scale", leave=False, disable=None):
            tables.append(_table_of(title, part))
            tqdm.write(
                tables[-1].markdown() + "\n", file=sys.stderr
            )  # what is done is not lost with the rest
    return Page("Many voxels, many scans, several cores", _METHOD, tables)


def _table_of(title: str, part: Callable[[], Table]) -> Table:
    """Return the table of a part, or one that says why there is none."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001 - minutes of other parts are not thrown away; the reason is in the page
        reason = " ".join(f"{type(error).__name__}: {error}".split()).replace("|", "/")
        return Table(f"{title}: {NOT_RUN}.", ["reason"], [[reason]])


def _grid(path: Path, shape: tuple[int, int, int], rng: np.random.Generator) -> None:
    basis = read_basis(shipped_basis(BASIS))
    basis = on_points(basis, POINTS, DWELLTIME_S, basis.spectrometer_frequency_mhz)
    fids = simulate_grid(basis, int(np.prod(shape)), rng)[1].reshape(*shape, POINTS)
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    nifti.write(MRSData(fids, DWELLTIME_S, basis.spectrometer_frequency_mhz, affine=affine), path)


def _moments(rng: np.random.Generator, size: ScaleProfile, whole: Ran) -> list[float]:
    return [float(moment) for moment in rng.uniform(0, whole.seconds / 5, size.kills)]


def _mrsi(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Fit a grid on one process and on two, killed and resumed."""
    _grid(folder / "grid.nii.gz", size.grid, rng)
    n = int(np.prod(size.grid))

    def line(out: str, workers: int = 1) -> list[str]:
        files = ["--data", folder / "grid.nii.gz", "--basis", BASIS, "--output", folder / out]
        return command("quantify", *files, *parallel(workers))

    one, two = ran(line("one")), ran(line("two", 2))
    count = kills(line("killed"), _moments(rng, size, one), (folder / "killed" / "run.json").exists)
    last = ran(line("killed")) if not (folder / "killed" / "run.json").exists() else None
    rows = [
        _row(one, one, "1", n, "-"),
        _row(two, one, "2", n, same_maps(folder / "one", folder / "two")),
        _row(
            last,
            one,
            f"1, killed {count} times, the last run",
            0,
            same_maps(folder / "one", folder / "killed"),
        ),
    ]
    grid = " x ".join(map(str, size.grid))
    columns = ["processes", "wall (s)", "processor (s)", "voxels/s", *_SPEED, "memory (GB)", "same"]
    return Table(f"`quantify` of MRSI, {grid} x {POINTS} points.", columns, rows)


_SPEED = ("speed-up, wall", "speed-up, processor")


def _row(this: Ran | None, whole: Ran, kind: str, voxels: int, same: str) -> list[str]:
    if this is None:
        return [kind, *["-"] * 6, same]
    resumed = not voxels
    speed = ["-"] if resumed else [f"{voxels / this.seconds:.1f}"]
    gains = ["-", "-"] if resumed else _gains(this, whole)
    times = [f"{this.seconds:.0f}", f"{this.processor_s:.0f}"]
    return [kind, *times, *speed, *gains, f"{this.peak_gb:.2f}", same]


def _gains(this: Ran, whole: Ran) -> list[str]:
    gain = 1.0 if this is whole else whole.processor_s / this.longest_s
    return [f"{whole.seconds / this.seconds:.2f}", f"{gain:.2f}"]


def _beside(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Fit a small grid with ours and with ``fsl_mrsi --parallel local``, where that is installed."""
    _grid(folder / "few.nii.gz", size.theirs, rng)
    n = int(np.prod(size.theirs))
    basis = folder / "basis"
    write_json_basis(read_basis(shipped_basis(BASIS)), basis, overwrite=False)
    mask = nib.Nifti1Image(np.ones(size.theirs, dtype=np.int16), np.diag([5.0, 5.0, 5.0, 1.0]))
    nib.save(mask, folder / "mask.nii.gz")
    files = ["--data", folder / "few.nii.gz", "--basis", basis, "--mask", folder / "mask.nii.gz"]
    rows = []
    lines = {
        "`fsl_mrs_dl quantify`": command("quantify", *files, "--output", folder / "few"),
        "`fsl_mrs_dl quantify --parallel local`": command(
            "quantify", *files, "--output", folder / "few2", "--parallel", "local"
        ),
    }
    if program := shutil.which("fsl_mrsi"):
        words = [program, *files, "--output", folder / "theirs", "--parallel", "local"]
        lines["`fsl_mrsi --parallel local`"] = [str(word) for word in words]
    for name, line in lines.items():
        try:
            one = ran(line)
        except CommandError as error:
            rows.append([f"{name}: {error}"])
            continue
        rows.append([name, f"{one.seconds:.0f}", f"{one.processor_s:.0f}", f"{n / one.seconds:.2f}"])
    if not program:
        rows.append(["`fsl_mrsi --parallel local`"])
    cores = len(os.sched_getaffinity(0))
    caption = f"{n} voxels, the same data and basis set, {cores} cores; `fsl_mrsi` takes all cores but one."
    return Table.filled(caption, ["command", "wall (s)", "processor (s)", "voxels/s"], rows)


def _studies(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Process simulated people on one process, on two, and killed and resumed."""
    _simulate(folder, size)
    rows = _study(folder, folder / "raw", ["--basis", BASIS, "--tree", "plain"], size, rng)
    name = f"{size.people} simulated people, {size.transients} transients x {size.coils} coils"
    return Table(f"`study` of raw scans with their water references: {name}.", _STUDY, rows)


def _measured(folder: Path, size: ScaleProfile, rng: np.random.Generator) -> Table:
    """Do the same with measured people."""
    name = (
        "`study` of twelve measured scans of three sites with their water references, and one file cut off."
    )
    source = big_gaba(folder)
    if source is None:
        return Table.filled(name, _STUDY, [["1"]])
    words = ["--basis", "press_3t_te35", "--tree", folder / "sites.tree"]
    return Table(name, _STUDY, _study(folder, source, words, size, rng))


_STUDY = ("processes", "wall (s)", "processor (s)", *_SPEED, "memory (GB)", "same", "verdicts")


def _simulate(folder: Path, size: ScaleProfile) -> None:
    raw = folder / "raw"
    for person in tqdm(range(size.people), desc="simulate", leave=False, disable=None):
        name = f"P{person + 1:02}"
        words = ["--output", raw, "--filename", f"{name}_act", "--seed", person, "--basis", BASIS]
        more = ["--transients", size.transients, "--coils", size.coils, "--points", 1024, "--dwelltime", 5e-4]
        ran(command("simulate", *words, *more, "--eddy_hz", 2, "--drift_hz", 8, "--water_reference"))
        (raw / f"{name}_act_wref.nii.gz").rename(raw / f"{name}_ref.nii.gz")


def _study(
    folder: Path, source: Path, words: list[object], size: ScaleProfile, rng: np.random.Generator
) -> list[list[str]]:
    def line(out: str, workers: int = 1) -> list[str]:
        files = ["--input", source, "--output", folder / f"{source.name}_{out}"]
        return command("study", *files, *words, *parallel(workers))

    def table(out: str) -> Path:
        return folder / f"{source.name}_{out}" / "study.csv"

    one, two = ran(line("one")), ran(line("two", 2))
    count = kills(line("killed"), _moments(rng, size, one), table("killed").exists)
    last = ran(line("killed"))
    whole, rows = table("one").read_bytes(), []
    for out, kind, this in (
        ("one", "1", one),
        ("two", "2", two),
        ("killed", f"1, killed {count} times, the last run", last),
    ):
        same = "-" if out == "one" else ("yes" if table(out).read_bytes() == whole else "no")
        gains = ["-", "-"] if out == "killed" else _gains(this, one)
        times = [f"{this.seconds:.0f}", f"{this.processor_s:.0f}"]
        rows.append([kind, *times, *gains, f"{this.peak_gb:.2f}", same, verdicts(table(out))])
    return rows
