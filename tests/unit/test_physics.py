"""The FID model: signs, units, and the same numbers from NumPy and torch."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData

N, DT, F0 = 2048, 2.5e-4, 127.7
LIKE = np.zeros(1, dtype=complex)


def line(hz: float, gamma: float = 10.0, sigma: float = 0.0, n: int = N) -> np.ndarray:
    return physics.singlet(n, DT, hz, gamma, sigma, LIKE)


def peak_hz(fid: np.ndarray) -> float:
    return float(physics.frequency_axis_hz(len(fid), DT)[np.argmax(np.abs(physics.fid_to_spectrum(fid)))])


def fwhm_hz(fid: np.ndarray) -> float:
    real = physics.fid_to_spectrum(np.concatenate([[fid[0] / 2], fid[1:], np.zeros(31 * N)])).real
    above = np.flatnonzero(real > real.max() / 2)
    return float((above[-1] - above[0] + 1) / (32 * N * DT))


def test_downfield_is_positive_frequency_and_higher_ppm() -> None:
    data = MRSData(line((3.027 - 4.65) * F0).reshape(1, 1, 1, N), DT, F0)
    spectrum = np.abs(physics.fid_to_spectrum(data.fid[0, 0, 0]))
    assert data.ppm_axis[np.argmax(spectrum)] == pytest.approx(3.03, abs=0.02)


@pytest.mark.parametrize("moved_hz", [-40.0, 5.0, 100.0])
def test_shift_moves_a_peak_by_its_hertz(moved_hz: float) -> None:
    bin_hz = 1 / (N * DT)
    assert peak_hz(physics.shift(line(0.0), moved_hz, DT)) == pytest.approx(moved_hz, abs=bin_hz / 2)


def test_phase_turns_by_its_radians() -> None:
    turned = physics.phase(line(20.0), 0.3)
    np.testing.assert_allclose(np.angle(turned / line(20.0)), 0.3, atol=1e-12)


def test_correct_undoes_shift_and_phase() -> None:
    fids = np.stack([line(20.0), line(-70.0)])
    hz, rad = np.array([5.0, -12.5]), np.array([0.5, -2.0])
    moved = physics.phase(physics.shift(fids, hz, DT), rad)
    np.testing.assert_allclose(physics.correct(moved, hz, rad, DT), fids, atol=1e-11)


@pytest.mark.parametrize(
    ("gamma", "sigma", "width_hz"),
    [(np.pi * 6, 0.0, 6.0), (0.01, np.pi * 6 / (2 * np.sqrt(np.log(2))), 6.0)],
    ids=["Lorentz", "Gauss"],
)
def test_widths_are_those_of_the_docstring(gamma: float, sigma: float, width_hz: float) -> None:
    damped = physics.damp(np.ones(N, dtype=complex), gamma, sigma, DT)
    assert fwhm_hz(damped) == pytest.approx(width_hz, abs=2 / (32 * N * DT))


def test_first_order_phase_is_a_delay_about_its_pivot() -> None:
    tau, pivot = 1e-3, 30.0
    ratio = physics.fid_to_spectrum(physics.first_order_phase(line(30.0), tau, DT, pivot))
    ratio = ratio / physics.fid_to_spectrum(line(30.0))
    expected = np.exp(2j * np.pi * tau * (physics.frequency_axis_hz(N, DT) - pivot))
    np.testing.assert_allclose(ratio, expected, atol=1e-9)


def test_eddy_current_phase_is_the_integral_of_its_frequency() -> None:
    phase_rad = physics.eddy_current_phase(N, DT, 8.0, 0.05, LIKE)
    t = np.arange(N) * DT
    frequency = np.gradient(phase_rad, DT) / (2 * np.pi)
    np.testing.assert_allclose(frequency[1:-1], 8.0 * np.exp(-t / 0.05)[1:-1], rtol=1e-4)


def test_transform_is_orthonormal_and_reversible(rng: np.random.Generator) -> None:
    fid = rng.standard_normal(N) + 1j * rng.standard_normal(N)
    spectrum = physics.fid_to_spectrum(fid)
    assert np.vdot(spectrum, spectrum).real == pytest.approx(np.vdot(fid, fid).real)
    np.testing.assert_allclose(physics.spectrum_to_fid(spectrum), fid, atol=1e-12)


def test_projection_is_idempotent_and_keeps_only_the_window(rng: np.random.Generator) -> None:
    fid = rng.standard_normal(N) + 1j * rng.standard_normal(N)
    inside = physics.ppm_window(physics.ppm_axis(N, DT, F0, 4.65), (1.8, 4.2))
    once = physics.project(fid, inside)
    np.testing.assert_allclose(physics.project(once, inside), once, atol=1e-12)
    np.testing.assert_allclose(physics.fid_to_spectrum(once)[~inside], 0, atol=1e-12)


def test_noise_has_its_standard_deviation_in_each_channel(rng: np.random.Generator) -> None:
    noise = physics.add_noise(np.zeros((50, N), dtype=complex), 0.7, rng)
    sd_of_sd = 0.7 / np.sqrt(2 * noise.size)
    for channel in (noise.real, noise.imag):
        assert channel.std() == pytest.approx(0.7, abs=5 * sd_of_sd)


def test_basis_sum_lets_groups_move_alone() -> None:
    basis = np.stack([line(0.0), line(100.0), line(-50.0)])
    amplitudes = np.array([[1.0, 2.0, 3.0]])
    hz, gamma, sigma = np.array([[2.0, -1.0]]), np.array([[1.0, 5.0]]), np.array([[0.0, 3.0]])
    made = physics.basis_sum(basis, amplitudes, hz, gamma, sigma, DT, groups=(0, 1, 0))[0]
    first = physics.shift(physics.damp(basis[0] + 3 * basis[2], 1.0, 0.0, DT), 2.0, DT)
    second = physics.shift(physics.damp(2 * basis[1], 5.0, 3.0, DT), -1.0, DT)
    np.testing.assert_allclose(made, first + second, atol=1e-10)


def _model(xp_basis, amplitudes, hz, gamma, sigma, phase_rad, delay_s):  # type: ignore[no-untyped-def]
    fid = physics.basis_sum(xp_basis, amplitudes, hz, gamma, sigma, DT, groups=(0, 1))
    return physics.first_order_phase(physics.phase(fid, phase_rad), delay_s, DT)


def _parameters() -> tuple[np.ndarray, ...]:
    return (
        np.array([[1.0, 2.0]]),
        np.array([[3.0, -4.0]]),
        np.array([[5.0, 6.0]]),
        np.array([[2.0, 7.0]]),
        np.array([0.4]),
        np.array([1e-4]),
    )


def test_numpy_and_torch_give_the_same_fid() -> None:
    basis = np.stack([line(10.0, n=256), line(-90.0, n=256)])
    ours = _model(basis, *_parameters())
    theirs = _model(torch.from_numpy(basis), *(torch.from_numpy(p) for p in _parameters()))
    np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    basis = torch.from_numpy(np.stack([line(10.0, n=64), line(-90.0, n=64)]))
    parameters = tuple(torch.from_numpy(p).requires_grad_() for p in _parameters())

    def flat(*values: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(_model(basis, *values))

    assert torch.autograd.gradcheck(flat, parameters)
    fid = torch.from_numpy(line(10.0, n=64)[None])
    moved = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (3.0, 0.2)]
    assert torch.autograd.gradcheck(lambda f, p: torch.view_as_real(physics.correct(fid, f, p, DT)), moved)
