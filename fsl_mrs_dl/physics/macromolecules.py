"""Tables of macromolecules by name, published or measured, for simulation and for priors.

Each table is one signal with fixed ratios: areas relative to the line at 0.9 ppm, widths (FWHM) in ppm.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fsl_mrs_dl.physics.lines import BIRCH_2017, WILSON_2011, GaussianLine


def _table(rows: Sequence[tuple[float, float, float]]) -> tuple[GaussianLine, ...]:
    """Return lines from rows of chemical shift in ppm, area, and width in ppm."""
    return tuple(GaussianLine("MM", ppm, area, fwhm_ppm) for ppm, area, fwhm_ppm in rows)


POVAZAN_2015 = _table(
    (
        (0.95, 1, 0.1077),
        (1.235, 0.41, 0.0774),
        (1.427, 0.98, 0.0875),
        (1.705, 0.79, 0.1043),
        (2.07, 1.687, 0.1279),
        (2.295, 1.333, 0.1077),
        (3.03, 0.867, 0.0875),
        (3.24, 0.067, 0.1615),
        (3.98, 1.553, 0.3668),
    )
)
"""Human brain, 7 T, FID-MRSI with double inversion: 9 Gaussians fitted to the mean of six spectra.

Povazan et al. 2015, doi:10.1016/j.neuroimage.2015.07.042; numbers as released with the simulator MMSim, amounts
times protons, widths from Hz at 297.2 MHz.
"""

MURALI_2020_GREY = _table(
    (
        (0.916, 1, 0.1082),
        (1.197, 0.506, 0.1114),
        (1.402, 0.797, 0.1275),
        (1.671, 1.279, 0.213),
        (2.02, 1.88, 0.2009),
        (2.262, 1.592, 0.1971),
        (2.55, 0.415, 0.1527),
        (2.694, 0.314, 0.1021),
        (2.97, 0.629, 0.1423),
        (3.173, 0.493, 0.2038),
        (3.706, 0.235, 0.1375),
        (3.826, 0.292, 0.1026),
        (3.913, 0.524, 0.0799),
    )
)
"""Human occipital grey matter, 9.4 T, semi-LASER TE 24 ms, double inversion, sum of 11 people.

Murali-Manohar et al. 2020, doi:10.1002/mrm.28174: areas of the LCModel fit released with it, widths of its fitted
curves.
"""

MURALI_2020_WHITE = _table(
    (
        (0.916, 1, 0.1191),
        (1.204, 0.312, 0.0889),
        (1.393, 0.719, 0.1264),
        (1.673, 1.239, 0.2129),
        (2.02, 1.529, 0.2064),
        (2.252, 1.24, 0.1937),
        (2.543, 0.268, 0.1437),
        (2.697, 0.331, 0.1095),
        (2.971, 0.509, 0.139),
        (3.171, 0.488, 0.203),
        (3.635, 0.151, 0.1237),
        (3.743, 0.219, 0.1018),
        (3.853, 0.359, 0.1026),
        (3.982, 0.133, 0.1021),
    )
)
"""As :data:`MURALI_2020_GREY`, of occipital white matter."""

CONSENSUS_4T = _table(
    (
        (0.93, 1, 0.1492),
        (1.224, 0.152, 0.0914),
        (1.415, 0.538, 0.1354),
        (1.667, 0.777, 0.1995),
        (1.881, 0.617, 0.2059),
        (2.046, 1.234, 0.1778),
        (2.262, 0.805, 0.2202),
        (2.552, 0.05, 0.0902),
        (2.678, 0.089, 0.1194),
        (2.997, 0.513, 0.1481),
        (3.2, 0.227, 0.1369),
        (3.622, 0.463, 0.2157),
        (3.781, 0.386, 0.1475),
        (3.916, 0.487, 0.1596),
        (4.078, 0.334, 0.3108),
        (1.42, 2.928, 0.9),
        (2.43, 3.526, 0.9),
        (3.44, 1.579, 0.9),
        (4.45, 0.881, 0.9),
    )
)
"""Human brain, 4 T, STEAM TE 4 ms: 15 Gaussians and a continuum of four of 0.9 ppm, fitted for this package.

Fitted to the metabolite-nulled spectrum of the consensus on macromolecules (Cudalbu et al. 2021,
doi:10.1002/nbm.4393, its public collection); residual 1.4 % of the highest peak.
"""

CONSENSUS_7T = _table(
    (
        (0.93, 1, 0.1344),
        (1.228, 0.21, 0.0905),
        (1.422, 0.59, 0.1206),
        (1.686, 0.946, 0.1961),
        (1.894, 0.497, 0.1606),
        (2.055, 1.269, 0.1844),
        (2.283, 0.551, 0.1577),
        (2.558, 0.047, 0.0604),
        (2.705, 0.077, 0.083),
        (3.005, 0.493, 0.122),
        (3.211, 0.372, 0.1614),
        (3.651, 0.537, 0.2529),
        (3.823, 0.441, 0.1554),
        (3.94, 0.468, 0.1196),
        (4.061, 0.058, 0.0833),
        (1.43, 2.448, 0.9),
        (2.44, 3.129, 0.9),
        (3.46, 0.904, 0.9),
    )
)
"""As :data:`CONSENSUS_4T`, 7 T, STEAM TE 6 ms; residual 2.4 %. What lies under the water was left out."""

NULLED_3T = _table(
    (
        (0.700, 0.017, 0.12),
        (0.850, 0.046, 0.12),
        (0.850, 0.193, 0.2),
        (0.925, 0.195, 0.12),
        (0.925, 0.342, 0.2),
        (1.000, 0.056, 0.12),
        (1.075, 0.152, 0.2),
        (1.150, 0.036, 0.12),
        (1.225, 0.152, 0.12),
        (1.225, 0.192, 0.2),
        (1.375, 0.143, 0.12),
        (1.375, 0.469, 0.2),
        (1.450, 0.163, 0.12),
        (1.600, 0.110, 0.12),
        (1.600, 0.562, 0.2),
        (1.675, 0.218, 0.12),
        (1.750, 0.105, 0.12),
        (1.825, 0.518, 0.2),
        (1.900, 0.127, 0.12),
        (1.975, 0.250, 0.12),
        (2.050, 0.083, 0.12),
        (2.050, 0.730, 0.2),
        (2.125, 0.396, 0.2),
        (2.200, 0.075, 0.12),
        (2.275, 0.081, 0.12),
        (2.275, 0.587, 0.2),
        (2.425, 0.375, 0.2),
        (2.500, 0.025, 0.12),
        (2.575, 0.051, 0.12),
        (2.650, 0.032, 0.12),
        (2.650, 0.312, 0.2),
        (2.800, 0.098, 0.12),
        (2.950, 0.109, 0.12),
        (2.950, 0.278, 0.2),
        (3.025, 0.111, 0.12),
        (3.100, 0.025, 0.12),
        (3.175, 0.011, 0.12),
        (3.175, 0.287, 0.2),
        (3.400, 0.116, 0.2),
        (3.475, 0.030, 0.12),
        (3.550, 0.064, 0.12),
        (3.625, 0.178, 0.12),
        (3.775, 0.042, 0.12),
        (3.775, 0.565, 0.2),
        (3.850, 0.036, 0.12),
        (3.925, 0.357, 0.12),
        (4.000, 0.123, 0.12),
        (4.000, 0.033, 0.2),
    )
)
"""Human brain, 3 T, PRESS TE 30 ms, TR 2 s, inversion 600 ms before: 48 Gaussians, fitted for this package.

Fitted by non-negative least squares to the metabolite-nulled spectrum of the example data of Osprey (one person,
``sub-01_press-inverted``; doi:10.1016/j.jneumeth.2020.108827), whose water and what was left of metabolites were
taken off (``nulled_lines`` in ``tests/benchmarks/worlds/nulled.py``). Above 4.08 ppm water hides them.
"""

MM_SETS: Mapping[str, tuple[GaussianLine, ...]] = MappingProxyType(
    {
        "wilson_2011": tuple(line for line in WILSON_2011 if line.signal.startswith("MM")),
        "birch_2017": BIRCH_2017,
        "povazan_2015": POVAZAN_2015,
        "murali_2020_grey": MURALI_2020_GREY,
        "murali_2020_white": MURALI_2020_WHITE,
        "consensus_4t": CONSENSUS_4T,
        "consensus_7t": CONSENSUS_7T,
        "nulled_3t": NULLED_3T,
    }
)
"""Name of a table -> its lines; amplitudes are areas, whose scale is each table's own."""
