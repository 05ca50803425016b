"""Classical regressors beside the networks: a random forest, and the mean of the training amplitudes."""

from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import Complex, Real
from fsl_mrs_dl.models.transforms import SpectrumBand
from fsl_mrs_dl.simulate.components import ComponentSignals

LEAF = 5
"""Signals in a leaf of a tree."""


@dataclass(frozen=True)
class Forest:
    """Settings of a random forest: trees, and signals that it learns from."""

    trees: int
    samples: int


def forest_amplitudes(
    learned: ComponentSignals, test: ComponentSignals, ppm: tuple[float, float], forest: Forest, seed: int
) -> Real:
    """Return the amplitudes of a random forest over the spectrum.

    Breiman 2001, doi:10.1023/A:1010933404324; the square root of the number of features at each split.
    """
    from sklearn.ensemble import RandomForestRegressor

    basis = learned.basis
    n = basis.fids.shape[1]
    band = SpectrumBand(n, basis.dwelltime_s, basis.spectrometer_frequency_mhz, ppm)

    def features(fids: Complex) -> Real:
        values: Real = band(fids).reshape(len(fids), -1)
        return values

    model = RandomForestRegressor(
        forest.trees, min_samples_leaf=LEAF, max_features="sqrt", random_state=seed, n_jobs=1
    )
    model.fit(features(learned.fids), learned.amplitudes)
    return np.asarray(model.predict(features(test.fids)))


def mean_amplitudes(learned: Real, n: int) -> Real:
    """Return the mean of the training amplitudes for every signal: what knowing the prior alone brings."""
    return np.tile(learned.mean(axis=0), (n, 1))
