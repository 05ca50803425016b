"""Names of files: without the ending of NIfTI, fit for a text, and those that a user gives to a result."""

import os
from pathlib import Path, PurePath

from fsl_mrs_dl.errors import OptionError

ENDINGS = (".nii.gz", ".nii")
"""Of NIfTI files, longest first, in any case: some systems write ``.NII.GZ``."""
_LONGEST = 200
"""Bytes of a name: file systems allow 255, and results put words behind it."""


def without_ending(name: str) -> str:
    """Return a file's name without the ending of NIfTI, in whatever case it is."""
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def is_packed(path: Path) -> bool:
    """Return whether a file's name says that it is compressed."""
    return path.suffix.lower() == ".gz"


def shown(path: PurePath | str) -> str:
    r"""Return a path as text; bytes of a name that are not UTF-8, which no text can hold, become ``\xfc``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def plain_name(name: str, option: str) -> str:
    """Return the stem of a result's files, without the ending of NIfTI.

    Parameters
    ----------
    name : str
        As a user gave it, or the name of an input.
    option : str
        The option that gives one, for the message.

    Raises
    ------
    OptionError
        If it is empty, lies in a folder, is longer than file systems allow, or holds what no name can.
    """
    stem = without_ending(name)
    if not stem or stem != Path(stem).name or stem in (".", "..") or "\0" in stem:
        raise OptionError(f"--{option} is {shown_name(name)}; a plain name without folder is needed.")
    if len(os.fsencode(stem)) > _LONGEST:
        raise OptionError(
            f"--{option} is {shown_name(name)}, {len(os.fsencode(stem))} bytes long; at most {_LONGEST} are "
            "possible. Give a shorter name."
        )
    return stem


def shown_name(name: str) -> str:
    """Return a name in quotes, cut where it is long."""
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
