"""Task ``dq``: quantification networks beside fits, bounds and the training mean."""

from fsl_mrs_dl.benchmark.dq.task import run

__all__ = ["run"]
