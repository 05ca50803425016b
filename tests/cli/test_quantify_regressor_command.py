"""``train quantify`` and ``quantify --model`` by regressors: amplitudes without bounds, judged by the fit."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.models.catalogue import architectures

pytestmark = pytest.mark.usefixtures("one_thread")

BASIS = "slaser_3t_te28"
REGRESSORS = [name for name, entry in architectures("quantify").items() if "regression" in entry.training]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    few = ["--samples", "60", "--epochs", "1", "--basis", BASIS, "--output", str(folder)]
    for name in REGRESSORS:
        assert main(["train", "quantify", "--architecture", name, *few]) == 0
    return folder


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    more = ["--kind", "svs", "--basis", BASIS, "--snr", "60", "--points", "1600"]
    assert main(["simulate", "--output", str(folder), *more]) == 0
    return folder / "simulated.nii.gz"


def package(models, name):
    return models / f"quantify-{name}-slaser-1h-3t"


def quantify(scan, output, *more):
    return main(["quantify", "--data", str(scan), "--basis", BASIS, "--output", str(output), *more])


def table(output):
    with (output / "concentrations.csv").open() as handle:
        header, _, *rows = csv.reader(handle)
    return header, {row[0]: row for row in rows}


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_claims_no_bound_and_is_judged_by_the_fit(name, models, scan, tmp_path, capsys):
    """--model alone decides the method; no SD, no interval; the residual and a verdict are there, and a note."""
    assert quantify(scan, tmp_path / "o", "--model", str(package(models, name)), "--report") == 0
    assert "by a regressor, without uncertainty" in capsys.readouterr().out
    assert "a regressor gives amplitudes alone" in (tmp_path / "o" / "report.html").read_text()
    header, rows = table(tmp_path / "o")
    assert float(rows["NAA"][1]) >= 0
    for column in ("crlb", "posterior_mean", "ci95_low", "shrinkage"):
        assert {row[header.index(column)] for row in rows.values()} <= {"", "nan"}, column
    record = json.loads((tmp_path / "o" / "run.json").read_text())
    assert any("no Cramer-Rao bound" in note for note in record["notes"])
    assert record["settings"]["method"] == name
    assert f"{package(models, name).name}@1.0.0" in json.dumps(record)
    assert (tmp_path / "o" / "residual.nii.gz").exists()
    with (tmp_path / "o" / "qc.csv").open() as handle:
        assert "verdict" in handle.read()


def test_a_water_reference_takes_the_receiver_gain_out(models, scan, tmp_path):
    """At three times the gain: the same concentrations; beside twice as much water: half of them."""
    data = nifti.read(scan)
    t = np.arange(data.fid.shape[3]) * data.dwelltime_s
    water = 100 * np.abs(data.fid).max() * np.exp(-15 * t).reshape(1, 1, 1, -1)
    nifti.write(replace(data, fid=3 * data.fid), tmp_path / "louder.nii.gz")
    for factor in (1, 2, 3):
        nifti.write(replace(data, fid=factor * water.astype(complex)), tmp_path / f"water{factor}.nii.gz")
    shown = []
    for file, factor in ((scan, 1), (tmp_path / "louder.nii.gz", 3), (scan, 2)):
        words = ["--h2o", str(tmp_path / f"water{factor}.nii.gz"), "--TE", "28", "--TR", "2"]
        assert quantify(file, tmp_path / f"o{factor}", *words, "--model", str(package(models, "crelu"))) == 0
        with (tmp_path / f"o{factor}" / "summary.csv").open() as handle:
            shown.append({row["Metab"]: float(row["mM"]) for row in csv.DictReader(handle)}["NAA"])
    one, louder, more_water = shown
    assert one > 0
    assert louder == pytest.approx(one, rel=1e-4)
    assert more_water == pytest.approx(one / 2, rel=1e-4)


def test_an_untrained_regressor_does_not_pass_for_a_good_fit(models, scan, tmp_path):
    """After one step it gives the mean of the training: the residual is no noise, and the verdict says so."""
    assert quantify(scan, tmp_path / "network", "--model", str(package(models, "crelu"))) == 0
    assert quantify(scan, tmp_path / "fit", "--baseline", "poly, 2") == 0
    reasons = {}
    for which in ("network", "fit"):
        with (tmp_path / which / "qc.csv").open() as handle:
            row = next(csv.DictReader(handle))
        reasons[which] = row["reason"]
    assert "the regressor's amplitudes leave" in reasons["network"]
    assert "take the fit" in reasons["network"]
    assert "uncertain" not in reasons["network"]  # nothing is known of that
    assert "regressor" not in reasons["fit"]


@pytest.mark.parametrize("fixed", [[], ["--baseline", "poly, 2"]], ids=["default", "fixed"])
def test_refine_hands_over_to_the_fit(fixed, models, scan, tmp_path, caplog):
    model = ["--model", str(package(models, "crelu")), "--refine", "40"]
    assert quantify(scan, tmp_path / "network", *model, *fixed) == 0
    assert "the result is that of the fit alone" in caplog.text
    assert quantify(scan, tmp_path / "fit", *fixed) == 0
    header, refined = table(tmp_path / "network")
    _, fitted = table(tmp_path / "fit")
    for name in ("NAA", "Cr", "Glu", "Ins"):
        assert float(refined[name][1]) == pytest.approx(float(fitted[name][1]), rel=1e-6)
        assert np.isfinite(float(refined[name][header.index("crlb")]))


@pytest.mark.parametrize("name", REGRESSORS)
def test_verify_measures_the_card_again(name, models, capsys):
    assert main(["models", "verify", str(package(models, name))]) == 0
    assert "scores are as on the card" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "flag"),
    [
        (["--data", "nothing.nii.gz"], "--data"),
        (["--augment_with", "synthesise-cvae-press-1h-3t"], "--augment_with"),
    ],
)
def test_labels_come_from_simulation_alone(more, flag, tmp_path, capsys):
    words = ["train", "quantify", "--architecture", "crelu", "--samples", "60", "--output", str(tmp_path)]
    assert main([*words, *more]) == 2
    assert flag in capsys.readouterr().err


def test_a_regressor_cannot_adapt(models, scan, tmp_path, capsys):
    words = ["--method", "crelu", "--model", str(package(models, "crelu")), "--adapt", "3"]
    assert quantify(scan, tmp_path / "o", *words) == 2
    assert "--adapt" in capsys.readouterr().err


def test_another_basis_set_is_refused(models, scan, tmp_path, capsys):
    """Metabolites of another echo time and sequence have other signals."""
    words = ["--data", str(scan), "--basis", "mega-press_3t_te68_off", "--output", str(tmp_path / "o")]
    assert main(["quantify", *words, "--allow_mismatch", "--model", str(package(models, "crelu"))]) == 2
    assert "trained with another signal" in capsys.readouterr().err
