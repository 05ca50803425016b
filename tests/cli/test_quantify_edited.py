"""``process`` of an edited scan: the fit of the difference has the metabolites that editing keeps."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.fit.quantification import without_cancelled
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.simulate.shipped import shipped_basis

DIFFERENCE, OFF = "mega-press_3t_te68_diff", "mega-press_3t_te68_off"


def test_what_is_left_out_is_what_cancels() -> None:
    """Told otherwise by the signals of OFF: editing changes those that stay by more than a tenth."""
    difference, off = (read_basis(shipped_basis(name)) for name in (DIFFERENCE, OFF))
    sizes = dict(zip(off.names, np.linalg.norm(off.fids, axis=1), strict=True))
    changes = {
        name: np.linalg.norm(fid) / sizes[name]
        for name, fid in zip(difference.names, difference.fids, strict=True)
        if name in sizes
    }
    cancelled = {name for name, change in changes.items() if change < 0.1}
    chosen = without_cancelled(difference)
    assert set(difference.names) - set(chosen.names) == cancelled
    assert set(chosen.left_out) == cancelled
    assert {"GABA", "Glu", "Gln", "GSH", "NAA", "NAAG", "MM3co", "MM09"} <= set(chosen.names)
    assert without_cancelled(chosen) is chosen


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edited")
    words = ["--kind", "edited", "--basis", "mega-press_3t_te68", "--transients", "8", "--snr", "60"]
    assert main(["simulate", "--output", str(folder), "--filename", "scan", *words]) == 0
    return folder


def processed(scan: Path, out: str, *more: str) -> dict[str, dict[tuple[str, str], str]]:
    words = ["--data", str(scan / "scan.nii.gz"), "--basis", DIFFERENCE, "--internal_ref", "NAA"]
    assert main(["process", *words, "--output", str(scan / out), *more]) == 0
    text = (scan / out / "concentrations.csv").read_text()
    first, second, *rows = csv.reader(text.splitlines())
    heads = list(zip(first, second, strict=True))
    return {row[0]: dict(zip(heads, row, strict=True)) for row in rows}


def test_a_difference_is_fitted_with_them_and_gaba_is_that_of_the_truth(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = processed(scan, "out")
    printed = capsys.readouterr().out
    assert not {"GPC", "PCh", "GPC+PCh", "Ins", "Tau"} & set(found)
    assert "GABA+MM3co" in printed
    assert "GPC" not in printed
    record = json.loads((scan / "out" / "run.json").read_text())
    assert any("of which editing leaves next to nothing" in note for note in record["notes"])
    truth = json.loads((scan / "scan_truth.json").read_text())["amplitudes"]
    row = found["GABA+MM3co"]
    expected = (truth["GABA"] + truth.get("MM3co", 0.0)) / truth["NAA"]
    assert float(row["mean", "internal"]) == pytest.approx(expected, abs=4 * float(row["std", "internal"]))


def test_keep_decides_otherwise_and_other_options_are_told_why(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"Ins", "GABA"} <= set(processed(scan, "kept", "--keep", "GABA", "Glu", "Gln", "NAA", "Ins"))
    words = ["--data", str(scan / "scan.nii.gz"), "--basis", DIFFERENCE, "--combine", "Ins", "Tau"]
    assert main(["process", *words, "--output", str(scan / "refused")]) == 2
    assert (
        "--combine names Ins, which is not fitted: editing leaves next to nothing" in capsys.readouterr().err
    )


def test_the_off_spectrum_keeps_all(scan: Path) -> None:
    words = ["--data", str(scan / "scan.nii.gz"), "--edit", "sum"]
    assert main(["process", *words, "--basis", OFF, "--allow_mismatch", "--output", str(scan / "sum")]) == 0
    text = (scan / "sum" / "summary.csv").read_text()
    assert all(f"\n{name}," in text for name in ("GPC+PCh", "Ins", "Tau"))
