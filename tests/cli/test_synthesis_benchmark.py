"""The task synthesis and the command evaluate: they run, and say of themselves what they should."""

from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from tests.benchmarks.command import main as benchmark


def test_smoke_writes_page_and_pictures(tmp_path: Path) -> None:
    words = ["synthesis", "--profile", "smoke", "--output", str(tmp_path), "--seed", "2"]
    assert benchmark(words) == 0
    text = (tmp_path / "synthesis.md").read_text(encoding="utf-8")
    assert "python -m tests.benchmarks synthesis --profile smoke --seed 2" in text
    for name in ("paths", "reconstruction", "embedding", "application"):
        assert (tmp_path / f"figures/synthesis-{name}.png").stat().st_size > 10_000
        assert f"figures/synthesis-{name}.png" in text
    # How large it was stands there, and the full set against itself has no error.
    assert "The trainings of the profile `paper` would take" in text
    full = [line for line in text.splitlines() if line.startswith("| 16 | subset alone |")]
    assert [line.split("|")[6].strip() for line in full] == ["0.0 / 0.0 / 0.0"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:keras.*")  # where the basis set is simulated
def test_smoke_of_other_simulators_has_a_row_a_way(tmp_path: Path) -> None:
    assert benchmark(["synthesis_elsewhere", "--profile", "smoke", "--output", str(tmp_path)]) == 0
    text = (tmp_path / "synthesis_elsewhere.md").read_text(encoding="utf-8")
    if "No files at hand" in text:
        pytest.skip("mrsandbox is not installed")
    ways = ("real transients", "random", "interpolate", "hybrid")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| PRESS TE 30 | ")]
    assert [row[1:3] for row in rows] == [[water, way] for water in ("none", "unstable") for way in ways]
    # Of 8 parents and 8 others: the noise of a transient is measured to a few per cent.
    assert all(0.8 < float(row[8].rstrip(" |")) < 1.25 for row in rows)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name, seed in (("one", "1"), ("two", "2")):
        line = [
            "simulate",
            "--output",
            str(tmp_path),
            "--filename",
            name,
            "--points",
            "512",
            "--drift_hz",
            "0",
        ]
        assert main([*line, "--transients", "24", "--phase_deg", "0", "--seed", seed]) == 0
    return tmp_path


def test_evaluate_writes_one_page(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["evaluate", "--real", str(scans / "one.nii.gz"), "--output", str(scans / "out"), "--basis"]
    assert main([*line, "press_3t_te30", "--synthetic", str(scans / "two.nii.gz")]) == 0
    text = (scans / "out/evaluation.html").read_text(encoding="utf-8")
    words = ("C2ST accuracy", "Synthetic data.", "shape score", "difference / CRLB", "noise alone")
    for said in (*words, "Cr+PCr", "data:image/png"):
        assert said in text
    head, *rows, place = capsys.readouterr().out.splitlines()
    assert head.startswith("set  compared             C2ST accuracy (95 %)")
    assert {row[: head.index("C2ST")].strip() for row in rows} == {
        "1    real, two halves",
        "1    synthetic with real",
    }
    assert place == f"Page: {scans / 'out' / 'evaluation.html'}"
    assert main([*line, "press_3t_te30", "--synthetic", str(scans / "two.nii.gz")]) == 2


def test_evaluate_refuses_what_does_not_belong_together(
    scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [
        "simulate",
        "--output",
        str(scans),
        "--filename",
        "other",
        "--points",
        "256",
        "--transients",
        "24",
    ]
    assert main(other) == 0
    line = ["evaluate", "--real", str(scans / "one.nii.gz"), "--output", str(scans / "out")]
    assert main([*line, "--synthetic", str(scans / "other.nii.gz")]) == 2
    assert "files of one kind are needed" in capsys.readouterr().err
    assert main([*line, "--synthetic", str(scans / "none.nii.gz")]) == 2
    assert not (scans / "out").exists()
