"""``process --fsl_mrs`` with a stand-in for fsl_mrs_proc that copies its input: the step is as if left out."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti

STAND_IN = """\
#!{python}
import shutil, sys
words = dict(zip(sys.argv[2::2], sys.argv[3::2]))
open("{log}", "a").write(" ".join(sys.argv[1:]) + "\\n")
if "{fails}":
    sys.exit("no HLSVD here")
from pathlib import Path
Path(words["--output"]).mkdir()
shutil.copy(words["--file"], Path(words["--output"]) / (words["--filename"] + ".nii.gz"))
"""


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    words = ["--basis", "press_3t_te30", "--transients", "4", "--points", "1024", "--dwelltime", "0.0005"]
    assert main(["simulate", "--output", str(tmp_path), *words, "--snr", "80", "--filename", "scan"]) == 0
    return tmp_path / "scan.nii.gz"


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> Path:
    there = tmp_path / "bin"
    there.mkdir(exist_ok=True)
    program = there / "fsl_mrs_proc"
    program.write_text(STAND_IN.format(python=sys.executable, log=tmp_path / "calls", fails=fails))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(there))
    return tmp_path / "calls"


def process(scan: Path, out: str, *more: str) -> int:
    files = ["--data", str(scan), "--output", str(scan.parent / out), "--basis", "press_3t_te30"]
    return main(["process", *files, "--no_posterior", "--baseline", "off", *more])


def test_their_step_gets_the_data_and_its_result_is_used(scan, tmp_path, monkeypatch, capsys) -> None:
    assert process(scan, "without", "--noalign", "--noremove") == 0
    calls = install(tmp_path, monkeypatch)
    capsys.readouterr()
    assert process(scan, "theirs", "--fsl_mrs", "align", "remove") == 0
    one, other = (nifti.read(tmp_path / name / "fit.nii.gz").fid for name in ("without", "theirs"))
    np.testing.assert_array_equal(one, other)
    align, remove = calls.read_text().splitlines()
    assert align.startswith("align --file ")
    assert align.endswith("--dim DIM_DYN")
    assert remove.startswith("remove --file ")
    assert "--dim" not in remove
    assert "By FSL-MRS." in capsys.readouterr().out


def test_refusals(scan, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert process(scan, "absent", "--fsl_mrs", "align") == 2
    assert "needs fsl_mrs_proc" in capsys.readouterr().err
    install(tmp_path, monkeypatch, fails="yes")
    assert process(scan, "unknown", "--fsl_mrs", "subtract") == 2
    assert "no step that FSL-MRS can take" in capsys.readouterr().err
    assert process(scan, "failed", "--fsl_mrs", "remove") == 2
    assert "fsl_mrs_proc remove failed: no HLSVD here" in capsys.readouterr().err
    assert not (tmp_path / "failed").exists()
