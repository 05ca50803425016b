"""``train quantify``, ``models verify`` and ``quantify`` by networks: from nothing to a results folder."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti

pytestmark = pytest.mark.usefixtures("one_thread")

BASIS = "slaser_3t_te28"
FEW = ["--samples", "60", "--epochs", "1", "--basis", BASIS]
FIXED = ["--baseline", "poly, 2"]
NAME, START = "quantify-dq-nmm-slaser-1h-3t", "quantify-start-1h"


def train(folder, *more):
    return main(["train", "quantify", "--output", str(folder), *more])


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    assert train(folder, "--architecture", "dq-nmm", *FEW) == 0
    assert train(folder, "--architecture", "start", "--samples", "60", "--epochs", "1") == 0
    return folder


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    said = ["--kind", "svs", "--basis", BASIS, "--snr", "60", "--points", "1600"]
    assert main(["simulate", "--output", str(folder), *said]) == 0
    return folder / "simulated.nii.gz"


def quantify(scan, output, *more):
    return main(["quantify", "--data", str(scan), "--basis", BASIS, "--output", str(output), *more])


def with_water(scan, folder, times=20):
    """Write a scan with water of so many times its signal, and return the file."""
    clean = nifti.read(scan)
    t = np.arange(clean.n_points) * clean.dwelltime_s
    wet = folder / "wet.nii.gz"
    nifti.write(replace(clean, fid=clean.fid + times * np.abs(clean.fid).max() * np.exp(-20 * t)), wet)
    return wet


def raw(output):
    """Return the amplitudes of a results folder."""
    with (output / "concentrations.csv").open() as handle:
        rows = list(csv.reader(handle))
    return {row[0]: float(row[1]) for row in rows[2:]}


def test_the_card_makes_the_package_again(models, tmp_path):
    folder = models / NAME / "1.0.0"
    words = (
        json.loads((folder / "card.json").read_text())["recipe"]["command"]
        .replace("DIR", str(tmp_path))
        .split()
    )
    assert main(words[1:]) == 0
    again = tmp_path / NAME / "1.0.0" / "weights.safetensors"
    assert again.read_bytes() == (folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", [NAME, START])
def test_verify_measures_the_card_again(name, models, capsys):
    assert main(["models", "verify", str(models / name)]) == 0
    assert "scores are as on the card" in capsys.readouterr().out


def test_a_pure_network_is_recorded_and_claims_no_posterior(models, scan, tmp_path, monkeypatch):
    """The model is found by method, basis set and field; its amplitudes are not the fit's."""
    monkeypatch.setenv("FSL_MRS_DL_MODELS", str(models))
    assert quantify(scan, tmp_path / "network", "--method", "dq-nmm", *FIXED) == 0
    assert quantify(scan, tmp_path / "fit", *FIXED) == 0
    said = (tmp_path / "network" / "run.json").read_text()
    assert f"{NAME}@1.0.0" in said
    assert json.loads((models / NAME / "1.0.0" / "card.json").read_text())["package_sha256"] in said
    network, fit = raw(tmp_path / "network"), raw(tmp_path / "fit")
    assert network["NAA"] != pytest.approx(fit["NAA"], rel=1e-6)
    assert min(network.values()) >= 0
    with (tmp_path / "network" / "concentrations.csv").open() as handle:
        rows = list(csv.reader(handle))
    column = rows[0].index("posterior_mean")
    assert {row[column] for row in rows[2:]} == {""}


def test_amplitudes_over_the_prior_have_intervals_that_hold_the_fit_s(models, scan, tmp_path):
    """By default: a network that has learned nothing lies in the middle of its range, and the fit is near."""
    assert quantify(scan, tmp_path / "network", "--method", "dq-nmm", "--model", str(models / NAME)) == 0
    assert quantify(scan, tmp_path / "fit") == 0
    with (tmp_path / "network" / "concentrations.csv").open() as handle:
        rows = list(csv.reader(handle))
    low, high = (rows[0].index(f"ci95_{end}") for end in ("low", "high"))
    assert all(float(row[low]) <= float(row[high]) for row in rows[2:] if row[low])
    network, fit = raw(tmp_path / "network"), raw(tmp_path / "fit")
    assert network["NAA"] == pytest.approx(fit["NAA"], rel=0.25)
    assert "MM09" not in network


def test_water_does_not_change_what_is_estimated_over_the_prior(models, scan, tmp_path, caplog):
    """Projected out before the network reads, and outside of the window of the fit but for its tail."""
    by = ["--method", "dq-nmm", "--model", str(models / NAME)]
    assert quantify(scan, tmp_path / "dry", *by) == 0
    assert quantify(with_water(scan, tmp_path, 2), tmp_path / "wet", *by) == 0
    assert "the network reads the whole band" not in caplog.text
    with (tmp_path / "dry" / "concentrations.csv").open() as handle:
        rows = list(csv.reader(handle))
    (naa,) = (row for row in rows[2:] if row[0] == "NAA")
    low, high = (float(naa[rows[0].index(f"ci95_{end}")]) for end in ("low", "high"))
    assert low <= raw(tmp_path / "wet")["NAA"] <= high


@pytest.mark.parametrize("by", ["refined", "started"])
def test_the_fit_goes_on_from_a_network_to_where_it_would_have_ended(by, models, scan, tmp_path):
    more = {
        "refined": ["--method", "dq-nmm", "--model", str(models / NAME), "--refine", "40"],
        "started": ["--model", START],  # as shipped: one of few steps leads a fit astray
    }[by]
    assert quantify(scan, tmp_path / "network", *more, *FIXED) == 0
    assert quantify(scan, tmp_path / "fit", *FIXED) == 0
    network, fit = raw(tmp_path / "network"), raw(tmp_path / "fit")
    with (tmp_path / "fit" / "concentrations.csv").open() as handle:
        rows = list(csv.reader(handle))
    sd = {row[0]: float(row[rows[0].index("crlb")]) for row in rows[2:]}
    # The fit settles when no step is larger than a hundredth of an SD.
    assert np.max([abs(network[m] - fit[m]) / sd[m] for m in ("NAA", "Cr", "Glu", "Ins")]) < 0.1


def test_a_network_tells_of_water_that_it_would_read(models, scan, tmp_path, caplog):
    wet = with_water(scan, tmp_path)
    by = ["--method", "dq-nmm", "--model", str(models / NAME), *FIXED]
    assert quantify(scan, tmp_path / "dry", *by) == 0
    assert "residual water" not in caplog.text
    assert quantify(wet, tmp_path / "wet", *by) == 0
    said = "the network was trained without water: remove it first (fsl_mrs_dl remove)"
    assert said in caplog.text
    assert any(said in note for note in json.loads((tmp_path / "wet" / "run.json").read_text())["notes"])


def test_a_package_of_amplitudes_names_its_method(models, scan, tmp_path):
    assert quantify(scan, tmp_path / "o", "--model", str(models / NAME)) == 0
    run = json.loads((tmp_path / "o" / "run.json").read_text())
    assert any(note.startswith("shift, width and phase by quantify-dq-nmm") for note in run["notes"])


def test_adaptation_tells_what_it_brought(models, scan, tmp_path):
    words = ["--method", "dq-nmm", "--model", str(models / NAME), "--adapt", "3"]
    assert quantify(scan, tmp_path / "o", *words) == 0
    assert "adapted to the data: loss" in (tmp_path / "o" / "run.json").read_text()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--refine", "3"], "--model"),
        (["--adapt", "3"], "dq-nmm"),
        (["--method", "dq-nmm", "--model", "nowhere"], "no model package"),
        (["--method", "dq-pmm", "--model", "DQ"], "needs a dq-pmm"),
        (["--model", "align-dsr-1h-3t"], "needs a start"),
        (["--method", "dq-nmm", "--model", "DQ", "--ignore", "Ala"], "Ala"),
        (["--method", "dq-nmm", "--model", "DQ", "--refine", "-1"], "--refine"),
    ],
)
def test_quantify_refuses_what_does_not_fit(more, word, models, scan, tmp_path, capsys):
    more = [str(models / NAME) if item == "DQ" else item for item in more]
    assert quantify(scan, tmp_path / "o", *more) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("made", "basis", "word"),
    [
        (["--basis", "steam_7t_te11", "--points", "1600"], "steam_7t_te11", "spectrometer_frequency_mhz"),
        (["--basis", BASIS, "--points", "400"], BASIS, "duration_s"),
    ],
)
def test_a_network_refuses_what_its_card_leaves_out(made, basis, word, tmp_path, capsys):
    assert main(["simulate", "--kind", "svs", "--snr", "60", "--output", str(tmp_path), *made]) == 0
    words = ["--data", str(tmp_path / "simulated.nii.gz"), "--basis", basis, "--output", str(tmp_path / "o")]
    package = "quantify-dq-nmm-slaser-1h-3t"
    assert main(["quantify", *words, "--method", "dq-nmm", "--model", package]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert "--allow_mismatch" in said
    assert not (tmp_path / "o").exists()


def test_own_spectra_are_trained_on(models, tmp_path):
    """Transients of two scans; the test set is simulated, for of measured spectra nobody knows the truth."""
    for seed in ("1", "2"):
        said = [
            "--transients",
            "8",
            "--basis",
            BASIS,
            "--points",
            "1024",
            "--filename",
            f"s{seed}",
            "--seed",
            seed,
        ]
        assert main(["simulate", "--output", str(tmp_path), *said, "--seed", seed]) == 0
    files = [str(tmp_path / f"s{seed}.nii.gz") for seed in ("1", "2")]
    words = ["--architecture", "dq-nmm", *FEW, "--data", *files, "--init", str(models / NAME)]
    assert train(tmp_path / "m", *words) == 0
    said = json.loads((tmp_path / "m" / NAME / "1.0.0" / "card.json").read_text())
    assert said["recipe"]["data"].startswith("1 measured spectra")


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--architecture", "dsr"], "dsr"),
        (["--architecture", "dq-nmm", "--depth", "5"], "--depth"),
        (["--architecture", "dq-nmm", "--prior", "brain_3t"], "--prior"),
        (["--architecture", "dq-nmm", "--basis", "nowhere"], "--basis"),
        (["--architecture", "dq-pmm", "--seed_sign"], "--seed_sign"),
        (["--architecture", "start", "--data", "x.nii.gz"], "--data"),
    ],
)
def test_train_refuses_what_makes_no_sense(more, word, tmp_path, capsys):
    assert train(tmp_path / "o", "--samples", "60", "--epochs", "1", *more) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
