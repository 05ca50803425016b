"""FIDs of a file as sets that share their support, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, Complex, MRSData, Real, fid_flags
from fsl_mrs_dl.scores import noise_region, noise_sd

_ROUNDING = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, eq=False)
class Sets:
    """All FIDs of a file in units of their noise.

    Attributes
    ----------
    fids : ndarray, complex64, shape (set, FID, time)
        Over their noise SD; zero where an FID cannot be used. Without the water.
    noise_sd : ndarray, float, shape (set, FID)
        Of the real, or imaginary, channel.
    usable : ndarray, bool, shape (set, FID)
    rows : ndarray, int, shape (set,)
        Which sets of the file these are: those with a usable FID.
    shape : tuple of int
        Of the file's FIDs without time, the shared dimension last.
    dim : str or None
        The dimension whose FIDs share their support.
    n_measured : int
        Points before the zeros that all FIDs end with.
    water : ndarray, complex64, shape (set, FID, time), or None
        Residual water, which goes back into the result as it is; see :func:`~.water.without_water`.
    """

    fids: Complex
    noise_sd: Real
    usable: NDArray[np.bool_]
    rows: NDArray[np.intp]
    shape: tuple[int, ...]
    dim: str | None
    n_measured: int
    water: Complex | None = None

    @classmethod
    def of(cls, data: MRSData, dim: str | None) -> "Sets":
        """Return the FIDs of a file.

        Parameters
        ----------
        data : MRSData
        dim : str or None
            Tag of the dimension whose FIDs share their support; None = each FID by itself.
        """
        fids = np.moveaxis(data.fid, TIME_AXIS, -1)
        # Time, which stood before the shared dimension, is last now.
        fids = fids[..., None, :] if dim is None else np.moveaxis(fids, data.axis(dim) - 1, -2)
        shape = fids.shape[:-1]
        sets = fids.reshape(-1, shape[-1], data.n_points)
        usable = fid_flags(sets) == ""
        rows = np.flatnonzero(usable.any(axis=1))
        sets, usable = np.where(usable[rows][..., None], sets[rows], 0), usable[rows]
        measured = int(np.flatnonzero((sets != 0).any(axis=(0, 1)))[-1]) + 1
        sd = _noise(sets[..., :measured], usable, data)
        return cls((sets / sd[..., None]).astype(np.complex64), sd, usable, rows, shape, dim, measured)

    def back(self, fids: Complex, data: MRSData) -> MRSData:
        """Return a file with the usable FIDs replaced, their water added.

        Parameters
        ----------
        fids : ndarray, complex, shape (set, FID, time)
            In units of the noise.
        data : MRSData
            Whose FIDs the sets are.
        """
        n = data.n_points
        if self.water is not None:
            fids = fids + self.water
        stacked = np.moveaxis(data.fid, TIME_AXIS, -1)
        axis = None if self.dim is None else data.axis(self.dim) - 1
        stacked = stacked[..., None, :] if axis is None else np.moveaxis(stacked, axis, -2)
        flat = stacked.reshape(-1, self.shape[-1], n).astype(np.complex128)
        new = np.where(self.usable[..., None], fids * self.noise_sd[..., None], flat[self.rows])
        flat[self.rows] = new
        whole = flat.reshape(*self.shape, n)
        whole = whole[..., 0, :] if axis is None else np.moveaxis(whole, -2, axis)
        return data.with_fid(np.moveaxis(whole, -1, TIME_AXIS))

    def noise_map(self, data: MRSData) -> Real:
        """Return the noise SD of each voxel, shape (x, y, z): root mean square over all else, 0 where none."""
        square, count = (np.zeros((int(np.prod(self.shape[:-1])), self.shape[-1])) for _ in range(2))
        square[self.rows], count[self.rows] = np.where(self.usable, self.noise_sd**2, 0), self.usable
        grid = data.fid.shape[:3]
        total, n = (values.reshape(*grid, -1).sum(axis=-1) for values in (square, count))
        level: Real = np.sqrt(total / np.maximum(n, 1))
        return level


def _noise(sets: Complex, usable: NDArray[np.bool_], data: MRSData) -> Real:
    """Return the noise SD of each FID; that of rounding where a simulation has none."""
    n = sets.shape[-1]
    step_ppm = 1 / (n * data.dwelltime_s * data.spectrometer_frequency_mhz)
    ppm = data.reference_ppm + step_ppm * (np.arange(n) - n // 2)
    region = noise_region(sets[usable], ppm, data.nucleus)
    sd = np.asarray(noise_sd(sets, ppm, data.nucleus, region))
    floor = _ROUNDING * np.abs(sets).max(axis=-1)
    largest: Real = np.maximum(np.maximum(sd, floor), np.finfo(np.float64).tiny)
    return largest
