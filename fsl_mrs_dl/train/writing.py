"""From the options of a training to the command that repeats it, and to a package on disk."""

import os
import shlex
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import torch

from fsl_mrs_dl import __version__
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.models.card import Card, TrainingRecipe, evaluation_text
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import CARD, WEIGHTS, find, package_bytes
from fsl_mrs_dl.train.loop import LossCurve

Work = Callable[[], tuple[Network, Card, LossCurve]]
_LEFT_OUT = ("step", "output", "checkpoint")
"""Options that do not change the weights; the step comes first."""


def command_of(options: Mapping[str, Any]) -> str:
    """Return the command that makes the weights again; files by name."""
    words = ["fsl_mrs_dl", "train", options["step"]]
    for name, value in options.items():
        if name in _LEFT_OUT or value is None or value is False or (name == "search" and not value):
            continue
        words.append(f"--{name}")
        if value is not True:
            several = value if isinstance(value, tuple) else (value,)
            words += [item.name if isinstance(item, Path) else str(item) for item in several]
    return shlex.join([*words, "--output", "DIR"])


def files_read(options: Mapping[str, Any]) -> list[Path]:
    """Return the files, and the folders of basis sets and packages, that training reads by its options."""
    files = [Path(path) for path in options.get("data") or ()]
    files += [Path(options[name]) for name in ("signal", "basis") if options.get(name) is not None]
    files += [find(options[name]) for name in ("init", "augment_with") if options.get(name) is not None]
    files += [find(member) for member in options.get("members") or ()]
    return files


def recipe(options: Mapping[str, Any], data: str, data_sha256: str, began: float) -> TrainingRecipe:
    """Return the recipe of weights that were made now, from ``began`` on, with this software."""
    return TrainingRecipe(
        command=command_of(options),
        seed=options["seed"],
        data=data,
        data_sha256=data_sha256,
        hours=round((time.monotonic() - began) / 3600, 4),
        device="cuda" if torch.cuda.is_available() else "cpu",
        software={"fsl_mrs_dl": __version__, "torch": version_of("torch")},
    )


def write_package(
    work: Work, output: Path, name: str, options: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Reserve the place of a package, train, write it and print its evaluation.

    Parameters
    ----------
    work : callable
        Trains; called once the place is known to be free.
    output : Path
        Folder that keeps packages.
    name : str
    options : mapping
        Of the training; the version is one of them, and no file that they name is replaced.
    overwrite : bool
    """
    folder = output / name / options["version"]
    with Staging(folder, overwrite=overwrite, inputs=files_read(options)) as staging:
        staging.reserve(CARD, WEIGHTS)
        network, card, curve = work()
        for file, content in package_bytes(network, card).items():
            staging.path(file).write_bytes(content)
    epochs = len(curve.losses)
    print(f"Trained for {epochs} epoch{'' if epochs == 1 else 's'}: {folder}")  # noqa: T201
    print(evaluation_text(card))  # noqa: T201
    path = str(folder.parent)
    print(f"To use it: --model {path if os.sep in path else f'./{path}'}")  # noqa: T201
