"""Read files of FIDs one voxel at a time, for the viewer."""

import gzip
import math
import shutil
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from nifti_mrs.nifti_mrs import NIFTI_MRS

from fsl_mrs_dl.data import Complex, MRSData
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.io import nifti
from fsl_mrs_dl.io.names import is_packed, shown, without_ending
from fsl_mrs_dl.io.nifti_file import opened

_PIECE_BYTES = 2**20
"""Size of the pieces in which a file is decompressed: 1 MiB, a few milliseconds."""


class VoxelFile:
    """A NIfTI-MRS file whose FIDs are read one voxel at a time.

    An uncompressed file is read in place. A compressed one is decompressed by :meth:`unpack` or at first use to a
    temporary file that is removed with this object, so that memory does not grow with the file.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._remove: weakref.finalize[..., VoxelFile] | None = None
        file = opened(path)  # what is no NIfTI-MRS is refused at once; the FIDs are not read
        self._header, self._notes, self._sidecar = file.nmrs, file.notes, file.sidecar
        x, y, z = (int(n) for n in self._header.shape[:3])
        self.grid = (x, y, z)
        self._image = None if is_packed(path) else _mapped(self._header)
        self._one: MRSData | None = None
        self._folder: Path | None = None
        self._lock = threading.Lock()

    @property
    def packed_bytes(self) -> int:
        """Size of the FIDs that are not yet decompressed; 0 if they can be read."""
        if self._image is not None:
            return 0
        size: int = self._header.image.nibImage.get_data_dtype().itemsize
        return math.prod(int(n) for n in self._header.shape) * size

    def one(self) -> MRSData:
        """Return one FID of zeros as data, with the header, axes and position of the file; no FID is read."""
        if self._one is None:
            one = nifti.from_nifti_mrs(self._header, shown(self.path.name), header_only=True)
            self._one = replace(one, notes=(*self._notes, *one.notes), sidecar=self._sidecar)
        return self._one

    @property
    def higher(self) -> tuple[int, ...]:
        """Lengths of the dimensions after time."""
        return tuple(int(n) for n in self._header.shape[4:])

    def fid(self, voxel: tuple[int, int, int], places: tuple[int, ...] | None = None) -> Complex:
        """Return the FIDs of one voxel.

        Parameters
        ----------
        voxel : tuple of int
        places : tuple of int, optional
            One index a higher dimension, to read one FID only.

        Returns
        -------
        ndarray, complex128, shape (time[, dim 5[, dim 6[, dim 7]]]), or (time,) with places
            In memory sign.
        """
        chosen = voxel if places is None else (*voxel, slice(None), *places)
        fids: Complex = np.asarray(self._opened()[chosen], dtype=np.complex128)
        return fids.reshape(self._header.shape[3:] if places is None else self._header.shape[3])

    def _opened(self) -> NIFTI_MRS:
        self.unpack()
        return self._image

    def unpack(self, go_on: Callable[[int], bool] | None = None) -> bool:
        """Decompress the file, if that is still to be done; another thread may call it.

        Parameters
        ----------
        go_on : callable
            Called with the number of bytes of each piece; it returns False to stop.

        Returns
        -------
        bool
            Whether the FIDs can be read.

        Raises
        ------
        DataError
            If the file is damaged, or there is no room for it.
        """
        with self._lock:
            if self._image is None:
                self._image = self._unpacked(go_on)
            return self._image is not None

    def _unpacked(self, go_on: Callable[[int], bool] | None) -> NIFTI_MRS | None:
        folder = Path(tempfile.mkdtemp(prefix="fsl_mrs_dl_"))
        self._folder = folder
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        free, needed = shutil.disk_usage(folder).free, self.packed_bytes
        if free < needed:
            raise DataError(
                f"{self.path} needs {needed / 1e9:.1f} GB in {folder.parent} to be decompressed, "
                f"{free / 1e9:.1f} GB are free; free some, set TMPDIR to another folder, or gunzip the file."
            )
        plain = folder / f"{without_ending(self.path.name)}.nii"
        try:
            with gzip.open(self.path) as packed, plain.open("wb") as unpacked:
                while piece := packed.read(_PIECE_BYTES):
                    unpacked.write(piece)
                    if go_on is not None and not go_on(len(piece)):
                        return None
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.path} is damaged ({error}); make it again.") from error
        return _mapped(opened(plain, beside=self.path).nmrs)

    def temporary(self) -> tuple[Path, ...]:
        """Return the temporary files that were decompressed."""
        return () if self._folder is None else tuple(self._folder.iterdir())

    def close(self) -> None:
        """Remove the temporary file, if there is one."""
        if self._remove is not None:
            self._image = None
            self._remove()
            self._remove = self._folder = None


def _mapped(nmrs: NIFTI_MRS) -> NIFTI_MRS:
    """Return the same file mapped into memory; otherwise each point of an FID is a separate read."""
    image = nmrs.image.nibImage
    return NIFTI_MRS(type(image)(np.asanyarray(image.dataobj), None, image.header))
