"""Sign, centre and scale of a basis set, told by its landmarks: against sets that are made about other centres."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.background import density_prior, with_member
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.physics import centred, oriented, sound_basis

MHZ, DWELL, POINTS = 123.25, 4e-4, 2048
TIME_S = np.arange(POINTS) * DWELL
# Lines of a member: chemical shift in ppm, protons.
LINES = {
    "Cr": [(3.027, 3), (3.913, 2)],
    "Glu": [(2.04, 1), (2.12, 1), (2.35, 2), (3.75, 1)],
    "NAA": [(2.008, 3), (2.49, 0.5), (2.67, 0.5), (4.38, 0.5)],
    "PCr": [(3.029, 3), (3.930, 2)],
    "Tau": [(3.25, 2), (3.42, 2)],
}


def made(centre_ppm=4.65, lines=LINES, rate=2 * np.pi):
    """Return a basis set of singlets whose frequency zero is at a chemical shift, written out from the lines."""
    fids = [
        sum(n * np.exp((2j * np.pi * (ppm - centre_ppm) * MHZ - rate) * TIME_S) for ppm, n in peaks)
        for peaks in lines.values()
    ]
    return Basis(np.array(fids), tuple(lines), DWELL, MHZ, name="made")


def data(**more):
    return MRSData(np.ones((1, 1, 1, 1024), complex), DWELL, MHZ, **more)


CENTRES = (0.0, 2.0, 2.3, 2.7, 3.0, 3.5, 4.2, 4.5, 4.55, 4.75, 4.8, 5.0, 5.5, 7.0)


@pytest.mark.parametrize("conjugated", [False, True])
@pytest.mark.parametrize("centre", CENTRES)
def test_a_set_about_another_centre_is_refused_with_that_centre_and_right_with_it(centre, conjugated):
    basis = made(centre)
    basis = replace(basis, fids=basis.fids.conj()) if conjugated else basis
    with pytest.raises(DataError, match=rf"give quantify --basis_centre_ppm {centre:g}\.$"):
        sound_basis(basis)
    found = sound_basis(basis, centre_ppm=centre)
    np.testing.assert_allclose(found.fids, made().fids, atol=1e-9)
    assert found.reference_ppm == 4.65
    assert ("conjugated by" in found.notes[0]) is conjugated
    assert found.notes[1].startswith(f"centre {centre:g} ppm, as asked for")


@pytest.mark.parametrize("centre", [4.6, 4.68, 4.7])
def test_a_centre_that_both_landmarks_put_near_is_taken_out_unasked(centre):
    found = sound_basis(made(centre))
    # A place is read to half of a bin of eightfold zero-filling.
    error_ppm = 0.5 / (8 * POINTS * DWELL * MHZ)
    moved_ppm = float(found.notes[1].split()[2])
    assert moved_ppm == pytest.approx(centre - 4.65, abs=error_ppm + 5e-5)


def test_both_options_given_nothing_is_refused():
    found = sound_basis(made(3.0), conjugate=False, centre_ppm=3.3)
    np.testing.assert_allclose(found.fids, made(4.35).fids, atol=1e-9)
    assert "Cr, NAA, PCr lie elsewhere" in found.notes[1]
    with pytest.raises(DataError, match=r"a centre of 3\.3 ppm"):
        sound_basis(made(3.0), centre_ppm=3.3)


@pytest.mark.parametrize(("centre", "told"), [(3.0, False), (3.02, False), (3.05, True)])
def test_a_centre_that_is_asked_for_is_taken_and_what_the_landmarks_say_against_it_is_told(
    centre, told, caplog
):
    found = sound_basis(made(3.0), centre_ppm=centre)
    np.testing.assert_allclose(found.fids, made(3.0 + 4.65 - centre).fids, atol=1e-9)
    assert ("methyl lines lie within 0.050 ppm" in caplog.text) is told


def test_the_sign_that_is_asked_for_counts_even_against_the_landmarks(caplog):
    found = sound_basis(made(), conjugate=True)
    np.testing.assert_array_equal(found.fids, made().fids.conj())
    assert "against Cr, NAA, PCr" in caplog.text


def test_a_line_at_the_place_of_another_metabolites_methyl_is_no_landmark():
    # About 5.54 ppm the CH2 of creatine lies where its CH3 should be, with 4 of its 13 units of energy.
    only = {name: LINES[name] for name in ("Cr", "Glu", "PCr")}
    with pytest.raises(DataError, match=r"Cr at 2\.1\d instead of 3\.03"):
        sound_basis(made(5.54, only))


def test_a_third_of_the_energy_makes_no_landmark():
    lines = {"Cr": [(3.027, 1), (3.5, 1), (3.7, 1)], "Glu": LINES["Glu"]}
    notes = sound_basis(made(lines=lines)).notes
    assert [note.split(":")[0] for note in notes] == ["sign of the file format", "centre of the file format"]


def test_a_line_at_the_edge_of_the_window_is_not_believed():
    lines = {"NAA": [(2.008, 3)], "Glu": LINES["Glu"]}
    assert sound_basis(made(4.73, lines)).notes[1].startswith("centre of the file format, with NAA")
    with pytest.raises(DataError, match=r"NAA at 1\.9\d instead of 2\.01 ppm"):
        sound_basis(made(4.745, lines))


def test_one_landmark_alone_cannot_say_the_centre():
    with pytest.raises(
        DataError,
        match="give quantify --basis_centre_ppm and --conj_basis or --no_conj_basis if you know both",
    ):
        sound_basis(made(3.0, {name: LINES[name] for name in ("Cr", "Glu")}))


def test_editing_that_takes_a_methyl_line_away_is_no_displacement():
    lines = {**LINES, "NAA": [(2.49, 1), (2.55, 1), (2.67, 0.5)]}
    found = sound_basis(made(lines=lines))
    assert found.notes[0].startswith("sign confirmed by Cr, PCr")
    alone = sound_basis(made(lines={"Glu": LINES["Glu"], "NAA": lines["NAA"]}))
    assert [note.split(":")[0] for note in alone.notes] == [
        "sign of the file format",
        "centre of the file format",
    ]


@pytest.mark.parametrize("conjugated", [False, True])
def test_a_member_of_another_size_hides_nothing(conjugated, caplog):
    broad = made(lines={"Mac": [(0.9, 3), (1.4, 3), (2.05, 4), (3.0, 3)]}, rate=200.0)
    basis = made()
    basis = replace(basis, fids=np.concatenate([basis.fids, 2000 * broad.fids]), names=(*basis.names, "Mac"))
    stored = replace(basis, fids=basis.fids.conj()) if conjugated else basis
    found = basis_for(data(), stored)
    np.testing.assert_allclose(found.fids, basis.fids[:, :1024], rtol=1e-12)
    assert found.notes[0].startswith("conjugated by Cr" if conjugated else "sign confirmed by Cr")
    # Of Cr 5, Glu 5, Mac, NAA 4.5, PCr 5 and Tau 4 protons, a quarter is larger than 5.
    assert f"Mac is {2000 * 13 / 5:.3g} times the usual member" in found.notes[2]
    assert "Mac is" in caplog.text


def test_reference_lines_do_not_outvote_the_landmarks():
    lines = {name: [*peaks, (0.0, 4), (8.44, 4)] for name, peaks in LINES.items()}
    assert sound_basis(made(lines=lines)).notes[0].startswith("sign confirmed by Cr, NAA, PCr")


def test_members_that_are_left_out_still_tell_sign_and_centre():
    whole = replace(made(4.68), fids=made(4.68).fids.conj())
    row = whole.names.index("Glu")
    some = replace(whole, fids=whole.fids[row : row + 1], names=("Glu",))
    found = basis_for(data(), some, witnesses=whole)
    expected = sound_basis(made(4.68)).fids[row, :1024]
    np.testing.assert_allclose(found.fids[0], expected, rtol=1e-12)
    assert found.notes[0].startswith("conjugated by Cr, NAA, PCr")
    assert found.notes[1].startswith("moved by +0.03")
    alone = basis_for(data(), some)
    np.testing.assert_array_equal(alone.fids[0], whole.fids[row, :1024])


def test_what_is_wrong_with_members_that_are_left_out_is_no_matter():
    basis = made()
    fids = np.array(basis.fids)
    fids[0] = fids[0].conj()  # Cr, against NAA and PCr
    broken = replace(basis, fids=fids)
    with pytest.raises(DataError, match="NAA, PCr the right way round and Cr reversed"):
        oriented(broken)
    kept = replace(broken, fids=fids[1:], names=broken.names[1:])
    assert basis_for(data(), kept, witnesses=broken).notes[0].startswith("sign confirmed by NAA, PCr")


def test_another_field_is_told_before_what_it_does_to_the_axis():
    with pytest.raises(DataError, match=r"of 300 MHz, the data are of 123\.25 MHz"):
        basis_for(data(), replace(made(3.0), spectrometer_frequency_mhz=300.0))


def test_a_landmark_that_is_left_out_refuses_nothing_unless_another_agrees(caplog):
    whole = made(3.0)
    rows = {name: whole.names.index(name) for name in whole.names}
    glu = replace(whole, fids=whole.fids[[rows["Glu"]]], names=("Glu",))
    some = replace(whole, fids=whole.fids[[rows["Glu"], rows["NAA"]]], names=("Glu", "NAA"))
    found = basis_for(data(), glu, witnesses=some)
    np.testing.assert_array_equal(found.fids[0], whole.fids[rows["Glu"], :1024])
    assert "centre of the file format, against NAA at 3.66 instead of 2.01 ppm, not used" in found.notes[1]
    assert "against NAA" in caplog.text
    with pytest.raises(DataError, match="give quantify --basis_centre_ppm 3"):
        basis_for(data(), glu, witnesses=whole)


def test_a_single_landmark_that_is_a_little_off_moves_nothing():
    found = centred(made(4.70, {name: LINES[name] for name in ("Cr", "PCr", "Glu")}))
    assert found.notes[0].startswith(
        "centre of the file format, with Cr, PCr, whose methyl lines lie within 0.05"
    )


def test_the_background_lies_about_the_centre_of_data_that_say_another():
    found = basis_for(data(header={"SpecFreqChemShift": 3.0}), made())
    np.testing.assert_allclose(found.fids, made(3.0).fids[:, :1024], atol=1e-9)
    assert found.reference_ppm == 3.0
    usual, moved = (with_member(one, density_prior()).fids[-1] for one in (basis_for(data(), made()), found))
    turn = np.exp(2j * np.pi * (4.65 - 3.0) * MHZ * TIME_S[:1024])
    np.testing.assert_allclose(moved, usual * turn, atol=1e-9 * np.abs(usual).max())


@pytest.mark.parametrize(("centre", "gone"), [(4.65, {"MM09", "NAD"}), (3.0, {"NAD"}), (6.5, {"MM09"})])
def test_a_narrow_band_lies_about_the_centre_of_the_data(centre, gone):
    lines = {**LINES, "MM09": [(0.91, 3)], "NAD": [(8.9, 1)]}
    narrow = MRSData(np.ones((1, 1, 1, 512), complex), 1 / 833, MHZ, header={"SpecFreqChemShift": centre})
    found = basis_for(narrow, made(lines=lines))
    assert set(found.left_out) == set(lines) - set(found.names) == gone
    # What lies outside of members that stay folds, as it does at these points.
    time_s = np.arange(512) / 833
    for name, fid in zip(found.names, found.fids, strict=True):
        rates = [(2j * np.pi * (ppm - centre) * MHZ - 2 * np.pi, n) for ppm, n in lines[name]]
        np.testing.assert_allclose(fid, sum(n * np.exp(rate * time_s) for rate, n in rates), atol=1e-4)


def test_scale_is_that_of_protons_coupled_to_none(caplog):
    assert basis_for(data(), replace(made(), fids=0.2 * made().fids)).notes[2] == (
        "scale: one proton is 0.2 by Cr, 0.2 by PCr"
    )
    assert not caplog.text
    tiny = made(lines={**LINES, "Tau": [(3.25, 0.01)]})
    assert basis_for(data(), tiny).notes[2].endswith("in another unit or as in a difference: Tau 0.002 times")
    assert not caplog.text
    remainder = {"Cr": [(3.027, 0.01)], "PCr": [(3.029, 0.03)]}
    basis_for(data(), made(lines={**LINES, **remainder}))
    assert not caplog.text
    one = made(lines={**LINES, "PCr": [(ppm, 3 * n) for ppm, n in LINES["PCr"]]})
    assert "Cr and PCr are of different units" in basis_for(data(), one).notes[2]
    assert "their sum and ratios to it are wrong" in caplog.text
    none = made(lines={name: LINES[name] for name in ("Glu", "Tau")})
    assert "none has known protons" in basis_for(data(), none).notes[2]
