"""FSL-MRS's own ``fsl_mrs_summarise`` on the folders that ``study`` writes for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti

pytest.importorskip("file_tree", reason="file-tree is not installed")
pytestmark = pytest.mark.fslmrs
PATIENCE_S = 120
"""Time in which the program must answer, in s: it starts twice, and its imports take some."""


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """Process two simulated scans with their water references."""
    top = tmp_path_factory.mktemp("study")
    words = ["--basis", "press_3t_te30", "--points", "1024", "--dwelltime", "0.0005", "--transients", "2"]
    for n in range(2):
        more = ["--water_reference", "--filename", f"P{n}_act", "--seed", str(n)]
        assert main(["simulate", "--output", str(top / "raw"), *words, *more]) == 0
        (top / "raw" / f"P{n}_act_wref.nii.gz").rename(top / "raw" / f"P{n}_ref.nii.gz")
    words = ["--tree", "plain", "--basis", "press_3t_te30"]
    assert main(["study", "--input", str(top / "raw"), "--output", str(top / "out"), *words]) == 0
    return top / "out"


def answer(folder: Path, what: str) -> str:
    """Start the program on a folder, and return what its server answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    program = Path(sys.executable).with_name("fsl_mrs_summarise")
    running = subprocess.Popen(
        [str(program), "dir", str(folder), "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and running.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}", timeout=10) as page:
                    return str(page.read().decode())
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.5)
        raise AssertionError("fsl_mrs_summarise does not answer")
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.communicate()


def test_the_program_shows_the_study(out: Path) -> None:
    layout = json.dumps(json.loads(answer(out / "fsl_mrs", "_dash-layout")))
    for words in ("NAA+NAAG", "Conc|molality", "posterior_mean|molality", "Mean fit", "Mean residual"):
        assert words in layout


def test_its_model_is_our_fit(out: Path) -> None:
    from fsl_mrs.utils import mrs_io, results
    from fsl_mrs.utils.baseline import Baseline

    pandas = pytest.importorskip("pandas")
    folder = out / "fsl_mrs" / "P1_act"
    options = json.loads((folder / "options.txt").read_text().splitlines()[0])
    mrs = mrs_io.read_FID(folder / "data.nii.gz").mrs(basis=mrs_io.read_basis(folder / "basis"))
    window = options["ppmlim"]
    values = pandas.read_csv(folder / "all_parameters.csv")["mean"].to_numpy()
    baseline = Baseline(mrs, window, options["baseline"], options["baseline_order"])
    theirs = results.FitRes(
        mrs, values, "voigt", "Newton", [0] * len(mrs.names), baseline, window, runqc=False
    )
    ours = nifti.read(out / "P1_act" / "fit.nii.gz").fid.reshape(-1)
    # Single precision of the files, and one FFT there and back.
    np.testing.assert_allclose(theirs.pred, ours, atol=1e-6 * np.abs(ours).max())
