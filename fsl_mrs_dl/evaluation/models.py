"""The command ``models``: list model packages, show their cards, and verify them."""

from pathlib import Path
from typing import Literal

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.io.untrusted_text import printable


def models(
    action: Literal["list", "show", "verify"], *, model: str | None = None, architectures: bool = False
) -> None:
    """List, show or verify model packages.

    Packages are looked for in the folders of ``$FSL_MRS_DL_MODELS``, in the user's data folder and among those
    that come with the program. Verifying checks the checksum of card and weights and measures again what the card
    says of a simulated test set, which must agree within the scatter of the set.

    Parameters
    ----------
    action : str
        list: names of all packages and their use. show: the card of one package. verify: check the checksum of
        one package or of all, and measure again what the card states.
    model : str
        Name of the package, with @version or without, or its path.
    architectures : bool
        With list: list the networks that the program knows instead of the packages.

    Raises
    ------
    ModelError
        If there is no such package, or verifying fails.

    Examples
    --------
    fsl_mrs_dl models show --model align-dsr-1h-3t
    """
    from fsl_mrs_dl.models.package import find, packages

    if architectures and action != "list":
        raise OptionError("--architectures is for list; leave it out.")
    if action == "list":
        _list_architectures() if architectures else _list()
    elif action == "show":
        if model is None:
            raise OptionError("show needs --model; fsl_mrs_dl models list tells the names.")
        _show(find(model))
    else:
        for folder in packages() if model is None else [find(model)]:
            print(f"{printable(str(folder))}: {_verified(folder)}")  # noqa: T201


def _list() -> None:
    from fsl_mrs_dl.models.package import packages, verified

    for folder in packages():
        try:
            card, _ = verified(folder)
        except ModelError as error:
            print(printable(f"{folder.parent.name}@{folder.name}  cannot be used: {error}"))  # noqa: T201
            continue
        low, high = card.valid.spectrometer_frequency_mhz
        print(  # noqa: T201
            f"{card.full_name}  {card.task}, {card.valid.nucleus}, {low:.0f} to {high:.0f} MHz  "
            f"{card.package_sha256[:12]}  {printable(str(folder))}"
        )


def _list_architectures() -> None:
    from fsl_mrs_dl.models.catalogue import architectures

    for name, entry in architectures().items():
        source = f"  {entry.source}" if entry.source else ""
        print(  # noqa: T201
            f"{name}  {entry.task}, {entry.summary}; reads {entry.reads}; gives {entry.gives}; "
            f"{entry.availability}{source}"
        )


def _show(folder: Path) -> None:
    from fsl_mrs_dl.evaluation.data_sheet import data_sheet
    from fsl_mrs_dl.models.package import verified

    card, _ = verified(folder)
    print(printable(data_sheet(card, folder), lines=True))  # noqa: T201


def _verified(folder: Path) -> str:
    """Check one package and describe the result."""
    from fsl_mrs_dl.models.package import load
    from fsl_mrs_dl.train.verification import check_scores

    return f"checksum is right; {check_scores(load(folder))}"
