"""Registration networks that learn the probability of each shift: the likelihood, the world, the stream."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl import physics
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.inputs import to_channels
from fsl_mrs_dl.models.package import load, save_package
from fsl_mrs_dl.models.registration_encoders import estimate
from fsl_mrs_dl.models.registration_likelihood import N_SHIFTS
from fsl_mrs_dl.scores import phase_difference
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.loop import Settings, Stream, fit
from fsl_mrs_dl.train.registration_data import Spread
from fsl_mrs_dl.train.registration_world import TRANSIENTS, World
from fsl_mrs_dl.train.trainings import training_of
from fsl_mrs_dl.train.writing import recipe

pytestmark = pytest.mark.usefixtures("one_thread")
N, DT, MHZ, LARGEST_HZ = 512, 2.5e-4, 123.25, 40.0
DAES = [name for name, entry in architectures("align").items() if not entry.labels]
LIKE = np.zeros(1, dtype=complex)
SHIFTS_HZ = np.array([-37.0, -12.0, 0.0, 5.0, 31.0])


def network(name, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = {"n_points": N, "dwelltime_s": DT, "spectrometer_frequency_mhz": MHZ}
        one = architectures()[name].build(**config, max_shift_hz=LARGEST_HZ, loss="likelihood")
    if not one.lines:
        one.set_reference(brain())
    return one.eval()


def lines(places_ppm, areas, width_hz=5.0):
    hz = (np.array(places_ppm) - 4.65) * MHZ
    return np.array(areas) @ physics.singlet(N, DT, hz, np.pi * width_hz, 0.0, LIKE)


def brain():
    return lines([2.008, 3.027, 3.21, 3.55], [3.0, 2.0, 1.2, 0.7])


def transients(rng, water=0.0, phase_rad=0.0, sigma=0.01):
    """Return the brain at each shift, with water of its own in each."""
    own = water * (rng.standard_normal((len(SHIFTS_HZ), 2)) @ [1, 1j])[:, None] * lines([4.68], [7.0], 9.0)
    fids = physics.phase(physics.shift(brain() + own, SHIFTS_HZ, DT), phase_rad)
    return physics.add_noise(fids, sigma, rng)


def channels(fids):
    return torch.from_numpy(to_channels(fids)).float()


@pytest.mark.parametrize("water", [0.0, 100.0])
@pytest.mark.parametrize("name", DAES)
def test_the_likelihood_is_highest_at_the_true_shift_with_any_water(name, water, rng):
    """To a step of the grid; of the lines of creatine and choline alone, to half a linewidth."""
    one = network(name)
    odds = one.odds(channels(transients(rng, water)))
    np.testing.assert_allclose(odds.sum(dim=1).numpy(), 1.0, rtol=1e-5)
    best_hz = one.shifts_hz[odds.argmax(dim=1)].numpy()
    step_hz = 2.5 * LARGEST_HZ / (N_SHIFTS - 1)
    np.testing.assert_allclose(best_hz, SHIFTS_HZ, atol=step_hz if not one.lines else 2.5)


def test_each_scan_is_compared_with_its_own_reference(rng):
    """The reference of the second scan lies 8 Hz off, so its transients are 8 Hz nearer."""
    one = network("dsr")
    references = channels(np.stack([brain(), physics.shift(brain(), 8.0, DT)]))
    seen = channels(transients(rng))
    odds = one.odds(torch.cat([seen, seen]), references)
    best_hz = one.shifts_hz[odds.argmax(dim=1)].numpy().reshape(2, -1)
    within = slice(1, None)  # -37 - 8 Hz is beyond what is learned
    np.testing.assert_allclose((best_hz[0] - best_hz[1])[within], 8.0, atol=1.0)


def test_thirty_degrees_are_estimated_as_such(rng):
    """Of the shift that the likelihood gives: the encoder, which has learned nothing, is left out."""
    one = network("dsr")
    seen = channels(transients(rng, 30.0, np.radians(30.0)))
    one.probabilities = lambda inputs: one.odds(inputs)
    shift_hz, phase_rad = one.estimates(seen)
    np.testing.assert_allclose(shift_hz.numpy(), SHIFTS_HZ, atol=0.4)
    # An error of 0.4 Hz turns the phase by 0.4 Hz x 360 degrees x the 40 ms at which the signal has its weight.
    np.testing.assert_allclose(np.degrees(phase_rad.numpy()), 30.0, atol=7.0)


def test_phases_in_a_scan_do_not_need_a_reference_of_it(rng):
    """A reference without NAA and with other first points: all phases are off alike, and differences are right."""
    one = network("dsr")
    one.set_reference(np.roll(lines([3.027], [1.0], 9.0), 3))
    turns = np.radians([10.0, -160.0, 90.0, 0.0, 45.0])
    seen = channels(transients(rng, phase_rad=turns))
    before = torch.from_numpy(turns + rng.normal(0.0, 0.5, 5)).float()
    after = one.phases_in_scan(seen, torch.from_numpy(SHIFTS_HZ).float(), before).numpy()
    error = phase_difference(after - after[0], turns - turns[0])
    np.testing.assert_allclose(np.degrees(error), 0.0, atol=1.5)


def test_probabilities_do_not_depend_on_water(rng):
    """The encoder reads nothing of it, whatever its weights are."""
    one = network("dsrf")
    noiseless = brain()[None]
    watery = noiseless + 50.0 * np.exp(0.7j) * lines([4.68], [7.0], 9.0)
    with torch.no_grad():
        with_it, without = (one.features(channels(fid)) for fid in (watery, noiseless))
    np.testing.assert_allclose(with_it.numpy(), without.numpy(), atol=0.02 * float(without.abs().max()))


@pytest.mark.parametrize("name", DAES)
def test_a_package_with_this_loss_comes_back_and_agrees(name, tmp_path, rng):
    training = training_of(resolved(name, prior="world_3t", loss="likelihood", samples=32, batch=32))
    sets = training.make_sets()
    one, config = training.begin(sets)
    origin = recipe(training.options, training.data_words(sets), sets.training.sha256, 0.0)
    package = training.name(one, sets)
    card = training.card(one, config, sets, origin, name=package, version="1.0.0", evaluation=())
    again = load(save_package(one, card, tmp_path)).network
    fids = transients(rng)
    for ours, theirs in zip(estimate(one.eval(), fids, DT), estimate(again, fids, DT), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_few_steps_on_the_world_find_most_shifts():
    """By chance 92 % are off by more than 3 Hz of +-39."""
    training = training_of(
        resolved("dsr", prior="world_3t", loss="likelihood", samples=2560, batch=256, epochs=4, lr=4e-3)
    )
    sets = training.make_sets()
    one, _ = training.begin(sets)
    training.fit(one, sets, training.settings)
    score = training.scores(one, sets)[-1]
    assert score.metric == "shifts off by more than 0.025 ppm"
    assert score.value < 80.0


class TestWorld:
    WORLD = World.of("world_3t", N, Spread(LARGEST_HZ, np.pi, 0.0))

    def test_the_same_seed_draws_the_same(self):
        first, second = (self.WORLD.draw(2, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first.fids, second.fids)

    def test_shift_and_phase_are_those_of_its_truth(self):
        """Undone, the transients of a scan without water and lipids are its reference and noise."""
        scans = self.WORLD.draw(80, np.random.default_rng(1))
        clear = np.flatnonzero((scans.water == 0) & (scans.lipid == 0))
        assert len(clear)
        for k in clear:
            still = physics.correct(scans.fids[k], scans.shift_hz[k], scans.phase_rad[k], DT)
            left = np.sqrt(np.mean(np.abs(still - scans.references[k]) ** 2) / 2)
            # 16 x 512 complex values: the SD is known to under 1 %.
            assert left * scans.snr_t0[k] == pytest.approx(1.0, abs=0.04)

    def test_water_and_lipids_are_where_they_belong_and_as_large_as_told(self):
        scans = self.WORLD.draw(40, np.random.default_rng(2))
        size = np.abs(scans.fids).max(axis=(1, 2))
        alone = (scans.lipid < 0.1) & (scans.water > 10)
        np.testing.assert_array_less(0.3 * scans.water[alone], size[alone])
        np.testing.assert_array_less(size[(scans.lipid < 0.1) & (scans.water < 0.1)], 3.0)
        k = int(np.argmax(np.where(scans.lipid < 0.1, scans.water, 0.0)))
        still = physics.correct(scans.fids[k], scans.shift_hz[k], scans.phase_rad[k], DT)
        peaks = np.abs(physics.fid_to_spectrum(still)).argmax(axis=1)
        ppm = physics.ppm_axis(N, DT, MHZ, 4.65)
        assert np.median(np.abs(ppm[peaks] - 4.65)) < 0.25

    def test_transients_of_a_scan_stand_together(self):
        made = self.WORLD.transients(3 * TRANSIENTS, np.random.default_rng(4))
        assert made.fids.shape == made.clean.shape == (3 * TRANSIENTS, N)
        still = physics.correct(made.clean, made.truth[:, 0], made.truth[:, 1], DT)
        expected = np.repeat(made.references, TRANSIENTS, axis=0)
        np.testing.assert_allclose(still, expected, atol=1e-5)


class TestStream:
    def trained(self):
        """Return the weights of a line that learns from drawn points, and what was drawn."""
        drawn = []

        def draw(rng):
            x = torch.from_numpy(rng.standard_normal((8, 1))).float()
            drawn.append(float(x[0]))
            return x, 2 * x

        with torch.random.fork_rng():
            torch.manual_seed(0)
            one = _Line()
        validation = draw(np.random.default_rng(0))
        drawn.clear()
        fit(one, Stream(draw, 3), validation, Settings(4, 8, 0.1, 0, 5))
        return float(one.layer.weight.detach()), drawn

    def test_no_batch_comes_twice_and_the_same_seed_gives_the_same(self):
        (weight, drawn), (again, drawn_again) = self.trained(), self.trained()
        assert len(set(drawn)) == len(drawn) == 12
        assert drawn == drawn_again
        assert weight == again


class _Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def loss(self, x, y):
        return ((self.layer(x) - y) ** 2).mean()
