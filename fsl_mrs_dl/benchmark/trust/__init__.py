"""Task ``trust``: how far to believe what ``quantify`` says."""

from fsl_mrs_dl.benchmark.trust.task import run

__all__ = ["run"]
