"""Whether a basis set is of the scan: words of sequences, what data and basis sets say, thresholds."""

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.fit.acquisition import Acquisition, AcquisitionComparison, compare, of_basis, of_data
from fsl_mrs_dl.fit.sequences import UNKNOWN, Sequence, part_of, sequence_of
from fsl_mrs_dl.steps.average import average
from fsl_mrs_dl.steps.subtract import subtract

PRESS = Sequence("PRESS", edited=False)
DIFFERENCE = Sequence("PRESS", edited=True, part="diff")
OFF = Sequence("PRESS", edited=True, part="off")


def data(dim_tags=(), shape=(), dim_headers=None, processing=(), **header):
    fid = np.ones((1, 1, 1, 64, *shape), dtype=complex)
    return MRSData(
        fid, 5e-4, 123.2, "1H", dim_tags, header=header, dim_headers=dim_headers or {}, processing=processing
    )


def basis(sequence="", echo_time_s=None):
    fids = np.ones((1, 64), dtype=complex)
    return Basis(fids, ("Cr",), 5e-4, 123.2, sequence=sequence, echo_time_s=echo_time_s)


@pytest.mark.parametrize(
    ("text", "family", "edited"),
    [
        ("svs_se", "PRESS", False),
        ("*svs_se_30", "PRESS", False),
        ("PRESS_TI_600", "PRESS", False),
        ("PRESS PAR 35", "PRESS", False),
        ("PROBE-P", "PRESS", False),
        ("presscsi", "PRESS", False),
        ("svs_st", "STEAM", False),
        (r"%CustomerSeq%\uzay_steam_gui", "STEAM", False),
        ("PROBE-S", "STEAM", False),
        ("svs_slaserVOI_dkd2", "sLASER", False),
        ("sLASER", "sLASER", False),
        ("semi-LASER", "sLASER", False),
        ("semi-adiabatic LASER", "sLASER", False),
        ("PROBE-SL", "sLASER", False),
        ("slase", "sLASER", False),
        ("eja_svs_laser", "LASER", False),
        ("jn_svs_special_dev", "SPECIAL", False),
        ("semi-adiabatic SPECIAL", "SPECIAL", False),
        ("csi_fid", "FID", False),
        ("mega-press", "PRESS", True),
        ("MEGAPRESS", "PRESS", True),
        ("eja_svs_mpress", "PRESS", True),
        ("eja_svs_mslaser", "sLASER", True),
        ("HERMES", "", True),
        ("svs_edit", "", True),
        ("mgs_svs_ed", "", True),
        ("unedited", "", False),
        ("PRESS non-edited", "PRESS", False),
        ("semi-adiabatic", "", None),
        ("GABA_PAR", "", None),
        ("compressed sensing, no water suppression", "", None),
        ("PRESS or STEAM", "", None),
        ("", "", None),
    ],
)
def test_words_of_sequences(text, family, edited):
    assert sequence_of([text]) == Sequence(family, edited)


def test_the_first_text_that_names_a_family_counts_and_editing_in_any():
    assert sequence_of(["svs_st", "PRESS of the pilot"]) == Sequence("STEAM", edited=False)
    assert sequence_of(["gls_1", "sLASER"]) == Sequence("sLASER", edited=False)
    assert sequence_of(["svs_se", "GABA edited"]) == Sequence("PRESS", edited=True)
    assert sequence_of([]) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("ON", "on"),
        ("edit-OFF", "off"),
        ("mega-press diff", "diff"),
        ("sum", "sum"),
        ("ON - OFF", ""),
        ("A", ""),
    ],
)
def test_parts_of_an_edited_scan(text, part):
    assert part_of(text) == part


class TestWhatDataSay:
    def test_header_and_flag(self):
        found = of_data(data(EchoTime=0.03, SequenceName="svs_se", ProtocolName="STEAM"))
        assert found == Acquisition(0.03, PRESS)
        assert of_data(data(EchoTime=0.03, ProtocolName="PRESS"), 0.035) == Acquisition(0.035, PRESS)
        assert of_data(data()) == Acquisition()
        path = {"Value": r"%SiemensSeq%\svs_se", "Description": "Sequence binary path."}
        assert of_data(data(PulseSequenceFile=path)).sequence == PRESS

    @pytest.mark.parametrize("said", [30, -0.03, 1e-5, float("nan"), "30", True, [0.03, 0.04]])
    def test_an_echo_time_that_is_none_in_s_is_not_believed(self, said):
        found = of_data(data(EchoTime=said))
        assert found.echo_time_s is None
        assert len(found.notes) == 1
        assert "no echo time in s" in found.notes[0]

    def test_an_fid_has_no_echo_and_a_basis_set_that_says_0_does_not_know(self):
        assert of_data(data(EchoTime=0)).echo_time_s == 0.0
        assert of_basis(basis(echo_time_s=0.0)).echo_time_s is None

    def test_a_dimension_of_one_element_counts_before_the_header(self):
        for said in ([0.035], {"start": 0.035, "increment": 0.01}, {"Value": [0.035], "Description": ""}):
            headers = {"DIM_INDIRECT_0": {"header": {"EchoTime": said}}}
            one = data(("DIM_INDIRECT_0",), (1,), headers, EchoTime=0.2)
            assert of_data(one).echo_time_s == 0.035

    def test_conditions_of_an_edited_scan(self):
        def of(conditions, size):
            headers = {"DIM_EDIT": {"header": {"EditCondition": conditions}}}
            return of_data(data(("DIM_EDIT",), (size,), headers)).sequence

        assert of(["OFF"], 1) == Sequence("", edited=True, part="off")
        assert of(["ON"], 1) == Sequence("", edited=True, part="on")
        assert of(["A"], 1) == Sequence("", edited=True)
        assert of(["ON", "OFF"], 2) == Sequence("", edited=True)
        assert of_data(data(EditCondition="ON")).sequence.part == "on"
        assert of_data(data(EditPulse={"ON": {}, "OFF": {}})).sequence == Sequence("", edited=True)

    def test_what_was_made_of_them_stands_in_the_record(self, rng):
        fid = rng.standard_normal((1, 1, 1, 64, 2)) + 0j
        both = MRSData(fid, 5e-4, 123.2, "1H", ("DIM_EDIT",), header={"SequenceName": "svs_edit"})
        assert of_data(subtract(both, dim="DIM_EDIT").data).sequence == Sequence("", edited=True, part="diff")
        assert of_data(average(both, dim="DIM_EDIT").data).sequence.part == "sum"
        details = "fsl_mrs.utils.preproc.nifti_mrs_proc.add, dim=DIM_EDIT"
        record = {"Method": "Addition of sub-spectra", "Details": details}
        assert of_data(data(processing=(record,))).sequence == Sequence("", edited=True, part="sum")

    def test_two_files_subtracted_are_a_difference_of_an_edited_scan_only(self):
        record = {
            "Method": "Subtraction of sub-spectra",
            "Details": "subtract, reference=off.nii.gz, dim=None",
        }
        edited = data(processing=(record,), SequenceName="eja_svs_mpress")
        assert of_data(edited).sequence == DIFFERENCE
        # A PRESS scan less its macromolecules.
        assert of_data(data(processing=(record,), SequenceName="svs_se")).sequence == PRESS


def test_what_basis_sets_say():
    assert of_basis(basis("mega-press diff", 0.068)) == Acquisition(0.068, DIFFERENCE)
    assert of_basis(basis("press", 0.03)) == Acquisition(0.03, PRESS)
    assert of_basis(basis()) == Acquisition()
    assert "the basis set says" in of_basis(basis("press", 30.0)).notes[0]


# One TE, sequence and editing: nothing is said.
SAID = {
    0.0: (),
    2.9e-3: (),
    3e-3: (),
    3.1e-3: ("doubts",),
    10e-3: ("doubts",),
    10.1e-3: ("refusals",),
}


@pytest.mark.parametrize("away_s", SAID)
@pytest.mark.parametrize("sign", [-1, 1])
def test_thresholds_of_the_echo_time(away_s, sign):
    found = compare(Acquisition(0.035 + sign * away_s, PRESS), Acquisition(0.035, PRESS))
    assert found.compared == ("echo time", "sequence", "editing")
    assert tuple(name for name in ("notes", "doubts", "refusals") if getattr(found, name)) == SAID[away_s]
    for text in (*found.doubts, *found.refusals):
        assert f"of TE 35 ms, the data of TE {35 + sign * away_s * 1e3:g} ms" in text


def test_another_sequence_is_a_doubt():
    found = compare(Acquisition(0.028, PRESS), Acquisition(0.028, Sequence("sLASER", edited=False)))
    assert found.doubts == ("the basis set is of sLASER, the data of PRESS: signals of coupled spins differ",)
    assert not found.refusals


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (PRESS, PRESS, ""),
        (DIFFERENCE, DIFFERENCE, ""),
        (OFF, OFF, ""),
        (PRESS, OFF, "notes"),
        (PRESS, DIFFERENCE, "refusals"),
        (PRESS, Sequence("PRESS", edited=True), "refusals"),
        (PRESS, Sequence("PRESS", edited=True, part="on"), "refusals"),
        (PRESS, Sequence("PRESS", edited=True, part="sum"), "refusals"),
        (OFF, DIFFERENCE, "refusals"),
        (OFF, Sequence("PRESS", edited=True, part="on"), "refusals"),
        (OFF, Sequence("PRESS", edited=True), "notes"),
        (DIFFERENCE, Sequence("PRESS", edited=True), "notes"),
        (DIFFERENCE, Sequence("PRESS", edited=True, part="sum"), "notes"),
    ],
)
def test_editing(one, other, said, turned):
    sides = (other, one) if turned else (one, other)
    found = compare(*(Acquisition(0.068, side) for side in sides))
    assert [name for name in ("notes", "doubts", "refusals") if getattr(found, name)] == [said] * bool(said)


def test_what_is_not_said_is_a_note_and_no_doubt():
    known = Acquisition(0.068, DIFFERENCE)
    found = compare(Acquisition(), known)
    assert found == AcquisitionComparison(
        notes=("the data do not say their echo time and sequence: not compared with the basis set's",)
    )
    found = compare(known, Acquisition(0.068, UNKNOWN))
    assert found.notes == ("the basis set does not say its sequence: not compared with the data's",)
    assert found.compared == ("echo time",)
    assert len(compare(Acquisition(), Acquisition()).notes) == 2
