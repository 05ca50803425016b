"""Temporary folders of runs in an output folder: show which run is at work, and clean up after dead runs."""

import json
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from fsl_mrs_dl.errors import OutputError
from fsl_mrs_dl.io import publishing
from fsl_mrs_dl.io.locks import flock
from fsl_mrs_dl.io.signals import defer_signals

logger = logging.getLogger(__name__)

_PREFIX = ".fsl_mrs_dl_"
_OWNER = "owner.json"
_WORK = "work"


class RunFolder:
    """Temporary folder of this run; other runs read in it which files this run will write.

    The process locks its file ``owner.json`` as long as it lives, so that other runs recognise a dead run. Create
    it, and call its methods, with the output folder locked.

    Parameters
    ----------
    folder : Path
        The output folder.

    Raises
    ------
    OSError
        If nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._claimed: set[str] = set()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
        self._owner = -1
        try:
            self._owner = os.open(self.path / _OWNER, os.O_RDWR | os.O_CREAT, 0o666)
            flock(self._owner, wait=True)
            self._write()
        except BaseException:
            self.remove()
            raise

    def claim(self, names: Iterable[str]) -> None:
        """Keep other runs from writing files of these names.

        Raises
        ------
        OutputError
            If another run is about to write one of them.
        """
        claimed = set(names) - self._claimed
        if not claimed:
            return
        for aside in _asides(self._folder):
            if aside == self.path or (owner := _owner(aside)) is None:
                continue
            others = owner["names"]
            if isinstance(others, list) and (both := claimed.intersection(others)):
                raise OutputError(
                    f"Another run (process {owner['pid']} on {owner['host']}) is about to write "
                    f"{self._folder / min(both)}; wait for it, or choose another name."
                )
        self._claimed |= claimed
        self._write()

    def work_folder(self) -> Path:
        """Return a folder for what a stopped run leaves to the next one; that of a dead run is taken over.

        Returns
        -------
        Path
            In the folder of this run.
        """
        mine = self.path / _WORK
        dead = [aside for aside in _asides(self._folder) if aside != self.path and _owner(aside) is None]
        left = [aside / _WORK for aside in dead if (aside / _WORK).is_dir()]
        if left and not mine.exists():
            max(left, key=lambda path: path.stat().st_mtime).rename(mine)
        for aside in dead:
            _remove(aside)
        mine.mkdir(exist_ok=True)
        return mine

    def remove(self, *, keep: bool = False) -> None:
        """Remove the folder, unless it is needed to put the results in order.

        Parameters
        ----------
        keep : bool
            Leave what is in :meth:`work_folder` to the next run.
        """
        _remove(self.path, keep=keep)
        if self._owner >= 0:
            os.close(self._owner)
            self._owner = -1

    def _write(self) -> None:
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "names": sorted(self._claimed)}
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, json.dumps(owner).encode(), 0)


def recover(folder: Path) -> None:
    """Finish or undo the renames of dead runs in a locked folder, and remove their temporary files.

    What they keep for a run that goes on with their work stays, see :meth:`RunFolder.work_folder`.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OutputError
        If the renames of a dead run can be neither finished nor undone.
    """
    for aside in _asides(folder):
        if _owner(aside) is not None:
            continue
        try:
            with defer_signals():
                done = publishing.recover(folder, aside)
        except (OSError, ValueError, RecursionError) as error:
            raise OutputError(
                f"An earlier run stopped while it put its files into {folder}, and they cannot be put in order "
                f"({error}); make the folder writable, or choose another --output folder."
            ) from error
        if done:
            logger.warning(
                "%s: an earlier run stopped while it put its files in place; %s.",
                folder,
                "that was finished now" if done == "finished" else "the files before it were put back",
            )
        _remove(aside, keep=True)


def unfinished(folder: Path) -> bool:
    """Return whether files of two runs may stand in a folder: a run there began to rename and has not ended."""
    return any(publishing.unfinished(aside) for aside in _asides(folder))


def _remove(aside: Path, *, keep: bool = False) -> None:
    if publishing.unfinished(aside):
        logger.warning(
            "%s: not all files could be put in place or back; the next run there tries again.", aside.parent
        )
        return
    work = aside / _WORK
    if not (keep and work.is_dir() and any(work.iterdir())):  # an empty one is of no use to the next run
        shutil.rmtree(aside, ignore_errors=True)
        return
    for path in aside.iterdir():
        if path.is_dir() and path.name != _WORK:
            shutil.rmtree(path, ignore_errors=True)


def _asides(folder: Path) -> list[Path]:
    """Return the temporary folders of all runs in a folder."""
    return [path for path in sorted(folder.glob(f"{_PREFIX}*")) if path.is_dir() and not path.is_symlink()]


def _owner(aside: Path) -> dict[str, object] | None:
    """Return the run that is at work in a temporary folder; None if it is dead. Lock the output folder first."""
    try:
        handle = os.open(aside / _OWNER, os.O_RDWR)
    except FileNotFoundError:
        return None
    except PermissionError:  # of another user, who alone can put it in order
        return {"host": "?", "pid": "?", "names": []}
    try:
        unlocked = flock(handle, wait=False)
        owner = json.loads(os.pread(handle, os.fstat(handle).st_size, 0) or b"{}")
    except ValueError:
        owner = {}
    finally:
        os.close(handle)
    if unlocked or (unlocked is None and _ended(owner)):
        return None
    return {"host": "?", "pid": "?", "names": [], **owner}


def _ended(owner: Mapping[str, object]) -> bool:
    """Return whether a process has ended, for file systems without locks."""
    if owner.get("host") != socket.gethostname() or not isinstance(pid := owner.get("pid"), int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
