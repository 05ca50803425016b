"""The network of deviations: what it carries, what it finds, and what it leaves to the noise."""

import numpy as np
import pytest

from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io.transient_sets import TransientSets, deviations_of
from fsl_mrs_dl.models.synthesis_deviations import CarriedSet, DeviationNetwork, directions
from fsl_mrs_dl.scores import noise_sd
from fsl_mrs_dl.simulate.measured_noise import MeasuredNoise
from fsl_mrs_dl.steps.synthesis_models import new_transients, transients_like
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.synthesis_deviations import deviation_components, signal_subspace
from fsl_mrs_dl.train.synthesis_transients import joined_sets
from fsl_mrs_dl.train.trainings import training_of
from fsl_mrs_dl.train.transients import SplitTransients

N, DT, F0, SD = 512, 5e-4, 123.2, 0.5
T = np.arange(N) * DT
LINE = 60 * np.exp(-15 * T - 2j * np.pi * 200 * T)
TAIL = np.exp(-40 * T + 2j * np.pi * 5 * T)


def scan(n: int, rng: np.random.Generator, *, scale: float = 0.0, tail: float = 0.0) -> np.ndarray:
    """Return transients of one line, whose scale and whose tail of water vary."""
    noise = SD * (rng.standard_normal((n, N)) + 1j * rng.standard_normal((n, N)))
    return (
        (1 + scale * rng.standard_normal((n, 1))) * LINE + tail * rng.standard_normal((n, 1)) * TAIL + noise
    )


def data_of(fids: np.ndarray) -> MRSData:
    return MRSData(fids.T[None, None, None], DT, F0, dim_tags=("DIM_DYN",))


def test_directions_are_orthonormal_and_begin_with_the_average(rng: np.random.Generator) -> None:
    found = directions(LINE, rng.standard_normal((3, N)) + 0j)
    np.testing.assert_allclose(found @ found.conj().T, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(found[0], LINE / np.linalg.norm(LINE), atol=1e-12)


def test_the_coefficient_of_the_average_is_the_scale(rng: np.random.Generator) -> None:
    fids = np.array([0.9, 1.1])[:, None] * LINE
    network = DeviationNetwork(N, DT, F0, 0)
    carried = CarriedSet.of(network, *deviations_of(fids), DT, SD)
    # Two transients: deviations from the average are lengthened by the square root of 2 / (2 - 1).
    expected = np.array([-0.1, 0.1]) * np.sqrt(2) * np.linalg.norm(LINE) / SD
    np.testing.assert_allclose(carried.coefficients[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(carried.coefficients[:, 1:], 0, atol=1e-9)


def test_components_are_what_stands_out_of_the_noise(rng: np.random.Generator) -> None:
    white = scan(200, rng) - LINE
    subspace = signal_subspace(data_of(white))
    np.testing.assert_allclose(subspace @ subspace.conj().T, np.eye(len(subspace)), atol=1e-9)
    assert len(deviation_components(white / SD, subspace)) == 0
    found = deviation_components((scan(200, rng, tail=4.0) - LINE) / SD, subspace)
    assert len(found) == 1
    # Energy over noise of all transients, and noise in each dimension of the direction found (both a channel).
    inside = TAIL @ subspace.conj().T @ subspace
    strength = 16 * np.linalg.norm(inside) ** 2 / SD**2 * 200
    least = 1 / np.sqrt(1 + 2 * len(subspace) / strength)
    assert abs(np.vdot(found[0], inside)) / np.linalg.norm(inside) > 0.99 * least
    # A tail that decays within 25 ms has almost all of its energy there.
    assert np.linalg.norm(inside) > 0.97 * np.linalg.norm(TAIL)


def test_the_average_is_kept_and_the_noise_given_back(rng: np.random.Generator) -> None:
    fids = scan(60, rng, scale=0.02, tail=3.0)
    data = data_of(fids)
    settings = Settings(20, 16, 3e-3, 0, 1)
    training = training_of(resolved("vae", seed=settings.seed))
    sets = SplitTransients.of(joined_sets([fids.astype(np.complex64)], data, ""), settings.seed)
    network, _ = training.begin(sets)
    training.fit(network, sets, settings)
    network.eval()
    average, deviations = deviations_of(fids)
    made = new_transients(network, fids, data, 400, "hybrid", rng)  # type: ignore[arg-type]
    # The difference of the averages is noise of 400 transients, and of their scales and tails (which hybrid, at
    # most, spreads as the real ones are).
    spread = np.sqrt(np.mean(np.abs(deviations) ** 2, axis=0) / 400)
    assert np.linalg.norm(made.mean(axis=0) - average) < 2 * np.linalg.norm(spread)
    ratio = np.median(noise_sd(made, data.ppm_axis)) / np.median(noise_sd(fids, data.ppm_axis))
    assert abs(ratio - 1) < 0.02
    # What varied does so again: within half of it and twice.
    along = [np.var((part - part.mean(axis=0)) @ TAIL.conj()) for part in (fids, made)]
    assert 0.5 < along[1] / along[0] < 2


def test_a_handful_of_transients_is_refused(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = DeviationNetwork(N, DT, F0, 0)
    monkeypatch.setattr("fsl_mrs_dl.steps.synthesis_models.generative", lambda *a, **k: (network, None))
    sets = TransientSets.of(data_of(scan(3, rng)), "DIM_DYN")
    with pytest.raises(DataError, match="3 usable transients; at least 4"):
        transients_like(sets, 5, "x", mode="hybrid", noiseless=False, allow_mismatch=False, rng=rng)


def test_noise_drawn_is_as_strong_as_the_measured(rng: np.random.Generator) -> None:
    fids = scan(300, rng) - LINE
    ppm = data_of(fids).ppm_axis
    made = MeasuredNoise.of(fids, ppm).draw(noise_sd(fids, ppm), rng)
    # The mean power of 300 x 512 numbers is known to 0.25 %; the curve through signal-free bins to about 1 %.
    assert abs(np.mean(np.abs(made) ** 2) / (2 * SD**2) - 1) < 0.02
