"""Areas of lines with a known number of protons: the scale of concentrations, in data and in simulation."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import Basis, Complex, Real
from fsl_mrs_dl.physics.signal import damp
from fsl_mrs_dl.physics.spectrum import ppm_axis

WATER_PROTONS = 2
"""Protons of a water molecule."""
_DAMPING_RAD_PER_S = 5 * np.pi
"""Adds 5 Hz to the width, as a scan has it: the lines of a basis set that has not decayed at its end ring."""
REFERENCES: Mapping[tuple[str, ...], tuple[int, tuple[float, float]]] = MappingProxyType(
    {
        ("Cr", "PCr"): (5, (2.0, 5.0)),
        ("Cr",): (5, (2.0, 5.0)),
        ("PCr",): (5, (2.0, 5.0)),
        ("NAA",): (3, (1.8, 2.2)),
    }
)
"""Metabolites -> number of protons, limits in ppm, in order of preference; values of FSL-MRS."""


def area(fids: Complex, dwelltime_s: float, ppm: Real, limits_ppm: tuple[float, float]) -> Real:
    r"""Return the area of the real spectrum between limits, :math:`\sum |\mathrm{Re} S(f)| \Delta f`.

    The first point of the FID is halved (trapezoid rule): otherwise the spectrum has an offset, and windows of
    different width would hold different parts of it.

    Parameters
    ----------
    fids : ndarray, complex, shape (..., time)
        In phase.
    dwelltime_s : float
    ppm : ndarray, float, shape (time,)
        Chemical shifts of the DFT bins, ascending.
    limits_ppm : tuple of float

    Returns
    -------
    ndarray, float, shape (...)
        Independent of dwell time and number of points: one half of the FID's start for a line well inside.
    """
    halved = np.array(fids)
    halved[..., 0] /= 2
    spectrum = np.fft.fftshift(np.fft.fft(halved, axis=-1), axes=-1).real / fids.shape[-1]
    inside = (ppm >= min(limits_ppm)) & (ppm <= max(limits_ppm))
    total: Real = np.abs(spectrum[..., inside]).sum(axis=-1)
    return total


def area_of_a_proton(basis: Basis) -> float | None:
    """Return the area of one proton at amplitude 1, from the first of :data:`REFERENCES` in a basis set.

    Parameters
    ----------
    basis : Basis

    Returns
    -------
    float or None
        None where it has no Cr, PCr or NAA.
    """
    ppm = ppm_axis(
        basis.fids.shape[1], basis.dwelltime_s, basis.spectrometer_frequency_mhz, basis.reference_ppm
    )
    for names, (protons, limits_ppm) in REFERENCES.items():
        if names[0] in basis.names:
            line = basis.fids[basis.names.index(names[0])].astype(np.complex128)
            damped = damp(line, np.array(_DAMPING_RAD_PER_S), np.array(0.0), basis.dwelltime_s)
            return float(area(damped, basis.dwelltime_s, ppm, limits_ppm)) / protons
    return None
