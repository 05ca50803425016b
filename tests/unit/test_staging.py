"""Publishing: all files or none, whatever ends the run; nothing replaced that this program did not write."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fsl_mrs_dl.errors import OutputError
from fsl_mrs_dl.io import publishing
from fsl_mrs_dl.io.signals import Raising, Stopped
from fsl_mrs_dl.io.staging import Staging

NAMES = ("a.txt", "maps/b.txt", "maps/deep/c.txt", "run.json")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def texts(folder: Path) -> dict[str, str]:
    """Return every file of a folder with its text."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def write(
    folder: Path,
    text: str = "new",
    names: tuple[str, ...] = NAMES,
    ours: Mapping[str, str] | None = None,
    inputs: tuple[Path, ...] = (),
) -> None:
    with Staging(folder, overwrite=True, inputs=inputs, last="run.json") as staging:
        if ours is not None:
            staging.own(ours)
        for name in names:
            staging.path(name).write_text(text)


def worked(
    folder: Path, work: Callable[[], object], ours: Mapping[str, str] | None = None, name: str = "a.txt"
) -> None:
    """Write one file, and let something happen before it is put in place."""
    with Staging(folder, overwrite=ours is not None) as staging:
        if ours is not None:
            staging.own(ours)
        staging.path(name).write_text("new")
        work()


OLD = {"a.txt": digest("old"), "maps/old.txt": digest("old"), "run.json": digest("old")}
"""What an earlier run wrote."""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A folder with the files of an earlier run, and one of the user's."""
    write(tmp_path / "out", "old", tuple(OLD))
    (tmp_path / "out" / "maps" / "mine.txt").write_text("mine")
    return tmp_path / "out"


RENAMES = 7
"""Of the journal, of run.json taken away, of four new files, of a stale one taken away."""

BEFORE = {"a.txt": "old", "maps/old.txt": "old", "run.json": "old", "maps/mine.txt": "mine"}
AFTER = {**dict.fromkeys(NAMES, "new"), "maps/mine.txt": "mine"}


def test_files_of_an_earlier_run_are_replaced_and_stale_ones_go(earlier: Path) -> None:
    write(earlier, ours=OLD)
    assert texts(earlier) == AFTER
    with pytest.raises(OutputError, match=r"mine.txt is not a file of an earlier run"):
        write(earlier, names=("maps/mine.txt",), ours={})


def test_an_error_leaves_the_folder_as_it_was(earlier: Path, tmp_path: Path) -> None:
    for folder in (earlier, tmp_path / "none" / "deeper"):
        with pytest.raises(ZeroDivisionError):
            worked(folder, lambda: 1 / 0, name="b.txt")
    assert texts(earlier) == BEFORE
    assert not (tmp_path / "none").exists()


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(OutputError, match="maps is a file"):
        write(tmp_path, names=("maps/a.txt",))


class TestOneStep:
    @pytest.mark.parametrize("at", range(RENAMES))
    def test_a_rename_that_fails_puts_all_back(
        self, earlier: Path, at: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        count, rename = [0], publishing.rename

        def failing(path: Path, target: Path) -> None:
            count[0] += 1
            if count[0] == 1 + at:
                raise PermissionError(13, "Permission denied")
            rename(path, target)

        monkeypatch.setattr(publishing, "rename", failing)
        with pytest.raises(OutputError, match="Permission denied"):
            write(earlier, ours=OLD)
        assert texts(earlier) == BEFORE
        assert not (earlier / "maps" / "deep").exists()

    def test_every_rename_is_tried(self, earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[Path] = []
        rename = publishing.rename
        monkeypatch.setattr(publishing, "rename", lambda *pair: (done.append(pair[1]), rename(*pair)))
        write(earlier, ours=OLD)
        assert len(done) == RENAMES

    @pytest.mark.parametrize(("at", "links"), [*((at, True) for at in range(RENAMES)), (3, False)])
    def test_a_killed_run_is_finished_by_the_next(
        self, earlier: Path, at: int, links: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        before = killed(earlier, at, links=links)
        write(earlier, names=("other.txt",))
        # The first rename is that of the journal itself: nothing had been begun before it.
        assert texts(earlier) == {**(BEFORE if at == 0 else AFTER), "other.txt": "new"}
        assert ("run.json" in before) == (at <= 1), "between the old and the new one there is none"
        assert [record.message.split("; ")[-1] for record in caplog.records] == (
            [] if at == 0 else ["that was finished now."]
        )

    @pytest.mark.parametrize("edited", ["a.txt", "maps/old.txt"])
    def test_a_file_edited_in_between_is_kept_and_the_others_go_back(
        self, earlier: Path, edited: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        killed(earlier, 6)
        (earlier / edited).write_text("edited")
        write(earlier, names=("other.txt",))
        found = texts(earlier)
        if edited == "a.txt":  # had been replaced already, so all can be finished around it
            assert found == {**AFTER, "a.txt": "edited", "other.txt": "new"}
        else:
            assert found == {**BEFORE, "maps/old.txt": "edited", "other.txt": "new"}
            assert "put back" in caplog.text

    @pytest.mark.parametrize("undoing", range(4))
    def test_a_run_killed_while_it_puts_back_is_put_back_by_the_next(
        self, earlier: Path, undoing: int
    ) -> None:
        killed(earlier, RENAMES - 1, undoing=undoing)
        write(earlier, names=("other.txt",))
        # The first rename turns the journal into one of putting back.
        assert texts(earlier) == {**(BEFORE if undoing else AFTER), "other.txt": "new"}

    @pytest.mark.parametrize(
        "said",
        [
            "not json",
            "[" * 5000,
            "[]",
            '{"new": [], "old": {}, "last": null, "folders": []}',
            '{"new": {"a.txt": 1}, "old": {}, "last": null, "folders": []}',
            '{"new": {}, "old": {}, "last": "run.json", "folders": []}',
            '{"new": {"../mine.txt": "x"}, "old": {}, "last": null, "folders": []}',
            '{"new": {}, "old": {"maps/../../mine.txt": "x"}, "last": null, "folders": []}',
            '{"new": {}, "old": {}, "last": null, "folders": ["/tmp"]}',
        ],
    )
    def test_a_journal_that_is_none_is_told_and_touches_nothing(self, earlier: Path, said: str) -> None:
        (earlier.parent / "mine.txt").write_text("mine")
        aside = earlier / ".fsl_mrs_dl_dead"
        (aside / "new").mkdir(parents=True)
        (aside / "mine.txt").write_text("not mine")
        (aside / "journal.json").write_text(said)
        with pytest.raises(OutputError, match="cannot be put in order"):
            write(earlier, ours=OLD)
        assert (earlier.parent / "mine.txt").read_text() == "mine"
        assert {name: text for name, text in texts(earlier).items() if name[0] != "."} == BEFORE

    def test_temporary_files_of_dead_runs_are_removed(self, tmp_path: Path) -> None:
        (tmp_path / ".fsl_mrs_dl_dead" / "new").mkdir(parents=True)
        (tmp_path / ".fsl_mrs_dl_dead" / "new" / "half.nii").write_text("half")
        write(tmp_path, names=("a.txt",))
        assert texts(tmp_path) == {"a.txt": "new"}
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]

    def test_what_is_published_is_what_was_written_not_what_was_damaged_since(self, earlier: Path) -> None:
        killed(earlier, 4)
        (waiting,) = earlier.glob(".fsl_mrs_dl_*/new/maps/deep/c.txt")
        waiting.write_text("damaged")
        write(earlier, names=("other.txt",))
        assert texts(earlier) == {**BEFORE, "other.txt": "new"}


def killed(folder: Path, at: int, *, links: bool = True, undoing: int | None = None) -> dict[str, str]:
    """Publish in a process that is killed before a rename; return what then stands in the folder.

    With ``undoing`` that rename fails instead, and the kill comes so many renames into putting back.
    """
    program = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_staging
from fsl_mrs_dl.io import publishing
from pathlib import Path
count, rename = [0], publishing.rename
def killing(path, target):
    count[0] += 1
    if count[0] - 1 == {at} and {undoing} is not None:
        raise PermissionError(13, "denied")
    if count[0] - 1 == {at if undoing is None else at + 1 + undoing}:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(path, target)
publishing.rename = killing
if not {links}:
    def no_link(*_):
        raise PermissionError(1, "no hard links here")
    os.link = no_link
test_staging.write(Path({str(folder)!r}), ours=test_staging.OLD)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return {name: text for name, text in texts(folder).items() if not name.startswith(".")}


class TestInputs:
    def test_an_edited_result_is_refused_before_long_work(self, earlier: Path) -> None:
        (earlier / "maps" / "old.txt").write_text("edited")
        with pytest.raises(OutputError, match=r"old.txt was changed since .* move it away"):
            write(earlier, ours=OLD)
        assert texts(earlier) == {**BEFORE, "maps/old.txt": "edited"}

    def test_a_result_edited_while_the_run_works_is_refused(self, earlier: Path) -> None:
        with pytest.raises(OutputError, match="while this run worked"):
            worked(earlier, lambda: (earlier / "a.txt").write_text("edited"), OLD)
        assert texts(earlier) == {**BEFORE, "a.txt": "edited"}

    def test_a_file_that_appears_while_the_run_works_is_kept(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="add --overwrite"):
            worked(tmp_path, lambda: (tmp_path / "a.txt").write_text("mine"))
        assert texts(tmp_path) == {"a.txt": "mine"}

    def test_an_input_among_the_files_of_an_earlier_run(self, earlier: Path) -> None:
        for given in (earlier / "maps" / "old.txt", earlier / "maps"):
            with pytest.raises(OutputError, match=r"old.txt is of an earlier run .* and an input"):
                write(earlier, ours=OLD, inputs=(given,))
        assert texts(earlier) == BEFORE

    @pytest.mark.parametrize("kind", ["itself", "symlink", "hardlink"])
    def test_an_input_by_any_name(self, tmp_path: Path, kind: str) -> None:
        given = tmp_path / "in.txt"
        given.write_text("mine")
        (tmp_path / "out").mkdir()
        place = tmp_path / "out" / "a.txt"
        {"itself": given.rename, "symlink": place.symlink_to, "hardlink": place.hardlink_to}[kind](
            place if kind == "itself" else given
        )
        given = place if kind == "itself" else given
        with pytest.raises(OutputError, match=r"is the input itself|is a link"):
            write(tmp_path / "out", names=("a.txt",), inputs=(given,))
        assert given.read_text() == "mine"

    def test_no_file_is_put_into_an_input_folder(self, tmp_path: Path) -> None:
        (tmp_path / "basis").mkdir()
        (tmp_path / "basis" / "NAA.json").write_text("mine")
        with pytest.raises(OutputError, match="lies in it"):
            write(tmp_path, names=("basis/Cr.json",), inputs=(tmp_path / "basis",))
        assert texts(tmp_path) == {"basis/NAA.json": "mine"}

    @pytest.mark.parametrize("name", ["a.txt", "maps/a.txt"])
    def test_nothing_is_replaced_or_removed_through_a_link(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "a.txt").write_text("old")
        (tmp_path / "out").mkdir()
        if name == "a.txt":
            (tmp_path / "out" / name).symlink_to(tmp_path / "data" / "a.txt")
        else:
            (tmp_path / "out" / "maps").symlink_to(tmp_path / "data")
        for ours, names in (({name: digest("old")}, ("b.txt",)), (None, (name,))):
            with pytest.raises(OutputError, match="is a link and is left alone"):
                write(tmp_path / "out", names=names, ours=ours)
        assert texts(tmp_path / "data") == {"a.txt": "old"}


class TestTwoRuns:
    def test_of_one_name_exclude_each_other_and_of_two_do_not(self, tmp_path: Path) -> None:
        with Staging(tmp_path, overwrite=True) as first, Staging(tmp_path, overwrite=True) as second:
            first.reserve("a.txt")
            with pytest.raises(OutputError, match=rf"process {os.getpid()} .* is about to write .*a.txt"):
                second.reserve("b.txt", "a.txt")
            second.path("c.txt").write_text("second")
            first.path("a.txt").write_text("first")
        assert texts(tmp_path) == {"a.txt": "first", "c.txt": "second"}

    def test_the_lock_of_a_killed_run_holds_nobody(self, tmp_path: Path) -> None:
        program = f"""
import time
from pathlib import Path
from fsl_mrs_dl.io.staging import Staging
with Staging(Path({str(tmp_path)!r}), overwrite=True) as staging:
    staging.reserve("a.txt")
    print("reserved", flush=True)
    time.sleep(60)
"""
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(OutputError, match=f"process {process.pid}"):
                write(tmp_path, names=("a.txt",))
            process.kill()
        write(tmp_path, names=("a.txt",))
        assert texts(tmp_path) == {"a.txt": "new"}

    @pytest.mark.parametrize(
        ("host", "running", "dead"), [("here", True, False), ("here", False, True), ("x", False, False)]
    )
    def test_without_locks_a_run_is_dead_if_its_process_is_known_to_be(
        self, tmp_path: Path, host: str, running: bool, dead: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        monkeypatch.setattr("fsl_mrs_dl.io.run_folder.flock", lambda *_, **__: None)
        monkeypatch.setattr("socket.gethostname", lambda: "here")
        (tmp_path / ".fsl_mrs_dl_other").mkdir()
        owner = {"host": host, "pid": os.getpid() if running else ended.pid, "names": ["a.txt"]}
        (tmp_path / ".fsl_mrs_dl_other" / "owner.json").write_text(json.dumps(owner))
        if dead:
            write(tmp_path, names=("a.txt",))
        else:
            with pytest.raises(OutputError, match=f"process {owner['pid']} on {host}"):
                write(tmp_path, names=("a.txt",))
        assert (tmp_path / ".fsl_mrs_dl_other").exists() != dead

    def test_a_name_that_was_never_reserved_is_noticed_at_the_end(self, tmp_path: Path) -> None:
        with Staging(tmp_path, overwrite=True) as first:
            first.reserve("a.txt")
            with pytest.raises(OutputError, match="is about to write"):
                write(tmp_path, names=("a.txt",))
            first.path("a.txt").write_text("first")
        assert texts(tmp_path) == {"a.txt": "first"}


def test_a_signal_that_comes_while_files_are_renamed_waits(
    earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = publishing.rename

    def interrupted(path: Path, target: Path) -> None:
        signal.raise_signal(signal.SIGTERM)
        rename(path, target)

    monkeypatch.setattr(publishing, "rename", interrupted)
    with pytest.raises(Stopped) as stopped, Raising():
        write(earlier, ours=OLD)
    assert stopped.value.status == 143
    assert texts(earlier) == AFTER
