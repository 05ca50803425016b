"""Data at the edges of what the averaged fit is made for: no noise, no metabolites, nothing left to fit."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.background import density_prior, with_member
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, fitter_for
from fsl_mrs_dl.fit.lcm.evidence import Weighing, _factor
from fsl_mrs_dl.fit.quantification import chosen_members, water_tail, with_background
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.physics import add_noise, damp, on_points, shift
from fsl_mrs_dl.simulate.shipped import shipped_basis

N, DT, REF = 1024, 5e-4, 4.65
AMOUNTS = {"NAA": 11.0, "Cr": 4.0, "PCr": 4.0, "Ins": 6.0, "Glu": 9.0}
AUTO = FitSettings(baseline=Baseline("auto"))


@pytest.fixture(scope="module")
def whole():
    """The shipped set at the points of the tests."""
    found = read_basis(shipped_basis("press_3t_te30"))
    return on_points(found, N, DT, found.spectrometer_frequency_mhz)


def chosen(whole, names):
    rows = [whole.names.index(name) for name in names]
    few = replace(whole, fids=whole.fids[rows], names=tuple(names))
    return with_member(few, density_prior())


@pytest.mark.parametrize("gamma", [0.0, 10.0])
def test_without_noise_the_truth_is_found_within_tiny_sds(whole, gamma):
    basis = chosen(whole, AMOUNTS)
    truth = np.array([*AMOUNTS.values(), 9.0])
    clean = damp(truth @ np.asarray(basis.fids), gamma, 0.6 * gamma, DT)
    found = fitter_for(basis, AUTO, reference_ppm=REF)(clean[None])
    assert found.flag[0] == ""
    assert (found.crlb[0] > 0).all()
    # Damping is tabulated to 1e-8 of its energy, and what is integrated out is linear around the estimate.
    assert np.abs(found.amplitudes[0] - truth).max() < 1e-2
    assert found.crlb[0, :-1].max() < 1e-2


@pytest.mark.parametrize("kept", ["NAA", "Tau", "Lac"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_spectra_without_any_of_the_metabolites_are_fitted(whole, kept, sign):
    """Their unit, the amplitude of 1 mmol/kg, comes from nothing that was found, and not from neighbours."""
    basis = chosen(whole, [kept])
    fitter = fitter_for(basis, AUTO, reference_ppm=REF)
    time_s = DT * np.arange(N)
    line = sign * np.exp(-300 * time_s - 2j * np.pi * 380 * time_s)
    alone, beside = fitter(line[None]), fitter(np.stack([line, 1e8 * line]))
    assert np.isfinite(alone.amplitudes).all()
    assert np.isfinite(alone.covariance).all()
    assert alone.unit[0] > 0
    assert beside.unit[0] == pytest.approx(alone.unit[0], rel=1e-3)


def test_hypotheses_that_hardly_weigh_have_no_say():
    none = np.zeros((1, 3, 1))
    found = Weighing(np.array([[0.0, -1.0, -260.0]]), none[..., 0], none, none, none[..., None], none)
    weights = found.weights()
    assert weights.sum() == pytest.approx(1)
    assert weights[0, 2] == 0.0


def test_members_that_hypotheses_stand_in_for_cannot_be_all_of_them(whole):
    data = MRSData(np.ones((1, 1, 1, N), complex), DT, whole.spectrometer_frequency_mhz)
    only = chosen_members(whole, ("MM09", "MM12"), None)
    with pytest.raises(OptionError, match="keep a metabolite"):
        with_background(only, AUTO, data, None)


@pytest.mark.parametrize(("nucleus", "points"), [("2H", 64), ("1H", 64)])
def test_the_look_at_residual_water_asks_for_no_number_of_points(nucleus, points):
    data = MRSData(np.ones((1, 1, 1, points), complex), 5e-4, 123.2, nucleus)
    voxels = np.zeros((1, 3), dtype=np.intp)
    assert 0 <= water_tail(data, voxels, (0.2, 4.2), Baseline("poly", order=2)) <= 1


def test_metabolites_pulled_apart_by_their_own_shifts_keep_their_amounts(whole, rng):
    """Narrow lines at a high SNR, Cr and NAA 1.7 Hz nearer than they should be: more than one linear step."""
    amounts = {"NAA": 11.0, "Cr": 4.2, "PCr": 3.8, "Glu": 9.0, "Ins": 6.0, "GPC": 1.4}
    part = chosen(whole, list(amounts))
    moved = {"NAA": -0.9, "Cr": 0.8, "PCr": 0.8}
    fids = np.zeros((6, N), complex)
    for name, amount in amounts.items():
        fid = np.asarray(part.fids)[part.names.index(name)][None]
        fids += amount * shift(damp(fid, 3.0, 4.0, DT), np.array([moved.get(name, 0.0)]), DT)
    fids = add_noise(fids, 0.3, rng)
    found = fitter_for(part, AUTO, reference_ppm=REF)(fids)
    rows = {name: found.amplitudes[:, part.names.index(name)].mean() for name in amounts}
    assert rows["NAA"] == pytest.approx(11.0, rel=0.02)
    assert rows["Cr"] + rows["PCr"] == pytest.approx(8.0, rel=0.02)
    apart = found.member_hz[:, part.names.index("NAA")] - found.member_hz[:, part.names.index("GPC")]
    assert apart == pytest.approx(np.full(6, -0.9), abs=0.15)


def test_products_that_rounding_has_spoiled_sink_no_other_spectrum():
    sound = np.array([[2.0, 0.5], [0.5, 1.0]])
    spoiled = np.array([[1.0, 1.0 + 1e-6], [1.0 + 1e-6, 1.0]])  # a correlation above one
    together, alone = _factor(np.stack([sound, spoiled])), _factor(sound[None])
    assert np.array_equal(together[0], alone[0])
    assert np.isfinite(together).all()
    assert together[1] @ together[1].T == pytest.approx(spoiled, abs=1e-3)
