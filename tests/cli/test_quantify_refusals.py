"""What ``quantify`` refuses in one line, and what it says of doubtful input."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from quantify_scans import SCALE, basis, run, signal

from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis

REFUSALS = {
    "mask_svs": (["--mask", "{f}/svs.nii.gz"], "--mask is for MRSI"),
    "no_basis": (["--basis", "{f}/nothing"], "shipped are press_3t_te30"),
    "empty_basis": (["--basis", ""], "--basis is empty"),
    "baseline": (["--baseline", "wavy"], "--baseline is 'wavy'"),
    "ppmlim": (["--ppmlim", "4", "1"], "low limit comes first"),
    "keep": (["--keep", "Lac"], "--keep names Lac"),
    "fractions": (["--h2o", "{f}/svs_water.nii.gz", "--tissue_frac", "0.5", "0.4", "0.4"], "add up to 1.3"),
    "grid": (["--h2o", "{f}/mrsi_water.nii.gz"], "has the grid (8, 1, 1), the data have (1, 1, 1)"),
    "wref": (["--h2o", "{f}/svs_water.nii.gz", "--wref_metabolite", "GPC"], "give --ref_protons"),
    "TE": (["--h2o", "{f}/svs_water.nii.gz", "--TE", "-3"], "give --TE in ms"),
    "t1": (["--t1", "{f}/none.nii.gz"], "--t1: there is no file"),
    "shift": (["--metab_shift_ppm", "-1"], "0 or more"),
    "centre": (["--basis_centre_ppm", "4650"], "--basis_centre_ppm is 4650; a chemical shift in ppm"),
    "centre_nan": (["--basis_centre_ppm", "nan"], "--basis_centre_ppm is nan; a chemical shift in ppm"),
    "points": (["--points", "9999"], "--points is 9999"),
    "no_points": (["--points", "0"], "--points is 0"),
    "h2o_scale": (["--h2o", "{f}/svs_water.nii.gz", "--h2o_scale", "0"], "a factor above 0 is needed"),
    "TE_in_s": (["--h2o", "{f}/svs_water.nii.gz", "--TE", "0.03"], "for 0.03 s give --TE 30"),
    "TR_in_ms": (["--h2o", "{f}/svs_water.nii.gz", "--TR", "2000"], "for 2000 ms give --TR 2"),
    "h2o_of_metabolites": (["--h2o", "{f}/svs.nii.gz"], "without water suppression"),
    "config": (["--config", "{f}/none.toml"], "not a readable TOML file"),
}


@pytest.mark.parametrize("case", list(REFUSALS))
def test_what_makes_no_sense_is_refused_in_one_line(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, said = REFUSALS[case]
    assert run(folder, "svs", *(word.format(f=folder) for word in more)) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert not (folder / "out").exists()


def test_mask_in_another_place_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([20.0, 20, 20, 1])
    affine[0, 3] = 11
    nib.save(nib.Nifti1Image(np.ones((8, 1, 1), dtype=np.uint8), affine), folder / "mask.nii.gz")
    assert run(folder, "mrsi", "--mask", str(folder / "mask.nii.gz")) == 2
    assert "in another place, up to 11.0 mm off" in capsys.readouterr().err


def test_what_is_doubtful_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    water = ("--h2o", str(folder / "svs_water.nii.gz"), "--tissue_frac", "0", "0", "1")
    assert run(folder, "svs", *water) == 0
    assert "molality is empty: the voxel holds no tissue water" in caplog.text
    assert "flagged" not in caplog.text
    (folder / "again.nii.gz").write_bytes((folder / "out" / "fit.nii.gz").read_bytes())
    assert run(folder, "again", out="again") == 0
    assert "the data are the curve of a fit" in caplog.text
    caplog.clear()
    data = nifti.read(folder / "svs.nii.gz")
    water = SCALE * 4000 * signal(4.65, 1, 60.0)
    nifti.write(data.with_fid(data.fid + water), folder / "wet.nii.gz")
    assert run(folder, "wet", "--baseline", "off", out="wet") == 0
    assert "fsl_mrs_dl remove" in caplog.text
    assert "the fit is flagged: " in caplog.text
    assert "residual water" in (folder / "wet" / "run.json").read_text()


def test_missing_echo_time_is_refused_and_a_flag_beats_the_header(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = nifti.read(folder / "svs.nii.gz")
    nifti.write(replace(data, header={"RepetitionTime": 2.0}), folder / "svs.nii.gz")
    water = ("--h2o", str(folder / "svs_water.nii.gz"))
    assert run(folder, "svs", *water) == 2
    said = capsys.readouterr().err
    assert "does not say its EchoTime" in said
    assert "give --TE in ms" in said
    assert run(folder, "svs", *water, "--TE", "30", "--TR", "3", out="given") == 0
    record = json.loads((folder / "given" / "run.json").read_text())
    assert record["settings"]["TE"] == 30.0
    assert record["settings"]["TR"] == 3.0
    assert record["water"]["repetition_time_s"] == 3.0


def with_basis(folder: Path, sequence: str, echo_time_s: float) -> None:
    """Have the basis set say what it is, and the data that they are PRESS; their EchoTime is 30 ms."""
    said = replace(basis(), sequence=sequence, echo_time_s=echo_time_s)
    write_json_basis(said, folder / "basis", overwrite=True)
    data = nifti.read(folder / "svs.nii.gz")
    nifti.write(replace(data, header={**data.header, "SequenceName": "svs_se"}), folder / "svs.nii.gz")


@pytest.mark.parametrize(
    ("sequence", "echo_time_s", "more", "said"),
    [
        ("press", 0.045, (), "of TE 45 ms, the data of TE 30 ms"),
        ("press", 0.030, ("--TE", "45"), "of TE 30 ms, the data of TE 45 ms"),
        ("mega-press diff", 0.030, (), "the basis set is an edited difference, the data are unedited"),
    ],
)
def test_a_basis_set_of_another_scan_is_refused_unless_asked_for(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    sequence: str,
    echo_time_s: float,
    more: tuple[str, ...],
    said: str,
) -> None:
    with_basis(folder, sequence, echo_time_s)
    assert run(folder, "svs", *more) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "basis is not of the scan svs.nii.gz" in printed
    assert "--allow_mismatch uses this basis set all the same" in printed
    assert printed.count("\n") == 1
    assert not (folder / "out").exists()
    assert run(folder, "svs", *more, "--no_posterior", "--allow_mismatch") == 0
    assert said in caplog.text
    record = json.loads((folder / "out" / "run.json").read_text())
    assert record["settings"]["allow_mismatch"] is True
    (doubt,) = record["doubts"]
    assert said in doubt
    assert doubt.endswith("used all the same (--allow_mismatch)")
    assert f"WARNING: {doubt}" in record["notes"]
    assert record["basis"]["sequence"] == sequence
    assert record["basis"]["echo_time_s"] == echo_time_s


def test_a_basis_set_that_is_nearly_of_the_scan_is_a_doubt(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_basis(folder, "slaser", 0.035)
    assert run(folder, "svs", "--no_posterior") == 0
    doubts = json.loads((folder / "out" / "run.json").read_text())["doubts"]
    assert [doubt.split(":")[0] for doubt in doubts] == [
        "the basis set is of TE 35 ms, the data of TE 30 ms",
        "the basis set is of sLASER, the data of PRESS",
    ]
    assert all(doubt in caplog.text for doubt in doubts)


def test_of_its_own_basis_set_nothing_is_said_and_of_one_that_says_nothing_a_note(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(folder, "svs", "--no_posterior", out="silent") == 0
    with_basis(folder, "press", 0.03)
    assert run(folder, "svs", "--no_posterior", out="own") == 0
    silent, own = (json.loads((folder / out / "run.json").read_text()) for out in ("silent", "own"))
    assert silent["doubts"] == own["doubts"] == []
    assert [any("not compared" in note for note in record["notes"]) for record in (silent, own)] == [
        True,
        False,
    ]
    assert "basis set" not in caplog.text


@pytest.mark.parametrize("te", ["-3", "nan", "30000"])
def test_an_echo_time_that_is_none_is_refused_without_water_too(
    folder: Path, capsys: pytest.CaptureFixture[str], te: str
) -> None:
    assert run(folder, "svs", "--TE", te) == 2
    assert "give --TE in ms" in capsys.readouterr().err


@pytest.mark.parametrize(("apart", "doubts"), [(0.037, 0), (-0.037, 0), (0.045, 1), (-0.045, 1)])
def test_a_field_beyond_one_nominal_field_is_a_doubt(
    folder: Path, caplog: pytest.LogCaptureFixture, apart: float, doubts: int
) -> None:
    whole = basis()  # the same shifts in ppm at another field: slower in Hz
    slower = {"dwelltime_s": whole.dwelltime_s * (1 + apart)}
    at = replace(whole, spectrometer_frequency_mhz=whole.spectrometer_frequency_mhz / (1 + apart), **slower)
    write_json_basis(at, folder / "basis", overwrite=True)
    assert run(folder, "svs", "--no_posterior") == 0
    record = json.loads((folder / "out" / "run.json").read_text())
    assert len(record["doubts"]) == doubts
    said = f"couplings and widths of the basis set are off by {100 * apart:+.1f} %"
    assert any(said in note for note in record["notes"])
    assert (said in caplog.text) == bool(doubts)
    assert run(folder, "svs", "--no_posterior", "--field_tolerance", "0.03", out="refused") == 2


def test_water_alone_as_data_is_told_as_such_and_nothing_else_is_said_of_it(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "svs_water", "--no_posterior") == 0
    assert "svs_water.nii.gz looks like water alone" in caplog.text
    assert "give it as --h2o" in caplog.text
    for other in ("conjugated", "fsl_mrs_dl remove"):
        assert other not in caplog.text
    assert capsys.readouterr().out.startswith("unusable: looks like water alone")
    notes = json.loads((folder / "out" / "run.json").read_text())["notes"]
    assert sum("water alone" in note for note in notes) == 1
    assert not any("conjugated (" in note for note in notes)


def test_noise_alone_as_data_is_told_as_such(
    folder: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    data = nifti.read(folder / "svs.nii.gz")
    noise = rng.normal(size=(2, *data.fid.shape))
    nifti.write(data.with_fid(noise[0] + 1j * noise[1]), folder / "noise.nii.gz")
    assert run(folder, "noise", "--no_posterior") == 0
    assert capsys.readouterr().out.startswith("unusable: noise only: the metabolites do not stand out of it")
    assert run(folder, "svs", "--h2o", str(folder / "noise.nii.gz"), out="scaled") == 2
    assert "--h2o needs a scan without water suppression" in capsys.readouterr().err
