"""``train quantify``: from the command's settings to a package."""

from dataclasses import replace

from fsl_mrs_dl.models.card import Card
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.train import quantification as work
from fsl_mrs_dl.train.loop import Outcome
from fsl_mrs_dl.train.quantification_data import basis_of
from fsl_mrs_dl.train.writing import Request


def train_quantification(request: Request) -> None:
    """Train a quantification network and write its package.

    Raises
    ------
    MRSDLError
        If the basis set, a file, the package to start from or the output folder cannot be used.
    """
    said = request.said
    architecture, seed, files = said["architecture"], said["seed"], said["data"]
    if architecture == "start":
        from fsl_mrs_dl.train.start import train_start

        train_start(request)
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
        outcome = work.train_on(network, sets, request.settings)
        card = work.make_card(
            architecture,
            config,
            network,
            sets,
            name=name,
            version=said["version"],
            command=request.command,
            seed=seed,
            started_at=request.began,
        )
        return network, card, outcome

    request.write(trained, name)
