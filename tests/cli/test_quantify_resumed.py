"""``quantify`` of MRSI that was killed: the same command goes on, and the maps are those of one whole run."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import nibabel
import numpy as np
import pytest
from quantify_scans import basis, scans

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.fit.quantification import run as quantification
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis

VOXELS, CHUNK = 20, 8
"""Three chunks of voxels, the last one not whole; smaller than those of a user, for speed."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantification, "CHUNK", CHUNK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    there = tmp_path_factory.mktemp("grid")
    data, _ = scans(np.random.default_rng(3), n_voxels=VOXELS)
    nifti.write(data, there / "grid.nii.gz")
    write_json_basis(basis(), there / "basis", overwrite=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantification, "CHUNK", CHUNK)
        assert quantify(there, "whole") == 0
    return there


def words(folder: Path, out: str, *more: str) -> list[str]:
    files = ["--data", folder / "grid.nii.gz", "--basis", folder / "basis", "--output", folder / out]
    return ["quantify", *map(str, files), "--no_posterior", *more]


def quantify(folder: Path, out: str, *more: str) -> int:
    return main(words(folder, out, *more))


def maps(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): np.asarray(nibabel.load(path).dataobj).tobytes()
        for path in sorted(folder.rglob("*.nii.gz"))
    }


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch):
    """Make a run that ends without any cleaning up after so many chunks, and count the chunks of the next one."""
    fit_chunk, counted = quantification.fit_chunk, []

    def start(folder: Path, out: str, after: int) -> None:
        script = (
            "import os, sys\n"
            "from fsl_mrs_dl.fit.quantification import run\n"
            "from fsl_mrs_dl.cli import main\n"
            f"run.CHUNK = {CHUNK}\n"
            "put, done = run.RowStore.put, []\n"
            "def dies(store, rows, part):\n"
            "    put(store, rows, part)\n"
            "    done.append(rows)\n"
            "    if len(done) == int(sys.argv[1]):\n"
            "        os.kill(os.getpid(), 9)\n"
            "run.RowStore.put = dies\n"
            "main(sys.argv[2:])\n"
        )
        command = [sys.executable, "-c", script, str(after), *words(folder, out)]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    def counting(common, chunk):
        counted.append(len(chunk.fids))
        return fit_chunk(common, chunk)

    monkeypatch.setattr(quantification, "fit_chunk", counting)
    return start, counted


def test_a_killed_run_goes_on_and_ends_with_the_same_maps(folder: Path, dying, caplog) -> None:
    die, fitted = dying
    die(folder, "killed", 2)
    assert not list((folder / "killed").glob("*.nii.gz"))
    assert quantify(folder, "killed") == 0
    assert fitted == [VOXELS - 2 * CHUNK]  # the last chunk alone
    assert "16 of 20 voxels are done" in caplog.text
    assert maps(folder / "killed") == maps(folder / "whole")
    assert not [path for path in (folder / "killed").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("more", "told"), [(("--baseline", "poly, 2"), "--baseline"), (("--TE", "31"), "--TE")]
)
def test_with_another_option_it_starts_again_and_says_so(folder: Path, dying, caplog, more, told) -> None:
    die, fitted = dying
    out = told.strip("-")
    die(folder, out, 1)
    assert quantify(folder, out, *more) == 0
    assert sum(fitted) == VOXELS
    assert f"starts again, as it differs in {told}." in caplog.text


def test_with_another_input_or_version_it_starts_again(folder: Path, dying, caplog, monkeypatch) -> None:
    die, fitted = dying
    die(folder, "input", 1)
    file = folder / "basis" / "NAA.json"
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\n")
        assert quantify(folder, "input") == 0
    finally:
        file.write_bytes(before)
    assert "the content of --basis" in caplog.text
    die(folder, "version", 1)
    monkeypatch.setattr("fsl_mrs_dl.io.run_key.__version__", "99")
    assert quantify(folder, "version") == 0
    assert "the version of the program" in caplog.text
    assert sum(fitted) == 2 * VOXELS


def test_damaged_rows_are_fitted_again(folder: Path, dying) -> None:
    die, fitted = dying
    die(folder, "damaged", 2)
    (raw,) = (folder / "damaged").rglob("raw")
    content = bytearray(raw.read_bytes())
    content[3] ^= 1  # in a row of the first chunk
    raw.write_bytes(content)
    assert quantify(folder, "damaged") == 0
    assert fitted == [CHUNK, VOXELS - 2 * CHUNK]
    assert maps(folder / "damaged") == maps(folder / "whole")


def test_a_signal_keeps_what_is_done_and_says_so(folder: Path, dying, caplog, monkeypatch) -> None:
    put = quantification.RowStore.put

    def signalled(store, rows, part):
        put(store, rows, part)
        if rows.start:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(quantification.RowStore, "put", signalled)
        assert quantify(folder, "ended") == 128 + signal.SIGTERM
    assert "16 of 20 voxels are kept" in caplog.text
    _, fitted = dying
    fitted.clear()
    assert quantify(folder, "ended") == 0
    assert fitted == [VOXELS - 2 * CHUNK]


def test_the_terminal_shows_speed_and_time_left(folder: Path) -> None:
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))  # a window of 100 columns
    script = f"from fsl_mrs_dl.fit.quantification import run; run.CHUNK = {CHUNK}\n"
    script += "import sys; from fsl_mrs_dl.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words(folder, "bar")], stdout=subprocess.DEVNULL, stderr=end
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 1000)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    assert process.wait() == 0
    lines = shown.decode().split("\r")
    # Which steps the bar draws depends on the computer: it draws ten times a second at most.
    assert any(re.search(r"\d/20 .*\d:\d\d<\d\d:\d\d, .*voxels/s", line) for line in lines), lines
