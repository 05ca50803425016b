"""Run the work of a command: errors that the user can solve become one line and an exit status."""

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from fsl_mrs_dl.errors import MRSDLError
from fsl_mrs_dl.extras import explained
from fsl_mrs_dl.io.signals import Raising
from fsl_mrs_dl.io.untrusted_text import PrintableFormatter, printable

_SOLVABLE = (errno.ENAMETOOLONG, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
"""Errors of a file system that a user can solve: name too long, disk full, no permission."""


def guarded(work: Callable[[], None], program: str, *, verbose: bool, quiet: bool = False) -> int:
    """Run the work of a command, print an error that the user can solve in one line, return the exit status.

    Parameters
    ----------
    work : callable
    program : str
        Program and command, such as ``fsl_mrs_dl align``: the line begins with it.
    verbose : bool
        Whether decisions and what is being done are printed, too.
    quiet : bool
        Whether nothing but the error is printed.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    with Raising() as signals:
        try:
            with _silence() if quiet else contextlib.nullcontext():
                status, message = _status_of(work)
        except BaseException:
            if signals.stopped is None:
                raise
    if signals.stopped is not None:  # also if another package swallowed the exception
        status, message = signals.stopped.status, signals.stopped.words
    if message:
        print(f"{program}: {printable(message)}", file=sys.stderr)  # noqa: T201
    return status


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Print nothing, no warnings and no progress."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nothing,
            contextlib.redirect_stdout(nothing),
            contextlib.redirect_stderr(nothing),
        ):
            yield
    finally:
        logging.disable(level)


def _status_of(work: Callable[[], None]) -> tuple[int, str]:
    """Run the work; return the exit status and the message to the user."""
    try:
        work()
    except MRSDLError as error:
        return 2, str(error)
    except KeyboardInterrupt:
        return 130, "interrupted."
    except ModuleNotFoundError as error:
        lack = explained(error, "this command")
        if lack is error:
            raise
        return 2, str(lack)
    except MemoryError:
        return 2, "there is not enough memory for this; fit fewer voxels or points, or take a larger machine."
    except OSError as error:
        if error.errno not in _SOLVABLE:
            raise
        where = "" if error.filename is None else f"{str(error.filename)[:80]}: "
        return 2, f"{where}{error.strerror}; choose another name or place."
    return 0, ""
