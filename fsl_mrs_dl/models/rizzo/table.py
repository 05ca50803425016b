"""The table of the twenty-four networks: family, input, sizes and learning rate of each. No PyTorch.

Sizes as in the public code of Rizzo et al. 2023 (doi:10.1002/mrm.29561). ``-hp``: sizes that the authors searched
for, ``-ks3``: kernels of 3, ``-x2``: two convolutions before each pooling, ``-R``: ReLU, ``-f``: factorised
kernels, ``-rb``: reduction blocks, ``-met``: sizes of its own for each metabolite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

SOURCE = "doi:10.1002/mrm.29561"
READS: Mapping[str, str] = MappingProxyType(
    {
        "1D": "real and imaginary part of the spectrum, one after the other",
        "1DR": "real part of the spectrum",
        "2D2c": "spectrogram, real and imaginary part as channels",
        "2D1c": "spectrogram, real and imaginary part side by side",
    }
)
"""Kind of input -> in words."""


@dataclass(frozen=True)
class NetworkConfig:
    """One of the networks.

    Attributes
    ----------
    family : str
        Key of :data:`fsl_mrs_dl.models.rizzo.network.FAMILIES`.
    reads : str
        Key of :data:`READS`.
    lr : float
        Learning rate of Adam, as published.
    widths, kernels : tuple of int
        Channels and kernel sizes in the order of the layers; what they mean is said by the family. Empty: the
        family has fixed ones.
    dropout : float
        Of the last dropout.
    more : mapping
        Further keywords of the family.
    """

    family: str
    reads: str
    lr: float = 2e-4
    widths: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    dropout: float = 0.0
    more: Mapping[str, Any] = field(default_factory=dict)


_SHALLOW: dict[str, Any] = {"hidden": 0, "norm_last": True, "activation": "elu"}
_RELU = _SHALLOW | {"activation": "relu"}
_DEEP: dict[str, Any] = {"hidden": 400, "activation": "relu"}
_EIGHT = (8, 16, 32, 64, 128, 256)  # channels of the six convolutions of a DeepNet, as published
_RESIDUAL = (32, 128, 64, 256)  # channels inside and behind the bottlenecks of two blocks, as published
_U, _BOTTOM = (32, 32, 64, 48, 128, 64, 256, 80, 512), (512, 256)  # channels of the U-Net, as published
CONFIGS: Mapping[str, NetworkConfig] = MappingProxyType(
    {
        "deepnet-1d": NetworkConfig("convolutional", "1D", 2e-4, _EIGHT, (3,) * 6, 0.1, _DEEP),
        "deepnet-1d-hp": NetworkConfig(
            "convolutional",
            "1D",
            3.275e-3,
            (15, 40, 90, 150, 160, 280),
            (3,) * 6,
            0.3,
            _DEEP | {"hidden": 780},
        ),
        "resnet-1d": NetworkConfig(
            "residual", "1D", 2e-4, (8, 16, 32, 128, 64, 256, 128, 512), (3,), 0.3, {"stem": 2}
        ),
        "resnet-1d-hp": NetworkConfig(
            "residual",
            "1D",
            3.1938e-4,
            (15, 40, 90, 150, 150, 230, 140, 600),
            (3,),
            0.25,
            {"stem": 2, "hidden": 110},
        ),
        "inceptionnet-1d": NetworkConfig(
            "inception",
            "1D",
            2e-4,
            (96, 128, 256),
            (9, 7, 5, 3, 1),
            0.8,
            {"pooled_branch": True, "extra": 2, "reduction": 50, "activation": "relu", "averaged": True},
        ),
        "shallownet-2d2c": NetworkConfig(
            "convolutional", "2D2c", 2e-4, (50, 100, 150), (9, 5, 3), 0.15, _SHALLOW | {"drops": (0.0, 0.1)}
        ),
        "shallownet-2d2c-hp": NetworkConfig(
            "convolutional",
            "2D2c",
            5.3954e-3,
            (300, 100, 150),
            (7, 9, 5),
            0.35,
            _SHALLOW | {"drops": (0.0, 0.35)},
        ),
        "shallownet-2d2c-x2": NetworkConfig(
            "convolutional",
            "2D2c",
            2e-4,
            (50, 100, 150),
            (9, 5, 3),
            0.15,
            _SHALLOW | {"drops": (0.0, 0.1), "repeats": 2},
        ),
        "shallownet-2d2c-x2-hp": NetworkConfig(
            "convolutional",
            "2D2c",
            1.014e-2,
            (60, 310, 280),
            (3, 11, 5),
            0.45,
            _SHALLOW | {"drops": (0.0, 0.2), "repeats": 2},
        ),
        "shallownet-2d2c-r": NetworkConfig(
            "convolutional", "2D2c", 2e-4, (50, 100, 150), (11, 9, 5), 0.15, _RELU | {"drops": (0.0, 0.1)}
        ),
        "shallownet-2d2c-r-ks3": NetworkConfig(
            "convolutional", "2D2c", 2e-4, (50, 100, 150), (3, 3, 3), 0.15, _RELU | {"drops": (0.0, 0.1)}
        ),
        "inceptionnet-2d2c": NetworkConfig(
            "inception", "2D2c", 2e-4, (25, 50, 75), (9, 7, 5, 3), 0.2, {"drops": (0.0, 0.1)}
        ),
        "inceptionnet-2d2c-f": NetworkConfig(
            "inception",
            "2D2c",
            2e-4,
            (25, 50, 75),
            (9, 7, 5, 3),
            0.2,
            {"drops": (0.0, 0.1), "factorised": True},
        ),
        "inceptionnet-2d2c-rb": NetworkConfig(
            "inception",
            "2D2c",
            2e-4,
            (25, 50, 75),
            (9, 7, 5, 3),
            0.5,
            {"drops": (0.0, 0.1), "reduction": 50},
        ),
        "efficientnet-b7-2d2c": NetworkConfig("efficientnet", "2D2c", 2e-4, dropout=0.5),
        "deepnet-2d1c": NetworkConfig(
            "convolutional", "2D1c", 2e-4, _EIGHT, (13, 11, 9, 7, 5, 3), 0.1, _DEEP
        ),
        "deepnet-2d1c-ks3": NetworkConfig("convolutional", "2D1c", 2e-4, _EIGHT, (3,) * 6, 0.1, _DEEP),
        "resnet-2d1c": NetworkConfig("residual", "2D1c", 2e-4, _RESIDUAL, (13, 11, 9, 7, 5, 3), 0.1),
        "resnet-2d1c-ks3": NetworkConfig("residual", "2D1c", 2e-4, _RESIDUAL, (3,), 0.1),
        "resnet-2d1c-deep": NetworkConfig(
            "residual",
            "2D1c",
            2e-4,
            (8, 16, *_RESIDUAL),
            (13, 11, 9, 7, 5, 3),
            0.1,
            {"stem": 2, "stem_pool": False},
        ),
        "resnet50-2d1c": NetworkConfig("resnet50", "2D1c", 2e-4, (128, 64), (7,)),
        "inceptionnet-2d1c-v4": NetworkConfig("inception-v4", "2D1c", 2e-4, (50,), (9,), 0.5),
        "unet-1dr-hp": NetworkConfig("unet", "1DR", 1e-3, _U, more={"bottom": _BOTTOM}),
        "unet-1dr-hp-met": NetworkConfig(
            "unet",
            "1DR",
            1e-3,
            _U,
            more={
                "bottom": _BOTTOM,
                "own": {
                    "NAA": (40, 50, 70, 100, 160, 80, 210, 320, 600),
                    "GABA": (20, 40, 50, 70, 150, 110, 210, 210, 580),
                    "tCr": (30, 30, 50, 30, 130, 160, 380, 130, 590),
                    "Cr": (30, 30, 50, 30, 130, 160, 380, 130, 590),
                    "PCr": (30, 30, 50, 30, 130, 160, 380, 130, 590),
                },
            },
        ),
    }
)
"""Name -> config, in the order of the paper's input forms."""
QUICK = ("deepnet-1d", "shallownet-2d2c-r-ks3", "resnet-2d1c-ks3", "inceptionnet-2d2c-f")
"""One of each family whose tests take seconds; the others are slow tests."""
_FAMILY_WORDS = {
    "convolutional": "convolutions",
    "residual": "residual network",
    "inception": "parallel kernels (Inception)",
    "inception-v4": "parallel kernels (Inception)",
    "efficientnet": "EfficientNet-B7",
    "resnet50": "ResNet-50",
    "unet": "U-Nets, one a member, for its base spectrum",
}


def summary(name: str) -> str:
    """Describe a network in a few words, for the help."""
    config = CONFIGS[name]
    over = "spectrum" if config.reads.startswith("1D") else "spectrogram"
    return f"{_FAMILY_WORDS[config.family]} over the {over}, amplitudes alone"
