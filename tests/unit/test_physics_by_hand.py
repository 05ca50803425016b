"""Signals and coils whose values are known without the code."""

import numpy as np
import pytest

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.physics.coils import combine, noise_covariance, sensitivities
from fsl_mrs_dl.physics.first_points import mended
from fsl_mrs_dl.physics.signal import eddy_current_phase, first_order_phase

LIKE = np.zeros(1, dtype=complex)


def test_a_first_order_phase_turns_about_the_carrier_unless_told():
    """A wave at the carrier is not turned; one 50 Hz off by 2 pi x 50 x 1 ms."""
    n, dt = 1000, 1e-3
    still, wave = np.ones(n, complex), np.exp(2j * np.pi * 50 * dt * np.arange(n))
    found = first_order_phase(np.stack([still, wave]), np.full(2, 1e-3), dt)
    np.testing.assert_allclose(found[0], still, atol=1e-12)
    np.testing.assert_allclose(found[1], wave * np.exp(2j * np.pi * 0.05), atol=1e-12)
    about = first_order_phase(wave[None], np.full(1, 1e-3), dt, 50.0)
    np.testing.assert_allclose(about[0], wave, atol=1e-12)


def test_an_eddy_current_begins_without_phase_and_ends_at_its_area():
    """2 pi A tau (1 - exp(-t / tau)) with A 3 Hz, tau 20 ms: 0, 0.238304 at one tau, 0.376991 in the end."""
    found = eddy_current_phase(2001, 1e-3, np.array(3.0), np.array(0.02), LIKE)
    assert found[0] == 0
    assert found[20] == pytest.approx(0.238304, rel=1e-5)
    assert found[-1] == pytest.approx(0.376991, rel=1e-5)


def test_sensitivities_are_real_and_positive_in_the_first_coil():
    """White noise: the coils' own amplitudes and phases over their norm, turned so that the first is real."""
    true = np.array([2.0 * np.exp(0.7j), 1.0 * np.exp(-1.1j), 2.0 * np.exp(2.0j)])
    found = sensitivities(np.outer(true, true.conj()), np.eye(3, dtype=complex))
    expected = np.array([2.0, np.exp(-1.8j), 2 * np.exp(1.3j)]) / 3
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_coil_without_noise_or_signal_has_no_sensitivity():
    true = np.array([2.0, 1.0, 2.0])
    products, covariance = np.outer(true, true).astype(complex), np.eye(3, dtype=complex)
    for at in range(3):
        without, silent = products.copy(), covariance.copy()
        without[at], without[:, at] = 0, 0
        silent[at, at] = 0
        assert sensitivities(without, covariance)[at] == 0
        assert sensitivities(products, silent)[at] == 0


def test_the_noise_covariance_is_that_of_the_noise():
    """Two coils of variance 4 and 9 (real and imaginary part together) and covariance 3: to 3 %."""
    rng = np.random.default_rng(8)
    n_fids, n = 60, 2000
    white = (rng.standard_normal((n_fids, 2, n)) + 1j * rng.standard_normal((n_fids, 2, n))) / np.sqrt(2)
    colour = np.array([[2.0, 0.0], [1.5, np.sqrt(9 - 2.25)]])
    fids = np.einsum("dc,fct->fdt", colour, white) + 50.0  # an offset is no noise
    usable = np.ones((n_fids, 2), dtype=bool)
    usable[:5, 0] = False
    fids[:5, 0] = 1e6 * rng.standard_normal((5, n))
    found = noise_covariance(fids, usable)
    np.testing.assert_allclose(found, [[4.0, 3.0], [3.0, 9.0]], atol=0.2)


def test_the_noise_covariance_of_short_tails_is_not_too_small():
    """Of tails of n points the mean is taken off each, which costs one of n: the average over many is right."""
    rng = np.random.default_rng(9)
    n = 40
    fids = (rng.standard_normal((40_000, 1, n)) + 1j * rng.standard_normal((40_000, 1, n))) / np.sqrt(2)
    found = noise_covariance(fids, np.ones((40_000, 1), dtype=bool))
    assert found[0, 0].real == pytest.approx(1.0, abs=0.01)


def test_a_coil_of_sensitivity_one_is_used():
    fids = np.ones((2, 2, 4), dtype=complex) * np.array([1.0, 0.0])[None, :, None]
    found = combine(fids, np.ones((2, 2), dtype=bool), np.array([1.0, 0.0j]), np.eye(2, dtype=complex))
    np.testing.assert_allclose(found, 1.0)


def test_a_singlet_is_what_its_formula_says():
    """Amplitude 1; after 10 ms at 25 Hz a quarter turn; gamma 10 /s and sigma 20 /s: exp(-0.1 - 0.04)."""
    found = physics.singlet(11, 1e-3, np.array(25.0), 10.0, 20.0, LIKE)
    assert found[0] == pytest.approx(1.0)
    assert found[10] == pytest.approx(1j * np.exp(-0.14))


def test_halved_first_points_are_doubled_or_predicted():
    """Damped waves of amplitude 3 and 2 begin with 3 and 2; the second was changed by an offset as well."""
    n = 256
    rates = np.array([-0.02 + 0.3j, -0.03 - 0.5j])
    fids = np.array([[3.0], [2.0]]) * np.exp(rates[:, None] * np.arange(n))
    fids[:, 0] /= 2
    fids[1, 0] += 0.08  # 8 % of what it will be
    found = mended(Basis(fids, ("A", "B"), 5e-4, 123.2))
    np.testing.assert_allclose(found.fids[:, 0], [3.0, 2.0], rtol=1e-6)
    assert found.notes == ("first points were halved: 1 doubled, 1 predicted",)


@pytest.mark.parametrize(
    ("dwelltime_s", "mhz", "reference_ppm", "offset_hz", "rate"),
    [
        (2.5e-4, 123.2, None, -326.48, 40.0),  # (2.0 - 4.65) x 123.2
        (4e-4, 123.2, None, -326.48, 40.0),
        (4e-4, 124.432, None, -329.7448, 40.4),  # one per cent more field: shifts and widths with it
        (2.5e-4, 123.2, 4.70, -332.64, 40.0),  # (2.0 - 4.70) x 123.2
    ],
)
def test_a_line_keeps_its_chemical_shift_on_other_points(dwelltime_s, mhz, reference_ppm, offset_hz, rate):
    wave = np.exp((2j * np.pi * -326.48 - 40.0) * 2.5e-4 * np.arange(2048))
    basis = Basis(wave[None], ("A",), 2.5e-4, 123.2)
    found = physics.on_points(
        basis, 1024, dwelltime_s, mhz, reference_ppm=reference_ppm, field_tolerance=0.02
    )
    expected = np.exp((2j * np.pi * offset_hz - rate) * dwelltime_s * np.arange(1024))
    assert np.abs(found.fids[0] - expected)[:900].max() < 2e-3
    assert found.fids[0, 0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_noise_has_its_sd_in_each_channel_and_follows_its_generator(kind):
    """SDs of 2 and 3 in 100 000 points each, real and imaginary part apart; the precision of the data stays."""
    torch = pytest.importorskip("torch")
    sigma = np.array([2.0, 3.0])

    def drawn(seed):
        if kind == "numpy":
            return physics.add_noise(np.zeros((2, 100_000), np.complex64), sigma, np.random.default_rng(seed))
        fids = torch.zeros((2, 100_000), dtype=torch.complex64)
        noisy = physics.add_noise(fids, torch.from_numpy(sigma), torch.Generator().manual_seed(seed))
        return noisy.numpy()

    found = drawn(1)
    assert found.dtype == np.complex64
    for channel in (found.real, found.imag):
        assert channel.std(axis=1) == pytest.approx(sigma, rel=0.02)
    assert abs(np.corrcoef(found[0].real, found[0].imag)[0, 1]) < 0.02
    assert (drawn(1) == found).all()
    assert (drawn(2) != found).any()
