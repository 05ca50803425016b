"""The command line: one subcommand a step or tool; errors become exit codes; nothing heavy is imported."""

import importlib
import io
import sys
import warnings
from collections.abc import Sequence

from fsl_mrs_dl import __version__
from fsl_mrs_dl.steps import command
from fsl_mrs_dl.steps.options import describe
from fsl_mrs_dl.steps.registry import built_in_steps, steps
from fsl_mrs_dl.steps.tools import TOOLS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process if not given.

    Returns
    -------
    int
        0; 2 where the user can mend what went wrong; 130 where they interrupt it. A defect of the package
        raises (status 1).
    """
    if argv is None and not sys.warnoptions:
        # What a library warns of is for who writes the code, and the tests turn it into errors; a user is told
        # what it means for the result by flags and notes. python -W default brings warnings back.
        warnings.simplefilter("ignore")
    argv = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files hold any bytes, terminals do not
    own = built_in_steps()
    if argv and argv[0] in own:
        return command.run(own[argv[0]], argv[1:])
    if argv and argv[0] in TOOLS:
        return _run_tool(argv[0], argv[1:])
    # Other packages are imported only now, so that none of them can stop a command of this one.
    known = own if argv[:1] in (["-v"], ["--version"]) else steps()
    if argv and argv[0] in known:
        return command.run(known[argv[0]], argv[1:])
    parser = command.Parser(
        prog="fsl_mrs_dl",
        description="Magnetic resonance spectroscopy on NIfTI-MRS files, beside FSL-MRS.",
        epilog="'fsl_mrs_dl COMMAND --help' shows the options of a command, with an example.",
    )
    parser.add_argument("-v", "--version", action="version", version=f"fsl_mrs_dl {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, summary in [
        *((n, s.summary) for n, s in known.items()),
        *((n, t[1]) for n, t in TOOLS.items()),
    ]:
        commands.add_parser(name, help=summary)
    if not argv:
        parser.print_help()
        return 0
    parser.parse_args(argv)
    return 0


def _run_tool(name: str, argv: Sequence[str]) -> int:
    """Run a tool; its module is imported only now."""
    module, summary = TOOLS[name]
    tool = getattr(importlib.import_module(module), name)
    described = describe(tool)
    options = described.options
    parser = command.Parser(
        prog=f"fsl_mrs_dl {name}",
        description=f"{summary}.",
        epilog=command.in_help(described.example),
        formatter_class=command.Help,
        add_help=False,
        allow_abbrev=False,
    )
    for option in options:
        command.add_option(parser, option)
    parser.add_argument("--verbose", action="store_true", help="Print what is being done.")
    command.add_help(parser)
    arguments = parser.parse_args(argv)

    def work() -> None:
        tool(**{option.name: option.check(getattr(arguments, option.name)) for option in options})

    return command.guarded(work, name, verbose=arguments.verbose)
