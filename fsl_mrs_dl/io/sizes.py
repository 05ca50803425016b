"""Limits of what is read and simulated: more is refused before memory is allocated."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.names import is_packed

LARGEST_POINTS = 2**27
"""Largest number of complex points that a command makes: 1 GiB in single precision, 4 GiB during the work."""
_LARGEST_VOXELS = 2**27
"""Largest number of voxels of an anatomical image: 512 x 512 x 512, or 1 GiB in double precision."""
_ALWAYS_ALLOWED_BYTES = 2**28
"""Any file may unpack to this size: 256 MiB."""
_LARGEST_PACKING = 100
"""Largest ratio of unpacked to packed size of a large file of FIDs: noise packs by less than 2, a grid with signal
in a hundredth of its voxels by 100."""
_MEMORY_SHARE = 0.5
"""Share of the machine's memory that FIDs may take: they are in memory once or twice, and so are the results."""


def check_new_fids(n_fids: int, n_points: int, option: str) -> None:
    """Refuse to make more FIDs than fit into memory.

    Parameters
    ----------
    n_fids : int
    n_points : int
        Of each.
    option : str
        Option with the number, for the message.

    Raises
    ------
    OptionError
        If they have more than :data:`LARGEST_POINTS` in all.
    """
    if n_fids * n_points > LARGEST_POINTS:
        raise OptionError(
            f"--{option} asks for {n_fids} FIDs of {n_points} points; at most {LARGEST_POINTS // n_points} of "
            "this length are made at a time. Ask for fewer."
        )


def check_fids(path: Path, promised: int) -> None:
    """Refuse a file of FIDs that would unpack to an implausible size, or does not fit into memory.

    Parameters
    ----------
    path : Path
    promised : int
        Bytes of FIDs according to the header.

    Raises
    ------
    DataError
        If it unpacks to more than :data:`_LARGEST_PACKING` times its size, or to half of the memory.
    """
    size = max(path.stat().st_size, 1)
    if is_packed(path) and promised > _ALWAYS_ALLOWED_BYTES and promised > _LARGEST_PACKING * size:
        raise DataError(
            f"{path} has {size} bytes and unpacks to {promised}, {promised // size} times as many; FIDs of a scan "
            f"pack by at most {_LARGEST_PACKING}. It is damaged or nearly empty: cut it to the voxels with signal."
        )
    room = int(_MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if promised > room:
        raise DataError(
            f"{path} holds {promised / 1e9:.1f} GB of FIDs; this machine has room for {room / 1e9:.1f} GB, half "
            "of its memory. Cut it into parts, or take a larger machine."
        )


def check_image(image: Any, what: str) -> None:
    """Refuse an image that is larger than any anatomy.

    Parameters
    ----------
    image : nibabel image
        Not read yet.
    what : str
        Names it, for the message.

    Raises
    ------
    DataError
        If it has more than 512 x 512 x 512 voxels in all.
    """
    voxels = int(np.prod([float(n) for n in image.shape]))
    if voxels > _LARGEST_VOXELS:
        raise DataError(
            f"{what} has {voxels} voxels; at most {_LARGEST_VOXELS} are read. Give a coarser image."
        )
