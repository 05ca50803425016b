"""Runs killed, interrupted and stopped at each rename of the step that puts their results in place."""

import contextlib
import io
import logging
import os
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from fsl_mrs_dl.io import publishing
from fsl_mrs_dl.io.staging import Staging
from tests.benchmarks.robustness.scenarios import (
    MINE,
    Scenario,
    forked,
    left_behind,
    put,
    run_step,
    standing,
    state,
)
from tests.benchmarks.table import Table

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_LAST_LINES = {signal.SIGINT: "interrupted.", signal.SIGTERM: "stopped by SIGTERM."}
_COLUMNS = (
    *("command", "signal", "renames", "kills", "old", "new", "journal", "mixture"),
    *("met: old", "met: new", "met: mixture", "repaired"),
)


@dataclass(frozen=True)
class Prepared:
    """A folder with the results of the earlier run, to be copied for each kill; and what will stand there.

    Attributes
    ----------
    scenario : Scenario
    template : Path
    old : dict of str to str
        Names and checksums.
    new : dict of str to str
        The same after the run that replaces it.
    renames : int
        Of that run.
    """

    scenario: Scenario
    template: Path
    old: dict[str, str]
    new: dict[str, str]
    renames: int


def prepare(scenario: Scenario, folder: Path) -> Prepared:
    """Make the results of the earlier run, with files of the user's among them, and run the other one once.

    Raises
    ------
    RuntimeError
        If one of them fails.
    """
    template, whole = folder / "template", folder / "whole"
    # In this process, so that the copies of it have imported what they need.
    logging.disable()  # its remarks on these spectra
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            status = run_step(scenario.line(template, new=False))
    finally:
        logging.disable(logging.NOTSET)
    if status:
        raise RuntimeError(f"{scenario.name} ended with status {status}")
    for place in (template, *(path for path in template.iterdir() if path.is_dir() and path.name != "basis")):
        (place / MINE).write_text("a file of the user's")
    shutil.copytree(template, whole)
    count = folder / "renames"

    def counted() -> int:
        done: list[Path] = []
        rename = publishing.rename

        def counting(path: Path, target: Path) -> None:
            done.append(target)
            rename(path, target)

        with put(publishing, "rename", counting):
            status = run_step(scenario.line(whole, new=True))
        count.write_text(str(len(done)))
        return status

    ended = forked(counted, folder)
    if ended.status:
        raise RuntimeError(f"{scenario.name}: {ended.stderr}")
    return Prepared(scenario, template, standing(template), standing(whole), int(count.read_text()))


def _met(out: Path) -> int:
    """Do what any run in a folder does first."""
    logging.basicConfig(format="%(message)s")
    with Staging(out, overwrite=False):
        return 0


def killed(prepared: Prepared, number: signal.Signals, at: int, folder: Path) -> list[str]:
    """Send a signal to a run at a rename, and say what it left, what the next run made of it, and the one after.

    Returns
    -------
    list of str
        Of the columns of the table, those that count one up.
    """
    out, scenario = folder / "out", prepared.scenario
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(prepared.template, out)

    def work() -> int:
        done, rename = [0], publishing.rename

        def killing(path: Path, target: Path) -> None:
            if done[0] == at:
                os.kill(os.getpid(), number)
            done[0] += 1
            rename(path, target)

        with put(publishing, "rename", killing):
            return run_step(scenario.line(out, new=True))

    ended = forked(work, folder)
    after = state(standing(out), prepared.old, prepared.new)
    begun = any(publishing.unfinished(path) for path in left_behind(out))
    if after == "mixture" and begun:
        after = "journal"
    if number is signal.SIGKILL:
        as_documented = ended.status == -signal.SIGKILL
    else:
        line = f"fsl_mrs_dl {scenario.new[0]}: {_LAST_LINES[number]}"
        as_documented = ended.status == 128 + number and ended.own_lines == [line] and not left_behind(out)
    meeting = forked(lambda: _met(out), folder)
    as_documented &= ("an earlier run stopped" in meeting.stderr) == begun
    met = state(standing(out), prepared.old, prepared.new)
    again = forked(lambda: run_step(scenario.line(out, new=True)), folder)
    files_now = state(standing(out), prepared.old, prepared.new)
    repaired = as_documented and again.status == 0 and files_now == "new" and not left_behind(out)
    return ["kills", after, f"met: {met}", *(["repaired"] if repaired else [])]


def kill_table(cases: Sequence[Prepared], most: int | None, folder: Path) -> Table:
    """Kill every command at each of its renames, or at some.

    Parameters
    ----------
    cases : sequence of Prepared
    most : int or None
        Kills a command and signal, spread over its renames; None: at each.
    folder : Path
    """
    rows = []
    for prepared in cases:
        places = range(prepared.renames)
        step = 1 if most is None else max(1, -(-len(places) // most))
        chosen = places[step // 2 :: step]
        for number in SIGNALS:
            counts: Counter[str] = Counter()
            described = f"{prepared.scenario.name}, {number.name}"
            for at in tqdm(chosen, desc=described, leave=False, disable=None):
                counts.update(killed(prepared, number, at, folder))
            numbers = [str(counts[column]) for column in _COLUMNS[3:]]
            rows.append([prepared.scenario.name, number.name, str(prepared.renames), *numbers])
    sums = [str(sum(int(row[column]) for row in rows)) for column in range(3, len(_COLUMNS))]
    return Table(_CAPTION, _COLUMNS, [*rows, ["all", "", "", *sums]])


_CAPTION = """\
Killed, interrupted or stopped at a rename. The folder then holds: `old`: all files of the earlier run; `new`: all
files of the run that was killed; `journal`: files of both, without `run.json`, and a journal from which the next
run repairs them; `mixture`: files of both without a journal. `met`: the same, as soon as the next run has begun.
`repaired`: the same command, run again, ends well: all files are new, those of the user are untouched, and nothing
temporary is left. After Ctrl-C and SIGTERM it also means that the interrupted run ended with status 130 or 143 and
one line, and left nothing temporary."""
