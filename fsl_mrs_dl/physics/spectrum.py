"""Transform FIDs to spectra and back, with their axes, and project an FID onto a window.

The transform is the orthonormal DFT with the zero frequency in the middle, so that white noise keeps its
standard deviation. The first point is not halved: that is for display only.
"""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from fsl_mrs_dl.errors import DataError

Array = Any


def fid_to_spectrum(fid: Array) -> Array:
    """Return the spectrum of an FID: orthonormal DFT, frequencies ascending.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)

    Returns
    -------
    Array, complex, shape (..., frequency)
    """
    xp = array_namespace(fid)
    return xp.fft.fftshift(xp.fft.fft(fid, axis=-1, norm="ortho"), axes=(-1,))


def spectrum_to_fid(spectrum: Array) -> Array:
    """Undo :func:`fid_to_spectrum`.

    Parameters
    ----------
    spectrum : Array, complex, shape (..., frequency)

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(spectrum)
    return xp.fft.ifft(xp.fft.ifftshift(spectrum, axes=(-1,)), axis=-1, norm="ortho")


def frequency_axis_hz(n_points: int, dwelltime_s: float) -> NDArray[np.float64]:
    """Return the exact DFT frequencies, ascending, in Hz; shape (frequency,)."""
    return np.fft.fftshift(np.fft.fftfreq(n_points, dwelltime_s))


def ppm_axis(
    n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float, reference_ppm: float
) -> NDArray[np.float64]:
    """Return the chemical shifts of the exact DFT bins, ascending, in ppm; shape (frequency,)."""
    return reference_ppm + frequency_axis_hz(n_points, dwelltime_s) / spectrometer_frequency_mhz


def ppm_window(ppm: NDArray[np.floating], limits: tuple[float, float] | None) -> NDArray[np.bool_]:
    """Return which points of a ppm axis lie within limits, both ends included.

    Parameters
    ----------
    ppm : ndarray, float, shape (frequency,)
    limits : tuple of float or None
        In ppm, in either order; None = the whole axis.

    Returns
    -------
    ndarray, bool, shape (frequency,)

    Raises
    ------
    DataError
        If fewer than four points lie within the limits.
    """
    if limits is None:
        return np.ones(ppm.shape, dtype=bool)
    low, high = sorted(limits)
    inside = (ppm >= low) & (ppm <= high)
    if inside.sum() < 4:
        raise DataError(
            f"The window {low:g} to {high:g} ppm holds {int(inside.sum())} points of a spectrum that reaches "
            f"from {ppm[0]:.2f} to {ppm[-1]:.2f} ppm; at least 4 are needed. Choose another window."
        )
    return inside


def project(fid: Array, inside: NDArray[np.bool_]) -> Array:
    """Return the part of an FID that lies in a window of its spectrum.

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
    inside : ndarray, bool, shape (frequency,)
        From :func:`ppm_window`.

    Returns
    -------
    Array, complex, shape (..., time)
    """
    xp = array_namespace(fid)
    keep = xp.asarray(np.fft.ifftshift(inside), dtype=xp.real(fid[..., :1]).dtype, device=device(fid))
    return xp.fft.ifft(xp.fft.fft(fid, axis=-1) * keep, axis=-1)
