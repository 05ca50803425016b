"""Inputs of networks other than an FID: small transforms that a card names, for NumPy and torch arrays alike.

Each is a frozen dataclass, called with FIDs of shape (..., time), and returns real channels. None has anything to
learn. A new one is a file here and a row in :data:`TRANSFORMS`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from fsl_mrs_dl.models.transforms.grid import ZeroFilledSpectrum
from fsl_mrs_dl.models.transforms.scalogram import Scalogram
from fsl_mrs_dl.models.transforms.scattering import Scattering
from fsl_mrs_dl.models.transforms.spectrogram import Spectrogram
from fsl_mrs_dl.models.transforms.spectrum import FirstPoints, SpectrumBand

Array = Any


class Transform(Protocol):
    """From FIDs to the real channels of a network."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what comes out, without the leading axes of the FIDs."""

    def __call__(self, fids: Array) -> Array:
        """Return channels.

        Parameters
        ----------
        fids : Array, complex, shape (..., time)

        Returns
        -------
        Array, real, shape (..., *shape)
        """


TRANSFORMS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "fid": FirstPoints,
        "spectrum": SpectrumBand,
        "zero-filled spectrum": ZeroFilledSpectrum,
        "scalogram": Scalogram,
        "scattering": Scattering,
        "spectrogram": Spectrogram,
    }
)
"""Name in a card -> the transform."""

__all__ = [
    "TRANSFORMS",
    "FirstPoints",
    "Scalogram",
    "Scattering",
    "Spectrogram",
    "SpectrumBand",
    "Transform",
    "ZeroFilledSpectrum",
]
