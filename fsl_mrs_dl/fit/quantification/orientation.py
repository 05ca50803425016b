"""Whether data look conjugated. They are never turned unasked: the user is told."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, fid_flags
from fsl_mrs_dl.physics import fid_to_spectrum, ppm_window

_ORDER = 4
_MOST_SPECTRA = 64


def looks_conjugated(data: MRSData, voxels: NDArray[Any], window: tuple[float, float]) -> bool:
    """Return whether the mirror image of the fit window holds more signal than the window itself.

    Signal is what a polynomial of fourth order leaves, as in FSL-MRS's check, so that the tail of the water
    does not decide; here of the complex spectrum, so that its phase does not either.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    voxels : ndarray, int, shape (V, 3)
        Whose energies are added up; at most 64 of them, evenly spread.
    window : tuple of float
        In ppm.
    """
    some = data.fid[tuple(voxels[:: max(1, len(voxels) // _MOST_SPECTRA)].T)]
    some = some[fid_flags(some) == ""]
    inside = ppm_window(data.ppm_axis, window)
    return _structure(some.conj(), inside) > _structure(some, inside)


def _structure(fids: Complex, inside: NDArray[np.bool_]) -> float:
    spectra = fid_to_spectrum(fids)[:, inside]
    smooth, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, spectra.shape[1]), _ORDER + 1))
    return float(np.linalg.norm(spectra - (spectra @ smooth) @ smooth.T))
