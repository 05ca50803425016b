"""Write the files of a run so that all appear under their names together, or none."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from fsl_mrs_dl.errors import OutputError
from fsl_mrs_dl.io import publishing
from fsl_mrs_dl.io.locks import locked
from fsl_mrs_dl.io.run_folder import RunFolder, recover
from fsl_mrs_dl.io.signals import Stopped, defer_signals

_SCRATCH = "scratch"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Error numbers of a system that cannot write more: disk or quota full, file too large, read-only."""


class Staging:
    """An output folder whose files are first written to a temporary folder, then published in one step.

    Use it as a context manager. On entry, the renames of a run that died here are finished or undone, and the
    temporary files of dead runs are removed. :meth:`path` returns the path of a file to write. On exit without an
    error all files are published, see :mod:`fsl_mrs_dl.io.publishing`; on exit with an error the folder is
    unchanged, and it is removed if it did not exist before. Two runs cannot write a file of the same name at the
    same time.

    Parameters
    ----------
    folder : Path
        Created, with its parents, if it does not exist.
    overwrite : bool
        Whether files of the same names may be replaced. Nothing else is ever removed, and no folder.
    inputs : iterable of Path
        Files and folders that are read: never replaced or removed, and nothing is written into the folders.
    last : str, optional
        File that shows that the results are complete: published last.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """

    def __init__(
        self, folder: Path, *, overwrite: bool, inputs: Iterable[Path] = (), last: str | None = None
    ) -> None:
        self._folder = Path(folder)
        self._overwrite = overwrite
        self._inputs = [Path(path).resolve() for path in inputs]
        self._last = last
        self._earlier: Mapping[str, str] | None = None
        self._seen: dict[str, tuple[int, ...]] = {}
        self._checksums: dict[str, str] = {}
        self._names: list[str] = []
        self._entered: RunFolder | None = None
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        if self._folder.exists() and not self._folder.is_dir():
            raise OutputError(f"--output {self._folder} is a file; a folder is needed. Name another one.")
        try:
            self._enter()
        except OSError as error:
            self._discard()
            raise self._unwritable(error) from error
        except BaseException:
            self._discard()
            raise
        return self

    def _enter(self, attempts: int = 3) -> None:
        for folder in reversed([self._folder, *self._folder.parents]):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                self._made.append(folder)
        try:
            with locked(self._folder):
                recover(self._folder)
                with defer_signals():
                    self._entered = RunFolder(self._folder)
        except FileNotFoundError:
            # A run that failed beside this one may have removed the folder that it had made.
            if attempts == 1:
                raise
            self._enter(attempts - 1)

    @property
    def _run(self) -> RunFolder:
        assert self._entered is not None, "a Staging is used inside its with block"
        return self._entered

    def own(self, files: Mapping[str, str]) -> None:
        """Limit what may be replaced to the files of an earlier run; those not written again are removed.

        Parameters
        ----------
        files : mapping of str to str
            Name relative to the folder -> SHA-256 of what the earlier run wrote.

        Raises
        ------
        OutputError
            If one of them is an input, or was changed since, or is reached through a link.
        """
        self._earlier = files
        if not self._overwrite:
            return
        for name, digest in files.items():
            target = self._folder / name
            self._refuse_link(name)
            if not target.exists():
                continue
            if self._is_input(target):
                raise OutputError(
                    f"{target} is of an earlier run in this folder and an input of this one; choose another "
                    "--output folder."
                )
            if publishing.checksum(target) != digest:
                raise OutputError(
                    f"{target} was changed since an earlier run wrote it and is left alone; move it away, or "
                    "choose another --output folder."
                )
            self._seen[name] = _signature(target)

    def reserve(self, *names: str) -> None:
        """Check, before long work, that files of these names may be written, and keep other runs from them.

        Raises
        ------
        OutputError
            If one exists and may not be replaced, or is an input, or another run is about to write it.
        """
        for name in names:
            self._check(name)
        with self._locked():
            self._run.claim(names)

    def reserve_folder(self, name: str) -> None:
        """Check, before long work, that a sub-folder will hold files of this run only.

        Raises
        ------
        OutputError
            If it is or holds an input, or holds a file that may not be replaced.
        """
        for path in sorted((self._folder / name).rglob("*")):
            if not path.is_dir():
                self._check(str(path.relative_to(self._folder)))

    def path(self, name: str) -> Path:
        """Return where to write the file that will be called ``name``, which may lie in sub-folders."""
        if name not in self._names:
            self._check(name)
            self._names.append(name)
        self._checksums.pop(name, None)
        written = self._run.path / publishing.NEW / name
        written.parent.mkdir(parents=True, exist_ok=True)
        return written

    def scratch(self) -> Path:
        """Return a folder for temporary files of this run, on the file system of the results."""
        folder = self._run.path / _SCRATCH
        folder.mkdir(exist_ok=True)
        return folder

    def work_folder(self) -> Path:
        """Return a folder for work that a run which is stopped leaves to the next one in this output folder.

        A run that dies leaves it, also one that a signal ends; it is removed when the results are published, and
        after an error. The folder of a dead run is taken over.
        """
        with self._locked():
            return self._run.work_folder()

    @property
    def names(self) -> tuple[str, ...]:
        """The files written so far, in the order in which they were asked for."""
        return tuple(self._names)

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of every file written so far, by name."""
        for name in self._names:
            if name not in self._checksums:
                self._checksums[name] = publishing.checksum(self._run.path / publishing.NEW / name)
        return dict(self._checksums)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
            elif isinstance(error, OSError) and error.errno in FULL:
                raise self._unwritable(error) from error
        except OSError as wrong:
            raise self._unwritable(wrong) from wrong
        finally:
            with defer_signals():
                self._discard(keep=isinstance(error, (Stopped, KeyboardInterrupt)))

    def _discard(self, *, keep: bool = False) -> None:
        """Remove the temporary files, and the folders that were made if they are empty."""
        if self._entered is not None:
            self._entered.remove(keep=keep)
            self._entered = None
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _publish(self) -> None:
        umask = os.umask(0)
        os.umask(umask)
        new = self.checksums()
        for name in self._names:
            written = self._run.path / publishing.NEW / name
            written.chmod(0o666 & ~umask)
            with written.open("rb") as handle:
                os.fsync(handle.fileno())
        with self._locked(), defer_signals():
            self._run.claim(self._names)
            for name in self._names:
                self._check(name)  # again: the work may have taken hours
            replaced = (name for name in self._names if (self._folder / name).exists())
            stale = (name for name in self._earlier or () if self._overwrite and name not in new)
            old = {name: self._current(name) for name in (*replaced, *stale)}
            folders = self._make_folders()
            journal = publishing.Journal(
                new, {name: digest for name, digest in old.items() if digest}, self._last, folders
            )
            try:
                publishing.publish(self._folder, self._run.path, journal)
            except BaseException:
                publishing.remove_empty(self._folder, folders)
                raise

    def _current(self, name: str) -> str:
        """Return the checksum of a file that is to be replaced or removed, and refuse one that changed."""
        target = self._folder / name
        self._refuse_link(name)
        if self._earlier is None or not target.exists():
            return publishing.checksum(target)
        if self._seen.get(name) != _signature(target) and publishing.checksum(target) != self._earlier[name]:
            raise OutputError(
                f"{target} was changed while this run worked and is left alone; move it away and run again."
            )
        return self._earlier[name]

    def _make_folders(self) -> tuple[str, ...]:
        """Make the sub-folders of the results; return those that were not there."""
        created: list[str] = []
        try:
            for name in self._names:
                for parent in reversed((self._folder / name).relative_to(self._folder).parents):
                    if not (self._folder / parent).exists():
                        (self._folder / parent).mkdir()
                        created.append(str(parent))
        except OSError:
            publishing.remove_empty(self._folder, tuple(created))
            raise
        return tuple(created)

    def _check(self, name: str) -> None:
        """Refuse a name that may not be written."""
        target = self._folder / name
        self._refuse_link(name)
        if self._is_input(target):
            raise OutputError(
                f"The output {target} is the input itself, or lies in it; choose another --output folder or "
                "--filename."
            )
        if target.is_dir():
            raise OutputError(f"{target} is a folder; choose another --filename.")
        if target.exists() and self._earlier is not None and name not in self._earlier:
            raise OutputError(
                f"{target} is not a file of an earlier run in this folder and is left alone; choose another "
                "--output folder."
            )
        if target.exists() and not self._overwrite:
            raise OutputError(f"{target} exists; add --overwrite to replace it, or choose another name.")
        for parent in target.relative_to(self._folder).parents:
            if (self._folder / parent).exists() and not (self._folder / parent).is_dir():
                raise OutputError(f"{self._folder / parent} is a file; choose another --output folder.")

    def _is_input(self, target: Path) -> bool:
        """Return whether a file is an input, by whatever name, or lies in an input folder."""
        place = target.resolve()
        for path in self._inputs:
            if place == path or (path.is_dir() and path in place.parents):
                return True
            if place.exists() and path.exists() and place.samefile(path):
                return True
        return False

    def _refuse_link(self, name: str) -> None:
        """Refuse a name that is a link or lies behind one: this program writes none."""
        target = self._folder / name
        for place in (target, *(self._folder / parent for parent in Path(name).parents[:-1])):
            if place.is_symlink():
                raise OutputError(f"{place} is a link and is left alone; choose another --output folder.")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Lock the folder; errors of the system become :class:`OutputError`."""
        try:
            with locked(self._folder):
                yield
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> OutputError:
        """Return the error for a folder that cannot be written; an OutputError is returned unchanged."""
        if isinstance(error, OutputError):
            return error
        advice = "Make room, or choose" if error.errno in FULL else "Choose"
        reason = error.strerror or str(error)
        return OutputError(f"Cannot write to {self._folder}: {reason}. {advice} another --output folder.")


def _signature(path: Path) -> tuple[int, ...]:
    """Return inode, size and time of change: one of them changes when a file is written."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
