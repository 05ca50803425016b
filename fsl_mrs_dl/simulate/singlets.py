"""A basis set of the brain made of singlets: a single line for each proton group, at its published chemical shift.

There is no coupling: multiplets have the right chemical shift and area, but no splitting and no evolution over the
echo time. It needs no file and is exact at any field, dwell time and length; it is for registration, tests and
demonstrations. To simulate data for quantification, use a real basis set.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from fsl_mrs_dl.data import NUCLEI, Basis
from fsl_mrs_dl.physics import singlet
from fsl_mrs_dl.physics.lines import gamma_from_fwhm

Lines = tuple[tuple[float, float], ...]

SINGLETS: Mapping[str, Lines] = MappingProxyType(
    {
        "Ala": ((1.4667, 3), (3.7746, 1)),
        "Asp": ((3.8914, 1), (2.8011, 1), (2.6533, 1)),
        "Cr": ((3.027, 3), (3.913, 2)),
        "GABA": ((3.0128, 2), (1.8890, 2), (2.2840, 2)),
        "Gln": ((3.7530, 1), (2.1290, 1), (2.1090, 1), (2.4320, 1), (2.4540, 1)),
        "Glu": ((3.7433, 1), (2.0375, 1), (2.1200, 1), (2.3378, 1), (2.3520, 1)),
        "Gly": ((3.548, 2),),
        "GPC": ((3.212, 9), (4.312, 2), (3.659, 2)),
        "Ins": ((3.5217, 2), (4.0538, 1), (3.6144, 2), (3.2690, 1)),
        "Lac": ((1.3142, 3), (4.0974, 1)),
        "NAA": ((2.008, 3), (2.4863, 1), (2.6727, 1), (4.3817, 1)),
        "NAAG": ((2.042, 3),),
        "PCh": ((3.208, 9), (4.2805, 2), (3.641, 2)),
        "PCr": ((3.029, 3), (3.930, 2)),
        "sIns": ((3.340, 6),),
        "Tau": ((3.4206, 2), (3.2459, 2)),
    }
)
"""Metabolite -> (chemical shift in ppm, protons) of each proton group; exchanging protons left out.

Govindaraju, Young and Maudsley 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V, table 1
(of NAAG the acetyl group, of GPC trimethyl and choline groups alone).
"""


def brain_singlets(
    spectrometer_frequency_mhz: float,
    dwelltime_s: float = 1 / 4000,
    n_points: int = 2048,
    *,
    linewidth_hz: float = 1.0,
    table: Mapping[str, Lines] = SINGLETS,
) -> Basis:
    """Return the singlet basis at a field, a dwell time and a length.

    Parameters
    ----------
    spectrometer_frequency_mhz : float
        In MHz.
    dwelltime_s : float
        In s.
    n_points : int
    linewidth_hz : float
        Lorentzian FWHM of each line, in Hz.
    table : mapping
        Metabolite -> lines, as :data:`SINGLETS`.

    Returns
    -------
    Basis
        At amplitude 1 an FID starts at the number of protons of the metabolite.
    """
    like = np.empty(1, np.complex128)
    gamma = gamma_from_fwhm(linewidth_hz)
    fids = []
    for lines in table.values():
        ppm, protons = np.array(lines, dtype=np.float64).reshape(-1, 2).T
        offset_hz = (ppm - NUCLEI["1H"].reference_ppm) * spectrometer_frequency_mhz
        fids.append(protons @ singlet(n_points, dwelltime_s, offset_hz, gamma, 0.0, like))
    return Basis(np.array(fids), tuple(table), dwelltime_s, spectrometer_frequency_mhz)
