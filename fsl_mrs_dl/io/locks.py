"""Locks on folders that end with the process that holds them."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_LOCK = ".fsl_mrs_dl_lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What a file system without locks answers."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder while it is looked over or while files are renamed; wait for who holds it.

    Parameters
    ----------
    folder : Path
        Must exist and be writable.

    Raises
    ------
    OSError
        If no file can be made in it.
    """
    path = folder / _LOCK
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        flock(handle, wait=True)
        with contextlib.suppress(FileNotFoundError):
            # The holder before removed the file: a lock on a removed file keeps nobody out.
            if os.path.samestat(os.fstat(handle), path.stat()):
                break
        os.close(handle)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def flock(handle: int, *, wait: bool) -> bool | None:
    """Lock an open file for this process alone.

    Parameters
    ----------
    handle : int
        Closing it, or the end of the process, gives the lock back.
    wait : bool

    Returns
    -------
    bool or None
        False if another process holds it and ``wait`` is false; None on a file system that knows no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return None
    return True
