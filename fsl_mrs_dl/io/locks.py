"""Lock folders; a lock ends with the process that has it."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_LOCK = ".fsl_mrs_dl_lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""Error numbers of a file system without locks."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder inside the block; wait while another process has the lock.

    Parameters
    ----------
    folder : Path
        Must exist and be writable.

    Raises
    ------
    OSError
        If no file can be created in it.
    """
    path = folder / _LOCK
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        flock(handle, wait=True)
        with contextlib.suppress(FileNotFoundError):
            # The previous process removed the file: a lock on a removed file excludes no other process.
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
        Closing it, or the end of the process, releases the lock.
    wait : bool

    Returns
    -------
    bool or None
        False if another process has the lock and ``wait`` is false; None on a file system without locks.
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
