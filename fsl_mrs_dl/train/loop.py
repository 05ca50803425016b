"""The training loop, by Lightning; the only importer of it.

The best weights are kept in memory and end in the package. If asked for, Lightning writes a checkpoint after each
epoch, from which an interrupted training goes on as if nothing had been; it is read without running any code in it
(``weights_only``), is of no use to anything else, and is removed at the end.
"""

import copy
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import Tensor

from fsl_mrs_dl.models.network import Network

Report = Callable[[int, float], None]
"""Called with each epoch and its validation loss; may raise to end the training."""
INNER_STEPS = 20
"""Steps of L-BFGS in an epoch, and how many of them it remembers."""
_PENALTY = (3e-2, 1e-6)
"""Weight of the sum of squared weights in the loss of a full batch, in the first and in the last epoch, per unit
of the loss: some hundred steps on a few thousand noisy examples learn their noise by heart. It falls, and the
epoch of the least validation loss is the one whose penalty suits the noise."""
_GPU_SHARE = 0.4
"""Share of the free GPU memory for the training examples; the rest is for the network and its gradients."""
VALIDATION = 0.1
"""Share of the examples whose loss decides which epoch was the best."""


def set_sizes(samples: int, tested: int) -> tuple[int, int, int]:
    """Return the numbers of examples to train on, to stop by and to test; the last are on top of ``samples``."""
    n_validation = max(1, round(VALIDATION * samples))
    return samples - n_validation, n_validation, min(tested, samples)


@dataclass(frozen=True)
class Settings:
    """Settings of a training.

    Attributes
    ----------
    epochs, batch : int
    lr : float
        Of Adam.
    patience : int
        Epochs without a better validation loss before the training ends; 0 = never.
    seed : int
    milestones : tuple of float
        Shares of the epochs after which the learning rate falls to a tenth.
    anneal : bool
        Let the learning rate fall to nothing along half a cosine instead.
    full_batch : bool
        Take all examples in every step, of L-BFGS with :data:`INNER_STEPS` steps an epoch, instead of batches by
        Adam; for networks of a single layer or two, whose inputs are far from alike in size. A penalty on large
        weights falls from epoch to epoch. ``batch``, ``lr`` and its schedule are not used.
    """

    epochs: int
    batch: int
    lr: float
    patience: int
    seed: int
    milestones: tuple[float, ...] = ()
    anneal: bool = False
    full_batch: bool = False


@dataclass(frozen=True)
class LossCurve:
    """Validation losses of a training.

    Attributes
    ----------
    losses : tuple of float
        Validation loss of each epoch.
    best : float
        The least of them, whose weights the network has now.
    """

    losses: tuple[float, ...]
    best: float


@dataclass(frozen=True)
class Stream:
    """Batches that are made while the network learns, so that no example comes twice.

    Attributes
    ----------
    draw : callable
        Of a random generator: the tensors of a batch.
    batches : int
        Of an epoch.
    """

    draw: Callable[[np.random.Generator], tuple[Tensor, ...]]
    batches: int


class _Drawn:
    """The batches of a stream, each by a seed of its own from a generator, which a checkpoint keeps."""

    def __init__(self, stream: Stream, generator: torch.Generator) -> None:
        self._stream, self._generator = stream, generator

    def __len__(self) -> int:
        return self._stream.batches

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        for _ in range(self._stream.batches):
            seed = int(torch.randint(2**62, (1,), generator=self._generator))
            yield self._stream.draw(np.random.default_rng(seed))


class _Batches:
    """Batches of tensors in memory, shuffled anew each time if a generator is given.

    A single example that would be left joins the last batch: batch normalisation needs two.
    """

    def __init__(self, tensors: tuple[Tensor, ...], size: int, generator: torch.Generator | None) -> None:
        self._tensors, self._size, self._generator = tensors, size, generator

    def __len__(self) -> int:
        n = len(self._tensors[0])
        return max(1, -(-n // self._size) - (n % self._size == 1 and self._size > 1))

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        n = len(self._tensors[0])
        order = torch.arange(n) if self._generator is None else torch.randperm(n, generator=self._generator)
        last = len(self) - 1
        for k in range(last + 1):
            index = order[k * self._size : n if k == last else (k + 1) * self._size]
            yield tuple(tensor[index] for tensor in self._tensors)


class _Task(lightning.LightningModule):
    """The interface of Lightning: the loss of a batch, and the optimiser."""

    def __init__(self, network: Network, settings: Settings) -> None:
        super().__init__()
        self.network = network
        self.settings = settings

    def training_step(self, batch: tuple[Tensor, ...], index: int) -> Tensor:
        loss = self.network.loss(*batch)
        return loss + self._penalty() if self.settings.full_batch else loss

    def _penalty(self) -> Tensor:
        first, last = _PENALTY
        passed = self.current_epoch / max(1, self.settings.epochs - 1)
        squares = [weights.square().sum() for weights in self.network.parameters() if weights.ndim > 1]
        weight: float = first * (last / first) ** passed
        return weight * torch.stack(squares).sum()

    def validation_step(self, batch: tuple[Tensor, ...], index: int) -> None:
        loss = self.network.loss(*batch)
        self.log("val_loss", loss, prog_bar=True, on_epoch=True, batch_size=len(batch[0]))

    def configure_optimizers(self) -> Any:
        chosen = self.settings
        if chosen.full_batch:
            return torch.optim.LBFGS(
                self.parameters(),
                max_iter=INNER_STEPS,
                history_size=INNER_STEPS,
                line_search_fn="strong_wolfe",
            )
        optimiser = torch.optim.Adam(self.parameters(), lr=chosen.lr)
        if chosen.anneal:
            falling: Any = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, chosen.epochs)
        else:
            steps = [max(1, round(share * chosen.epochs)) for share in chosen.milestones]
            falling = torch.optim.lr_scheduler.MultiStepLR(optimiser, steps)
        return [optimiser], [falling]


class _Best(Callback):
    """Keeps the weights of the epoch with the least validation loss."""

    def __init__(self, network: Network, report: Report | None) -> None:
        self._network = network
        self.losses: list[float] = []
        self.weights: dict[str, Tensor] = {}
        self._report = report

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        loss = float(trainer.callback_metrics["val_loss"])
        if not self.losses or loss < min(self.losses):
            self.weights = copy.deepcopy(self._network.state_dict())
        self.losses.append(loss)
        if self._report is not None:
            self._report(trainer.current_epoch, loss)

    def state_dict(self) -> dict[str, Any]:
        return {"losses": self.losses, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.losses, self.weights = state_dict["losses"], state_dict["weights"]


class _Checkpoint(Callback):
    """Writes the state of the training after each epoch, that of the random numbers with it."""

    def __init__(self, file: Path, generator: torch.Generator) -> None:
        self._file, self._generator = file, generator
        self._restored: dict[str, Any] = {}

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        trainer.save_checkpoint(self._file)

    def state_dict(self) -> dict[str, Any]:
        return {"order": self._generator.get_state(), "dropout": torch.get_rng_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self._restored:
            self._generator.set_state(self._restored["order"])
            torch.set_rng_state(self._restored["dropout"])
            self._restored = {}


def fit(
    network: Network,
    training: tuple[Tensor, ...] | Stream,
    validation: tuple[Tensor, ...],
    settings: Settings,
    report: Report | None = None,
    checkpoint: Path | None = None,
) -> LossCurve:
    """Train a network in place; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    network : Network
    training, validation : tuple of Tensor
        What the network's loss takes, one row an example: of a registration network inputs of shape
        (transient, 2, time) and truth of shape (transient, 2). Those to train on may be a stream.
    settings : Settings
        The same seed gives the same weights on the same machine.
    report : callable, optional
    checkpoint : Path, optional
        File to keep the state of the training in, ending in ``.ckpt``; if it is there, the training goes on from
        it. Removed when the training is done.

    Returns
    -------
    LossCurve
    """
    best = _Best(network, report)
    generator = torch.Generator().manual_seed(settings.seed)
    callbacks: list[Callback] = [best]
    if checkpoint is not None:
        callbacks.append(_Checkpoint(checkpoint, generator))
    if settings.patience:
        callbacks.append(EarlyStopping("val_loss", patience=settings.patience, check_finite=True))
    network.train()  # one that comes from a package does not drop anything out otherwise
    with _deterministic(settings.seed), _quiet():
        trainer = lightning.Trainer(
            max_epochs=settings.epochs,
            devices=1,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=sys.stderr.isatty(),
            num_sanity_val_steps=0,
        )
        trainer.fit(
            _Task(network, settings),
            _batches(training, settings, generator),
            _Batches(_near(validation), 1024, None),
            ckpt_path=checkpoint if checkpoint is not None and checkpoint.exists() else None,
            weights_only=True,
        )
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    if best.weights:
        network.load_state_dict(best.weights)
    network.cpu().eval()
    return LossCurve(tuple(best.losses), min(best.losses, default=float("nan")))


def _batches(
    training: tuple[Tensor, ...] | Stream, settings: Settings, generator: torch.Generator
) -> _Batches | _Drawn:
    if isinstance(training, Stream):
        return _Drawn(training, generator)
    return _Batches(_near(training), len(training[0]) if settings.full_batch else settings.batch, generator)


def _near(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the tensors on the GPU if there is one with room for them: copying each batch takes longer."""
    if not torch.cuda.is_available():
        return tensors
    free, _ = torch.cuda.mem_get_info()
    needed = sum(tensor.nbytes for tensor in tensors)
    return tuple(tensor.cuda() for tensor in tensors) if needed < _GPU_SHARE * free else tensors


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Make PyTorch deterministic, for dropout too, and leave it afterwards as it was.

    On a GPU a few layers have no deterministic gradient (pooling to a size): there PyTorch warns and goes on.
    """
    before = torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    gpu = torch.cuda.is_available()
    if gpu:  # read by cuBLAS when it starts; without it its products are refused
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=gpu)
        # Nothing reads new memory before it is written; to fill it costs a launch for each array of a step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warn_only)
            torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the report of devices by Lightning, except with --verbose, and a warning of its own code."""
    talkers: list[Any] = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [talker.level for talker in talkers]
    verbose = logging.getLogger().isEnabledFor(logging.INFO)
    for talker in talkers:
        talker.setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated")
            yield
    finally:
        for talker, level in zip(talkers, levels, strict=True):
            talker.setLevel(level)
