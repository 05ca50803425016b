"""Training learns, is the same twice, and takes its references and labels from the right places."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
import torch

from fsl_mrs_dl import physics
from fsl_mrs_dl.errors import MissingDependencyError
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.registration_encoders import estimate
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.evaluation import crlb_rms, errors, scores
from fsl_mrs_dl.train.loop import Settings
from fsl_mrs_dl.train.references import average_reference, kmeans_reference
from fsl_mrs_dl.train.registration import tensors
from fsl_mrs_dl.train.registration_data import RAT_POINTS, Spread, default_spread, simulated
from fsl_mrs_dl.train.training import DataSplit
from fsl_mrs_dl.train.trainings import training_of

pytestmark = pytest.mark.usefixtures("one_thread")

SPREAD = Spread(20.0, pi / 2, 0.4)


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(1)
    return DataSplit(*(simulated("deepfpc", None, SPREAD, n, rng) for n in (192, 32, 64)))


def trained(sets, architecture, seed, epochs=2, lr=1e-3):
    torch.manual_seed(99 + seed)  # a state that a training must not depend on
    training = training_of(resolved(architecture, seed=seed))
    network, _ = training.begin(sets)
    outcome = training.fit(network, sets, Settings(epochs, 32, lr, 0, seed))
    return network, outcome


@pytest.mark.parametrize("architecture", ["dsr", "dcrrf", "ma"])
def test_same_seed_same_weights(architecture, sets):
    torch.manual_seed(1)
    first, losses = trained(sets, architecture, 0)
    torch.rand(5)
    again, same = trained(sets, architecture, 0)
    other, _ = trained(sets, architecture, 1)
    assert losses == same
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_training_leaves_the_global_state_alone(sets):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    training = training_of(resolved("dsr"))
    network, _ = training.new_network(sets)
    training.fit(network, sets, Settings(1, 64, 1e-3, 0, 0))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()
    assert not network.training


@pytest.mark.parametrize("architecture", architectures("align"))
def test_every_architecture_trains(architecture, sets):
    network, outcome = trained(sets, architecture, 0)
    assert len(outcome.losses) == 2
    assert np.isfinite(outcome.losses).all()
    assert outcome.best == min(outcome.losses)
    rows = scores(network, sets.test)
    assert [row.unit for row in rows] == ["Hz", "deg", "1", "1", "1"]


def test_a_network_from_a_package_is_trained_with_dropout(sets):
    losses = []
    for mode in (True, False):
        training = training_of(resolved("dsr"))
        fresh, _ = training.begin(sets)
        losses.append(training.fit(fresh.train(mode), sets, Settings(1, 64, 1e-3, 0, 0)).losses)
    assert losses[0] == losses[1]


def test_the_weights_of_the_best_epoch_are_kept(sets):
    """A network that is spoilt after its first epoch ends with the weights of its first epoch."""
    training = training_of(resolved("dcrr"))
    network, _ = training.begin(sets)

    def spoil(epoch, loss):
        with torch.no_grad():
            network.encoder.layers[1].weight.mul_(1e3)

    outcome = training.fit(network, sets, Settings(3, 64, 1e-4, 0, 0), spoil)
    assert outcome.best == outcome.losses[0] < min(outcome.losses[1:])
    inputs, truth = tensors(network, sets.validation)
    with torch.no_grad():
        assert float(network.loss(inputs, truth)) == pytest.approx(outcome.best, rel=1e-5)


@pytest.mark.parametrize("architecture", ["dsr", "ma"])
def test_an_interrupted_training_ends_where_an_unbroken_one_does(architecture, sets, tmp_path):
    settings = Settings(4, 32, 3e-3, 10, 0, anneal=True)
    checkpoint = tmp_path / "state.ckpt"

    def stop(epoch, loss):
        if epoch == 2:
            raise KeyboardInterrupt

    training = training_of(resolved(architecture))

    def start():
        return training.begin(sets)[0]

    unbroken = start()
    losses = training.fit(unbroken, sets, settings).losses
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        training.fit(start(), sets, settings, stop, checkpoint)
    assert checkpoint.exists()
    resumed = start()
    assert training.fit(resumed, sets, settings, None, checkpoint).losses == losses
    assert not checkpoint.exists()
    for name, value in unbroken.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_training_ends_when_nothing_gets_better(sets):
    training = training_of(resolved("dsr"))
    network, _ = training.new_network(sets)
    outcome = training.fit(network, sets, Settings(20, 64, 1e-30, 2, 0))
    assert len(outcome.losses) == 3


def test_a_supervised_network_learns_the_sign(sets):
    """With labels a short training on clean data shows: +shift is estimated as +shift."""
    rng = np.random.default_rng(3)
    quiet = Spread(20.0, 0.1, 0.0)
    clean = [simulated("deepfpc", None, quiet, n, rng) for n in (384, 32, 64)]
    training = training_of(resolved("ma", phase_deg=np.degrees(0.1)))
    network, _ = training.begin(DataSplit(*clean))
    training.fit(network, DataSplit(*clean), Settings(6, 16, 1e-3, 0, 0))
    shift_hz, _ = estimate(network, clean[2].fids, clean[2].dwelltime_s)
    assert np.corrcoef(shift_hz, clean[2].truth[:, 0])[0, 1] > 0.9


def test_simulated_truth_undoes_what_was_done(sets):
    """Corrected by the truth, transients of one mixture are alike; by its opposite they are not."""
    test = sets.test
    free = test.labels == "Free"
    alike = []
    for sign in (1, -1):
        fids = physics.correct(test.fids, sign * test.truth[:, 0], sign * test.truth[:, 1], test.dwelltime_s)
        mean = fids[free].mean(axis=0)
        alike.append(float(np.abs(np.vdot(mean, mean)) / np.mean(np.abs(fids[free]) ** 2) / fids.shape[1]))
    assert alike[0] > 2 * alike[1]


def test_shares_of_nuisance_are_as_asked():
    rng = np.random.default_rng(2)
    labels = simulated("deepfpc", None, SPREAD, 600, rng).labels
    # Three standard deviations of a share of 0.36 in 600.
    assert np.mean(labels == "Free") == pytest.approx(0.36, abs=3 * np.sqrt(0.36 * 0.64 / 600))


@pytest.mark.parametrize(("prior", "mhz"), [("brain_3t", 123.25), ("brain_7t", 297.2)])
def test_brains_are_simulated_at_their_field(prior, mhz):
    spread = default_spread(prior, 0.0)
    made = simulated(prior, None, spread, 12, np.random.default_rng(0))
    assert made.spectrometer_frequency_mhz == mhz
    assert made.fids.shape == made.clean.shape == (12, 2048)
    fids = physics.correct(made.clean, made.truth[:, 0], made.truth[:, 1], made.dwelltime_s)
    spectrum = np.abs(physics.fid_to_spectrum(fids).mean(axis=0))
    window = (made.ppm > 1.9) & (made.ppm < 2.15)
    assert made.ppm[window][np.argmax(spectrum[window])] == pytest.approx(2.01, abs=0.04)


def test_kmeans_takes_a_clear_transient_of_the_cluster_with_less_signal(sets):
    index = kmeans_reference(sets.training)
    assert sets.training.labels[index] in ("Free", "UW")


def test_average_reference_has_less_noise_than_a_transient(sets):
    reference = average_reference(sets.training, 20.0)
    tail = [np.std(fid[-400:]) / np.abs(fid).max() for fid in (reference, sets.training.fids[0])]
    assert tail[0] < 0.3 * tail[1]
    assert reference.shape == (RAT_POINTS,)


def test_errors_are_about_the_mean_and_across_the_turn():
    truth = np.stack([np.zeros(4), np.array([3.0, -3.0, 3.1, -3.1])], axis=1)
    found = (np.array([1.0, 1.0, 1.0, 1.0]), physics.phase(np.ones((4, 1)), truth[:, 1] + pi)[:, 0])
    got = errors((found[0], np.angle(found[1])), truth)
    assert got.shift_sd_hz == pytest.approx(0.0, abs=1e-12)
    assert got.shift_mean_hz == pytest.approx(1.0)
    assert got.phase_sd_deg == pytest.approx(0.0, abs=1e-6)
    assert abs(got.phase_mean_deg) == pytest.approx(180.0)


def test_the_bound_goes_with_the_noise(sets):
    quieter = replace(sets.test, noise_sigma=sets.test.noise_sigma / 2)
    assert crlb_rms(quieter)[0] == pytest.approx(crlb_rms(sets.test)[0] / 2)


def test_search_without_optuna_says_what_to_install(monkeypatch):
    import sys

    from fsl_mrs_dl.train.search import search

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"fsl-mrs-dl\[studies\]"):
        search(lambda choices, report: 0.0, 1, 1, 0)


def test_search_finds_the_better_setting():
    pytest.importorskip("optuna")
    from fsl_mrs_dl.train.search import search

    def loss(choices, report):
        value = abs(np.log10(choices["lr"]) + 3)
        report(0, value)
        return value

    best = search(loss, 12, 1, 0)
    assert set(best) == {"lr", "batch", "depth", "batch_norm"}
    assert best == search(loss, 12, 1, 0)
    assert 1e-4 < best["lr"] < 1e-2
