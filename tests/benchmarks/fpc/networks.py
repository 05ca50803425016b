"""The networks of the tables, trained here by the documented command, or taken from an earlier run."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsl_mrs_dl.models.card import Card
from fsl_mrs_dl.models.registration_encoders import RegistrationNetwork
from tests.benchmarks.fpc.profiles import NETWORKS, FpcProfile


@dataclass(frozen=True, eq=False)
class TrainedFpcNetwork:
    """A trained network.

    Attributes
    ----------
    network : RegistrationNetwork
    card : Card
    folder : Path
        Its package.
    """

    network: RegistrationNetwork
    card: Card
    folder: Path

    @property
    def minutes(self) -> float:
        """How long its data and its training took, in minutes, on the machine that trained it."""
        return 60 * self.card.recipe.hours

    @property
    def n_parameters(self) -> int:
        """How many numbers were learned."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def n_flops(self) -> int:
        """Floating-point operations of a transient: two for each multiplication of layers and DFTs left out."""
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.network.estimates(torch.zeros(1, 2, self.network.n_points))
        return int(counter.get_total_flops())


def train_all(
    profile: FpcProfile, signal: Path | None, folder: Path, seed: int
) -> dict[str, TrainedFpcNetwork]:
    """Train every architecture on the 9.4 T set, by one recipe.

    Parameters
    ----------
    profile : FpcProfile
    signal : Path or None
        The measured rat signal; None = its stand-in.
    folder : Path
        Keeps the packages; one that is there already and was made by the same options is not trained again.
    seed : int

    Returns
    -------
    dict
        Architecture -> network.
    """
    return {
        name: train_one(folder, signal=signal, seed=seed, **training_options(name, profile))
        for name in NETWORKS
    }


def training_options(name: str, profile: FpcProfile) -> dict[str, Any]:
    """Return the options of ``train align`` by which a profile trains an architecture."""
    samples, epochs = profile.training[name]
    return {
        "architecture": name,
        "samples": samples,
        "epochs": epochs,
        "batch": profile.training_batch,
        "patience": 0,
    }


def train_one(folder: Path, **options: Any) -> TrainedFpcNetwork:
    """Train one network with the options of ``train align``, or load it if it is there."""
    from fsl_mrs_dl.models.package import CARD, load
    from fsl_mrs_dl.train.command import train

    own = folder / f"{options['architecture']}-{_digest(options)}"
    cards = list(own.glob(f"*/*/{CARD}"))
    if not cards:
        # What the command prints is not part of the page.
        with contextlib.redirect_stdout(sys.stderr):
            train("align", output=own, **options)
        cards = list(own.glob(f"*/*/{CARD}"))
    model = load(cards[0].parent)
    if not isinstance(model.network, RegistrationNetwork):
        raise TypeError(f"{cards[0]} is no registration network")
    return TrainedFpcNetwork(model.network, model.card, cards[0].parent)


def _digest(options: Mapping[str, Any]) -> str:
    """Return options as text for a digest; files and packages by name, without their folder."""

    def plain(key: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(key, item) for item in value]
        if key == "init":
            # A package lies in the folder of its own options, below its name.
            return "/".join(Path(value).parts[-3:])
        return value.name if isinstance(value, Path) else value

    text = json.dumps({key: plain(key, value) for key, value in options.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
