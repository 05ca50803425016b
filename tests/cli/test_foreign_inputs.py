"""Commands on what other programs, scanners and file systems hand over."""

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from quantify_scans import MOLAR, run, table

from fsl_mrs_dl.cli import TOOLS, main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.steps.registry import built_in_steps

FIXED = ("--baseline", "poly, 2", "--no_posterior")


def as_dcm2niix(path: Path) -> None:
    """Move a file's header extension to a sidecar, flat as BIDS-MRS has it."""
    image = nib.load(path)
    said = image.header.extensions[0].json()
    image.header.extensions.clear()
    image.header["intent_name"] = b""
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), None, image.header), path)
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(said))


def test_files_with_sidecars_are_quantified_and_results_have_sidecars(folder: Path) -> None:
    for name in ("svs", "svs_water"):
        as_dcm2niix(folder / f"{name}.nii.gz")
    more = ("--h2o", str(folder / "svs_water.nii.gz"), *FIXED)
    assert run(folder, "svs", *more) == 0
    found = table(folder / "out" / "summary.csv")
    for name in ("NAA", "GPC", "Ins"):
        assert found[name]["mMol/kg"] == pytest.approx(MOLAR[name], rel=0.02)
    beside = json.loads((folder / "out" / "fit.json").read_text())
    assert (beside["EchoTime"], beside["ResonantNucleus"]) == (0.03, ["1H"])
    assert beside["ProcessingApplied"][-1]["Method"] == "Quantification"
    names = {path.name for path in (folder / "out").iterdir()}
    assert {"fit.json", "baseline.json", "residual.json", "metabolites.json"} <= names
    assert set(json.loads((folder / "out" / "run.json").read_text())["files"]) == names
    assert run(folder, "svs", *more, "--overwrite") == 0
    assert {path.name for path in (folder / "out").iterdir()} == names


def test_steps_write_a_sidecar_where_the_input_has_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["remove", "--file", str(folder / "svs.nii.gz"), "--output", str(folder / "out")]
    assert main([*line, "--filename", "without"]) == 0
    assert not (folder / "out" / "without.json").exists()
    as_dcm2niix(folder / "svs.nii.gz")
    assert main([*line, "--filename", "with"]) == 0
    said = json.loads((folder / "out" / "with.json").read_text())
    assert said["NumberOfSpectralPoints"] == nifti.read(folder / "out" / "with.nii.gz").n_points
    assert main([*line, "--filename", "with"]) == 2
    assert "with.nii.gz exists" in capsys.readouterr().err


def test_the_sidecar_of_an_input_and_that_of_another_program_stay(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_dcm2niix(folder / "svs.nii.gz")
    nib.save(nib.load(folder / "svs.nii.gz"), folder / "plain.nii")
    (folder / "plain.json").write_bytes((folder / "svs.json").read_bytes())
    before = (folder / "plain.json").read_bytes()
    line = ["remove", "--overwrite", "--output", str(folder)]
    # Its own name: plain.nii.gz is another file, plain.json is not.
    assert main([*line, "--file", str(folder / "plain.nii")]) == 2
    assert "plain.json is the input itself" in capsys.readouterr().err
    assert main([*line, "--file", str(folder / "svs.nii.gz"), "--filename", "plain"]) == 2
    assert "plain.json was not written by fsl_mrs_dl" in capsys.readouterr().err
    assert (folder / "plain.json").read_bytes() == before
    assert not (folder / "plain.nii.gz").exists()


@pytest.mark.parametrize("name", [b"m\xfc.nii.gz", b"scan.NII.GZ"])
def test_files_of_any_name_go_through(folder: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    (folder / "svs.nii.gz").rename(path)
    fit = ["quantify", "--data", str(path), "--basis", str(folder / "basis"), "--output", str(folder / "fit")]
    assert main([*fit, *FIXED, "--report"]) == 0
    assert main(["remove", "--file", str(path), "--output", str(folder / "removed")]) == 0
    record = json.loads((folder / "fit" / "run.json").read_text())
    record["settings"]["data"].encode()
    (stem,) = [p.name for p in (folder / "removed").iterdir()]
    assert os.fsencode(stem) == name.replace(b".NII.GZ", b".nii.gz")


def test_results_go_into_folders_of_any_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = Path(os.fsdecode(os.fsencode(folder) + b"/r\xe9sultats"))
    assert run(folder, "svs", "--no_posterior", "--report", out=out.name) == 0
    assert (out / "report.html").is_file()
    assert "sultats" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flag", ["--data", "--output", "--basis", "--h2o", "--t1", "--config", "--t1_values"]
)
def test_a_path_that_no_file_system_takes_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    known = {
        "--data": str(folder / "svs.nii.gz"),
        "--basis": str(folder / "basis"),
        "--output": str(folder / "out"),
        "--h2o": str(folder / "svs_water.nii.gz"),
    }
    known[flag] = str(folder / ("x" * 300))
    assert main(["quantify", *FIXED, *(word for pair in known.items() for word in pair)]) == 2
    said = capsys.readouterr().err
    assert "too long" in said
    assert said.count("\n") == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize("command", [*built_in_steps(), *TOOLS])
def test_a_command_without_arguments_says_in_one_line_what_it_needs(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "demo":
        pytest.skip("demo needs nothing")
    monkeypatch.chdir(tmp_path)
    try:
        status = main([command])
    except SystemExit as left:
        status = left.code
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    assert "missing" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "/a", "..", "x" * 300, "a\0b"])
@pytest.mark.parametrize("command", ["remove", "align", "simulate", "synthesise"])
def test_a_filename_with_a_path_in_it_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    line = [command, "--output", str(folder / "out"), "--filename", name]
    if command in ("remove", "align"):
        line += ["--file", str(folder / "svs.nii.gz")]
    assert main(line) == 2
    said = capsys.readouterr().err
    assert "--filename is" in said
    assert len(said) < 300
    assert not (folder / "out").exists()


CONFIGS = {
    "deep_list": (b"keep = " + b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
    "deep_table": (b"a" + b".a" * 100_000 + b" = 1", "nested too deeply"),
    "long_number": (b"TE = 1" + b"0" * 10_000, "not a readable TOML file"),
    "latin_1": ("basis = 'm\xfc'".encode("latin-1"), "not a readable TOML file"),
    "beyond": (b"TE = 1e400", "give --TE in ms"),
    "not_a_number": (b"TR = nan", "where 0.005 to 100 s are needed"),
}


@pytest.mark.parametrize("case", list(CONFIGS))
def test_option_files_beyond_sense_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    text, said = CONFIGS[case]
    (folder / "options.toml").write_bytes(text)
    assert run(folder, "svs", "--config", str(folder / "options.toml")) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


NOT_IMAGES = {
    "text.mgz": b"not an image",
    "text.nii.gz": b"not an image",
    "text.mnc": b"CDF\x01",
    "empty.nii": b"",
}


@pytest.mark.parametrize("flag", ["mask", "tissue_frac", "t1"])
@pytest.mark.parametrize("name", [*NOT_IMAGES, "broken.nii"])
def test_images_that_are_none_are_refused_before_the_fit(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, flag: str
) -> None:
    path = folder / name
    path.write_bytes(NOT_IMAGES.get(name, b""))
    if name == "broken.nii":
        nib.save(nib.Nifti1Image(np.ones((8, 1, 1), dtype=np.float32), np.eye(4)), path)
        text = bytearray(path.read_bytes())
        text[70:74] = b"\xff\xff\xff\xff"  # a type of data that is none
        path.write_bytes(text)
    water = ["--h2o", str(folder / "mrsi_water.nii.gz")]
    more = [*water, "--tissue_frac", *[str(path)] * 3] if flag == "tissue_frac" else [f"--{flag}", str(path)]
    assert run(folder, "mrsi", *more) == 2
    printed = capsys.readouterr().err
    assert f"--{flag}" in printed
    assert "not a readable NIfTI" in printed
    assert printed.count("\n") == 1
    assert not (folder / "out").exists()
