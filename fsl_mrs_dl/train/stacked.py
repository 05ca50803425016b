"""Trains ensembles of regressors by stacking: a small network learns from what the members give."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl_mrs_dl.errors import ModelError, OptionError
from fsl_mrs_dl.models.package import Model, load
from fsl_mrs_dl.models.regression import RegressionNetwork
from fsl_mrs_dl.models.regression_inference import features_of
from fsl_mrs_dl.models.rizzo.stacking import StackedNetwork
from fsl_mrs_dl.train.command import options_of
from fsl_mrs_dl.train.loop import VALIDATION
from fsl_mrs_dl.train.quantification_data import Spectra
from fsl_mrs_dl.train.regression import RegressionTraining, examples_of
from fsl_mrs_dl.train.training import DataSplit

_FEWEST = 2
"""Members of an ensemble."""


class StackedTraining(RegressionTraining):
    """Trains the last layers of an ensemble; its members are packages that stay as they are."""

    _loaded: list[Model] | None = None

    @property
    def members(self) -> list[Model]:
        """The packages of the members; read once.

        Raises
        ------
        OptionError
            If there are fewer than two.
        ModelError
            If one is no regressor, or reads other points than the others.
        """
        if self._loaded is None:
            names: tuple[str, ...] = tuple(self.options["members"] or ())
            if len(names) < _FEWEST:
                raise OptionError(f"--members has {len(names)} packages; stacked needs {_FEWEST} or more.")
            self._loaded = [load(name) for name in names]
            for name, model in zip(names, self._loaded, strict=True):
                first: Any = self._loaded[0].network
                one: Any = model.network
                if not isinstance(one, RegressionNetwork) or isinstance(one, StackedNetwork):
                    raise ModelError(
                        f"--members {name} is a {model.card.architecture}; regressors other than stacked are "
                        "needed."
                    )
                if (one.n_points, one.dwelltime_s) != (first.n_points, first.dwelltime_s):
                    raise ModelError(
                        f"--members {name} reads {one.n_points} points of {one.dwelltime_s:g} s, "
                        f"{names[0]} {first.n_points} of {first.dwelltime_s:g} s; take members of the same points."
                    )
        return self._loaded

    @property
    def points(self) -> int:
        """Points of the FIDs: those of the members."""
        first: Any = self.members[0].network
        n: int = first.n_points
        return n

    def new_network(self, sets: DataSplit[Spectra]) -> tuple[Any, dict[str, Any]]:
        """Return the ensemble with its members' weights and random last layers, and its config.

        Raises
        ------
        ModelError
            If a member is of another basis set or another scale than the spectra.
        """
        basis, scaled = sets.training.basis, self.options["prior"] != "dq"
        for name, model in zip(self.options["members"], self.members, strict=True):
            one: Any = model.network
            alike = np.allclose(one.members.numpy(), basis.fids, atol=1e-4 * np.abs(basis.fids).max())
            if tuple(one.names) != tuple(basis.names) or not alike or one.scaled != scaled:
                raise ModelError(
                    f"--members {name} was trained with another basis set or prior than --basis "
                    f"{self.options['basis']} --prior {self.options['prior']}; give those of the members."
                )
        config: dict[str, Any] = {
            "names": list(basis.names),
            "n_points": sets.training.fids.shape[1],
            "dwelltime_s": basis.dwelltime_s,
            "spectrometer_frequency_mhz": basis.spectrometer_frequency_mhz,
            "members": [
                {"architecture": model.card.architecture, "config": dict(model.card.config)}
                for model in self.members
            ],
            "scaled": scaled,
        }
        with torch.random.fork_rng():
            torch.manual_seed(self.options["seed"])
            network: Any = self.entry.build(**config)
        for built, model in zip(network.stack, self.members, strict=True):
            built.load_state_dict(model.network.state_dict())
        network.set_basis(basis)
        return network, config

    def _learned(self, network: RegressionNetwork, spectra: Spectra) -> tuple[Tensor, Tensor]:
        """Return the training examples: with ``--folds``, outputs of copies that have not learned the spectrum."""
        if self._examples is None or self._examples[0] is not spectra:
            features, truths = examples_of(network, spectra)
            folds = self.options["folds"]
            for out in np.array_split(np.arange(len(spectra.fids)), folds) if folds else ():
                rest = spectra.rows(np.setdiff1d(np.arange(len(spectra.fids)), out))
                features[out] = self._without(network, rest, spectra.rows(out))
            self._examples = (spectra, (features, truths))
        return self._examples[1]

    def _without(self, network: Any, rest: Spectra, out: Spectra) -> Tensor:
        """Return the outputs for spectra that were left out, of members trained anew on the rest."""
        from fsl_mrs_dl.train.trainings import training_of

        copies = []
        for model in self.members:
            training = training_of(options_of(model.card.recipe.command))
            n = max(1, round(VALIDATION * len(rest.fids)))
            sets = DataSplit(rest.rows(slice(n, None)), rest.take(n), out)
            copy, _ = training.begin(sets)
            training.fit(copy, sets, training.settings)
            copies.append(copy)
        originals = list(network.stack)
        network.stack = torch.nn.ModuleList(copies).eval()
        try:
            return features_of(network, out.fids)[0]
        finally:
            network.stack = torch.nn.ModuleList(originals)
