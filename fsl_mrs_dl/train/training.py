"""One training for every network: data, network, loop, evaluation, card, package.

:func:`run` is the same for all. What differs is a subclass of :class:`Training`, one for each kind of data and
labels; :mod:`fsl_mrs_dl.train.trainings` lists them, and the row of a network in
:mod:`fsl_mrs_dl.models.catalogue` names the one that makes it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from torch import Tensor

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.card import Card, Channel, Score, TrainingRecipe, ValidRange
from fsl_mrs_dl.models.catalogue import CatalogueEntry
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.package import Model, load
from fsl_mrs_dl.train.loop import LossCurve, Report, Settings, Stream, fit
from fsl_mrs_dl.train.writing import recipe, write_package

if TYPE_CHECKING:
    from fsl_mrs_dl.train.search import Space


class TrainingExamples(Protocol):
    """Examples to train a network on."""

    @property
    def description(self) -> str:
        """Number, source and ranges of the examples, for the card."""

    @property
    def sha256(self) -> str:
        """Checksum of the inputs."""


class HasTraining(Protocol):
    """DataSplit of examples; ``training`` are those that the weights are learned from."""

    @property
    def training(self) -> TrainingExamples:
        """The examples to train on."""


E = TypeVar("E", bound=TrainingExamples)
S = TypeVar("S", bound=HasTraining)
N = TypeVar("N", bound=Network)


@dataclass(frozen=True, eq=False)
class DataSplit(Generic[E]):
    """TrainingExamples to train on, to stop by, and to judge by."""

    training: E
    validation: E
    test: E


@dataclass(frozen=True)
class Scope:
    """Inputs, outputs and valid range of a network, for its card."""

    inputs: tuple[Channel, ...]
    outputs: tuple[Channel, ...]
    valid: ValidRange


class Training(ABC, Generic[S, N]):
    """The training of the networks of one kind.

    Parameters
    ----------
    entry : CatalogueEntry
        The row of the network.
    options : mapping
        Options of the command ``train`` that its step has, resolved.
    """

    intended_use: ClassVar[str]
    refused_use: ClassVar[str]

    def __init__(self, entry: CatalogueEntry, options: Mapping[str, Any]) -> None:
        self.entry = entry
        self.options = options

    @property
    def layers(self) -> dict[str, Any]:
        """The options that shape the network's layers and go into its card."""
        return {name: self.options[name] for name in self.entry.options}

    @property
    def settings(self) -> Settings:
        """The settings of the loop."""
        chosen = self.options
        return Settings(
            chosen["epochs"], chosen["batch"], chosen["lr"], chosen["patience"], chosen["seed"], anneal=True
        )

    @abstractmethod
    def make_sets(self) -> S:
        """Simulate the examples, or read and augment the user's own. The same seed gives the same."""

    @abstractmethod
    def new_network(self, sets: S) -> tuple[N, dict[str, Any]]:
        """Return a network with random weights of the seed, and its config for the card."""

    @abstractmethod
    def tensors(self, network: N, sets: S) -> tuple[tuple[Tensor, ...] | Stream, tuple[Tensor, ...]]:
        """Return the arguments of the loss, one row an example: of the training and of the validation examples.

        Those of the training may come as a stream.
        """

    @abstractmethod
    def name(self, network: N, sets: S) -> str:
        """Return the name of the package."""

    @abstractmethod
    def scores(self, network: N, sets: S) -> tuple[Score, ...]:
        """Return the evaluation on the test examples; the network is in evaluation mode."""

    @abstractmethod
    def scope(self, network: N, sets: S) -> Scope:
        """Return inputs, outputs and valid range."""

    def check_start(self, model: Model, sets: S) -> None:
        """Refuse a package that cannot be trained on with these examples (``--init``).

        Raises
        ------
        ModelError
            If it cannot.
        """

    def prepare(self, network: N, sets: S) -> None:
        """Give a network what it needs of the examples before the loop; by default nothing."""

    def finish(self, network: N, training: tuple[Tensor, ...]) -> None:
        """Give a network what it needs of the examples after the loop; by default nothing."""

    def data_words(self, sets: S) -> str:
        """Return a description of the training data, for the card."""
        return sets.training.description

    def begin(self, sets: S) -> tuple[N, dict[str, Any]]:
        """Return the network before the loop, new or of ``--init``, with what it needs of the data; its config."""
        begin = self.new_network if self.options.get("init") is None else self.started
        network, config = begin(sets)
        self.prepare(network, sets)
        return network, config

    def started(self, sets: S) -> tuple[N, dict[str, Any]]:
        """Return the network of the package ``--init`` to train on, and its config.

        Raises
        ------
        ModelError
            If it is of another architecture, or of other data.
        """
        init = self.options["init"]
        model = load(init)
        if model.card.architecture != self.entry.name:
            raise ModelError(
                f"--init {init} is a {model.card.architecture}, not a {self.entry.name}; give the same."
            )
        self.check_start(model, sets)
        network: Any = model.network
        return network, dict(model.card.config)

    def fit(
        self,
        network: N,
        sets: S,
        settings: Settings,
        report: Report | None = None,
        checkpoint: Path | None = None,
    ) -> LossCurve:
        """Train a network in place; see :func:`fsl_mrs_dl.train.loop.fit`.

        Raises
        ------
        OptionError
            If the loss is not a number after the first epoch.
        """
        training, validation = self.tensors(network, sets)
        curve = fit(network, training, validation, settings, report, checkpoint)
        if not np.isfinite(curve.best):
            raise OptionError(f"The training diverged at --lr {settings.lr:g}; take a smaller one.")
        if not isinstance(training, Stream):
            self.finish(network, training)
        return curve

    def search_space(self) -> "Space":
        """Return what ``--search`` tries; by default that of networks for align."""
        from fsl_mrs_dl.train.search import registration_space

        return registration_space

    def searched(self, sets: S) -> Self:
        """Return this training with the best of ``--search`` settings, each tried from the same random weights."""
        from fsl_mrs_dl.train.search import search

        space = self.search_space()

        def loss_of(choices: dict[str, Any], report: Report) -> float:
            tried = type(self)(self.entry, {**self.options, **choices})
            network, _ = tried.begin(sets)
            return tried.fit(network, sets, tried.settings, report).best

        trials, epochs, seed = (self.options[name] for name in ("search", "epochs", "seed"))
        best = search(loss_of, trials, epochs, seed, space)
        return type(self)(self.entry, {**self.options, **best, "search": 0})

    def card(
        self,
        network: N,
        config: Mapping[str, Any],
        sets: S,
        origin: TrainingRecipe,
        *,
        name: str,
        version: str,
        evaluation: tuple[Score, ...],
    ) -> Card:
        """Return the card of a trained network."""
        scope = self.scope(network, sets)
        return Card(
            name=name,
            version=version,
            task=self.entry.task,
            architecture=self.entry.name,
            config=config,
            inputs=scope.inputs,
            outputs=scope.outputs,
            valid=scope.valid,
            recipe=origin,
            evaluation=evaluation,
            intended_use=self.intended_use,
            refused_use=self.refused_use,
        )


def run(training: Training[Any, Any], output: Path, began: float, *, overwrite: bool) -> None:
    """Train a network and write its package.

    Parameters
    ----------
    training : Training
    output : Path
        Folder that keeps packages.
    began : float
        When the command began, of :func:`time.monotonic`, in s.
    overwrite : bool
        Whether a package of the same name and version is replaced.

    Raises
    ------
    MRSDLError
        If an option, a file, the package to start from or the output folder cannot be used.
    """
    sets = training.make_sets()
    if training.options.get("search"):
        training = training.searched(sets)
    options = training.options
    network, config = training.begin(sets)
    name = training.name(network, sets)

    def trained() -> tuple[Network, Card, LossCurve]:
        curve = training.fit(network, sets, training.settings, checkpoint=options.get("checkpoint"))
        rows = training.scores(network, sets)
        origin = recipe(options, training.data_words(sets), sets.training.sha256, began)
        card = training.card(
            network, config, sets, origin, name=name, version=options["version"], evaluation=rows
        )
        return network, card, curve

    write_package(trained, output, name, options, overwrite=overwrite)
