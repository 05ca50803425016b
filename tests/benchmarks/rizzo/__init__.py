"""Task ``rizzo``: the twenty-four networks of Rizzo et al. 2023, their ensembles and active learning, and bias."""

from tests.benchmarks.rizzo.task import run

__all__ = ["run"]
