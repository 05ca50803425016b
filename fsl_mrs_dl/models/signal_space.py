"""The part of a transient that holds the metabolites from NAA to creatine's methylene group, and nothing else.

Residual water and lipids outside the voxel can be a hundred times as tall as the metabolites, and differ from one
transient to the next. Both lie in bands of frequency of their own. A decaying line whose frequency lies in a band
is, over the points of a record, a sum of the few sequences that are best concentrated in that band (Slepian 1978,
doi:10.1002/j.1538-7305.1978.tb02104.x). These are projected out, with the feet that reach to the metabolites; of
what is left the sequences of the band of the metabolites are kept. All of it is one matrix.
"""

from functools import cache

import numpy as np
from scipy.signal.windows import dpss

from fsl_mrs_dl.data import NUCLEI, Complex

WINDOW_PPM = (1.65, 4.22)
"""Band of the metabolites, in ppm: from NAA to creatine's CH2, each moved by 0.32 ppm at most."""
WATER_PPM, LIPIDS_PPM = (4.22, 5.15), (0.45, 1.6)
"""Bands of water and of lipids, in ppm, moved likewise."""
_MORE_WATER, _MORE_LIPIDS = 7, 6
"""Sequences removed beyond the time-bandwidth product. Of a line well inside its band 7 leave a 10 000th and 6 a
1000th; each more takes a piece of 8 Hz of the metabolites beside, NAA first of all."""
_MORE_METABOLITES = 2
"""Sequences kept beyond it, which hold nearly all of a line at the edge."""
_LEAST = 0.3
"""Least length of a kept direction once water and lipids are projected out, 0 to 1: of shorter ones little is left
but noise."""


def signal_space(
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    window_ppm: tuple[float, float] = WINDOW_PPM,
) -> Complex:
    """Return an orthonormal basis of the FIDs of a band without water and lipids.

    Parameters
    ----------
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    window_ppm : tuple of float
        Band that is kept, in ppm.

    Returns
    -------
    ndarray, complex, shape (time, direction)
        White noise has the same SD in each direction.
    """
    sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
    lipids = concentrated(*sampling, LIPIDS_PPM, _MORE_LIPIDS)
    removed, _ = np.linalg.qr(np.concatenate([water_space(*sampling), lipids], axis=1))
    inside = concentrated(*sampling, window_ppm, _MORE_METABOLITES)
    directions, lengths, _ = np.linalg.svd(
        inside - removed @ (removed.conj().T @ inside), full_matrices=False
    )
    space: Complex = directions[:, lengths > _LEAST]
    return space


@cache
def water_space(n_points: int, dwelltime_s: float, spectrometer_frequency_mhz: float) -> Complex:
    """Return an orthonormal basis of what lines in the band of water are, shape (time, sequence)."""
    sampling = (n_points, dwelltime_s, spectrometer_frequency_mhz)
    space, _ = np.linalg.qr(concentrated(*sampling, WATER_PPM, _MORE_WATER))
    return space


def concentrated(
    n_points: int,
    dwelltime_s: float,
    spectrometer_frequency_mhz: float,
    limits_ppm: tuple[float, float],
    more: int,
) -> Complex:
    """Return the orthonormal sequences best concentrated in a band.

    Parameters
    ----------
    n_points : int
    dwelltime_s : float
        In s.
    spectrometer_frequency_mhz : float
        In MHz.
    limits_ppm : tuple of float
        Ends of the band, in ppm.
    more : int
        Sequences beyond the time-bandwidth product.

    Returns
    -------
    ndarray, complex, shape (time, sequence)
    """
    low_hz, high_hz = (
        (ppm - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz for ppm in sorted(limits_ppm)
    )
    half_product = 0.5 * n_points * dwelltime_s * (high_hz - low_hz)
    n = min(n_points - 1, int(np.ceil(2 * half_product)) + more)
    sequences = np.atleast_2d(dpss(n_points, half_product, n))
    carrier = np.exp(1j * np.pi * (low_hz + high_hz) * dwelltime_s * np.arange(n_points))
    concentrated: Complex = (sequences * carrier).T
    return concentrated
