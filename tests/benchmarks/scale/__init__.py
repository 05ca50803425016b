"""Task ``scale``: MRSI and studies on one process and on two, killed and resumed, with the numbers compared."""

from tests.benchmarks.scale.task import run

__all__ = ["run"]
