"""Read options from a TOML file: the command line is preferred to the file, the file to the default."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.toml_file import read_toml
from fsl_mrs_dl.steps.options import Option
from fsl_mrs_dl.steps.registry import Step

CONFIG_HELP = "Read options from a TOML file (name = value); what is given here comes before it."
_COMMAND_OPTIONS = (
    Option("data", Path, None, (), None, ""),
    Option("output", Path, None, (), None, ""),
    Option("overwrite", bool, None, (), False, ""),
    Option("report", bool, None, (), False, ""),
    Option("verbose", bool, None, (), False, ""),
)


def with_config(argv: Sequence[str], known_step: Step) -> list[str]:
    """Return a command line with the options of its ``--config`` file before the others.

    Parameters
    ----------
    argv : sequence of str
    known_step : Step

    Returns
    -------
    list of str
        Without such a file the same; an option that is in ``argv`` is not taken from the file.

    Raises
    ------
    OptionError
        If the file cannot be read, or has an unknown key or an impossible value.
    """
    path = _named_file(argv)
    if path is None:
        return list(argv)
    content = read_toml(path, "config")
    options = {option.name: option for option in (*_COMMAND_OPTIONS, *known_step.options)}
    unknown = [key for key in content if key not in options]
    if unknown:
        raise OptionError(
            f"--config {path} has the key {unknown[0]}, which is no option; known are {', '.join(options)}."
        )
    flags = {word.split("=")[0] for word in argv}
    line: list[str] = []
    for key, value in content.items():
        if not flags & {f"--{key}", f"--no_{key}", f"--{key.replace('_', '-')}"}:
            line += _words(options[key], value, path)
    return [*line, *argv]


def _named_file(argv: Sequence[str]) -> Path | None:
    """Return the last file named by ``--config``, as argparse does; None without one."""
    path = None
    for place, word in enumerate(argv):
        if word.startswith("--config="):
            path = Path(word.removeprefix("--config="))
        elif word == "--config" and place + 1 < len(argv):
            path = Path(argv[place + 1])
    return path


def _words(option: Option, value: Any, path: Path) -> list[str]:
    """Return one option of the file as words of a command line."""
    flag = f"--{option.name}"
    if option.kind is bool:
        if not isinstance(value, bool):
            raise OptionError(f"--config {path} has {option.name} = {value!r}; true or false is needed.")
        return [flag] if value else ([f"--no_{option.name}"] if option.negatable else [])
    values = value if isinstance(value, list) else [value]
    if option.repeats and any(isinstance(item, list) for item in values):
        return [word for item in values for word in _listed(flag, item, path)]
    return _listed(flag, values, path)


def _listed(flag: str, values: Any, path: Path) -> list[str]:
    items = values if isinstance(values, list) else [values]
    if not items or any(isinstance(item, (bool, dict, list)) for item in items):
        raise OptionError(
            f"--config {path} has {flag[2:]} = {values!r}; a number, a text or a list of them is needed."
        )
    return [flag, *map(str, items)]
