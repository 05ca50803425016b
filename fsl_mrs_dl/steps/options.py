"""Read the options of a documented, keyword-only function: the source of flags, records, pages and forms."""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

import docstring_parser

from fsl_mrs_dl.choices import Choices
from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import OptionError

METAVARS: Mapping[str, str] = MappingProxyType(
    {
        "TE": "MS",
        "TR": "S",
        "apply": "CSV",
        "baseline": "KIND",
        "combine": "METAB",
        "concentrations": "WHAT",
        "covariance": "TXT",
        "data": "FILE",
        "dim": "TAG",
        "dwelltime": "S",
        "field": "T",
        "file": "FILE",
        "filename": "N",
        "h2o_scale": "FACTOR",
        "ignore": "METAB",
        "internal_ref": "METAB",
        "keep": "METAB",
        "like": "FILE",
        "linewidth": "HZ",
        "mask": "IMAGE",
        "metab_groups": "GROUP",
        "metabolites": "METAB",
        "model": "MODEL",
        "output": "DIR",
        "real": "FILE",
        "recipe": "TOML",
        "reference": "FILE",
        "synthetic": "FILE",
        "t1": "IMAGE",
        "t1_values": "JSON",
        "t2_values": "JSON",
        "te": "MS",
        "te1": "MS",
        "tissue": "IMAGE",
        "tissue_frac": "FRACTION",
        "tm": "MS",
        "wref_metabolite": "METAB",
    }
)
"""Option -> name of its value in the help, if it does not follow from the type or the unit in the name."""
_UNITS = ("ppm", "hz", "deg")


@dataclass(frozen=True)
class Option:
    """One keyword of a function, as a flag of the command line and a field of a form.

    Attributes
    ----------
    name : str
        The keyword; the flag is ``--name``.
    kind : type
        ``str``, ``int``, ``float``, ``bool``, ``Path``, ``MRSData`` (a file to be read) or ``Basis`` (a path or
        a name).
    count : int or None
        Number of values of the flag: None = one, n = exactly n, -1 = one or more.
    choices : tuple
        The allowed values; empty = any.
    default : object
        ``inspect.Parameter.empty`` if a value is required.
    help : str
        First paragraph of its text in the docstring.
    positional : bool
        Whether the value has no flag (``models ACTION``); tools only.
    repeats : bool
        Whether the flag may be repeated, each time with a list: ``--combine A B --combine C D``.
    negatable : bool
        Whether there are ``--name`` and ``--no_name``, and a third value (None) without both.
    """

    name: str
    kind: type
    count: int | None
    choices: tuple[Any, ...]
    default: Any
    help: str
    positional: bool = False
    repeats: bool = False
    negatable: bool = False

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty

    @property
    def metavar(self) -> str | tuple[str, ...]:
        """Name of the value in the help: the kind of file, the unit, or the thing it counts."""
        if self.count == 2 and self.kind is float:
            return ("LO", "HI")
        if self.name in METAVARS:
            return METAVARS[self.name]
        unit = self.name.rpartition("_")[2]
        if self.kind is float and unit in _UNITS:
            return unit.upper()
        return {MRSData: "FILE", Path: "PATH", Basis: "BASIS", int: "N", float: "X"}.get(self.kind, "NAME")

    def check(self, value: Any) -> Any:
        """Convert a value to the type of the option, the same for the command line and for Python.

        Raises
        ------
        OptionError
            If the value is not one of the choices, or not as many as needed.
        """
        if value is None or self.kind in (MRSData, Basis) or self._is_image(value):
            return value
        if self.repeats:
            return tuple(self._several(item) for item in self._listed(value))
        return self._one(value) if self.count is None else self._several(value)

    def _is_image(self, value: Any) -> bool:
        """Return whether the value is an image in memory instead of a file."""
        return self.kind is Path and hasattr(value, "__array__")

    def _listed(self, value: Any) -> Sequence[Any]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise OptionError(f"--{self.name} is {value!r}; {self._needed()} needed.")
        return value

    def _several(self, value: Any) -> tuple[Any, ...]:
        items = self._listed(value)
        if self.count and self.count > 0 and len(items) != self.count:
            raise OptionError(f"--{self.name} has {len(items)} values; {self._needed()} needed.")
        return tuple(self._one(item) for item in items)

    def _needed(self) -> str:
        return f"{self.count} values are" if self.count and self.count > 0 else "a list of values is"

    def _one(self, value: Any) -> Any:
        if self.choices and value not in self.choices:
            raise OptionError(
                f"--{self.name} is {value!r}; it must be one of {', '.join(map(str, self.choices))}."
            )
        if self.kind is bool or isinstance(value, self.kind):
            return value
        try:
            return self.kind(value)
        except (TypeError, ValueError) as error:
            raise OptionError(f"--{self.name} is {value!r}; a {self.kind.__name__} is needed.") from error


@dataclass(frozen=True)
class Described:
    """Summary, description, options and example (a line for the shell, or empty) of a documented function."""

    summary: str
    description: str
    options: tuple[Option, ...]
    example: str = ""


def describe(function: Callable[..., Any]) -> Described:
    """Read a function's signature and numpydoc docstring.

    Parameters
    ----------
    function : callable
        Its options are its parameters, each annotated and documented, but for the data of a step.

    Returns
    -------
    Described

    Raises
    ------
    TypeError
        If signature and docstring differ: a defect of the function, found when it is defined.
    """
    doc = docstring_parser.parse(_docstring(function), style=docstring_parser.DocstringStyle.NUMPYDOC)
    documented = {
        name: p.description or "" for p in doc.params for name in p.arg_name.replace(" ", "").split(",")
    }
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function).parameters.values()
    parameters = [p for p in signature if p.kind is not inspect.Parameter.VAR_KEYWORD]
    data = [
        p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY and hints[p.name] is MRSData
    ]
    every = {p.name for p in parameters}
    if set(documented) != every:
        raise TypeError(
            f"{function.__qualname__}: documented {sorted(documented)} but takes {sorted(every)}."
        )
    options = tuple(_option(p, hints[p.name], documented[p.name]) for p in parameters if p not in data)
    example = next((shown.description or "" for shown in doc.examples), "").strip()
    return Described((doc.short_description or "").rstrip("."), doc.long_description or "", options, example)


def _docstring(function: Callable[..., Any]) -> str:
    """Return a function's docstring, also if PYTHONOPTIMIZE=2 has removed it."""
    if function.__doc__ is not None:
        return inspect.getdoc(function) or ""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    return (ast.get_docstring(definition) or "") if isinstance(definition, ast.FunctionDef) else ""


def _option(parameter: inspect.Parameter, hint: Any, text: str) -> Option:
    negatable = hint == bool | None
    hint = _without_none(hint)
    choices: tuple[Any, ...] = ()
    count: int | None = None
    repeats = get_origin(hint) is tuple and get_origin(get_args(hint)[0]) is tuple
    if repeats:
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        count = -1 if inner[-1] is Ellipsis else len(inner)
        hint = _without_none(inner[0])
    more = ""
    if get_origin(hint) is Annotated:
        hint, named = get_args(hint)
        if not isinstance(named, Choices):
            raise TypeError(f"Option {parameter.name} is annotated with {named}; Choices are needed.")
        choices, more = named.values, named.help
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        hint = type(choices[0])
    if hint not in (str, int, float, bool, Path, MRSData, Basis):
        raise TypeError(f"Option {parameter.name} has the type {hint}; no flag can be made of it.")
    paragraph = " ".join([*text.split("\n\n")[0].split(), *more.split()])
    positional = parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    return Option(
        parameter.name, hint, count, choices, parameter.default, paragraph, positional, repeats, negatable
    )


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (typing.Union, types.UnionType):
        (only,) = [part for part in get_args(hint) if part is not type(None)]
        return only
    return hint
