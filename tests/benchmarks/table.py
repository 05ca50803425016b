"""A table of results with what is needed to make it again: date, seed, commit, machine, versions."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, Self

import fsl_mrs_dl
from fsl_mrs_dl import fslmrs

NOT_RUN = "not run"


@dataclass(frozen=True)
class Table:
    """One table of a page: a caption and rows of text."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @classmethod
    def filled(cls, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Self:
        """Return a table whose short rows, of what could not be run, are filled up."""
        return cls(caption, columns, [[*row, *[NOT_RUN] * (len(columns) - len(row))] for row in rows])

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [self.caption, "", "| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


@dataclass(frozen=True)
class Picture:
    """One picture of a page: name of its file without ending, caption, PNG."""

    name: str
    caption: str
    png: bytes = field(repr=False)


@dataclass(frozen=True)
class Page:
    """What a task found: its title, what was done in words, its tables by profile, remarks, pictures."""

    title: str
    method: str
    tables: Sequence[Table]
    remarks: str = ""
    pictures: Sequence[Picture] = ()


class Task(Protocol):
    """The ``run`` of a task of the benchmarks."""

    def __call__(self, profile: str, seed: int) -> Page:
        """Run the task.

        Parameters
        ----------
        profile : {"smoke", "small", "paper"}
        seed : int

        Returns
        -------
        Page
        """


def fslmrs_words() -> str:
    """Return which FSL-MRS stood beside."""
    if not fslmrs.available():
        return "FSL-MRS was not there: its rows were not run."
    return f"FSL-MRS calls itself {fslmrs.version()} (0+unknown: built from source without its history)."


def page_text(page: Page, *, task: str, profile: str, seed: int, share: float | None = None) -> str:
    """Return a page in Markdown, with the command and the circumstances that made it."""
    command = f"python -m tests.benchmarks {task} --profile {profile} --seed {seed}"
    command += "" if share is None else f" --share {share:g}"
    parts = [f"# {page.title}", page.method, f"Made by `{command}`.", circumstances(seed)]
    parts += [table.markdown() for table in page.tables]
    if page.remarks:
        parts.append(page.remarks)
    if page.pictures:
        parts.append("## Pictures")
        parts += [f"![{one.name}]({picture_file(task, one)})\n\n*{one.caption}*" for one in page.pictures]
    return "\n\n".join(parts) + "\n"


def picture_file(task: str, picture: Picture) -> str:
    """Return where a picture lies, relative to its page."""
    return f"figures/{task}-{picture.name}.png"


def circumstances(seed: int) -> str:
    """Return date, seed, commit, machine and versions, as a list in Markdown."""
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": str(seed),
        "commit": commit(),
        "machine": f"{machine()}; {_load()}",
        "software": f"fsl_mrs_dl {fsl_mrs_dl.__version__}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy")),
    }
    return "\n".join(f"- {key}: {value}" for key, value in facts.items())


def commit() -> str:
    """Return the commit of the clone this file is in, marked if changed; else the version."""
    folder = Path(__file__).parent
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() if described.returncode == 0 else f"release {fsl_mrs_dl.__version__}"


def machine() -> str:
    """Return processor and core count, without the machine's name."""
    names = [
        line.split(":", 1)[1].strip()
        for line in _lines(Path("/proc/cpuinfo"))
        if line.lower().startswith("model name")
    ]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {len(names) or '?'} cores, {platform.system()}"


def _load() -> str:
    """Return how many processes wanted a core in the last minutes, this one among them: times grow with it."""
    return f"load {os.getloadavg()[2]:.1f}" if hasattr(os, "getloadavg") else "load not known"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
