"""Run a step from a form, as a command in a child process; without windows and torch.

The form is made from the registry of steps, so that a step of another package has one too. The child can have
another Python than FSLeyes, for example one with PyTorch.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import MissingDependencyError, OptionError
from fsl_mrs_dl.steps.options import Option
from fsl_mrs_dl.steps.registry import Step

_VERSION_TIMEOUT_S, _INTERRUPT_TIMEOUT_S = 60.0, 5.0
"""Longest wait for a Python to print a version (slow network file systems), and for a child to end by itself."""


@dataclass(frozen=True)
class Field:
    """One line of the form.

    Attributes
    ----------
    flag : str
        With its dashes.
    kind : {"file", "folder", "path", "check", "choice", "text"}
    default : str
        As text; empty: none.
    choices : tuple of str
    required : bool
    help : str
    """

    flag: str
    kind: str
    default: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    help: str = ""
    option: Option | None = None


def form_of(step: Step) -> tuple[Field, ...]:
    """Return the fields of a step: its files first, then its options, needed ones before others."""
    source = "--data" if step.fits else "--file"
    fields = [
        Field(source, "file", required=True, help="NIfTI-MRS file to work on."),
        Field("--output", "folder", required=True, help="Folder for the result."),
    ]
    own = [_field(option) for option in step.options]
    fields += sorted(own, key=lambda field: not field.required)
    fields.append(Field("--overwrite", "check", help="Replace the files of an earlier run, nothing else."))
    if step.report:
        fields.append(Field("--report" if step.fits else "-r", "check", help="Write an HTML report."))
    return tuple(fields)


def _field(option: Option) -> Field:
    flag = f"--{option.name}"
    required = option.required
    default = "" if required or option.default is None or option.default == () else _text(option.default)
    if option.negatable:
        return Field(flag, "choice", "", ("", "yes", "no"), required, option.help, option)
    if option.kind is bool:
        return Field(
            flag, "check", "yes" if option.default is True else "", (), required, option.help, option
        )
    if option.choices:
        names = tuple(str(choice) for choice in option.choices)
        return Field(flag, "choice", default, names, required, option.help, option)
    files = option.kind is MRSData or (option.kind is Path and option.count is None)
    if files or option.kind is Basis:
        kind = "file" if files else "path"
        return Field(flag, kind, default, (), required, option.help, option)
    return Field(flag, "text", default, (), required, option.help, option)


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return " ".join(_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def arguments(step: Step, values: Mapping[str, str]) -> list[str]:
    """Return the arguments of the program for the texts of a form.

    Parameters
    ----------
    step : Step
    values : mapping of str to str
        Flag to text; empty or missing: none. Any text sets a check.

    Returns
    -------
    list of str
        The name of the step first; defaults are left out.

    Raises
    ------
    OptionError
        If a needed field is empty, or a text has a quotation mark without its partner.
    """
    words = [step.name]
    for field in form_of(step):
        text = values.get(field.flag, "").strip()
        if not text:
            if field.required:
                raise OptionError(f"{field.flag} is empty; {step.name} needs it.")
            continue
        if text == field.default:
            continue
        if field.kind == "check":
            words.append(field.flag)
        elif field.option is not None and field.option.negatable:
            words.append(field.flag if text == "yes" else f"--no_{field.option.name}")
        elif field.option is not None and field.option.repeats:
            for part in text.split(";"):
                words += [field.flag, *_words(part, field.flag)]
        elif field.option is not None and field.option.count is not None:
            words += [field.flag, *_words(text, field.flag)]
        else:
            # One word to argparse, whatever it begins with.
            words += [f"{field.flag}={text}"] if text.startswith("-") else [field.flag, text]
    return words


def _words(text: str, flag: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise OptionError(f"{flag} is {text!r} ({error}); close the quotation.") from error


def command_line(interpreter: str, words: Sequence[str]) -> list[str]:
    """Return the command of a child process."""
    return [interpreter, "-m", "fsl_mrs_dl", *words]


def for_pasting(command: Sequence[str]) -> str:
    """Return a command of :func:`command_line` as a line for a shell."""
    return shlex.join(command)


def checked_interpreter(interpreter: str) -> str:
    """Return the version of ``fsl_mrs_dl`` in another Python.

    Raises
    ------
    MissingDependencyError
        If it is not a Python, or has no ``fsl_mrs_dl``.
    """
    script = "import fsl_mrs_dl; print(fsl_mrs_dl.__version__)"
    try:
        ran = subprocess.run(
            [interpreter, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=_VERSION_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingDependencyError(f"{interpreter} cannot be run ({error}); choose a Python.") from error
    if ran.returncode:
        raise MissingDependencyError(
            f"{interpreter} has no fsl_mrs_dl; choose the Python of the environment that has it, or install it."
        )
    return ran.stdout.strip()


class ChildRun:
    """A step in its own process; its output arrives line by line, from another thread.

    Parameters
    ----------
    command : sequence of str
    heard : callable
        Called with each line, and each state of a progress bar.
    ended : callable
        Called once with the exit status.
    """

    def __init__(
        self, command: Sequence[str], heard: Callable[[str], None], ended: Callable[[int], None]
    ) -> None:
        self.cancelled = False
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop("PYTHONHOME", None)  # of this Python, and no other's
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        )
        self._thread = threading.Thread(target=self._listen, args=(heard, ended), daemon=True)
        self._thread.start()

    def _listen(self, heard: Callable[[str], None], ended: Callable[[int], None]) -> None:
        stream = self._process.stdout
        assert stream is not None
        # Universal newlines make a line of each carriage return, that is of each state of a progress bar.
        with stream:
            for line in stream:
                if line.strip():
                    heard(line.rstrip())
        ended(self._process.wait())

    @property
    def running(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def cancel(self) -> None:
        """Interrupt the process, as Ctrl-C does, so that it cleans up; end it if it does not react."""
        if self.running:
            self.cancelled = True
            self._process.send_signal(signal.SIGINT)
            # A process that was started in the background of a shell ignores interrupts, and so do its children.
            grace = threading.Timer(_INTERRUPT_TIMEOUT_S, self._process.terminate)
            grace.daemon = True
            grace.start()

    def stop(self) -> None:
        """End the process at once, and wait for the thread."""
        if self.running:
            self._process.kill()
        self._thread.join(timeout=5)


DEFAULT_INTERPRETER = sys.executable
"""Python of FSLeyes itself; fits need no PyTorch."""
