"""How much of task ``fpc`` is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fsl_mrs_dl.models.catalogue import architectures

PUBLISHED_PASSES = 24000 * 150
"""Transients that a published network learned from, times epochs (doi:10.1002/mrm.29498)."""
NETWORKS = tuple(architectures("align"))
CLASSICAL = ("sr", "srf", "crr", "crrf", "corr", "corrf")
DAES = tuple(name for name, entry in architectures("align").items() if not entry.labels)


@dataclass(frozen=True)
class FpcProfile:
    """Sizes.

    Attributes
    ----------
    training : mapping of str to (int, int)
        Architecture -> transients to train on, and most epochs.
    training_batch : int
        Transients of a training step.
    tested : int
        Transients of the table of methods.
    slow : int
        Transients of a method that takes tens of ms for each.
    noise_snr : tuple of float
        SNR_t0 of the noise study.
    noise_tested : int
        Transients a level.
    draws : int
        Of the noise, in the Monte Carlo study.
    scans : mapping of float to int
        SNR_t0 -> scans of 320 transients at 3 T and at 7 T.
    phantom : tuple of int
        Transients of the drift phantom: all, and those that are learned from.
    transfer : tuple of int
        Transients made of those by augmentation, and epochs.
    subjects : int
        Edited sets.
    pairs : int
        ON and OFF transients a subject.
    batch : int
        Transients of the speed table.
    elsewhere : int
        Scans of each world and level of noise.
    """

    training: Mapping[str, tuple[int, int]]
    training_batch: int
    tested: int
    slow: int
    noise_snr: tuple[float, ...]
    noise_tested: int
    draws: int
    scans: Mapping[float, int]
    phantom: tuple[int, int]
    transfer: tuple[int, int]
    subjects: int
    pairs: int
    batch: int
    elsewhere: int


def _training(
    relative: tuple[int, int], absolute: tuple[int, int], labelled: tuple[int, int] | None = None
) -> Mapping[str, tuple[int, int]]:
    """Return the sizes: creatine referencing is slower to learn, as its decoder knows less of the signal."""
    sizes = {name: absolute if name in ("dcrr", "dcrrf") else relative for name in DAES}
    return MappingProxyType({name: sizes.get(name, labelled or relative) for name in NETWORKS})


PROFILES = {
    "smoke": FpcProfile(
        _training((100, 1), (100, 1)), 64, 32, 4, (20.0,), 16, 16, {15.0: 1}, (48, 24), (40, 1), 1, 8, 32, 1
    ),
    "small": FpcProfile(
        _training((6000, 40), (20000, 30)),
        64,
        2000,
        160,
        (8.0, 12.0, 20.0, 35.0, 60.0, 110.0),
        256,
        256,
        {5.0: 4, 10.0: 32, 15.0: 4, 30.0: 4},
        (2048, 400),
        (4000, 10),
        6,
        160,
        320,
        1,
    ),
    "paper": FpcProfile(
        _training((24000, 150), (24000, 150), (24000, 40)),
        256,
        2000,
        160,
        (8.0, 12.0, 20.0, 35.0, 60.0, 110.0),
        2000,
        256,
        {5.0: 32, 10.0: 32, 15.0: 32, 30.0: 32},
        (2048, 400),
        (8000, 30),
        8,
        160,
        320,
        8,
    ),
}
