"""``train``, ``models`` and ``align --method dsr``: from nothing to a corrected file."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.models.card_file import card_text, seal
from fsl_mrs_dl.models.package import verified

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = ["--samples", "120", "--epochs", "2", "--batch", "32"]
NAME = "align-dsr-1h-9.4t"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    assert main(["train", "align", "--architecture", "dsr", *FEW, "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    said = ["--field", "9.4", "--points", "1024", "--dwelltime", "0.0002272", "--transients", "16"]
    assert main(["simulate", "--output", str(folder), *said, "--drift_hz", "0", "--shift_hz", "5"]) == 0
    return folder / "simulated.nii.gz"


def test_a_package_is_card_and_weights_and_its_command_makes_it_again(models, tmp_path):
    folder = models / NAME / "1.0.0"
    assert sorted(p.name for p in folder.iterdir()) == ["card.json", "weights.safetensors"]
    said = json.loads((folder / "card.json").read_text())
    words = said["recipe"]["command"].replace("DIR", str(tmp_path)).split()
    assert main(words[1:]) == 0
    again = tmp_path / NAME / "1.0.0" / "weights.safetensors"
    assert again.read_bytes() == (folder / "weights.safetensors").read_bytes()


def test_list_show_and_verify(models, monkeypatch, capsys):
    monkeypatch.setenv("FSL_MRS_DL_MODELS", str(models))
    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[:2] == [
        f"In {models}:",
        "package".ljust(len(f"{NAME}@1.0.0  ")) + "task   nucleus  MHz         checksum",
    ]
    assert listed[2].startswith(f"{NAME}@1.0.0  align  1H ")
    assert main(["models", "list", NAME]) == 2
    assert main(["models", "show"]) == 2
    capsys.readouterr()
    assert main(["models", "show", NAME]) == 0
    assert "shift SD" in capsys.readouterr().out
    assert main(["models", "verify", NAME]) == 0
    assert "5 scores are as on the card" in capsys.readouterr().out


def test_verify_finds_a_card_that_praises_too_much(models, tmp_path, capsys):
    folder = tmp_path / "m"
    folder.mkdir()
    for file in (models / NAME / "1.0.0").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card, weights = verified(folder)
    halved = replace(card.evaluation[0], value=card.evaluation[0].value / 2)
    card = replace(card, evaluation=(halved, *card.evaluation[1:]))
    (folder / "card.json").write_text(card_text(replace(card, package_sha256=seal(card, weights))))
    assert main(["models", "verify", str(folder)]) == 2
    assert "measured again" in capsys.readouterr().err


def test_align_by_a_network_records_the_model(models, scan, tmp_path):
    folder = models / NAME / "1.0.0"
    words = [
        "align",
        "--file",
        str(scan),
        "--output",
        str(tmp_path),
        "--method",
        "dsr",
        "--model",
        str(folder),
    ]
    assert main(words) == 0
    details = nifti.read(tmp_path / "simulated.nii.gz").processing[-1]["Details"]
    assert f"{NAME}@1.0.0" in details
    assert json.loads((folder / "card.json").read_text())["package_sha256"] in details
    with (tmp_path / "simulated_align.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 16
    assert np.isfinite([float(row["shift_hz"]) for row in rows]).all()


def test_align_finds_a_model_by_method_nucleus_and_field(models, scan, tmp_path, monkeypatch):
    monkeypatch.setenv("FSL_MRS_DL_MODELS", str(models))
    assert main(["align", "--file", str(scan), "--output", str(tmp_path), "--method", "dsr"]) == 0


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--method", "sr", "--model", "x"], "neither is a network"),
        (["--method", "dsr", "--model", "nowhere"], "no model package"),
        (["--method", "dcrr", "--model", "MODEL"], "needs a dcrr"),
    ],
)
def test_align_refuses_models_that_do_not_fit(more, word, models, scan, tmp_path, capsys):
    more = [str(models / NAME / "1.0.0") if item == "MODEL" else item for item in more]
    assert main(["align", "--file", str(scan), "--output", str(tmp_path / "o"), *more]) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_align_refuses_another_field_and_takes_it_if_told(models, tmp_path, capsys):
    assert main(["simulate", "--output", str(tmp_path), "--transients", "8"]) == 0
    folder = str(models / NAME / "1.0.0")
    words = ["align", "--file", str(tmp_path / "simulated.nii.gz"), "--method", "dsr", "--model", folder]
    assert main([*words, "--output", str(tmp_path / "a")]) == 2
    assert "spectrometer_frequency_mhz" in capsys.readouterr().err
    assert main([*words, "--output", str(tmp_path / "b"), "--allow_mismatch"]) == 0
    details = nifti.read(tmp_path / "b" / "simulated.nii.gz").processing[-1]["Details"]
    assert "mismatch=spectrometer_frequency_mhz" in details


def test_own_data_and_transfer(models, scan, tmp_path, capsys):
    """Train on the user's own transients, from the weights of a package."""
    words = ["train", "align", "--architecture", "dsr", *FEW, "--output", str(tmp_path), "--data", str(scan)]
    init = ["--init", str(models / NAME / "1.0.0"), "--reference", "average", "--version", "2.0"]
    assert main([*words, *init]) == 0
    said = json.loads((tmp_path / NAME / "2.0" / "card.json").read_text())
    assert said["evaluation"][0]["bound"] is None
    assert "augmented" in said["recipe"]["data"]
    assert main(["models", "verify", str(tmp_path / NAME)]) == 0
    assert "not measured again" in capsys.readouterr().out
    # From a package into its own place: it would be read and replaced.
    before = (tmp_path / NAME / "2.0" / "weights.safetensors").read_bytes()
    init[1] = str(tmp_path / NAME / "2.0")
    assert main([*words, *init, "--overwrite"]) == 2
    assert "is the input itself, or lies in it" in capsys.readouterr().err
    assert (tmp_path / NAME / "2.0" / "weights.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--samples", "3"], "--samples"),
        (["--lr", "0"], "--lr"),
        (["--depth", "7"], "--depth"),
        (["--nuisance", "2"], "--nuisance"),
        (["--version", "one"], "--version"),
        (["--checkpoint", "state"], "--checkpoint"),
        (["--init", "nowhere"], "no model package"),
        (["--signal", "none.mat"], "none.mat"),
        (["--prior", "brain_3t", "--signal", "none.mat"], "--signal"),
        (["--architecture", "ma", "--loss", "likelihood"], "--loss"),
        (["--prior", "world_3t", "--augment_with", "nowhere"], "--augment_with"),
    ],
)
def test_train_refuses_what_makes_no_sense(more, word, tmp_path, capsys):
    words = ["train", "align", "--architecture", "dsr", *FEW, "--output", str(tmp_path / "o"), *more]
    assert main(words) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_package_is_not_replaced_unless_told(models, capsys):
    words = ["train", "align", "--architecture", "dsr", *FEW, "--output", str(models)]
    assert main(words) == 2
    assert "exists" in capsys.readouterr().err


def test_a_checkpoint_is_removed_and_changes_nothing(models, tmp_path):
    checkpoint = tmp_path / "state.ckpt"
    words = ["train", "align", "--architecture", "dsr", *FEW, "--output", str(tmp_path)]
    assert main([*words, "--checkpoint", str(checkpoint)]) == 0
    assert not checkpoint.exists()
    same = [(folder / NAME / "1.0.0" / "weights.safetensors").read_bytes() for folder in (models, tmp_path)]
    assert same[0] == same[1]
