"""From a command to a package on disk, the same for every task."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import torch

from fsl_mrs_dl import __version__
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.models.card import Card, Recipe, evaluation_text
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import CARD, WEIGHTS, find, package_bytes
from fsl_mrs_dl.train.loop import Outcome, Settings

Work = Callable[[], tuple[Network, Card, Outcome]]


@dataclass(frozen=True)
class Request:
    """What the command ``train`` was asked for.

    Attributes
    ----------
    said : mapping
        Its options, resolved.
    command : str
        What makes the weights again.
    output : Path
    overwrite : bool
    began : float
        Of :func:`time.monotonic`.
    """

    said: Mapping[str, Any]
    command: str
    output: Path
    overwrite: bool
    began: float

    @property
    def settings(self) -> Settings:
        """How to train."""
        said = self.said
        return Settings(
            said["epochs"], said["batch"], said["lr"], said["patience"], said["seed"], anneal=True
        )

    def write(self, work: Work, name: str) -> None:
        """Train and write the package of this name, see :func:`write_trained`."""
        version, inputs = self.said["version"], files_read(self.said)
        write_trained(work, self.output, name, version, overwrite=self.overwrite, inputs=inputs)


def files_read(said: Mapping[str, Any]) -> list[Path]:
    """Return the files, and the folders of basis sets and packages, that training reads by its options."""
    found = [Path(path) for path in said.get("data") or ()]
    found += [Path(said[name]) for name in ("signal", "basis") if said.get(name) is not None]
    for name in ("init", "augment_with"):
        if said.get(name) is not None:
            found.append(find(said[name]))
    return found


def recipe(command: str, seed: int, data: str, data_sha256: str, began: float) -> Recipe:
    """Return the recipe of weights that were made now, from ``began`` on, with this software."""
    return Recipe(
        command=command,
        seed=seed,
        data=data,
        data_sha256=data_sha256,
        hours=round((time.monotonic() - began) / 3600, 4),
        device="cuda" if torch.cuda.is_available() else "cpu",
        software={"fsl_mrs_dl": __version__, "torch": version_of("torch")},
    )


def write_trained(
    work: Work, output: Path, name: str, version: str, *, overwrite: bool, inputs: Sequence[Path]
) -> None:
    """Reserve the place of a package, train, write it and print its evaluation.

    Parameters
    ----------
    work : callable
        Trains; called once the place is known to be free.
    output : Path
        Folder that keeps packages.
    name, version : str
    overwrite : bool
    inputs : sequence of Path
        Files and folders that must not be replaced.
    """
    with Staging(output / name / version, overwrite=overwrite, inputs=inputs) as staging:
        staging.reserve(CARD, WEIGHTS)
        network, card, outcome = work()
        for file, content in package_bytes(network, card).items():
            staging.path(file).write_bytes(content)
    print(f"{output / name / version}: {len(outcome.losses)} epochs")  # noqa: T201
    print(evaluation_text(card))  # noqa: T201
