"""The twenty-four networks: sizes as published or as counted by hand, labels, base spectra, options."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl.errors import OptionError
from fsl_mrs_dl.models.catalogue import CATALOGUE, architectures
from fsl_mrs_dl.models.rizzo.convolutional import convolutional
from fsl_mrs_dl.models.rizzo.efficientnet import efficientnet
from fsl_mrs_dl.models.rizzo.network import inputs_of, network
from fsl_mrs_dl.models.rizzo.residual import resnet50
from fsl_mrs_dl.models.rizzo.table import CONFIGS, READS
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.search import compared_space
from fsl_mrs_dl.train.trainings import training_of

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = [f"m{k}" for k in range(14)] + ["NAA", "GABA", "tCr"]
AXES = (1792, 2.5e-4, 123.25)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def planned(name):
    """Return a network of 17 outputs at the published input, without memory."""
    with torch.device("meta"):
        return network(
            name,
            names=NAMES,
            n_points=AXES[0],
            dwelltime_s=AXES[1],
            spectrometer_frequency_mhz=AXES[2],
            inputs=inputs_of(CONFIGS[name].reads, *AXES),
        ).eval()


def test_there_are_twenty_four_in_the_forms_of_the_paper():
    """Five of spectra, ten of two channels, seven of one, two U-Nets."""
    counts = {form: sum(one.reads == form for one in CONFIGS.values()) for form in READS}
    assert counts == {"1D": 5, "2D2c": 10, "2D1c": 7, "1DR": 2}
    assert set(CONFIGS) <= set(architectures("quantify"))
    assert {CATALOGUE[name].lr for name in CONFIGS} == {one.lr for one in CONFIGS.values()}


@pytest.mark.parametrize("name", CONFIGS)
def test_each_gives_an_output_a_member(name):
    built = planned(name)
    outputs = built(torch.zeros(2, *built.transform.shape, device="meta"))
    assert outputs.shape == (2, 17)


def test_the_best_shallow_network_has_three_million_parameters():
    """By hand: weights and biases of three convolutions, of the outputs, and of the normalisation behind them."""
    by_hand = 2 * 49 * 300 + 300 + 300 * 81 * 100 + 100 + 100 * 25 * 150 + 150 + 16 * 4 * 150 * 17 + 17 + 34
    assert parameters(planned("shallownet-2d2c-hp")) == by_hand
    assert by_hand == pytest.approx(3.0e6, rel=0.01)  # as published


def test_efficientnet_b7_has_the_published_number_of_parameters():
    """66 347 960 with three channels and 1000 classes, without the last normalisation (66 M, arXiv:1905.11946)."""
    with torch.device("meta"):
        body = efficientnet((3, 128, 32), 1000, widths=(), kernels=(), dropout=0.5)
    assert parameters(body) - 2 * 1000 == 66_347_960


def test_resnet_50_has_the_published_number_of_parameters():
    """25 583 592 that learn, with a stem of 64, three channels and 1000 classes, each convolution with a bias."""
    with torch.device("meta"):
        body = resnet50((3, 224, 224), 1000, widths=(64, 64), kernels=(7,), dropout=0.0)
    assert parameters(body) == 25_583_592


def test_a_doubled_shallow_network_has_two_convolutions_before_each_pooling():
    body = convolutional(
        (2, 16, 16),
        3,
        widths=(4, 6),
        kernels=(3, 5),
        dropout=0.2,
        hidden=0,
        activation="elu",
        drops=(0.1,),
        repeats=2,
        norm_last=True,
    )
    kinds = [type(layer).__name__ for layer in body]
    assert kinds == [
        *("Sequential", "Sequential", "MaxPool2d", "Dropout2d") * 2,
        *("Flatten", "Linear", "BatchNorm1d"),
    ]
    assert [layer.p for layer in body if type(layer).__name__ == "Dropout2d"] == [0.1, 0.2]
    assert body[-2].in_features == 6 * 4 * 4


@pytest.fixture(scope="module")
def begun():
    """Return training, examples and network of a small one, and of small U-Nets, before their first step."""
    some = {}
    for name, widths in (("deepnet-1d", (2, 3, 4, 5, 6, 7)), ("unet-1dr-hp", (2, 3, 4, 5, 6, 7, 8, 9, 10))):
        options = resolved(name, samples=40, basis="slaser_3t_te28", widths=widths)
        training = training_of(options)
        sets = training.make_sets()
        some[name] = (training, sets, training.begin(sets)[0])
    return some


def test_labels_are_divided_by_the_largest_of_the_training_set(begun):
    training, sets, built = begun["deepnet-1d"]
    truths = training.tensors(built, sets)[0][1]
    labels = (truths - built.target_mean) / built.target_sd
    assert torch.equal(built.target_mean, torch.zeros(truths.shape[1]))
    assert labels.amax(dim=0).tolist() == pytest.approx([1.0] * truths.shape[1])
    assert (training.tensors(built, sets)[1][1] / built.target_sd).max() > 0  # not those of the other sets


def test_an_unet_that_gives_the_base_spectra_gives_the_amplitudes(begun):
    """Integrals of the true base spectra over those of the members are the amplitudes, and the loss is zero."""
    training, sets, built = begun["unet-1dr-hp"]
    features, truths = training.tensors(built, sets)[0]
    spectra = built.features(built.members)[:, 0]
    true = (truths / built.target_sd)[..., None] * (spectra / spectra.abs().amax(dim=1, keepdim=True))

    class Oracle(torch.nn.Module):
        def forward(self, values):
            return true

    learned, built.body = built.body, Oracle()
    try:
        assert float(built.loss(features, truths)) < 1e-10
        assert built(features).numpy() == pytest.approx(truths.numpy(), rel=1e-3, abs=1e-5)
    finally:
        built.body = learned


def test_an_unet_keeps_the_length_of_its_input(begun):
    _, _, built = begun["unet-1dr-hp"]
    for length in (1406, 161, 16):
        assert built.body(torch.zeros(2, 1, length)).shape == (2, len(built.names), length)


def test_a_last_batch_of_one_does_not_stop_batch_normalisation():
    training = training_of(resolved("deepnet-1d", samples=20, epochs=1, batch=17, widths=(2,) * 6))
    sets = training.make_sets()
    built = training.begin(sets)[0]
    assert len(sets.training.fids) == 18
    assert np.isfinite(training.fit(built, sets, training.settings).best)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("deepnet-1d", {"widths": (3, 4)}, "--widths has 2 numbers; deepnet-1d needs 6"),
        ("efficientnet-b7-2d2c", {"kernels": (3,)}, "published are none"),
    ],
)
def test_a_wrong_number_of_sizes_is_refused(name, options, words):
    training = training_of(resolved(name, samples=20, **options))
    with pytest.raises(OptionError, match=words):
        training.begin(training.make_sets())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("crelu", {"widths": (3, 4)}, "--widths is for the networks of Rizzo"),
        ("crelu", {"search": 3}, "--search is for the networks of Rizzo"),
        ("deepnet-1d", {"kernels": (4,) * 6}, "odd numbers are needed"),
        ("deepnet-1d", {"widths": (0,) * 6}, "1 or more are needed"),
        ("deepnet-1d", {"dropout": 1.0}, "from 0 to below 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, options, words):
    with pytest.raises(OptionError, match=words):
        resolved(name, **options)


def test_the_learning_rate_is_that_of_the_paper_unless_it_is_chosen():
    assert resolved("shallownet-2d2c-hp")["lr"] == 5.3954e-3
    assert resolved("shallownet-2d2c-hp", lr=1e-4)["lr"] == 1e-4
    assert resolved("crelu")["lr"] == 3e-3


def test_the_search_tries_sizes_within_the_published_ranges():
    optuna = pytest.importorskip("optuna")
    space = compared_space(3, 2, dropout=True)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(30):
        choices = space(study.ask())
        assert len(choices["widths"]) == 3
        assert all(20 <= w <= 400 for w in choices["widths"])
        assert all(k in (3, 5, 7, 9, 11) for k in choices["kernels"])
        assert 2e-6 <= choices["lr"] <= 2e-2
        assert 0.05 <= choices["dropout"] <= 0.5
    assert set(compared_space(0, 0, dropout=False)(study.ask())) == {"lr"}


def test_the_search_ends_with_settings_that_train():
    pytest.importorskip("optuna")
    options = resolved("shallownet-2d2c-r-ks3", samples=20, epochs=1, search=2, widths=(4, 5, 6))
    training = training_of(options)
    training.search_space = lambda: (
        lambda trial: {
            "lr": 1e-3,
            "widths": tuple(trial.suggest_int(f"w{k}", 2, 5) for k in range(3)),
        }
    )
    best = training.searched(training.make_sets())
    assert best.options["search"] == 0
    assert all(2 <= width <= 5 for width in best.options["widths"])
