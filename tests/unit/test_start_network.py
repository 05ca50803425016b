"""The start network: what it is told, what it learns from, and what the fit makes of its start."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl.fit.lcm import Baseline, FitSettings, Fitter
from fsl_mrs_dl.fit.lcm.problem import Parameters
from fsl_mrs_dl.io.basis import read_basis
from fsl_mrs_dl.models.package import Model
from fsl_mrs_dl.models.quantification_start import (
    GRID_POINTS,
    GRID_PPM,
    SCALES,
    StartNetwork,
    acquisition_row,
    estimate_start,
    grid_spectra,
    pivot_phase,
    unit_of,
)
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.simulate.shipped import shipped_basis
from fsl_mrs_dl.steps.quantify_fitters import StartedFitter
from fsl_mrs_dl.train.start import start_scores
from fsl_mrs_dl.train.start_data import examples, scene


@pytest.fixture(scope="module")
def made():
    basis = read_basis(shipped_basis("slaser_3t_te35"))
    return scene(basis, 16, np.random.default_rng(3), snr_f=(100.0, 100.0), smooth=0.0, mm_broader=False)


def truth_of(made) -> Parameters:
    columns = (value[:, None].copy() for value in (made.shift_hz, made.gamma, made.sigma**2))
    return Parameters.shared(*columns, made.phase_rad, made.delay_s)


def test_a_scene_is_what_the_fit_models(made):
    """From the truth the fit stays there: errors of the amplitudes are those of the bound."""
    settings = FitSettings(baseline=Baseline(), non_negative=False)
    fitter = Fitter(made.basis, settings, reference_ppm=made.basis.reference_ppm)
    found = fitter(made.fids, truth_of(made))
    z = (found.amplitudes - made.amplitudes) / found.crlb
    # Correlated members: 16 spectra of 25 count for no less than 16; five standard errors.
    assert np.mean(z**2) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 16))
    assert np.abs(found.shift_hz[:, 0] - made.shift_hz).max() < 1.0


def test_targets_are_of_the_order_of_one_and_come_back(made):
    """What the network is to say, put through the way back, is the truth in SI."""
    mhz = made.basis.spectrometer_frequency_mhz
    values = made.truth * unit_of(mhz)
    assert np.abs(made.truth).max() < 4
    assert values[:, 0] == pytest.approx(made.shift_hz)
    assert values[:, 2] == pytest.approx(made.delay_s)
    back = values[:, 1] - pivot_phase(values[:, 2], mhz)
    assert np.exp(1j * back) == pytest.approx(np.exp(1j * made.phase_rad))


def test_the_grid_shows_a_line_where_it_is():
    mhz, dt = 123.25, 4e-4
    line = singlet(2048, dt, (2.01 - 4.65) * mhz, 10.0, 0.0, np.zeros(1, dtype=complex))[None]
    grid = np.abs(grid_spectra(line, dt, mhz))
    ppm = np.linspace(*GRID_PPM, GRID_POINTS)
    assert ppm[grid[0].argmax()] == pytest.approx(2.01, abs=ppm[1] - ppm[0])
    assert grid.max() == pytest.approx(1.0)


def test_the_network_is_told_the_acquisition():
    assert acquisition_row(2333, 3e-4, 123.0) == pytest.approx([0, 0, 0], abs=1e-3)
    assert acquisition_row(2333, 3e-4, 246.0)[0] == pytest.approx(np.log(2))


def test_the_loss_wraps_the_phase():
    """An estimate just below +180 degrees of a truth just above -180 is near."""
    torch.manual_seed(0)
    network = StartNetwork()
    inputs, acquisition = torch.randn(4, 2, GRID_POINTS), torch.zeros(4, 3)
    means, _ = network.beliefs(inputs, acquisition)
    near = means.detach().clone()
    near[:, 1] += 2.0
    same = network.loss(inputs, acquisition, means.detach()).item()
    assert network.loss(inputs, acquisition, near).item() == pytest.approx(same, abs=1e-4)


def test_training_gets_nearer_the_truth():
    torch.manual_seed(0)
    part = examples(80, np.random.default_rng(0))
    tensors = [torch.from_numpy(values) for values in (part.inputs, part.acquisition, part.truth)]
    network = StartNetwork()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        loss = network.loss(*tensors)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    rows = start_scores(network.eval(), part)
    assert len(rows) == 2 * len(SCALES)


def test_the_fit_starts_where_the_network_says(made, monkeypatch):
    """With a network that knows the truth, the fit needs as few iterations as from the truth."""
    settings = FitSettings(baseline=Baseline())
    axes = {"reference_ppm": made.basis.reference_ppm}
    network = StartNetwork().eval()
    fitter = StartedFitter(made.basis, settings, **axes, model=Model(network, None))
    beliefs = estimate_start(
        network, made.fids, made.basis.dwelltime_s, made.basis.spectrometer_frequency_mhz
    )
    assert set(beliefs.sd) == {*vars(beliefs)} - {"sd"}
    knows = torch.from_numpy(made.truth.astype(np.float32))
    monkeypatch.setattr(network, "beliefs", lambda inputs, acquisition: (knows, torch.zeros_like(knows)))
    begun = fitter.begin(made.fids)
    assert begun.shift_hz[:, 0] == pytest.approx(made.shift_hz, abs=1e-3)
    assert np.exp(1j * begun.phase_rad) == pytest.approx(np.exp(1j * made.phase_rad), abs=1e-4)
    from_truth = Fitter(made.basis, settings, **axes)(made.fids, truth_of(made))
    assert fitter(made.fids).iterations.sum() <= 1.1 * from_truth.iterations.sum()
