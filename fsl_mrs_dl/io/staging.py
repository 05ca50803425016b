"""Writing without halves: files appear under their names complete, or not at all."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from fsl_mrs_dl.errors import OutputError


class Staging:
    """An output folder whose files, in sub-folders too, are written aside and renamed into place together.

    Use it as a context manager: :meth:`path` names a file to write; leaving the block without an error
    renames all of them, one atomic rename each; leaving it with an error leaves the folder as it was, and
    removes the folder if it did not exist before.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; its parent must exist or be makeable.
    overwrite : bool
        Whether files of the same names may be replaced. Nothing else is ever removed, and no folder.
    ours : collection of str, optional
        The only names that may be replaced, relative to the folder: those of an earlier run. Those of them
        that are not written again are removed, so that no results of two runs stand side by side.
    inputs : iterable of Path
        Files that are read; none of them may be replaced.

    Raises
    ------
    OutputError
        If the folder cannot be written, a file exists and ``overwrite`` is false, or an output is an input.
    """

    def __init__(
        self,
        folder: Path,
        *,
        overwrite: bool,
        ours: Collection[str] | None = None,
        inputs: Iterable[Path] = (),
    ) -> None:
        self._folder = Path(folder)
        self._overwrite = overwrite
        self._ours = ours
        self._inputs = [Path(path) for path in inputs]
        self._names: list[str] = []
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        if self._folder.exists() and not self._folder.is_dir():
            raise OutputError(f"--output {self._folder} is a file; a folder is needed. Name another one.")
        try:
            for folder in reversed([self._folder, *self._folder.parents]):
                if not folder.exists():
                    folder.mkdir()
                    self._made.append(folder)
            self._aside = Path(tempfile.mkdtemp(prefix=".fsl_mrs_dl_", dir=self._folder))
        except OSError as error:
            self._remove_made()
            raise OutputError(
                f"Cannot write to {self._folder}: {error.strerror or error}. Choose another --output folder."
            ) from error
        return self

    def reserve(self, *names: str) -> None:
        """Check, before long work, that files of these names may be written.

        Raises
        ------
        OutputError
            If one exists and may not be replaced, or is an input.
        """
        for name in names:
            target = self._folder / name
            if any(target.exists() and path.exists() and target.samefile(path) for path in self._inputs):
                raise OutputError(
                    f"The output {target} is the input itself; choose another --output folder or --filename."
                )
            if target.is_dir():
                raise OutputError(f"{target} is a folder; choose another --filename.")
            if target.exists() and self._ours is not None and name not in self._ours:
                raise OutputError(
                    f"{target} is not a file of an earlier run in this folder and is left alone; choose another "
                    "--output folder."
                )
            if target.exists() and not self._overwrite:
                raise OutputError(f"{target} exists; add --overwrite to replace it, or choose another name.")
            for folder in target.relative_to(self._folder).parents:
                if (self._folder / folder).exists() and not (self._folder / folder).is_dir():
                    raise OutputError(f"{self._folder / folder} is a file; choose another --output folder.")

    def path(self, name: str) -> Path:
        """Return where to write the file that will be called ``name``, which may lie in sub-folders."""
        self.reserve(name)
        if name not in self._names:
            self._names.append(name)
        (self._aside / name).parent.mkdir(parents=True, exist_ok=True)
        return self._aside / name

    @property
    def names(self) -> tuple[str, ...]:
        """The files written so far, in the order in which they were asked for."""
        return tuple(self._names)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            shutil.rmtree(self._aside, ignore_errors=True)
            if kind is not None:
                self._remove_made()

    def _publish(self) -> None:
        umask = os.umask(0)
        os.umask(umask)
        for name in self._names:
            written = self._aside / name
            written.chmod(0o666 & ~umask)
            with written.open("rb") as handle:
                os.fsync(handle.fileno())
        for name in self._names:
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._aside / name).replace(self._folder / name)
        for name in set(self._ours or ()) - set(self._names):
            if (self._folder / name).is_file():
                (self._folder / name).unlink()

    def _remove_made(self) -> None:
        for folder in reversed(self._made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
