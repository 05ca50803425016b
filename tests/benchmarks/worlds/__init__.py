"""Task ``worlds``: quantification judged on spectra of known truth that the fit's model did not make."""

from tests.benchmarks.worlds.task import run

__all__ = ["run"]
