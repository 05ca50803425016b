"""Task ``robustness``: runs that are killed, stopped or whose disk is full leave old or new results."""

from tests.benchmarks.robustness.task import run

__all__ = ["run"]
