"""FSL-MRS's JSON basis folder: sign, round trip, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError, OptionError, OutputError
from fsl_mrs_dl.io.basis import read_json_basis, write_json_basis
from fsl_mrs_dl.simulate import brain_singlets


@pytest.fixture
def folder(tmp_path):
    write_json_basis(brain_singlets(123.2, 1 / 4000, 64), tmp_path / "basis")
    return tmp_path / "basis"


def change(path, **values):
    content = json.loads(path.read_text())
    content["basis"].update(values)
    path.write_text(json.dumps(content))


def test_round_trip(folder):
    basis = brain_singlets(123.2, 1 / 4000, 64)
    found = read_json_basis(folder)
    assert found.names == tuple(sorted(basis.names))
    for name, fid in zip(found.names, found.fids, strict=True):
        np.testing.assert_array_equal(fid, basis.fids[basis.names.index(name)])
    assert (found.dwelltime_s, found.spectrometer_frequency_mhz, found.nucleus) == (1 / 4000, 123.2, "1H")


def test_files_hold_the_conjugate_under_the_names_of_fsl_mrs(folder):
    content = json.loads((folder / "Cr.json").read_text())
    basis = brain_singlets(123.2, 1 / 4000, 64)
    creatine = basis.fids[basis.names.index("Cr")]
    stored = np.array(content["basis"]["basis_re"]) + 1j * np.array(content["basis"]["basis_im"])
    np.testing.assert_array_equal(stored, creatine.conj())
    assert content["basis"]["basis_name"] == "Cr"
    assert content["basis"]["basis_dwell"] == 1 / 4000
    assert set(content["meta"]) == {"time", "SimVersion"}


def test_a_name_that_occurs_again_is_numbered(folder):
    change(folder / "GPC.json", basis_name="Cr")
    assert "Cr_1" in read_json_basis(folder).names


def test_nucleus_of_the_sequence_is_found(folder):
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        del content["basis"]["basis_nucleus"]
        path.write_text(json.dumps({**content, "seq": {"Nucleus": ["31P"]}}))
    assert read_json_basis(folder).nucleus == "31P"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"basis_dwell": 1 / 2000}, "one simulation"),
        ({"basis_dwell": -1.0}, "positive"),
        ({"basis_centre": True}, "positive"),
        ({"basis_re": [1.0] * 64, "basis_im": [0.0] * 32}, "damaged"),
        ({"basis_re": [1.0] * 32, "basis_im": [0.0] * 32}, "one simulation"),
        ({"basis_re": ["x"] * 64}, "not a list of numbers"),
        ({"basis_re": [float("nan")] * 64}, "NaN"),
        ({"basis_name": 5}, "name"),
        ({"basis_nucleus": "31P"}, "one simulation"),
    ],
)
def test_what_does_not_fit_is_refused(folder, values, said):
    change(folder / "Cr.json", **values)
    with pytest.raises(DataError, match=said):
        read_json_basis(folder)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"basis": {}}', '{"basis": {"basis_re": [1]}}'])
def test_damaged_files_are_refused(folder, text):
    (folder / "Cr.json").write_text(text)
    with pytest.raises(DataError, match=r"Cr\.json"):
        read_json_basis(folder)


def test_a_folder_without_a_basis_is_refused(tmp_path):
    with pytest.raises(DataError, match="no JSON"):
        read_json_basis(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        read_json_basis(tmp_path / "nowhere")


def test_nothing_is_replaced_unasked(folder):
    with pytest.raises(OutputError, match="exists"):
        write_json_basis(brain_singlets(123.2, 1 / 4000, 64), folder)
    with pytest.raises(OptionError, match="slashes"):
        write_json_basis(Basis(np.ones((1, 4), complex), ("../x",), 1e-3, 123.2), folder)


def test_echo_time_and_sequence_come_back(tmp_path):
    basis = replace(brain_singlets(123.2, 1 / 4000, 64), echo_time_s=0.068, sequence="mega-press diff")
    write_json_basis(basis, tmp_path / "basis")
    found = read_json_basis(tmp_path / "basis")
    assert (found.echo_time_s, found.sequence, found.notes) == (0.068, "mega-press diff", ())


def change_all(folder, **parts):
    for path in folder.glob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | parts))


@pytest.mark.parametrize(
    ("parts", "echo_time_s", "sequence"),
    [
        (
            {"meta": {"Sequence": "mega-press", "EditCondition": "off", "EchoTime_ms": 68}},
            0.068,
            "mega-press off",
        ),
        ({"meta": {}, "seq": {"sequenceName": "examplePRESS", "Rx_SW": 6000}}, None, "examplePRESS"),
        ({"meta": {"EchoTime_ms": "30", "Sequence": 5}}, None, ""),
        ({"meta": {"EchoTime_ms": float("nan")}}, None, ""),
        ({"meta": None, "seq": []}, None, ""),
    ],
)
def test_what_other_files_say_of_themselves(folder, parts, echo_time_s, sequence):
    change_all(folder, **parts)
    found = read_json_basis(folder)
    assert (found.echo_time_s, found.sequence) == (echo_time_s, sequence)


def test_metabolites_that_say_different_things_are_not_believed(folder):
    change_all(folder, meta={"EchoTime_ms": 30, "Sequence": "press"})
    content = json.loads((folder / "Cr.json").read_text())
    (folder / "Cr.json").write_text(json.dumps(content | {"meta": {"EchoTime_ms": 35, "Sequence": "steam"}}))
    found = read_json_basis(folder)
    assert (found.echo_time_s, found.sequence) == (None, "")
    assert [note.split(" (")[0] for note in found.notes] == [
        "its metabolites have different echo times",
        "its metabolites have different sequences",
    ]
    (folder / "Cr.json").write_text(json.dumps(content | {"meta": {}}))  # one that says nothing is no matter
    assert read_json_basis(folder).echo_time_s == 0.03


@pytest.mark.realdata
def test_a_basis_of_fsl_mrs_lies_the_right_way_round(shared_data):
    basis = read_json_basis(shared_data / "slaser_basis" / "basis_sets" / "basis_3T")
    ppm = 4.65 + np.fft.fftshift(np.fft.fftfreq(basis.fids.shape[1], basis.dwelltime_s)) / 123.0
    for name, expected in (("Cr", 3.03), ("NAA", 2.01)):
        spectrum = np.abs(np.fft.fftshift(np.fft.fft(basis.fids[basis.names.index(name)])))
        assert ppm[spectrum.argmax()] == pytest.approx(expected, abs=0.02)
