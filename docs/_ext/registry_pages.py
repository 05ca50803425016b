"""Writes the reference pages that are derived from the code: one a command, and the table of flags."""

import contextlib
import importlib
import io
import os
import re
from inspect import getdoc
from pathlib import Path
from unittest import mock

from sphinx.application import Sphinx

from fsl_mrs_dl import cli
from fsl_mrs_dl.data import FLAGS, Basis, MRSData
from fsl_mrs_dl.steps.options import Described, Option, describe
from fsl_mrs_dl.steps.registry import Step, steps

KINDS = {
    MRSData: "NIfTI-MRS file",
    Basis: "basis set",
    Path: "path",
    int: "whole number",
    float: "number",
    str: "text",
    bool: "switch",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Have the pages written before Sphinx looks for sources."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", escape_stars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write all generated pages; one that did not change keeps its time stamp."""
    folder = Path(app.srcdir) / "reference" / "generated"
    pages = {"flags.txt": flags_table()}
    for name, step in steps().items():
        pages[f"{name}.md"] = step_page(step)
    for name, (module, _) in cli.TOOLS.items():
        pages[f"{name}.md"] = tool_page(name, getattr(importlib.import_module(module), name))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def escape_stars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Take the star of a shape such as (x, y, *higher dimensions) as Python does, not for emphasis."""
    lines[:] = [re.sub(r"(?<=, )\*(?=\w[^*]*\))", r"\\*", line) for line in lines]


def step_page(step: Step) -> str:
    """Return the page of a step."""
    keywords = ", ".join(_keyword(option) for option in step.options)
    record = f"Appends a record with the method *{step.method}* to `ProcessingApplied`."
    python = (
        f"In Python: `{step.function.__module__}.{step.name}(data, {keywords})` returns a "
        "{class}`~fsl_mrs_dl.steps.registry.StepResult`."
    )
    files = "Writes a folder of results, see [Results](../results.md).\n\n" if step.fits else ""
    return _page(step.name, step, f"{files}{record}\n\n{python}", _references(step.function))


def tool_page(name: str, function: object) -> str:
    """Return the page of a tool."""
    return _page(name, describe(function), "", _references(function))


def _page(name: str, said: Step | Described, more: str, references: str) -> str:
    parts = [f"# {name}", f"{said.summary}.", said.description, more, options_table(said.options)]
    parts += [f"## What `fsl_mrs_dl {name} --help` says\n\n```text\n{help_text(name)}\n```"]
    if references:
        parts += [f"## References\n\n```{{eval-rst}}\n{references}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def options_table(options: tuple[Option, ...]) -> str:
    """Return the options of a command as a table."""
    rows = [f"| {_flag(o)} | {_values(o)} | {_default(o)} | {_cell(o.help)} |" for o in options]
    return "\n".join(["| option | values | default | meaning |", "|---|---|---|---|", *rows]) if rows else ""


def flags_table() -> str:
    """Return the tokens of the column ``flag``."""
    rows = [
        f"| `{token}` | {flag.bit} | {_cell(flag.meaning)} | {flag.severity} |"
        for token, flag in FLAGS.items()
    ]
    return "\n".join(["| flag | bit | meaning | severity |", "|---|---|---|---|", *rows]) + "\n"


def help_text(name: str) -> str:
    """Return what the program prints for ``NAME --help``, 90 columns wide."""
    printed = io.StringIO()
    width = mock.patch.dict(os.environ, COLUMNS="90")
    with width, contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        cli.main([name, "--help"])
    return printed.getvalue().strip()


def _references(function: object) -> str:
    found = re.search(
        r"^References\n-+\n(.*?)(?=^\w.*\n-+$|\Z)", getdoc(function) or "", re.MULTILINE | re.DOTALL
    )
    return found.group(1).strip() if found else ""


def _flag(option: Option) -> str:
    if option.positional:
        return f"`{option.name.upper()}`"
    return f"`--{option.name}`, `--no_{option.name}`" if option.negatable else f"`--{option.name}`"


def _keyword(option: Option) -> str:
    return f"{option.name}" if option.required else f"{option.name}={option.default!r}"


def _values(option: Option) -> str:
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    kind = KINDS[option.kind]
    if option.count is None:
        return kind
    again = "; may be given again" if option.repeats else ""
    return f"{kind}, one or more{again}" if option.count < 0 else f"{option.count} x {kind}"


def _default(option: Option) -> str:
    if option.required:
        return "required"
    if option.default is None or option.kind is bool:
        return ""
    values = option.default if isinstance(option.default, tuple) else (option.default,)
    return f"`{' '.join(map(str, values))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")
