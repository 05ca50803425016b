"""The command ``train``. Nothing heavy is imported before it runs."""

import math
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.staging import Staging


def train(
    step: Literal["align"],
    *,
    architecture: Literal["dsr", "dsrf", "dcrr", "dcrrf", "tapper", "ma"],
    output: Path,
    data: tuple[Path, ...] | None = None,
    prior: Literal["deepfpc", "brain_3t", "brain_7t"] = "deepfpc",
    signal: Path | None = None,
    init: str | None = None,
    samples: int = 24000,
    epochs: int = 100,
    batch: int = 64,
    lr: float = 1e-3,
    patience: int = 10,
    reference: Literal["kmeans", "average"] = "kmeans",
    shift_hz: float | None = None,
    phase_deg: float | None = None,
    nuisance: float = 0.4,
    depth: int = 4,
    batch_norm: bool = False,
    search: int = 0,
    version: str = "1.0.0",
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Train a network and write a model package.

    The package is ``DIR/<name>/<version>``: a card, which says what it was trained on and how well it does, and
    the weights. A folder of packages is found by name if ``$FSL_MRS_DL_MODELS`` names it.

    Parameters
    ----------
    step : str
        The step that will use it.
    architecture : str
        dsr, dsrf, dcrr, dcrrf: without labels, relative to a reference or to creatine, in time or in a window
        (F); tapper, ma: with labels, fully connected or convolutional.
    output : Path
        Folder that keeps packages.
    data : tuple of Path
        Your own transients, NIfTI-MRS files of one kind; by default transients are simulated.
    prior : str
        What to simulate: deepfpc: 9.4 T as published; brain_3t, brain_7t: the shipped basis sets.
    signal : Path
        For deepfpc: the published rat signal (obx_23_9_FC.mat) instead of singlets.
    init : str
        Start from this package (name or path) instead of random weights.
    samples : int
        Transients to simulate, or to make of your own by augmentation.
    epochs : int
        Most passes over the data.
    batch : int
        Transients a step.
    lr : float
        Learning rate.
    patience : int
        Epochs without improvement after which to end; 0 = never.
    reference : str
        Of dsr and dsrf. kmeans: one transient, chosen as published; average: the iterated average.
    shift_hz : float
        Shifts within plus and minus this. Default: 20 for deepfpc and your own data, 40 at 3 T and in
        proportion at 7 T.
    phase_deg : float
        Phases within plus and minus this. Default: 90 for deepfpc and your own data, 180 for the others.
    nuisance : float
        Probability of a transient to have unstable water, and of one to have lipid.
    depth : int
        Convolutions after the first two; of the networks without labels.
    batch_norm : bool
        Normalise after each convolution; of the networks without labels.
    search : int
        Try this many settings (learning rate, batch, depth, batch norm) first and take the best. Needs Optuna.
    version : str
        Of the package.
    seed : int
        Same seed, same weights.
    overwrite : bool
        Replace a package of the same name and version.

    Raises
    ------
    MRSDLError
        If an option, a file, the package to start from or the output folder cannot be used.
    """
    settings = {name: value for name, value in locals().items() if name != "overwrite"}
    _check(settings)
    began = time.monotonic()
    from fsl_mrs_dl.models.package import CARD, WEIGHTS, package_bytes
    from fsl_mrs_dl.train import registration as work
    from fsl_mrs_dl.train.loop import Settings
    from fsl_mrs_dl.train.registration_data import default_spread

    spread = default_spread("deepfpc" if data else prior, nuisance)
    if shift_hz is not None:
        spread = replace(spread, shift_hz=shift_hz)
    if phase_deg is not None:
        spread = replace(spread, phase_rad=math.radians(phase_deg))
    sets = work.make_sets(data, prior, signal, spread, samples, seed)
    chosen: dict[str, Any] = {"lr": lr, "batch": batch, "depth": depth, "batch_norm": batch_norm}
    if search:
        chosen = _searched(work, architecture, sets, spread, reference, search, epochs, patience, seed)
        settings |= chosen | {"search": 0}

    def prepared(choices: dict[str, Any]) -> Any:
        if init is not None:
            return work.started(init, architecture, sets.training)
        more = {key: choices[key] for key in ("depth", "batch_norm")}
        return work.new_network(architecture, sets.training, spread, seed, **more)

    network, config = prepared(chosen)
    work.give_reference(network, sets.training, reference, spread)
    name = work.name_of(architecture, network, sets.training.nucleus)
    with Staging(output / name / version, overwrite=overwrite, inputs=data or ()) as staging:
        staging.reserve(CARD, WEIGHTS)
        outcome = work.train_on(
            network, sets, Settings(epochs, chosen["batch"], chosen["lr"], patience, seed)
        )
        card = work.make_card(
            architecture,
            config,
            network,
            sets,
            spread,
            version=version,
            command=_command(settings),
            seed=seed,
            started_at=began,
        )
        for file, content in package_bytes(network, card).items():
            staging.path(file).write_bytes(content)
    from fsl_mrs_dl.models.card import evaluation_text

    print(f"{output / name / version}: {len(outcome.losses)} epochs")  # noqa: T201
    print(evaluation_text(card))  # noqa: T201


def _searched(
    work: Any,
    architecture: str,
    sets: Any,
    spread: Any,
    reference: str,
    trials: int,
    epochs: int,
    patience: int,
    seed: int,
) -> dict[str, Any]:
    """Return the best of some settings; each is trained from random weights of the same seed."""
    from fsl_mrs_dl.train.loop import Settings
    from fsl_mrs_dl.train.search import search

    def loss_of(choices: dict[str, Any], report: Any) -> float:
        more = {key: choices[key] for key in ("depth", "batch_norm")}
        network, _ = work.new_network(architecture, sets.training, spread, seed, **more)
        work.give_reference(network, sets.training, reference, spread)
        settings = Settings(epochs, choices["batch"], choices["lr"], patience, seed)
        loss: float = work.train_on(network, sets, settings, report).best
        return loss

    return search(loss_of, trials, epochs, seed)


def _check(settings: dict[str, Any]) -> None:
    """Refuse numbers that mean nothing, with the flag's name."""
    least_of = {"samples": 20, "epochs": 1, "batch": 1, "patience": 0, "search": 0, "seed": 0}
    for option, least in least_of.items():
        if settings[option] < least:
            raise OptionError(f"--{option} is {settings[option]}; at least {least} is needed.")
    if not 3 <= settings["depth"] <= 5:
        raise OptionError(f"--depth is {settings['depth']}; 3 to 5 fit into 512 points.")
    for option in ("lr", "shift_hz", "phase_deg"):
        value = settings[option]
        if value is not None and not (math.isfinite(value) and value > 0):
            raise OptionError(f"--{option} is {value:g}; a positive number is needed.")
    if not 0 <= settings["nuisance"] <= 1:
        raise OptionError(f"--nuisance is {settings['nuisance']:g}; a probability from 0 to 1 is needed.")
    version = settings["version"]
    if not version or not all(part.isdigit() for part in version.split(".")):
        raise OptionError(f"--version is {version!r}; numbers with dots are needed, for example 1.0.0.")
    if settings["init"] and settings["search"]:
        raise OptionError("--search chooses the network's layers, --init brings them; give one of them.")
    if settings["signal"] and (settings["data"] or settings["prior"] != "deepfpc"):
        raise OptionError("--signal is for --prior deepfpc; leave it out.")


def _command(settings: dict[str, Any]) -> str:
    """Return the command that makes the weights again; files by name."""
    words = ["fsl_mrs_dl", "train", settings["step"]]
    for name, value in settings.items():
        if name in ("step", "output") or value is None or value is False or (name == "search" and not value):
            continue
        words.append(f"--{name}")
        if value is not True:
            several = value if isinstance(value, tuple) else (value,)
            words += [item.name if isinstance(item, Path) else str(item) for item in several]
    return shlex.join([*words, "--output", "DIR"])
