"""What ``study`` writes beside its table: quality around ``align``, and folders for FSL-MRS's summary."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.study.jobs import Job, JobState
from fsl_mrs_dl.study.scans import StudyScan
from fsl_mrs_dl.study.study import _print_summary
from fsl_mrs_dl.study.table import Result

pytest.importorskip("file_tree", reason="file-tree is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Process two scans, one that drifts and one of a single transient, which needs no ``align``."""
    top = tmp_path_factory.mktemp("study")
    words = ["--basis", "press_3t_te30", "--points", "2048", "--dwelltime", "0.0005", "--snr", "300"]
    for n, more in enumerate((["--transients", "16", "--drift_hz", "12"], ["--transients", "1"])):
        name = ["--filename", f"P{n}_act", "--seed", str(n)]
        assert main(["simulate", "--output", str(top / "raw"), *words, *more, *name]) == 0
    assert study(top) == 0
    return top


def study(top: Path) -> int:
    words = ["--tree", "plain", "--basis", "press_3t_te30"]
    return main(["study", "--input", str(top / "raw"), "--output", str(top / "out"), *words])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def half_height_width_hz(fid: np.ndarray, dwelltime_s: float, mhz: float) -> float:
    """Measure the width of NAA by hand: of the squared absolute spectrum, which for a Lorentzian is the FWHM."""
    n = 16 * fid.size
    power = np.abs(np.fft.fftshift(np.fft.fft(fid, n))) ** 2
    hz = np.fft.fftshift(np.fft.fftfreq(n, dwelltime_s))
    near = np.flatnonzero(np.abs(4.65 + hz / mhz - 2.01) < 0.1)
    top = near[np.argmax(power[near])]
    low = high = top
    while power[low] > power[top] / 2:
        low -= 1
    while power[high] > power[top] / 2:
        high += 1
    return float(hz[high] - hz[low])


def test_snr_and_linewidth_before_and_after_alignment_are_those_of_the_transients(place: Path) -> None:
    table = {row["scan"]: row for row in rows(place / "out" / "study.csv")}
    drifted, single = table["P0_act"], table["P1_act"]
    raw = nifti.read(place / "raw" / "P0_act.nii.gz")
    fids = raw.fid.reshape(raw.n_points, 16)
    ppm = (raw.dwelltime_s, raw.spectrometer_frequency_mhz)
    before = half_height_width_hz(fids.mean(axis=1), *ppm)
    assert float(drifted["linewidth_before_hz"]) == pytest.approx(before, rel=0.25)
    shifts = [float(row["shift_hz"]) for row in rows(place / "raw" / "P0_act_truth.csv")]
    turns = [np.radians(float(row["phase_deg"])) for row in rows(place / "raw" / "P0_act_truth.csv")]
    time_s = raw.dwelltime_s * np.arange(raw.n_points)[:, None]
    still = fids * np.exp(-2j * np.pi * time_s * shifts - 1j * np.array(turns))
    narrow = half_height_width_hz(still.mean(axis=1), *ppm)
    assert float(drifted["linewidth_after_hz"]) == pytest.approx(narrow, rel=0.25)
    assert float(drifted["linewidth_after_hz"]) < 0.8 * float(drifted["linewidth_before_hz"])
    assert float(drifted["snr_after"]) > 1.2 * float(drifted["snr_before"])
    columns = ("snr_before", "snr_after", "linewidth_before_hz", "linewidth_after_hz")
    assert [single[name] for name in columns] == [""] * 4
    described = json.loads((place / "out" / "study.json").read_text())
    assert set(columns) <= set(described)


def test_the_terminal_shows_the_main_amounts_and_the_scans_that_are_not_good(capsys) -> None:
    values = {"a": ("good", 1.2), "b": ("usable", 1.4), "c": ("good", 1.6), "d": ("unusable", 9.0)}
    results = []
    for name, (verdict, value) in values.items():
        job = Job(StudyScan(name, {}, Path(f"{name}.nii.gz"), None), Path("out"), ())
        amounts = {("NAA+NAAG", "internal"): {"posterior_mean": value}}
        state = JobState("done", "", "", 1.0)
        results.append(Result(job, state, verdict, f"why {name}", 50.0, 5.0, amounts))
    _print_summary(results, 4, Path("out"))
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line.split() for line in lines if line.startswith("  NAA+NAAG"))
    assert line == ["NAA+NAAG", "3", "1.400", "0.200", "14.3"]  # by hand; not the unusable one
    assert [line for line in lines if "why" in line] == ["  b: usable: why b", "  d: unusable: why d"]


def test_the_page_shows_before_and_after_and_leads_to_the_reports(place: Path) -> None:
    page = (place / "out" / "study.html").read_text()
    assert "Before and after alignment" in page
    assert "Of the mean of the transients of 1 scan:" in page
    links = re.findall(r'<a href="([^"]*)">', page)
    assert set(links) == {"P0_act/report.html", "P1_act/report.html"}
    assert all((place / "out" / link).is_file() for link in links)


def test_folders_for_fsl_mrs_summarise_add_up_to_the_fit(place: Path) -> None:
    """Its model, with one group and no baseline, is the sum of amplitude times member, unchanged."""
    out = place / "out"
    for name in ("P0_act", "P1_act"):
        folder = out / "fsl_mrs" / name
        for table in ("concentrations.csv", "qc.csv"):
            assert (folder / table).read_bytes() == (out / name / table).read_bytes()
        parameters = rows(folder / "all_parameters.csv")
        basis = read_basis(folder / "basis")
        values = np.array([float(row["mean"]) for row in parameters])
        assert [row["parameter"] for row in parameters[:2]] == sorted(basis.names)
        order = [basis.names.index(row["parameter"]) for row in parameters[:2]]
        assert not values[2:].any()
        fit, left = (nifti.read(out / name / f"{kind}.nii.gz").fid for kind in ("fit", "residual"))
        scale = np.abs(fit).max()
        np.testing.assert_allclose(values[:2] @ basis.fids[order], fit.reshape(-1), atol=1e-6 * scale)
        data = nifti.read(folder / "data.nii.gz")
        np.testing.assert_allclose(data.fid, fit + left, atol=1e-6 * scale)
        options = json.loads((folder / "options.txt").read_text().splitlines()[0])
        assert options["ppmlim"] == json.loads((out / name / "run.json").read_text())["settings"]["ppmlim"]


def test_the_folder_of_a_scan_that_is_gone_is_removed(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "copy")
    top = tmp_path / "copy"
    other = top / "out" / "fsl_mrs" / "mine"
    other.mkdir()
    (other / "options.txt").write_text("of another program")
    (top / "raw" / "P1_act.nii.gz").unlink()
    assert study(top) == 0
    assert sorted(path.name for path in (top / "out" / "fsl_mrs").iterdir()) == ["P0_act", "mine"]
