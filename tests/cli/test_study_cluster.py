"""``study --parallel cluster`` with a stand-in for fsl_sub: the commands it gets, and tasks that die."""

import csv
import shutil
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main

pytest.importorskip("file_tree", reason="file-tree is not installed")

STAND_IN = """\
#!/bin/sh
# Runs what fsl_sub would submit: the lines of a task file, or a command; prints the number of the job.
echo "$@" >> "{log}"
while [ $# -gt 0 ]; do
  case "$1" in
    -t) {run}; echo 4711; exit 0;;
    -l|-N|-j|-x) shift 2;;
    *) "$@"; echo 4712; exit 0;;
  esac
done
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scans of four transients."""
    for name in ("A", "B"):
        words = ["--basis", "press_3t_te30", "--transients", "4", "--points", "1024", "--dwelltime", "0.0005"]
        more = ["--snr", "80", "--filename", f"{name}_act"]
        assert main(["simulate", "--output", str(tmp_path / "raw"), *words, *more]) == 0
    return tmp_path / "raw"


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str) -> Path:
    """Put a stand-in for fsl_sub into the search path."""
    there = tmp_path / "bin"
    there.mkdir()
    (there / "fsl_sub").write_text(STAND_IN.format(log=tmp_path / "calls", run=run))
    (there / "fsl_sub").chmod(0o755)
    monkeypatch.setenv("PATH", f"{there}:/bin:/usr/bin")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    return tmp_path / "calls"


def study(folder: Path, out: str, *more: str) -> int:
    words = ["--input", str(folder), "--output", str(folder.parent / out), "--tree", "plain"]
    return main(["study", *words, "--basis", "press_3t_te30", *more])


def verdicts(path: Path) -> dict[str, str]:
    with path.open(newline="") as handle:
        return {row["scan"]: row["verdict"] for row in csv.DictReader(handle)}


def test_each_scan_is_a_task_of_one_array_and_the_table_is_the_same(
    folder, tmp_path, monkeypatch, capsys
) -> None:
    assert study(folder, "here") == 0
    calls = install(tmp_path, monkeypatch, run='sh "$2"')
    assert study(folder, "cluster", "--parallel", "cluster", "--parallel-workers", "1") == 0
    assert (tmp_path / "cluster" / "study.csv").read_bytes() == (tmp_path / "here" / "study.csv").read_bytes()
    array, end = calls.read_text().splitlines()
    assert "-x 1 -t" in array
    assert "-j 4711" in end
    assert len((tmp_path / "cluster" / "logs" / "tasks.txt").read_text().splitlines()) == 2
    capsys.readouterr()
    assert study(folder, "cluster", "--parallel", "cluster") == 0
    assert "(0 processed now)" in capsys.readouterr().out
    assert len(calls.read_text().splitlines()) == 2  # nothing was submitted


def test_a_task_that_dies_is_told_and_the_other_is_done(folder, tmp_path, monkeypatch, capsys) -> None:
    install(tmp_path, monkeypatch, run='head -1 "$2" | sh')
    assert study(folder, "cluster", "--parallel", "cluster") == 0
    assert "task 2 of the cluster ended without a result" in capsys.readouterr().out
    assert verdicts(tmp_path / "cluster" / "study.csv")["B_act"] == "failed"
    assert verdicts(tmp_path / "cluster" / "study.csv")["A_act"] != "failed"
    shutil.rmtree(tmp_path / "bin")
    install(tmp_path, monkeypatch, run='sh "$2"')
    assert study(folder, "cluster", "--parallel", "cluster") == 0  # only the other one
    assert "2 scans (1 processed now)" in capsys.readouterr().out


def test_without_a_cluster_it_says_what_is_needed(folder, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert study(folder, "none", "--parallel", "cluster") == 2
    assert "needs fsl_sub" in capsys.readouterr().err
    install(tmp_path, monkeypatch, run="echo no such queue >&2; exit 1")
    assert study(folder, "none", "--parallel", "cluster") == 2
    assert "does not take the job: no such queue" in capsys.readouterr().err
