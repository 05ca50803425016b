"""Task ``fpc``: frequency and phase correction, every network beside every other method and beside the bound."""

from tests.benchmarks.fpc.task import run

__all__ = ["run"]
