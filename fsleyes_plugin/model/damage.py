"""Convert exceptions of damaged files to an error of the project, which panels show in one line.

Files of results may be cut off by a full disk, edited by hand, or of another program. The exception depends on the
library and the damage (``zlib.error``, ``RecursionError``, ``IndexError`` ..); the viewer needs one kind.
"""

import csv
import functools
import logging
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from fsl_mrs_dl.errors import DataError, MRSDLError

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
    MemoryError,
    csv.Error,
    struct.error,
    zlib.error,
    ImageFileError,
    HeaderDataError,
)
"""Exceptions when a damaged file is read, or when its values are used."""
_LONGEST_TEXT = 160
"""Number of shown letters of a library's message: about two lines of a window."""
_log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Raise :class:`~fsl_mrs_dl.errors.DataError` with the name of a file or folder for exceptions of damage.

    Floating-point warnings are suppressed: NaN and infinity in a file are shown as such.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except MRSDLError:
        raise
    except FileNotFoundError as error:
        raise DataError(gone(path)) from error
    except DAMAGE as error:
        _log.debug("%s cannot be read", path, exc_info=True)
        raise DataError(f"{path} is damaged ({reason_of(error)}); make it again.") from error


def refusing_damage(work: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function or method in :func:`damage_refused`, with the path of its first argument.

    The argument is a path, or an object with ``path``, or with a ``folder`` that has a ``path``.
    """

    @functools.wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with damage_refused(_place(args)):
            return work(*args, **kwargs)

    return wrapped


def gone(path: Path | str) -> str:
    """Return the sentence for a file or folder that was moved or removed."""
    return f"{path} is no longer there; open it again where it is now."


def reason_of(error: BaseException) -> str:
    """Return the text of an exception in one line of limited length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} .."


def _place(args: tuple[Any, ...]) -> Path:
    """Return the path of the first argument that has one; for a constructor it is the second."""
    for argument in args[:2]:
        if isinstance(argument, Path):
            return argument
        path = getattr(argument, "path", None) or getattr(getattr(argument, "folder", None), "path", None)
        if isinstance(path, Path):
            return path
    return Path("the file")
