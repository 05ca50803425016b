"""Ensembles by stacking, asking for spectra, and the scatter by dropout."""

import numpy as np
import pytest
import torch

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.package import load
from fsl_mrs_dl.models.regression_inference import features_of, regression_amplitudes
from fsl_mrs_dl.models.regression_spread import dropout_draws
from fsl_mrs_dl.train.command import resolved
from fsl_mrs_dl.train.training import run
from fsl_mrs_dl.train.trainings import training_of

pytestmark = pytest.mark.usefixtures("one_thread")

BASIS = "slaser_3t_te28"
FEW = {"samples": 40, "epochs": 1, "basis": BASIS}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Return the packages of two small networks over spectrum and spectrogram, and of one of other points."""
    folder = tmp_path_factory.mktemp("members")
    every = (
        ("deepnet-1d", {"widths": (2,) * 6}),
        ("shallownet-2d2c-r-ks3", {"widths": (2, 3, 4)}),
        ("scattering", {}),
    )
    for name, sizes in every:
        run(training_of(resolved(name, **FEW, **sizes)), folder, 0.0, overwrite=False)
    return [str(folder / f"quantify-{name}-slaser-1h-3t") for name, _ in every]


def stacked(packages, **more):
    training = training_of(resolved("stacked", members=tuple(packages), **FEW, **more))
    return training, training.make_sets()


def test_an_ensemble_reads_what_its_members_give_over_their_largest_label(packages):
    training, sets = stacked(packages[:2])
    network = training.begin(sets)[0]
    features, _ = features_of(network, sets.test.fids)
    size = np.abs(sets.test.fids).max(axis=1)
    for k, package in enumerate(packages[:2]):
        member = load(package).network
        amplitudes = regression_amplitudes(member, sets.test.fids, sets.test.basis.dwelltime_s)
        expected = amplitudes / size[:, None] / member.target_sd.numpy()
        assert features[:, k].numpy() == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_members_stay_as_they_are_while_the_last_layers_learn(packages):
    training, sets = stacked(packages[:2], seed=3)
    network = training.begin(sets)[0]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    training.fit(network, sets, training.settings)
    after = network.state_dict()
    learned = {key for key in before if not torch.equal(before[key], after[key])}
    assert learned
    assert not any(key.startswith("stack.") for key in learned)


def test_out_of_fold_outputs_are_of_copies_that_did_not_see_the_spectrum(packages):
    """Features of training spectra differ from the members' own, those of other spectra are the members'."""
    training, sets = stacked(packages[:2], folds=2)
    network = training.begin(sets)[0]
    plain, plain_sets = stacked(packages[:2])
    whole = plain.begin(plain_sets)[0]
    ours, theirs = training.tensors(network, sets), plain.tensors(whole, plain_sets)
    assert not torch.allclose(ours[0][0], theirs[0][0])
    assert torch.equal(ours[1][0], theirs[1][0])
    assert all(
        torch.equal(a, b) for a, b in zip(network.stack.parameters(), whole.stack.parameters(), strict=True)
    )


def test_members_that_cannot_stand_together_are_refused(packages):
    with pytest.raises(OptionError, match="needs 2 or more"):
        stacked(packages[:1])
    with pytest.raises(ModelError, match="take members of the same points"):
        stacked([packages[0], packages[2]])
    other = training_of(resolved("stacked", members=tuple(packages[:2]), samples=40, basis="press_3t_te30"))
    with pytest.raises(ModelError, match="another basis set or prior"):
        other.begin(other.make_sets())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("crelu", {"folds": 2}, "--folds is for stacked"),
        ("dq-nmm", {"query": 5}, "--query is for regressors"),
        ("stacked", {"folds": 1}, "0, or 2 or more"),
    ],
)
def test_options_of_other_networks_are_refused(name, options, words):
    with pytest.raises(OptionError, match=words):
        resolved(name, **options)


def test_a_query_trains_again_on_more_spectra_and_says_so():
    training = training_of(resolved("deepnet-1d", **FEW, widths=(2,) * 6, query=10))
    sets = training.make_sets()
    network = training.begin(sets)[0]
    seen = []
    plain = type(network).standardise
    network.standardise = lambda features, truths: plain(network, features, truths)
    wider = training._with_queried(network.eval(), sets)
    seen.append(len(wider.training.fids) - len(sets.training.fids))
    assert seen == [10]
    assert np.array_equal(wider.training.fids[: len(sets.training.fids)], sets.training.fids)
    assert np.isfinite(training.fit(network, sets, training.settings).best)
    assert "10 of 30 that the network was trained on again" in training.data_words(sets)


def test_dropout_scatters_answers_and_leaves_the_network_as_it_was(packages):
    network = load(packages[0]).network
    features = torch.randn(5, *network.transform.shape, generator=torch.Generator().manual_seed(1))
    draws = dropout_draws(network, features, 6, 1)
    assert draws.shape == (5, 6, len(network.names))
    assert draws.std(dim=1).min() > 0
    assert torch.equal(draws, dropout_draws(network, features, 6, 1))
    assert not any(module.training for module in network.modules())
    with pytest.raises(ValueError, match="has no dropout"):
        dropout_draws(load(packages[2]).network, features, 2, 1)
