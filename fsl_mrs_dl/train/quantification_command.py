"""``train quantify``: from the command's settings to a package."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fsl_mrs_dl.models.card import Card
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.train import quantification as work
from fsl_mrs_dl.train.loop import Outcome, Settings
from fsl_mrs_dl.train.quantification_data import basis_of
from fsl_mrs_dl.train.writing import write_trained


def train_quantification(
    said: Mapping[str, Any], command: str, output: Path, *, overwrite: bool, began: float
) -> None:
    """Train a quantification network and write its package.

    Parameters
    ----------
    said : mapping
        Options of the command ``train``, resolved.
    command : str
        What makes the weights again.
    output : Path
    overwrite : bool
    began : float
        Of :func:`time.monotonic`.

    Raises
    ------
    MRSDLError
        If the basis set, a file, the package to start from or the output folder cannot be used.
    """
    architecture, seed, files = said["architecture"], said["seed"], said["data"]
    settings = Settings(said["epochs"], said["batch"], said["lr"], said["patience"], seed, anneal=True)
    if architecture == "start":
        from fsl_mrs_dl.train.start import train_start

        train_start(said, settings, command, output, overwrite=overwrite, began=began)
        return
    basis = basis_of(said["basis"], said["prior"])
    sets = work.make_sets(files, basis, said["prior"], said["noise"], said["samples"], seed)
    if said["augment_with"] is not None:
        from fsl_mrs_dl.train.augmentation import spectra_with

        sets = replace(sets, training=spectra_with(sets.training, said["augment_with"], seed))
    if said["init"] is not None:
        network, config = work.started(said["init"], architecture, sets.training)
    else:
        more = {name: said[name] for name in ("encoder", "amplitudes", "penalty", "seed_sign")}
        # Simulated as published, spectra have the unit of the basis set; measured ones have any.
        more["scaled"] = said["prior"] != "dq" or files is not None
        network, config = work.new_network(architecture, sets.training, seed, **more)
    name = work.name_of(architecture, basis)

    def trained() -> tuple[Network, Card, Outcome]:
        outcome = work.train_on(network, sets, settings)
        card = work.make_card(
            architecture,
            config,
            network,
            sets,
            name=name,
            version=said["version"],
            command=command,
            seed=seed,
            started_at=began,
        )
        return network, card, outcome

    write_trained(trained, output, name, said["version"], overwrite=overwrite, inputs=files or ())
