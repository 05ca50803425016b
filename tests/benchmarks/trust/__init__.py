"""Task ``trust``: how far to believe what ``quantify`` says."""

from tests.benchmarks.trust.task import run

__all__ = ["run"]
