"""``study``: a folder of scans to one table and one report, whatever happens to a scan or to the run."""

import csv
import errno
import importlib
import json
import shutil
from pathlib import Path

import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.errors import DataError, MissingDependencyError
from fsl_mrs_dl.study import jobs
from tests.benchmarks.command import main as benchmark

pytest.importorskip("file_tree", reason="file-tree is not installed")


def write_scan(path: Path, seed: int) -> None:
    """Write a simulated scan of four transients, without coils."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = ["--basis", "press_3t_te30", "--transients", "4", "--points", "1024", "--dwelltime", "0.0005"]
    more = ["--snr", "80", "--seed", str(seed), "--filename", path.name.removesuffix(".nii.gz")]
    assert main(["simulate", "--output", str(path.parent), *words, *more]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write a BIDS tree of two people, one with two sessions, and a truncated file of a third."""
    top = tmp_path_factory.mktemp("study") / "bids"
    write_scan(top / "sub-01" / "ses-a" / "mrs" / "sub-01_ses-a_svs.nii.gz", 1)
    write_scan(top / "sub-01" / "ses-b" / "mrs" / "sub-01_ses-b_svs.nii.gz", 2)
    write_scan(top / "sub-02" / "ses-a" / "mrs" / "sub-02_ses-a_svs.nii.gz", 3)
    whole = (top / "sub-02" / "ses-a" / "mrs" / "sub-02_ses-a_svs.nii.gz").read_bytes()
    broken = top / "sub-03" / "ses-a" / "mrs" / "sub-03_ses-a_svs.nii.gz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(whole[: len(whole) // 3])
    return top


def study(folder: Path, out: str, *more: str) -> int:
    words = ["--input", str(folder), "--output", str(folder.parent / out), "--basis", "press_3t_te30"]
    return main(["study", *words, *more])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_a_bids_tree_becomes_a_table_and_a_report(folder: Path, capsys) -> None:
    assert study(folder, "out") == 0
    said = capsys.readouterr().out
    assert "4 scans (4 processed now)" in said
    assert "sub-03/ses-a/mrs/sub-03_ses-a_svs: " in said
    out = folder.parent / "out"
    table = rows(out / "study.csv")
    assert {(row["subject"], row["session"]) for row in table} == {
        ("01", "a"),
        ("01", "b"),
        ("02", "a"),
        ("03", "a"),
    }
    failed = [row for row in table if row["verdict"] == "failed"]
    assert len(failed) == 1
    assert "damaged" in failed[0]["reason"]
    described = json.loads((out / "study.json").read_text())
    assert set(table[0]) == set(described)
    assert json.loads((out / "dataset_description.json").read_text())["DatasetType"] == "derivative"
    page = (out / "study.html").read_text()
    for words in ("sub-01/ses-b/mrs/sub-01_ses-b_svs", "Variation", "Outliers", "mean of good scans"):
        assert words in page


@pytest.fixture(scope="module")
def done(folder: Path) -> Path:
    """Process the study once, and return its output."""
    assert study(folder, "done") == 0
    return folder.parent / "done"


def test_the_table_holds_what_process_finds_and_the_truth(folder: Path, done: Path) -> None:
    out = done
    name = "sub-01/ses-a/mrs/sub-01_ses-a_svs"
    data = folder / f"{name}.nii.gz"
    alone = ["--data", str(data), "--basis", "press_3t_te30", "--output", str(folder.parent / "alone")]
    assert main(["process", *alone]) == 0
    text = (folder.parent / "alone" / "concentrations.csv").read_text()
    header, scalings, *lines = csv.reader(text.splitlines())
    column = next(
        n
        for n, pair in enumerate(zip(header, scalings, strict=True))
        if pair == ("posterior_mean", "internal")
    )
    ours = {
        row["metabolite"]: row
        for row in rows(out / "study.csv")
        if row["scan"] == name and row["scaling"] == "internal"
    }
    for line in lines:
        assert float(ours[line[0]]["posterior_mean"]) == pytest.approx(float(line[column]), rel=1e-5)
    truth = json.loads((data.parent / "sub-01_ses-a_svs_truth.json").read_text())["amplitudes"]
    ratio = (truth["NAA"] + truth["NAAG"]) / (truth["Cr"] + truth["PCr"])
    row = ours["NAA+NAAG"]
    assert float(row["posterior_mean"]) == pytest.approx(ratio, abs=4 * float(row["posterior_sd"]))


def test_what_is_done_is_not_done_again_and_what_is_lost_is(folder: Path, done: Path, capsys) -> None:
    out = done
    capsys.readouterr()
    before = (out / "study.csv").read_bytes()
    shutil.rmtree(out / "sub-01" / "ses-b" / "mrs" / "sub-01_ses-b_svs")
    kept = (out / "sub-02" / "ses-a" / "mrs" / "sub-02_ses-a_svs" / "run.json").stat().st_mtime_ns
    assert study(folder, "done") == 0
    assert "4 scans (1 processed now)" in capsys.readouterr().out
    assert (out / "study.csv").read_bytes() == before
    assert (out / "sub-02" / "ses-a" / "mrs" / "sub-02_ses-a_svs" / "run.json").stat().st_mtime_ns == kept


def test_the_reporting_table_says_what_scans_have_in_common(done: Path) -> None:
    table = rows(done / "MRSinMRS.csv")
    assert len({row["scan"] for row in table}) == 3  # not the one that failed
    echo = {row["value"] for row in table if row["item"] == "Echo time"}
    assert echo == {"30 ms"}
    text = (done / "MRSinMRS.md").read_text()
    assert "| 2. Acquisition | Echo time | 30 ms |" in text
    assert "| 1. Hardware | Manufacturer | not in the header |" in text


def test_two_processes_make_the_table_of_one(folder: Path, done: Path) -> None:
    assert study(folder, "two", "--parallel", "local", "--parallel-workers", "2") == 0
    two = folder.parent / "two" / "study.csv"
    assert two.read_bytes() == (done / "study.csv").read_bytes()


@pytest.fixture
def one(folder: Path, tmp_path: Path) -> Path:
    """A study of one scan."""
    scan = Path("sub-02") / "ses-a" / "mrs" / "sub-02_ses-a_svs.nii.gz"
    (tmp_path / "bids" / scan).parent.mkdir(parents=True)
    shutil.copy(folder / scan, tmp_path / "bids" / scan)
    return tmp_path / "bids"


def test_a_scan_that_met_a_full_disk_is_processed_again(one: Path, monkeypatch, capsys) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "run_fit", full)
        assert study(one, "out") == 0
    assert "1 failed" in capsys.readouterr().out
    assert study(one, "out") == 0
    assert "1 scan (1 processed now)" in capsys.readouterr().out
    assert rows(one.parent / "out" / "study.csv")[0]["verdict"] != "failed"


@pytest.mark.parametrize(
    ("error", "more", "again"),
    [(DataError, (), 0), (DataError, ("--overwrite",), 1), (MissingDependencyError, (), 1)],
)
def test_a_scan_that_failed_is_processed_again_where_that_can_help(
    error: type[Exception], more: tuple[str, ...], again: int, one: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(jobs, "run_fit", lambda *_: (_ for _ in ()).throw(error("no such thing")))
    assert study(one, "out") == 0
    assert study(one, "out", *more) == 0
    text = capsys.readouterr().out
    assert f"1 scan ({again} processed now): 1 failed." in text.splitlines()[-4:][0]
    assert "sub-02/ses-a/mrs/sub-02_ses-a_svs: failed: no such thing" in text


def test_two_studies_that_would_write_one_table_exclude_each_other(one: Path, monkeypatch, capsys) -> None:
    second: list[int] = []

    def meanwhile(*_: object) -> None:
        second.append(study(one, "out"))
        raise DataError("enough")

    monkeypatch.setattr(jobs, "run_fit", meanwhile)
    assert study(one, "out") == 0
    assert second == [2]
    assert "Another run" in capsys.readouterr().err
    assert not list((one.parent / "out").glob(".fsl_mrs_dl*"))


def test_a_table_that_cannot_be_written_leaves_the_earlier_ones(one: Path, monkeypatch, capsys) -> None:
    """Table, its words and page are of one run: all three are put in place, or none."""
    monkeypatch.setattr(jobs, "run_fit", lambda *_: (_ for _ in ()).throw(DataError("enough")))
    assert study(one, "out") == 0
    files = [one.parent / "out" / name for name in ("study.csv", "study.json", "study.html")]
    for path in files:
        path.write_text("earlier")

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(importlib.import_module("fsl_mrs_dl.study.study"), "study_page", full)
    assert study(one, "out") == 2
    assert "No space left" in capsys.readouterr().err
    assert [path.read_text() for path in files] == ["earlier"] * 3


@pytest.mark.parametrize(
    ("tree", "name", "water"),
    [("bids", "sub-07/mrs/sub-07_svs", "sub-07/mrs/sub-07_mrsref"), ("plain", "7_act", "7_ref")],
)
def test_tissue_fractions_beside_a_scan_are_used(tree: str, name: str, water: str, tmp_path: Path) -> None:
    top = tmp_path / "in"
    scan = top / f"{name}.nii.gz"
    scan.parent.mkdir(parents=True)
    words = ["--basis", "press_3t_te30", "--points", "1024", "--dwelltime", "0.0005", "--snr", "80"]
    more = ["--water_reference", "--transients", "2", "--filename", scan.name]
    assert main(["simulate", "--output", str(scan.parent), *words, *more]) == 0
    (scan.parent / f"{scan.name.removesuffix('.nii.gz')}_wref.nii.gz").rename(top / f"{water}.nii.gz")
    fractions = {"WM": 0.5, "GM": 0.3, "CSF": 0.2}
    path = top / f"{name}_fractions.json"
    path.write_text(json.dumps(fractions))
    assert study(top, "out", "--tree", tree) == 0
    record = json.loads((tmp_path / "out" / name / "run.json").read_text())
    assert record["water"]["tissue_fractions"] == pytest.approx(fractions)
    path.write_text(json.dumps({**fractions, "GM": 0.5, "CSF": 0.0}))
    assert study(top, "out", "--tree", tree) == 0  # other fractions, another result
    record = json.loads((tmp_path / "out" / name / "run.json").read_text())
    assert record["water"]["tissue_fractions"]["GM"] == pytest.approx(0.5)


def test_refusals(folder: Path, tmp_path: Path, capsys) -> None:
    assert study(folder, "bids") == 2
    assert "the folder of the study" in capsys.readouterr().err
    (tmp_path / "bids").mkdir()
    assert study(tmp_path / "bids", "x") == 2
    assert "holds no scan" in capsys.readouterr().err
    assert study(folder, "y", "--tree", "nothing.tree") == 2
    assert "neither bids nor plain" in capsys.readouterr().err
    (folder.parent / "others").mkdir()
    (folder.parent / "others" / "mine.txt").write_text("mine")
    assert study(folder, "others") == 2
    assert "holds other files" in capsys.readouterr().err


def test_the_benchmark_of_scale_finds_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    assert benchmark(["scale", "--profile", "smoke", "--output", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "scale.md").read_text()
    assert page.count("| yes |") == 2
    whole, every = page.split(" maps |")[0].split("|")[-1].split(" of ")
    assert int(whole) == int(every) > 100
