"""Select the spectra to fit, and the fit window."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import TIME_AXIS, MRSData, fid_flags
from fsl_mrs_dl.errors import DataError, OptionError

PPM_WINDOWS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"1H": (0.2, 4.2), "2H": (0.0, 6.0), "13C": (10.0, 100.0), "31P": (-20.0, 10.0)}
)
"""Default fit window of each nucleus, in ppm (FSL-MRS's defaults)."""

_LEAST_POINTS = 4  # smallest number of points in a window: fewer are no spectrum
_FIRST = MappingProxyType(
    {
        "DIM_COIL": "combine the coils first (fsl_mrs_dl coilcombine)",
        "DIM_DYN": "align and average the transients first (fsl_mrs_dl align --average)",
        "DIM_EDIT": "take the difference, or one condition, first (fsl_mrs_dl subtract, or mrs_tools split)",
    }
)


def one_spectrum_a_voxel(data: MRSData) -> MRSData:
    """Return the data without dimensions of one element.

    Raises
    ------
    DataError
        If a voxel has several spectra.
    """
    for tag in data.dim_tags:
        size = data.fid.shape[data.axis(tag)]
        if size > 1:
            todo = _FIRST.get(tag, "reduce it to one (for example mrs_tools split)")
            raise DataError(
                f"{data.name or 'The data'} has {tag} of {size}; quantify needs one spectrum a voxel: {todo}."
            )
    if not data.dim_tags:
        return data
    return replace(data, fid=data.fid.reshape(data.fid.shape[:4]), dim_tags=(), dim_headers={})


def voxels_to_fit(data: MRSData, mask: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Return the voxels in the mask that are not zero everywhere, in the order of the file's x, y, z.

    Parameters
    ----------
    data : MRSData
        One spectrum a voxel.
    mask : ndarray, bool, shape (x, y, z), optional

    Returns
    -------
    ndarray, int, shape (V, 3)

    Raises
    ------
    DataError
        If there are none.
    """
    there = fid_flags(data.fid, TIME_AXIS) != "zero"
    voxels = np.argwhere(there if mask is None else there & mask)
    if not len(voxels):
        raise DataError(
            f"No voxel of {data.name or 'the data'} lies in the mask and holds signal; check --mask."
        )
    return voxels


def fit_window(
    nucleus: str, ppmlim: tuple[float, float] | None, ppm: NDArray[np.floating] | None = None
) -> tuple[float, float]:
    """Return the fit window, low limit first: the user's, or the usual one of the nucleus.

    Parameters
    ----------
    nucleus : str
    ppmlim : tuple of float, optional
        Limits of the user, in ppm.
    ppm : ndarray, float, optional
        Axis of the data, ascending, in ppm. The window must contain at least four of its points.

    Raises
    ------
    OptionError
        If the limits are equal or out of order, none are known for the nucleus, or the data have fewer than four
        points there.
    """
    window = _limits(nucleus, ppmlim)
    if ppm is not None and (count := int(((ppm >= window[0]) & (ppm <= window[1])).sum())) < _LEAST_POINTS:
        raise OptionError(
            f"The fit window of {window[0]:g} to {window[1]:g} ppm holds {count} points of data that reach from "
            f"{ppm[0]:.2f} to {ppm[-1]:.2f} ppm; at least {_LEAST_POINTS} are needed: choose another one "
            "(--ppmlim LO HI)."
        )
    return window


def _limits(nucleus: str, ppmlim: tuple[float, float] | None) -> tuple[float, float]:
    if ppmlim is None:
        if nucleus not in PPM_WINDOWS:
            raise OptionError(f"No fit window is known for {nucleus}; give --ppmlim LO HI.")
        return PPM_WINDOWS[nucleus]
    low, high = ppmlim
    if not low < high:
        raise OptionError(f"--ppmlim is {low:g} {high:g}; the low limit comes first and must be smaller.")
    return low, high
