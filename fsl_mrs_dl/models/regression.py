"""Supervised regressors: from a transform of the FID straight to the amplitudes of a basis set.

What they have in common: a fixed transform, a body that a family brings in its own file, outputs in units of the
spread of the training truths, and a loss against known truths. A regressor has learned nothing but its training
data: it gives no bound, and its estimates are drawn towards the mean of the training amplitudes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.models.network import Network
from fsl_mrs_dl.models.transforms import TRANSFORMS, Transform

TARGETS = ("amplitudes", "shift_hz", "gamma")
"""Parameters of a component that can be estimated: amplitude, shift in Hz, Lorentzian rate in rad/s."""
_NO_SPREAD = 1e-12
"""Least SD to divide by: a feature that never changes stays zero."""


class RegressionNetwork(Network):
    """A transform, a body, and linear outputs.

    Parameters
    ----------
    names : sequence of str
        Components: members of the basis set that it was trained with.
    n_points : int
        Points of the FID.
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    inputs : mapping
        ``kind``, a key of :data:`~fsl_mrs_dl.models.transforms.TRANSFORMS`, and the transform's own settings.
    body : Module
        From the transform's channels to ``len(names) * len(targets)`` raw outputs.
    targets : sequence of str
        Of :data:`TARGETS`; amplitudes first.
    scaled : bool
        Whether FIDs are scaled to a largest magnitude of 1 on the way in, and amplitudes back on the way out, so
        that data of any unit can be quantified. False: as published, in the unit of the basis set.
    each_feature : bool
        Whether features are standardised one by one; else all by one mean and spread.
    """

    basis: Tensor
    feature_mean: Tensor
    feature_sd: Tensor
    target_mean: Tensor
    target_sd: Tensor

    def __init__(
        self,
        names: Sequence[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        inputs: Mapping[str, Any],
        body: nn.Module,
        *,
        targets: Sequence[str] = TARGETS[:1],
        scaled: bool = False,
        each_feature: bool = False,
    ) -> None:
        super().__init__()
        self.names, self.n_points, self.dwelltime_s = tuple(names), n_points, dwelltime_s
        self.spectrometer_frequency_mhz, self.targets, self.scaled = (
            spectrometer_frequency_mhz,
            tuple(targets),
            scaled,
        )
        self.transform = transform_of(inputs)
        self.body = body
        size = self.transform.shape if each_feature else (1,)
        outputs = len(names) * len(targets)
        self.register_buffer("basis", torch.zeros(2, len(names), n_points))
        self.register_buffer("feature_mean", torch.zeros(size))
        self.register_buffer("feature_sd", torch.ones(size))
        self.register_buffer("target_mean", torch.zeros(outputs))
        self.register_buffer("target_sd", torch.ones(outputs))

    def set_basis(self, basis: Basis) -> None:
        """Store the basis set with the weights, so that another one can be compared with it."""
        fids = torch.from_numpy(np.asarray(basis.fids, dtype=np.complex64))
        self.basis.copy_(torch.stack([fids.real, fids.imag]))

    @property
    def members(self) -> Tensor:
        """The basis set, complex, shape (member, time)."""
        return torch.complex(self.basis[0], self.basis[1])

    def features(self, fids: Tensor) -> Tensor:
        """Return the input of the body, before standardisation, float32, shape (batch, *transform.shape).

        Parameters
        ----------
        fids : Tensor, complex, shape (batch, time)
            On the network's points; if it scales, divided by :meth:`size`.
        """
        values: Tensor = self.transform(fids)
        return values.to(torch.float32)

    def size(self, fids: Tensor) -> Tensor:
        """Return the divisors of FIDs on the way in, shape (batch,)."""
        if not self.scaled:
            return torch.ones(len(fids), device=fids.device)
        return fids.abs().amax(dim=1).clamp_min(1e-30)

    def standardise(self, features: Tensor, truths: Tensor) -> None:
        """Take means and spreads from the training examples."""
        each = self.feature_mean.numel() > 1
        mean = features.mean(dim=0) if each else features.mean()[None]
        sd = features.std(dim=0) if each else features.std()[None]
        self.feature_mean.copy_(mean)
        self.feature_sd.copy_(sd.clamp_min(_NO_SPREAD))
        self.target_mean.copy_(truths.mean(dim=0))
        self.target_sd.copy_(truths.std(dim=0).clamp_min(_NO_SPREAD))

    def forward(self, features: Tensor) -> Tensor:
        """Return the estimates of features in the unit of the truths, shape (batch, target * component)."""
        return self.target_mean + self.target_sd * self._raw(features)

    def _raw(self, features: Tensor) -> Tensor:
        raw: Tensor = self.body((features - self.feature_mean) / self.feature_sd)
        return raw

    def loss(self, features: Tensor, truths: Tensor) -> Tensor:
        """Return the mean square error of all outputs, each in units of the truths' spread."""
        error = self._raw(features) - (truths - self.target_mean) / self.target_sd
        return (error**2).mean()


def transform_of(inputs: Mapping[str, Any]) -> Transform:
    """Return the transform of a card's settings."""
    settings = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in inputs.items()
        if key != "kind"
    }
    transform: Transform = TRANSFORMS[inputs["kind"]](**settings)
    return transform
