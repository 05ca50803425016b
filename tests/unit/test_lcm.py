"""The linear-combination fit: at the bound, whichever way it is computed, and honest where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import nnls

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.fit.fisher import crlb, fisher_matrix
from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter, curves, fit_spectra
from fsl_mrs_dl.fit.lcm.baseline import smoother
from fsl_mrs_dl.fit.lcm.linear import _active_set, solve_amplitudes
from fsl_mrs_dl.fit.lcm.newton import evaluate
from fsl_mrs_dl.fit.lcm.problem import Parameters, Problem
from fsl_mrs_dl.fit.lcm.tabulated import LARGEST_GAMMA, fast_evaluator

N, DT, F0, REF = 1024, 4e-4, 127.7, 4.65
NAMES = ("NAA", "Cr", "PCr", "PCh", "Ins", "Glu")
LINES = {
    "NAA": [(2.008, 3), (2.67, 1), (2.49, 1)],
    "Cr": [(3.027, 3), (3.913, 2)],
    "PCr": [(3.029, 3), (3.930, 2)],
    "PCh": [(3.208, 9), (4.28, 1), (3.64, 1)],
    "Ins": [(3.52, 2), (3.61, 2), (3.27, 1), (4.05, 1)],
    "Glu": [(2.34, 2), (2.10, 2), (3.75, 1)],
}
TRUTH = np.array([10.0, 5.0, 4.0, 1.0, 6.0, 9.0])
FULL = FitSettings(ppmlim=None, lorentzian=True, first_order_phase=False, non_negative=False)
WINDOW = replace(FULL, ppmlim=(0.2, 4.2))


def basis() -> Basis:
    like = np.zeros(1, dtype=complex)
    fids = [
        sum(h * physics.singlet(N, DT, (ppm - REF) * F0, 2 * np.pi, 0.0, like) for ppm, h in LINES[name])
        for name in NAMES
    ]
    return Basis(np.stack(fids), NAMES, DT, F0)


def spectra(
    n: int, rng: np.random.Generator, sigma: float = 1.5, hz: float = 5.0, rad: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    amplitudes = TRUTH * rng.uniform(0.7, 1.3, (n, len(NAMES)))
    shift_hz, phase_rad, gamma = rng.uniform(-hz, hz, n), rng.uniform(-rad, rad, n), rng.uniform(5, 20, n)
    fids = physics.basis_sum(
        np.asarray(basis().fids), amplitudes, shift_hz[:, None], gamma[:, None], np.zeros((n, 1)), DT
    )
    return physics.add_noise(physics.phase(fids, phase_rad), sigma, rng), amplitudes


def scores(fids: np.ndarray, truth: np.ndarray, settings: FitSettings) -> np.ndarray:
    found = fit_spectra(fids, basis(), settings, reference_ppm=REF)
    assert (found.flag == "").all()
    return (found.amplitudes - truth) / found.crlb


@pytest.mark.parametrize(
    "settings",
    [
        FULL,
        WINDOW,
        replace(WINDOW, baseline=Baseline.parse("poly, 2")),
        replace(WINDOW, groups=(0, 0, 0, 0, 1, 1)),
    ],
    ids=["full band", "window", "polynomial", "two groups"],
)
def test_errors_are_of_the_size_of_the_bound(settings: FitSettings, rng: np.random.Generator) -> None:
    n = 200
    z = scores(*spectra(n, rng), settings)
    # RMS of n normal draws: 1 within 4 / sqrt(2 n); their mean: 0 within 4 / sqrt(n).
    assert np.abs(np.sqrt((z**2).mean(axis=0)) - 1).max() < 4 / np.sqrt(2 * n)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(n)


def test_bound_is_the_textbook_one(rng: np.random.Generator) -> None:
    fids, _ = spectra(1, rng, sigma=1.0)
    found = fit_spectra(fids, basis(), FULL, reference_ppm=REF)
    members = physics.damp(np.asarray(basis().fids), found.gamma[0, 0], 0.0, DT)
    moved = physics.phase(physics.shift(members, found.shift_hz[0, 0], DT), found.phase_rad[0])
    total, t = found.amplitudes[0] @ moved, np.arange(N) * DT
    columns = np.concatenate([moved, [2j * np.pi * t * total, -t * total, 1j * total]])
    expected = crlb(fisher_matrix(columns, float(found.noise_sd[0])))[: len(NAMES)]
    np.testing.assert_allclose(found.crlb[0], expected, rtol=1e-5)


def test_noise_is_found(rng: np.random.Generator) -> None:
    fids, _ = spectra(100, rng, sigma=2.0)
    for settings in (FULL, WINDOW, replace(WINDOW, baseline=Baseline.parse("spline, moderate"))):
        noise = fit_spectra(fids, basis(), settings, reference_ppm=REF).noise_sd
        assert noise.mean() == pytest.approx(2.0, rel=0.02)


def test_any_phase_and_a_tenth_of_a_ppm_are_captured(rng: np.random.Generator) -> None:
    n = 300
    fids, truth = spectra(n, rng, hz=0.1 * F0, rad=np.pi)
    z = scores(fids, truth, WINDOW)
    assert (np.abs(z).max(axis=1) > 6).sum() == 0


@pytest.mark.parametrize(
    "settings",
    [
        replace(FULL, lorentzian=False),
        replace(WINDOW, lorentzian=False, first_order_phase=True),
        replace(WINDOW, non_negative=True, baseline=Baseline.parse("spline, moderate")),
    ],
    ids=["full band", "window", "spline"],
)
def test_fast_way_equals_the_long_way(settings: FitSettings, rng: np.random.Generator) -> None:
    n = 6
    fids, _ = spectra(n, rng)
    problem = Problem.of(basis(), settings, REF)
    gamma = np.array([0.0, 5.0, 30.0, LARGEST_GAMMA, 2 * LARGEST_GAMMA, 12.0])[:, None]
    at = Parameters.shared(np.full((n, 1), 1.5), gamma, np.full((n, 1), 40.0), np.full(n, 0.1), np.zeros(n))
    fast = fast_evaluator(problem)
    assert fast is not None
    ours, theirs = fast(fids, at), evaluate(problem, fids, at)
    free = problem.free
    for name in ("amplitudes", "objective", "gram"):
        largest = np.abs(getattr(theirs, name)).max()
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), atol=1e-6 * largest, err_msg=name
        )
    scale = np.abs(theirs.gradient[:, free]).max(axis=0)
    np.testing.assert_allclose(ours.gradient[:, free] / scale, theirs.gradient[:, free] / scale, atol=1e-5)


def test_batch_and_scale_do_not_matter(rng: np.random.Generator) -> None:
    fids, _ = spectra(40, rng)
    fitter = Fitter(basis(), FitSettings(), reference_ppm=REF)
    together = fitter(fids)
    alone = np.concatenate([fitter(fid[None]).amplitudes for fid in fids])
    np.testing.assert_allclose(together.amplitudes, alone, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(fitter(1e-6 * fids).amplitudes, 1e-6 * alone, rtol=1e-4, atol=1e-10)


def test_curves_add_up_to_what_was_fitted(rng: np.random.Generator) -> None:
    fids, _ = spectra(3, rng, sigma=0.01)
    settings = replace(WINDOW, baseline=Baseline.parse("poly, 1"))
    found = fit_spectra(fids, basis(), settings, reference_ppm=REF)
    drawn = curves(found, basis(), settings, reference_ppm=REF)
    np.testing.assert_allclose(drawn.metabolites.sum(axis=1) + drawn.baseline, drawn.fit)
    ppm = physics.ppm_axis(N, DT, F0, REF)
    inner = (ppm > 0.4) & (ppm < 4.0)
    left = physics.fid_to_spectrum(fids - drawn.fit)[:, inner]
    assert np.sqrt((np.abs(left) ** 2).mean() / 2) == pytest.approx(0.01, rel=0.1)


def test_curves_lie_on_delayed_and_shifted_data(rng: np.random.Generator) -> None:
    few, late_s, shift_hz = 512, 2e-4, -6.0
    cut = replace(basis(), fids=basis().fids[:, :few])
    time_s = np.arange(few) * DT + late_s  # what is measured begins late, and holds nothing of earlier times
    rate = 2j * np.pi * shift_hz - 20.0
    made = sum(
        amplitude * height * np.exp((2j * np.pi * (ppm - REF) * F0 + rate) * time_s)
        for amplitude, name in zip(TRUTH, NAMES, strict=True)
        for ppm, height in LINES[name]
    )[None]
    made = physics.add_noise(physics.phase(made, np.array([0.5])), 0.1, rng)
    settings = FitSettings(baseline=Baseline.parse("poly, 2"))
    found = fit_spectra(made, cut, settings, reference_ppm=REF)
    drawn = curves(found, cut, settings, reference_ppm=REF)
    ppm = physics.ppm_axis(few, DT, F0, REF)
    left = physics.fid_to_spectrum(made - drawn.fit)[:, (ppm > 0.4) & (ppm < 4.0)]
    assert np.sqrt((np.abs(left) ** 2).mean() / 2) == pytest.approx(found.noise_sd[0], rel=0.15)


def test_group_without_signal_does_not_stop_the_bounds(rng: np.random.Generator) -> None:
    fids, _ = spectra(4, rng)
    groups = replace(WINDOW, groups=(0, 0, 0, 0, 1, 2), non_negative=True, first_order_phase=True)
    members = np.array(basis().fids)
    fids = fids - 40 * members[4]  # inverted: held at zero, and nothing tells its shift
    found = fit_spectra(fids, basis(), groups, reference_ppm=REF)
    assert np.isfinite(found.crlb).all()


def test_absent_metabolite_is_not_found(rng: np.random.Generator) -> None:
    _, truth = spectra(50, rng)
    without = truth.copy()
    without[:, 4] = 0
    members = np.asarray(basis().fids)
    made = physics.add_noise(without @ members * np.exp(-8 * np.arange(N) * DT), 1.5, rng)
    found = fit_spectra(made, basis(), FitSettings(), reference_ppm=REF)
    assert np.median(found.amplitudes[:, 4] / found.crlb[:, 4]) < 2
    assert (found.amplitudes >= 0).all()


def test_own_shifts_are_found_where_there_are_some_and_cost_little_where_not(
    rng: np.random.Generator,
) -> None:
    n, t = 60, np.arange(N) * DT
    members = np.asarray(basis().fids)
    own_hz = np.zeros(len(NAMES))
    own_hz[NAMES.index("PCh")] = 1.0
    made = (TRUTH[:, None] * members * np.exp(2j * np.pi * own_hz[:, None] * t)).sum(axis=0) * np.exp(-8 * t)
    fids = physics.add_noise(np.repeat(made[None], n, axis=0), 1.0, rng)
    settings = replace(WINDOW, member_shift_hz=0.5)
    found = fit_spectra(fids, basis(), settings, reference_ppm=REF)
    plain = fit_spectra(fids, basis(), WINDOW, reference_ppm=REF)
    at = NAMES.index("PCh")
    # The prior of 0.5 Hz holds it back a little; the rest of the set moves by none.
    assert found.member_hz[:, at].mean() == pytest.approx(1.0, abs=0.25)
    assert np.abs(found.member_hz[:, NAMES.index("NAA")]).mean() < 0.2
    bias = [np.abs((fit.amplitudes[:, at] - TRUTH[at]).mean()) for fit in (found, plain)]
    assert bias[0] < bias[1] / 2
    # At equal noise nothing is better known for having more to find.
    per_noise = [fit.crlb / fit.noise_sd[:, None] for fit in (found, plain)]
    assert (per_noise[0] > 0.98 * per_noise[1]).all()


def test_broken_spectra_are_flagged_and_the_others_fitted(rng: np.random.Generator) -> None:
    fids, truth = spectra(5, rng)
    fids[1], fids[3] = np.nan, 0
    found = fit_spectra(fids, basis(), FitSettings(), reference_ppm=REF)
    assert list(found.flag) == ["", "nonfinite", "", "zero", ""]
    assert np.isnan(found.amplitudes[[1, 3]]).all()
    good = [0, 2, 4]
    assert np.abs((found.amplitudes[good] - truth[good]) / found.crlb[good]).max() < 6


def test_amplitudes_are_those_of_nnls(rng: np.random.Generator) -> None:
    design = rng.standard_normal((30, 40, 8))
    target = rng.standard_normal((30, 40)) + design[..., :3].sum(axis=-1)
    gram, right = np.einsum("sni,snj->sij", design, design), np.einsum("sni,sn->si", design, target)
    ours, free = solve_amplitudes(gram, right, non_negative=True)
    theirs = np.stack([nnls(d, t)[0] for d, t in zip(design, target, strict=True)])
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_array_equal(free, theirs > 0)


def test_the_active_set_method_is_nnls_where_many_amplitudes_are_held(rng: np.random.Generator) -> None:
    """The way for spectra whose exchanges cycle: correlated members, of which about half are zero."""
    design = rng.standard_normal((40, 30, 12)) + rng.standard_normal((40, 30, 1))
    target = rng.standard_normal((40, 30)) + design @ np.array([1.0, -0.2] * 6)
    gram, right = np.einsum("sni,snj->sij", design, design), np.einsum("sni,sn->si", design, target)
    ours, free = _active_set(gram, right)
    theirs = np.stack([nnls(d, t)[0] for d, t in zip(design, target, strict=True)])
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_array_equal(free, theirs > 0)
    assert 0.2 < free.mean() < 0.8


@pytest.mark.parametrize(
    ("text", "freedom"), [("poly, 3", 4.0), ("spline, stiff", 10.0), ("spline, 12.5", 12.5)]
)
def test_baselines_have_their_freedom(text: str, freedom: float) -> None:
    drawn, share = smoother(Baseline.parse(text), 250)
    assert share.sum() == pytest.approx(freedom, rel=1e-3)
    np.testing.assert_allclose(drawn.T @ drawn, np.eye(len(share)), atol=1e-8)
    line = np.linspace(-1, 2, 250)
    np.testing.assert_allclose(drawn @ (share * (drawn.T @ line)), line, atol=1e-6)


@pytest.mark.parametrize("text", ["poly", "poly, x", "spline, 1", "curly", "off, 2", "poly, 99"])
def test_impossible_baselines_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--baseline"):
        Baseline.parse(text)
