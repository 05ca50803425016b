"""Macromolecule and lipid lines from the literature, and their FIDs at any field.

Widths are in ppm, as published, and are converted to Hz at the field of the data: a macromolecule line is wide
because of its spread of chemical shifts, which grows with the field.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from scipy.special import erf

from fsl_mrs_dl.data import NUCLEI, Basis
from fsl_mrs_dl.physics.signal import singlet

Array = Any

_BIRCH_MHZ = 128.0  # 1H frequency of the 3 T scanner of Birch 2017, whose table has widths in Hz


@dataclass(frozen=True)
class GaussianLine:
    """A Gaussian line of a named signal.

    Attributes
    ----------
    signal : str
        Lines of one signal share an amplitude; their ratio is fixed.
    ppm : float
        Chemical shift, in ppm.
    amplitude : float
        Area, relative within its table.
    fwhm_ppm : float
        Full width at half maximum, in ppm.
    """

    signal: str
    ppm: float
    amplitude: float
    fwhm_ppm: float


BIRCH_2017: tuple[GaussianLine, ...] = tuple(
    GaussianLine("MM", ppm, amplitude, fwhm_hz / _BIRCH_MHZ)
    for ppm, amplitude, fwhm_hz in (
        (0.90, 0.72, 21.20),
        (1.21, 0.28, 19.16),
        (1.38, 0.38, 15.90),
        (1.63, 0.05, 7.50),
        (2.01, 0.45, 29.03),
        (2.09, 0.36, 20.53),
        (2.25, 0.36, 17.89),
        (2.61, 0.04, 5.30),
        (2.96, 0.20, 14.02),
        (3.11, 0.11, 17.89),
        (3.67, 0.64, 33.52),
        (3.80, 0.07, 11.85),
        (3.96, 1.00, 37.48),
    )
)
"""Measured macromolecules of the brain as 13 lines of one fixed-ratio signal; areas relative to the largest.

Birch, Peet, Dehghani and Wilson 2017, doi:10.1002/mrm.26103; widths in Hz at 128 MHz, the numbers as
tabulated for that source by the spant package.
"""

WILSON_2011: tuple[GaussianLine, ...] = tuple(
    GaussianLine(signal, ppm, amplitude, fwhm_ppm)
    for signal, ppm, fwhm_ppm, amplitude in (
        ("MM09", 0.91, 0.14, 3.00),
        ("MM12", 1.21, 0.15, 2.00),
        ("MM14", 1.43, 0.17, 2.00),
        ("MM17", 1.67, 0.15, 2.00),
        ("MM20", 2.08, 0.15, 1.33),
        ("MM20", 2.25, 0.20, 0.33),
        ("MM20", 1.95, 0.15, 0.33),
        ("MM20", 3.00, 0.20, 0.40),
        ("Lip09", 0.89, 0.14, 3.00),
        ("Lip13", 1.28, 0.15, 2.00),
        ("Lip13", 1.28, 0.089, 2.00),
        ("Lip20", 2.04, 0.15, 1.33),
        ("Lip20", 2.25, 0.15, 0.67),
        ("Lip20", 2.80, 0.20, 0.87),
    )
)
"""The simulated macromolecules and lipids of LCModel and TARQUIN: 14 lines, areas in protons (Cr CH3 = 3).

Provencher, LCModel manual, section "Lipids, macromolecules"; Wilson et al 2011, doi:10.1002/mrm.22579. The
second Lip13 line is 0.089 ppm wide in both; the 0.89 of some other software's copy is a slip.
"""


def gamma_from_fwhm(fwhm_hz: Array) -> Array:
    r"""Return the Lorentzian rate of a width, :math:`\gamma = \pi w`.

    Parameters
    ----------
    fwhm_hz : Array or float, real, shape (...)
        Full width at half maximum, in Hz.

    Returns
    -------
    Array or float, real, shape (...)
        In rad/s, as :func:`fsl_mrs_dl.physics.damp` takes it.
    """
    return math.pi * fwhm_hz


def sigma_from_fwhm(fwhm_hz: Array) -> Array:
    r"""Return the Gaussian rate of a width, :math:`\sigma = \pi w / (2 \sqrt{\ln 2})`.

    The line :math:`e^{-\sigma^2 t^2}` then has the spectrum :math:`e^{-(\pi f / \sigma)^2}`, one half at
    :math:`f = w / 2`.

    Parameters
    ----------
    fwhm_hz : Array or float, real, shape (...)
        Full width at half maximum, in Hz.

    Returns
    -------
    Array or float, real, shape (...)
        In rad/s, as :func:`fsl_mrs_dl.physics.damp` takes it.
    """
    return math.pi / (2 * math.sqrt(math.log(2))) * fwhm_hz


def gaussian_lines(
    lines: Sequence[GaussianLine],
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    like: Array,
    reference_ppm: float = NUCLEI["1H"].reference_ppm,
) -> Array:
    """Return the FID of each line, with its amplitude.

    Parameters
    ----------
    lines : sequence of GaussianLine
        For example :data:`BIRCH_2017` or :data:`WILSON_2011`.
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    like : Array, complex
        Gives library, device and precision.
    reference_ppm : float
        Chemical shift at the spectrometer frequency, in ppm.

    Returns
    -------
    Array, complex, shape (line, time)
    """
    xp = array_namespace(like)
    offset_hz = np.array([line.ppm - reference_ppm for line in lines]) * spectrometer_frequency_mhz
    sigma = sigma_from_fwhm(np.array([line.fwhm_ppm for line in lines]) * spectrometer_frequency_mhz)
    fids = singlet(n_points, dwelltime_s, offset_hz, np.zeros(len(lines)), sigma, like)
    amplitudes = xp.asarray([line.amplitude for line in lines], dtype=fids.dtype, device=device(fids))
    return amplitudes[:, None] * fids


def line_basis(
    lines: Sequence[GaussianLine], n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float
) -> Basis:
    """Return a basis set with one FID for each named signal: the sum of its lines.

    Parameters
    ----------
    lines : sequence of GaussianLine
        Of 1H.
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.

    Returns
    -------
    Basis
    """
    fids = gaussian_lines(
        lines, n_points, dwelltime_s, spectrometer_frequency_mhz, np.empty(1, np.complex128)
    )
    names = tuple(dict.fromkeys(line.signal for line in lines))
    member = np.array([[line.signal == name for line in lines] for name in names])
    return Basis(member.astype(np.float64) @ fids, names, dwelltime_s, spectrometer_frequency_mhz)


def area_in(lines: Sequence[GaussianLine], limits: tuple[float, float]) -> float:
    """Return the area of Gaussian lines within limits in ppm.

    Parameters
    ----------
    lines : sequence of GaussianLine
    limits : tuple of float
        In ppm.
    """
    place = np.array([line.ppm for line in lines])
    # A Gaussian of width w (FWHM) has erf(2 sqrt(ln 2) x / w) / 2 of its area between its middle and x.
    steep = 2 * np.sqrt(np.log(2)) / np.array([line.fwhm_ppm for line in lines])
    low, high = (erf(steep * (edge - place)) / 2 for edge in limits)
    return float(np.array([line.amplitude for line in lines]) @ (high - low))
