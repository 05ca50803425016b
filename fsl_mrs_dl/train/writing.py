"""From a training to a package on disk, the same for every task."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.models.card import Card, evaluation_text
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import CARD, WEIGHTS, package_bytes
from fsl_mrs_dl.train.loop import Outcome

Work = Callable[[], tuple[Network, Card, Outcome]]


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
        Files that must not be replaced.
    """
    with Staging(output / name / version, overwrite=overwrite, inputs=inputs) as staging:
        staging.reserve(CARD, WEIGHTS)
        network, card, outcome = work()
        for file, content in package_bytes(network, card).items():
            staging.path(file).write_bytes(content)
    print(f"{output / name / version}: {len(outcome.losses)} epochs")  # noqa: T201
    print(evaluation_text(card))  # noqa: T201
