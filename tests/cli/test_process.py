"""The program as a process: signals, closed and broken streams, a full disk, PYTHONOPTIMIZE=2."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.registry import Step


def program(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fsl_mrs_dl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]


@pytest.fixture
def scan(tmp_path: Path) -> list[str]:
    """The arguments of ``align`` on a simulated scan."""
    options = ["--kind", "transients", "--points", "512", "--transients", "8"]
    assert main(["simulate", "--output", str(tmp_path), *options]) == 0
    return ["--file", str(next(tmp_path.glob("*.nii.gz"))), "--output", str(tmp_path / "out")]


@pytest.mark.parametrize("delay_s", [0.05, 0.15, 0.3])
def test_ctrl_c_in_the_first_moments_is_one_line(scan: list[str], tmp_path: Path, delay_s: float) -> None:
    command = [sys.executable, "-m", "fsl_mrs_dl", "align", *scan]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        started(process.pid)
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert said in ("fsl_mrs_dl: interrupted.\n", "fsl_mrs_dl align: interrupted.\n")
    assert not (tmp_path / "out").exists()


def started(pid: int) -> None:
    """Wait until the program's first lines have run: before, Python itself answers to a signal."""
    status, caught = Path(f"/proc/{pid}/status"), 1 << (signal.SIGINT - 1)
    if not status.exists():
        time.sleep(0.2)  # not Linux
        return
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        # Python's own handler is set too, before the module of the program is read; the program is then imported.
        lines = status.read_text().splitlines()
        mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
        if mask & caught and any("numpy" in name for name in Path(f"/proc/{pid}/maps").read_text().split()):
            return
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "interrupted."), (signal.SIGTERM, "stopped by SIGTERM.")]
)
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_signal_at_work_cleans_up(
    scan: list[str],
    tmp_path: Path,
    number: signal.Signals,
    said: str,
    swallowed: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work(*_: object, **__: object) -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        try:
            time.sleep(5)
        except BaseException as stopped:
            if swallowed:
                raise RuntimeError("a package made something else of it") from stopped
            raise

    monkeypatch.setattr(Step, "__call__", work)
    assert main(["align", *scan]) == 128 + number
    assert capsys.readouterr().err == f"fsl_mrs_dl align: {said}\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("one_thread")
def test_ctrl_c_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    steps, step = [0], torch.optim.Adam.step

    def interrupted(*arguments: Any, **options: Any) -> Any:
        steps[0] += 1
        if steps[0] == 3:
            signal.raise_signal(signal.SIGINT)
        return step(*arguments, **options)

    monkeypatch.setattr(torch.optim.Adam, "step", interrupted)
    words = ["--architecture", "dsr", "--samples", "40", "--epochs", "1000", "--batch", "4"]
    assert main(["train", "align", *words, "--output", str(tmp_path / "out")]) == 130
    assert steps[0] == 3
    assert capsys.readouterr().err == "fsl_mrs_dl train: interrupted.\n"
    assert not (tmp_path / "out").exists()


def test_the_reader_of_a_pipe_may_leave(scan: list[str], tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        for stream in ("stdout", "stderr"):
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writes}
            command = [sys.executable, "-m", "fsl_mrs_dl"]
            listed = subprocess.run([*command, "basis", "--list_shipped"], check=False, text=True, **pipes)
            refused = subprocess.run(
                [*command, "align", "--file", "none", "--output", "x"], check=False, **pipes
            )
            assert (listed.returncode, refused.returncode) == (0, 2)
            assert not listed.stderr
    finally:
        os.close(writes)


def test_closed_streams_do_not_end_in_files(scan: list[str], tmp_path: Path) -> None:
    words = " ".join(
        ["exec", sys.executable, "-m", "fsl_mrs_dl", "average", *scan, "--verbose", ">&-", "2>&-", "<&-"]
    )
    assert subprocess.run(["sh", "-c", words], check=False).returncode == 0
    assert nifti.read(next((tmp_path / "out").glob("*.nii.gz"))).n_points == 512


def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(2, 1, 1, 1, 4096, 8)).astype(np.float32)
    data = MRSData((noise[0] + 1j * noise[1]).astype(np.complex64), 5e-4, 123.2, dim_tags=("DIM_DYN",))
    nifti.write(data, tmp_path / "scan.nii.gz")

    def small_files() -> None:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (20_000, 20_000)
        )  # the system then says that a file is too large

    words = ["--file", str(tmp_path / "scan.nii.gz"), "--output", str(tmp_path / "out" / "deep")]
    done = program("average", *words, preexec_fn=small_files)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"fsl_mrs_dl average: Cannot write to {tmp_path / 'out' / 'deep'}: File too large"
    )
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("closed", [False, True])
def test_a_name_of_any_bytes_can_be_printed(closed: bool) -> None:
    """Of a file that is called ff, 255: what a strict terminal or a stream of our own cannot encode is escaped."""
    lines = """
import os, sys
from fsl_mrs_dl import __main__, cli
def work():
    for stream in (sys.stdout, sys.stderr):
        print(os.fsdecode(bytes([102, 102, 255])), file=stream)
    return 0
cli.main = work
sys.exit(__main__.start())
"""
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    words = ["sh", "-c", 'exec "$0" -c "$1"' + (" 2>&-" if closed else ""), sys.executable, lines]
    done = subprocess.run(words, env=strict, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "ff\\udcff\n")
    assert done.stderr == ("" if closed else "ff\\udcff\n")


def test_a_full_device_for_what_is_printed() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "fsl_mrs_dl", "basis", "--list_shipped"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr


def test_pythonoptimize_2(scan: list[str], tmp_path: Path) -> None:
    optimised = {**os.environ, "PYTHONOPTIMIZE": "2"}
    done = program("align", *scan, env=optimised)
    assert (done.returncode, done.stderr) == (0, "")
    plain, stripped = (program("quantify", "--help", env=env).stdout for env in (os.environ, optimised))
    assert "Quantify metabolites" in plain
    assert stripped == plain


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    for name in ("align", "process", "quantify", "convert"):
        assert f"    {name} " in listed
