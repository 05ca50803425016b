"""The documented chains on measured files, as a user runs them: nothing fails, and a brain comes out."""

import csv
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io.nifti import read

pytestmark = pytest.mark.realdata

REPOSITORY = Path(__file__).parents[2]
BIG_GABA = [f"P{site}_S0{person}" for site in (1, 5, 8) for person in (1, 2, 3, 4)]


def fenced(page: str, kind: str) -> str:
    """Return the first block of a kind of a page of the documentation."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", (REPOSITORY / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def verdict(folder: Path) -> str:
    with (folder / "qc.csv").open(encoding="utf-8") as handle:
        return {row["verdict"] for row in csv.DictReader(handle)}.pop()


def molality(folder: Path) -> dict[str, float]:
    with (folder / "summary.csv").open(encoding="utf-8") as handle:
        return {row["Metab"]: float(row["mMol/kg"]) for row in csv.DictReader(handle)}


def test_readme_on_the_raw_files_of_a_scan(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four coils, sixteen transients, and a reference of two: the lines of the README as they stand."""
    monkeypatch.chdir(tmp_path)
    for name in ("metab", "wref"):
        shutil.copyfile(shared_data / "invivo" / "steam_7t" / f"{name}_raw.nii.gz", f"{name}.nii.gz")
    (block,) = re.findall(
        r"^```bash\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    for line in block.splitlines():
        words = shlex.split(line)
        assert main(words[1:]) == 0, line
    assert "wref.nii.gz was averaged over 2 of DIM_DYN" in capsys.readouterr().out
    assert verdict(Path("fit")) == "good"
    assert Path("fit/report.html").stat().st_size > 1e5
    assert Path("aligned/metab_align.html").stat().st_size > 1e5


@pytest.mark.skipif(importlib.util.find_spec("spec2nii") is None, reason="spec2nii is not installed")
def test_script_from_a_vendors_file_to_concentrations(shared_data: Path, tmp_path: Path) -> None:
    """The script of the how-to guide, by the shell, on a real SDAT/SPAR pair and its water."""
    script = tmp_path / "vendor-to-concentrations.sh"
    script.write_text(fenced("docs/how-to/vendor-to-concentrations.md", "sh"))
    program = tmp_path / "fsl_mrs_dl"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m fsl_mrs_dl "$@"\n')
    program.chmod(0o755)
    folder = shared_data / "invivo" / "press_3t"
    (sdat,) = (folder / "vendor").glob("*.SDAT")
    water = folder / "sub-01_press_ref.nii.gz"
    done = subprocess.run(
        ["sh", script.name, sdat, water, "out"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The page shows what is printed; the amounts move with the fit, and have tests of their own.
    shown = fenced("docs/how-to/vendor-to-concentrations.md", "text").splitlines()
    assert done.stdout.splitlines()[:8] == shown[:8]
    found = molality(tmp_path / "out" / "3_metabolites")
    # Of the healthy brain, pure water assumed: published means and their spread.
    assert 10 < found["NAA+NAAG"] < 18
    assert 8 < found["Cr+PCr"] < 14
    assert verdict(tmp_path / "out" / "3_metabolites") == "good"


@pytest.mark.parametrize("person", BIG_GABA)
def test_twelve_people_of_three_sites(shared_data: Path, tmp_path: Path, person: str) -> None:
    """Water is removed and scales the rest; the water that was there is gone."""
    folder = shared_data / "invivo" / "big_gaba"
    act, ref = folder / f"{person}_act.nii.gz", folder / f"{person}_ref.nii.gz"
    assert main(["remove", "--file", str(act), "--output", str(tmp_path)]) == 0
    dry = tmp_path / act.name
    wet, left = (np.abs(np.fft.fftshift(np.fft.fft(read(path).fid[0, 0, 0]))) for path in (act, dry))
    water = np.abs(read(act).ppm_axis - 4.65) < 0.25
    assert left[water].max() < 0.05 * wet[water].max()
    line = ["quantify", "--data", str(dry), "--h2o", str(ref), "--basis", "press_3t_te35"]
    assert main([*line, "--output", str(tmp_path / "fit")]) == 0
    assert verdict(tmp_path / "fit") in ("good", "usable")
    found = molality(tmp_path / "fit")
    assert 8 < found["NAA+NAAG"] < 22
    assert 5 < found["Cr+PCr"] < 16


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("example_1", ("coilcombine", "align --average", "remove", "subtract --dim DIM_EDIT")),
        ("example_2", ("coilcombine", "remove", "average --dim DIM_INDIRECT_0")),
        ("example_3", ("remove", "average --dim DIM_USER_0")),
    ],
)
def test_the_standards_own_examples(
    shared_data: Path, tmp_path: Path, name: str, steps: tuple[str, ...]
) -> None:
    path = shared_data / "nifti_mrs_examples" / f"{name}.nii.gz"
    for n, step in enumerate(steps):
        assert main([*step.split(), "--file", str(path), "--output", str(tmp_path / str(n))]) == 0, step
        path = tmp_path / str(n) / f"{name}.nii.gz"
    result = read(path)
    assert result.dim_tags == ()
    assert np.isfinite(result.fid).all()
    assert result.fid.any()
