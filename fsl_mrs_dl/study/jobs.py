"""One scan of a study: processed into a folder of its own, or told why not."""

import argparse
import contextlib
import hashlib
import io
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fsl_mrs_dl import __version__
from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.steps.command import Parser, step_arguments
from fsl_mrs_dl.steps.config import with_config
from fsl_mrs_dl.steps.dashes import mark_values
from fsl_mrs_dl.steps.process import process
from fsl_mrs_dl.steps.results_folder import run_fit
from fsl_mrs_dl.study.scans import Scan

DONE, FAILED = "done", "failed"


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in place of an earlier one."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8", errors="backslashreplace")
    aside.replace(path)


@dataclass(frozen=True)
class State:
    """How a scan ended.

    Attributes
    ----------
    status : str
        :data:`DONE` or :data:`FAILED`.
    message : str
        Why it failed, in one line; what was printed otherwise.
    key : str
        Hash of program, options and input: the same result would come out again.
    seconds : float
    """

    status: str
    message: str
    key: str
    seconds: float

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> "State | None":
        """Return what was written; None where there is nothing, or something else."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


@dataclass(frozen=True)
class Job:
    """What is to be done for one scan.

    Attributes
    ----------
    scan : Scan
    output : Path
        Of the study.
    options : tuple of str
        Of ``process``, as on the command line.
    """

    scan: Scan
    output: Path
    options: tuple[str, ...]

    @property
    def results(self) -> Path:
        """The folder of its results."""
        return self.output / self.scan.name

    @property
    def state(self) -> Path:
        """The file that says how it ended."""
        return self.output / f"{self.scan.name}.json"

    def key(self) -> str:
        """Return the hash of all that decides the result."""
        digest = hashlib.sha256(repr((__version__, self.options)).encode())
        for path in (self.scan.data, self.scan.reference, *_files_among(self.options)):
            digest.update(b"-" if path is None else path.read_bytes())
        return digest.hexdigest()

    def finished(self, key: str) -> State | None:
        """Return how it ended in an earlier run with the same input and options; None: it is to be done."""
        state = State.read(self.state)
        if state is None or state.key != key:
            return None
        return state if state.status == FAILED or (self.results / "run.json").is_file() else None


def _files_among(options: Sequence[str]) -> list[Path]:
    return [Path(word) for word in options if not word.startswith("--") and Path(word).is_file()]


def done_job(common: None, job: Job) -> State:
    """Process one scan; whatever happens to it, say so and go on.

    Parameters
    ----------
    common : None
        Nothing is shared.
    job : Job
    """
    began = time.monotonic()
    words = ["--data", str(job.scan.data), "--output", str(job.results), "--report", "--overwrite"]
    if job.scan.reference is not None:
        words += ["--reference", str(job.scan.reference)]
    printed = io.StringIO()
    key = ""
    try:
        key = job.key()
        with contextlib.redirect_stdout(printed):
            run_fit(process, _parsed([*words, *job.options]))
        status, message = DONE, printed.getvalue()
    except MRSDLError as error:
        status, message = FAILED, str(error)
    except Exception as error:  # noqa: BLE001 - one scan never stops the others; what it was is told
        where = traceback.format_exc(limit=-1).strip().splitlines()
        status, message = (
            FAILED,
            f"a defect of the program: {type(error).__name__}: {error} ({where[1].strip()})",
        )
    return State(status, message, key, time.monotonic() - began)


def check_options(job: Job) -> None:
    """End with the parser's message where the options of all scans cannot be used."""
    _parsed(["--data", "scan", "--output", "results", *job.options])


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="fsl_mrs_dl process", add_help=False, allow_abbrev=False)
    step_arguments(parser, process)
    return parser.parse_args(mark_values(with_config(words, process), process.options))
