"""The tool ``study``: process every scan of a folder to concentrations, one table, one report."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from fsl_mrs_dl import __version__
from fsl_mrs_dl.errors import OutputError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.fit.workers import SCHEDULER, chunks_done
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.steps.results_folder import REPORTING
from fsl_mrs_dl.study.cluster import submitted
from fsl_mrs_dl.study.jobs import MODULES, Job, JobState, check_options, run_job, write_whole
from fsl_mrs_dl.study.report import study_page
from fsl_mrs_dl.study.reporting import write_reporting
from fsl_mrs_dl.study.scans import find_scans
from fsl_mrs_dl.study.summarise import FOLDER as SUMMARISE
from fsl_mrs_dl.study.summarise import remove_other_folders, write_summarise_folders
from fsl_mrs_dl.study.table import Result, write_table
from fsl_mrs_dl.study.variation import leading_scaling, main_names, scaling_words, variation

DESCRIPTION, TABLE, DICTIONARY, PAGE = "dataset_description.json", "study.csv", "study.json", "study.html"


def study(
    *,
    input: Path,  # noqa: A002 - the flag's name
    output: Path,
    basis: str,
    tree: str | None = None,
    config: Path | None = None,
    parallel: Literal["off", "local", "cluster"] = "off",
    parallel_workers: int | None = None,
    overwrite: bool = False,
) -> None:
    """Process every scan of a folder, and bring the results together in a table and a report.

    Each scan is processed as ``process`` does it, into a folder of its own below the output, with its water
    reference where there is one. A scan that cannot be processed is told with the reason, and the others go on.
    What is done is not done again: run the same command after an interruption, or after scans were added.

    Parameters
    ----------
    input : Path
        Folder of the study.
    output : Path
        Folder for the results. It must not be the input folder.
    basis : str
        Basis set, as for quantify.
    tree : str
        How the files are named: bids (sub-01/ses-01/mrs/sub-01_ses-01_svs.nii.gz and _mrsref.nii.gz), plain
        (NAME_act.nii.gz and NAME_ref.nii.gz), or a file of file-tree with the templates svs and mrsref.
        Default: bids, or plain where there is no scan of bids.
    config : Path
        TOML file with options of process, for all scans.
    parallel : str
        off: one scan after the other; local: on several cores; cluster: by the dask scheduler that
        DASK_SCHEDULER_ADDRESS names, or else by fsl_sub, FSL's program for clusters.
    parallel_workers : int
        Processes for --parallel local. Default: as many as there are cores. With fsl_sub: scans at a time.
    overwrite : bool
        Process every scan again, also those that are done.

    Raises
    ------
    DataError
        If there is no scan.
    MissingDependencyError
        If a package for the tree or the report is not installed.
    OptionError
        If the tree or an option cannot be used.
    OutputError
        If the output cannot be written.

    Examples
    --------
    fsl_mrs_dl study --input bids --output derivatives/mrs --basis press_3t_te30
    """
    require("plotly", "The report of study")
    scans = find_scans(input, tree)
    _claim_output(output, input)
    options = ["--basis", basis, *(["--config", str(config)] if config is not None else [])]
    jobs = [Job(scan, output, tuple(options)) for scan in scans]
    check_options(jobs[0])
    with Staging(output, overwrite=True) as staging:
        staging.reserve(
            TABLE, DICTIONARY, PAGE, *REPORTING
        )  # refuses a second study here until this one has ended
        states = [None if overwrite else job.finished(job.key()) for job in jobs]
        waiting = [job for job, state in zip(jobs, states, strict=True) if state is None]
        new_states = _processed(waiting, output, parallel, parallel_workers)
        results = [
            Result.of(job, state or new_states[job.scan.name])
            for job, state in zip(jobs, states, strict=True)
        ]
        write_table(results, staging.path(TABLE), staging.path(DICTIONARY))
        write_reporting(results, *map(staging.path, REPORTING))
        write_summarise_folders(results, staging)
        page = study_page(results, input.resolve().name)
        staging.path(PAGE).write_text(page, encoding="utf-8", errors="backslashreplace")
    remove_other_folders(results, output)
    _print_summary(results, len(waiting), output)


def _processed(
    waiting: list[Job], output: Path, parallel: Literal["off", "local", "cluster"], workers: int | None
) -> dict[str, JobState]:
    """Process scans, record the state of each as soon as it is known, and return the states by scan."""
    states: dict[str, JobState] = {}
    if parallel == "cluster" and not os.environ.get(SCHEDULER):
        finished: Iterable[JobState] = submitted(waiting, output, workers)
    else:
        finished = chunks_done(run_job, None, waiting, parallel, workers, MODULES)
    with tqdm(total=len(waiting), unit="scan", desc="study", disable=None, file=sys.stderr) as bar:
        for job, state in zip(waiting, finished, strict=True):
            state.write(job.state)
            states[job.scan.name] = state
            bar.update()
    return states


def _claim_output(output: Path, folder: Path) -> None:
    """Mark the output folder as a derivative of this program, or refuse a folder of another program."""
    if output.resolve() == folder.resolve():
        raise OutputError(f"--output {output} is the folder of the study; give another one.")
    path = output / DESCRIPTION
    if path.is_file():
        try:
            by = json.loads(path.read_text(encoding="utf-8"))["GeneratedBy"][0]["Name"]
        except (ValueError, KeyError, IndexError, TypeError):
            by = "another program"
        if by != "fsl_mrs_dl":
            raise OutputError(f"{path} is of {by}; choose another --output.")
    elif output.is_dir() and any(output.iterdir()):
        raise OutputError(f"--output {output} holds other files; choose an empty folder, or that of a study.")
    output.mkdir(parents=True, exist_ok=True)
    description = {
        "Name": "MRS concentrations",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "fsl_mrs_dl", "Version": __version__}],
    }
    write_whole(path, json.dumps(description, indent=2) + "\n")


def _print_summary(results: list[Result], new: int, output: Path) -> None:
    """Print the number of scans with each verdict, the failed ones, and the files."""
    kinds = ("good", "usable", "unusable", "failed")
    counts = {kind: sum(result.verdict == kind for result in results) for kind in kinds}
    summary = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    lines = [f"{len(results)} scan{'s' * (len(results) != 1)} ({new} processed now): {summary}."]
    lines += [f"  {r.job.scan.name}: {r.verdict}: {r.reason}" for r in results if r.verdict != "good"]
    lines += _variation_lines(results)
    lines += [f"Table: {output / TABLE}, its columns: {output / DICTIONARY}", f"Report: {output / PAGE}"]
    if any(result.amounts for result in results):
        lines.append(f"To look at all fits with FSL-MRS: fsl_mrs_summarise dir {output / SUMMARISE}")
    print(printable("\n".join(lines), lines=True))  # noqa: T201


def _variation_lines(results: list[Result]) -> list[str]:
    """Return a table of the main amounts over all scans; empty if there are fewer than two."""
    there = [result for result in results if result.amounts]
    scaling = leading_scaling(there)
    rows = [row[:5] for row in variation(there, main_names(there, scaling), scaling, "")]
    if not rows:
        return []
    title = f"Posterior means of good and usable scans, {scaling_words(scaling)}:"
    head = ("", "n", "mean", "SD", "CV (%)")
    wide = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = [
        "  ".join([f"  {row[0]:{wide[0]}}", *(f"{row[n]:>{wide[n]}}" for n in range(1, len(head)))])
        for row in (head, *rows)
    ]
    return [title, *lines]
