"""Trains the VAE of transients: the user's own, or those of semi-synthetic subjects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fsl_mrs_dl.data import Real
from fsl_mrs_dl.models.card import Channel, Score, ValidRange
from fsl_mrs_dl.models.package import package_name
from fsl_mrs_dl.models.synthesis import SynthesisNetwork
from fsl_mrs_dl.train.loop import VALIDATION
from fsl_mrs_dl.train.synthesis import tensors
from fsl_mrs_dl.train.synthesis_deviations import deviation_network
from fsl_mrs_dl.train.synthesis_evaluation import transient_scores
from fsl_mrs_dl.train.synthesis_transients import (
    TransientCollection,
    read_transients,
    subject,
    transients_of,
    vae_for,
)
from fsl_mrs_dl.train.training import Scope, Training

INTENDED_USE = "Making labelled spectra to train and to test with; every file says that they are synthetic."
REFUSED_USE = "Standing in for measured spectra in a study, adding information to an average, diagnosis."
_WHOLE_SPECTRA: dict[str, Any] = {"latent": 24, "hidden": (256, 128)}
_OF_DEVIATIONS: dict[str, Any] = {"latent": 8, "hidden": (128, 64)}
_COMPONENTS = 48
"""Largest number of components of whole spectra."""
_BETA = 0.05
"""Of whole spectra: at 1 only what stands out of the noise of one transient is encoded; subjects grow alike."""
_SUBJECTS, _EACH = 8, 160
"""Semi-synthetic subjects, and transients of each edit condition of one: 320 a scan, as in Big GABA."""
_FIELD_SHARE = 0.05
"""Half of the valid range of the spectrometer frequency, relative: scanners of one nominal field."""


@dataclass(frozen=True, eq=False)
class SplitTransients:
    """Transients, all of which give the network its fixed signals; the layers learn from most of them.

    Attributes
    ----------
    training : TransientCollection
        All.
    learned, stopped : ndarray, int
        Rows to train on, and rows to stop by: a tenth.
    """

    training: TransientCollection
    learned: NDArray[np.intp]
    stopped: NDArray[np.intp]

    @classmethod
    def of(cls, transients: TransientCollection, seed: int) -> "SplitTransients":
        """Split transients at random."""
        order = np.random.default_rng(seed).permutation(len(transients.fids))
        n_stopped = max(1, round(VALIDATION * len(order)))
        return cls(transients, order[n_stopped:], order[:n_stopped])


class TransientsTraining(Training[SplitTransients, Any]):
    """Trains a network of transients: of deviations from the average of a set, or of whole spectra.

    Keeps the coefficients that come with a new network of deviations, shape (transient, 2 direction): they are
    what it learns from.
    """

    intended_use, refused_use = INTENDED_USE, REFUSED_USE
    _coefficients: Real

    def make_sets(self) -> SplitTransients:
        """Return the user's transients, or those of semi-synthetic subjects."""
        files, seed = self.options["data"], self.options["seed"]
        if files:
            return SplitTransients.of(read_transients(files), seed)
        rng = np.random.default_rng(seed)
        subjects = [subject(_EACH, rng).data for _ in range(_SUBJECTS)]
        return SplitTransients.of(transients_of(subjects), seed)

    def new_network(self, sets: SplitTransients) -> tuple[Any, dict[str, Any]]:
        """Return a network with random layers and the components of the transients, and its config."""
        transients, seed = sets.training, self.options["seed"]
        if self.options["decoder"] == "physics":
            network, config, self._coefficients = deviation_network(transients, seed, **_OF_DEVIATIONS)
            return network, dict(config)
        components = min(_COMPONENTS, max(4, len(transients.fids) // 3))
        whole, config = vae_for(transients, seed, components=components, beta=_BETA, **_WHOLE_SPECTRA)
        return whole, dict(config)

    def tensors(self, network: Any, sets: SplitTransients) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return coefficients of the transients to train on and of those to stop by."""
        rows = (sets.learned, sets.stopped)
        if isinstance(network, SynthesisNetwork):
            many, few = (network.examples(*tensors(sets.training.fids[chosen])) for chosen in rows)
            return many, few
        coefficients = torch.from_numpy(self._coefficients.astype(np.float32))
        learned, stopped = ((coefficients[chosen],) for chosen in rows)
        return learned, stopped

    def finish(self, network: Any, training: tuple[Tensor, ...]) -> None:
        """Store mean and covariance of the latent numbers of a network of whole spectra."""
        if isinstance(network, SynthesisNetwork):
            network.store_latent_moments(*training[:2])

    def name(self, network: Any, sets: SplitTransients) -> str:
        """Return the name of the package: nucleus and field."""
        data = sets.training.data
        return package_name("synthesise", self.entry.name, data.nucleus, data.spectrometer_frequency_mhz)

    def scores(self, network: Any, sets: SplitTransients) -> tuple[Score, ...]:
        """Return errors of encoding and decoding all transients."""
        return transient_scores(network, sets.training)

    def scope(self, network: Any, sets: SplitTransients) -> Scope:
        """Return the channels, and the valid range: the sampling of the transients."""
        fid = Channel("fid", "time", ("batch", "2", str(network.n_points)), "the size of the set's average")
        return Scope((fid,), (fid,), ValidRange(**sampling_range(network, sets.training.data.nucleus)))


def sampling_range(network: Any, nucleus: str) -> dict[str, Any]:
    """Return the valid range of a generative network: nucleus, field, and what can be resampled to its points."""
    mhz = network.spectrometer_frequency_mhz
    duration_s = network.n_points * network.dwelltime_s
    return {
        "nucleus": nucleus,
        "spectrometer_frequency_mhz": (mhz * (1 - _FIELD_SHARE), mhz * (1 + _FIELD_SHARE)),
        "dwelltime_s": (network.dwelltime_s / 10, 1.25 * network.dwelltime_s),
        "duration_s": (duration_s / 10, 4 * duration_s),
    }
