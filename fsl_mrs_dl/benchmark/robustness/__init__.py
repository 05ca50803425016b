"""Task ``robustness``: damaged files in, plain words out; a killed run leaves old or new results."""

from fsl_mrs_dl.benchmark.robustness.task import run

__all__ = ["run"]
