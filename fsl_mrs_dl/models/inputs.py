"""Conversion between FIDs and the inputs of networks, also of FIDs of other samplings.

A network reads two real channels of a fixed number of points of a fixed dwell time. *Dwell time and length are
resampled*: data are brought to the network's points by interpolation, filtered before if they have more
bandwidth, cut or continued with zeros. *Nominal field is a condition of validity*: stretching time makes the
chemical shifts right and every coupling and linewidth wrong by the ratio of the fields. Between scanners of one
nominal field, up to 4 % apart, networks of quantification allow that; from 3 to 7 T nothing does.
"""

from typing import Any

import numpy as np
from array_api_compat import array_namespace

from fsl_mrs_dl.data import Complex
from fsl_mrs_dl.physics import fid_to_spectrum, frequency_axis_hz, spectrum_to_fid
from fsl_mrs_dl.physics.resample import PASSBAND, points_before, resample

Array = Any
_SAME = 1e-4
"""Relative difference of dwell times below which points are taken as they are."""
_TINY = 1e-30
"""Largest magnitude, in units of the data, below which an FID counts as zero and is not scaled."""
_BEFORE = 64
"""Points predicted before the first one, in which the filter rings."""


def to_channels(fid: Array) -> Array:
    r"""Return FIDs as the two real channels of a network, each scaled to a largest magnitude of 1.

    .. math:: x = \left(\mathrm{Re}, \mathrm{Im}\right) s / \max_t |s(t)|

    The phase is kept, the amplitude is not (Shamaei et al 2023, doi:10.1002/mrm.29498).

    Parameters
    ----------
    fid : Array, complex, shape (..., time)
        NumPy or torch.

    Returns
    -------
    Array, real, shape (..., 2, time)
    """
    xp = array_namespace(fid)
    largest = xp.max(xp.abs(fid), axis=-1, keepdims=True)
    scaled = fid / xp.where(largest > _TINY, largest, xp.ones_like(largest))
    return xp.stack([xp.real(scaled), xp.imag(scaled)], axis=-2)


def from_channels(channels: Array) -> Array:
    """Return the complex FIDs of a network's channels.

    Parameters
    ----------
    channels : Array, real, shape (..., 2, time)

    Returns
    -------
    Array, complex, shape (..., time)
    """
    return channels[..., 0, :] + 1j * channels[..., 1, :]


def on_network_points(fids: Complex, dwelltime_s: float, n_points: int, new_dwelltime_s: float) -> Complex:
    """Return FIDs on the points of a network.

    Parameters
    ----------
    fids : ndarray, complex, shape (fid, time)
    dwelltime_s : float
        Of ``fids``, in s.
    n_points : int
        Of the network.
    new_dwelltime_s : float
        Of the network, in s.

    Returns
    -------
    ndarray, complex, shape (fid, n_points)
        The same points, cut or continued with zeros, where the dwell times agree to 1e-4.
    """
    if abs(new_dwelltime_s / dwelltime_s - 1) < _SAME:
        cut = fids[:, :n_points]
        missing = n_points - cut.shape[1]
        return np.pad(cut, ((0, 0), (0, missing))) if missing else cut
    if new_dwelltime_s > dwelltime_s:
        # What lies beyond the new band would fold into it, noise first of all.
        fids = _low_pass(fids, dwelltime_s, 0.5 / new_dwelltime_s)
    return resample(fids, dwelltime_s, n_points, new_dwelltime_s)


def _low_pass(fids: Complex, dwelltime_s: float, highest_hz: float) -> Complex:
    """Return FIDs without frequencies above one, by a filter that ends softly.

    The filter rings where the record begins and ends; so the FID is first continued to before its start by
    linear prediction, and the ringing is cut off with it.
    """
    before = min(_BEFORE, fids.shape[1])
    longer = np.concatenate([points_before(fids, before), fids, np.zeros_like(fids[:, :before])], axis=1)
    frequency = np.abs(frequency_axis_hz(longer.shape[1], dwelltime_s)) / highest_hz
    beyond = np.clip((frequency - PASSBAND) / (1 - PASSBAND), 0, 1)
    filtered: Complex = spectrum_to_fid(fid_to_spectrum(longer) * np.cos(np.pi / 2 * beyond) ** 2)
    return filtered[:, before : before + fids.shape[1]]
