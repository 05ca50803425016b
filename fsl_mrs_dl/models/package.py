"""Model packages: a folder ``<name>/<version>/{card.json, weights.safetensors}``; save, load, find. No pickle.

What contains a ``/`` is the path of a package. All else is a name, ``name[@version]``, looked for in
``$FSL_MRS_DL_MODELS`` (folders, separated as in ``$PATH``), in the user's data folder and among those that come
with the program; so a folder of the working directory never stands in for a package of the same name. Nothing is
downloaded.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.extras import require
from fsl_mrs_dl.models.card import Card
from fsl_mrs_dl.models.card_file import MAX_CARD_BYTES, card_from_text, card_text, seal
from fsl_mrs_dl.models.catalogue import SHIPPED, architectures

if TYPE_CHECKING:
    from torch import nn

CARD, WEIGHTS = "card.json", "weights.safetensors"
VARIABLE = "FSL_MRS_DL_MODELS"
_FIELDS_T = (1.5, 3.0, 4.7, 7.0, 9.4, 11.7, 14.1)
"""Nominal field strengths in T; the nearest is in the name of a package."""
MAX_BYTES = 2e9
"""Most memory that a network takes; the largest shipped one takes 220 MB."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,199}")


@dataclass(frozen=True, eq=False)
class Model:
    """A network in evaluation mode, and its card."""

    network: "nn.Module"
    card: Card


def package_name(task: str, architecture: str, nucleus: str, spectrometer_frequency_mhz: float) -> str:
    """Return the name of a package, for example ``align-dsr-1h-9.4t``.

    Raises
    ------
    ModelError
        If the nucleus is unknown.
    """
    if nucleus not in NUCLEI:
        raise ModelError(f"There are no models for {nucleus}; nuclei known are {', '.join(NUCLEI)}.")
    field_t = spectrometer_frequency_mhz / NUCLEI[nucleus].gyromagnetic_mhz_per_t
    # 123.25 MHz are 2.9 T, which everyone calls 3 T.
    named = min(_FIELDS_T, key=lambda candidate: abs(candidate - field_t))
    return f"{task}-{architecture}-{nucleus.lower()}-{named:g}t"


def package_bytes(network: "nn.Module", card: Card) -> dict[str, bytes]:
    """Return the files of a package, its card completed with the checksum of card and weights.

    Parameters
    ----------
    network : torch.nn.Module
        Its parameters and buffers are the weights.
    card : Card

    Returns
    -------
    dict
        File name -> content.
    """
    from safetensors.torch import save

    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    weights = save(tensors)
    card = replace(card, package_sha256=seal(card, weights))
    return {CARD: card_text(card).encode(), WEIGHTS: weights}


def save_package(network: "nn.Module", card: Card, folder: Path) -> Path:
    """Write a package below a folder that keeps packages and return its own folder, ``name/version``."""
    target = folder / card.name / card.version
    target.mkdir(parents=True, exist_ok=True)
    for name, content in package_bytes(network, card).items():
        (target / name).write_bytes(content)
    return target


def load(model: str | Path) -> Model:
    """Find a package, verify it and build its network.

    Parameters
    ----------
    model : str or Path
        Path of a package, or its name with or without ``@version``.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If there is none, its weights are not those of the card, or its architecture is not known.
    MissingDependencyError
        If PyTorch is not installed.
    """
    folder = find(model)
    card, weights = verified(folder)
    if card.architecture not in architectures():
        raise ModelError(
            f"{folder} has the architecture {card.architecture!r}, which this version of fsl_mrs_dl does not know "
            "(fsl_mrs_dl models list --architectures). Update fsl-mrs-dl, or take another model."
        )
    for package in ("torch", "safetensors"):
        require(package, f"The network {card.full_name}")
    try:
        network = _network(card, weights)
    except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The weights of {folder} do not fit its card ({reason}); get the package again."
        ) from error
    return Model(network, card)


def _network(card: Card, weights: bytes) -> "nn.Module":
    """Build the network of a card with its weights, in evaluation mode.

    It is first built without memory (on PyTorch's device ``meta``) and compared with the weights: a card that asks
    for more than the file holds is refused before anything of that size is taken.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load as tensors_of

    build = architectures()[card.architecture].build
    with torch.device("meta"):
        planned = build(**card.config)
    size = sum(t.numel() * t.element_size() for t in (*planned.parameters(), *planned.buffers()))
    if size > MAX_BYTES:
        raise ValueError(f"the network takes {size / 1e9:.1f} GB, the limit is {MAX_BYTES / 1e9:g} GB")
    try:
        tensors = tensors_of(weights)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    expected = {name: tuple(t.shape) for name, t in planned.state_dict().items()}
    for name in sorted(expected.keys() | tensors.keys()):
        there = tuple(tensors[name].shape) if name in tensors else "missing"
        if expected.get(name, "unknown") != there:
            raise ValueError(f"{name} is {there}, expected {expected.get(name, 'unknown')}")
    network = build(**card.config)
    network.load_state_dict(tensors)
    return network.eval()


def verified(folder: Path) -> tuple[Card, bytes]:
    """Return the card and the weights of a package whose checksum is right.

    Raises
    ------
    ModelError
        If a file cannot be read, or card and weights are not those that were sealed together.
    """
    card = read_card(folder)
    weights = _read(folder / WEIGHTS)
    checksum = seal(card, weights)
    if checksum != card.package_sha256:
        raise ModelError(
            f"{folder} has the SHA-256 {checksum[:12]}.., its card says {card.package_sha256[:12] or 'none'}..; "
            "the card or the weights were changed or damaged. Get the package again."
        )
    return card, weights


def read_card(folder: Path) -> Card:
    """Return the card of a package; the weights are not looked at.

    Raises
    ------
    ModelError
        If it cannot be read, is too large, or is no card.
    """
    file = folder / CARD
    content = _read(file, MAX_CARD_BYTES)
    if len(content) > MAX_CARD_BYTES:
        raise ModelError(
            f"{file} has more than {MAX_CARD_BYTES} bytes, which no card has; get the package again."
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{file} is not the card of a model package; get it again.") from error
    return card_from_text(text, str(file))


def _read(file: Path, limit: int | None = None) -> bytes:
    """Return the content of a file, or its first ``limit + 1`` bytes."""
    try:
        with file.open("rb") as stream:
            return stream.read() if limit is None else stream.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); a model package is needed.") from error


def find(model: str | Path) -> Path:
    """Return the folder of a package.

    Parameters
    ----------
    model : str or Path
        A path, which contains a ``/``, to the package or to the folder of its versions; or ``name`` or
        ``name@version``. A :class:`~pathlib.Path` is always a path.

    Returns
    -------
    Path

    Raises
    ------
    ModelError
        If there is none.
    """
    if isinstance(model, Path) or os.sep in model:
        path = Path(model)
        if (path / CARD).is_file():
            return path
        if versions := _versions(path):
            return versions[-1]
    name, _, version = str(model).partition("@")
    if _PLAIN.fullmatch(name):
        for root in roots():
            versions = [v for v in _versions(root / name) if version in ("", v.name)]
            if versions:
                return versions[-1]
    known = sorted({folder.parent.name for folder in packages()})
    here = "".join(f"A package here is {path}. " for path in _packages_here(model))
    raise ModelError(
        f"There is no model package {str(model)!r}; known are {', '.join(known) or 'none'}. {here}"
        f"Give a path, put it into a folder of ${VARIABLE}, or train one (fsl_mrs_dl train)."
    )


def _packages_here(model: str | Path) -> list[str]:
    """Return the paths of packages that a name may mean: a folder that is one, or that training wrote into."""
    folder = Path(model)
    try:
        inside = sorted(folder.iterdir()) if folder.is_dir() else []
    except (OSError, ValueError):  # a name that no file can have
        return []
    packages = [path for path in (folder, *inside) if _is_package(path)]
    return [str(path) if os.sep in str(path) else f"./{path}" for path in packages]


def _is_package(path: Path) -> bool:
    try:
        return (path / CARD).is_file() or bool(_versions(path))
    except (OSError, ValueError):  # a name that no file can have
        return False


def roots() -> list[Path]:
    """Return the folders in which packages are looked for, first one first."""
    import platformdirs

    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    return [*named, platformdirs.user_data_path("fsl_mrs_dl", appauthor=False) / "models", SHIPPED]


def packages() -> Iterator[Path]:
    """Yield the folder of every package that can be found by name."""
    for root in roots():
        for name in sorted(root.iterdir()) if root.is_dir() else []:
            yield from _versions(name)


def _versions(folder: Path) -> list[Path]:
    """Return the packages in a folder of versions, the newest last."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if (p / CARD).is_file()), key=_order)


def _order(folder: Path) -> tuple[tuple[int, ...], str]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.name)), folder.name
