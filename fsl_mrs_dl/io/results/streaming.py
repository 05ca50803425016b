"""Write images piece by piece, so that the FIDs of a whole brain are never in memory twice."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.openers import ImageOpener
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.scratch import release_memory

_PIECE_BYTES = 2**26
"""Size of the points that are written at a time: 64 MiB."""
_MOST_PACKED_BYTES = 2**27
"""Largest file of FIDs that is compressed, 128 MiB: a viewer decompresses it in about a second."""


def curve_ending(size: int) -> str:
    """Return the ending of the files of curves of an MRSI, for FIDs of a size in bytes.

    Time is the last axis of NIfTI, so that the FID of one voxel is spread over the whole file: to show it, a
    compressed file must be decompressed from end to end, an uncompressed one is read in place. Noise hardly
    shrinks, so that large files are written uncompressed.
    """
    return ".nii.gz" if size <= _MOST_PACKED_BYTES else ".nii"


def write_image(header: Any, shape: tuple[int, ...], pieces: Iterable[NDArray[Any]], path: Path) -> None:
    """Write a single-file NIfTI image from pieces of its values.

    Parameters
    ----------
    header : nibabel header
        Of a single file, with data type, position and extensions.
    shape : tuple of int
        Of the whole image.
    pieces : iterable of ndarray
        Parts of the last axis, in its order.
    path : Path
        Ends in ``.nii`` or ``.nii.gz``.
    """
    header = header.copy()
    header.set_data_shape(shape)
    header.set_slope_inter(1, 0)
    header["vox_offset"] = 0  # as far as the extensions reach
    with ImageOpener(path, "wb") as file:
        header.write_to(file)
        file.write(bytes(header.get_data_offset() - file.tell()))
        for piece in pieces:
            # The first axis runs fastest in a file, the last slowest.
            file.write(
                np.asfortranarray(piece.astype(header.get_data_dtype(), copy=False)).tobytes(order="F")
            )


def write_curves(
    like: MRSData, values: Callable[[int], Complex], path: Path, held: tuple[NDArray[Any], ...] = ()
) -> None:
    """Write FIDs on the grid of the data as NIfTI-MRS, as :func:`fsl_mrs_dl.io.nifti.write` does.

    Parameters
    ----------
    like : MRSData
        Source of header and records: data of the same shape, without higher dimensions.
    values : callable
        Index along x -> ndarray, complex, shape (y, z, time), in the package's sign.
    path : Path
    held : tuple of ndarray
        Large arrays that ``values`` reads; their memory is released in between.
    """
    shape = like.fid.shape
    one = replace(like, fid=np.zeros((1, 1, 1, shape[TIME_AXIS]), dtype=like.fid.dtype))
    header = nifti.to_nifti_mrs(one).image.nibImage.header
    n = max(1, _PIECE_BYTES // (int(np.prod(shape[:3])) * like.fid.dtype.itemsize))

    def pieces() -> Iterable[Complex]:
        for start in range(0, shape[TIME_AXIS], n):
            points = slice(start, start + n)
            width = len(range(shape[TIME_AXIS])[points])
            piece = np.empty((*shape[:3], width), dtype=like.fid.dtype, order="F")
            for x in range(shape[0]):
                piece[x] = nifti.stored(values(x)[..., points])
                release_memory(*held)
            yield piece

    write_image(header, shape, pieces(), path)
