"""Load the steps that other packages register in the entry-point group ``fsl_mrs_dl.steps``.

A defect of another package must not disable commands of this program: a step that cannot be loaded or used is left
out with a warning.
"""

import logging
import re
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from fsl_mrs_dl.io.untrusted_text import printable
from fsl_mrs_dl.steps.tools import TOOLS

if TYPE_CHECKING:
    from fsl_mrs_dl.steps.registry import Step

ENTRY_POINTS = "fsl_mrs_dl.steps"
_COMMAND_OPTIONS = frozenset(
    (
        "file",
        "data",
        "output",
        "filename",
        "overwrite",
        "config",
        "report",
        "generateReports",
        "quiet",
        "verbose",
        "help",
    )
)
"""Options of every command; a step cannot have options with these names."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_log = logging.getLogger(__name__)


def third_party_steps(built_in: Collection[str]) -> dict[str, "Step"]:
    """Return the usable steps of other packages by the names of their entry points.

    A step is left out, with a warning, if it cannot be imported, is no
    :class:`~fsl_mrs_dl.steps.registry.Step`, has the name of a command of this program or of an earlier entry
    point, a name that is no command, or an option that every command has.

    Parameters
    ----------
    built_in : collection of str
        Names of the program's own steps.
    """
    usable: dict[str, Step] = {}
    try:
        entries = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    except Exception as error:  # noqa: BLE001  # the metadata of any installed package
        _log.warning("Steps of other packages are left out, their list cannot be read: %s", _line(error))
        return usable
    for entry in entries:
        try:
            loaded = _load(entry, {*built_in, *TOOLS}, usable)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the code of another package
            _log.warning(
                "The step %s of %s is left out: %s", printable(entry.name), _package(entry), _line(error)
            )
        else:
            usable[entry.name] = loaded
    return usable


def _load(entry: EntryPoint, own: Collection[str], earlier: Collection[str]) -> "Step":
    from fsl_mrs_dl.steps.registry import Step

    if entry.name in own:
        raise ValueError("it has the name of a command of fsl_mrs_dl; rename the entry point")
    if entry.name in earlier:
        raise ValueError("another package has a step of this name; uninstall one of them")
    if not _NAME.fullmatch(entry.name):
        raise ValueError("a name of lower-case letters, digits and underscores is needed")
    loaded = entry.load()
    if not isinstance(loaded, Step):
        raise TypeError(f"{entry.value} is a {type(loaded).__name__}, not a Step; decorate it with @step")
    if reserved := sorted(_COMMAND_OPTIONS.intersection(option.name for option in loaded.options)):
        raise ValueError(f"its option {reserved[0]} is one that every command has; rename it")
    return loaded if loaded.name == entry.name else replace(loaded, name=entry.name)


def _package(entry: EntryPoint) -> str:
    name = entry.dist.name if entry.dist is not None else entry.value
    return printable(name)


def _line(error: BaseException) -> str:
    """Return the text of an exception in one line."""
    text = " ".join(str(error).split())
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:300]
