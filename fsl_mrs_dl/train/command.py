"""The command ``train``. Nothing heavy is imported before it runs."""

import inspect
import math
import shlex
import time
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.models.catalogue import CATALOGUE, Task, architectures, choices
from fsl_mrs_dl.train.regressor_options import SIZES, STACKED, check_regressor


def train(
    step: Task,
    *,
    architecture: Annotated[str, choices(architectures())],
    output: Path,
    data: tuple[Path, ...] | None = None,
    prior: Literal["deepfpc", "brain_3t", "brain_7t", "world_3t", "world_7t", "brain", "dq"] | None = None,
    basis: str = "press_3t_te30",
    signal: Path | None = None,
    init: str | None = None,
    samples: int = 24000,
    epochs: int = 100,
    batch: int = 64,
    lr: float | None = None,
    patience: int = 10,
    loss: Literal["published", "likelihood"] = "published",
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
    signed: bool = False,
    widths: tuple[int, ...] | None = None,
    kernels: tuple[int, ...] | None = None,
    dropout: float | None = None,
    members: tuple[str, ...] | None = None,
    folds: int = 0,
    query: int = 0,
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
        basis sets; world_3t, world_7t, the same with water and lipids of any size, drawn anew for each batch. For
        quantify: brain (default), Voigt lines and SNR of the brain; dq, as published, for comparison.
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
        Learning rate at the start. It falls to zero along half a cosine. Default: 0.003; for the networks of Rizzo
        et al. that of the paper.
    patience : int
        Stop after this many epochs without improvement; 0: never.
    loss : str
        For networks without labels. published: squared difference from the decoded transient. likelihood: the
        probability of each shift, once water and lipids are projected out; works with water of any size.
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
    signed : bool
        For crelu: let the second half of each layer have the sign that is printed in the paper.
    widths : tuple of int
        For the networks of Rizzo et al.: numbers of channels, as many as the network has, instead of the published
        ones.
    kernels : tuple of int
        For the same: sizes of kernels.
    dropout : float
        For the same: share that the last dropout leaves out.
    members : tuple of str
        For stacked: packages of regressors (names or paths), trained on the same basis set.
    folds : int
        For stacked: learn from what copies of the members, each trained without one of so many parts of the
        spectra, give for that part; 0: from what the members give for spectra that they may know.
    query : int
        For regressors: then add this many spectra, drawn from three times as many in proportion to the square
        error of the network, and train again.
    augment_with : str
        For align and quantify: make half of the training data with this cvae (name or path of its package).
    metabolites : tuple of str
        For cvae: make spectra of these metabolites only. Default: all of the basis set.
    decoder : str
        physics: the network gives phase, shift, lineshape and baseline of the signal model (cvae), or how a
        transient differs from the average of its set (vae). spectrum: the network gives the whole spectrum.
    search : int
        First try this many settings and take the best. For align: learning rate, batch, depth, batch norm; for
        the networks of Rizzo et al.: learning rate, widths, kernels, dropout. Needs the extra studies.
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
    options = resolved(
        step=step,
        architecture=architecture,
        data=data,
        prior=prior,
        basis=basis,
        signal=signal,
        init=init,
        samples=samples,
        epochs=epochs,
        batch=batch,
        lr=lr,
        patience=patience,
        loss=loss,
        reference=reference,
        shift_hz=shift_hz,
        phase_deg=phase_deg,
        nuisance=nuisance,
        depth=depth,
        batch_norm=batch_norm,
        encoder=encoder,
        amplitudes=amplitudes,
        noise=noise,
        penalty=penalty,
        seed_sign=seed_sign,
        signed=signed,
        widths=widths,
        kernels=kernels,
        dropout=dropout,
        members=members,
        folds=folds,
        query=query,
        augment_with=augment_with,
        metabolites=metabolites,
        decoder=decoder,
        search=search,
        checkpoint=checkpoint,
        version=version,
        seed=seed,
    )
    for package in ("torch", "lightning", "safetensors", "sklearn", *(["optuna"] if search else [])):
        require(package, f"train {step}")
    began = time.monotonic()
    from fsl_mrs_dl.train.training import run
    from fsl_mrs_dl.train.trainings import training_of

    run(training_of(options), output, began, overwrite=overwrite)


_ALIGN = ("signal", "loss", "reference", "shift_hz", "phase_deg", "nuisance", "depth", "batch_norm")
_QUANTIFY = ("encoder", "amplitudes", "noise", "penalty", "seed_sign", "signed", *SIZES, *STACKED, "query")
_SYNTHESISE = ("metabolites", "decoder")
_OTHERS = {
    "align": {"basis", *_QUANTIFY, *_SYNTHESISE},
    "quantify": {*_ALIGN, *_SYNTHESISE, "checkpoint"},
    "reconstruct": {
        *_ALIGN,
        *_QUANTIFY,
        *_SYNTHESISE,
        "search",
        "basis",
        "init",
        "checkpoint",
        "augment_with",
    },
    "synthesise": {*_ALIGN, *_QUANTIFY, "search", "init", "checkpoint", "augment_with"},
}
"""Options that a step does not have."""
_OF_FILES = ("output", "overwrite")
"""Where the package is written: these do not change the training."""
_MOST_SAMPLES = 2**19
"""Simulated at once: 4 GiB of FIDs of 1024 points in single precision."""
_PRIORS = {
    "align": ("deepfpc", "brain_3t", "brain_7t", "world_3t", "world_7t"),
    "quantify": ("brain", "dq"),
    "reconstruct": ("brain",),
    "synthesise": ("brain",),
}


def resolved(architecture: str, *, step: str | None = None, **options: Any) -> dict[str, Any]:
    """Return every option of the training of a network, in the order of the command, with defaults filled in.

    Parameters
    ----------
    architecture : str
        A network of the catalogue.
    step : str, optional
        By default that of the network.
    **options
        Options of :func:`train`; those left out have their default.

    Raises
    ------
    OptionError
        If a value is outside its range, or an option is of another step.
    """
    step = step or CATALOGUE[architecture].task
    options |= {"step": step, "architecture": architecture}
    if options.get("lr") is None:
        options["lr"] = CATALOGUE[architecture].lr
    options["prior"] = options.get("prior") or ("deepfpc" if step == "align" else "brain")
    known = inspect.signature(train).parameters
    every = {name: options.get(name, known[name].default) for name in known if name not in _OF_FILES}
    _check(every)
    _check_step(every)
    return {name: value for name, value in every.items() if name not in _OTHERS[step]}


def options_of(command: str) -> dict[str, Any]:
    """Return the options of a command that a card states; the inverse of ``command_of``.

    Raises
    ------
    ModelError
        If it is not a command of this program.
    """
    hints = typing.get_type_hints(train)
    stated: dict[str, Any] = {}
    values: list[str] = []
    try:
        program, name, stated["step"], *words = shlex.split(command)
        for word in words:
            if word.startswith("--"):
                values = stated[word.removeprefix("--")] = []
            else:
                values.append(word)
        if (program, name) != ("fsl_mrs_dl", "train"):
            raise ValueError(name)
        return resolved(
            **{key: _typed(hints[key], text) for key, text in stated.items() if key not in _OF_FILES}
        )
    except (OptionError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"The card's command cannot be repeated: {command}") from error


def _typed(hint: Any, text: list[str] | str) -> Any:
    """Return the words of an option as the value that its annotation asks for."""
    if isinstance(text, str):
        return text
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = parts
        parts = list(typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return tuple(parts[0](word) for word in text)
    if hint is bool:
        return True
    (word,) = text
    return word if typing.get_origin(hint) is typing.Literal else hint(word)


def _check_step(settings: dict[str, Any]) -> None:
    """Refuse options, priors and architectures of another step, with :class:`OptionError`."""
    step, architecture = settings["step"], settings["architecture"]
    if architecture not in architectures(step):
        raise OptionError(f"--architecture {architecture} is not for {step}; see fsl_mrs_dl train --help.")
    if settings["prior"] not in _PRIORS[step]:
        raise OptionError(
            f"--prior {settings['prior']} is not for {step}; give {' or '.join(_PRIORS[step])}."
        )
    defaults = inspect.signature(train).parameters
    foreign = [name for name in sorted(_OTHERS[step]) if settings[name] != defaults[name].default]
    if foreign:
        raise OptionError(f"--{foreign[0]} is not for train {step}; leave it out.")
    if step == "quantify":
        check_regressor(settings)
    if settings["loss"] == "likelihood" and "loss" not in CATALOGUE[architecture].options:
        raise OptionError(f"--loss likelihood is for networks without labels, {architecture} has them.")
    if settings["prior"].startswith("world") and settings["augment_with"]:
        raise OptionError(
            f"--augment_with is for examples that stay; --prior {settings['prior']} draws anew."
        )
    if settings["seed_sign"] and settings["amplitudes"] == "projected":
        raise OptionError(
            "--seed_sign needs --amplitudes whitened or softplus: projected ones have one shift."
        )


def _check(settings: dict[str, Any]) -> None:
    """Refuse numbers outside their range, with the name of the option.

    Raises
    ------
    OptionError
        If one is.
    """
    least_of = {"samples": 20, "epochs": 1, "batch": 1, "patience": 0}
    least_of |= {"search": 0, "seed": 0, "query": 0, "folds": 0}
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
