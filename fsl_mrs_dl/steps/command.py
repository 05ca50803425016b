"""Run a step as a command: parse its arguments, read and write its files, return its exit status."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError, OutputError
from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.steps.config import CONFIG_HELP, with_config
from fsl_mrs_dl.steps.dashes import mark_values, unmark
from fsl_mrs_dl.steps.exit_status import guarded
from fsl_mrs_dl.steps.options import Option, describe
from fsl_mrs_dl.steps.registry import Step

logger = logging.getLogger(__name__)

ALSO = {
    "--t1_values": ("--t1-values",),
    "--t2_values": ("--t2-values",),
    "--parallel_workers": ("--parallel-workers",),
}
"""Flags that FSL-MRS spells with a hyphen; all others have underscores."""


_MISSING_ARGUMENTS = "the following arguments are required: "
_EXAMPLE = "example:\n"
_MOST_IN_USAGE = 12  # choices that the usage lists; the help of an option says more of them in words


class Help(argparse.HelpFormatter):
    """Wrap paragraphs, but not an example, which is to be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_EXAMPLE) else super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """A parser with errors of one line; the usage of quantify alone would fill a screen."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse a command line, as ``argparse`` does, which takes the two dashes of ``--flag=--`` for no value."""
        for word in sys.argv[1:] if args is None else args:
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"argument {word.removesuffix('=--')}: a value is needed, and -- is none")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Print the error in the arguments, and exit with status 2."""
        if message.startswith(_MISSING_ARGUMENTS):
            lacking = message.removeprefix(_MISSING_ARGUMENTS)
            message = f"{lacking} {'are' if ', ' in lacking else 'is'} missing"
        self.exit(2, f"{self.prog}: {printable(message)}; '{self.prog} --help' shows the options.\n")


def run(known_step: Step, argv: Sequence[str]) -> int:
    """Run a step as a command.

    Parameters
    ----------
    known_step : Step
    argv : sequence of str
        The arguments after the step's name.

    Returns
    -------
    int
        0; 2 for an error that the user can solve; 128 plus the number of the signal that stopped it. A defect
        of the package raises (status 1).
    """
    parser = Parser(
        prog=f"fsl_mrs_dl {known_step.name}",
        description=_text(known_step),
        epilog=in_help(known_step.example),
        formatter_class=Help,
        add_help=False,
        allow_abbrev=False,
    )
    step_arguments(parser, known_step)
    if not known_step.fits:
        arguments = parser.parse_args(mark_values(argv, known_step.options))
        return guarded(
            lambda: run_step(known_step, arguments),
            parser.prog,
            verbose=arguments.verbose,
            quiet=arguments.quiet,
        )

    def work() -> None:
        from fsl_mrs_dl.steps.results_folder import run_fit

        run_fit(known_step, parser.parse_args(mark_values(with_config(argv, known_step), known_step.options)))

    return guarded(work, parser.prog, verbose="--verbose" in argv, quiet="--quiet" in argv)


def run_tool(
    tool: Callable[..., None],
    argv: Sequence[str],
    *,
    program: str,
    summary: str,
    first: Sequence[str] = (),
) -> int:
    """Run a documented function without an input spectrum as a command.

    Parameters
    ----------
    tool : callable
        Function whose signature and docstring define the options and the help.
    argv : sequence of str
        The arguments of the command.
    program : str
        Program and command, for the help and the messages.
    summary : str
        First sentence of the help, without its full stop.
    first : sequence of str
        The most used options, which stand before the others in the help, with those that are required.

    Returns
    -------
    int
        As of :func:`run`.
    """
    described = describe(tool)
    options = described.options
    parser = Parser(
        prog=program,
        description=f"{summary}.",
        epilog=in_help(described.example),
        formatter_class=Help,
        add_help=False,
        allow_abbrev=False,
    )
    main = parser.add_argument_group("main options") if first else parser
    more = parser.add_argument_group("other options") if first else parser
    for option in options:
        add_option(main if option.required or option.name in first else more, option)
    add_verbosity(more)
    add_help(more)
    arguments = parser.parse_args(argv)

    def work() -> None:
        tool(**{option.name: option.check(getattr(arguments, option.name)) for option in options})

    return guarded(work, program, verbose=arguments.verbose, quiet=arguments.quiet)


def _text(known_step: Step) -> str:
    return f"{known_step.summary}. {' '.join(known_step.description.split())}".replace("%", "%%")


def in_help(example: str) -> str | None:
    """Format an example for the end of the help."""
    if not example:
        return None
    lines = example.replace("%", "%%").splitlines()
    return _EXAMPLE + "\n".join(f"  {line}" for line in lines)


def step_arguments(parser: argparse.ArgumentParser, known_step: Step) -> None:
    """Add the arguments of a step's command to a parser."""
    files = parser.add_argument_group("files")
    name = "--data" if known_step.fits else "--file"
    files.add_argument(name, type=Path, required=True, metavar="FILE", help="NIfTI-MRS file to work on.")
    files.add_argument("--output", type=Path, required=True, metavar="DIR", help="Folder for the result.")
    replaced = "the files of an earlier run" if known_step.fits else "results of the same names"
    if known_step.fits:
        files.add_argument("--config", type=Path, metavar="TOML", help=CONFIG_HELP)
    else:
        files.add_argument(
            "--filename", metavar="N", help="Name of the result, without .nii.gz. Default: that of the input."
        )
    files.add_argument("--overwrite", action="store_true", help=f"Replace {replaced}, nothing else.")
    main = parser.add_argument_group("main options") if known_step.first else None
    own = parser.add_argument_group(f"{'other ' if main else ''}{known_step.name} options")
    for option in known_step.options:
        add_option(main if main and option.name in known_step.first else own, option)
    more = parser.add_argument_group("additional options")
    if known_step.report:
        flags = ["--report"] if known_step.fits else ["-r", "--generateReports"]
        more.add_argument(*flags, action="store_true", help="Write an HTML report.")
    add_verbosity(more)
    add_help(more)


def add_verbosity(parser: Any) -> None:
    """Add the flags that say how much is printed to a parser."""
    parser.add_argument(
        "--verbose", action="store_true", help="Also print what is being done, and what was decided and why."
    )
    parser.add_argument("--quiet", action="store_true", help="Print errors only.")


def add_help(parser: Any) -> None:
    """Add the flags that show the help to a parser."""
    parser.add_argument("-h", "--help", action="help", help="Show this help and exit.")


def add_option(parser: Any, option: Option) -> None:
    """Add the flag of an option of a documented function to a parser."""
    flag = f"--{option.name}"
    text = option.help.replace("%", "%%")
    if option.negatable:
        either = parser.add_mutually_exclusive_group()
        either.add_argument(flag, action="store_true", default=None, help=text)
        # The text of the option says what --no_NAME does.
        either.add_argument(
            f"--no_{option.name}",
            dest=option.name,
            action="store_false",
            default=None,
            help=argparse.SUPPRESS,
        )
        return
    if option.kind is bool:
        parser.add_argument(flag, action="store_true", help=text)
        return
    more: dict[str, Any] = {"type": {MRSData: Path, Basis: str, str: unmark}.get(option.kind, option.kind)}
    if option.positional:
        if not option.required:
            more |= {"nargs": "?", "default": option.default, "metavar": option.metavar}
        parser.add_argument(option.name, help=text, choices=option.choices or None, **more)
        return
    more["required"] = option.required
    if option.count is not None:
        more["nargs"] = "+" if option.count < 0 else option.count
    if option.repeats:
        more["action"] = "append"
    if option.choices:
        more["choices"] = option.choices
    if len(option.choices) > _MOST_IN_USAGE:
        more["metavar"] = option.name.upper()
    elif not option.choices:
        more["metavar"] = option.metavar
    if not option.required:
        more["default"] = option.default
        if option.default is not None:
            values = option.default if isinstance(option.default, tuple) else (option.default,)
            text += f" Default: {' '.join(map(str, values))}."
    parser.add_argument(flag, *ALSO.get(flag, ()), help=text, **more)


def run_step(known_step: Step, arguments: argparse.Namespace) -> None:
    """Read the files, run a step, write its result.

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
    from fsl_mrs_dl.io import nifti
    from fsl_mrs_dl.io.nifti_header import sidecar_of
    from fsl_mrs_dl.io.results import write_estimates
    from fsl_mrs_dl.io.results.mrsi import write_map_image
    from fsl_mrs_dl.io.sidecar import sidecar_name, write_sidecars
    from fsl_mrs_dl.io.staging import Staging
    from fsl_mrs_dl.steps.step_summary import work_of

    options = {option.name: getattr(arguments, option.name) for option in known_step.options}
    file_options = {
        o.name for o in known_step.options if o.kind in (MRSData, Path) and options[o.name] is not None
    }
    inputs = [arguments.file, sidecar_of(arguments.file), *(options[name] for name in file_options)]
    name = result_name(arguments.file, arguments.filename)
    report = known_step.report if getattr(arguments, "generateReports", False) else None
    page = f"{name}_{known_step.name}.html"
    with Staging(arguments.output, overwrite=arguments.overwrite, inputs=inputs) as staging:
        staging.reserve(f"{name}.nii.gz", *([page] if report else []))
        _refuse_foreign(arguments.output / f"{name}.nii.gz")
        data = nifti.read(arguments.file)
        for option in known_step.options:
            if option.kind is MRSData and options[option.name] is not None:
                options[option.name] = nifti.read(options[option.name])
        if data.sidecar:
            staging.reserve(sidecar_name(name))
            _refuse_foreign(arguments.output / sidecar_name(name))
        result = known_step(data, **options)
        nifti.write(result.data, staging.path(f"{name}.nii.gz"))
        if data.sidecar:
            write_sidecars(staging)
        if result.estimates is not None:
            write_estimates(result.estimates, data.dim_tags, staging.path(f"{name}_{known_step.name}.csv"))
        for shows, values in result.images.items():
            image = staging.path(f"{name}_{known_step.name}_{shows}.nii.gz")
            write_map_image(values.astype(np.float32), result.data, image)
        lack = None
        if report:
            from fsl_mrs_dl.report.writing import write_page

            lack = write_page(report, lambda: staging.path(page), data, result, options)
    log_decisions(data, result.data)
    for line in (*work_of(known_step.name, data, result), *result.messages):
        print(printable(line))  # noqa: T201
    print(printable(f"Result: {arguments.output / f'{name}.nii.gz'}"))  # noqa: T201
    if report and lack is None:
        print(printable(f"Report: {arguments.output / page}"))  # noqa: T201
    if lack is not None:
        raise lack


def log_decisions(before: MRSData, after: MRSData) -> None:
    """Log what was decided while the data were read, and the record of each step with its options as resolved."""
    for note in before.notes:
        logger.info("%s: %s", before.name or "input", note)
    for record in after.processing[len(before.processing) :]:
        logger.info("%s: %s", record.get("Method"), record.get("Details"))


def _refuse_foreign(path: Path) -> None:
    """Refuse to replace a file that this program did not write: a scan, or a result of another program.

    Parameters
    ----------
    path : Path
        A NIfTI-MRS file or its sidecar.

    Raises
    ------
    OutputError
        If the file exists and its last record is not of this program.
    """
    from fsl_mrs_dl.io.nifti_file import opened
    from fsl_mrs_dl.io.nifti_header import read_json

    if not path.exists():
        return
    try:
        header = read_json(path) if path.suffix == ".json" else opened(path).nmrs.hdr_ext.to_dict()
        applied = header.get("ProcessingApplied")
    except DataError:
        applied = None
    last = applied[-1] if isinstance(applied, list) and applied else None
    if not isinstance(last, dict) or last.get("Program") != "fsl_mrs_dl":
        raise OutputError(
            f"{path} was not written by fsl_mrs_dl and is left alone; remove it, or choose another --output "
            "folder or --filename."
        )


def result_name(file: Path, filename: str | None) -> str:
    """Return the stem of a result's files: ``--filename``, or the input's name without its ending.

    Raises
    ------
    OptionError
        If ``--filename`` is not a plain name.
    """
    from fsl_mrs_dl.io.names import plain_name

    return plain_name(filename if filename is not None else file.name, "filename")
