"""Spectra that regressors and fits are judged by: of the training's own prior, and of other worlds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fsl_mrs_dl.data import MRSData, Real
from fsl_mrs_dl.simulate.brain import macromolecules
from fsl_mrs_dl.train.quantification_data import basis_of, simulated
from tests.benchmarks.worlds.design import worlds
from tests.benchmarks.worlds.world import make

BASIS, PRIOR = "press_3t_te30", "brain"
AS_TRAINED = "as in training"
_FEW = (
    "centre",
    "MM birch_2017",
    "MM consensus_7t",
    "MM none",
    "shim",
    "eddy",
    "own shifts",
    "lipid",
    "water",
    "low SNR",
)
"""Worlds of the profile ``small``: one for each kind of difference."""
_JUDGED_SEED = 77
"""Of the spectra of the training's prior, so that they are not those of the training."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Spectra, with what is true of them.

    Attributes
    ----------
    data : MRSData
    truth : mapping of str to ndarray, float, shape (n,)
        Metabolite -> amount, of any unit that all metabolites share.
    without_mm : str
        Table of macromolecules that a prior must not know.
    """

    data: MRSData
    truth: Mapping[str, Real]
    without_mm: str = ""


def scenes(profile: str, n: int, seed: int) -> dict[str, Scene]:
    """Return n spectra of the training's prior, and n of each world that is fitted with the same basis set.

    Two worlds for ``smoke``, one for each kind of difference for ``small``, all for ``paper``.
    """
    named = {AS_TRAINED: _as_trained(n, seed)}
    few = {"smoke": _FEW[:2], "small": _FEW}.get(profile)
    for world in worlds("small"):
        chosen = few is None or world.name in few
        if chosen and world.there() and world.fitted == BASIS:
            sample = make(world, n, np.random.default_rng([seed, *world.name.encode()]))
            named[world.name] = Scene(sample.data, sample.truth, world.mm)
    return named


def _as_trained(n: int, seed: int) -> Scene:
    basis = basis_of(BASIS, PRIOR)
    spectra = simulated(basis, PRIOR, "white", n, np.random.default_rng([seed, _JUDGED_SEED]))
    fids = spectra.fids.reshape(n, 1, 1, -1)
    data = MRSData(fids, basis.dwelltime_s, basis.spectrometer_frequency_mhz, name=AS_TRAINED)
    broad = macromolecules(basis.names)
    truth = {name: spectra.amplitudes[:, m] for m, name in enumerate(basis.names) if m not in broad}
    return Scene(data, truth)
