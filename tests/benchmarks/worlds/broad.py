"""The macromolecules of a world: whose table, how large, and how they differ between spectra."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Complex
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.physics.lines import GaussianLine, area_in, sigma_from_fwhm
from fsl_mrs_dl.physics.macromolecules import MM_SETS
from tests.benchmarks.worlds.amounts import HEALTHY_TCR
from tests.benchmarks.worlds.spins import DWELLTIME_S, Making

NONE = "none"
SIZE_PPM = (0.7, 1.85)
"""Where the size of the macromolecules is told: metabolites other than Lac and Ala have nothing there."""
SIZE = 3.6
"""Area of the macromolecules in :data:`SIZE_PPM` over that of the methyl group of total creatine, at TE 30.

Of one healthy head at 3 T, PRESS, TR 2 s, as :func:`~.nulled.size_in_vivo` finds it: 3.63.
"""
T2_S, SIZE_ECHO_TIME_S = 0.030, 0.030
"""Decay with echo time of macromolecules, about 30 ms at 3 T, and the echo time of the size."""
SPREAD_SIZE, SPREAD_LINE, WIDTH_FACTOR = 0.25, 0.10, (0.9, 1.2)
"""SD of the logarithm of a spectrum's size and of each line's; ends of a spectrum's factor of all widths."""
METHYL_PROTONS = 3  # of CH3 of creatine


@cache
def lines_of(name: str) -> tuple[GaussianLine, ...] | None:
    """Return the lines of a table of macromolecules by name; None where its file is absent.

    Parameters
    ----------
    name : str
        Key of :data:`~fsl_mrs_dl.physics.macromolecules.MM_SETS`, or :data:`NONE`.
    """
    if name == NONE:
        return ()
    return MM_SETS[name]


def macromolecule_fids(
    lines: Sequence[GaussianLine], source_set: Making, echo_time_s: float, n: int, rng: np.random.Generator
) -> Complex:
    """Return the macromolecules of spectra, before the lineshape of the voxel.

    Parameters
    ----------
    lines : sequence of GaussianLine
    simulated : Making
        Gives unit, field and points.
    echo_time_s : float
        In s.
    n : int
        Spectra.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, complex128, shape (n, time)
    """
    n_points, mhz = source_set.fids.shape[1], source_set.spectrometer_frequency_mhz
    size = np.exp(SPREAD_SIZE * rng.standard_normal(n))
    each = np.exp(SPREAD_LINE * rng.standard_normal((n, len(lines))))
    wider = rng.uniform(*WIDTH_FACTOR, n)
    total = np.zeros((n, n_points), dtype=np.complex128)
    if not lines:
        return total
    unit = SIZE * METHYL_PROTONS * HEALTHY_TCR * source_set.per_proton / area_in(lines, SIZE_PPM)
    unit *= np.exp(-(echo_time_s - SIZE_ECHO_TIME_S) / T2_S)
    like = np.zeros(1, dtype=np.complex128)
    for m, line in enumerate(lines):
        hz = np.full(n, (line.ppm - NUCLEI["1H"].reference_ppm) * mhz)
        sigma = sigma_from_fwhm(line.fwhm_ppm * mhz * wider)
        fids = singlet(n_points, DWELLTIME_S, hz, 0.0 * hz, sigma, like)
        total += (unit * line.amplitude * size * each[:, m])[:, None] * fids
    return total
