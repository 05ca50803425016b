"""The command line: one subcommand a step or tool; errors become exit codes; nothing heavy is imported."""

import importlib
import sys
import warnings
from collections.abc import Sequence

from fsl_mrs_dl import __version__
from fsl_mrs_dl.steps import command
from fsl_mrs_dl.steps.registry import built_in_steps, steps
from fsl_mrs_dl.steps.tools import FIRST_OPTIONS, TOOLS


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
    own = built_in_steps()
    if argv and argv[0] in own:
        return command.run(own[argv[0]], argv[1:])
    if argv and argv[0] in TOOLS:
        return _run_tool(argv[0], argv[1:])
    # Other packages are imported only now, so that none of them can stop a command of this one.
    known = own if argv[:1] in (["-v"], ["--version"]) else steps()
    if argv and argv[0] in known:
        return command.run(known[argv[0]], argv[1:])
    if argv[:1] == ["benchmark"]:
        print("fsl_mrs_dl: benchmarks run from a clone, by python -m tests.benchmarks.", file=sys.stderr)  # noqa: T201
        return 2
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
    first = FIRST_OPTIONS.get(name, ())
    return command.run_tool(tool, argv, program=f"fsl_mrs_dl {name}", summary=summary, first=first)
