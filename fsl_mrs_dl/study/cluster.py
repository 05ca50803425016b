"""Process the scans of a study on a cluster with ``fsl_sub``, FSL's program that submits jobs."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.study.jobs import FAILED, Job, JobState, run_job
from fsl_mrs_dl.study.scans import StudyScan

PROGRAM = "fsl_sub"
_LOGS, _TASKS, _ENDED = "logs", "tasks.txt", "ended"
_POLL_S = 1.0
"""Time between two looks at the folder, in s; short beside the minute of a scan, long for a shared disk."""


def submitted(jobs: Sequence[Job], output: Path, workers: int | None) -> Iterator[JobState]:
    """Submit each scan as a task of one array job, and yield the states in the order of the scans.

    A second job, which waits for the array, shows that it ended: a task without a state has then failed.

    Parameters
    ----------
    jobs : sequence of Job
    output : Path
        Folder of the results of the study, on a disk that the cluster sees. Its ``logs`` has the task file and
        what the tasks print.
    workers : int or None
        Tasks that run at the same time; None: as the cluster decides.

    Raises
    ------
    OptionError
        If fsl_sub is not installed, or refuses the job.
    """
    if not jobs:
        return
    if shutil.which(PROGRAM) is None:
        raise OptionError(
            "--parallel cluster needs fsl_sub, which is a part of FSL, or a dask scheduler that "
            "DASK_SCHEDULER_ADDRESS names; install one, or take --parallel local."
        )
    logs = (output / _LOGS).resolve()
    logs.mkdir(exist_ok=True)
    (logs / _ENDED).unlink(missing_ok=True)
    lines = []
    for n, job in enumerate(jobs, start=1):
        job.state.unlink(missing_ok=True)
        file = logs / f"task_{n}.json"
        file.write_text(json.dumps(_plain(job)), encoding="utf-8")
        lines.append(shlex.join([sys.executable, "-m", __name__, str(file)]))
    (logs / _TASKS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    limit = [] if workers is None else ["-x", str(workers)]
    array = _submit("-l", str(logs), "-N", "fsl_mrs_dl", *limit, "-t", str(logs / _TASKS))
    end = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(logs / _ENDED)]
    _submit("-l", str(logs), "-N", "fsl_mrs_dl_end", "-j", array, *end)
    for n, job in enumerate(jobs, start=1):
        yield _state(job, n, logs)


def _state(job: Job, n: int, logs: Path) -> JobState:
    """Wait for the state of a task."""
    while True:
        ended = (logs / _ENDED).exists()
        state = JobState.read(job.state)
        if state is not None:
            return state
        if ended:
            return JobState(FAILED, f"task {n} of the cluster ended without a result; see {logs}", "", 0.0)
        time.sleep(_POLL_S)


def _submit(*words: str) -> str:
    """Call fsl_sub, and return the number of the job, which it prints last."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    printed = done.stdout.split()
    if done.returncode or not printed:
        reason = (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1]
        raise OptionError(
            f"{PROGRAM} does not take the job: {reason}; correct its settings, or take --parallel local."
        )
    return printed[-1]


def _plain(job: Job) -> dict[str, object]:
    """Return a job as JSON values; its paths are absolute."""
    values = asdict(job)
    values["output"] = str(job.output.resolve())
    for name in ("data", "reference", "fractions"):
        path = getattr(job.scan, name)
        values["scan"][name] = None if path is None else str(path.resolve())
    return values


def _job(file: Path) -> Job:
    values = json.loads(file.read_text(encoding="utf-8"))
    scan = values["scan"]
    paths = {name: None if scan[name] is None else Path(scan[name]) for name in ("reference", "fractions")}
    study_scan = StudyScan(scan["name"], scan["labels"], Path(scan["data"]), **paths)
    return Job(study_scan, Path(values["output"]), tuple(values["options"]))


def main(file: Path) -> None:
    """Process the scan of a task file, and write its state; the command of each task."""
    job = _job(file)
    run_job(None, job).write(job.state)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
