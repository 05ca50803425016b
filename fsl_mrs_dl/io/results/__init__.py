"""The layouts of results, written and read in one place."""

from fsl_mrs_dl.io.results.alignment import read_estimates, wrap, write_estimates
from fsl_mrs_dl.io.results.outcome import EXTRA_COLUMNS, SCALINGS, Outcome, Scaled, WaterScaling

__all__ = [
    "EXTRA_COLUMNS",
    "SCALINGS",
    "Outcome",
    "Scaled",
    "WaterScaling",
    "read_estimates",
    "wrap",
    "write_estimates",
]
