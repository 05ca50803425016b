"""The command ``models``: list model packages, show their cards, and verify them."""

import textwrap
from itertools import groupby
from pathlib import Path
from typing import Literal

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.io.text_table import text_table
from fsl_mrs_dl.io.untrusted_text import printable

_WIDTH = 100
"""Characters of a line of a list, at most: that of a usual terminal window."""


def models(
    action: Literal["list", "show", "verify"], name: str | None = None, *, architectures: bool = False
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
    name : str
        With show and verify: name of the package, with @version or without, or its path.
    architectures : bool
        With list: list the networks that the program knows instead of the packages.

    Raises
    ------
    ModelError
        If there is no such package, or verifying fails.

    Examples
    --------
    fsl_mrs_dl models show align-dsr-1h-3t
    """
    from fsl_mrs_dl.models.package import find, packages

    if architectures and action != "list":
        raise OptionError("--architectures is for list; leave it out.")
    if name is not None and action == "list":
        raise OptionError(f"list takes no name; for one package: fsl_mrs_dl models show {name}")
    if action == "list":
        _list_architectures() if architectures else _list()
    elif action == "show":
        if name is None:
            raise OptionError("show needs the name of a package; fsl_mrs_dl models list prints all names.")
        _show(find(name))
    else:
        for folder in packages() if name is None else [find(name)]:
            print(f"{printable(str(folder))}: {_verified(folder)}")  # noqa: T201


def _list() -> None:
    """Print a table of the packages of each folder, and those that cannot be used below it."""
    from fsl_mrs_dl.models.package import packages, verified

    head = ("package", "task", "nucleus", "MHz", "checksum")
    for root, folders in groupby(packages(), key=lambda folder: folder.parent.parent):
        rows, unusable = [], []
        for folder in folders:
            try:
                card, _ = verified(folder)
            except ModelError as error:
                unusable.append(f"{folder.parent.name}@{folder.name}  cannot be used: {error}")
                continue
            low, high = card.valid.spectrometer_frequency_mhz
            mhz = f"{low:.0f} to {high:.0f}"
            rows.append((card.full_name, card.task, card.valid.nucleus, mhz, card.package_sha256[:12]))
        table = text_table(head, rows) if rows else ""
        lines = [f"In {root}:", *table.splitlines(), *unusable]
        print("\n".join(map(printable, lines)))  # noqa: T201


def _list_architectures() -> None:
    """Print each network: its name, task and availability, and below them what it is, reads and gives."""
    from fsl_mrs_dl.models.catalogue import architectures

    entries = architectures()
    heads = [(name, entry.task, entry.availability) for name, entry in entries.items()]
    lines = text_table(("network", "task", "available"), heads).splitlines()
    print(lines[0])  # noqa: T201
    for line, entry in zip(lines[1:], entries.values(), strict=True):
        text = "; ".join(
            part
            for part in (entry.summary, f"reads {entry.reads}", f"gives {entry.gives}", entry.source)
            if part
        )
        indent = "    "
        print(line, *textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent), sep="\n")  # noqa: T201


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
