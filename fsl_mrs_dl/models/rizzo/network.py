"""A network of the table as a regressor: its input, its layers, labels over their largest training value."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from fsl_mrs_dl.models.regression import RegressionNetwork, transform_of
from fsl_mrs_dl.models.rizzo.convolutional import convolutional
from fsl_mrs_dl.models.rizzo.efficientnet import efficientnet
from fsl_mrs_dl.models.rizzo.inception import inception, inception_v4
from fsl_mrs_dl.models.rizzo.residual import residual, resnet50
from fsl_mrs_dl.models.rizzo.table import CONFIGS, NetworkConfig
from fsl_mrs_dl.models.rizzo.unet import BaseSpectra

FAMILIES: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "convolutional": convolutional,
        "residual": residual,
        "resnet50": resnet50,
        "inception": inception,
        "inception-v4": inception_v4,
        "efficientnet": efficientnet,
    }
)
"""Family -> the function that returns its layers. ``unet`` gives spectra: :class:`BaseSpectrumNetwork`."""
MEASURED_PPM = (0.2, 4.2)
"""Band for measured spectra, in ppm: between fat and water, as of the other regressors."""
_PUBLISHED_PPM = {"1D": (-0.5, 6.0), "1DR": (0.0, 4.7), "2D2c": (0.0, 4.7), "2D1c": (0.0, 4.7)}
"""Bands of the paper, in ppm; that of the spectrogram follows from its 7024 points of 0.25 ms (see its text)."""
_BINS = {"1D": 1024, "1DR": 1406}  # points in the band, as published
_PENALTY = 1e-4
"""Weight of the squares of all weights in the loss of ResNet-50, as published."""
_LEAST = 1e-12
"""Least largest label to divide by: a member that is always absent stays zero."""


def inputs_of(
    reads: str,
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    ppm: tuple[float, float] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return the settings of an input of the paper.

    Parameters
    ----------
    reads : str
        Key of :data:`fsl_mrs_dl.models.rizzo.table.READS`.
    n_points : int
    dwelltime_s, spectrometer_frequency_mhz : float
        In s and MHz.
    ppm : tuple of float, optional
        Band in ppm; by default the paper's.
    **changes
        Settings of :class:`~fsl_mrs_dl.models.transforms.Spectrogram` or of
        :class:`~fsl_mrs_dl.models.transforms.ZeroFilledSpectrum` instead of the paper's.
    """
    settings: dict[str, Any] = {
        "dwelltime_s": dwelltime_s,
        "spectrometer_frequency_mhz": spectrometer_frequency_mhz,
        "ppm": list(ppm or _PUBLISHED_PPM[reads]),
    }
    if reads in _BINS:
        part = "real" if reads == "1DR" else "concatenated"
        settings |= {"kind": "zero-filled spectrum", "n_points": n_points, "bins": _BINS[reads], "part": part}
    else:
        settings |= {"kind": "spectrogram", "channels": "two" if reads == "2D2c" else "one"}
    return settings | changes


class ComparedNetwork(RegressionNetwork):
    """One of the twenty-four networks.

    Labels are divided by their largest value in training, so that they lie in [0, 1]. Estimates are linear in the
    outputs and can be negative.

    Parameters
    ----------
    names, n_points, dwelltime_s, spectrometer_frequency_mhz, inputs, targets, scaled
        See :class:`~fsl_mrs_dl.models.regression.RegressionNetwork`.
    config : str
        Name in the table.
    widths, kernels : sequence of int, optional
        Instead of those of the table.
    dropout : float, optional
        The same.
    """

    def __init__(
        self,
        names: Sequence[str],
        n_points: int,
        dwelltime_s: float,
        spectrometer_frequency_mhz: float,
        inputs: Mapping[str, Any],
        targets: Sequence[str] = ("amplitudes",),
        scaled: bool = False,
        *,
        config: str,
        widths: Sequence[int] | None = None,
        kernels: Sequence[int] | None = None,
        dropout: float | None = None,
    ) -> None:
        self.config: NetworkConfig = CONFIGS[config]
        shape = transform_of(inputs).shape
        settings = _settings(self.config, widths, kernels, dropout)
        body = self._layers(shape, tuple(names), len(names) * len(targets), settings)
        axes = (n_points, dwelltime_s, spectrometer_frequency_mhz)
        super().__init__(names, *axes, inputs, body, targets=targets, scaled=scaled)

    def _layers(
        self, shape: tuple[int, ...], names: tuple[str, ...], n_outputs: int, settings: dict[str, Any]
    ) -> nn.Module:
        return FAMILIES[self.config.family](shape, n_outputs, **settings)

    def standardise(self, features: Tensor, truths: Tensor) -> None:
        """Take one mean and spread of the features, and the largest of each label."""
        super().standardise(features, truths)
        self.target_mean.zero_()
        self.target_sd.copy_(truths.amax(dim=0).clamp_min(_LEAST))

    def loss(self, features: Tensor, truths: Tensor) -> Tensor:
        """Return the mean square error of all labels over their largest value."""
        error = super().loss(features, truths)
        if self.config.family == "resnet50" and self.training:
            error = error + _PENALTY * sum((p**2).sum() for p in self.body.parameters() if p.ndim > 1)
        return error


class BaseSpectrumNetwork(ComparedNetwork):
    """U-Nets that give the spectrum of each member by itself; amplitudes are integrals of these.

    The truth of an output is the member's spectrum in the basis set, without noise and broadening, times its
    amplitude. Parameters as of :class:`ComparedNetwork`.
    """

    def _layers(
        self, shape: tuple[int, ...], names: tuple[str, ...], n_outputs: int, settings: dict[str, Any]
    ) -> nn.Module:
        settings = {key: settings[key] for key in ("widths", "own", "bottom") if key in settings}
        return BaseSpectra(names, **settings)

    def base_spectra(self) -> Tensor:
        """Return the spectra of the members, each over its largest magnitude; shape (member, frequency)."""
        spectra = self.features(self.members)[:, 0]
        largest = spectra.abs().amax(dim=1, keepdim=True).clamp_min(_LEAST)
        unit: Tensor = spectra / largest
        return unit

    def _raw(self, features: Tensor) -> Tensor:
        spectra: Tensor = self.body((features - self.feature_mean) / self.feature_sd)
        labels: Tensor = spectra.sum(dim=2) / self.base_spectra().sum(dim=1)
        return labels

    def loss(self, features: Tensor, truths: Tensor) -> Tensor:
        """Return the mean square error of the base spectra, at labels over their largest value."""
        spectra = self.body((features - self.feature_mean) / self.feature_sd)
        labels = truths / self.target_sd
        error: Tensor = ((spectra - labels[..., None] * self.base_spectra()) ** 2).mean()
        return error


def network(config: str, **settings: Any) -> ComparedNetwork:
    """Return a network of the table with random weights; settings as of :class:`ComparedNetwork`."""
    kind = BaseSpectrumNetwork if CONFIGS[config].family == "unet" else ComparedNetwork
    return kind(config=config, **settings)


def _settings(
    config: NetworkConfig, widths: Sequence[int] | None, kernels: Sequence[int] | None, dropout: float | None
) -> dict[str, Any]:
    """Return the keywords of the family, those of the table replaced where others are given.

    Raises
    ------
    ValueError
        If there are more or fewer sizes than the network has.
    """
    settings: dict[str, Any] = {"widths": config.widths, "kernels": config.kernels, "dropout": config.dropout}
    for name, values in (("widths", widths), ("kernels", kernels)):
        if values is None:
            continue
        if len(values) != len(settings[name]):
            raise ValueError(f"{len(values)} {name} for a network that has {len(settings[name])}")
        settings[name] = tuple(values)
    if dropout is not None:
        settings["dropout"] = dropout
    return {**settings, **config.more}
