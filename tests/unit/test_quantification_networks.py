"""Quantification networks: published sizes, the physics of their decoders, their losses and their bounds."""

import dataclasses
from math import pi

import numpy as np
import pytest
import torch

from fsl_mrs_dl.errors import ModelError
from fsl_mrs_dl.fit.lcm.linear import solve_amplitudes
from fsl_mrs_dl.models.catalogue import CATALOGUE, architectures
from fsl_mrs_dl.models.quantification import MAC_LINES, Modelled
from fsl_mrs_dl.models.quantification_encoders import ENCODERS
from fsl_mrs_dl.models.quantification_inference import channels, network_parameters
from fsl_mrs_dl.physics import damp, on_points, phase, shift, singlet
from fsl_mrs_dl.steps.quantify_members import same_members
from fsl_mrs_dl.train import quantification
from fsl_mrs_dl.train.adaptation import adapt
from fsl_mrs_dl.train.quantification_data import DWELLTIME_S, basis_of, clean_of, expected_of, simulated
from fsl_mrs_dl.train.quantification_evaluation import bounds, metabolites, plain_fit
from tests.benchmarks.dq.operations import flops

pytestmark = pytest.mark.usefixtures("one_thread")

DQ = [name for name, entry in architectures("quantify").items() if entry.training == "amplitudes"]


@pytest.fixture(scope="module")
def basis():
    return basis_of("press_3t_te30", "dq")


@pytest.fixture(scope="module")
def spectra(basis):
    return simulated(basis, "dq", "white", 16, np.random.default_rng(4))


def new_network(architecture, spectra, seed, **layers):
    return quantification.new_network(CATALOGUE[architecture], spectra, seed, **layers)


def said(spectra, amplitudes=None):
    """Return the truth in the form of a network's answer."""
    shared = (getattr(spectra, name) for name in ("shift_hz", "gamma", "sigma", "phase_rad"))
    values = [torch.from_numpy(value) for value in shared]
    return Modelled(torch.from_numpy(spectra.amplitudes if amplitudes is None else amplitudes), *values)


@pytest.mark.parametrize(("n_outputs", "parameters"), [(23, 49543), (40, 52008), (41, 52153)])
def test_the_convolutions_are_as_large_as_published(n_outputs, parameters):
    """49 543 for DQ-nMM; 17 and 18 more outputs of 144 weights and a bias for pMM and rpMM."""
    made = ENCODERS["cnn"](1024, n_outputs)
    assert sum(p.numel() for p in made.parameters()) == parameters


@pytest.mark.parametrize(("name", "mflop"), [("mixer", 2418), ("convnext", 711)])
def test_the_large_encoders_cost_what_is_published(name, mflop):
    """2.4 GFLOP and 710 MFLOP."""
    assert flops(ENCODERS[name](1024, 23), 1024) / 1e6 == pytest.approx(mflop, abs=1)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_gives_one_row_a_signal(name):
    more = {"width": 0.05} if name != "cnn" else {}
    assert ENCODERS[name](1024, 7, **more)(torch.zeros(3, 2, 1024)).shape == (3, 7)


@pytest.mark.parametrize("amplitudes", ["projected", "whitened", "softplus"])
def test_the_decoder_is_the_physics(amplitudes, spectra):
    """The FID of the true parameters is the simulated one, to single precision."""
    network, _ = new_network("dq-nmm", spectra, 0, amplitudes=amplitudes)
    clean = clean_of(spectra)
    made = network.decode(said(spectra)).numpy()
    assert np.abs(made - clean).max() < 1e-5 * np.abs(clean).max()


@pytest.mark.parametrize("seed_sign", [False, True])
def test_lines_move_with_the_metabolites_unless_the_seed_is_asked_for(seed_sign, spectra):
    network, _ = new_network("dq-pmm", spectra, 0, amplitudes="whitened", seed_sign=seed_sign)
    row, ppm = 9, MAC_LINES[9][0]
    amplitudes = torch.zeros(1, len(network.members))
    amplitudes[0, len(network.names) + row] = 1.0
    two = Modelled(amplitudes, *(torch.tensor([value]) for value in (2.0, 0.0, 0.0, 0.0)))
    moved = network.decode(two)[0].numpy()
    hz = (ppm - 4.65) * network.spectrometer_frequency_mhz + (-2.0 if seed_sign else 2.0)
    like = np.zeros(1, dtype=complex)
    wanted = MAC_LINES[row][2] * singlet(1024, DWELLTIME_S, hz, pi * MAC_LINES[row][1], 0.0, like)
    assert np.abs(moved - wanted).max() < 2e-4 * np.abs(wanted).max()


def test_projected_amplitudes_of_the_true_shift_and_width_are_true(spectra):
    """Without noise; those of near collinear members to 1e-3 of the largest."""
    network, _ = new_network("dq-nmm", spectra, 0)
    fids = torch.from_numpy(clean_of(spectra).astype(np.complex64))
    truth = said(spectra)
    found = network.least_squares(fids, truth.shift_hz, truth.gamma, truth.sigma, truth.phase_rad)
    assert np.abs(found.numpy() - spectra.amplitudes).max() < 1e-3 * spectra.amplitudes.max()


@pytest.mark.parametrize("architecture", DQ)
def test_the_gradient_of_the_projected_loss_is_that_of_the_loss(architecture, spectra):
    """Amplitudes carry no gradient, yet the slope is the difference quotient's (variable projection)."""
    network, _ = new_network(architecture, spectra, 0, scaled=False)
    inputs = channels(spectra.fids)
    bias = network.encoder[-1].bias
    loss = network.loss(inputs)
    loss.backward()
    step = torch.full_like(bias, 0.05)
    with torch.no_grad():
        values = []
        for sign in (1.0, -1.0):
            bias += sign * step
            values.append(float(network.loss(inputs)))
            bias -= sign * step
    assert values[0] - values[1] == pytest.approx(float(2 * (bias.grad * step).sum()), rel=0.05)


def test_projected_amplitudes_of_rpmm_are_those_of_least_loss(spectra):
    """Its loss counts the late part of metabolites once more; any other amplitudes cost more."""
    network, _ = new_network("dq-rpmm", spectra, 0, scaled=False)
    inputs = channels(spectra.fids)
    with torch.no_grad():
        least = float(network.loss(inputs))
        found = network.modelled(inputs)
        plain = network.least_squares(
            torch.from_numpy(spectra.fids), found.shift_hz, found.gamma, found.sigma, found.phase_rad
        )
        network.modelled = lambda _: dataclasses.replace(found, amplitudes=plain)
        assert float(network.loss(inputs)) > least * 1.001


def test_whitened_coordinates_have_equal_bounds(basis):
    """The Fisher matrix and the ranges of the amplitudes, in those coordinates, are the identity."""
    spectra = simulated(basis, "dq", "white", 2, np.random.default_rng(0))
    network, _ = new_network("dq-nmm", spectra, 0, amplitudes="whitened")
    expected = spectra.expected
    fids = damp(np.asarray(basis.fids)[:, 1:], 0.0, 0.0, basis.dwelltime_s)
    damping = np.exp(-7.5 * np.arange(1, 1024) * basis.dwelltime_s)
    fids = fids * damping
    half = np.diff(expected.amplitudes, axis=1)[:, 0] / 2
    information = (fids.conj() @ fids.T).real / expected.noise_sd**2 + np.diag(3 / half**2)
    mixing = network.mixing.double().numpy()
    assert np.allclose(mixing.T @ information @ mixing, np.eye(len(half)), atol=1e-3)


def test_rpmm_has_a_slope_in_its_early_time_and_pays_for_it(spectra):
    inputs = channels(spectra.fids)
    network, _ = new_network("dq-rpmm", spectra, 0, amplitudes="whitened", scaled=False, penalty=3.0)
    bias = network.encoder[-1].bias
    network.loss(inputs).backward()
    early = -network.n_shared - 1
    assert bias.grad[early] != 0
    with torch.no_grad():
        time_s = float(network.modelled(inputs).early_s.mean())
        cheap = float(network.loss(inputs))
        network.penalty = 5.0
        assert float(network.loss(inputs)) - cheap == pytest.approx(time_s, rel=1e-2)


@pytest.mark.parametrize("architecture", DQ)
def test_amplitudes_scale_with_the_data(architecture, spectra):
    network, _ = new_network(architecture, spectra, 0, amplitudes="whitened", scaled=True)
    first = network_parameters(network.eval(), spectra.fids, DWELLTIME_S)
    second = network_parameters(network, 1e6 * spectra.fids, DWELLTIME_S)
    assert np.allclose(second.amplitudes, 1e6 * first.amplitudes, rtol=1e-4, atol=0.1)
    assert np.allclose(second.shift_hz, first.shift_hz, atol=1e-3)


def test_amplitudes_can_be_kept_at_or_above_zero(spectra):
    network, _ = new_network("dq-nmm", spectra, 0)
    network.eval()

    def solve(gram, right):
        return solve_amplitudes(gram, right, non_negative=True)

    assert (network_parameters(network, spectra.fids, DWELLTIME_S).amplitudes < 0).any()
    assert (network_parameters(network, spectra.fids, DWELLTIME_S, solve).amplitudes >= 0).all()


@pytest.mark.parametrize("noise", ["white", "seed"])
def test_both_noises_have_the_published_level(noise, basis):
    """0.40 of white noise; 1 of noise that is white before it is damped with the signal."""
    made = simulated(basis, "dq", noise, 64, np.random.default_rng(1))
    difference = made.fids - clean_of(made)
    if noise == "seed":
        difference = difference * np.exp(made.gamma[:, None] * np.arange(1024) * basis.dwelltime_s)
    found = np.concatenate([difference.real, difference.imag]).std()
    # 131 072 numbers: four standard errors are 0.8 %.
    assert found == pytest.approx(0.4 if noise == "white" else 1.0, rel=0.008)


def test_the_fit_is_at_the_efficient_bound(basis):
    """RMS error over bound of well-determined metabolites, 120 spectra: 1 within 4 standard errors."""
    made = simulated(basis, "dq", "white", 120, np.random.default_rng(8))
    found = plain_fit(made, non_negative=False).amplitudes
    reached = bounds(made, n=40, first_point=0)
    for name in ("NAA", "Cr", "Glu", "Ins"):
        m = basis.names.index(name)
        error = np.mean((found[:, m] - made.amplitudes[:, m]) ** 2)
        assert error / reached.efficient[m] == pytest.approx(1.0, abs=4 * np.sqrt(2 / 120))
    assert (reached.bayes < reached.efficient).all()
    assert (reached.bayes < reached.prior).all()


def test_metabolites_are_all_but_macromolecules():
    assert metabolites(("NAA", "MM09", "Cr", "Mac")) == [0, 2]


def test_adaptation_lowers_the_loss_and_leaves_the_network(spectra):
    network, _ = new_network("dq-nmm", spectra, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = adapt(network, spectra.fids, DWELLTIME_S, 3)
    assert found.after < found.before
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in before.items())
    assert f"{found.before:.5g} before" in found.summary


class TestSameMembers:
    def test_amplitudes_of_a_basis_of_another_scale_are_scaled(self, basis, spectra):
        network, _ = new_network("dq-nmm", spectra, 0)
        doubled = dataclasses.replace(basis, fids=2 * np.asarray(basis.fids))
        columns, factors = same_members(network, doubled, "m")
        assert columns == list(range(len(basis.names)))
        assert factors == pytest.approx(0.5, rel=1e-4)

    def test_another_frequency_of_one_field_is_compared_in_ppm(self, basis, spectra):
        network, _ = new_network("dq-nmm", spectra, 0)
        dwelltime_s = (
            basis.dwelltime_s * basis.spectrometer_frequency_mhz / 127.7
        )  # as long as the set reaches
        moved = on_points(basis, 1024, dwelltime_s, 127.7, field_tolerance=0.05)
        assert same_members(network, moved, "m")[1] == pytest.approx(1.0, rel=1e-3)

    def test_another_echo_time_is_refused(self, spectra):
        network, _ = new_network("dq-nmm", spectra, 0)
        with pytest.raises(ModelError, match="another signal of"):
            same_members(network, basis_of("mega-press_3t_te68_off", "dq"), "m")

    def test_other_metabolites_are_refused(self, basis, spectra):
        network, _ = new_network("dq-nmm", spectra, 0)
        fewer = dataclasses.replace(basis, fids=np.asarray(basis.fids)[1:], names=basis.names[1:])
        with pytest.raises(ModelError, match=f"the model has {basis.names[0]} besides"):
            same_members(network, fewer, "m")


def test_a_longer_and_finer_sampled_spectrum_gives_the_same(basis, spectra):
    """The same signal at half the dwell time and more points is brought to the network's points."""
    network, _ = new_network("dq-nmm", spectra, 0)
    network.eval()
    like = np.zeros(1, dtype=complex)
    lines = singlet(2048, DWELLTIME_S / 2, np.array([-320.0, -200.0]), 15.0, 0.0, like).sum(axis=0)[None]
    fine = phase(shift(lines, 1.0, DWELLTIME_S / 2), 0.1)
    first = network_parameters(network, fine[:, ::2], DWELLTIME_S)
    second = network_parameters(network, fine, DWELLTIME_S / 2)
    assert second.shift_hz == pytest.approx(first.shift_hz, abs=0.02)
    assert second.gamma == pytest.approx(first.gamma, abs=0.1)


def test_another_frequency_scales_shift_and_rates_and_no_amplitude(spectra):
    network, _ = new_network("dq-nmm", spectra, 0)
    network.eval()
    first = network_parameters(network, spectra.fids, DWELLTIME_S)
    # The same points, taken for those of a scanner of a 1.03 times higher field and shorter dwell time.
    faster = {"spectrometer_frequency_mhz": 1.03 * network.spectrometer_frequency_mhz}
    second = network_parameters(network, spectra.fids, DWELLTIME_S / 1.03, **faster)
    for name, factor in (
        ("shift_hz", 1.03),
        ("gamma", 1.03),
        ("sigma", 1.03),
        ("phase_rad", 1),
        ("amplitudes", 1),
    ):
        assert getattr(second, name) == pytest.approx(factor * getattr(first, name), rel=1e-5, abs=1e-9)


def test_widths_of_the_brain_scale_with_the_field_and_shifts_do_not():
    low = expected_of(basis_of("slaser_3t_te28", "brain"), "brain")
    high = expected_of(basis_of("slaser_7t_te26", "brain"), "brain")
    ratio = 297.2 / 123.25
    assert high.shift_hz == low.shift_hz
    assert high.gamma[1] / low.gamma[1] == pytest.approx(ratio, rel=1e-3)
