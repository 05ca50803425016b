"""Arrays too large to wait in memory: kept in files of a run's temporary folder, and taken in piece by piece."""

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LARGE_BYTES = 2**25
"""From 32 MiB on an array lies in a file: that of 512 points of 8192 voxels in single precision."""

_FOLDER: ContextVar[Path | None] = ContextVar("scratch folder", default=None)


@contextlib.contextmanager
def scratch_in(folder: Path) -> Iterator[None]:
    """Have :func:`new_array` keep large arrays in files of a folder.

    Parameters
    ----------
    folder : Path
        On a disk with room for them; in memory they stay where no folder was named.
    """
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def new_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros, in memory or, if it is large and a folder was named, in a file.

    The file has no name any more, and its space is given back with the array, however the program ends.

    Parameters
    ----------
    shape : tuple of int
    dtype : data type

    Returns
    -------
    ndarray

    Raises
    ------
    OSError
        If the disk has no room for it.
    """
    folder, kind = _FOLDER.get(), np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if folder is None or size < _LARGE_BYTES:
        return np.zeros(shape, dtype=kind)
    with tempfile.TemporaryFile(dir=folder) as handle:
        if hasattr(os, "posix_fallocate"):  # Linux
            # Room is taken now: a disk that is full later would end the program without a word.
            os.posix_fallocate(handle.fileno(), 0, size)
        else:
            handle.truncate(size)
        mapped = mmap.mmap(handle.fileno(), size)
    return np.frombuffer(mapped, dtype=kind).reshape(shape)


def let_go(*arrays: NDArray[Any] | None) -> None:
    """Take arrays of :func:`new_array` out of memory until they are looked at again; others are left alone."""
    for array in arrays:
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, memoryview):
            base = base.obj
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)  # of a file that others could map: nothing is lost
