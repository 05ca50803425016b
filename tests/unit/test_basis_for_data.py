"""A basis set put right and brought to the points of the data, against what was simulated there."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.physics import centred, covered_points, mended, on_points, oriented, shift
from fsl_mrs_dl.physics.resample import PASSBAND, points_before, resample
from fsl_mrs_dl.simulate import brain_singlets

MHZ, DWELL, POINTS = 123.2, 1 / 4000, 2048
# Kaiser's window is 120 dB down: 1e-6 in pass and in stop band, of which each point sees the sum.
KERNEL_ERROR = 5e-6


@pytest.fixture(scope="module")
def basis():
    return brain_singlets(MHZ, DWELL, POINTS, linewidth_hz=2.0)


def data(points=POINTS, dwell=DWELL, mhz=MHZ, **more):
    return MRSData(np.ones((1, 1, 1, points), complex), dwell, mhz, **more)


@pytest.mark.parametrize("dwell", [1 / 2000, 1 / 3000, 1 / 5000, 1 / 6000, 1.0001 / 4000])
@pytest.mark.parametrize("share", [0.02, 0.4, PASSBAND])
@pytest.mark.parametrize("linewidth_hz", [2.0, 40.0])
def test_a_line_is_resampled_exactly_from_its_first_point(dwell, share, linewidth_hz):
    def line(t):
        return np.exp(0.7j + (2j * np.pi * share / (2 * DWELL) - np.pi * linewidth_hz) * t)[None]

    points = int((POINTS - 1) * DWELL / dwell)
    found = resample(line(np.arange(POINTS) * DWELL), DWELL, points, dwell)
    expected = line(np.arange(points) * dwell)
    np.testing.assert_allclose(found, expected, atol=KERNEL_ERROR)
    assert abs(found[0, 0] - expected[0, 0]) < 1e-12
    error = np.abs(np.fft.fft(found - expected)).max() / np.abs(np.fft.fft(expected)).max()
    assert error < KERNEL_ERROR


def test_a_broad_gaussian_is_resampled_too():
    def line(t):
        return np.exp(-((60 * t) ** 2)).astype(complex)[None]

    found = resample(line(np.arange(POINTS) * DWELL), DWELL, 2000, 1 / 5000)
    np.testing.assert_allclose(found, line(np.arange(2000) / 5000), atol=KERNEL_ERROR)


def test_a_basis_set_at_other_points_is_that_simulated_there(basis):
    found = basis_for(data(2400, 1 / 5000), basis)
    expected = brain_singlets(MHZ, 1 / 5000, 2400, linewidth_hz=2.0)
    np.testing.assert_allclose(found.fids, expected.fids, atol=KERNEL_ERROR * np.abs(expected.fids).max())
    assert (found.dwelltime_s, found.spectrometer_frequency_mhz) == (1 / 5000, MHZ)
    assert any("resampled from 0.25 ms" in note for note in found.notes)


def test_the_same_points_stay_as_they_are(basis):
    found = basis_for(data(1000), basis)
    np.testing.assert_array_equal(found.fids, basis.fids[:, :1000])
    assert [note.split(", whose")[0] for note in found.notes] == [
        "sign confirmed by Cr, NAA, PCr",
        "centre confirmed by Cr, NAA, PCr",
        "scale: one proton is 1 by Cr, 1 by PCr",
    ]


def test_a_small_difference_of_field_keeps_every_shift_in_ppm(basis):
    mhz = MHZ * 1.004
    found = basis_for(data(2000, mhz=mhz), basis)
    # Time runs 0.4 % faster, so that the linewidth grows as much.
    expected = brain_singlets(mhz, DWELL, 2000, linewidth_hz=2.0 * 1.004)
    np.testing.assert_allclose(found.fids, expected.fids, atol=KERNEL_ERROR * np.abs(expected.fids).max())
    assert found.spectrometer_frequency_mhz == mhz


def test_another_field_is_refused_with_its_numbers_unless_allowed(basis):
    with pytest.raises(DataError, match=r"123\.2 MHz.*127\.7 MHz \(\+3\.7 %, allowed 0\.5 %\)"):
        basis_for(data(mhz=127.7), basis)
    found = basis_for(data(1900, mhz=127.7), basis, field_tolerance=0.04)
    expected = brain_singlets(127.7, DWELL, 1900, linewidth_hz=2.0 * 127.7 / MHZ)
    np.testing.assert_allclose(found.fids, expected.fids, atol=KERNEL_ERROR * np.abs(expected.fids).max())


def test_the_centre_of_the_data_is_met(basis):
    found = basis_for(data(header={"SpecFreqChemShift": 3.0}), basis)
    expected = shift(np.asarray(basis.fids), 1.65 * MHZ, DWELL)
    np.testing.assert_allclose(found.fids, expected, atol=1e-10)


def test_what_has_not_decayed_is_not_lengthened(basis):
    with pytest.raises(DataError, match=r"decayed to .* use the first 2048 points"):
        basis_for(data(POINTS + 1), basis)
    assert covered_points(basis, DWELL, MHZ) == POINTS
    assert covered_points(basis, 2 * DWELL, MHZ) == POINTS // 2
    assert covered_points(basis, DWELL, 2 * MHZ) == POINTS // 2


@pytest.mark.parametrize("dwell", [DWELL, 1 / 3900])
def test_what_has_decayed_is_lengthened_by_zeros(dwell):
    wide = brain_singlets(MHZ, DWELL, POINTS, linewidth_hz=6.0)
    points = covered_points(wide, dwell, MHZ)
    found = basis_for(data(3000, dwell), wide)
    assert not found.fids[:, points:].any()
    assert np.abs(found.fids[:, points - 1]).min() > 0
    assert any(note.startswith(f"zeros after point {points}") for note in found.notes)


def test_signal_that_would_fold_is_refused():
    seven = brain_singlets(297.2, 1 / 6000, 2048, linewidth_hz=2.0)
    with pytest.raises(DataError, match="outside the data's band, 1500 Hz"):
        on_points(seven, 400, 1 / 1500, 297.2)
    narrow = brain_singlets(297.2, 1 / 2080, 1024, linewidth_hz=2.0)
    with pytest.raises(DataError, match="at the edge of its own band, 2080 Hz"):
        on_points(narrow, 400, 1 / 2500, 297.2)


def test_another_nucleus_is_refused(basis):
    with pytest.raises(DataError, match="31P"):
        basis_for(data(), replace(basis, nucleus="31P"))


def test_a_reversed_basis_set_is_turned_and_the_record_says_who_told(basis):
    found, said = oriented(replace(basis, fids=basis.fids.conj()))
    np.testing.assert_array_equal(found.fids, basis.fids)
    assert said.conjugated
    assert said.by == ("Cr", "NAA", "PCr")
    # Of creatine's 13 squared protons, 3 squared and 2 squared, its methyl line holds 9.
    assert found.notes == (
        "conjugated by Cr, NAA, PCr, whose methyl lines hold 69 % of their energy or more",
    )
    assert not oriented(basis)[1].conjugated


def test_without_landmarks_the_format_is_believed(basis):
    keep = [basis.names.index(name) for name in ("GABA", "Glu")]
    edited = replace(basis, fids=basis.fids[keep].conj(), names=("GABA", "Glu"))
    found, said = oriented(edited)
    np.testing.assert_array_equal(found.fids, edited.fids)
    assert not said.conjugated
    assert not said.by
    assert "sign of the file format" in found.notes[0]


def test_a_landmark_that_editing_took_away_says_nothing(basis):
    fids = np.array(basis.fids)
    for name in ("Cr", "PCr"):
        fids[basis.names.index(name)] = 1e-9 * fids[basis.names.index(name)].conj()
    assert oriented(replace(basis, fids=fids))[1].by == ("NAA",)


def test_landmarks_that_contradict_each_other_are_refused(basis):
    fids = np.array(basis.fids)
    fids[basis.names.index("NAA")] = fids[basis.names.index("NAA")].conj()
    with pytest.raises(DataError, match="Cr, PCr the right way round and NAA reversed"):
        oriented(replace(basis, fids=fids))


def test_the_users_word_counts_before_the_landmarks(basis):
    turned = basis_for(data(), basis, conjugate=True)
    np.testing.assert_array_equal(turned.fids, basis.fids.conj())
    assert turned.notes[0].startswith("conjugated, as asked for, against Cr, NAA, PCr")


def test_another_centre_of_simulation_is_taken_out(basis):
    off = replace(basis, fids=shift(np.asarray(basis.fids), -0.03 * MHZ, DWELL))
    found = centred(off)
    # The place of a peak is read to half a bin of eightfold zero-filling.
    within = 0.5 / (8 * POINTS * DWELL) * 2 * np.pi * POINTS * DWELL
    np.testing.assert_allclose(found.fids, basis.fids, atol=within * np.abs(basis.fids).max())
    assert "from the lines of Cr, NAA, PCr" in found.notes[0]
    np.testing.assert_array_equal(centred(basis).fids, basis.fids)
    assert centred(basis).notes[0].startswith("centre confirmed by Cr, NAA, PCr")


def test_a_wrong_first_point_is_predicted_and_recorded(basis):
    fids = np.array(basis.fids)
    fids[3, 0] *= 0.25
    found = mended(replace(basis, fids=fids))
    np.testing.assert_allclose(found.fids, basis.fids, atol=1e-5 * np.abs(basis.fids[3]).max())
    assert found.notes[0].startswith(f"first point of {basis.names[3]} was wrong")
    assert mended(basis) is basis


def test_halved_first_points_are_doubled(basis):
    fids = np.array(basis.fids)
    fids[:, 0] /= 2
    found = mended(replace(basis, fids=fids))
    np.testing.assert_allclose(found.fids, basis.fids, rtol=1e-12)
    assert found.notes == (f"first points were halved: {len(basis.names)} doubled, 0 predicted",)


def test_noise_has_no_first_point_to_mend(rng):
    fids = rng.standard_normal((3, 256)) + 1j * rng.standard_normal((3, 256))
    noise = Basis(fids, ("a", "b", "c"), DWELL, MHZ)
    assert mended(noise) is noise


def test_a_continuation_that_explodes_is_not_taken():
    fids = np.exp(0.5 * np.arange(256))[None] * (1 + 0j)
    before = points_before(fids[:, ::-1], 32)
    np.testing.assert_array_equal(before, 0)
    assert points_before(fids[:, :2], 4).shape == (1, 4)
