"""A basis set brought onto the points of the data."""

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError
from fsl_mrs_dl.physics import fid_to_spectrum, frequency_axis_hz, shift

_DEGREE = 7
_SAME_FIELD = 2e-3


def on_points(basis: Basis, n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Basis:
    """Return a basis set at other points: cut off, or interpolated in time by a spline of degree 7.

    A spline in time needs no periodic continuation, so nothing rings at t = 0. It is made around the middle of
    the basis set's spectrum; a line a quarter of the Nyquist frequency away from there (of the basis set) is
    wrong by 1e-3 in its first points and 1e-6 later, one at an eighth by less than 1e-5.

    Parameters
    ----------
    basis : Basis
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz; the basis set's, within 0.2 %: couplings do not scale with the field.

    Returns
    -------
    Basis

    Raises
    ------
    DataError
        If the basis set is of another field, or ends before the points asked for.
    """
    own_mhz = basis.spectrometer_frequency_mhz
    if abs(spectrometer_frequency_mhz / own_mhz - 1) > _SAME_FIELD:
        raise DataError(
            f"The basis set is of {own_mhz:g} MHz, the data are to be of {spectrometer_frequency_mhz:g} MHz; "
            "a basis set of the same field is needed."
        )
    own_points = basis.fids.shape[1]
    last_s, own_last_s = (n_points - 1) * dwelltime_s, (own_points - 1) * basis.dwelltime_s
    if last_s > own_last_s * (1 + 1e-6):
        raise DataError(
            f"The basis set lasts {own_last_s:.4g} s, the data are to last {last_s:.4g} s; "
            "use fewer points, a shorter dwell time, or a longer basis set."
        )
    if np.isclose(dwelltime_s, basis.dwelltime_s, rtol=1e-6, atol=0):
        fids = basis.fids[:, :n_points]
    else:
        from scipy.interpolate import make_interp_spline

        own_t = np.arange(own_points) * basis.dwelltime_s
        t = np.minimum(np.arange(n_points) * dwelltime_s, own_last_s)
        middle_hz = _middle_hz(basis)
        slow = shift(basis.fids, -middle_hz, basis.dwelltime_s)
        fids = shift(make_interp_spline(own_t, slow, k=_DEGREE, axis=1)(t), middle_hz, dwelltime_s)
    return Basis(fids, basis.names, dwelltime_s, own_mhz, basis.nucleus)


def _middle_hz(basis: Basis) -> float:
    """Return the mean frequency of the basis set's energy, in Hz."""
    energy = np.sum(np.abs(fid_to_spectrum(np.asarray(basis.fids))) ** 2, axis=0)
    frequency = frequency_axis_hz(basis.fids.shape[1], basis.dwelltime_s)
    return float(np.sum(energy * frequency) / max(np.sum(energy), np.finfo(float).tiny))
