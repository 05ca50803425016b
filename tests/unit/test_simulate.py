"""Simulated signals against what was asked for."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import correct, fid_to_spectrum, on_points, phase, shift
from fsl_mrs_dl.physics.lines import BIRCH_2017
from fsl_mrs_dl.scores import snr_db, snr_t0
from fsl_mrs_dl.simulate import (
    Drift,
    Eddy,
    Fixed,
    LineSignal,
    LipidContamination,
    LogNormal,
    Noise,
    Normal,
    Prior,
    ResidualWater,
    SpuriousEcho,
    Uniform,
    UnstableWater,
    brain_amplitudes,
    brain_singlets,
    clean_fids,
    deepfpc_prior,
    draw_coils,
    draw_signals,
    edited_singlets,
    nuisance_labels,
    simulate_signals,
    simulate_transients,
    simulate_water_reference,
)

MHZ, DWELL, POINTS = 123.2, 1 / 4000, 2048
SAMPLING = (POINTS, DWELL, MHZ)
EVERYTHING = (
    ResidualWater(),
    UnstableWater(0.5),
    LipidContamination(0.5),
    SpuriousEcho(0.5),
)


@pytest.fixture(scope="module")
def basis():
    return brain_singlets(MHZ, DWELL, POINTS)


def brain(basis, **more):
    return Prior(amplitudes=brain_amplitudes(basis.names), lorentzian_hz=Uniform(2, 4), **more)


def peak_ppm(data, fid, low, high):
    """Place of the highest magnitude within limits."""
    spectrum = np.abs(fid_to_spectrum(fid))
    inside = (data.ppm_axis > low) & (data.ppm_axis < high)
    return data.ppm_axis[inside][spectrum[inside].argmax()]


@pytest.mark.parametrize("mhz", [123.2, 400.3])
@pytest.mark.parametrize(("name", "ppm"), [("Cr", 3.03), ("NAA", 2.01)])
def test_singlets_lie_where_they_belong(mhz, name, ppm, rng):
    basis = brain_singlets(mhz, 1 / 5000, 4096)
    made = simulate_transients(Prior({name: Fixed(1.0)}), basis, None, 4096, 1 / 5000, mhz, rng)
    assert peak_ppm(made.data, made.data.fid[0, 0, 0], ppm - 0.5, ppm + 0.5) == pytest.approx(ppm, abs=0.02)


def test_a_shifted_and_turned_transient_is_the_clean_one_shifted_and_turned(basis):
    still = simulate_transients(brain(basis), basis, 3, *SAMPLING, np.random.default_rng(4))
    moved_prior = brain(basis, shift_hz=Fixed(5.0), phase_rad=Fixed(np.radians(30)))
    moved = simulate_transients(moved_prior, basis, 3, *SAMPLING, np.random.default_rng(4))
    first = still.clean[0, 0, 0, :, 0]
    expected = phase(shift(first, 5.0, DWELL), np.radians(30))
    np.testing.assert_allclose(moved.clean[0, 0, 0, :, 1], expected, atol=1e-9 * np.abs(first[0]))
    np.testing.assert_allclose(moved.truth.shift_hz, 5.0)
    np.testing.assert_allclose(moved.truth.phase_rad, np.radians(30))
    assert np.isnan(moved.truth.shift_hz_sd).all()


def test_correcting_by_the_truth_makes_all_transients_alike(basis, rng):
    drift = Drift(Fixed(8.0), walk_hz=0.3, phase_jitter_rad=0.2)
    prior = brain(basis, drift=drift, shift_hz=Uniform(-20, 20))
    made = simulate_transients(prior, basis, 16, *SAMPLING, rng)
    fids = np.moveaxis(made.clean[0, 0, 0], 0, -1)
    corrected = correct(fids, made.truth.shift_hz[0, 0, 0], made.truth.phase_rad[0, 0, 0], DWELL)
    np.testing.assert_allclose(
        corrected, np.broadcast_to(corrected[0], corrected.shape), atol=1e-9 * np.abs(fids).max()
    )


def test_drift_is_the_ramp_asked_for(basis, rng):
    made = simulate_transients(brain(basis, drift=Drift(Fixed(8.0))), basis, 9, *SAMPLING, rng)
    np.testing.assert_allclose(made.truth.shift_hz[0, 0, 0], np.linspace(0, 8, 9))


@pytest.mark.parametrize("definition", ["snr_t0", "snr_f", "snr_db", "sigma"])
def test_noise_is_what_the_named_snr_demands(basis, rng, definition):
    level = 12.0
    prior = brain(basis, noise=Noise(Fixed(level), definition))
    made = simulate_transients(prior, basis, 8, *SAMPLING, rng)
    noise = made.data.fid - made.clean
    clean = made.clean[0, 0, 0, :, 0]
    said = {
        "snr_t0": lambda: snr_t0(clean, made.sigma),
        "snr_f": lambda: np.abs(fid_to_spectrum(clean)).max() / made.sigma,
        "snr_db": lambda: 10 * np.log10(np.sum(np.abs(clean) ** 2) / (2 * made.sigma**2 * POINTS)),
        "sigma": lambda: made.sigma,
    }
    assert said[definition]() == pytest.approx(level)
    # The SD of n normal numbers is known to 1 / sqrt(2 n): four of those.
    numbers = np.concatenate([noise.real.ravel(), noise.imag.ravel()])
    assert numbers.std() == pytest.approx(made.sigma, rel=4 / np.sqrt(2 * numbers.size))
    if definition == "snr_db":
        # Of one FID the noise's energy has a relative SD of 1 / sqrt(points).
        measured = snr_db(clean, noise[0, 0, 0, :, 0])
        assert measured == pytest.approx(level, abs=4 * 10 / np.log(10) / np.sqrt(POINTS))


def test_independent_signals_each_have_their_snr(basis, rng):
    made = simulate_signals(brain(basis, noise=Noise(Uniform(5, 30))), basis, 40, rng, single_precision=False)
    clean = clean_fids(made.parameters, made.basis.fids, DWELL)
    measured = (made.fids - clean).view(float).std(axis=1)
    np.testing.assert_allclose(measured, made.noise_sigma, rtol=5 / np.sqrt(4 * POINTS))
    ratio = np.abs(clean[:, 0]) / made.noise_sigma
    assert ((ratio > 5) & (ratio < 30)).all()
    assert np.ptp(ratio) > 10


def test_same_seed_same_numbers_and_another_seed_others(basis):
    prior = brain(basis, noise=Noise(Fixed(20.0)), nuisances=EVERYTHING, shift_hz=Uniform(-5, 5))
    first, again, other = (
        simulate_transients(prior, basis, 4, *SAMPLING, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.data.fid, again.data.fid)
    assert not np.allclose(first.data.fid, other.data.fid)


def test_a_signal_does_not_depend_on_its_batch(basis, rng):
    prior = brain(basis, nuisances=EVERYTHING, eddy=Eddy(Normal(5, 1), Fixed(0.05)))
    parameters = draw_signals(prior, basis, 12, rng)
    all_at_once = clean_fids(parameters, basis.fids, DWELL)
    for n in (0, 11):
        alone = clean_fids({key: value[n : n + 1] for key, value in parameters.items()}, basis.fids, DWELL)
        np.testing.assert_allclose(alone[0], all_at_once[n], atol=1e-10 * np.abs(all_at_once).max())


def test_torch_makes_the_same_signals(basis, rng):
    prior = brain(basis, nuisances=EVERYTHING, eddy=Eddy(Normal(5, 1), Fixed(0.05)), shift_hz=Uniform(-5, 5))
    parameters = draw_signals(prior, basis, 5, rng)
    expected = clean_fids(parameters, basis.fids, DWELL)
    found = clean_fids(parameters, torch.from_numpy(basis.fids.copy()), DWELL)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10 * np.abs(expected).max())


def test_labels_say_what_is_in_an_fid(basis, rng):
    prior = Prior({"Cr": Fixed(1.0)}, nuisances=(UnstableWater(0.5), LipidContamination(0.5)))
    parameters = draw_signals(prior, basis, 400, rng)
    labels = nuisance_labels(parameters)
    disturbance = clean_fids(parameters, basis.fids, DWELL) - basis.fids[basis.names.index("Cr")]
    # Lipid is there from the first point; unstable water begins at zero and is largest at 10 ms.
    has_lipid = np.abs(disturbance[:, 0]) > 1e-6
    has_any = np.abs(disturbance[:, 40]) > 1e-6
    expected = np.select([~has_any, ~has_lipid], ["Free", "UW"], "LC")
    np.testing.assert_array_equal(np.where(labels == "UW&LC", "LC", labels), expected)
    for label in ("Free", "UW", "LC", "UW&LC"):
        # Binomial of 400 at 1/4: SD 8.7.
        assert (labels == label).sum() == pytest.approx(100, abs=4 * 8.7)


def test_lipid_and_unstable_water_have_the_form_of_the_source(rng):
    mhz, dwelltime_s = 400.3225, 0.2272e-3
    basis = Basis(np.ones((1, 512), complex), ("one",), dwelltime_s, mhz)

    def middle(nuisance):
        """The published form at the middle of its ranges."""
        drawn = {f.name: getattr(nuisance, f.name) for f in fields(nuisance) if f.name != "probability"}
        fixed = {name: Fixed(d.mean) if isinstance(d, Normal) else d for name, d in drawn.items()}
        return type(nuisance)(1.0, **fixed)

    lipid, water = middle(LipidContamination()), middle(UnstableWater())
    lipid_ppm = lipid.shift_ppm.value
    assert (4.7 - lipid_ppm) * mhz == pytest.approx(1400, abs=0.2)
    t = np.arange(512) * dwelltime_s
    for nuisance, expected in (
        # As published (carrier 4.7 ppm there), conjugated into this package's sign.
        (
            lipid,
            -np.exp(-2j * np.pi * (4.65 - lipid_ppm) * mhz * t) * np.exp(-300 * t) * np.exp(-0.5j * np.pi),
        ),
        (water, -20 * t * np.exp(-100 * t)),
    ):
        parameters = draw_signals(Prior({"one": Fixed(1.0)}, nuisances=(nuisance,)), basis, 1, rng)
        np.testing.assert_allclose(
            clean_fids(parameters, basis.fids, dwelltime_s)[0] - 1, expected, atol=1e-9
        )


def test_echo_lies_where_it_was_put(basis, rng):
    echo = SpuriousEcho(1.0, Fixed(0.5), Fixed(3.0), Fixed(0.1), Fixed(0.02))
    parameters = draw_signals(Prior({"Cr": Fixed(1.0)}, nuisances=(echo,)), basis, 1, rng)
    ghost = np.abs(clean_fids(parameters, basis.fids, DWELL)[0] - basis.fids[basis.names.index("Cr")])
    assert ghost.argmax() * DWELL == pytest.approx(0.1, abs=DWELL)
    assert ghost.max() == pytest.approx(0.5 * np.abs(basis.fids[basis.names.index("Cr")]).max(), rel=1e-6)


def test_macromolecules_are_the_fraction_asked_for(basis, rng):
    signal = LineSignal("MM", BIRCH_2017, Fixed(0.25))
    made = simulate_transients(brain(basis, line_signals=(signal,)), basis, None, *SAMPLING, rng)
    amplitudes = dict(zip(made.names, made.parameters["amplitudes"][0], strict=True))
    metabolites = sum(amplitudes[name] * fid[0] for name, fid in zip(basis.names, basis.fids, strict=True))
    assert amplitudes["MM"] == pytest.approx(0.25 * abs(metabolites))
    assert abs(made.clean[0, 0, 0, 0]) == pytest.approx(1.25 * abs(metabolites))


def test_coil_noise_has_the_covariance_of_the_truth(basis, rng):
    coils = draw_coils(4, rng)
    made = simulate_transients(brain(basis, noise=Noise(Fixed(5.0))), basis, 16, *SAMPLING, rng, coils=coils)
    assert made.data.dim_tags == ("DIM_COIL", "DIM_DYN")
    noise = np.moveaxis((made.data.fid - made.clean)[0, 0, 0], 1, 0).reshape(4, -1)
    measured = noise @ noise.conj().T / noise.shape[1] / (2 * made.sigma**2)
    # An entry of a sample covariance of n complex numbers has an SD of sqrt(C_ii C_jj / n).
    diagonal = coils.covariance.diagonal().real
    assert (
        np.abs(measured - coils.covariance) < 5 * np.sqrt(np.outer(diagonal, diagonal) / noise.shape[1])
    ).all()
    assert np.abs(coils.covariance - np.diag(diagonal)).max() > 0.02
    heard = made.clean[0, 0, 0, 0, :, 0]
    np.testing.assert_allclose(heard / heard[0], coils.sensitivities / coils.sensitivities[0])


def test_edited_pair_shows_gaba_and_not_creatine_in_the_difference(rng):
    n_points = 8192
    pair = edited_singlets(MHZ, DWELL, n_points)
    prior = Prior(dict.fromkeys(("Cr", "GABA", "NAA"), Fixed(1.0)), lorentzian_hz=Fixed(2.0))
    made = simulate_transients(prior, pair, 4, n_points, DWELL, MHZ, rng)
    assert made.data.dim_tags == ("DIM_DYN", "DIM_EDIT")
    assert made.data.dim_headers["DIM_EDIT"]["header"]["EditCondition"] == ["ON", "OFF"]
    fids = np.moveaxis(made.data.fid[0, 0, 0, :, 0], 0, -1).copy()
    fids[:, 0] /= 2
    on, off = fid_to_spectrum(fids).real
    ppm = made.data.ppm_axis
    gaba, creatine, acetyl = (np.abs(ppm - place) < 0.1 for place in (3.0128, 3.913, 2.008))
    two_protons = off[creatine].max()
    # Each outer line of GABA has one proton in the difference; a line of 3 Hz between bins of 0.5 Hz and the
    # tails of the others change its height by less than a tenth.
    assert (on - off)[gaba].max() == pytest.approx(0.5 * two_protons, rel=0.1)
    assert (on - off)[acetyl].min() == pytest.approx(-1.5 * two_protons, rel=0.1)
    assert np.abs((on - off)[creatine]).max() < 0.01 * two_protons


def test_edit_conditions_are_acquired_in_turns(rng):
    pair = edited_singlets(MHZ, DWELL, POINTS)
    made = simulate_transients(Prior({"Cr": Fixed(1.0)}, drift=Drift(Fixed(7.0))), pair, 4, *SAMPLING, rng)
    np.testing.assert_allclose(made.truth.shift_hz[0, 0, 0], np.arange(8).reshape(4, 2))
    fids = np.moveaxis(made.clean[0, 0, 0], 0, -1)
    corrected = correct(fids, made.truth.shift_hz[0, 0, 0], made.truth.phase_rad[0, 0, 0], DWELL)
    np.testing.assert_allclose(corrected, np.broadcast_to(corrected[0, 0], corrected.shape), atol=1e-9)


def test_water_reference_carries_the_eddy_current_of_the_metabolites(basis, rng):
    eddy = Eddy(Fixed(6.0), Fixed(0.05))
    coils = draw_coils(3, rng)
    with_eddy = simulate_transients(
        Prior({"Cr": Fixed(1.0)}, eddy=eddy), basis, 2, *SAMPLING, np.random.default_rng(1), coils=coils
    )
    without = simulate_transients(
        Prior({"Cr": Fixed(1.0)}), basis, 2, *SAMPLING, np.random.default_rng(1), coils=coils
    )
    water = simulate_water_reference(with_eddy, rng)
    assert water.dim_tags == ("DIM_COIL",)
    turned = np.exp(1j * np.angle(water.fid[0, 0, 0] / coils.sensitivities))
    assert np.abs(np.angle(turned)).max() > 1
    np.testing.assert_allclose(
        with_eddy.clean[0, 0, 0, ..., 0], without.clean[0, 0, 0, ..., 0] * turned, atol=1e-9
    )
    first = np.abs(water.fid[0, 0, 0, 0, 0]) / np.abs(with_eddy.clean[0, 0, 0, 0, 0, 0])
    assert first == pytest.approx(250)


def test_deepfpc_set_has_the_published_ranges():
    basis = brain_singlets(400.3225, 0.2272e-3, 512)
    made = simulate_signals(deepfpc_prior(basis), basis, 2000, np.random.default_rng(5))
    assert made.fids.shape == (2000, 512)
    drawn = made.parameters
    for key, half, sd in (
        ("shift_hz", 20, 20 / np.sqrt(3)),
        ("phase_rad", np.pi / 2, np.pi / 2 / np.sqrt(3)),
    ):
        assert np.abs(drawn[key]).max() <= half
        # The SD of a uniform sample has a relative SD of sqrt((1.8 - 1) / 4 n).
        assert drawn[key].std() == pytest.approx(sd, rel=4 * np.sqrt(0.2 / 2000))
    assert drawn["scale"].mean() == pytest.approx(1.0, abs=4 * 0.1 / np.sqrt(2000))
    np.testing.assert_allclose(made.noise_sigma, 0.05)
    mixture = drawn["amplitudes"][0] @ basis.fids
    assert np.abs(mixture).max() == pytest.approx(1.0)


def test_resampling_gives_the_basis_that_was_simulated_at_those_points():
    # The lines reach 230 Hz from their middle, a fifth of the Nyquist frequency: a cubic spline fails there.
    coarse = brain_singlets(MHZ, 1 / 2500, 1024, linewidth_hz=2.0)
    found = on_points(coarse, 1024, 1 / 4000, MHZ)
    expected = brain_singlets(MHZ, 1 / 4000, 1024, linewidth_hz=2.0)
    np.testing.assert_allclose(found.fids, expected.fids, atol=2e-4 * np.abs(expected.fids).max())


@pytest.mark.parametrize(
    ("points", "dwelltime_s", "mhz", "said"),
    [(POINTS + 1, DWELL, MHZ, "lasts"), (POINTS, 2 * DWELL, MHZ, "lasts"), (POINTS, DWELL, 127.7, "field")],
)
def test_a_basis_that_does_not_reach_is_refused(basis, points, dwelltime_s, mhz, said):
    with pytest.raises(DataError, match=said):
        on_points(basis, points, dwelltime_s, mhz)


def test_a_prior_for_other_metabolites_is_refused(basis, rng):
    with pytest.raises(DataError, match="Unobtainium"):
        simulate_transients(Prior({"Unobtainium": Fixed(1.0)}), basis, None, *SAMPLING, rng)
    with pytest.raises(DataError, match="at least one"):
        brain_amplitudes(["Unobtainium"])


@pytest.mark.parametrize(
    ("distribution", "mean", "sd"),
    [
        (Fixed(3.0), 3.0, 0.0),
        (Uniform(-1.0, 3.0), 1.0, 4 / np.sqrt(12)),
        (Normal(2.0, 0.5), 2.0, 0.5),
        (LogNormal(2.0, 0.25), 2.0 * np.exp(0.03125), 2.0 * np.exp(0.03125) * np.sqrt(np.expm1(0.0625))),
    ],
)
def test_distributions_have_their_moments(distribution, mean, sd, rng):
    drawn = distribution.draw((10_000,), rng)
    assert drawn.mean() == pytest.approx(mean, abs=4 * sd / 100 + 1e-12)
    assert drawn.std() == pytest.approx(sd, rel=0.05, abs=1e-12)


def test_simulated_data_say_that_they_are(basis, rng):
    made = simulate_transients(brain(basis), basis, None, *SAMPLING, rng, seed=7)
    assert made.data.header["SyntheticData"]["seed"] == 7
    assert "EchoTime" not in made.data.header
