"""Basis sets that others made, against each other and against FSL-MRS."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.fit.basis import basis_for
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.basis import canonical_name, read_basis
from fsl_mrs_dl.physics import covered_points, fid_to_spectrum, ppm_axis, ppm_window, sound_basis

pytestmark = pytest.mark.realdata

CHALLENGE_TEXT = "ismrm2016_basis/basisset_text_noTMS"
CHALLENGE = "ismrm2016_basis/press3T_30ms.BASIS"
OSPREY = "invivo/press_3t/3T_PRESS_Philips_35ms_noMM.BASIS"
SLASER = "slaser_basis/basis_sets/"
FILES = (
    CHALLENGE_TEXT,
    CHALLENGE,
    OSPREY,
    SLASER + "basis_3T",
    SLASER + "basis_7T",
    SLASER + "slaser_123_mhz.basis",
    SLASER + "slaser_297_mhz.basis",
)


@cache
def read(path: Path) -> Basis:
    said = {"dwelltime_s": 1 / 4000, "spectrometer_frequency_mhz": 123.261703} if path.is_dir() else {}
    return read_basis(path, **said)


def residual(one, other, name, window=(0.2, 4.2)):
    """What of a metabolite the other basis set does not explain in a window, up to a factor; relative."""
    points = min(one.fids.shape[1], other.fids.shape[1])
    ppm = ppm_axis(points, one.dwelltime_s, one.spectrometer_frequency_mhz, 4.65)
    inside = ppm_window(ppm, window)
    y, x = (fid_to_spectrum(b.fids[b.names.index(name)][:points])[inside] for b in (one, other))
    return np.linalg.norm(y - x * np.vdot(x, y) / np.vdot(x, x)) / np.linalg.norm(y)


@pytest.mark.parametrize("path", FILES)
def test_creatine_and_naa_lie_where_they_belong(shared_data, path):
    basis = sound_basis(read(shared_data / path))
    points = 8 * basis.fids.shape[1]
    ppm = ppm_axis(points, basis.dwelltime_s, basis.spectrometer_frequency_mhz, 4.65)
    inside = ppm_window(ppm, (1.5, 3.4))
    for name, expected in (("Cr", 3.03), ("NAA", 2.01)):
        spectrum = np.abs(np.fft.fftshift(np.fft.fft(basis.fids[basis.names.index(name)], points)))
        assert ppm[inside][spectrum[inside].argmax()] == pytest.approx(expected, abs=0.02)
    assert any("confirmed by Cr, NAA, PCr" in note for note in basis.notes)


def test_what_the_files_get_wrong_is_mended_and_said(shared_data):
    text, osprey = (sound_basis(read(shared_data / path)) for path in (CHALLENGE_TEXT, OSPREY))
    assert text.notes[0] == "first point of Mac was wrong (10.51) and is predicted (42.03)"
    assert osprey.notes[0].startswith("first points were halved")
    assert osprey.notes[2].startswith("moved by +0.0300 ppm")
    slaser = sound_basis(read(shared_data / SLASER / "basis_3T"))
    assert slaser.notes[0] == "first points were halved: 29 doubled, 0 predicted"
    assert read(shared_data / CHALLENGE).notes == ("zero-filling removed: 2048 of 4096 points",)


def test_both_forms_of_the_challenge_agree_but_for_the_reference_line(shared_data):
    text, lcmodel = (read(shared_data / path) for path in (CHALLENGE_TEXT, CHALLENGE))
    assert set(text.names) - set(lcmodel.names) == {"Ace"}
    ppm = ppm_axis(2048, 1 / 4000, 123.261703, 4.65)
    for name in set(lcmodel.names) - {"Mac"}:  # LCModel's was moved by 6 Hz and widened by its makers
        # The tail of the 0 ppm line, 2 Hz wide and of amplitude 0.1, is left of up to 5 protons.
        assert residual(lcmodel, text, name) < 0.02
        y, x = (fid_to_spectrum(b.fids[b.names.index(name)]) for b in (lcmodel, text))
        inside = ppm_window(ppm, (0.2, 4.2))
        left = y - x * np.vdot(x[inside], y[inside]) / np.vdot(x[inside], x[inside])
        share = np.linalg.norm(left[np.abs(ppm) < 0.15]) ** 2 / np.linalg.norm(left) ** 2
        assert share > 0.96


@pytest.mark.parametrize(("json", "lcmodel"), [("basis_3T", "slaser_123_mhz.basis")])
def test_json_and_lcmodel_forms_agree(shared_data, json, lcmodel):
    one, other = (read(shared_data / SLASER / name) for name in (json, lcmodel))
    assert one.names == other.names
    # The LCModel file has six digits and one point less.
    assert max(residual(other, one, name) for name in one.names) < 1e-2


def test_a_basis_set_meets_the_scan_it_was_made_for(shared_data):
    scan = nifti.read(shared_data / "invivo/press_3t/unedited_sub-01_act.nii.gz")
    basis = basis_for(scan, read(shared_data / OSPREY))
    assert basis.fids.shape[1] == scan.n_points
    assert basis.spectrometer_frequency_mhz == scan.spectrometer_frequency_mhz


def test_a_basis_set_of_another_magnet_is_refused_and_may_be_asked_for(shared_data):
    scan = nifti.read(shared_data / "invivo/press_3t/sub-01_press.nii.gz")
    challenge = read(shared_data / CHALLENGE)
    with pytest.raises(DataError, match=r"123\.262 MHz.*127\.755 MHz"):
        basis_for(scan, challenge)
    points = covered_points(challenge, scan.dwelltime_s, scan.spectrometer_frequency_mhz)
    with pytest.raises(DataError, match=f"use the first {points} points"):
        basis_for(scan, challenge, field_tolerance=0.04)
    shorter = scan.with_fid(scan.fid[..., :points])
    assert basis_for(shorter, challenge, field_tolerance=0.04).fids.shape[1] == points


@pytest.mark.fslmrs
@pytest.mark.parametrize("path", [path for path in FILES if path != CHALLENGE_TEXT])
def test_fsl_mrs_reads_the_same_numbers(shared_data, path):
    from fsl_mrs.utils import mrs_io

    theirs = mrs_io.read_basis(str(shared_data / path))
    ours = read(shared_data / path)
    assert ours.names == tuple(canonical_name(name) for name in theirs.names)
    np.testing.assert_allclose(ours.fids.T, theirs._raw_fids[: ours.fids.shape[1]], rtol=1e-12, atol=0)
    assert ours.dwelltime_s == pytest.approx(theirs.original_dwell)
