"""What every registration method takes and gives: transients in a band, shifts and phases out.

A method is a function ``(fids, reference, band) -> Registration``; :data:`METHODS` in
:mod:`fsl_mrs_dl.fit.methods` names them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsl_mrs_dl.data import Complex, MRSData, Real
from fsl_mrs_dl.physics import ppm_window


@dataclass(frozen=True, eq=False)
class Band:
    """Where in the spectrum to look, and how far to search.

    Attributes
    ----------
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    ppm : ndarray, float, shape (frequency,)
        Chemical shifts of the DFT bins, ascending.
    inside : ndarray, bool, shape (frequency,)
        The bins of the alignment window; all of them for a method that has no window.
    max_shift_hz : float
        Half the width of the search for a shift, in Hz.
    """

    dwelltime_s: float
    spectrometer_frequency_mhz: float
    ppm: Real
    inside: NDArray[np.bool_]
    max_shift_hz: float

    @classmethod
    def of(cls, data: MRSData, limits_ppm: tuple[float, float] | None, max_shift_hz: float) -> "Band":
        """Return the band of some data.

        Raises
        ------
        DataError
            If the limits hold fewer than four points of the spectrum.
        """
        inside = ppm_window(data.ppm_axis, limits_ppm)
        return cls(data.dwelltime_s, data.spectrometer_frequency_mhz, data.ppm_axis, inside, max_shift_hz)


@dataclass(frozen=True, eq=False)
class Registration:
    """Shift and phase of each transient against the reference; all arrays have shape (transient,).

    Attributes
    ----------
    shift_hz, phase_rad : ndarray, float
        In Hz and rad; a transient equals the reference moved by them.
    shift_hz_sd, phase_rad_sd : ndarray, float
        Standard deviations from the Fisher matrix; NaN where the method gives none.
    converged : ndarray, bool
        Whether the estimate settled inside the searched range.
    """

    shift_hz: Real
    phase_rad: Real
    shift_hz_sd: Real
    phase_rad_sd: Real
    converged: NDArray[np.bool_]


def weigh_coils(fids: Complex, noise_sd: Real) -> Complex:
    """Divide each coil by its noise, so that all coils count by what they know.

    Parameters
    ----------
    fids : ndarray, complex, shape (..., coil, time)
    noise_sd : ndarray, float, shape (coil,)

    Returns
    -------
    ndarray, complex, shape (..., coil, time)
    """
    return fids / noise_sd[:, None]
