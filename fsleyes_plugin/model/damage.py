"""Turn what a damaged file raises into an error of the project, which panels show in one line.

Files of results come from anywhere: cut off by a full disk, edited by hand, of another program. What reading them
and computing with their values raises depends on the library and the damage (``zlib.error``, ``RecursionError``,
``IndexError`` ..); the viewer needs one kind.
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
"""What reading a damaged file, or computing with what it says, raises."""
_MOST = 160
"""Letters of a library's message that are shown: about two lines of a window."""
_log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Raise :class:`~fsl_mrs_dl.errors.DataError` that names a file or folder, for what damage to it raises.

    Floating-point warnings are silenced: NaN and infinity in a file are shown as such.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except MRSDLError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path} is no longer there; open the folder again where it is now.") from error
    except DAMAGE as error:
        _log.debug("%s cannot be read", path, exc_info=True)
        raise DataError(f"{path} is damaged ({reason_of(error)}); make it again.") from error


def refusing_damage(work: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function or method in :func:`damage_refused` of what its first argument stands for.

    That is a path, or an object with ``path``, or one with a ``folder`` that has it.
    """

    @functools.wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with damage_refused(_place(args)):
            return work(*args, **kwargs)

    return wrapped


def reason_of(error: BaseException) -> str:
    """Return what an exception says in one line that is not too long."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _MOST else f"{said[:_MOST]} .."


def _place(args: tuple[Any, ...]) -> Path:
    """Return the path of the first argument that has one; of a constructor it is the second."""
    for one in args[:2]:
        if isinstance(one, Path):
            return one
        found = getattr(one, "path", None) or getattr(getattr(one, "folder", None), "path", None)
        if isinstance(found, Path):
            return found
    return Path("the file")
