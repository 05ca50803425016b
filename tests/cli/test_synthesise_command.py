"""The commands synthesise, augment --model and train synthesise, in process."""

from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.synthetic import synthetic_along
from fsl_mrs_dl.models.package import read_card
from fsl_mrs_dl.steps.synthesise import labels_of
from fsl_mrs_dl.train.augmentation import AugmentedTransients

QUICK = ["--samples", "40", "--epochs", "1", "--batch", "16", "--patience", "0"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    scan = ["simulate", "--output", str(folder), "--filename", "scan", "--kind", "edited", "--points", "512"]
    assert main([*scan, "--transients", "12"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fsl_mrs_dl.train.synthesis_evaluation.N_REQUESTS", 4)
        patch.setattr(
            "fsl_mrs_dl.train.synthesis_evaluation.scores.__kwdefaults__", {"n_requests": 4, "n_paths": 2}
        )
        line = ["train", "synthesise", "--output", str(folder), *QUICK]
        assert main([*line, "--architecture", "cvae", "--metabolites", "PCr", "NAA"]) == 0
        assert main([*line, "--architecture", "vae", "--data", str(folder / "scan.nii.gz")]) == 0
    return folder


def cvae(packages: Path) -> list[str]:
    return ["--model", str(packages / "synthesise-cvae-press-pcr-naa-1h-3t")]


def vae(packages: Path) -> list[str]:
    return ["--model", str(packages / "synthesise-vae-1h-3t")]


def test_spectra_carry_labels_and_origin(packages: Path, tmp_path: Path) -> None:
    line = ["synthesise", *cvae(packages), "--n", "5", "--concentrations", "NAA=10", "PCr=2:4", "--seed", "7"]
    assert main([*line, "--output", str(tmp_path)]) == 0
    made = nifti.read(tmp_path / "synthetic.nii.gz")
    labels = labels_of(made)
    np.testing.assert_array_equal(labels["NAA"], np.full(5, 10.0))
    assert ((labels["PCr"] >= 2) & (labels["PCr"] <= 4)).all()
    said = made.header["SyntheticData"]
    assert said["seed"] == 7
    assert said["model"] == "synthesise-cvae-press-pcr-naa-1h-3t@1.0.0"
    assert synthetic_along(made, "DIM_USER_0").all()
    assert "package_sha256=" in made.processing[-1]["Details"]
    assert main([*line, "--output", str(tmp_path / "again")]) == 0
    np.testing.assert_array_equal(nifti.read(tmp_path / "again/synthetic.nii.gz").fid, made.fid)


def test_like_a_file_means_its_points_and_header(packages: Path, tmp_path: Path) -> None:
    line = ["synthesise", *cvae(packages), "--like", str(packages / "scan.nii.gz"), "--snr", "50"]
    assert main([*line, "--output", str(tmp_path), "--uncompressed"]) == 0
    made, like = nifti.read(tmp_path / "synthetic.nii"), nifti.read(packages / "scan.nii.gz")
    assert (made.n_points, made.dwelltime_s) == (like.n_points, like.dwelltime_s)
    assert made.header["SyntheticData"]["parents"] == ["scan.nii.gz"]


def test_a_table_of_concentrations_is_taken_row_by_row(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "asked.csv").write_text("NAA,PCr\n9,3\n12,5\n")
    line = ["synthesise", *cvae(packages), "--concentrations", str(tmp_path / "asked.csv")]
    assert main([*line, "--output", str(tmp_path / "out")]) == 0
    labels = labels_of(nifti.read(tmp_path / "out/synthetic.nii.gz"))
    np.testing.assert_array_equal(labels["NAA"], [9, 12])
    np.testing.assert_array_equal(labels["PCr"], [3, 5])


@pytest.mark.parametrize("mode", ["random", "interpolate", "hybrid"])
def test_transients_like_those_of_a_file(packages: Path, tmp_path: Path, mode: str) -> None:
    scan = str(packages / "scan.nii.gz")
    line = [
        "synthesise",
        *vae(packages),
        "--like",
        scan,
        "--n",
        "6",
        "--mode",
        mode,
        "--output",
        str(tmp_path),
    ]
    assert main(line) == 0
    made, like = nifti.read(tmp_path / "synthetic.nii.gz"), nifti.read(packages / "scan.nii.gz")
    assert made.dim_tags == like.dim_tags
    assert made.fid.shape == (1, 1, 1, 512, 6, 2)
    assert np.isfinite(made.fid).all()


@pytest.mark.parametrize("which", [cvae, vae])
def test_augment_takes_a_model(packages: Path, tmp_path: Path, which) -> None:  # type: ignore[no-untyped-def]
    scan = str(packages / "scan.nii.gz")
    assert (
        main(["augment", "--file", scan, "--output", str(tmp_path), "--keep", "--n", "4", *which(packages)])
        == 0
    )
    mixed = nifti.read(tmp_path / "scan.nii.gz")
    assert (
        synthetic_along(mixed, "DIM_DYN").tolist() == [True] * 12 + [True] * 4
    )  # simulated ones are no measured ones
    assert "model=synthesise-" in mixed.processing[-1]["Details"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--concentrations", "Xyz=3"], "names 'Xyz'; the model makes PCr, NAA"),
        (["--concentrations", "NAA=a"], "NAME=VALUE or NAME=LOW:HIGH is needed"),
        (["--concentrations", "NAA=5:1"], "NAME=VALUE or NAME=LOW:HIGH is needed"),
        (["--concentrations", "none.csv"], "is not a table of numbers"),
        (["--n", "0"], "--n is 0"),
        (["--snr", "-1"], "a positive number is needed"),
        (["--seed", "-1"], "--seed is -1"),
        (["--n", "999999999"], "are made at a time"),
        (["--filename", "a/b"], "a plain name without folder"),
        (["--like", "nowhere.nii.gz"], "nowhere.nii.gz"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(
    packages: Path, tmp_path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synthesise", *cvae(packages), "--output", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_model_for_another_task_or_field_is_refused(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated = [
        "simulate",
        "--output",
        str(tmp_path),
        "--field",
        "7",
        "--points",
        "512",
        "--transients",
        "4",
    ]
    assert main(simulated) == 0
    scan = str(tmp_path / "simulated.nii.gz")
    assert main(["augment", "--file", scan, "--output", str(tmp_path / "out"), *vae(packages)]) == 2
    assert "spectrometer_frequency_mhz is 298" in capsys.readouterr().err
    assert main(["synthesise", *vae(packages), "--output", str(tmp_path / "out")]) == 2
    assert "give it with --like" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--architecture", "dsr"], "--architecture dsr is not for synthesise"),
        (["--architecture", "cvae", "--data", "scan.nii.gz"], "--data is for --architecture vae"),
        (["--architecture", "cvae", "--basis", "elsewhere"], "needed is a shipped basis set"),
        (["--architecture", "cvae", "--depth", "5"], "--depth is not for train synthesise"),
    ],
)
def test_wrong_trainings_are_refused(
    tmp_path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "synthesise", "--output", str(tmp_path / "out"), *QUICK, *words]) == 2
    assert says in capsys.readouterr().err


def test_training_takes_synthetic_examples(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "train",
        "align",
        "--architecture",
        "ma",
        "--prior",
        "brain_3t",
        "--output",
        str(tmp_path),
        *QUICK[:4],
    ]
    assert main([*line, "--augment_with", cvae(packages)[1]]) == 0
    card = read_card(tmp_path / "align-ma-1h-3t/1.0.0")
    assert "of them synthetic" in card.recipe.data
    assert "--augment_with" in card.recipe.command
    assert main([*line, "--overwrite", "--augment_with", vae(packages)[1]]) == 2
    assert "is no cvae with the decoder physics" in capsys.readouterr().err


def test_examples_are_drawn_anew_each_pass(packages: Path) -> None:
    examples = AugmentedTransients(nifti.read(packages / "scan.nii.gz"), seed=4)
    first, drawn = examples[3]
    again, same = AugmentedTransients(nifti.read(packages / "scan.nii.gz"), seed=4)[3]
    assert drawn == same
    np.testing.assert_array_equal(first, again)
    assert len(examples) == 24
    examples.next_pass()
    assert examples[3][1] != drawn
    assert first.shape == (2, 512)
