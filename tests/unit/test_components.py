"""Signals of independent components against the formula, point by point, and the priors as they are published."""

from dataclasses import replace

import numpy as np
import pytest

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.physics.lines import GaussianLine
from fsl_mrs_dl.scores import snr_db
from fsl_mrs_dl.simulate.components import BroadSignal, ComponentPrior, simulate_components
from fsl_mrs_dl.simulate.distributions import Fixed, Uniform
from fsl_mrs_dl.simulate.papers import hatami_prior, scattering_priors
from fsl_mrs_dl.simulate.priors import Noise

MHZ, DWELLTIME_S = 400.2, 2.5e-4


@pytest.fixture
def basis(rng):
    fids = rng.standard_normal((3, 64)) + 1j * rng.standard_normal((3, 64))
    return Basis(fids, ("Cr", "NAA", "Glu"), DWELLTIME_S, MHZ)


def test_a_signal_is_the_sum_of_its_shifted_damped_and_turned_components(basis, rng):
    prior = ComponentPrior(
        Uniform(0.5, 1.0), Uniform(-10.0, 10.0), Uniform(-2.5, 5.0), Uniform(-0.4, 0.4), own_phases=True
    )
    signals = simulate_components(prior, basis, 4, rng, like=np.empty(0, complex))
    for s in range(4):
        for n in (0, 1, 17, 63):
            t = n * DWELLTIME_S
            total = 0j
            for m in range(3):
                angle = signals.phase_rad[s, m] + 2 * np.pi * signals.shift_hz[s, m] * t
                decay = np.exp(-signals.gamma[s, m] * t)
                total += signals.amplitudes[s, m] * basis.fids[m, n] * decay * np.exp(1j * angle)
            assert signals.fids[s, n] == pytest.approx(total, abs=1e-12)


def test_one_phase_a_signal_unless_each_has_its_own(basis, rng):
    prior = ComponentPrior(Fixed(1.0), Fixed(0.0), Fixed(0.0), Uniform(-0.4, 0.4))
    one = simulate_components(prior, basis, 5, rng).phase_rad
    each = simulate_components(replace(prior, own_phases=True), basis, 5, rng).phase_rad
    assert (one == one[:, :1]).all()
    assert len(np.unique(each)) == 15


def test_broad_lines_have_their_size_and_spread(basis, rng):
    """The first point of the lines is ``size`` times that of the mean mixture, each within its spread."""
    lines = (GaussianLine("MM", 4.65, 3.0, 0.1), GaussianLine("MM", 4.65, 1.0, 0.1))
    prior = ComponentPrior(Fixed(1.0), Fixed(0.0), Fixed(0.0), broad=BroadSignal(lines, 0.3))
    signals = simulate_components(prior, basis, 2, rng, like=np.empty(0, complex))
    rest = signals.fids - basis.fids.sum(axis=0)
    assert np.allclose(rest[:, 0], 0.3 * abs(basis.fids[:, 0].sum()))
    changing = replace(prior, broad=BroadSignal(lines, 0.3, 0.1))
    many = simulate_components(changing, basis, 400, rng, like=np.empty(0, complex))
    factor = (many.fids - basis.fids.sum(axis=0))[:, 0].real / rest[0, 0].real
    assert 0.9 <= factor.min() < factor.max() <= 1.1
    # Two uniform factors of SD 0.1 / sqrt(3), weighed 3 to 1; the SD of 400 is known to 4 %.
    assert factor.std() == pytest.approx(0.1 / np.sqrt(3) * np.sqrt(10) / 4, rel=0.15)


def test_noise_has_the_level_of_its_definition(basis, rng):
    clean = ComponentPrior(Fixed(1.0), Fixed(0.0), Fixed(0.0))
    noisy = simulate_components(replace(clean, noise=Noise(Fixed(10.0), "snr_t0")), basis, 500, rng)
    assert np.allclose(noisy.noise_sigma, abs(basis.fids[:, 0].sum()) / 10)
    spread = (noisy.fids - basis.fids.sum(axis=0)).real.std()
    assert spread == pytest.approx(noisy.noise_sigma[0], rel=0.02)  # 32 000 numbers: 0.4 %
    decibel = simulate_components(replace(clean, noise=Noise(Fixed(5.0), "snr_db")), basis, 500, rng)
    whole = np.tile(basis.fids.sum(axis=0), (500, 1))
    assert np.mean(snr_db(whole, decibel.fids - whole)) == pytest.approx(5.0, abs=0.1)


def test_the_published_ranges():
    seed, physical = hatami_prior("seed"), hatami_prior("physical", 10.0)
    assert seed.amplitude == Uniform(0, 1)
    assert seed.shift_hz == Uniform(-10, 10)
    assert seed.gamma == Uniform(-10, 10)
    assert seed.noise is None
    assert physical.gamma == Uniform(0, 10 * np.pi)  # 10 Hz of width
    assert physical.noise == Noise(Fixed(10.0), "snr_t0")
    sets = scattering_priors()
    assert list(sets) == [f"DSS{k}" for k in range(1, 8)]
    assert sets["DSS2"].gamma == Uniform(-2.5, 5.0)
    assert sets["DSS3"].phase_rad == Uniform(-np.pi / 8, np.pi / 8)
    assert sets["DSS4"].own_phases
    assert sets["DSS5"].noise == Noise(Uniform(5, 15), "snr_db")
    assert sets["DSS6"].broad.spread == 0
    assert sets["DSS7"].broad.spread == 0.1


def test_pytorch_makes_the_same_signals_with_noise_of_the_same_level(basis):
    """All that is drawn by NumPy is the same; only the noise itself comes from the other library."""
    torch = pytest.importorskip("torch")
    prior = scattering_priors()["DSS7"]
    clean = replace(prior, noise=None)
    ours = simulate_components(clean, basis, 5, np.random.default_rng(3), like=np.empty(0, complex))
    theirs = simulate_components(
        clean, basis, 5, np.random.default_rng(3), like=torch.empty(0, dtype=torch.complex128)
    )
    assert theirs.fids.numpy() == pytest.approx(ours.fids, abs=1e-9)
    noisy, again = (
        simulate_components(
            replace(clean, noise=Noise(Fixed(5.0), "snr_db")),
            basis,
            300,
            np.random.default_rng(4),
            like=torch.empty(0, dtype=torch.complex64),
        )
        for _ in range(2)
    )
    assert (again.fids == noisy.fids).all()
    silent = simulate_components(clean, basis, 300, np.random.default_rng(4), like=np.empty(0, complex))
    # 300 signals of 64 points in two channels, of one noise each: 0.5 % of the ratio.
    left = (noisy.fids.numpy() - silent.fids) / noisy.noise_sigma[:, None]
    assert left.real.std() == pytest.approx(1.0, rel=0.03)
    assert np.mean(snr_db(silent.fids, noisy.fids.numpy() - silent.fids)) == pytest.approx(5.0, abs=0.1)
