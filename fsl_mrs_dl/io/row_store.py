"""Rows of results of many voxels, in files with a journal: a run that was stopped goes on where it ended."""

import contextlib
import json
import logging
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.io.run_key import RunKey
from fsl_mrs_dl.io.scratch import file_array, new_array, release_memory
from fsl_mrs_dl.io.signals import Stopped

logger = logging.getLogger(__name__)

_INDEX, _JOURNAL = "arrays.json", "journal.txt"
_PLACE: ContextVar[tuple[Path, RunKey] | None] = ContextVar("folder and key of rows", default=None)


@contextlib.contextmanager
def rows_in(folder: Path, key: RunKey) -> Iterator[None]:
    """Let :class:`RowStore` keep its rows in files of a folder, inside the block.

    Parameters
    ----------
    folder : Path
        Outlives the process.
    key : RunKey
        Rows that an earlier run with another key left there are removed.
    """
    token = _PLACE.set((folder, key))
    try:
        yield
    finally:
        _PLACE.reset(token)


class RowStore:
    """Arrays with one row a voxel, filled by chunks of rows.

    Inside :func:`rows_in` each array is a file, and a line of the journal says after each chunk which rows are
    complete, with their checksum. A store in the same folder with the same key begins with these rows. Elsewhere
    the arrays are in memory, or in files without name.

    Parameters
    ----------
    n_rows : int
    chunk : int
        Rows of a chunk.

    Attributes
    ----------
    arrays : dict of str to ndarray, shape (n_rows, ...)
        By name; empty before the first chunk.
    """

    def __init__(self, n_rows: int, chunk: int) -> None:
        self._n_rows, self._chunk = n_rows, chunk
        self._place = _PLACE.get()
        self._finished: set[int] = set()
        self.arrays: dict[str, NDArray[Any]] = {}
        if self._place is not None:
            self._open(*self._place)

    @property
    def n_finished(self) -> int:
        """Number of rows that are complete."""
        return sum(min(self._chunk, self._n_rows - start) for start in self._finished)

    def unfinished(self) -> list[slice]:
        """Return the rows of each chunk that is not complete."""
        starts = range(0, self._n_rows, self._chunk)
        return [self._rows(start) for start in starts if start not in self._finished]

    def put(self, rows: slice, part: Mapping[str, NDArray[Any]]) -> None:
        """Store the rows of a chunk.

        Parameters
        ----------
        rows : slice
            One of :meth:`unfinished`.
        part : mapping of str to ndarray
            The same names and types for every chunk.
        """
        if not self.arrays:
            self._create(part)
        for name, values in part.items():
            self.arrays[name][rows] = values
        if self._place is not None:
            line = f"{rows.start} {self._checksum(rows)}\n".encode()
            with (self._place[0] / _JOURNAL).open("ab") as journal:
                journal.write(line)
        self._finished.add(rows.start)
        release_memory(*self.arrays.values())

    @contextlib.contextmanager
    def filling(self) -> Iterator[None]:
        """Tell what is kept when a signal ends the block."""
        try:
            yield
        except (Stopped, KeyboardInterrupt):
            if self._place is not None and self._finished:
                logger.warning(
                    "%d of %d voxels are kept; the same command goes on with the others.",
                    self.n_finished,
                    self._n_rows,
                )
            raise

    def _rows(self, start: int) -> slice:
        return slice(start, min(start + self._chunk, self._n_rows))

    def _checksum(self, rows: slice) -> int:
        sums = [zlib.crc32(self.arrays[name][rows].tobytes()) for name in sorted(self.arrays)]
        return zlib.crc32(repr(sums).encode())

    def _create(self, part: Mapping[str, NDArray[Any]]) -> None:
        shapes = {name: (self._n_rows, *values.shape[1:]) for name, values in part.items()}
        if self._place is None:
            self.arrays = {name: new_array(shapes[name], part[name].dtype) for name in part}
            return
        folder, key = self._place
        self.arrays = {
            name: file_array(folder / name, shapes[name], part[name].dtype, new=True) for name in part
        }
        content = {
            "key": key.values(),
            "rows": self._n_rows,
            "chunk": self._chunk,
            "arrays": {name: [array.dtype.str, array.shape] for name, array in self.arrays.items()},
        }
        unfinished = folder / f"{_INDEX}.part"
        unfinished.write_text(json.dumps(content), encoding="utf-8")
        unfinished.replace(folder / _INDEX)

    def _open(self, folder: Path, key: RunKey) -> None:
        """Take over the rows of an earlier run, or remove them."""
        if not (folder / _INDEX).is_file():
            _empty(folder)
            return
        try:
            content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            changed = _changed(content, key, self._n_rows, self._chunk)
            if not changed:
                self._take_over(folder, content["arrays"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            changed = "its files, which are damaged"
        if changed:
            logger.warning(
                "An earlier run was stopped here; this one starts again, as it differs in %s.", changed
            )
            self.arrays, self._finished = {}, set()
            _empty(folder)
        elif self._finished:
            logger.warning(
                "Going on with the run that was stopped here: %d of %d voxels are done.",
                self.n_finished,
                self._n_rows,
            )

    def _take_over(self, folder: Path, arrays: Mapping[str, tuple[str, list[int]]]) -> None:
        """Map the arrays of an earlier run, and note which chunks are complete."""
        for name, (kind, shape) in arrays.items():
            if Path(name).name != name or shape[:1] != [self._n_rows]:
                raise ValueError(f"{name} is no array of a store")
            self.arrays[name] = file_array(folder / name, tuple(shape), np.dtype(kind), new=False)
        lines = (folder / _JOURNAL).read_bytes().split(b"\n")[:-1] if (folder / _JOURNAL).is_file() else []
        for line in lines:
            start, checksum = map(int, line.split())
            if start in range(0, self._n_rows, self._chunk) and self._checksum(self._rows(start)) == checksum:
                self._finished.add(start)
            release_memory(*self.arrays.values())
        # A line that was cut off would run into the next one.
        text = "".join(f"{start} {self._checksum(self._rows(start))}\n" for start in sorted(self._finished))
        (folder / _JOURNAL).write_text(text, encoding="ascii")


def _changed(content: Mapping[str, Any], key: RunKey, n_rows: int, chunk: int) -> str:
    """Say what differs from an earlier run; empty if nothing does."""
    earlier = RunKey.read(content["key"])
    if earlier is None:
        raise ValueError("no key")
    if changes := key.changes(earlier):
        return changes
    return "" if (content["rows"], content["chunk"]) == (n_rows, chunk) else "the number of voxels"


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
