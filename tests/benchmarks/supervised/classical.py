"""Classical regressors beside the networks: a random forest, and the mean of the training amplitudes."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.regression import RegressionNetwork
from fsl_mrs_dl.models.transforms import SpectrumBand
from fsl_mrs_dl.simulate.components import ComponentSignals

LEAF = 5
"""Least signals in a leaf of a tree: fewer learn the noise by heart."""


@dataclass(frozen=True)
class Forest:
    """Settings of a random forest: trees, and signals that it learns from."""

    trees: int
    samples: int


def grown(features: Real, truths: Real, trees: int, seed: int) -> Any:
    """Return a random forest from features to truths, shapes (n, feature) and (n, output).

    Breiman 2001, doi:10.1023/A:1010933404324; the square root of the number of features at each split.
    """
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(
        trees, min_samples_leaf=LEAF, max_features="sqrt", random_state=seed, n_jobs=1
    )
    return model.fit(features, truths)


def forest_amplitudes(
    learned: ComponentSignals, test: ComponentSignals, ppm: tuple[float, float], forest: Forest, seed: int
) -> Real:
    """Return the amplitudes of a random forest over the spectrum."""
    basis = learned.basis
    n = basis.fids.shape[1]
    band = SpectrumBand(n, basis.dwelltime_s, basis.spectrometer_frequency_mhz, ppm)

    def features(fids: Complex) -> Real:
        values: Real = band(fids).reshape(len(fids), -1)
        return values

    model = grown(features(learned.fids), learned.amplitudes, forest.trees, seed)
    return np.asarray(model.predict(features(test.fids)))


def mean_amplitudes(learned: Real, n: int) -> Real:
    """Return the mean of the training amplitudes for every signal: what knowing the prior alone brings."""
    return np.tile(learned.mean(axis=0), (n, 1))


class ForestBody(nn.Module):
    """A random forest in the place of a network's layers."""

    def __init__(self, forest: Any) -> None:
        super().__init__()
        self._forest = forest

    def forward(self, features: Tensor) -> Tensor:
        """Return raw outputs of features of shape (batch, ...)."""
        return torch.from_numpy(self._forest.predict(features.flatten(1).numpy()).astype(np.float32))


def with_forest(
    network: RegressionNetwork, features: Tensor, truths: Tensor, trees: int, seed: int
) -> RegressionNetwork:
    """Return a network of the same input whose layers are a random forest that learned from examples.

    Parameters
    ----------
    network : RegressionNetwork
    features, truths : Tensor
        Of :func:`fsl_mrs_dl.train.regression.examples_of`.
    trees, seed : int
    """
    planted = copy.deepcopy(network)
    planted.standardise(features, truths)
    standard = ((features - planted.feature_mean) / planted.feature_sd).flatten(1)
    raw = (truths - planted.target_mean) / planted.target_sd
    planted.body = ForestBody(grown(standard.numpy(), raw.numpy(), trees, seed))
    return planted.eval()
