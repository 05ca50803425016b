"""Where verdicts are shown: tables, maps, the record, the terminal, the report, and the viewer's mask."""

import csv
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from quantified import make

from fsl_mrs_dl.io.results import run_record, write_outcome
from fsl_mrs_dl.io.staging import Staging
from fsl_mrs_dl.report import quantify_page, save_fit_figure
from fsl_mrs_dl.report.verdicts import verdict_part, verdict_text
from fsl_mrs_dl.steps.quantify import quantify

REASON = "lipid at 1.3 ppm, 50 % of the highest metabolite; <odd>"


def one(rng):
    data, outcome = make(rng)
    told = {"verdict": np.array([2], np.int8), "reasons": (REASON,), "causes": ("lipid",)}
    return data, replace(outcome, **told, quality={"lipid": np.array([0.5])})


def many(rng):
    data, outcome = make(rng, (3, 1, 1))  # two of them are fitted
    told = {
        "verdict": np.array([1, 3], np.int8),
        "reasons": ("SNR 20", "noise only: .."),
        "causes": ("", "noise only"),
    }
    return data, replace(outcome, **told)


def written(folder, data, outcome):
    fit = data.with_fid(outcome.on_grid(outcome.fit))
    with Staging(folder, overwrite=True) as staging:
        write_outcome(fit, data, outcome, staging)
        record = run_record(outcome, {}, staging.checksums(), "quantify")
    return json.loads(record)


def test_of_one_spectrum(rng, tmp_path):
    data, outcome = one(rng)
    record = written(tmp_path / "out", data, outcome)
    rows = list(csv.DictReader((tmp_path / "out" / "qc.csv").read_text(encoding="utf-8").splitlines()))
    assert {(row["verdict"], row["reason"]) for row in rows} == {("usable", REASON)}
    assert record["verdict"] == {"verdict": "usable", "reason": REASON, "measures": {"lipid": 0.5}}
    assert verdict_text(outcome) == f"usable: {REASON}"
    page = quantify_page(data, outcome, {})
    assert "<strong>usable</strong>: lipid at 1.3 ppm" in page
    assert "<odd>" not in page
    assert page.index("<strong>usable") < page.index("Concentrations")
    save_fit_figure(data, outcome, tmp_path / "fit.png")


def test_of_many_voxels(rng, tmp_path):
    data, outcome = many(rng)
    record = written(tmp_path / "out", data, outcome)
    codes = nib.load(tmp_path / "out" / "qc" / "verdict.nii.gz").get_fdata().ravel()
    np.testing.assert_array_equal(codes, [0, 1, 3])  # the first was not fitted
    meaning = json.loads((tmp_path / "out" / "qc" / "verdict.json").read_text(encoding="utf-8"))
    assert {word: (said["value"], said["voxels"]) for word, said in meaning.items()} == {
        "not fitted": (0, 0),
        "good": (1, 1),
        "usable": (2, 0),
        "unusable": (3, 1),
    }
    rows = list(
        csv.reader((tmp_path / "out" / "qc" / "verdict.csv").read_text(encoding="utf-8").splitlines())
    )
    assert rows[1:] == [["1", "0", "0", "good", "SNR 20"], ["2", "0", "0", "unusable", "noise only: .."]]
    assert record["verdict"] == {"voxels": {"good": 1, "unusable": 1}, "causes": {"noise only": 1}}
    assert verdict_text(outcome) == "2 voxels: 1 good, 1 unusable; most frequent reasons: noise only (1)"
    assert "noise only" in verdict_part(outcome)


def test_where_nobody_judged_nothing_is_told(rng, tmp_path):
    data, outcome = make(rng)
    assert written(tmp_path / "out", data, outcome)["verdict"] is None
    assert verdict_text(outcome) == verdict_part(outcome) == ""
    head = (tmp_path / "out" / "qc.csv").read_text(encoding="utf-8").splitlines()[:2]
    assert head[0] == "Metab,SNR,FWHM,ood,verdict,reason"
    assert head[1].endswith(",,")


@pytest.mark.parametrize("baseline", ["auto", "poly, 2"])
def test_the_step_judges_noise(rng, baseline):
    data, outcome = make(rng, names=("Cr", "NAA", "GPC"))
    noise = rng.normal(size=(2, *data.fid.shape))
    found = quantify(
        data.with_fid(noise[0] + 1j * noise[1]), basis=outcome.basis, baseline=baseline, no_posterior=True
    ).outcome
    assert (found.verdict[0], found.causes[0]) == (3, "noise only")
