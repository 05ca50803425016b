"""How much may be read and made: more is refused with the number and the limit, before memory is taken for it."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from fsl_mrs_dl.errors import DataError, OptionError
from fsl_mrs_dl.io.names import is_packed

MOST_POINTS = 2**27
"""Complex points that a command makes at most: 1 GiB in single precision, 4 GiB while it works on them."""
_MOST_VOXELS = 2**27
"""Of an image that is shown: 512 x 512 x 512, or 1 GiB in double precision."""
_SMALL_BYTES = 2**28
"""What any file may unpack to: 256 MiB."""
_MOST_PACKED = 100
"""By how much a large file of FIDs may be packed: noise packs by less than 2, a grid with signal in a hundredth of
its voxels by 100."""
_SHARE = 0.5
"""Of the machine's memory that FIDs may take: they are in memory once or twice, beside what is made of them."""


def check_made(n_fids: int, n_points: int, option: str) -> None:
    """Refuse to make more FIDs than fit into memory.

    Parameters
    ----------
    n_fids : int
    n_points : int
        Of each.
    option : str
        That asks for them.

    Raises
    ------
    OptionError
        If they have more than :data:`MOST_POINTS` in all.
    """
    if n_fids * n_points > MOST_POINTS:
        raise OptionError(
            f"--{option} asks for {n_fids} FIDs of {n_points} points; at most {MOST_POINTS // n_points} of this "
            "length are made at a time. Ask for fewer."
        )


def check_fids(path: Path, promised: int) -> None:
    """Refuse a file of FIDs that would unpack to more than it can honestly hold, or than the machine has room for.

    Parameters
    ----------
    path : Path
    promised : int
        Bytes of FIDs, by its header.

    Raises
    ------
    DataError
    """
    size = max(path.stat().st_size, 1)
    if is_packed(path) and promised > _SMALL_BYTES and promised > _MOST_PACKED * size:
        raise DataError(
            f"{path} has {size} bytes and unpacks to {promised}, {promised // size} times as many; FIDs of a scan "
            f"pack by at most {_MOST_PACKED}. It is damaged or nearly empty: cut it to the voxels with signal."
        )
    room = int(_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
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
    if voxels > _MOST_VOXELS:
        raise DataError(f"{what} has {voxels} voxels; at most {_MOST_VOXELS} are read. Give a coarser image.")
