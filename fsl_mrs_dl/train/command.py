"""The command ``train``. Nothing heavy is imported before it runs."""

import inspect
import math
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.models.catalogue import Task, architectures, choices


def train(
    step: Task,
    *,
    architecture: Annotated[str, choices(architectures())],
    output: Path,
    data: tuple[Path, ...] | None = None,
    prior: Literal["deepfpc", "brain_3t", "brain_7t", "brain", "dq"] | None = None,
    basis: str = "press_3t_te30",
    signal: Path | None = None,
    init: str | None = None,
    samples: int = 24000,
    epochs: int = 100,
    batch: int = 64,
    lr: float = 3e-3,
    patience: int = 10,
    reference: Literal["kmeans", "average"] = "kmeans",
    shift_hz: float | None = None,
    phase_deg: float | None = None,
    nuisance: float = 0.4,
    depth: int = 4,
    batch_norm: bool = False,
    encoder: Literal["cnn", "fc", "mixer", "convnext"] = "cnn",
    amplitudes: Literal["projected", "whitened", "softplus"] = "projected",
    noise: Literal["white", "seed"] = "white",
    penalty: float = 3.0,
    seed_sign: bool = False,
    augment_with: str | None = None,
    metabolites: tuple[str, ...] | None = None,
    decoder: Literal["physics", "spectrum"] = "physics",
    search: int = 0,
    checkpoint: Path | None = None,
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
        The step that will use the network.
    architecture : str
        The network.
    output : Path
        Folder of model packages. The new package goes into it.
    data : tuple of Path
        Your own transients, as NIfTI-MRS files of one protocol; for quantify also spectra. Default: simulated
        data.
    prior : str
        What to simulate. For align: deepfpc (default), 9.4 T as published; brain_3t, brain_7t, from the shipped
        basis sets. For quantify: brain (default), Voigt lines and SNR of the brain; dq, as published, for
        comparison.
    basis : str
        For quantify and cvae: the basis set, as a file, a folder or the name of a shipped one.
    signal : Path
        For the prior deepfpc: the published signal of a rat (obx_23_9_FC.mat) instead of singlets.
    init : str
        Start from this package (name or path) instead of random weights.
    samples : int
        Number of transients to simulate, or to make from your own by augmentation.
    epochs : int
        Largest number of passes over the data.
    batch : int
        Number of transients in a training step.
    lr : float
        Learning rate at the start. It falls to zero along half a cosine.
    patience : int
        Stop after this many epochs without improvement; 0: never.
    reference : str
        For dsr and dsrf. kmeans: one transient, chosen as published. average: the iterated average.
    shift_hz : float
        Largest shift, in both directions. Default: 20 for deepfpc and your own data, 40 at 3 T, and in
        proportion at 7 T.
    phase_deg : float
        Largest phase, in both directions. Default: 90 for deepfpc and your own data, 180 for the others.
    nuisance : float
        Probability that a transient has unstable water, and probability that it has lipid.
    depth : int
        Number of convolutions after the first two, for networks without labels.
    batch_norm : bool
        Normalise after each convolution, for networks without labels.
    encoder : str
        For quantify: cnn (convolutions), fc (fully connected), mixer (MLP-Mixer) or convnext (ConvNeXt).
    amplitudes : str
        For quantify. projected: least squares, given shift, width and phase. whitened: in coordinates of equal
        bound. softplus: as published.
    noise : str
        For quantify with the prior dq: white noise, or noise damped with the signal as in the published
        simulation (seed).
    penalty : float
        For dq-rpmm: weight of the early time, per s.
    seed_sign : bool
        For dq-pmm and dq-rpmm: let lines move against metabolites, as the published code does.
    augment_with : str
        For align and quantify: make half of the training data with this cvae (name or path of its package).
    metabolites : tuple of str
        For cvae: make spectra of these metabolites only. Default: all of the basis set.
    decoder : str
        physics: the network gives phase, shift, lineshape and baseline of the signal model (cvae), or how a
        transient differs from the average of its set (vae). spectrum: the network gives the whole spectrum.
    search : int
        First try this many settings (learning rate, batch, depth, batch norm) and take the best. Needs the
        extra studies.
    checkpoint : Path
        For align: save the state of the training in this file, and continue from it if it exists. Give the same
        options again. The file is removed at the end.
    version : str
        Version of the package.
    seed : int
        Seed of the random numbers. The same seed gives the same result.
    overwrite : bool
        Replace a package of the same name and version.

    Raises
    ------
    MRSDLError
        If an option, a file, the package to start from or the output folder cannot be used, or PyTorch is not
        installed.

    Examples
    --------
    fsl_mrs_dl train align --architecture dsr --prior brain_3t --reference average --output models
    """
    prior = prior or ("deepfpc" if step == "align" else "brain")
    settings = {name: value for name, value in locals().items() if name != "overwrite"}
    _check(settings)
    _check_step(settings)
    settings = {name: value for name, value in settings.items() if name not in _OTHERS[step]}
    for package in ("torch", "lightning", "safetensors", "sklearn", *(["optuna"] if search else [])):
        require(package, f"train {step}")
    began = time.monotonic()
    if step in ("synthesise", "quantify"):
        from fsl_mrs_dl.train.quantification_command import train_quantification
        from fsl_mrs_dl.train.synthesis_command import train_synthesis
        from fsl_mrs_dl.train.writing import Request

        train_this = train_synthesis if step == "synthesise" else train_quantification
        train_this(Request(settings, _command(settings), output, overwrite, began))
        return
    from fsl_mrs_dl.train import registration as work
    from fsl_mrs_dl.train.loop import Settings
    from fsl_mrs_dl.train.registration_data import default_spread
    from fsl_mrs_dl.train.writing import files_read, write_trained

    spread = default_spread("deepfpc" if data else prior, nuisance)
    if shift_hz is not None:
        spread = replace(spread, shift_hz=shift_hz)
    if phase_deg is not None:
        spread = replace(spread, phase_rad=math.radians(phase_deg))
    sets = work.make_sets(data, prior, signal, spread, samples, seed)
    if augment_with is not None:
        from fsl_mrs_dl.train.augmentation import transients_with

        sets = replace(sets, training=transients_with(sets.training, augment_with, spread, seed))
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

    def trained() -> Any:
        how = Settings(epochs, chosen["batch"], chosen["lr"], patience, seed, anneal=True)
        outcome = work.train_on(network, sets, how, checkpoint=checkpoint)
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
        return network, card, outcome

    write_trained(trained, output, name, version, overwrite=overwrite, inputs=files_read(settings))


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
        settings = Settings(epochs, choices["batch"], choices["lr"], patience, seed, anneal=True)
        loss: float = work.train_on(network, sets, settings, report).best
        return loss

    return search(loss_of, trials, epochs, seed)


_ALIGN = ("signal", "reference", "shift_hz", "phase_deg", "nuisance", "depth", "batch_norm", "search")
_QUANTIFY = ("encoder", "amplitudes", "noise", "penalty", "seed_sign")
_SYNTHESISE = ("metabolites", "decoder")
_OTHERS = {
    "align": {"basis", *_QUANTIFY, *_SYNTHESISE},
    "quantify": {*_ALIGN, *_SYNTHESISE, "checkpoint"},
    "synthesise": {*_ALIGN, *_QUANTIFY, "init", "checkpoint", "augment_with"},
}
"""Options that a step does not have."""
_MOST_SAMPLES = 2**19
"""Simulated at once: 4 GiB of 1024 points in single precision."""
_PRIORS = {
    "align": ("deepfpc", "brain_3t", "brain_7t"),
    "quantify": ("brain", "dq"),
    "synthesise": ("brain",),
}


def _check_step(settings: dict[str, Any]) -> None:
    """Refuse options and architectures of another step."""
    step, architecture = settings["step"], settings["architecture"]
    if architecture not in architectures(step):
        raise OptionError(f"--architecture {architecture} is not for {step}; see fsl_mrs_dl train --help.")
    if settings["prior"] not in _PRIORS[step]:
        raise OptionError(
            f"--prior {settings['prior']} is not for {step}; give {' or '.join(_PRIORS[step])}."
        )
    defaults = inspect.signature(train).parameters
    given = [name for name in sorted(_OTHERS[step]) if settings[name] != defaults[name].default]
    if given:
        raise OptionError(f"--{given[0]} is not for train {step}; leave it out.")
    if settings["seed_sign"] and settings["amplitudes"] == "projected":
        raise OptionError(
            "--seed_sign needs --amplitudes whitened or softplus: projected ones have one shift."
        )


def _check(settings: dict[str, Any]) -> None:
    """Refuse numbers that mean nothing, with the flag's name."""
    least_of = {"samples": 20, "epochs": 1, "batch": 1, "patience": 0, "search": 0, "seed": 0}
    for option, least in least_of.items():
        if settings[option] < least:
            raise OptionError(f"--{option} is {settings[option]}; at least {least} is needed.")
    if settings["samples"] > _MOST_SAMPLES:
        raise OptionError(f"--samples is {settings['samples']}; at most {_MOST_SAMPLES} fit into memory.")
    if not 3 <= settings["depth"] <= 6:
        raise OptionError(f"--depth is {settings['depth']}; 3 to 6 fit into 512 points.")
    for option in ("lr", "shift_hz", "phase_deg"):
        value = settings[option]
        if value is not None and not (math.isfinite(value) and value > 0):
            raise OptionError(f"--{option} is {value:g}; a positive number is needed.")
    if not 0 <= settings["nuisance"] <= 1:
        raise OptionError(f"--nuisance is {settings['nuisance']:g}; a probability from 0 to 1 is needed.")
    version = settings["version"]
    if not version or not all(part.isdigit() for part in version.split(".")):
        raise OptionError(f"--version is {version!r}; numbers with dots are needed, for example 1.0.0.")
    checkpoint = settings["checkpoint"]
    if checkpoint is not None and (checkpoint.suffix != ".ckpt" or not checkpoint.parent.is_dir()):
        raise OptionError(f"--checkpoint is {checkpoint}; a file .ckpt in a folder that exists is needed.")
    if settings["init"] and settings["search"]:
        raise OptionError("--search chooses the network's layers, --init brings them; give one of them.")
    if settings["signal"] and (settings["data"] or settings["prior"] not in ("deepfpc", None)):
        raise OptionError("--signal is for --prior deepfpc; leave it out.")


def _command(settings: dict[str, Any]) -> str:
    """Return the command that makes the weights again; files by name."""
    words = ["fsl_mrs_dl", "train", settings["step"]]
    for name, value in settings.items():
        if (
            name in ("step", "output", "checkpoint")
            or value is None
            or value is False
            or (name == "search" and not value)
        ):
            continue
        words.append(f"--{name}")
        if value is not True:
            several = value if isinstance(value, tuple) else (value,)
            words += [item.name if isinstance(item, Path) else str(item) for item in several]
    return shlex.join([*words, "--output", "DIR"])
