"""``quantify`` with nothing but its required options, on a scan whose macromolecules are not the basis set's."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from quantify_scans import table

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.io import nifti
from tests.benchmarks.worlds.world import World, make

BIRCH = World("other macromolecules", mm="birch_2017", snr_f=(100.0, 100.0))


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> Path:
    """Write four voxels of a world, and the first of them alone, without an echo time in the header."""
    folder = tmp_path_factory.mktemp("default")
    made = make(BIRCH, 4, np.random.default_rng(5))
    nifti.write(made.data, folder / "mrsi.nii.gz")
    nifti.write(made.data.with_fid(made.data.fid[:1]), folder / "svs.nii.gz")
    truth = {name: list(values) for name, values in made.truth.items()}
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder


def quantify(folder: Path, name: str, *more: str, out: str = "out") -> int:
    words = ["--data", str(folder / f"{name}.nii.gz"), "--basis", BIRCH.fitted, "--overwrite"]
    return main(["quantify", *words, "--output", str(folder / out), *more])


def test_the_truth_lies_within_the_intervals(scan):
    assert quantify(scan, "svs") == 0
    found = table(scan / "out" / "summary.csv")
    truth = json.loads((scan / "truth.json").read_text())
    tcr = truth["Cr"][0] + truth["PCr"][0]
    inside = []
    for name, values in truth.items():
        if values[0] > 0 and name not in ("Cr", "PCr"):
            row = found[name]
            low, high = row["/Cr+PCr ci95_low"], row["/Cr+PCr ci95_high"]
            inside.append(low <= values[0] / tcr <= high)
    # 18 metabolites; of a right interval four or more miss in 1 of 500 spectra.
    assert sum(not one for one in inside) <= 3
    strong = {"NAA+NAAG": ("NAA", "NAAG"), "Glu+Gln": ("Glu", "Gln"), "Ins": ("Ins",)}
    for name, parts in strong.items():
        expected = sum(truth[part][0] for part in parts) / tcr
        row = found[name]
        assert abs(row["/Cr+PCr posterior_mean"] - expected) < 4 * row["/Cr+PCr posterior_sd"]


def test_the_record_lists_hypotheses_with_their_weights(scan):
    assert quantify(scan, "svs") == 0
    said = json.loads((scan / "out" / "run.json").read_text())
    weights = [one["weight"] for one in said["hypotheses"]]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1.0, abs=1e-3)
    assert min(weights) > 0
    assert all("macromolecules" in one["hypothesis"] for one in said["hypotheses"])
    assert said["settings"]["macromolecules"] == "prior"
    assert "MM" in said["basis"]["metabolites"]
    assert not [name for name in said["basis"]["metabolites"] if name.startswith("MM0")]


def test_sd_is_the_bound_at_least(scan):
    assert quantify(scan, "svs") == 0
    rows = (scan / "out" / "concentrations.csv").read_text().splitlines()
    heads = list(zip(rows[0].split(","), rows[1].split(","), strict=True))
    sd, bound = heads.index(("std", "raw")), heads.index(("crlb", "raw"))
    values = np.array([[float(row.split(",")[at] or "nan") for at in (sd, bound)] for row in rows[2:]])
    assert (values[:, 0] >= values[:, 1] * (1 - 1e-9)).all()


def test_a_voxel_is_fitted_alike_alone_and_among_others(scan):
    assert quantify(scan, "svs", out="one") == 0
    assert quantify(scan, "mrsi", out="many") == 0
    found = table(scan / "one" / "summary.csv")
    for name in ("NAA", "Ins", "Glu"):
        values = np.asarray(nib.load(scan / "many" / "concs" / "internal" / f"{name}.nii.gz").dataobj)
        assert values.ravel()[0] == pytest.approx(found[name]["/Cr+PCr"], rel=0.02)


def test_a_fixed_baseline_keeps_the_macromolecules_of_the_basis_set(scan):
    assert quantify(scan, "svs", "--baseline", "poly, 2", out="fixed") == 0
    said = json.loads((scan / "fixed" / "run.json").read_text())
    assert said["hypotheses"] is None
    assert {"MM09", "MM20"} <= set(said["basis"]["metabolites"])


def test_macromolecules_can_be_left_out(scan):
    unwanted = ("MM09", "MM12", "MM14", "MM17", "MM20")
    assert quantify(scan, "svs", "--ignore", *unwanted, out="none") == 0
    said = json.loads((scan / "none" / "run.json").read_text())
    assert said["settings"]["macromolecules"] == "none"
    assert "MM" not in said["basis"]["metabolites"]
    assert quantify(scan, "svs", "--ignore", *unwanted, "MM", out="same") == 0
    assert "MM" not in json.loads((scan / "same" / "run.json").read_text())["basis"]["metabolites"]
