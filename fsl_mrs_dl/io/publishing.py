"""Publish many files in one step: a journal lists the renames, so that a later run can finish or undo them.

In the temporary folder of a run, ``new`` has the files that it wrote, and ``old`` the files that they replace.
``journal.json`` is written when ``new`` is complete and on disk. A run that dies before has changed nothing; if it
dies later, the next run finishes the renames, or undoes them if a file was changed in between.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

NEW, OLD = "new", "old"
_JOURNAL, _UNDO = "journal.json", "undo.json"


@dataclass(frozen=True)
class Journal:
    """Renames in one folder; names are relative to it.

    Attributes
    ----------
    new : mapping of str to str
        File to publish -> SHA-256 of its content.
    old : mapping of str to str
        File to replace or remove -> SHA-256 of its content.
    last : str or None
        The file of ``new`` that shows that the results are complete: published last, removed first.
    folders : tuple of str
        Sub-folders that were created for this, the outer ones first.
    """

    new: Mapping[str, str]
    old: Mapping[str, str]
    last: str | None = None
    folders: tuple[str, ...] = ()


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content; empty if there is no such file."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def publish(folder: Path, aside: Path, journal: Journal) -> None:
    """Put files in place, all or none.

    Parameters
    ----------
    folder : Path
        Of the results.
    aside : Path
        The run's temporary folder in it, with the files below ``new``; afterwards without a journal.
    journal : Journal

    Raises
    ------
    OSError
        If a file cannot be renamed; what was renamed before has then been put back.
    """
    unfinished = aside / f"{_JOURNAL}.part"
    with unfinished.open("w", encoding="utf-8") as handle:
        json.dump(asdict(journal), handle)
        handle.flush()
        os.fsync(handle.fileno())
    rename(unfinished, aside / _JOURNAL)
    _sync(aside)
    try:
        _finish(folder, aside, journal)
    except BaseException:
        rename(aside / _JOURNAL, aside / _UNDO)  # takes no space, where a disk is full
        _undo(folder, aside, journal)
        raise


def recover(folder: Path, aside: Path) -> str:
    """Finish or undo what a dead run began to rename.

    Parameters
    ----------
    folder : Path
    aside : Path
        Temporary folder of the dead run.

    Returns
    -------
    str
        ``finished``, ``undone``, or empty if it had not begun.

    Raises
    ------
    OSError
        If a file cannot be renamed.
    ValueError
        If the journal is damaged, or names a file outside of the folder.
    """
    finish = (aside / _JOURNAL).exists()
    path = aside / (_JOURNAL if finish else _UNDO)
    if not path.exists():
        return ""
    journal = _read(path)
    if finish and _can_finish(folder, aside, journal):
        _finish(folder, aside, journal)
        return "finished"
    if finish:
        rename(path, aside / _UNDO)
    _undo(folder, aside, journal)
    return "undone"


def _read(path: Path) -> Journal:
    """Read a journal; it may have been written by anybody."""
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        new, old, last, folders = (content[key] for key in ("new", "old", "last", "folders"))
        names = [*new, *old, *folders, *([] if last is None else [last])]
        texts = [*names, *new.values(), *old.values()]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("the journal is damaged") from error
    if not all(isinstance(text, str) for text in texts) or (last is not None and last not in new):
        raise ValueError("the journal is damaged")
    for name in names:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            raise ValueError(f"the journal names {name!r}, which lies outside of the folder")
    return Journal(new, old, last, tuple(folders))


def unfinished(aside: Path) -> bool:
    """Return whether a temporary folder holds a journal: its files are not all in place, or not all back."""
    return (aside / _JOURNAL).exists() or (aside / _UNDO).exists()


def rename(path: Path, target: Path) -> None:
    """Rename a file, replacing what stands there; the only place where publishing does so."""
    path.replace(target)


def _can_finish(folder: Path, aside: Path, journal: Journal) -> bool:
    """Return whether publication can go on: new files are undamaged, and targets are absent or as recorded."""
    for name, digest in journal.new.items():
        waiting = aside / NEW / name
        if waiting.exists() and (
            checksum(waiting) != digest or checksum(folder / name) not in ("", journal.old.get(name))
        ):
            return False
    stale = [name for name in journal.old if name not in journal.new]
    return all(checksum(folder / name) in ("", journal.old[name]) for name in stale)


def _finish(folder: Path, aside: Path, journal: Journal) -> None:
    """Rename what is not yet renamed."""
    last = journal.last
    if last is not None and last in journal.old and (aside / NEW / last).exists():
        _take_away(folder, aside, last)
    for name in journal.new:
        if name != last:
            _put(folder, aside, name, replaces=name in journal.old)
    for name in journal.old:
        if name not in journal.new:
            _take_away(folder, aside, name)
    if last is not None:
        _put(folder, aside, last, replaces=False)
    for parent in {(folder / name).parent for name in (*journal.new, *journal.old)}:
        if parent.is_dir():
            _sync(parent)
    (aside / _JOURNAL).unlink()


def _put(folder: Path, aside: Path, name: str, *, replaces: bool) -> None:
    waiting, target = aside / NEW / name, folder / name
    if not waiting.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if replaces and target.exists():
        _keep(aside, target, name)
    rename(waiting, target)


def _keep(aside: Path, target: Path, name: str) -> None:
    """Keep what is about to be replaced, by a second name, so that its place is never empty."""
    backup = aside / OLD / name
    backup.parent.mkdir(parents=True, exist_ok=True)
    if backup.exists():
        return
    try:
        os.link(target, backup)
    except OSError:  # a file system without hard links: its place is empty for a moment
        rename(target, backup)


def _take_away(folder: Path, aside: Path, name: str) -> None:
    backup = aside / OLD / name
    backup.parent.mkdir(parents=True, exist_ok=True)
    if (folder / name).exists():
        rename(folder / name, backup)


def _undo(folder: Path, aside: Path, journal: Journal) -> None:
    """Put back what was renamed; files that are neither the old nor the new ones are left alone."""
    last = journal.last
    for name in sorted({*journal.new, *journal.old}, key=lambda name: name == last):
        backup, target = aside / OLD / name, folder / name
        digest = checksum(target)
        if name in journal.new and digest == journal.new[name] and not (aside / NEW / name).exists():
            if backup.exists():
                rename(backup, target)
            else:
                target.unlink()
        elif not digest and backup.exists():
            rename(backup, target)
    remove_empty(folder, journal.folders)
    (aside / _UNDO).unlink()


def remove_empty(folder: Path, names: tuple[str, ...]) -> None:
    """Remove those of some sub-folders that are empty, the inner ones first."""
    for name in reversed(names):
        with contextlib.suppress(OSError):
            (folder / name).rmdir()


def _sync(folder: Path) -> None:
    """Write the names of a folder to disk; do nothing where the file system does not support it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
