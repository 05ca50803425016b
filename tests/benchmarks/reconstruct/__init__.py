"""Task ``reconstruct``: sparse reconstruction beside its rivals, and beside the fit on raw data."""

from tests.benchmarks.reconstruct.task import run

__all__ = ["run"]
