"""``quantify --method amortised``: columns, verdicts and flags as those of the fit, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fsl_mrs_dl.data import FLAGS, REPLACED, MRSData
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.io.results import EXTRA_COLUMNS
from fsl_mrs_dl.physics import on_points, shift
from fsl_mrs_dl.report.terminal import quantify_text
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify import quantify
from tests.benchmarks.mrsi import POINTS, simulate_grid

BASIS = read_basis(shipped_basis("press_3t_te30"))
DWELLTIME_S = 6e-4


def _mrsi(fids):
    return MRSData(
        fids.reshape(-1, 1, 1, POINTS), DWELLTIME_S, BASIS.spectrometer_frequency_mhz, affine=np.eye(4)
    )


@pytest.fixture(scope="module")
def simulated():
    sampled = on_points(BASIS, POINTS, DWELLTIME_S, BASIS.spectrometer_frequency_mhz)
    amplitudes, fids = simulate_grid(sampled, 24, np.random.default_rng(5), noise_sd=3.0)
    return dict(zip(sampled.names, amplitudes.T, strict=True)), fids


@pytest.fixture(scope="module")
def outcomes(simulated):
    data = _mrsi(simulated[1])
    return {method: quantify(data, basis=BASIS, method=method) for method in ("amortised", "lcm")}


def test_it_has_the_columns_of_the_fit(outcomes):
    amortised, fitted = (outcomes[method].outcome for method in ("amortised", "lcm"))
    assert amortised.names == fitted.names
    for scaling in ("raw", "internal"):
        extra = amortised.scaled[scaling].extra
        assert set(extra) == set(fitted.scaled[scaling].extra) <= set(EXTRA_COLUMNS)
        assert all(np.isfinite(extra[name]).all() for name in extra)
        assert (extra["ci95_low"] <= extra["ci68_low"]).all()
        assert (extra["ci68_high"] <= extra["ci95_high"]).all()
    assert set(amortised.quality) == set(fitted.quality)


def test_ratios_hold_the_truth_as_those_of_the_fit_do(simulated, outcomes):
    truth = simulated[0]
    creatine = truth["Cr"] + truth["PCr"]
    names = ("NAA", "NAAG", "GPC", "PCh", "Ins", "Glu", "Gln", "GSH", "Tau", "Asp")
    inside = []
    for name in names:
        extra = outcomes["amortised"].outcome.scaled["internal"].extra
        at = outcomes["amortised"].outcome.column(name)
        value = truth[name] / creatine
        inside.append((extra["ci95_low"][:, at] <= value) & (value <= extra["ci95_high"][:, at]))
    # 240 intervals of 95 %, which depend on each other within a voxel: four standard errors of 24 x 5.
    assert np.mean(inside) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 120)


def test_the_record_names_method_and_package(outcomes):
    settled = outcomes["amortised"].settled
    assert settled["method"] == "amortised"
    assert settled["model"].startswith("quantify-start-1h@")
    assert any("amortised" in note for note in outcomes["amortised"].outcome.notes)


def test_verdicts_are_those_of_the_fit(outcomes):
    amortised, fitted = (outcomes[method].outcome for method in ("amortised", "lcm"))
    assert np.mean(amortised.verdict == fitted.verdict) > 0.8


def test_what_it_does_not_reach_is_fitted_and_flagged(simulated):
    fids = simulated[1][:4].copy()
    # 0.8 ppm: beyond what the network has seen, and the search of the fit finds it or flags it itself.
    fids[1] = shift(fids[1].astype(complex), np.array(100.0), DWELLTIME_S)
    outcome = quantify(_mrsi(fids), basis=BASIS, method="amortised").outcome
    alone = quantify(_mrsi(fids), basis=BASIS).outcome
    bits = {token: 1 << FLAGS[token].bit for token in (REPLACED, "out_of_range", "no_convergence")}
    assert outcome.flags[1] & sum(bits.values())
    assert not outcome.flags[[0, 2, 3]].any()
    np.testing.assert_allclose(outcome.scaled["raw"].value[1], alone.scaled["raw"].value[1], rtol=1e-6)


def test_the_terminal_says_how_many_were_fitted(outcomes):
    by_it = outcomes["amortised"].outcome
    flags = by_it.flags.copy()
    flags[:] = 0
    assert "whole fit" not in quantify_text(replace(by_it, flags=flags), Path("out"), ())
    flags[2] = 1 << FLAGS[REPLACED].bit
    text = quantify_text(replace(by_it, flags=flags), Path("out"), ())
    assert f"1 of {len(flags)} spectra: the amortised" in text


def test_a_voxel_that_is_no_number_leaves_the_others_alone(simulated, outcomes):
    fids = simulated[1].copy()
    fids[3] = np.nan
    outcome = quantify(_mrsi(fids), basis=BASIS, method="amortised").outcome
    whole = outcomes["amortised"].outcome
    assert np.isnan(outcome.scaled["raw"].value[3]).all()
    others = np.delete(np.arange(24), 3)
    spread = whole.scaled["raw"].extra["posterior_sd"][others]
    moved = (
        outcome.scaled["raw"].extra["posterior_mean"][others]
        - whole.scaled["raw"].extra["posterior_mean"][others]
    )
    assert (np.abs(moved) < 0.02 * spread).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"baseline": "poly, 2"}, "leave --baseline"),
        ({"metab_groups": ("separate_all",)}, "--metab_groups"),
        ({"refine": 3}, "--refine"),
        ({"adapt": 1}, "--adapt"),
        ({"parallel": "local"}, "--parallel"),
    ],
)
def test_it_refuses_what_it_cannot_do(simulated, options, words):
    with pytest.raises(OptionError, match=words):
        quantify(_mrsi(simulated[1][:2]), basis=BASIS, method="amortised", **options)
