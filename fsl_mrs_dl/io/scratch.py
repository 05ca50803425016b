"""Arrays that are too large for memory: they are stored in files of the temporary folder of a run."""

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
"""Size from which an array is stored in a file: 32 MiB, or 512 points of 8192 voxels in single precision."""

_FOLDER: ContextVar[Path | None] = ContextVar("scratch folder", default=None)


@contextlib.contextmanager
def scratch_in(folder: Path) -> Iterator[None]:
    """Let :func:`new_array` store large arrays in files of a folder, inside the block.

    Parameters
    ----------
    folder : Path
        On a disk with enough space. Without a folder, arrays stay in memory.
    """
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def new_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros, in memory or, if it is large and there is a folder, in a file.

    The file has no name, and its space is released with the array, however the program ends.

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
        _reserve(handle.fileno(), size)
        mapped = mmap.mmap(handle.fileno(), size)
    return np.frombuffer(mapped, dtype=kind).reshape(shape)


def file_array(path: Path, shape: tuple[int, ...], dtype: DTypeLike, *, new: bool) -> NDArray[Any]:
    """Return an array that is stored in a file with a name, which outlives the process.

    Parameters
    ----------
    path : Path
    shape : tuple of int
    dtype : data type
    new : bool
        Whether the file is created, with zeros, or must exist.

    Raises
    ------
    OSError
        If the disk has no room for it, or there is no such file.
    ValueError
        If an existing file has another size.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if not size:
        return np.zeros(shape, dtype=kind)
    with path.open("w+b" if new else "r+b") as handle:
        if new:
            _reserve(handle.fileno(), size)
        elif path.stat().st_size != size:
            raise ValueError(f"{path} does not have {size} bytes")
        mapped = mmap.mmap(handle.fileno(), size)
    return np.frombuffer(mapped, dtype=kind).reshape(shape)


def _reserve(handle: int, size: int) -> None:
    """Reserve the space of a file now: a disk that is full later would end the program without a message."""
    if hasattr(os, "posix_fallocate"):  # Linux
        os.posix_fallocate(handle, 0, size)
    else:
        os.truncate(handle, size)


def release_memory(*arrays: NDArray[Any] | None) -> None:
    """Release the memory of arrays of :func:`new_array` until they are read again; other arrays do not change."""
    for array in arrays:
        base: Any = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, memoryview):
            base = base.obj
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)  # the mapping is shared with the file: no value is lost
