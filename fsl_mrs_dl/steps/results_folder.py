"""Run the command of a step that fits: read its files, write a folder of results."""

import argparse
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsl_mrs_dl.data import Basis, MRSData, Stage
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.steps.command import log_decisions
from fsl_mrs_dl.steps.options import Option
from fsl_mrs_dl.steps.registry import Step, StepResult

if TYPE_CHECKING:
    from fsl_mrs_dl.io.run_key import RunKey
    from fsl_mrs_dl.io.staging import Staging

logger = logging.getLogger(__name__)

REPORT, STEPS_FOLDER = "report.html", "steps"
REPORTING = ("MRSinMRS.csv", "MRSinMRS.md")
"""The table of the minimum reporting standard."""
_NOT_OF_THE_NUMBERS = ("parallel", "parallel_workers", "t1", "keep_steps")
"""Options that do not change the numbers: a run that was stopped may go on with others."""


def run_fit(known_step: Step, arguments: argparse.Namespace) -> None:
    """Read the files, run a step that fits, write its results, and print a summary.

    Parameters
    ----------
    known_step : Step
    arguments : argparse.Namespace
        As parsed by the program.

    Raises
    ------
    MRSDLError
        If an input, an option or the output folder cannot be used; after the result is written, if its report
        lacks a package.
    """
    from fsl_mrs_dl.io.nifti_header import sidecar_of
    from fsl_mrs_dl.io.results import (
        BASIS_FOLDER,
        FIXED_NAMES,
        RUN_RECORD,
        files_of_earlier_run,
        run_record,
        write_outcome,
    )
    from fsl_mrs_dl.io.row_store import rows_in
    from fsl_mrs_dl.io.scratch import scratch_in
    from fsl_mrs_dl.io.sidecar import write_sidecars
    from fsl_mrs_dl.io.staging import Staging
    from fsl_mrs_dl.report import quantify_text
    from fsl_mrs_dl.report.stages import stage_measures

    options = {option.name: getattr(arguments, option.name) for option in known_step.options}
    inputs = [arguments.data, sidecar_of(arguments.data), *_named_files(known_step, options)]
    if arguments.config is not None:
        inputs.append(arguments.config)
    output = arguments.output
    with Staging(output, overwrite=arguments.overwrite, inputs=inputs, last=RUN_RECORD) as staging:
        staging.own(files_of_earlier_run(output))
        staging.reserve(RUN_RECORD)
        named = dict(options)
        data = _read(known_step, arguments.data, options)
        single = data.fid.shape[:3] == (1, 1, 1)
        staging.reserve(*FIXED_NAMES[single], *([REPORT, *REPORTING] if arguments.report else []))
        if not single:
            staging.reserve_folder(BASIS_FOLDER)
        key = _key(known_step, arguments.data, named)
        with (
            scratch_in(staging.scratch()),
            contextlib.nullcontext() if single or key is None else rows_in(staging.work_folder(), key),
        ):
            result = known_step(data, **options)
            assert result.outcome is not None
            assert result.fitted is not None
            settings = {**known_step.resolve(options), **result.settled, "data": arguments.data}
            write_outcome(result.data, result.fitted, result.outcome, staging)
            if options.get("keep_steps"):
                _write_stages(result.stages, staging)
            if data.sidecar:
                write_sidecars(staging)
        lack = _write_report(known_step, result, settings, staging) if arguments.report else None
        processing = stage_measures(result.stages)
        record = run_record(result.outcome, settings, staging.checksums(), known_step.name, processing)
        staging.path(RUN_RECORD).write_text(record, encoding="utf-8")
        files = staging.names
    log_decisions(data, result.data)
    for note in result.outcome.notes:
        logger.info("%s.", note)
    lines = [f"{stage.name or 'not run'}: {note}" for stage in result.stages for note in stage.notes]
    lines.append(quantify_text(result.outcome, arguments.output, files))
    print(printable("\n".join(lines), lines=True))  # noqa: T201
    if lack is not None:
        raise lack


def _key(known_step: Step, data: Path, options: dict[str, Any]) -> "RunKey | None":
    """Return the key of a run, from its options and files; None for a fit by a network, which is short."""
    from fsl_mrs_dl.io.nifti_header import sidecar_of
    from fsl_mrs_dl.io.run_key import RunKey

    if options.get("model") is not None or options.get("method") not in (None, "lcm"):
        return None
    files = {"data": data, "data (sidecar)": sidecar_of(data)}
    for option in known_step.options:
        paths = [path for path in _paths(option, options[option.name]) if path.exists()]
        files |= {f"{option.name} {n}".removesuffix(" 1"): path for n, path in enumerate(paths, start=1)}
    others = {name: value for name, value in options.items() if name not in (*files, *_NOT_OF_THE_NUMBERS)}
    return RunKey.of(others, files)


def _read(known_step: Step, file: Path, options: dict[str, Any]) -> MRSData:
    """Read the data of a file and of the options; replace the names in ``options`` by their data."""
    from fsl_mrs_dl.io import nifti
    from fsl_mrs_dl.steps.scan_reading import read_scan

    data, reference = read_scan(file) if known_step.chained else (nifti.read(file), None)
    for option in known_step.options:
        value = options[option.name]
        if option.kind is MRSData and value is not None:
            options[option.name] = read_scan(value)[0] if known_step.chained else nifti.read(value)
    if reference is not None and options.get("reference") is None:
        options["reference"] = reference
    return data


def _write_report(
    known_step: Step, result: StepResult, settings: dict[str, Any], staging: "Staging"
) -> ImportError | None:
    """Write the report and the MRSinMRS table; return why the report could not be drawn."""
    from fsl_mrs_dl.report.reporting_table import reporting_csv, reporting_markdown, reporting_rows
    from fsl_mrs_dl.report.writing import write_page

    assert result.fitted is not None
    assert result.outcome is not None
    rows = reporting_rows(result.fitted, result.outcome, settings)
    for file, text in zip(REPORTING, (reporting_csv(rows), reporting_markdown(rows)), strict=True):
        staging.path(file).write_text(text, encoding="utf-8")
    shown = (result.fitted, result.outcome, settings, result.stages)
    return write_page(str(known_step.report), lambda: staging.path(REPORT), *shown)


def _write_stages(stages: Sequence[Stage], staging: "Staging") -> None:
    """Write the data after each step of a chain."""
    from fsl_mrs_dl.io import nifti

    staging.reserve_folder(STEPS_FOLDER)
    for n, stage in enumerate([one for one in stages[1:] if one.name], start=1):
        nifti.write(stage.data, staging.path(f"{STEPS_FOLDER}/{n}_{stage.name}.nii.gz"))


def _named_files(known_step: Step, options: dict[str, object]) -> list[Path]:
    """Return the files and folders that the options name; none of them may be replaced."""
    paths = []
    for option in known_step.options:
        paths += _paths(option, options[option.name])
    return paths


def _paths(option: Option, value: object) -> list[Path]:
    """Return the files and folders that the value of an option may name."""
    if option.name == "tissue_frac" and isinstance(value, (list, tuple)):
        return [Path(word) for word in value]
    named = option.kind in (MRSData, Basis, Path) or option.name == "model"
    return [Path(value)] if named and isinstance(value, (str, Path)) else []
