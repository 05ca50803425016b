"""Names of files: remove the ending of NIfTI, convert to text, and check names of results from the user."""

import os
from pathlib import Path, PurePath

from fsl_mrs_dl.errors import OptionError

ENDINGS = (".nii.gz", ".nii")
"""Endings of NIfTI files, longest first, compared in lower case: some systems write ``.NII.GZ``."""
_LONGEST_BYTES = 200
"""Longest name of a result, in bytes: file systems allow 255, and results append words to it."""


def without_ending(name: str) -> str:
    """Return a file's name without the ending of NIfTI, in any case of letters."""
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def is_packed(path: Path) -> bool:
    """Return whether a file is compressed, according to its name."""
    return path.suffix.lower() == ".gz"


def shown(path: PurePath | str) -> str:
    r"""Return a path as text; bytes that are not UTF-8 are written as ``\xfc``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def plain_name(name: str, option: str) -> str:
    """Return the stem of a result's files, without the ending of NIfTI.

    Parameters
    ----------
    name : str
        From the user, or the name of an input.
    option : str
        Option that sets the name, for the message.

    Raises
    ------
    OptionError
        If it is empty, has a folder, is too long, or has a character that no name can have.
    """
    stem = without_ending(name)
    if not stem or stem != Path(stem).name or stem in (".", "..") or "\0" in stem:
        raise OptionError(f"--{option} is {shown_name(name)}; a plain name without folder is needed.")
    if len(os.fsencode(stem)) > _LONGEST_BYTES:
        raise OptionError(
            f"--{option} is {shown_name(name)}, {len(os.fsencode(stem))} bytes long; at most {_LONGEST_BYTES} are "
            "possible. Give a shorter name."
        )
    return stem


def shown_name(name: str) -> str:
    """Return a name in quotes, cut where it is long."""
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
