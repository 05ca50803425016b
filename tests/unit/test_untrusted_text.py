"""Text of names and other programs: written out on a terminal, no formula in a table, not in a report."""

import csv
import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from nifti_mrs.definitions import standard_defined

from fsl_mrs_dl.cli import main
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.results.svs import _write_rows
from fsl_mrs_dl.io.synthetic import ACQUISITION_KEYS
from fsl_mrs_dl.io.untrusted_text import PrintableFormatter, csv_cell, printable
from fsl_mrs_dl.report.page import acquisition_rows, page, processing_table
from fsl_mrs_dl.steps.augment import augment
from fsl_mrs_dl.study.table import write_table

PERSON = {key: f"secret {key}" for key, field in standard_defined.items() if field.anon}
PERSON |= {
    "PatientWeight": 81.25,
    "PatientSex": "secret sex",
    "InstitutionName": "secret clinic",
    "InstitutionAddress": "secret street",
    "ConversionTime": "secret day",
    "ProtocolName": "secret study",
    "OriginalFile": ["secret.dat"],
    "private_note": {"Value": "secret note", "Description": "of the user"},
}
KEPT = {"EchoTime": 0.03, "RepetitionTime": 2.0, "Manufacturer": "Maker", "TxOffset": -1.7}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("NAA", "NAA"),
        ("Größe μ – ×", "Größe μ – ×"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\x07\x9b1m", "a\\rb\\x07\\x9b1m"),
        ("two\nlines\tand", "two\\nlines\\tand"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff.nii", "\\udcff.nii"),
        ("\u2028x", "\\u2028x"),
    ],
)
def test_control_characters_are_written_out(text, shown):
    assert printable(text) == shown
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("NAA", "NAA"),
        ("NAA+NAAG", "NAA+NAAG"),
        ("-CrCH2", "-CrCH2"),
        ("=1+1", "'=1+1"),
        ("+NAA", "'+NAA"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
    ],
)
def test_a_cell_is_no_formula(name, cell, tmp_path):
    assert csv_cell(name) == cell
    _write_rows(tmp_path / "t.csv", [("Metab", "mean"), (name, -1.5)])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1] == [cell, "-1.5"]


def test_a_file_name_with_an_escape_is_printed_as_text(tmp_path, capsys):
    assert (
        main(["average", "--file", str(tmp_path / "\x1b[2J\nx.nii.gz"), "--output", str(tmp_path / "o")]) == 2
    )
    printed = capsys.readouterr().err
    assert "\x1b" not in printed
    assert "\\x1b[2J\\nx.nii.gz" in printed
    assert printed.count("\n") == 1


def test_log_messages_are_printed_as_text():
    record = logging.LogRecord("x", logging.WARNING, "", 0, "member %s\nnext", ("\x1b]0;title\x07",), None)
    assert PrintableFormatter("%(message)s").format(record) == "member \\x1b]0;title\\x07\nnext"


def scan(rng, **more):
    fid = rng.normal(size=(1, 1, 1, 256, 6)) + 1j * rng.normal(size=(1, 1, 1, 256, 6)) + 5
    each = {"EditCondition": ["A"] * 6, "secret_times": {"Value": ["secret time"] * 6, "Description": "d"}}
    return MRSData(
        fid,
        5e-4,
        123.2,
        dim_tags=("DIM_DYN",),
        affine=np.diag([20.0, 20, 20, 1]),
        header={**PERSON, **KEPT, **more},
        dim_headers={"DIM_DYN": {"info": "transients", "header": each}},
        processing=({"Method": "Averaging", "Program": "other", "Operator": "secret person"},),
    )


def test_synthetic_files_hold_nothing_of_the_person(rng, tmp_path):
    """Written and read again as bytes: neither the extension nor the NIfTI header's free text tells anything."""
    nifti.write(scan(rng), tmp_path / "scan.nii.gz")
    image = nifti.read(tmp_path / "scan.nii.gz")
    image.nifti_header["descrip"] = b"secret descrip"
    nifti.write(image, tmp_path / "scan.nii.gz")
    measured = nifti.read(tmp_path / "scan.nii.gz")
    assert measured.header["PatientName"] == "secret PatientName"
    for keep in ([], ["--keep"]):
        out = tmp_path / f"out{len(keep)}"
        said = ["--file", str(tmp_path / "scan.nii.gz"), "--output", str(out), "--filename", "made.nii"]
        assert main(["augment", *said, *keep]) == 0
        made = nifti.read(next(out.glob("made*")))
        nifti.write(made, tmp_path / "plain.nii")
        content = (tmp_path / "plain.nii").read_bytes()
        assert b"secret" not in content
        assert b"81.25" not in content
        assert {key: made.header[key] for key in KEPT} == KEPT
        np.testing.assert_allclose(made.affine, measured.affine)
        assert made.processing[0] == {"Method": "Averaging", "Program": "other"}
        assert made.dim_headers["DIM_DYN"]["info"] == "transients"


def test_a_step_on_measured_data_keeps_the_header_whole(rng, tmp_path):
    nifti.write(scan(rng), tmp_path / "scan.nii.gz")
    assert main(["average", "--file", str(tmp_path / "scan.nii.gz"), "--output", str(tmp_path / "out")]) == 0
    assert {**PERSON, **KEPT}.items() <= dict(nifti.read(tmp_path / "out/scan.nii.gz").header).items()


def test_what_is_passed_on_is_standard_and_not_personal():
    known = {*standard_defined, "SpectrometerFrequency", "ResonantNucleus", "SyntheticData"}
    assert known >= ACQUISITION_KEYS
    assert not any(standard_defined[key].anon for key in ACQUISITION_KEYS & set(standard_defined))
    assert not any(key.startswith(("Patient", "Institution")) for key in ACQUISITION_KEYS)
    assert {"EchoTime", "RepetitionTime", "SpecFreqChemShift", "RxOffset", "EditPulse"} < ACQUISITION_KEYS


def test_augmented_data_in_memory_hold_nothing_of_the_person(rng):
    made = augment(scan(rng), n=3).data
    assert not {*PERSON} & {*made.header}
    assert set(made.dim_headers["DIM_DYN"]["header"]) == {"SyntheticData"}


@pytest.mark.parametrize("key", ["method", "seed", "parents"])
def test_a_report_tells_no_key_that_it_does_not_know(key, rng):
    strange = {"SyntheticData": {key: {"doctor": "secret"}, "secret_key": "secret"}}
    strange |= {"SequenceName": {"secret": 1}, "TxCoil": ["head", {"secret": 2}], "RxCoil": ["32", "ch"]}
    data = replace(
        scan(rng, **strange), processing=({"Method": {"a": "secret"}, "secret": 1, "Details": "x<b>"},)
    )
    text = "".join(v for row in acquisition_rows(data) for v in row) + processing_table(data)
    document = page("t", data, [])
    body = document[document.index("<body>") :]
    assert "secret" not in text + body
    assert "32 ch" in text
    assert "x&lt;b&gt;" in text
    assert "Synthetic data" in body


def test_names_of_a_study_are_no_formulas(tmp_path):
    """Subjects and sessions are names of folders, which anybody may have made."""
    scan = SimpleNamespace(labels={"subject": "=1+1"}, name="@x.nii.gz")
    amounts = {("=NAA", "raw"): {}, ("-CrCH2", "raw"): {}}
    made = SimpleNamespace(
        job=SimpleNamespace(scan=scan),
        verdict="good",
        reason="+reason",
        snr=9.0,
        linewidth_hz=4.0,
        amounts=amounts,
        before=(None, None),
        after=(None, None),
    )
    write_table([made], tmp_path / "study.csv", tmp_path / "study.json")
    with (tmp_path / "study.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[:1] in ("=", "+", "@")] == []
    assert {"'=1+1", "'@x.nii.gz", "'+reason", "'=NAA", "-CrCH2"} <= set(cells)
