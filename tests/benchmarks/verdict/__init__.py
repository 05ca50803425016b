"""Task ``verdict``: limits of good spectra, set without one site or scan, and damaged copies judged with them."""

from tests.benchmarks.verdict.task import run

__all__ = ["run"]
