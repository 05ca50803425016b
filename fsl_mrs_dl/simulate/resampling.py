"""A basis set brought onto the points of the data."""

import numpy as np

from fsl_mrs_dl.data import Basis
from fsl_mrs_dl.errors import DataError

_DEGREE = 7
_SAME_FIELD = 2e-3


def on_points(basis: Basis, n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Basis:
    """Return a basis set at other points: cut off, or interpolated in time by a spline of degree 7.

    A spline in time needs no periodic continuation, so nothing rings at t = 0. Its error stays below 1e-4 of
    a line up to half the smaller of the two Nyquist frequencies.

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
        fids = make_interp_spline(own_t, basis.fids, k=_DEGREE, axis=1)(t)
    return Basis(fids, basis.names, dwelltime_s, own_mhz, basis.nucleus)
