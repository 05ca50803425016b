"""The command simulate, from the command line to the files."""

import csv
import json
import shlex
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import write_json_basis
from fsl_mrs_dl.io.results import read_estimates
from fsl_mrs_dl.physics import correct
from fsl_mrs_dl.simulate import brain_singlets


def simulate(folder, *arguments):
    return main(["simulate", "--output", str(folder), "--points", "512", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "shape", "tags"),
    [
        (("--kind", "svs"), (512,), ()),
        (("--transients", 5), (512, 5), ("DIM_DYN",)),
        (("--transients", 5, "--coils", 3), (512, 3, 5), ("DIM_COIL", "DIM_DYN")),
        (("--kind", "edited", "--transients", 4), (512, 4, 2), ("DIM_DYN", "DIM_EDIT")),
    ],
)
def test_files_hold_what_was_asked_for(tmp_path, arguments, shape, tags):
    assert simulate(tmp_path, *arguments) == 0
    data = nifti.read(tmp_path / "simulated.nii.gz")
    assert data.fid.shape == (1, 1, 1, *shape)
    assert data.dim_tags == tags
    assert data.spectrometer_frequency_mhz == pytest.approx(127.728)
    assert data.header["SyntheticData"]["seed"] == 0
    assert data.header["SyntheticData"]["parents"] == []
    assert data.processing == ()
    assert {path.name for path in tmp_path.iterdir()} == {
        "simulated.nii.gz",
        "simulated_truth.csv",
        "simulated_truth.json",
    }


def test_truth_corrects_the_data_to_the_noise(tmp_path):
    assert simulate(tmp_path, "--transients", 16, "--shift_hz", 5, "--snr", 1000) == 0
    data = nifti.read(tmp_path / "simulated.nii.gz")
    truth = read_estimates(tmp_path / "simulated_truth.csv", data.dim_tags, (1, 1, 1, 16))
    told = json.loads((tmp_path / "simulated_truth.json").read_text())
    assert np.ptp(truth.shift_hz) > 2
    fids = np.moveaxis(data.fid[0, 0, 0], 0, -1).astype(complex)
    corrected = correct(fids, truth.shift_hz[0, 0, 0], truth.phase_rad[0, 0, 0], data.dwelltime_s)
    residual = corrected - corrected.mean(axis=0)
    n = residual.size * 2 * 15 // 16
    measured = np.sqrt(np.sum(np.abs(residual) ** 2) / n)
    assert measured == pytest.approx(told["noise_sigma_per_channel"], rel=5 / np.sqrt(2 * n))


def test_truth_tells_labels_amplitudes_and_settings(tmp_path):
    assert simulate(tmp_path, "--transients", 6, "--water", 1, "--lipid", 0, "--seed", 3, "--eddy_hz", 4) == 0
    told = json.loads((tmp_path / "simulated_truth.json").read_text())
    assert told["nuisance"] == ["UW"] * 6
    assert told["settings"]["seed"] == 3
    assert told["snr"] == {"snr_t0": 20.0}
    assert 7.5 <= told["amplitudes"]["NAA"] <= 17
    assert told["amplitudes"]["MM"] > 0
    assert told["eddy_current"]["amplitude_hz"] == 4


def test_same_seed_same_file(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert simulate(tmp_path / folder, "--kind", "svs", "--seed", seed) == 0
    first, again, other = (nifti.read(tmp_path / f / "simulated.nii.gz").fid for f in "abc")
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_water_reference_has_the_coils_of_the_scan(tmp_path):
    assert (
        simulate(tmp_path, "--coils", 3, "--transients", 2, "--water_reference", "--filename", "scan.nii.gz")
        == 0
    )
    water = nifti.read(tmp_path / "scan_wref.nii.gz")
    assert water.dim_tags == ("DIM_COIL",)
    told = json.loads((tmp_path / "scan_truth.json").read_text())["coils"]
    sensitivities = np.array(told["sensitivities_re"]) + 1j * np.array(told["sensitivities_im"])
    ratio = water.fid[0, 0, 0, 0] / sensitivities
    # The first point of the water is 250 times the metabolites', 5000 times the noise.
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.01)


def test_a_basis_set_gives_field_points_and_metabolites(tmp_path):
    write_json_basis(brain_singlets(297.2, 1 / 6000, 700), tmp_path / "basis")
    arguments = [
        "simulate",
        "--output",
        str(tmp_path / "out"),
        "--basis",
        str(tmp_path / "basis"),
        "--kind",
        "svs",
    ]
    assert main(arguments) == 0
    data = nifti.read(tmp_path / "out" / "simulated.nii.gz")
    assert (data.n_points, data.spectrometer_frequency_mhz) == (700, 297.2)
    assert data.dwelltime_s == pytest.approx(1 / 6000)


def test_nothing_is_replaced_unasked(tmp_path, capsys):
    assert simulate(tmp_path, "--kind", "svs") == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert simulate(tmp_path, "--kind", "svs", "--seed", 1) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert simulate(tmp_path, "--kind", "svs", "--seed", 1, "--overwrite") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--snr", "0"),
        ("--snr", "nan"),
        ("--snr", "1e-300"),
        ("--snr", "1e300", "--snr_definition", "snr_db"),
        ("--field", "-3"),
        ("--dwelltime", "0"),
        ("--transients", "0"),
        ("--coils", "0"),
        ("--points", "8"),
        ("--points", "100000000"),
        ("--water", "1.5"),
        ("--lipid", "-1"),
        ("--shift_hz", "-1"),
        ("--phase_deg", "inf"),
        ("--drift_hz", "nan"),
        ("--seed", "-1"),
        ("--filename", "a/b"),
        ("--filename", ""),
        ("--basis", "nowhere"),
        ("--kind", "edited", "--basis", "nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, capsys, arguments):
    out = tmp_path / "out"
    assert main(["simulate", "--output", str(out), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("fsl_mrs_dl simulate: ")
    assert said.count("\n") == 1
    assert not out.exists()


def test_mrsi_has_its_structural_image_and_maps_of_truth(tmp_path):
    assert (
        main(["simulate", "--kind", "mrsi", "--output", str(tmp_path), "--points", "256", "--seed", "4"]) == 0
    )
    data = nifti.read(tmp_path / "simulated.nii.gz")
    assert data.fid.shape == (16, 16, 1, 256)
    mask = nib.load(tmp_path / "simulated_mask.nii.gz")
    np.testing.assert_array_equal(mask.affine, data.affine)
    np.testing.assert_array_equal(np.asarray(mask.dataobj) != 0, np.abs(data.fid).max(axis=-1) > 0)
    naa = np.asarray(nib.load(tmp_path / "simulated_truth" / "NAA.nii.gz").dataobj)
    assert naa.max() > 8
    assert not naa[np.asarray(mask.dataobj) == 0].any()
    assert nib.load(tmp_path / "simulated_t1.nii.gz").shape[0] > 64
    told = json.loads((tmp_path / "simulated_truth.json").read_text())
    assert told["metabolites"][-1] == "MM"
    assert told["settings"]["seed"] == 4


def test_shipped_basis_is_found_by_name_and_brings_its_own_macromolecules(tmp_path):
    arguments = ["simulate", "--kind", "svs", "--output", str(tmp_path), "--basis", "press_3t_te30"]
    assert main(arguments) == 0
    told = json.loads((tmp_path / "simulated_truth.json").read_text())["amplitudes"]
    assert "MM" not in told
    assert told["MM09"] > 0


def test_mrsi_has_no_water_reference(tmp_path, capsys):
    assert main(["simulate", "--kind", "mrsi", "--output", str(tmp_path), "--water_reference"]) == 2
    assert "--water_reference" in capsys.readouterr().err


def test_the_difference_of_an_edited_pair_is_fitted_to_its_truth(tmp_path):
    """Ratios of the edited metabolites within 4 bounds: the pair and the set of differences belong together."""
    made = ["--kind", "edited", "--basis", "mega-press_3t_te68", "--transients", "8", "--drift_hz", "0"]
    made += ["--phase_deg", "0", "--snr", "60", "--output", str(tmp_path)]
    assert main(["simulate", *made]) == 0
    assert (
        main(["average", "--file", str(tmp_path / "simulated.nii.gz"), "--output", str(tmp_path / "a")]) == 0
    )
    averaged = str(tmp_path / "a" / "simulated.nii.gz")
    assert main(["subtract", "--file", averaged, "--dim", "DIM_EDIT", "--output", str(tmp_path / "d")]) == 0
    words = ["--data", str(tmp_path / "d" / "simulated.nii.gz"), "--basis", "mega-press_3t_te68_diff"]
    words += ["--internal_ref", "NAA", "--no_posterior", "--output", str(tmp_path / "q")]
    assert main(["quantify", *words]) == 0
    assert json.loads((tmp_path / "q" / "run.json").read_text())["flags"] == {}
    truth = json.loads((tmp_path / "simulated_truth.json").read_text())["amplitudes"]
    with (tmp_path / "q" / "summary.csv").open() as handle:
        found = {row["Metab"]: row for row in csv.DictReader(handle)}
    for name in ("GABA", "Glu", "Gln", "GSH"):
        ratio, bound = float(found[name]["/NAA"]), float(found[name]["/NAA CRLB"])
        assert abs(ratio - truth[name] / truth["NAA"]) < 4 * bound
    assert float(found["GABA"]["%CRLB"]) < 15  # the bound, and what the choice of baseline costs


def test_the_files_are_told_and_the_command_that_comes_next_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["--basis", "press_3t_te30", "--transients", "2", "--points", "1024", "--water_reference"]
    assert main(["simulate", "--output", "scan", *words]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["Result"] == "scan/simulated.nii.gz"
    assert lines["Water reference"] == "scan/simulated_wref.nii.gz"
    assert all(Path(word).is_file() for word in lines["Truth"].split() if word.startswith("scan/"))
    program, *rest = shlex.split(lines["Next"])
    assert program == "fsl_mrs_dl"
    assert main(rest) == 0
    assert Path("results/report.html").is_file()
