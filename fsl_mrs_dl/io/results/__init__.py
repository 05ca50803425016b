"""Write and read results, in all their layouts."""

from fsl_mrs_dl.io.results.alignment import read_estimates, wrap, write_estimates
from fsl_mrs_dl.io.results.outcome import (
    EXTRA_COLUMNS,
    LEADING,
    POSTERIOR_COLUMNS,
    SCALINGS,
    Outcome,
    Scaled,
    WaterScaling,
)
from fsl_mrs_dl.io.results.posterior_maps import posterior_file
from fsl_mrs_dl.io.results.run_record import RUN_RECORD, files_of_earlier_run, run_record
from fsl_mrs_dl.io.results.writing import BASIS_FOLDER, FIXED_NAMES, write_outcome

__all__ = [
    "BASIS_FOLDER",
    "EXTRA_COLUMNS",
    "FIXED_NAMES",
    "LEADING",
    "POSTERIOR_COLUMNS",
    "RUN_RECORD",
    "SCALINGS",
    "Outcome",
    "Scaled",
    "WaterScaling",
    "files_of_earlier_run",
    "posterior_file",
    "read_estimates",
    "run_record",
    "wrap",
    "write_estimates",
    "write_outcome",
]
