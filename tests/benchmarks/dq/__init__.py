"""Task ``dq``: quantification networks beside fits, bounds and the training mean."""

from tests.benchmarks.dq.task import run

__all__ = ["run"]
