"""Registration networks as published, in this package's sign; packages that are what their card says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import fsl_mrs_dl
from fsl_mrs_dl import physics
from fsl_mrs_dl.data import MRSData
from fsl_mrs_dl.errors import IncompatibleModelError, ModelError
from fsl_mrs_dl.models.card import Card, Channel, Score, TrainingRecipe, ValidRange
from fsl_mrs_dl.models.catalogue import architectures
from fsl_mrs_dl.models.inputs import from_channels, on_network_points, to_channels
from fsl_mrs_dl.models.package import CARD, VARIABLE, WEIGHTS, find, load, package_name, save_package
from fsl_mrs_dl.models.registration_encoders import (
    CreatineReferencing,
    Encoder,
    SpectralRegistration,
    estimate,
)

N, DT, MHZ = 512, 0.2272e-3, 400.3225
CONFIG = {"n_points": N, "dwelltime_s": DT, "spectrometer_frequency_mhz": MHZ}
LIKE = np.zeros(1, dtype=complex)
REGISTRATION = architectures("align")
PARAMETERS = {"dsr": 22_170, "dsrf": 22_170, "dcrr": 22_844, "dcrrf": 22_844}


def network(architecture, seed=0):
    more = {"shift_scale_hz": 20.0, "phase_scale_rad": 1.5} if REGISTRATION[architecture].labels else {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = REGISTRATION[architecture].build(**CONFIG, **more)
    if isinstance(made, SpectralRegistration):
        made.set_reference(brain())
    return made.eval(), {**CONFIG, **more}


def brain(dwelltime_s=DT, n_points=N):
    places = (np.array([2.008, 3.027, 3.2]) - 4.65) * MHZ
    lines = physics.singlet(n_points, dwelltime_s, places, np.pi * 12, 0.0, LIKE)
    return (np.array([3.0, 2.0, 1.0])[:, None] * lines).sum(axis=0)


def batch(rng, n=6):
    shift_hz, phase_rad = rng.uniform(-20, 20, n), rng.uniform(-1.5, 1.5, n)
    fids = physics.phase(physics.shift(np.repeat(brain()[None], n, axis=0), shift_hz, DT), phase_rad)
    return physics.add_noise(fids, 0.2, rng), np.stack([shift_hz, phase_rad], axis=1)


def card(config, architecture="dsr", **changes):
    made = Card(
        name=package_name("align", architecture, "1H", MHZ),
        version="1.0.0",
        task="align",
        architecture=architecture,
        config=config,
        inputs=(Channel("fid", "time", ("batch", "2", "512"), "1"),),
        outputs=(Channel("shift", "parameter", ("batch",), "Hz"),),
        valid=ValidRange("1H", (380.0, 420.0), (1e-4, 3e-4), (0.1, 10.0), shift_hz=(-20.0, 20.0)),
        recipe=TrainingRecipe("fsl_mrs_dl train align", 0, "none", "0" * 64, 0.1),
        evaluation=(Score("shift SD", "Hz", 1.0, None, "", 0.1, "CRLB", 10),),
        intended_use="tests",
        refused_use="all else",
    )
    return replace(made, **changes)


@pytest.mark.parametrize("architecture", PARAMETERS)
def test_parameters_are_as_many_as_published(architecture):
    made, _ = network(architecture)
    assert sum(p.numel() for p in made.parameters()) == PARAMETERS[architecture]


@pytest.mark.parametrize("depth", [3, 4, 5, 6])
def test_every_depth_that_is_searched_fits_512_points(depth):
    assert Encoder(2, N, depth)(torch.zeros(3, 2, N)).shape == (3, 2)


@pytest.mark.parametrize("architecture", ["dsr", "dcrr"])
def test_the_scale_of_the_outputs_is_in_hz(architecture, rng):
    """The same weights with a scale of 10 tell ten times the shift and the same phase."""
    plain, config = network(architecture)
    scaled = REGISTRATION[architecture].build(**config, shift_scale_hz=10.0).eval()
    scaled.load_state_dict(plain.state_dict())
    inputs = torch.from_numpy(rng.normal(size=(4, 2, N))).float()
    (shift_hz, phase_rad), (ten_hz, same_rad) = plain.estimates(inputs), scaled.estimates(inputs)
    assert torch.allclose(10 * shift_hz, ten_hz)
    assert torch.equal(phase_rad, same_rad)


@pytest.mark.parametrize("architecture", ["dsr", "dsrf"])
def test_five_hertz_and_thirty_degrees_are_decoded_as_such(architecture):
    """The loss of the true encoding is zero, and that of the other sign is not."""
    made, _ = network(architecture)
    seen = torch.from_numpy(
        to_channels(physics.phase(physics.shift(brain()[None], 5.0, DT), np.radians(30.0)))
    ).float()
    reference = np.abs(brain()).max() / np.abs(physics.shift(brain(), 5.0, DT)).max()
    for sign in (1, -1):
        said = torch.tensor([[sign * np.radians(30.0), sign * 5.0]]).float()
        decoded = from_channels(seen) - made.decode(said, seen) * reference
        assert (float(decoded.abs().max()) < 1e-4) is (sign == 1)


def test_creatine_decoder_makes_the_line_where_creatine_is():
    made, _ = network("dcrr")
    assert isinstance(made, CreatineReferencing)
    place = (3.027 - 4.65) * MHZ
    line = physics.phase(physics.singlet(N, DT, place + 5.0, 30.0, 0.0, LIKE)[None], np.radians(30.0))
    seen = torch.zeros(1, 2, N)
    said = torch.tensor([[np.radians(30.0), 5.0, 1.0, 30.0]]).float()
    np.testing.assert_allclose(made.decode(said, seen).numpy(), line, atol=2e-3)


def test_creatine_decoder_adds_the_input_damped_by_500_per_second(rng):
    made, _ = network("dcrr")
    seen = torch.from_numpy(rng.standard_normal((1, 2, N))).float()
    decoded = made.decode(torch.zeros(1, 4), seen).numpy()
    expected = from_channels(seen).numpy() * np.exp(-500 * DT * np.arange(N))
    np.testing.assert_allclose(decoded, expected, atol=1e-5)


def test_time_loss_skips_the_first_point_and_window_loss_sees_the_window_alone(rng):
    made, _ = network("dsr")
    inputs = to_channels(brain()[None])
    first = inputs.copy()
    first[:, :, 0] += 1.0
    zero = torch.zeros(1, 2)
    made.encoder.forward = lambda inputs: zero
    losses = [float(made.loss(torch.from_numpy(x).float())) for x in (inputs, first)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-9)
    windowed, _ = network("dsrf")
    windowed.encoder.forward = lambda inputs: zero
    lines = [physics.singlet(N, DT, (ppm - 4.65) * MHZ, 60.0, 0.0, LIKE) for ppm in (1.2, 3.0)]
    outside, inside = (
        float(windowed.loss(torch.from_numpy(np.stack([x.real, x.imag])[None]).float() + first_))
        for x, first_ in ((line, torch.from_numpy(inputs).float()) for line in lines)
    )
    assert outside < 0.05 * inside


@pytest.mark.parametrize("architecture", REGISTRATION)
def test_every_parameter_learns(architecture, rng):
    made, _ = network(architecture)
    # An odd number: the signs of an absolute error cannot cancel.
    fids, truth = batch(rng, 7)
    made.loss(torch.from_numpy(to_channels(fids)).float(), torch.from_numpy(truth).float()).backward()
    silent = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize("architecture", REGISTRATION)
def test_estimates_do_not_depend_on_batch_scale_or_more_points(architecture, rng):
    made, _ = network(architecture)
    fids, _ = batch(rng)
    together = np.stack(estimate(made, fids, DT))
    alone = np.concatenate([np.stack(estimate(made, fid[None], DT)) for fid in fids], axis=1)
    scaled = np.stack(estimate(made, np.pad(1e6 * fids, ((0, 0), (0, 88))), DT))
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(scaled, together, atol=1e-5)


def test_channels_come_back(rng):
    fids, _ = batch(rng)
    back = from_channels(to_channels(fids))
    np.testing.assert_allclose(back * np.abs(fids).max(axis=1, keepdims=True), fids, atol=1e-12)
    assert np.abs(back).max(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("ratio", [0.4, 0.8, 1.25])
def test_another_dwell_time_gives_the_same_input(ratio):
    """Clean lines, sampled otherwise: what the network reads is the same but for the ends of the record."""
    other = brain(ratio * DT, int(np.ceil(N / ratio)))
    found = on_network_points(other[None], ratio * DT, N, DT)[0]
    error = np.abs(found - brain())[:-40].max() / np.abs(brain()).max()
    assert error < 2e-3


@pytest.mark.parametrize("architecture", REGISTRATION)
def test_package_comes_back_bit_by_bit(architecture, tmp_path, rng):
    made, config = network(architecture, seed=5)
    folder = save_package(made, card(config, architecture), tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == [CARD, WEIGHTS]
    model = load(folder)
    for (name, value), (again, loaded) in zip(
        made.state_dict().items(), model.network.state_dict().items(), strict=True
    ):
        assert name == again
        assert torch.equal(value, loaded)
    fids, _ = batch(rng)
    np.testing.assert_array_equal(estimate(made, fids, DT), estimate(model.network, fids, DT))


def saved(folder, **changes):
    made, config = network("dsr")
    return save_package(made, card(config, **changes), folder)


def test_no_pickle_in_a_package_or_in_the_code(tmp_path):
    weights = (saved(tmp_path) / WEIGHTS).read_bytes()
    # A pickle of PyTorch is a zip archive; safetensors begins with the length of a JSON header.
    assert not weights.startswith(b"PK")
    header = json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])
    assert "reference" in header
    code = "".join(p.read_text() for p in Path(fsl_mrs_dl.__file__).parent.rglob("*.py"))
    assert [word for word in ("import pickle", "torch.load", "torch.save", "joblib") if word in code] == []


def test_packages_are_found_by_name_version_and_path(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        saved(tmp_path, version=version)
    name = "align-dsr-1h-9.4t"
    assert find(name) == tmp_path / name / "1.10.0"
    assert find(f"{name}@1.9.0") == tmp_path / name / "1.9.0"
    assert find(tmp_path / name) == find(name)
    with pytest.raises(ModelError, match="no model package"):
        find(f"{name}@2.0.0")
    with pytest.raises(ModelError, match="no model package"):
        find("../secret")


def test_the_folder_that_training_wrote_into_is_told_apart_from_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "trained")
    with pytest.raises(ModelError, match=re.escape("A package here is trained/align-dsr-1h-9.4t. ")):
        find("trained")
    assert find("trained/align-dsr-1h-9.4t").name == "1.0.0"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nucleus": "31P"}, "nucleus"),
        ({"spectrometer_frequency_mhz": 123.2}, "spectrometer_frequency_mhz"),
        ({"dwelltime_s": 1e-3}, "dwelltime_s"),
        ({"fid": np.ones((1, 1, 1, 64), complex)}, "duration_s"),
    ],
)
def test_data_outside_the_valid_range_are_refused_by_the_field(change, field):
    fits = MRSData(np.ones((1, 1, 1, 2048), complex), DT, MHZ)
    assert card(CONFIG).check(fits) == ()
    data = replace(fits, **change)
    with pytest.raises(IncompatibleModelError, match=field):
        card(CONFIG).check(data)
    assert field in card(CONFIG).check(data, allow_mismatch=True)[0]
