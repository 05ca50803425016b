"""Process one scan of a study into a folder of its own, or record why it failed."""

import argparse
import contextlib
import io
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fsl_mrs_dl.errors import MissingDependencyError, MRSDLError, OutputError
from fsl_mrs_dl.io.run_key import RunKey
from fsl_mrs_dl.steps.command import Parser, step_arguments
from fsl_mrs_dl.steps.config import with_config
from fsl_mrs_dl.steps.dashes import mark_values
from fsl_mrs_dl.steps.process import process
from fsl_mrs_dl.steps.results_folder import run_fit
from fsl_mrs_dl.study.scans import StudyScan

DONE, FAILED = "done", "failed"
MODULES = (
    "fsl_mrs_dl.fit.quantification",
    "fsl_mrs_dl.fit.registration",
    "fsl_mrs_dl.report",
    "plotly.graph_objects",
)
"""Modules that the processing of a scan imports, not the help."""


def write_whole(path: Path, text: str) -> None:
    """Write a text file completely or not at all, replacing an earlier one."""
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class JobState:
    """State of a scan after its processing.

    Attributes
    ----------
    status : str
        :data:`DONE` or :data:`FAILED`.
    message : str
        Reason of the failure, in one line, or the output of the command.
    key : str
        Hash of program, options and input; an equal key means an equal result. Empty if the machine failed, for
        lack of space or of a program for example, and not the scan: then it is processed again the next time.
    seconds : float
    """

    status: str
    message: str
    key: str
    seconds: float

    def write(self, path: Path) -> None:
        """Write the state, completely or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "JobState | None":
        """Read a state; None if the file is missing or damaged."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True)
class Job:
    """Processing of one scan.

    Attributes
    ----------
    scan : StudyScan
    output : Path
        Folder of the results of the study.
    options : tuple of str
        Options of ``process``, as on the command line.
    """

    scan: StudyScan
    output: Path
    options: tuple[str, ...]

    @property
    def results(self) -> Path:
        """Folder of the results of the scan."""
        return self.output / self.scan.name

    @property
    def state(self) -> Path:
        """File with the state of the scan."""
        return self.output / f"{self.scan.name}.json"

    def key(self) -> str:
        """Return the hash of version, options and files, which determine the result."""
        files = {f"option {n}": path for n, path in enumerate(_paths_among(self.options))}
        for name in ("data", "reference", "fractions"):
            if (path := getattr(self.scan, name)) is not None:
                files[name] = path
        return RunKey.of({str(n): word for n, word in enumerate(self.options)}, files).digest

    def finished(self, key: str) -> JobState | None:
        """Return the state from an earlier run with the same input and options; None if there is none."""
        state = JobState.read(self.state)
        if state is None or state.key != key:
            return None
        return state if state.status == FAILED or (self.results / "run.json").is_file() else None


def _paths_among(options: Sequence[str]) -> list[Path]:
    return [Path(word) for word in options if not word.startswith("--") and Path(word).exists()]


def run_job(common: None, job: Job) -> JobState:
    """Process one scan; an error of any kind is recorded, and never stops the other scans.

    Parameters
    ----------
    common : None
        Scans have no common data.
    job : Job
    """
    began = time.monotonic()
    words = ["--data", str(job.scan.data), "--output", str(job.results), "--report", "--overwrite"]
    if job.scan.reference is not None:
        words += ["--reference", str(job.scan.reference)]
    if job.scan.fractions is not None:
        words += ["--tissue_frac", str(job.scan.fractions)]
    printed = io.StringIO()
    key = ""
    try:
        key = job.key()
        with contextlib.redirect_stdout(printed):
            run_fit(process, _parsed([*words, *job.options]))
        status, message = DONE, printed.getvalue()
    except (OutputError, MissingDependencyError, OSError, MemoryError) as error:
        status, message, key = FAILED, str(error) or type(error).__name__, ""
    except MRSDLError as error:
        status, message = FAILED, str(error)
    except Exception as error:  # noqa: BLE001 - one scan never stops the others; the error is recorded
        where = traceback.format_exc(limit=-1).strip().splitlines()
        status, message = (
            FAILED,
            f"a defect of the program: {type(error).__name__}: {error} ({where[1].strip()})",
        )
    return JobState(status, message, key, time.monotonic() - began)


def check_options(job: Job) -> None:
    """Exit with the message of the parser if the options of the scans are wrong."""
    _parsed(["--data", "scan", "--output", "results", *job.options])


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="fsl_mrs_dl process", add_help=False, allow_abbrev=False)
    step_arguments(parser, process)
    return parser.parse_args(mark_values(with_config(words, process), process.options))
