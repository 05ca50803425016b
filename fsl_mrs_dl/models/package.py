"""Model packages: a folder ``<name>/<version>/{card.json, weights.safetensors}``; save, load, find. No pickle.

A package is looked for by path, then by ``name[@version]`` in ``$FSL_MRS_DL_MODELS`` (folders, separated as in
``$PATH``), in the user's data folder and among those that come with the program. Nothing is downloaded.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import fsl_mrs_dl
from fsl_mrs_dl.data import NUCLEI
from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.models.card import Card

if TYPE_CHECKING:
    from torch import nn

CARD, WEIGHTS = "card.json", "weights.safetensors"
VARIABLE = "FSL_MRS_DL_MODELS"
_SHIPPED = Path(fsl_mrs_dl.__file__).parent / "resources" / "models"
_FIELDS_T = (1.5, 3.0, 4.7, 7.0, 9.4, 11.7, 14.1)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


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
        If nothing is known of the nucleus.
    """
    if nucleus not in NUCLEI:
        raise ModelError(f"There are no models for {nucleus}; nuclei known are {', '.join(NUCLEI)}.")
    field_t = spectrometer_frequency_mhz / NUCLEI[nucleus].gyromagnetic_mhz_per_t
    # 123.25 MHz are 2.9 T, which everyone calls 3 T.
    named = min(_FIELDS_T, key=lambda candidate: abs(candidate - field_t))
    return f"{task}-{architecture}-{nucleus.lower()}-{named:g}t"


def package_bytes(network: "nn.Module", card: Card) -> dict[str, bytes]:
    """Return the files of a package, its card completed with the checksum of the weights.

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
    card = replace(card, weights_sha256=hashlib.sha256(weights).hexdigest())
    return {CARD: card.to_json().encode(), WEIGHTS: weights}


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
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as tensors_of

    from fsl_mrs_dl.models.architectures import ARCHITECTURES

    folder = find(model)
    card, weights = verified(folder)
    if card.architecture not in ARCHITECTURES:
        raise ModelError(
            f"{folder} has the architecture {card.architecture!r}; known are {', '.join(ARCHITECTURES)}. "
            "Update fsl-mrs-dl, or take another model."
        )
    try:
        network = ARCHITECTURES[card.architecture](**card.config)
        network.load_state_dict(tensors_of(weights))
    except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"The weights of {folder} do not fit its card ({reason}); get the package again."
        ) from error
    return Model(network.eval(), card)


def verified(folder: Path) -> tuple[Card, bytes]:
    """Return the card and the weights of a package whose checksum is right.

    Raises
    ------
    ModelError
        If a file cannot be read, or the weights are not those that the card names.
    """
    card = read_card(folder)
    weights = _read(folder / WEIGHTS)
    found = hashlib.sha256(weights).hexdigest()
    if found != card.weights_sha256:
        raise ModelError(
            f"{folder / WEIGHTS} has the SHA-256 {found[:12]}.., its card says {card.weights_sha256[:12]}..; "
            "the package was changed or damaged. Get it again."
        )
    return card, weights


def read_card(folder: Path) -> Card:
    """Return the card of a package; the weights are not looked at.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    content = _read(folder / CARD)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{folder / CARD} is not the card of a model package; get it again.") from error
    return Card.from_json(text, str(folder / CARD))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read ({error.strerror}); a model package is needed.") from error


def find(model: str | Path) -> Path:
    """Return the folder of a package.

    Parameters
    ----------
    model : str or Path
        A path to the package or to the folder of its versions; or ``name`` or ``name@version``.

    Returns
    -------
    Path

    Raises
    ------
    ModelError
        If there is none.
    """
    path = Path(model)
    if (path / CARD).is_file():
        return path
    if path.is_dir() and (versions := _versions(path)):
        return versions[-1]
    name, _, version = str(model).partition("@")
    if _PLAIN.fullmatch(name):
        for root in roots():
            found = [v for v in _versions(root / name) if version in ("", v.name)]
            if found:
                return found[-1]
    known = sorted({folder.parent.name for folder in packages()})
    raise ModelError(
        f"There is no model package {str(model)!r}; known are {', '.join(known) or 'none'}. "
        f"Give a path, put it into a folder of ${VARIABLE}, or train one (fsl_mrs_dl train)."
    )


def roots() -> list[Path]:
    """Return the folders in which packages are looked for, first one first."""
    import platformdirs

    named = [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    return [*named, platformdirs.user_data_path("fsl_mrs_dl", appauthor=False) / "models", _SHIPPED]


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
