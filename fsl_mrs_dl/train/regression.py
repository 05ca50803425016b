"""Trains regressors: amplitudes of one basis set straight from an input, with labels."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.package import Model
from fsl_mrs_dl.models.regression import RegressionNetwork
from fsl_mrs_dl.models.regression_inference import features_of, regression_amplitudes
from fsl_mrs_dl.train.loop import LossCurve, Report, Settings
from fsl_mrs_dl.train.quantification import basis_package_name, make_sets, spectra_range
from fsl_mrs_dl.train.quantification_data import POINTS, Spectra, basis_of, simulated
from fsl_mrs_dl.train.quantification_evaluation import amplitude_scores
from fsl_mrs_dl.train.query import query
from fsl_mrs_dl.train.training import DataSplit, Scope, Training

_POOL = 3
"""Spectra of the pool for each one that ``--query`` takes from it."""
_POOL_SEED = 12  # of the pool, beside that of the training
_BLOCK = 256  # spectra at once: bounds the memory


class RegressionTraining(Training[DataSplit[Spectra], RegressionNetwork]):
    """Trains a network that gives amplitudes with one basis set, and nothing else."""

    intended_use = (
        "A first look at averaged, water-suppressed spectra of the valid range with the basis set it was trained "
        "on, and comparison with the fit."
    )
    refused_use = (
        "Diagnosis; other sequences or echo times; spectra with residual water, lipid or other macromolecules "
        "than in training; any use of its amplitudes as if they had an uncertainty."
    )

    _examples: tuple[Spectra, tuple[Tensor, Tensor]] | None = None

    @property
    def points(self) -> int:
        """Points of the FIDs."""
        return POINTS

    def inputs(self, n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> dict[str, Any]:
        """Return the settings of the network's input for a sampling."""
        kind: Any = self.entry.kind
        settings: dict[str, Any] = kind.inputs_for(n_points, dwelltime_s, spectrometer_frequency_mhz)
        return settings

    def make_sets(self) -> DataSplit[Spectra]:
        """Simulate spectra.

        Raises
        ------
        OptionError
            If the user gives data, whose truth is unknown, or a cVAE.
        """
        chosen = self.options
        for name in ("data", "augment_with"):
            if chosen[name] is not None:
                raise OptionError(
                    f"--architecture {self.entry.name} learns from simulated spectra with labels; leave --{name} "
                    "out."
                )
        basis = basis_of(chosen["basis"], chosen["prior"], self.points)
        counts = chosen["samples"], chosen["seed"]
        return make_sets(None, basis, chosen["prior"], chosen["noise"], *counts)

    def new_network(self, sets: DataSplit[Spectra]) -> tuple[RegressionNetwork, dict[str, Any]]:
        """Return a network with random weights and the basis set of the training data, and its config."""
        basis = sets.training.basis
        axes = (sets.training.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz)
        config: dict[str, Any] = {
            "names": list(basis.names),
            "n_points": axes[0],
            "dwelltime_s": axes[1],
            "spectrometer_frequency_mhz": axes[2],
            "inputs": self.inputs(*axes),
            "scaled": self.options["prior"] != "dq",
            **self.layers,
        }
        with torch.random.fork_rng():
            torch.manual_seed(self.options["seed"])
            network: Any = self.entry.build(**config)
        network.set_basis(basis)
        return network, config

    def check_start(self, model: Model, sets: DataSplit[Spectra]) -> None:
        """Refuse a package of other members than the basis set's, which it has an output for each of."""
        network: Any = model.network
        names = sets.training.basis.names
        if tuple(network.names) != tuple(names):
            raise ModelError(
                f"--init {self.options['init']} is for {', '.join(network.names)}, the basis set has "
                f"{', '.join(names)}; take the basis set of that package."
            )

    def prepare(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> None:
        """Take means and spreads from the training examples; a package to start from has its own."""
        if self.options.get("init") is None:
            network.standardise(*self._learned(network, sets.training))

    def tensors(
        self, network: RegressionNetwork, sets: DataSplit[Spectra]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return features and truths of the training and the validation spectra."""
        return self._learned(network, sets.training), examples_of(network, sets.validation)

    def fit(
        self,
        network: RegressionNetwork,
        sets: DataSplit[Spectra],
        settings: Settings,
        report: Report | None = None,
        checkpoint: Path | None = None,
    ) -> LossCurve:
        """Train a network in place; with ``--query`` once more, on further spectra that it was bad at."""
        curve = super().fit(network, sets, settings, report, checkpoint)
        if not self.options.get("query"):
            return curve
        wider = self._with_queried(network, sets)
        begun = self.new_network(wider)[0]
        self.prepare(begun, wider)
        network.load_state_dict(begun.state_dict())
        return super().fit(network, wider, settings, report, checkpoint)

    def _with_queried(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> DataSplit[Spectra]:
        """Return the sets, the training set with spectra of a pool that the network asks for by its errors."""
        chosen, basis = self.options, sets.training.basis
        rng = np.random.default_rng([chosen["seed"], _POOL_SEED])
        pool = simulated(basis, chosen["prior"], chosen["noise"], _POOL * chosen["query"], rng)
        features, truths = examples_of(network, pool)
        with torch.no_grad():
            blocks = [network(features[k : k + _BLOCK]) for k in range(0, len(features), _BLOCK)]
        errors = (torch.cat(blocks) - truths) / network.target_sd
        rows = query(errors.double().numpy(), chosen["query"], rng)
        return replace(sets, training=sets.training.joined(pool.rows(rows)))

    def data_words(self, sets: DataSplit[Spectra]) -> str:
        """Return a description of the training data, for the card."""
        n = self.options.get("query")
        more = f", and {n} of {_POOL * n} that the network was trained on again for its errors" if n else ""
        return sets.training.description + more

    def _learned(self, network: RegressionNetwork, spectra: Spectra) -> tuple[Tensor, Tensor]:
        """Return the training examples; features are made once, for they do not depend on the weights."""
        if self._examples is None or self._examples[0] is not spectra:
            self._examples = (spectra, examples_of(network, spectra))
        return self._examples[1]

    def name(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> str:
        """Return the name of the package: architecture, sequence of a shipped basis set, nucleus, field."""
        return basis_package_name(self.entry.name, sets.training.basis)

    def scores(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> tuple[Score, ...]:
        """Return R2 of each metabolite on the test spectra."""
        amplitudes = regression_amplitudes(network, sets.test.fids, sets.test.basis.dwelltime_s)
        return amplitude_scores(amplitudes, sets.test)

    def scope(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> Scope:
        """Return the channels, and the valid range: the field, and the parameters of the training data."""
        entering = Channel(
            type(network.transform).__name__.lower(),
            "feature",
            ("batch", *(str(n) for n in network.transform.shape)),
            f"of {network.n_points} points of {network.dwelltime_s:g} s",
            "FID over its largest magnitude, features over their spread",
        )
        amplitudes = Channel("amplitudes", "parameter", ("batch", str(len(network.names))), "data over basis")
        return Scope((entering,), (amplitudes,), self.valid(network, sets))

    def valid(self, network: RegressionNetwork, sets: DataSplit[Spectra]) -> ValidRange:
        """Return the valid range of a network."""
        axes = (network.n_points, network.dwelltime_s, network.spectrometer_frequency_mhz)
        return spectra_range(sets.training.basis.nucleus, sets.training.expected, *axes)


class FullBatchRegression(RegressionTraining):
    """The same for small networks on fixed features: all examples in every step, by L-BFGS."""

    @property
    def settings(self) -> Settings:
        """The settings of the loop."""
        return replace(super().settings, full_batch=True)


def examples_of(network: RegressionNetwork, spectra: Spectra) -> tuple[Tensor, Tensor]:
    """Return features and truths: amplitudes at the size at which the network sees each spectrum."""
    features, size = features_of(network, spectra.fids)
    truths: Real = spectra.amplitudes / size[:, None]
    return features, torch.from_numpy(truths.astype(np.float32))
