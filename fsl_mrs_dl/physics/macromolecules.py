"""Published tables of macromolecules by name, from which worlds are made and priors can be."""

from collections.abc import Mapping
from types import MappingProxyType

from fsl_mrs_dl.physics.lines import BIRCH_2017, WILSON_2011, GaussianLine

MM_SETS: Mapping[str, tuple[GaussianLine, ...]] = MappingProxyType(
    {
        "wilson_2011": tuple(line for line in WILSON_2011 if line.signal.startswith("MM")),
        "birch_2017": BIRCH_2017,
    }
)
"""Name of a table -> its lines; amplitudes are areas, widths in ppm. Lines of one table share their scale."""
