"""Runs on a disk that becomes full, of bytes or of inodes: a small tmpfs in a mount namespace of its own."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.robustness.kills import Prepared
from tests.benchmarks.robustness.scenarios import forked, left_behind, run_step, standing, state
from tests.benchmarks.table import Table

_COLUMNS = ("command", "full", "runs", "done", "refused", "otherwise")
_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
_BLOCK = 4096  # bytes, the unit of room on a tmpfs
_ROOM = 1.5
"""The largest disk has room for so many times the results beside those of the earlier run."""


def full_disk_table(cases: Sequence[Prepared], sizes: int, folder: Path) -> Table:
    """Run every command on disks of several sizes.

    Parameters
    ----------
    cases : sequence of Prepared
    sizes : int
        Disks a command and kind, from no room at all to more than enough.
    folder : Path
    """
    mountable = (
        shutil.which("unshare") is not None
        and not subprocess.run(
            [*_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    )
    kinds = ("bytes", "inodes") if mountable else ("file size",)
    rows = []
    for prepared in cases:
        used = sum(
            -(-path.stat().st_size // _BLOCK) for path in prepared.template.rglob("*") if path.is_file()
        )
        files = sum(1 for _ in prepared.template.rglob("*")) + 1
        for kind in kinds:
            counts: Counter[str] = Counter()
            for at in range(sizes):
                share = at / max(sizes - 1, 1) * _ROOM
                if kind == "bytes":
                    options = f"size={_BLOCK * (used + 1 + round(share * used))}"
                elif kind == "inodes":
                    options = f"nr_inodes={files + 2 + round(share * files)}"
                else:
                    options = str(round(10 ** (1 + share)))
                counts.update(["runs", _tried(prepared, kind, options, folder)])
            rows.append([prepared.scenario.name, kind, *(str(counts[column]) for column in _COLUMNS[2:])])
    by = (
        "a tmpfs that is full"
        if mountable
        else "a limit on the size of a file (a tmpfs could not be mounted)"
    )
    return Table(_CAPTION.format(by=by), _COLUMNS, rows)


_CAPTION = """\
The same commands with {by}, with free space from none to more than enough. `refused`: status 2 and one line; all
files of the earlier run and of the user are untouched, and nothing temporary is left."""


def _tried(prepared: Prepared, kind: str, options: str, folder: Path) -> str:
    if kind == "file size":
        return tried(prepared, folder / "disk", int(options))
    place = folder / "mounted"
    place.mkdir(exist_ok=True)
    job = json.dumps([prepared.scenario.new, str(prepared.template), prepared.old, prepared.new])
    program = "import sys; from tests.benchmarks.robustness.full_disk import mounted; mounted(*sys.argv[1:])"
    done = subprocess.run(
        [*_NAMESPACE, sys.executable, "-c", program, options, str(place), job],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if not done.returncode else "otherwise"


def mounted(options: str, place: str, job: str) -> None:
    """Mount a small disk, run the command on it, and print what came of it; in a namespace of its own."""
    from tests.benchmarks.robustness.scenarios import Scenario

    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    new, template, old, names = json.loads(job)
    prepared = Prepared(Scenario("", (), tuple(new)), Path(template), old, names, 0)
    print(tried(prepared, Path(place) / "out"))  # noqa: T201 - read by the process that mounted


def tried(prepared: Prepared, out: Path, most_bytes: int | None = None) -> str:
    """Run a command over the results of the earlier run; return ``done``, ``refused`` or ``otherwise``."""
    shutil.rmtree(out, ignore_errors=True)
    try:
        shutil.copytree(prepared.template, out)
    except (OSError, shutil.Error):
        return "no room for the earlier run"

    def work() -> int:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        return run_step(prepared.scenario.line(out, new=True))

    elsewhere = Path(os.environ.get("TMPDIR", "/tmp"))
    ended = forked(work, elsewhere)
    result = state(standing(out), prepared.old, prepared.new)
    if ended.status == 0 and result == "new" and not left_behind(out):
        return "done"
    if ended.status == 2 and len(ended.own_lines) == 1 and result == "old" and not left_behind(out):
        return "refused"
    return "otherwise"
